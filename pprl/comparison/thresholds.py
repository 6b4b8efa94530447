"""
Thresholds of similarity, read without rounding.

A threshold is a fraction of whole numbers from the moment it is read, so no two parties
and no two kernels differ on a tie.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from pprl.errors import UsageError

Threshold = str | int | float | Decimal | Fraction

_TEXT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,50})?|[0-9]{1,50}/[0-9]{1,50}")
_MOST_DECIMALS = 50  # 1e-999999999 is short to write and a gigabyte to hold
_WANTED = "wanted a number from 0 to 1, such as '0.80' or '4/5'"


def parse_threshold(threshold: Threshold) -> Fraction:
    """Read a threshold without rounding it.

    Parameters
    ----------
    threshold : str, int, float, Decimal or Fraction
        Text is a decimal or a fraction.  A float is taken as its shortest decimal text.

    Returns
    -------
    Fraction
        From 0 to 1.

    Raises
    ------
    UsageError
        If it is no number from 0 to 1, or has more than 50 decimals.

    Examples
    --------
    >>> parse_threshold("0.80") == parse_threshold("4/5") == parse_threshold(0.8)
    True
    """
    exact = next((read for kind, read in _READERS if isinstance(threshold, kind)), _refuse)(threshold)
    if not 0 <= exact <= 1:
        raise _refusal(threshold)
    return exact


def _read_text(text: str) -> Fraction:
    if not _TEXT.fullmatch(text.strip()):
        raise _refusal(text)
    try:
        return Fraction(text.strip())
    except ZeroDivisionError:
        raise _refusal(text) from None


def _read_decimal(number: Decimal) -> Fraction:
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or not -_MOST_DECIMALS <= exponent <= _MOST_DECIMALS:
        raise _refusal(number)
    return Fraction(number)


def _read_float(number: float) -> Fraction:
    return _read_decimal(Decimal(repr(float(number))))  # NumPy's floats print with their type


def _refuse(threshold: object) -> Fraction:
    raise _refusal(threshold)


def _refusal(threshold: object) -> UsageError:
    found = (
        repr(threshold) if isinstance(threshold, str | int | float | Decimal) else type(threshold).__name__
    )
    return UsageError(f"threshold: got {found[:60]}, {_WANTED}", code="threshold")


_READERS: tuple[tuple[type, Callable[[Any], Fraction]], ...] = (
    (bool, _refuse),  # True is an int to Python, and not a threshold to anybody
    (str, _read_text),
    (int, Fraction),
    (float, _read_float),
    (Decimal, _read_decimal),
    (Fraction, Fraction),
)
