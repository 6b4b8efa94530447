"""
Similarity measures on bit sets, and thresholds that are exact.

A measure sees three counts and nothing else: the overlap of a pair and the two
popcounts.  It turns a threshold into the least whole overlap for each sum of popcounts,
so one kernel serves every measure, no kernel divides, and ties are the same everywhere.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from pprl.errors import UsageError, nearest
from pprl.model.arrays import Counts, Scores, frozen

Threshold = str | int | float | Decimal | Fraction

_TEXT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,50})?|[0-9]{1,50}/[0-9]{1,50}")
_MOST_DECIMALS = 50  # 1e-999999999 is short to write and a gigabyte to hold
_WANTED = "wanted a number from 0 to 1, such as '0.80' or '4/5'"


class Measure(Protocol):
    """What a similarity measure states.

    The table of needed overlaps must never fall, and from one sum of popcounts (above 0)
    to the next rise by at most 1: kernels skip blocks of rows on the strength of it.
    """

    @property
    def name(self) -> str:
        """The measure's name in a call or an agreement."""

    def needed_overlap(self, n_bits: int, threshold: Fraction) -> Counts:
        """Give the least overlap that reaches the threshold, for each sum of popcounts."""

    def score(self, overlap: Counts, left_counts: Counts, right_counts: Counts) -> Scores:
        """Give the similarity of each pair."""


@dataclass(frozen=True, slots=True)
class Dice:
    """The Dice coefficient: twice the overlap over the sum of the popcounts.

    References
    ----------
    Dice (1945), Ecology 26(3); for Bloom filters Schnell, Bachteler and Reiher (2009).

    Examples
    --------
    >>> Dice().needed_overlap(2, Fraction(4, 5)).tolist()  # for |A| + |B| = 0, 1, 2, 3, 4
    [3, 1, 1, 2, 2]
    >>> Dice().score(np.array([2]), np.array([2]), np.array([3])).tolist()
    [0.8]
    """

    name: str = "dice"

    def needed_overlap(self, n_bits: int, threshold: Fraction) -> Counts:
        """Give the least overlap c with 2c / s >= threshold, for each sum of popcounts s.

        Parameters
        ----------
        n_bits : int
            Length of a row in bits.
        threshold : Fraction
            From 0 to 1.

        Returns
        -------
        ndarray of int32, shape (2 * n_bits + 1,)
            At s the ceiling of ``p * s / (2 * q)`` for the threshold ``p / q``.  At s = 0
            it is ``n_bits + 1``, out of reach: two empty rows never form a pair.
        """
        return _least_overlap(n_bits, threshold / 2)

    def score(self, overlap: Counts, left_counts: Counts, right_counts: Counts) -> Scores:
        """Give ``2 * overlap / (|A| + |B|)`` for each pair, shape (n,)."""
        total = left_counts.astype(np.int64) + right_counts
        score: Scores = np.divide(2 * overlap.astype(np.int64), total, dtype=np.float64)
        return score


MEASURES: dict[str, Measure] = {measure.name: measure for measure in (Dice(),)}


def measure_named(name: str) -> Measure:
    """Look a measure up by its name.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if name not in MEASURES:
        raise UsageError(f"measure: {name!r} is not one", code="measure", hint=nearest(str(name), MEASURES))
    return MEASURES[name]


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


def _least_overlap(n_bits: int, share: Fraction) -> Counts:
    """Give ``ceil(share * s)`` for s = 0 ... 2 * n_bits, out of reach at s = 0."""
    over, under = share.numerator, share.denominator
    need = [-(-over * total // under) for total in range(2 * n_bits + 1)]  # whole numbers of any size
    need[0] = n_bits + 1
    return frozen(np.array(need, dtype=np.int32))


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
