"""Thresholds: read exactly, whatever their spelling."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from pprl.comparison.thresholds import parse_threshold
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
