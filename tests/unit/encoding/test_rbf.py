"""Record-level filters are half full, hold each field by its weight, and equal their slow twin."""

import hmac
from itertools import starmap

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pprl.encoding import loading, loops, vocabulary
from pprl.encoding.filters import Bag, Member
from pprl.encoding.hardening import keyed_permutation
from pprl.encoding.rbf import filter_length, rbf, sampled_bits, shares, wide_positions
from pprl.encoding.tokens import Exact, QGrams
from pprl.encoding.vocabulary import LabelledBag
from pprl.keys import LinkageKey
from pprl.model import TextColumn

PROJECT = LinkageKey(bytes(32)).for_project("test", epoch=1)
KEY = PROJECT.derive("encoding", "all", "rbf")
words = st.one_of(st.none(), st.text(alphabet="abc ", max_size=6), st.sampled_from(["anna", "anne", "bo"]))
rows = st.lists(st.tuples(words, words, words), min_size=1, max_size=12)


def labelled(name: str, members, expected: int, key=PROJECT) -> LabelledBag:
    """A bag of (column, tokeniser, weight)."""
    return LabelledBag(
        ("field", name),
        Bag(key.derive("field", "all", name), tuple(starmap(Member, members))),
        expected,
    )


def positions_by_hand(material: bytes, token: str, k: int, length: int) -> list[int]:
    """The slow twin: one 64-bit number after another until k distinct positions are found."""
    found: list[int] = []
    counter = 0
    while len(found) < k:
        block = hmac.digest(material, counter.to_bytes(4, "big") + token.encode(), "sha256")
        for i in range(0, 32, 8):
            position = int.from_bytes(block[i : i + 8], "little") % length
            if position not in found:
                found.append(position)
        counter += 1
    return found[:k]


def rbf_by_hand(bags: list[LabelledBag], key, k: int, n_records: int, n_bits: int) -> list[list[int]]:
    """The slow twin: one record after another, each with its field filters."""
    bags = sorted(bags, key=lambda one: one.label)
    n_shared = shares([one.weight for one in bags], n_bits)
    order = keyed_permutation(key, "order", n_bits)
    matrix = []
    for record in range(n_records):
        sampled: list[int] = []
        for one, n_sampled in zip(bags, n_shared, strict=True):
            length = filter_length(k, one.expected_tokens)
            field = [0] * length
            for member in one.bag.members:
                value = member.column.to_texts()[record]
                for token in member.cut(value) if value is not None else ():
                    for position in positions_by_hand(one.bag.key._material, token, k, length):
                        field[position] = 1
            sampled += [
                field[j] for j in sampled_bits(key, one.label, length=length, n_sampled=n_sampled).tolist()
            ]
        matrix.append([sampled[j] for j in order.tolist()])
    return matrix


@pytest.mark.parametrize("compiled", [False, True])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(rows, st.integers(1, 20), st.integers(1, 12), st.integers(1, 300))
def test_filters_equal_the_slow_twin(compiled, monkeypatch, records, k, expected, weight):
    """For any records, a bag of two fields beside a field alone, with both loops."""
    monkeypatch.setattr(loading, "COMPILED_FROM", 0 if compiled else 1 << 60)
    columns = [TextColumn.from_texts(column) for column in zip(*records, strict=True)]
    names = labelled("names", [(columns[0], QGrams(), weight), (columns[1], QGrams(), 100)], expected)
    bags = [names, labelled("code", [(columns[2], Exact(), 40)], 1)]

    actual = rbf(bags, KEY, k=k, n_records=len(records), n_bits=128)

    assert rbf_by_hand(bags, KEY, k, len(records), 128) == actual.to_bools().astype(int).tolist()


@given(st.text(max_size=6), st.integers(1, 60), st.integers(0, 200))
def test_positions_equal_the_slow_twin(token, k, more):
    """Of any length, also where all positions are asked for; distinct."""
    key = PROJECT.derive("x")

    positions = wide_positions(key, token, k=k, length=k + more)

    assert k == len(set(positions))
    assert positions_by_hand(key._material, token, k, k + more) == positions


def test_positions_are_uniform_where_the_length_is_no_power_of_two():
    """Chi-squared over 100 positions of 4,000 tokens stays under its 1 - 1e-6 quantile."""
    key = PROJECT.derive("x")
    drawn = [wide_positions(key, f"token {i}", k=8, length=100) for i in range(4000)]
    counts = np.bincount(np.reshape(drawn, -1), minlength=100)

    statistic = float(((counts - counts.mean()) ** 2 / counts.mean()).sum())

    assert statistic < 176


@given(st.integers(1, 100), st.integers(1, 50))
def test_the_length_is_durhams(k, expected):
    """A bit stays zero with (1 - 1/m) ** (k g) = 0.5, but for rounding."""
    length = filter_length(k, expected)
    empty = [(1 - 1 / (length + off)) ** (k * expected) for off in (-0.5, 0.5) if length + off > 1]

    assert min(empty) <= 0.5 + 1e-9
    assert max(empty) >= 0.5 - 1e-9


def test_a_record_with_the_expected_tokens_is_half_full():
    """Whatever the number of tokens; distinct positions make it a little more where tokens are few."""
    rng = np.random.default_rng(5)
    for expected in (3, 8, 20):
        column = TextColumn.from_texts(
            [" ".join(f"{number:04d}" for number in rng.choice(9999, expected, False)) for _ in range(300)]
        )
        bag = labelled("x", [(column, QGrams(q=4, padded=False), 1)], expected)

        bits = rbf([bag], KEY, k=15, n_records=300, n_bits=1024)

        assert 0.5 == pytest.approx(bits.popcounts().mean() / 1024, abs=0.05)


def test_a_field_has_its_weight_in_the_record():
    """Of 1,024 bits, 3 in 4 are those of a field that weighs three times another's."""
    present = TextColumn.from_texts([f"w{i}" for i in range(400)])
    absent = TextColumn.from_texts([None] * 400)
    columns = {"heavy": (present, 300), "light": (absent, 100)}
    bags = [labelled(name, [(column, QGrams(), weight)], 3) for name, (column, weight) in columns.items()]

    used = np.bitwise_or.reduce(rbf(bags, KEY, k=10, n_records=400, n_bits=1024).words, axis=0)

    assert 768 == int(np.bitwise_count(used).sum())


@given(st.lists(st.integers(1, 4096), min_size=1, max_size=10), st.sampled_from([64, 1024]))
def test_shares_are_exact(weights, n_bits):
    """All bits are given, and nobody is a whole bit away from the exact share."""
    given_out = shares(weights, n_bits)

    assert n_bits == sum(given_out)
    assert all(
        abs(share - n_bits * weight / sum(weights)) < 1
        for share, weight in zip(given_out, weights, strict=True)
    )


def test_bits_are_sampled_almost_equally_often():
    """Also where a record holds more bits than a field filter has."""
    uses = np.bincount(sampled_bits(KEY, ("field", "x"), length=100, n_sampled=250), minlength=100)

    assert {2, 3} == set(uses.tolist())


def test_the_order_of_bags_changes_nothing():
    """They are laid out by name."""
    column = TextColumn.from_texts(["anna", "bo"])
    bags = [labelled(name, [(column, QGrams(), weight)], 4) for name, weight in (("a", 50), ("b", 70))]

    one, two = (rbf(some, KEY, k=5, n_records=2, n_bits=256).to_bytes() for some in (bags, bags[::-1]))

    assert one == two


def test_another_key_gives_unrelated_bits():
    """Two half-full filters differ in half of their bits."""
    column = TextColumn.from_texts([f"name{i}" for i in range(200)])
    other = LinkageKey(bytes([1] * 32)).for_project("test", epoch=1)

    one, two = (
        rbf(
            [labelled("x", [(column, QGrams(), 1)], 8, project)],
            project.derive("encoding"),
            k=15,
            n_records=200,
            n_bits=1024,
        ).to_bools()
        for project in (PROJECT, other)
    )

    assert 0.5 == pytest.approx((one ^ two).mean(), abs=0.02)


def test_absent_records_stay_empty_and_chunks_change_nothing(monkeypatch):
    """Work is cut into chunks and blocks only to bound the memory."""
    column = TextColumn.from_texts([None if i % 5 == 0 else f"name{i}" for i in range(50)])
    bag = labelled("x", [(column, QGrams(), 1)], 7)
    expected = rbf([bag], KEY, k=9, n_records=50, n_bits=256)

    monkeypatch.setattr(loops, "CHUNK", 16)
    monkeypatch.setattr(vocabulary, "CELLS", 3 * 256)
    actual = rbf([bag], KEY, k=9, n_records=50, n_bits=256, workers=2)

    assert expected.to_bytes() == actual.to_bytes()
    assert [i for i in range(50) if i % 5 == 0] == np.flatnonzero(actual.popcounts() == 0).tolist()
