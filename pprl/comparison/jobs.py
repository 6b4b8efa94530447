"""
Jobs: two sides to compare, and the work on them cut into tasks.

A *task* is a number of candidate pairs that one thread scans in some hundredths of a
second.  How the work is cut depends on nothing but the rows, so the tasks that are done
can be kept and the others done later, on another machine or with another kernel.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from pprl.comparison.measures import NeededOverlap
from pprl.model import BitMatrix
from pprl.model.arrays import Counts, Rows, Words

Positions = npt.NDArray[np.int32]

PAIRS_AT_ONCE = 1 << 25  # of a task: it must end soon after an interrupt, with any kernel
WORDS_AT_ONCE = 1 << 25  # of its candidates that share a tag


class Found(NamedTuple):
    """What a task found: pairs of rows, and how many there are even where they are not kept."""

    n_pairs: int
    left: Positions
    right: Positions
    overlap: Counts


NONE_FOUND = Found(0, *(np.empty(0, dtype=np.int32) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class Task:
    """Some candidate pairs.

    Parameters
    ----------
    number : int
        Place among the tasks of its work, from 0.
    size : int
        Its share of the work, in the unit that progress is told in.
    scan : callable
        Given room, finds the pairs that qualify; keeps them only if all fit the room.
    """

    number: int
    size: int
    scan: Callable[[int], Found]


class Work(Protocol):
    """Candidate pairs, cut into tasks."""

    @property
    def size(self) -> int:
        """The sum of the sizes of all tasks."""

    def tasks(self) -> Iterator[Task]:
        """Give the tasks in their order."""


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side of a comparison, ordered by popcount.

    Parameters
    ----------
    words : ndarray of uint64, shape (n, w)
        The rows as they came.
    order : ndarray of int64, shape (n,)
        For each position the row that stands there; equal popcounts in the order of rows.
    counts : ndarray of int32, shape (n,)
        For each position the popcount of its row; never falling.
    """

    words: Words
    order: Rows
    counts: Counts

    @classmethod
    def of(cls, bits: BitMatrix) -> "Side":
        """Order the rows of a bit matrix."""
        counts = bits.popcounts()
        order = np.argsort(counts, kind="stable")
        return cls(bits.words, order, counts[order])

    def row_counts(self) -> Counts:
        """Give the popcounts in the order of rows."""
        counts = np.empty_like(self.counts)
        counts[self.order] = self.counts
        return counts

    def __len__(self) -> int:
        return int(self.order.size)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One comparison as candidates and kernels see it.

    Parameters
    ----------
    left, right : Side
        The two sides; one object twice in a self-join.
    n_bits : int
        Length of a row in bits.
    needed : callable
        The least overlap that qualifies, for popcounts of the left and of the right.
    pairs_at_once : int
        The most pairs of a task.
    """

    left: Side
    right: Side
    n_bits: int
    needed: NeededOverlap
    pairs_at_once: int = PAIRS_AT_ONCE

    @classmethod
    def of(
        cls, left: BitMatrix, right: BitMatrix, needed: NeededOverlap, *, pairs_at_once: int = PAIRS_AT_ONCE
    ) -> "Job":
        """Make the job of comparing two bit matrices, or one object with itself."""
        side = Side.of(left)
        other = side if left is right else Side.of(right)
        return cls(side, other, left.n_bits, needed, pairs_at_once)

    @property
    def is_self_join(self) -> bool:
        """Whether one table is compared with itself, each pair of rows once."""
        return self.left is self.right

    @property
    def n_pairs(self) -> int:
        """The number of all pairs."""
        n_left, n_right = len(self.left), len(self.right)
        return n_left * (n_left - 1) // 2 if self.is_self_join else n_left * n_right

    def need_table(self, left_counts: Counts, right_counts: Counts) -> Counts:
        """Give the overlap that qualifies for each popcount of the left (down) and the right (across).

        Where no pair of such rows can qualify it is out of reach: ``n_bits + 1``.
        """
        need = self.needed(left_counts[:, None], right_counts[None, :])
        within_reach = need <= np.minimum(left_counts[:, None], right_counts[None, :])
        return np.where(within_reach, need, self.n_bits + 1).astype(np.int32, copy=False)
