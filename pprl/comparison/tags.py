"""
Block tags: candidate pairs are records that share one.

Each *table* gives a record one tag, or none.  In a table both sides are sorted by tag, and
equal tags meet in *runs*: all pairs of a run are candidates.  A pair is found only in the
first table in which its records agree, so nothing is found twice and nothing need be
remembered.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pprl.errors import DataError
from pprl.model.arrays import Rows, Tags

NO_TAG = 0


class Runs(NamedTuple):
    """Stretches of two sorted sides that share a tag; four columns of equal length."""

    left_start: Rows
    left_stop: Rows
    right_start: Rows
    right_stop: Rows

    def n_pairs(self) -> Rows:
        """Count the pairs of each run."""
        return (self.left_stop - self.left_start) * (self.right_stop - self.right_start)

    def part(self, start: int, stop: int) -> "Runs":
        """Give the runs from one place to another."""
        return Runs(*(column[start:stop] for column in self))


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """One table of tags, sorted.

    Parameters
    ----------
    number : int
        Its place among the tables, from 0.
    left, right : ndarray of int64
        Rows with a tag, in the order of their tags.
    runs : Runs
        Which of them share one.
    """

    number: int
    left: Rows
    right: Rows
    runs: Runs


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was given up by dropping blocks.

    Parameters
    ----------
    n_blocks : int
        Blocks that made more pairs than allowed.
    n_pairs : int
        The candidate pairs that they made; some of them may be found in other tables.
    """

    n_blocks: int
    n_pairs: int


def sorted_table(left: Tags, right: Tags, number: int) -> Table:
    """Sort one table of two sides and find its runs; one array twice gives the runs of one side."""
    left_tags, left_rows = _sorted(left[:, number])
    right_tags, right_rows = (left_tags, left_rows) if left is right else _sorted(right[:, number])
    return Table(number, left_rows, right_rows, _runs(left_tags, right_tags))


def pieces(runs: Runs, *, most: int) -> Iterator[Runs]:
    """Cut runs into pieces of about `most` pairs; a run that is longer is split, and loses no pair."""
    whole = _split(runs, most)
    ends = np.cumsum(whole.n_pairs())
    start = 0
    while start < ends.size:
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + most, side="right")))
        yield whole.part(start, stop)
        start = stop


def drop_large_blocks(left: Tags, right: Tags, *, most: int) -> tuple[Tags, Tags, Dropped]:
    """Take the tags away that so many records share that they make more than `most` pairs.

    Parameters
    ----------
    left, right : ndarray of uint32, shape (n, tables)
        Tags of the two sides; one array twice for a self-join.
    most : int
        The most pairs that one tag may make.

    Returns
    -------
    left, right : ndarray of uint32
        Copies without these tags; one array twice if one was given twice.
    dropped : Dropped
        How many blocks, and the pairs that it may cost.

    Examples
    --------
    >>> tags = np.array([[5], [5], [6]], dtype=np.uint32)
    >>> kept, _, dropped = drop_large_blocks(tags, tags.copy(), most=3)
    >>> kept.tolist(), dropped
    ([[0], [0], [6]], Dropped(n_blocks=1, n_pairs=4))
    """
    kept_left = left.copy()
    kept_right = kept_left if left is right else right.copy()
    n_blocks = n_pairs = 0
    for number in range(left.shape[1]):
        table = sorted_table(left, right, number)
        pairs = _n_pairs_within(table.runs) if left is right else table.runs.n_pairs()
        for place in np.flatnonzero(pairs > most).tolist():
            run = table.runs.part(place, place + 1)
            kept_left[table.left[run.left_start[0] : run.left_stop[0]], number] = NO_TAG
            kept_right[table.right[run.right_start[0] : run.right_stop[0]], number] = NO_TAG
        n_blocks += int((pairs > most).sum())
        n_pairs += int(pairs[pairs > most].sum())
    return kept_left, kept_right, Dropped(n_blocks, n_pairs)


def require_tags(tags: Tags, n_rows: int, *, side: str) -> None:
    """Raise unless there is a row of tags for each record.

    Raises
    ------
    DataError
        If the type, the shape or the order in memory is another.
    """
    fits = isinstance(tags, np.ndarray) and tags.dtype == np.uint32 and tags.ndim == 2 and len(tags) == n_rows
    if not fits or not tags.flags.c_contiguous:
        raise DataError(f"{side} tags: wanted a contiguous array of uint32, {n_rows} rows", code="tags")


def _sorted(column: Tags) -> tuple[Tags, Rows]:
    """Sort the rows that have a tag by tag, then by row."""
    # One number of tag and row sorts ten times as fast as an order of tags.
    both = (column.astype(np.uint64) << np.uint64(32)) | np.arange(column.size, dtype=np.uint64)
    both = both[column != NO_TAG]
    both.sort()
    return (both >> np.uint64(32)).astype(np.uint32), (both & np.uint64(0xFFFFFFFF)).astype(np.int64)


def _runs(left: Tags, right: Tags) -> Runs:
    left_first, right_first = _firsts(left), _firsts(right)
    _, in_left, in_right = np.intersect1d(
        left[left_first], right[right_first], assume_unique=True, return_indices=True
    )
    left_stops, right_stops = np.append(left_first[1:], left.size), np.append(right_first[1:], right.size)
    return Runs(left_first[in_left], left_stops[in_left], right_first[in_right], right_stops[in_right])


def _firsts(tags: Tags) -> Rows:
    """Give where each tag begins in a sorted column."""
    return np.flatnonzero(np.append(True, tags[1:] != tags[:-1])[: tags.size])


def _n_pairs_within(runs: Runs) -> Rows:
    """Count the pairs of each run of one side with itself."""
    length = runs.left_stop - runs.left_start
    return length * (length - 1) // 2


def _split(runs: Runs, most: int) -> Runs:
    """Split runs of more than `most` pairs between rows of the left, as far as that goes."""
    width = runs.right_stop - runs.right_start
    length = runs.left_stop - runs.left_start
    rows = np.maximum(1, most // np.maximum(width, 1))
    n_parts = -(-length // rows)
    part = np.arange(int(n_parts.sum())) - np.repeat(np.cumsum(n_parts) - n_parts, n_parts)
    starts = np.repeat(runs.left_start, n_parts) + part * np.repeat(rows, n_parts)
    stops = np.minimum(starts + np.repeat(rows, n_parts), np.repeat(runs.left_stop, n_parts))
    return Runs(starts, stops, np.repeat(runs.right_start, n_parts), np.repeat(runs.right_stop, n_parts))
