"""
Similarity measures on bit sets.

A measure sees whole numbers and nothing else: the overlap c of a pair, the two popcounts
a and b, and the length of a row.  It turns a threshold into the least overlap that
reaches it, so one kernel serves every measure, no kernel divides, and ties are the same
everywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pprl.errors import UsageError, nearest
from pprl.model.arrays import Counts, Scores, frozen

Whole = npt.NDArray[np.int64]

_MOST_KEY = (1 << 63) - 1  # above any key: a product of popcounts stays below 2 ** 62
_POINT = 48  # binary places of an estimate; a sum of two stays below 2 ** 53 for rows to 4 million bits
_GUARD = 32  # binary places more while a series is summed


class NeededOverlap(Protocol):
    """The least overlap that reaches a threshold, for popcounts that broadcast.

    A need above the smaller popcount means that the pair cannot qualify.  Two empty rows
    need ``n_bits + 1``, whatever the threshold.  Kernels leave out blocks of rows on the
    strength of this: for one `a`, the need never falls as `b` grows from 1, and the `b`
    that can qualify (need at most ``min(a, b)``) follow one another without a gap.
    """

    def __call__(self, left_counts: Counts, right_counts: Counts) -> Counts:
        """Give the needs as int32, in the shape of both sides broadcast."""


class Measure(Protocol):
    """What a similarity measure states; symmetric in the two rows."""

    @property
    def name(self) -> str:
        """The measure's name in a call or an agreement."""

    def needed_overlap(self, n_bits: int, threshold: Fraction) -> NeededOverlap:
        """Give the needs for rows of some length and a threshold from 0 to 1."""

    def score(self, n_bits: int, overlap: Counts, left_counts: Counts, right_counts: Counts) -> Scores:
        """Give the similarity of each pair, shape (n,); 0 where the formula says 0 / 0."""


@dataclass(frozen=True, slots=True)
class Dice:
    """The Dice coefficient: ``2c / (a + b)``.

    References
    ----------
    Dice (1945), Ecology 26(3); for Bloom filters Schnell, Bachteler and Reiher (2009).

    Examples
    --------
    >>> need = Dice().needed_overlap(4, Fraction(4, 5))
    >>> need(np.array(2), np.arange(5)).tolist()
    [1, 2, 2, 2, 3]
    >>> Dice().score(4, np.array([2]), np.array([2]), np.array([3])).tolist()
    [0.8]
    """

    name: str = "dice"

    def needed_overlap(self, n_bits: int, threshold: Fraction) -> NeededOverlap:
        """Give the least c with ``a + b <= 2c / threshold``."""
        over, under = threshold.as_integer_ratio()
        return _by_key(n_bits, threshold, np.add, lambda overlap: 2 * overlap * under // over)

    def score(self, n_bits: int, overlap: Counts, left_counts: Counts, right_counts: Counts) -> Scores:  # noqa: ARG002 - as every measure
        """Give ``2c / (a + b)``."""
        return _share(2 * _whole(overlap), _whole(left_counts) + right_counts)


@dataclass(frozen=True, slots=True)
class Jaccard:
    """The Jaccard (Tanimoto) coefficient: ``c / (a + b - c)``.

    References
    ----------
    Jaccard (1912), New Phytologist 11(2).

    Examples
    --------
    >>> need = Jaccard().needed_overlap(4, Fraction(2, 3))
    >>> need(np.array(2), np.arange(5)).tolist()
    [1, 2, 2, 2, 3]
    >>> Jaccard().score(4, np.array([2]), np.array([2]), np.array([4])).tolist()
    [0.5]
    """

    name: str = "jaccard"

    def needed_overlap(self, n_bits: int, threshold: Fraction) -> NeededOverlap:
        """Give the least c with ``a + b <= c * (1 + threshold) / threshold``."""
        over, under = threshold.as_integer_ratio()
        return _by_key(n_bits, threshold, np.add, lambda overlap: overlap * (over + under) // over)

    def score(self, n_bits: int, overlap: Counts, left_counts: Counts, right_counts: Counts) -> Scores:  # noqa: ARG002 - as every measure
        """Give ``c / (a + b - c)``."""
        return _share(overlap, _whole(left_counts) + right_counts - overlap)


@dataclass(frozen=True, slots=True)
class Hamming:
    """The Hamming similarity, the share of bits that agree: ``1 - (a + b - 2c) / n_bits``.

    References
    ----------
    Hamming (1950), Bell System Technical Journal 29(2).

    Examples
    --------
    >>> need = Hamming().needed_overlap(4, Fraction(3, 4))  # one bit may differ
    >>> need(np.array(2), np.arange(5)).tolist()
    [1, 1, 2, 2, 3]
    >>> Hamming().score(4, np.array([2]), np.array([2]), np.array([3])).tolist()
    [0.75]
    """

    name: str = "hamming"

    def needed_overlap(self, n_bits: int, threshold: Fraction) -> NeededOverlap:
        """Give the least c with ``a + b <= n_bits * (1 - threshold) + 2c``."""
        over, under = threshold.as_integer_ratio()
        may_differ = n_bits * (under - over) // under
        return _by_key(n_bits, threshold, np.add, lambda overlap: may_differ + 2 * overlap)

    def score(self, n_bits: int, overlap: Counts, left_counts: Counts, right_counts: Counts) -> Scores:
        """Give ``1 - (a + b - 2c) / n_bits``, rounded once."""
        differing = _whole(left_counts) + right_counts - 2 * _whole(overlap)
        return _share(n_bits - differing, np.array(n_bits))


@dataclass(frozen=True, slots=True)
class Cosine:
    """The cosine similarity, on sets also Ochiai's coefficient: ``c / sqrt(a * b)``.

    Where a row is empty it is 0.

    References
    ----------
    Otsuka (1936); Ochiai (1957), Bull. Jpn. Soc. Sci. Fish. 22(9); Salton and McGill
    (1983), Introduction to Modern Information Retrieval.

    Examples
    --------
    >>> need = Cosine().needed_overlap(4, Fraction(4, 5))
    >>> need(np.array(2), np.arange(5)).tolist()
    [5, 2, 2, 2, 3]
    >>> Cosine().score(4, np.array([1]), np.array([1]), np.array([4])).tolist()
    [0.5]
    """

    name: str = "cosine"

    def needed_overlap(self, n_bits: int, threshold: Fraction) -> NeededOverlap:
        """Give the least c with ``a * b <= c ** 2 / threshold ** 2``."""
        over, under = (threshold**2).as_integer_ratio()
        return _by_key(n_bits, threshold, np.multiply, lambda overlap: overlap**2 * under // over)

    def score(self, n_bits: int, overlap: Counts, left_counts: Counts, right_counts: Counts) -> Scores:  # noqa: ARG002 - as every measure
        """Give ``c / sqrt(a * b)``."""
        return _share(overlap, np.sqrt(_whole(left_counts) * right_counts))


@dataclass(frozen=True, slots=True)
class OverlapCoefficient:
    """The overlap coefficient, the share of the smaller row in the other: ``c / min(a, b)``.

    Where a row is empty it is 0.

    References
    ----------
    Szymkiewicz (1934), Acta Soc. Bot. Pol. 11(3); Simpson (1943), American Journal of
    Science 241(1).

    Examples
    --------
    >>> need = OverlapCoefficient().needed_overlap(4, Fraction(4, 5))
    >>> need(np.array(2), np.arange(5)).tolist()
    [5, 1, 2, 2, 2]
    >>> OverlapCoefficient().score(4, np.array([1]), np.array([2]), np.array([4])).tolist()
    [0.5]
    """

    name: str = "overlap"

    def needed_overlap(self, n_bits: int, threshold: Fraction) -> NeededOverlap:
        """Give the least c with ``min(a, b) <= c / threshold``."""
        over, under = threshold.as_integer_ratio()
        return _by_key(n_bits, threshold, np.minimum, lambda overlap: overlap * under // over)

    def score(self, n_bits: int, overlap: Counts, left_counts: Counts, right_counts: Counts) -> Scores:  # noqa: ARG002 - as every measure
        """Give ``c / min(a, b)``."""
        return _share(overlap, np.minimum(left_counts, right_counts))


@dataclass(frozen=True, slots=True)
class CorrectedDice:
    """The Dice coefficient of what was inserted, with collisions estimated away.

    A Bloom filter of m bits, x of them set by k hash functions, holds about
    ``-(m / k) * ln(1 - x / m)`` distinct elements.  With E for that estimate and
    ``u = a + b - c`` for the union, the similarity is
    ``2 * (E[a] + E[b] - E[u]) / (E[a] + E[b])``; k cancels, and below 0 it is 0.  A full
    filter has no finite estimate and counts as ``m - 1/2`` bits.

    It holds only for filters as they were filled: not hardened, balanced, folded or
    flipped, and with hash positions that are independent of one another.

    References
    ----------
    Swamidass and Baldi (2007), J. Chem. Inf. Model. 47(3); Papapetrou, Siberski and
    Nejdl (2010), Distributed and Parallel Databases 28(2).

    Examples
    --------
    >>> need = CorrectedDice().needed_overlap(10, Fraction(4, 5))
    >>> need(np.array(5), np.arange(3, 8)).tolist()  # out of reach for 3 bits set, and for 8
    [4, 4, 5, 5, 6]
    >>> CorrectedDice().score(10, np.array([4]), np.array([5]), np.array([5])).round(3).tolist()
    [0.678]
    """

    name: str = "corrected-dice"

    def needed_overlap(self, n_bits: int, threshold: Fraction) -> NeededOverlap:
        """Give the least c with ``E[u] <= (E[a] + E[b]) * (1 - threshold / 2)``.

        Where no c does, the need is ``min(a, b) + 1``: the greatest union alone would
        break the promise of needs that never fall.
        """
        if not threshold:
            return _any_pair(n_bits)
        estimates = _estimates(n_bits)

        def needed(left_counts: Counts, right_counts: Counts) -> Counts:
            both = _whole(left_counts) + right_counts
            most = _scaled(estimates[left_counts] + estimates[right_counts], 1 - threshold / 2)
            union = np.searchsorted(estimates, most, side="right") - 1
            need = np.clip(both - union, 0, np.minimum(left_counts, right_counts) + 1)
            return np.where(both == 0, n_bits + 1, need).astype(np.int32)

        return needed

    def score(self, n_bits: int, overlap: Counts, left_counts: Counts, right_counts: Counts) -> Scores:
        """Give the similarity from the same whole numbers that the needs are made of."""
        estimates = _estimates(n_bits)
        both = estimates[left_counts] + estimates[right_counts]
        common = both - estimates[_whole(left_counts) + right_counts - overlap]
        return _share(2 * np.maximum(common, 0), both)


_ALL = (Dice(), Jaccard(), Hamming(), Cosine(), OverlapCoefficient(), CorrectedDice())
MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}


def measure_named(name: str) -> Measure:
    """Look a measure up by its name.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if not isinstance(name, str) or name not in MEASURES:
        raise UsageError(f"measure: {name!r} is not one", code="measure", hint=nearest(str(name), MEASURES))
    return MEASURES[name]


def _whole(counts: Counts) -> Whole:
    """Widen counts: the product of two popcounts may need 64 bits."""
    return np.asarray(counts, dtype=np.int64)


def _share(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Scores:
    """Divide, rounding once; 0 where the whole, and so the part, is 0."""
    share: Scores = np.divide(part, np.maximum(whole, 1), dtype=np.float64)
    return share


def _by_key(
    n_bits: int,
    threshold: Fraction,
    key: Callable[[Whole, Whole], Whole],
    greatest_key: Callable[[int], int],
) -> NeededOverlap:
    """Give the needs of a measure for which an overlap suffices up to some greatest key.

    The key never falls in a popcount, is 0 for two empty rows, and elsewhere only where
    the measure is 0; so a key of 0 is out of reach of any threshold above 0.
    """
    if not threshold:
        return _any_pair(n_bits)
    greatest = np.array([min(greatest_key(c), _MOST_KEY) for c in range(n_bits + 1)], dtype=np.int64)

    def needed(left_counts: Counts, right_counts: Counts) -> Counts:
        keys = key(_whole(left_counts), _whole(right_counts))
        return np.where(keys == 0, n_bits + 1, np.searchsorted(greatest, keys)).astype(np.int32)

    return needed


def _any_pair(n_bits: int) -> NeededOverlap:
    """Give the needs at threshold 0: every pair but that of two empty rows."""

    def needed(left_counts: Counts, right_counts: Counts) -> Counts:
        both = _whole(left_counts) + right_counts
        return np.where(both == 0, n_bits + 1, 0).astype(np.int32)

    return needed


@cache
def _estimates(n_bits: int) -> Whole:
    """Give ``-ln(1 - x / n_bits)`` for x = 0 ... n_bits, times ``2 ** _POINT``.

    Steps are rounded and then summed, not the other way round: steps that never shrink
    are what makes the needs never fall, also where logarithms tie.
    """
    steps = [_log_step(unset) for unset in range(n_bits, 1, -1)]
    half = _log_step(2)  # from m - 1 bits to m - 1/2 halves what is unset
    return frozen(np.cumsum([0, *steps, half], dtype=np.int64))


def _log_step(number: int) -> int:
    """Give ``ln(number / (number - 1))`` times ``2 ** _POINT``, in whole numbers only.

    The series is ``2 * artanh(1 / x)``, the sum of ``2 / (i * x ** i)`` over odd i, at
    ``x = 2 * number - 1``.
    """
    base = 2 * number - 1
    term, power, total = (2 << _POINT + _GUARD) // base, 1, 0
    while term:
        total += term // power
        term //= base**2
        power += 2
    return total + (1 << _GUARD - 1) >> _GUARD


def _scaled(estimates: Whole, share: Fraction) -> Whole:
    """Give ``floor(share * estimate)`` exactly, for a share from 0 to 1."""
    over, under = share.as_integer_ratio()
    if under < 1 << 31:  # then no product below reaches 2 ** 62
        return estimates // under * over + estimates % under * over // under
    distinct, back = np.unique(estimates, return_inverse=True)
    exact = np.array([estimate * over // under for estimate in distinct.tolist()], dtype=np.int64)
    return exact[back].reshape(estimates.shape)
