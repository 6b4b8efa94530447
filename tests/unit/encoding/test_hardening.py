"""Each hardening step has the property that makes it worth having."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.encoding import loading
from pprl.encoding.hardening import (
    Balance,
    Diffuse,
    Flip,
    Permute,
    Rehash,
    Resample,
    Rule90,
    WindowXor,
    XorFold,
    diffusion_sets,
    keyed_permutation,
)
from pprl.errors import AgreementError
from pprl.keys import LinkageKey
from pprl.model import BitMatrix

PROJECT = LinkageKey(bytes(32)).for_project("test", epoch=1)
KEY = PROJECT.derive("step")
RNG = np.random.default_rng(3)


def random_bits(n_records: int, n_bits: int, fill: float) -> np.ndarray:
    """Independent bits."""
    return RNG.random((n_records, n_bits)) < fill


@given(st.integers(2, 5), st.integers(8, 70), st.integers(64, 130))
def test_diffusion_equals_the_slow_twin(t, n_in, n_out):
    """Each output bit is the XOR of its input bits."""
    bits = random_bits(3, n_in, 0.4)
    sets = diffusion_sets(KEY, n_in=n_in, n_out=n_out, t=t)
    expected = [[bool(sum(row[i] for i in one) % 2) for one in sets.tolist()] for row in bits]

    actual = Diffuse(t=t, n_bits=n_out)(BitMatrix.from_bools(bits), KEY)

    assert expected == actual.to_bools().tolist()


@given(st.integers(2, 16), st.integers(16, 200), st.integers(64, 300))
def test_diffusion_uses_every_position_almost_equally(t, n_in, n_out):
    """No position twice in a set, and pools that are used up before they are refilled."""
    sets = diffusion_sets(KEY, n_in=n_in, n_out=n_out, t=t)
    uses = np.bincount(sets.reshape(-1), minlength=n_in)

    assert all(len(set(one)) == t for one in sets.tolist())
    assert uses.max() - uses.min() <= 2


@pytest.mark.parametrize("t", [2, 3, 5])
@pytest.mark.parametrize("d", [0.05, 0.2])
def test_diffusion_stretches_differences_as_predicted(t, d):
    """d_out = (1 - (1 - 2d)^t) / 2 (Armknecht, Heng & Schnell 2023), within sampling error."""
    bits = random_bits(400, 1024, 0.45)
    changed = bits ^ random_bits(400, 1024, d)
    step = Diffuse(t=t, n_bits=1024)
    expected = (1 - (1 - 2 * d) ** t) / 2

    one, two = (step(BitMatrix.from_bools(side), KEY).to_bools() for side in (bits, changed))

    assert expected == pytest.approx((one ^ two).mean(), abs=0.006)


def test_xor_fold_is_the_xor_of_the_halves():
    """1100 1010 folds to 0110."""
    bits = np.array([[1, 1, 0, 0, 1, 0, 1, 0]], dtype=bool)

    folded = XorFold()(BitMatrix.from_bools(bits), KEY)

    assert [[0, 1, 1, 0]] == folded.to_bools().astype(int).tolist()


def test_xor_fold_of_an_odd_length_is_refused():
    """With advice."""
    with pytest.raises(AgreementError, match="even row length, got 7"):
        XorFold().out_bits(7)


def test_permutation_moves_bits_and_loses_none():
    """Every position occurs once, and bits follow it."""
    order = keyed_permutation(KEY, "order", 100)
    bits = random_bits(2, 100, 0.5)

    moved = Permute()(BitMatrix.from_bools(bits), KEY)

    assert list(range(100)) == sorted(order.tolist())
    assert bits[:, order].tolist() == moved.to_bools().tolist()


def test_permutations_are_uniform():
    """All 24 orders of four occur about equally often, those of one cycle no oftener (Sattolo's bug)."""
    seen: dict[tuple[int, ...], int] = {}
    for i in range(4800):
        order = tuple(keyed_permutation(PROJECT.derive(str(i)), "order", 4).tolist())
        seen[order] = seen.get(order, 0) + 1

    statistic = sum((count - 200) ** 2 / 200 for count in seen.values())

    assert 24 == len(seen)
    assert statistic < 66  # chi-squared, 23 degrees of freedom, 1 - 1e-5


def test_each_record_has_noise_of_its_own():
    """Equal records must not stay equal, or the noise cancels out."""
    equal = BitMatrix.from_bools(np.zeros((50, 1024), dtype=bool))

    noisy = Flip(probability=Decimal("0.2"))(equal, KEY).to_bools()

    assert 50 == len({row.tobytes() for row in noisy})


def test_too_little_noise_is_refused():
    """A hardening that is declared and does not happen is worse than none."""
    with pytest.raises(AgreementError, match="1 / 32768"):
        Flip(probability=Decimal("0.00001"))


def test_noise_differs_from_run_to_run():
    """It comes from the operating system and not from the key."""
    bits = BitMatrix.from_bools(np.zeros((1, 1024), dtype=bool))
    step = Flip(probability=Decimal("0.2"))

    assert step(bits, KEY).to_bytes() != step(bits, KEY).to_bytes()


def test_a_replaced_bit_changes_half_of_the_time():
    """So p = 0.2 changes a tenth of the bits, zeros and ones alike."""
    bits = random_bits(400, 1024, 0.5)

    changed = Flip(probability=Decimal("0.2"))(BitMatrix.from_bools(bits), KEY).to_bools() ^ bits

    assert changed[bits].mean() == pytest.approx(0.1, abs=0.004)
    assert changed[~bits].mean() == pytest.approx(0.1, abs=0.004)


STEPS = [
    Diffuse(t=2, n_bits=128),
    Diffuse(t=3, n_bits=100),
    XorFold(),
    Rule90(),
    Rule90(rounds=3),
    Balance(),
    Permute(),
    Resample(n_bits=200),
    WindowXor(width=5),
    Rehash(width=4, stride=3, k=2, n_bits=128),
    Flip(probability=Decimal("0.1")),
]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_says_what_it_will_give(step):
    """The agreement is checked with it before any record is read."""
    bits = BitMatrix.from_bools(np.zeros((3, 256), dtype=bool))

    assert step.out_bits(256) == step(bits, KEY).n_bits
    assert 0 == len(step(bits.take(np.array([], dtype=np.int64)), KEY))


@pytest.mark.parametrize("n_bits", [64, 100, 256])
@pytest.mark.parametrize("step", STEPS[:-1])
def test_compiled_loops_equal_their_twins(monkeypatch, step, n_bits):
    """Also where rows do not fill their last word, and records not their last block."""
    bits = BitMatrix.from_bools(random_bits(70, n_bits, 0.4))
    made = []

    for compiled_from in (0, 1 << 60):
        monkeypatch.setattr(loading, "COMPILED_FROM", compiled_from)
        made.append(step(bits, KEY).to_bytes())

    assert made[0] == made[1]


def test_rule_90_is_the_xor_of_both_neighbours():
    """In a ring: 1000 becomes 0101."""
    bits = BitMatrix.from_bools(np.array([[1, 0, 0, 0]], dtype=bool))

    assert [[0, 1, 0, 1]] == Rule90()(bits, KEY).to_bools().astype(int).tolist()


def test_two_rounds_of_rule_90_are_one_after_another():
    """As two steps in a chain would be."""
    bits = BitMatrix.from_bools(random_bits(5, 100, 0.4))

    assert Rule90()(Rule90()(bits, KEY), KEY).to_bytes() == Rule90(rounds=2)(bits, KEY).to_bytes()


def test_balance_hides_the_length():
    """Every record has half of its bits set, whatever it had before."""
    bits = np.concatenate([random_bits(20, 128, fill) for fill in (0.05, 0.5, 0.9)])

    balanced = Balance()(BitMatrix.from_bools(bits), KEY)

    assert {128} == set(balanced.popcounts().tolist())


def test_balance_keeps_differences():
    """As many bits differ as before, twice; so it leaks as much similarity."""
    bits = random_bits(2, 128, 0.3)
    balanced = Balance()(BitMatrix.from_bools(bits), KEY).to_bools()

    assert 2 * (bits[0] ^ bits[1]).sum() == (balanced[0] ^ balanced[1]).sum()


def test_resampling_is_xor_and_not_and():
    """A peer computes AND by mistake: then zeros alone would give what they give here, but ones not."""
    ones = BitMatrix.from_bools(np.ones((1, 512), dtype=bool))

    assert 0 == int(Resample(n_bits=512)(ones, KEY).popcounts()[0])


def test_window_xor_is_the_xor_of_two_windows():
    """10010000 with windows of three: bit i and bit i + 3."""
    bits = BitMatrix.from_bools(np.array([[1, 0, 0, 1, 0, 0, 0, 0]], dtype=bool))

    assert [[0, 0, 0, 1, 0, 1, 0, 0]] == WindowXor(width=3)(bits, KEY).to_bools().astype(int).tolist()


def test_rehashing_equals_the_slow_twin():
    """Each window's content and place name its positions."""
    step = Rehash(width=3, stride=2, k=2, n_bits=64)
    bits = random_bits(6, 20, 0.4)
    expected = np.zeros((6, 64), dtype=bool)
    for row, record in enumerate(bits):
        for start in range(0, 18, 2):
            content = sum(1 << i for i in range(3) if record[start + i])
            stream = KEY.stream(f"window {start}".encode(), 2 * 2 * 8)
            for i in range(2):
                at = 2 * (2 * content + i)
                expected[row, int.from_bytes(stream[at : at + 2], "little") % 64] = True

    actual = step(BitMatrix.from_bools(bits), KEY)

    assert expected.tolist() == actual.to_bools().tolist()


@pytest.mark.parametrize("step", [Diffuse(t=2, n_bits=128), Balance(), Permute(), Resample(n_bits=128)])
def test_a_keyed_step_depends_on_its_key(step):
    """The same step at another place in the chain has another key."""
    bits = BitMatrix.from_bools(random_bits(3, 128, 0.4))

    assert step(bits, KEY).to_bytes() != step(bits, PROJECT.derive("another place")).to_bytes()
