"""The noise check: masks that come again are found, fresh ones are not accused."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.auditing.noise import check_noise, judge_masks
from pprl.auditing.scenes import rows_of
from pprl.encoding.encoder import encode_passes
from pprl.encoding.hardening import Balance, Diffuse, Flip, Permute, XorFold
from pprl.errors import UsageError
from pprl.model import BitMatrix

SHARE = 0.1  # of bits that the planted noise changes


def masked(bits, masks):
    """Filters with their bits changed."""
    return BitMatrix.from_bools(bits.to_bools() ^ masks)


def one_mask_for_all(bits, run):
    """A generator re-seeded for every record, anew in each run."""
    return masked(bits, np.random.default_rng(run).random((1, bits.n_bits)) < SHARE)


def a_mask_for_each_content(bits, run):
    """A generator seeded with the record."""
    seeds = bits.words.sum(axis=1).tolist()
    return masked(bits, [np.random.default_rng(seed).random(bits.n_bits) < SHARE for seed in seeds])


def a_mask_for_each_place(bits, run):
    """A generator seeded with the number of the row."""
    return masked(bits, [np.random.default_rng(row).random(bits.n_bits) < SHARE for row in range(len(bits))])


def a_mask_for_each_run(bits, run):
    """A generator seeded once, with the same seed in each run."""
    return masked(bits, np.random.default_rng(7).random((len(bits), bits.n_bits)) < SHARE)


def twenty_masks(bits, run):
    """Masks drawn once, from which each record draws one."""
    rng = np.random.default_rng(run)
    return masked(bits, (rng.random((20, bits.n_bits)) < SHARE)[rng.integers(20, size=len(bits))])


def fresh_masks(bits, run):
    """As it must be."""
    return masked(bits, np.random.default_rng(run).random((len(bits), bits.n_bits)) < SHARE)


@pytest.fixture
def verdict_on(people, rules, key, fuzzy):
    """A function that checks noise put on plain filters."""

    def check(plant):
        runs = iter(range(100))
        plain = fuzzy()

        def encode(columns):
            return plant(encode_passes(columns, rules, [plain], key)[plain.name].bits, next(runs))

        return check_noise(people(60), rules, fuzzy(Flip(probability=Decimal("0.2"))), key, encode=encode)

    return check


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        (one_mask_for_all, "one mask for several records"),
        (twenty_masks, "one mask for several records"),
        (a_mask_for_each_content, "same mask for equal records"),
        (a_mask_for_each_place, "same mask in each run"),
        (a_mask_for_each_run, "same mask in each run"),
        (lambda bits, run: bits, "no noise"),
    ],
)
def test_planted_noise_is_reported_as_no_protection(verdict_on, plant, expected):
    """Masks that come again, in whatever way, protect nobody."""
    found = verdict_on(plant)

    assert expected == found.verdict
    assert not found.protects
    assert str(found).endswith("no protection")


def test_fresh_noise_is_not_accused(verdict_on):
    """Copies of one record differ in about 2 q (1 - q) of their bits."""
    found = verdict_on(fresh_masks)

    assert "fresh" == found.verdict
    assert found.protects
    assert pytest.approx(SHARE, rel=0.1) == found.changed
    assert pytest.approx(2 * SHARE * (1 - SHARE), rel=0.1) == found.between_copies


@pytest.mark.parametrize("after", [(), (Permute(),), (Balance(),), (XorFold(),), (Diffuse(t=3, n_bits=512),)])
def test_our_own_noise_is_fresh_through_later_steps(people, rules, key, fuzzy, after):
    """Each record has noise of its own from the system, wherever the step stands."""
    one = fuzzy(Diffuse(t=2, n_bits=1024), Flip(probability=Decimal("0.1")), *after)

    found = check_noise(people(60), rules, one, key)

    assert "fresh" == found.verdict


def test_a_pass_without_noise_has_none(people, rules, key, fuzzy):
    """Diffusion is no noise: equal records stay equal."""
    assert "no noise" == check_noise(people(20), rules, fuzzy(Diffuse(t=2, n_bits=1024)), key).verdict


def test_faint_noise_is_judged_by_all_pairs_together():
    """Two bits changed in a thousand say nothing of one pair, and enough of hundreds."""
    masks = np.random.default_rng(3).random((2, 32, 8, 1024)) < 0.002
    one = np.broadcast_to(masks[0, :1, :1], masks[0].shape)

    assert "fresh" == judge_masks(*masks).verdict
    assert "one mask for several records" == judge_masks(one, one).verdict


def test_hardly_any_noise_is_too_little_to_tell():
    """A single bit changed among a quarter of a million is no proof of anything."""
    masks = np.zeros((2, 32, 8, 1024), dtype=bool)
    masks[0, 0, 0, 0] = True

    assert "too little to tell" == judge_masks(*masks).verdict


@given(seed=st.integers(0, 2**32), share=st.floats(0.01, 0.5), bits=st.sampled_from([64, 256, 1024]))
def test_no_seed_makes_fresh_masks_look_old(seed, share, bits):
    """A false alarm would have custodians mend what is sound."""
    masks = np.random.default_rng(seed).random((2, 16, 4, bits)) < share

    assert "fresh" == judge_masks(*masks).verdict


def test_the_encoder_must_give_filters_of_the_passs_shape(people, rules, key, fuzzy):
    """A wrong number of rows is a mistake of the caller, said without any value."""
    with pytest.raises(UsageError, match="filters of 1024 bits, got 1 of 2"):
        check_noise(people(20), rules, fuzzy(), key, encode=lambda _: BitMatrix.from_bools([[True, False]]))


def test_one_person_is_too_few(people, rules, key, fuzzy):
    """Masks of two records cannot be compared where there is one."""
    with pytest.raises(UsageError, match="two people"):
        check_noise(people(1), rules, fuzzy(), key)


def test_people_who_are_alike_count_once(people, rules, key, fuzzy):
    """Masks keyed by content are equal for namesakes, and that is no mask for several records."""
    several = rows_of(people(60), np.repeat(np.arange(60), 3))

    found = check_noise(several, rules, fuzzy(Flip(probability=Decimal("0.2"))), key)

    assert "fresh" == found.verdict
    assert found.n_records > 20
