"""Measures: every threshold is met exactly, and kernels may rely on the order of the needs."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pprl.comparison import measures
from pprl.comparison.measures import MEASURES, CorrectedDice, Dice, measure_named

HAIR = Fraction(1, 10**50)
NAMES = ("dice", "jaccard", "hamming", "cosine", "overlap", "corrected-dice")

widths = st.integers(1, 300)
names = st.sampled_from(NAMES)
thresholds = st.one_of(
    st.sampled_from([Fraction(0), Fraction(1), Fraction(4, 5), Fraction(1, 2), HAIR, 1 - HAIR]),
    st.fractions(0, 1, max_denominator=1000),
    st.integers(0, 10**50).map(lambda digits: Fraction(digits, 10**50)),
    st.integers(1, 10**50).flatmap(lambda q: st.integers(0, q).map(lambda p: Fraction(p, q))),
)


def slow_similarity(name, n_bits, c, a, b):
    """A measure as its formula stands, in fractions; the cosine squared; 0 / 0 is 0."""
    over, under = {
        "dice": (2 * c, a + b),
        "jaccard": (c, a + b - c),
        "hamming": (n_bits - (a + b - 2 * c), n_bits),
        "cosine": (c**2, a * b),
        "overlap": (c, min(a, b)),
        "corrected-dice": corrected(n_bits, c, a, b),
    }[name]
    return Fraction(over, under) if under else Fraction(0)


def corrected(n_bits, c, a, b):
    one, two, union = (int(measures._estimates(n_bits)[bits]) for bits in (a, b, a + b - c))
    return max(0, 2 * (one + two - union)), one + two


def slow_qualifies(name, n_bits, c, a, b, threshold):
    """Whether a pair reaches a threshold; never where both rows are empty."""
    wanted = threshold**2 if name == "cosine" else threshold
    return a + b > 0 and slow_similarity(name, n_bits, c, a, b) >= wanted


def feasible(n_bits, a, b):
    """The overlaps that two rows of these popcounts can have."""
    return range(max(0, a + b - n_bits), min(a, b) + 1)


def needs(name, n_bits, threshold, a, b):
    return MEASURES[name].needed_overlap(n_bits, threshold)(np.int32(a), np.asarray(b, dtype=np.int32))


def score(name, n_bits, c, a, b):
    return MEASURES[name].score(n_bits, *(np.array(counts, dtype=np.int32) for counts in (c, a, b)))


@st.composite
def pairs(draw):
    """A row length, an overlap and two popcounts that can meet; empty and full rows are common."""
    n_bits = draw(widths)
    counts = st.one_of(st.integers(0, n_bits), st.sampled_from([0, 1, n_bits - 1, n_bits]))
    a, b = draw(counts), draw(counts)
    c = draw(st.sampled_from(feasible(n_bits, a, b)))
    return n_bits, c, a, b


def test_there_are_six_measures_found_by_name():
    """A name in an agreement is the name that the measure gives itself."""
    found = [measure_named(name).name for name in NAMES]

    assert tuple(found) == NAMES == tuple(MEASURES)


@pytest.mark.parametrize("name", NAMES)
@given(pair=pairs(), threshold=thresholds)
@settings(deadline=None)
def test_a_pair_qualifies_where_the_formula_says_so(name, pair, threshold):
    """Whole numbers and fractions agree on every overlap that two rows can have."""
    n_bits, _, a, b = pair

    need = int(needs(name, n_bits, threshold, a, b))

    overlaps = feasible(n_bits, a, b)
    expected = [slow_qualifies(name, n_bits, c, a, b, threshold) for c in overlaps]
    assert expected == [c >= need for c in overlaps]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"cosine"}))
@given(pair=pairs())
@settings(deadline=None)
def test_a_pair_reaches_its_own_similarity_and_nothing_above(name, pair):
    """A tie qualifies; a threshold greater by 1e-50 does not."""
    n_bits, c, a, b = pair
    own = slow_similarity(name, n_bits, c, a, b)

    reaches = c >= needs(name, n_bits, own, a, b)
    passes = own < 1 and c >= needs(name, n_bits, own + min(HAIR, 1 - own), a, b)

    assert (bool(reaches), bool(passes)) == (a + b > 0, False)


@given(root=st.integers(1, 17), factors=st.tuples(st.integers(1, 17), st.integers(1, 17)), data=st.data())
def test_a_cosine_that_is_a_fraction_ties_exactly(root, factors, data):
    """Where a * b is a square, c / sqrt(a * b) is met and a hair above it is not."""
    a, b = (factor**2 for factor in factors)
    c = data.draw(st.integers(1, min(a, b)))
    own = Fraction(c, math.isqrt(a * b))

    at, above = (int(needs("cosine", 600, own + more, a, b)) for more in (0, HAIR))

    assert (at, above) == (c, c + 1)


@pytest.mark.parametrize("name", NAMES)
@given(n_bits=widths, threshold=thresholds, data=st.data())
@example(n_bits=300, threshold=HAIR, data=None)
@settings(deadline=None)
def test_needs_never_fall_and_qualify_without_a_gap(name, n_bits, threshold, data):
    """What kernels rely on when they leave out blocks of rows sorted by popcount."""
    a = data.draw(st.integers(0, n_bits)) if data else n_bits // 2
    b = np.arange(n_bits + 1)

    need = needs(name, n_bits, threshold, a, b)

    can_qualify = np.flatnonzero(need <= np.minimum(a, b))
    assert (np.diff(need[1:]) >= 0).all()
    assert (np.diff(can_qualify) == 1).all()
    assert need.min() >= 0


@pytest.mark.parametrize("n_bits", [1, 2, 3, 8, 33, 64])
@pytest.mark.parametrize("name", NAMES)
def test_needs_never_fall_for_any_two_popcounts(name, n_bits):
    """The same without chance: each popcount against each, from a hair above 0 to 1."""
    every = np.arange(n_bits + 1, dtype=np.int32)
    steps = [HAIR, Fraction(1, 2**40), *(Fraction(step, 48) for step in range(1, 49)), 1 - HAIR]

    for threshold in steps:
        need = MEASURES[name].needed_overlap(n_bits, threshold)(every[:, None], every)

        can_qualify = need <= np.minimum(every[:, None], every)
        edges = np.abs(np.diff(can_qualify.astype(int), axis=1, prepend=0, append=0)).sum(axis=1)
        assert (np.diff(need[:, 1:], axis=1) >= 0).all()
        assert edges.max() <= 2
        assert (need == need.T).all()


def test_needs_broadcast_to_int32():
    """A column of popcounts against a row of them gives a table."""
    every = np.arange(65, dtype=np.int32)

    tables = [
        MEASURES[name].needed_overlap(64, threshold)(every[:, None], every)
        for name in NAMES
        for threshold in (Fraction(0), Fraction(4, 5), HAIR)
    ]

    assert {(table.shape, table.dtype) for table in tables} == {((65, 65), np.dtype(np.int32))}


@pytest.mark.parametrize("name", NAMES)
def test_no_rows_need_nothing_and_score_nothing(name):
    """Arrays of length 0 go in and come out."""
    none = np.empty(0, dtype=np.int32)

    need = MEASURES[name].needed_overlap(64, Fraction(4, 5))(none, none)
    scores = MEASURES[name].score(64, none, none, none)

    assert (need.shape, need.dtype, scores.shape, scores.dtype) == ((0,), np.int32, (0,), np.float64)


@pytest.mark.parametrize("name", NAMES)
@given(n_bits=widths, threshold=thresholds)
@settings(deadline=None)
def test_two_empty_rows_are_out_of_reach_of_any_threshold(name, n_bits, threshold):
    """An absent record neither agrees nor disagrees, also at threshold 0."""
    need = needs(name, n_bits, threshold, 0, 0)

    assert int(need) == n_bits + 1


@pytest.mark.parametrize("name", NAMES)
def test_threshold_0_takes_every_other_pair(name):
    """Also that of an empty row and another."""
    need = needs(name, 3, Fraction(0), 0, [0, 1, 2, 3]), needs(name, 3, Fraction(0), 2, [0, 1, 2, 3])

    assert [part.tolist() for part in need] == [[4, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"hamming"}))
def test_an_empty_row_is_like_no_other(name):
    """Its similarity to another row is 0, and it reaches nothing above."""
    need = needs(name, 3, HAIR, 0, [1, 2, 3])

    assert (need > 0).all()
    assert score(name, 3, [0] * 4, [0, 0, 2, 0], [0, 1, 0, 3]).tolist() == [0, 0, 0, 0]


def test_an_empty_row_agrees_in_the_bits_that_the_other_has_not_set():
    """Hamming counts zeros that agree: one bit of four differs, so three quarters are alike."""
    need = needs("hamming", 4, Fraction(3, 4), 0, [1, 2])

    assert need.tolist() == [0, 1]
    assert score("hamming", 4, [0, 0], [0, 0], [1, 2]).tolist() == [0.75, 0.5]


@pytest.mark.parametrize("name", NAMES)
@given(pair=pairs(), threshold=thresholds)
@settings(deadline=None)
def test_left_and_right_may_change_places(name, pair, threshold):
    """Needs and scores are symmetric, to the bit."""
    n_bits, c, a, b = pair

    need = needs(name, n_bits, threshold, a, b), needs(name, n_bits, threshold, b, a)
    scores = score(name, n_bits, c, a, b), score(name, n_bits, c, b, a)

    assert need[0] == need[1]
    assert scores[0] == scores[1]


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"cosine"}))
@given(pair=pairs())
@settings(deadline=None)
def test_a_score_is_the_double_nearest_to_the_formula(name, pair):
    """It is rounded once."""
    n_bits, c, a, b = pair

    found = score(name, n_bits, c, a, b)

    assert float(found) == float(slow_similarity(name, n_bits, c, a, b))


@given(pair=pairs())
def test_a_cosine_score_is_within_rounding_of_the_formula(pair):
    """A root and a division round twice."""
    n_bits, c, a, b = pair

    found = float(score("cosine", n_bits, c, a, b))

    assert found == pytest.approx(math.sqrt(slow_similarity("cosine", n_bits, c, a, b)), rel=1e-15)


@pytest.mark.parametrize("name", NAMES)
@given(pair=pairs(), threshold=st.fractions(0, 1, max_denominator=1000))
@settings(deadline=None)
def test_a_score_and_the_threshold_test_agree(name, pair, threshold):
    """What qualifies does not show a score below the threshold, nor the other way round."""
    n_bits, c, a, b = pair

    qualifies = c >= needs(name, n_bits, threshold, a, b)
    found = float(score(name, n_bits, c, a, b))

    wanted = float(threshold)
    assert not qualifies or found >= wanted
    assert qualifies or a + b == 0 or found <= wanted


@pytest.mark.parametrize("name", NAMES)
def test_rows_of_the_greatest_length_do_not_overflow(name):
    """Full rows of 65,536 bits are alike, and reach even a threshold of fifty decimals."""
    n_bits = 65_536
    threshold = 1 - HAIR

    need = needs(name, n_bits, threshold, n_bits, [n_bits - 1, n_bits])

    assert int(need[1]) == n_bits
    assert score(name, n_bits, n_bits, n_bits, n_bits) == 1


def test_numerators_of_any_size_are_exact():
    """A hair above 4/5 asks for one bit more where 4/5 is met with none to spare."""
    at, above = (Dice().needed_overlap(16, Fraction(4, 5) + more)(4, np.arange(1, 12)) for more in (0, HAIR))

    assert (above - at).tolist() == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("n_bits", [1, 2, 3, 64, 1000, 1024, 4096])
def test_the_table_of_estimates_is_the_logarithm(n_bits):
    """Within 1e-9 of floating point, its steps never shrink, and a full filter counts half a bit less."""
    set_bits = np.append(np.arange(n_bits), n_bits - 0.5)

    table = measures._estimates(n_bits)

    assert np.abs(table / 2.0**48 + np.log1p(-set_bits / n_bits)).max() < 1e-9
    assert (np.diff(table) > 0).all()
    assert (np.diff(table, 2) >= 0).all()
    assert not table.flags.writeable


@given(
    estimates=st.lists(st.integers(0, 2**53), max_size=20),
    share=st.one_of(st.fractions(0, 1, max_denominator=2**32), thresholds),
)
def test_estimates_are_scaled_exactly(estimates, share):
    """In 64 bits where the fraction is short, in whole numbers of any size where it is long."""
    scaled = measures._scaled(np.array(estimates, dtype=np.int64), share)

    assert scaled.tolist() == [math.floor(share * estimate) for estimate in estimates]


def test_a_pair_less_alike_than_chance_scores_0_when_corrected():
    """Two half-full filters share a quarter of the bits by chance, and here less."""
    scores = score("corrected-dice", 100, [25, 20, 0], [50, 50, 50], [50, 50, 50])

    assert scores.tolist() == [0, 0, 0]


def test_the_correction_comes_nearer_to_the_truth():
    """On simulated Bloom filters, half full, of sets whose Dice similarity is known."""
    random = np.random.default_rng(7)
    n_bits, n_hashes, n_each = 1000, 20, 40
    shared = random.integers(0, n_each + 1, size=200)

    def filled(tokens):
        bits = np.zeros(n_bits, dtype=bool)
        bits[tokens.ravel()] = True
        return bits

    left, right = np.empty((2, shared.size, n_bits), dtype=bool)
    for pair, common in enumerate(shared):
        positions = random.integers(0, n_bits, size=(2 * n_each - common, n_hashes))
        left[pair], right[pair] = filled(positions[:n_each]), filled(positions[n_each - common :])
    counts = [bits.sum(axis=1, dtype=np.int32) for bits in (left & right, left, right)]

    plain, corrected_dice = (
        np.abs(m.score(n_bits, *counts) - shared / n_each) for m in (Dice(), CorrectedDice())
    )

    assert plain.mean() > 0.2
    assert corrected_dice.mean() < 0.05
    assert (corrected_dice <= plain).mean() > 0.95
