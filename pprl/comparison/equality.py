"""
Equality: all pairs of rows that are the same, for exact keyed tokens.

Rows are sorted and equal runs merged, so the work grows with the rows and the pairs
found, not with the product of the sides.
"""

from typing import NamedTuple

import numpy as np

from pprl.comparison.guards import MAX_PAIRS, PairBudget, require_comparable
from pprl.model import BitMatrix, ScoredPairs
from pprl.model.arrays import Mask, Rows, counting


class _Runs(NamedTuple):
    """For each row of the left the run of its partners in a sequence of rows."""

    left: Rows
    start: Rows
    length: Rows
    partners: Rows


def equal_pairs(left: BitMatrix, right: BitMatrix, *, max_pairs: int = MAX_PAIRS) -> ScoredPairs:
    """Find all pairs of rows that are equal.

    A row without a bit is an absent record and is in no pair.

    Parameters
    ----------
    left, right : BitMatrix
        Rows of equal length, such as 128-bit tokens.  One object given twice is compared
        with itself: each pair of rows once, the smaller row number on the left.
    max_pairs : int
        The most pairs that the result may hold.

    Returns
    -------
    ScoredPairs
        Each pair with score 1 and the popcount as its overlap.

    Raises
    ------
    DataError
        If the rows of the two sides differ in length.
    ResourceError
        If more than `max_pairs` pairs are equal; before they are stored.

    Examples
    --------
    >>> left = BitMatrix.from_bools([[0, 1, 1], [0, 0, 0]])
    >>> right = BitMatrix.from_bools([[0, 0, 0], [1, 1, 1], [0, 1, 1]])
    >>> pairs = equal_pairs(left, right)
    >>> pairs.left.tolist(), pairs.right.tolist()
    ([0], [2])
    """
    require_comparable(left, right)
    budget = PairBudget(max_pairs)
    runs = _runs_within(left) if left is right else _runs_between(left, right)
    budget.spend(int(runs.length.sum()))
    left_rows = np.repeat(runs.left, runs.length)
    right_rows = runs.partners[np.repeat(runs.start, runs.length) + counting(runs.length)]
    overlap = left.popcounts()[left_rows]
    return ScoredPairs.in_order(left_rows, right_rows, overlap, np.ones(overlap.size))


def crowded_rows(left: BitMatrix, right: BitMatrix, *, most: int) -> tuple[Mask, Mask]:
    """Find rows whose value is shared by so many that all pairs would be too many.

    Parameters
    ----------
    left, right : BitMatrix
        Rows of equal length.
    most : int
        The most pairs that one value may make.

    Returns
    -------
    tuple of ndarray of bool
        For each side which rows have a value that would make more pairs.

    Examples
    --------
    >>> bits = BitMatrix.from_bools([[1, 0], [1, 0], [0, 1]])
    >>> [side.tolist() for side in crowded_rows(bits, bits, most=3)]
    [[True, True, False], [True, True, False]]
    """
    both = BitMatrix(np.concatenate([left.words, right.words]), left.n_bits)
    rows, group = _grouped(both)
    n_groups = int(group[-1]) + 1 if group.size else 0
    is_left = rows < len(left)
    n_pairs = np.bincount(group[is_left], minlength=n_groups) * np.bincount(
        group[~is_left], minlength=n_groups
    )
    crowded = np.zeros(len(both), dtype=np.bool_)
    crowded[rows] = n_pairs[group] > most
    return crowded[: len(left)], crowded[len(left) :]


def _runs_between(left: BitMatrix, right: BitMatrix) -> _Runs:
    """Give each row of the left the equal rows of the right."""
    both = BitMatrix(np.concatenate([left.words, right.words]), left.n_bits)
    rows, group = _grouped(both)
    is_left = rows < len(left)
    right_group = group[~is_left]
    start = np.searchsorted(right_group, group[is_left], side="left")
    stop = np.searchsorted(right_group, group[is_left], side="right")
    return _Runs(rows[is_left], start, stop - start, rows[~is_left] - len(left))


def _runs_within(bits: BitMatrix) -> _Runs:
    """Give each row the equal rows after it."""
    rows, group = _grouped(bits)
    start = np.arange(1, rows.size + 1)
    stop = np.searchsorted(group, group, side="right")
    return _Runs(rows, start, stop - start, rows)


def _grouped(bits: BitMatrix) -> tuple[Rows, Rows]:
    """Give the rows with bits, equal ones together and in order, and number the groups."""
    present = np.flatnonzero(bits.words.any(axis=1))
    words = bits.words[present]
    order = np.lexsort(words.T)
    differs = (words[order[1:]] != words[order[:-1]]).any(axis=1)
    group = np.zeros(order.size, dtype=np.int64)
    np.cumsum(differs, out=group[1:])
    return present[order], group
