"""The Dice measure and thresholds that are exact."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from pprl.comparison.measures import Dice, measure_named, parse_threshold
from pprl.errors import UsageError


@pytest.mark.parametrize(
    "threshold", ["0.8", "0.80", " 0.8 ", "4/5", "8/10", 0.8, np.float64(0.8), Decimal("0.8"), Fraction(4, 5)]
)
def test_one_threshold_in_many_spellings_is_one_fraction(threshold):
    """Spelling makes no difference, and a float is what it prints as."""
    parsed = parse_threshold(threshold)

    assert parsed == Fraction(4, 5)


@pytest.mark.parametrize(
    ("threshold", "expected"), [(0, 0), (1, 1), ("0", 0), ("1.000", 1), (-0.0, 0), ("7/7", 1)]
)
def test_the_ends_are_thresholds(threshold, expected):
    """0 and 1 are legal."""
    parsed = parse_threshold(threshold)

    assert parsed == expected


def test_a_small_float_keeps_its_decimal_text():
    """1e-05 is one in a hundred thousand, not the binary number near it."""
    parsed = parse_threshold(1e-05)

    assert parsed == Fraction(1, 100_000)


@pytest.mark.parametrize(
    "threshold",
    [
        "1.1", "-0.1", "80%", "0,8", "", "high", "1/0", "3/2", "inf", "nan", "1e-999999999", "0x1",
        "\u0660.\u0668",
        1.5, -1, 2, float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("1e-999999999"),
        Fraction(-1, 2), True, False, None, [0.8], np.float32(0.8),
    ],
)  # fmt: skip
def test_what_is_no_number_from_0_to_1_is_refused(threshold):
    """Nothing is guessed, and a short text cannot ask for a gigabyte."""
    with pytest.raises(UsageError, match=r"threshold: got .*, wanted a number from 0 to 1") as caught:
        parse_threshold(threshold)

    assert caught.value.code == "usage/threshold"


def test_the_needed_overlap_is_the_least_that_reaches_the_threshold():
    """At 4/5 five bits in all need two in common, and two fifths of the sum in general."""
    need = Dice().needed_overlap(5, Fraction(4, 5))

    assert need.tolist() == [6, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4]


def test_two_empty_rows_are_out_of_reach_even_at_threshold_0():
    """An absent record neither agrees nor disagrees."""
    need = Dice().needed_overlap(3, Fraction(0))

    assert need.tolist() == [4, 0, 0, 0, 0, 0, 0]


def test_the_table_of_needed_overlaps_is_read_only_int32():
    """Threads share it."""
    need = Dice().needed_overlap(1024, Fraction(1))

    assert (need.dtype, need.shape, need.flags.writeable) == (np.dtype(np.int32), (2049,), False)


def test_numerators_of_any_size_are_exact():
    """A threshold a hair above 4/5 asks for one bit more where 4/5 is met with none to spare."""
    hair = Fraction(1, 10**50)
    at, above = (Dice().needed_overlap(1024, Fraction(4, 5) + more) for more in (0, hair))

    assert (above - at)[5:16].tolist() == [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_the_score_is_the_nearest_double():
    """2c / s is rounded once."""
    score = Dice().score(np.array([1, 3], dtype=np.int32), np.array([3, 3]), np.array([3, 4]))

    assert score.tolist() == [2 / 6, 6 / 7]


def test_an_unknown_measure_is_refused_with_the_nearest():
    """A slip of the pen is answered with the name that was meant."""
    with pytest.raises(UsageError, match="measure: 'dise' is not one") as caught:
        measure_named("dise")

    assert caught.value.hint == "did you mean 'dice'?"
