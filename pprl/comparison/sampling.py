"""
Samples: pairs between some rows of each side, and what they tell of all pairs.

Pairs of one row are not independent: who has one near namesake has more.  So intervals are
widened by how unequally the pairs fall to the rows that were drawn.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from pprl.comparison.engine import compare
from pprl.comparison.tags import NO_TAG
from pprl.model import BitMatrix, ScoredPairs
from pprl.model.arrays import Mask, Rows, Scores, Tags

FEWEST_PAIRS = 20  # of which a share can be told at all
_LEFT_ROWS = 500  # of the sample, at least: pairs of one row are not independent
_SHARES = 1024, 32, 1  # of the sample, one after another until enough pairs are found
_ENOUGH = 2000
_Z = 1.959964  # 95 % of a normal distribution


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number told from a sample.

    Parameters
    ----------
    value : float
        The number; exact where low and high are equal.
    low, high : float
        Ends of its 95 % interval.
    n_seen : int
        Pairs of the sample that it rests on.
    """

    value: float
    low: float
    high: float
    n_seen: int


class BlockTags(NamedTuple):
    """Tags of both sides, and how many tables each rule made, in their order."""

    left: Tags
    right: Tags
    n_tables: Sequence[int]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Pairs that qualify between some rows of each side.

    Parameters
    ----------
    left, right : ndarray of int64
        The rows.
    n_left, n_right : int
        The number of all rows.
    pairs : ScoredPairs
        Rows are places in `left` and `right`.
    """

    left: Rows
    right: Rows
    n_left: int
    n_right: int
    pairs: ScoredPairs

    @classmethod
    def of(
        cls,
        left: BitMatrix,
        right: BitMatrix,
        threshold: Fraction,
        n_pairs: int,
        rng: np.random.Generator,
        threads: int,
    ) -> "Sample":
        """Compare rows of the left with all of the right, or with some where that is or finds too much."""
        rows = some(len(left), max(_LEFT_ROWS, n_pairs // max(1, len(right))), rng)
        chosen = left.take(rows)
        for share in _SHARES:
            partners = some(len(right), max(1, n_pairs // share // max(1, rows.size)), rng)
            pairs = compare(chosen, right.take(partners), threshold=threshold, workers=threads)
            if len(pairs) >= _ENOUGH:
                break
        return cls(rows, partners, len(left), len(right), pairs)

    @property
    def is_whole(self) -> bool:
        """Whether all pairs were compared, so that nothing is estimated."""
        return self.left.size * self.right.size == self.n_left * self.n_right

    def sharing(self, tags: BlockTags) -> Mask:
        """Say which pairs have a tag in common, shape (pairs,)."""
        rows, partners = self.left[self.pairs.left], self.right[self.pairs.right]
        shares = np.zeros(len(self.pairs), dtype=np.bool_)
        for table in range(tags.left.shape[1]):
            tag = tags.left[rows, table]
            shares |= (tag != NO_TAG) & (tag == tags.right[partners, table])
        return shares

    def number(self, wanted: Mask) -> Estimate:
        """Tell how many pairs of all rows are like those wanted: a score interval for a Poisson mean."""
        n_seen = int(wanted.sum())
        if self.is_whole:
            return Estimate(n_seen, n_seen, n_seen, n_seen)
        crowding = max(_excess(rows[wanted], n) for rows, n in self._sampled())
        seen = n_seen / crowding
        spread = _Z * math.sqrt(seen + _Z**2 / 4)
        scale = self.n_left * self.n_right / (self.left.size * self.right.size)
        low, high = (max(0.0, seen + _Z**2 / 2 + sign * spread) * crowding * scale for sign in (-1, 1))
        return Estimate(n_seen * scale, low, high, n_seen)

    def share(self, wanted: Mask) -> Estimate | None:
        """Tell which share of all pairs is like those wanted: Wilson's interval; None from too few."""
        n_seen = wanted.size
        if n_seen < (1 if self.is_whole else FEWEST_PAIRS):
            return None
        share = float(wanted.mean())
        if self.is_whole:
            return Estimate(share, share, share, n_seen)
        off: Scores = wanted - np.float64(share)
        crowding = max(_cluster_effect(rows, off) for rows, _ in self._sampled())
        return Estimate(share, *wilson(share, n_seen / crowding), n_seen)

    def _sampled(self) -> Iterator[tuple[Rows, int]]:
        """Give for each side of which rows were left out the row of each pair, and how many there are."""
        if self.left.size < self.n_left:
            yield self.pairs.left, self.left.size
        if self.right.size < self.n_right:
            yield self.pairs.right, self.right.size


def _excess(rows: Rows, n_rows: int) -> float:
    """Give by how much the pairs of rows vary more than independent ones: variance by mean."""
    counts = np.bincount(rows, minlength=n_rows)
    return max(1.0, float(counts.var() / counts.mean())) if rows.size else 1.0


def _cluster_effect(rows: Rows, off: Scores) -> float:
    """Give by how much a share varies more because pairs of one row are alike (Kish's design effect)."""
    alone = float((off**2).sum())
    together = float((np.bincount(rows, weights=off) ** 2).sum())
    return max(1.0, together / alone) if alone else 1.0


def wilson(share: float, n: float) -> tuple[float, float]:
    """Give the 95 % interval of a share of n, after Wilson (1927), JASA 22(158).

    Examples
    --------
    >>> low, high = wilson(1.0, 100)
    >>> round(low, 3), high
    (0.963, 1.0)
    """
    middle = share + _Z**2 / (2 * n)
    spread = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    whole = 1 + _Z**2 / n
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)


def some(n: int, most: int, rng: np.random.Generator) -> Rows:
    """Draw rows without replacement, in their order; all where there are no more than that."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, size=most, replace=False))
