"""
How a comparison is laid out: both sides sorted by popcount, cut into tasks.

Rows of about one popcount stand together, so a kernel can leave out whole blocks of
them.  Kernels speak of *positions* in the sorted sides; `to_rows` turns them back.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pprl.model import BitMatrix
from pprl.model.arrays import Counts, Rows, Words

BLOCK = 128  # rows of the right side that a kernel may leave out as one; tasks start with a block
ROWS = 512  # of the left side in a task: 64 kB of 1,024-bit rows, which stay in a level-2 cache
Positions = npt.NDArray[np.int32]


class Task(NamedTuple):
    """Positions of the left side against positions of the right, each from start to stop."""

    left_start: int
    left_stop: int
    right_start: int
    right_stop: int


class Found(NamedTuple):
    """What a task found: the pairs, and how many there are even where they are not kept."""

    n_pairs: int
    left: Positions
    right: Positions
    overlap: Counts


Scan = Callable[[Task, int], Found]  # (task, room): keeps pairs only if all of them fit the room


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side of a comparison, sorted by popcount.

    Parameters
    ----------
    words : ndarray of uint64, shape (n, w)
        The rows as they came.
    order : ndarray of int64, shape (n,)
        For each position the row that stands there.
    counts : ndarray of int32, shape (n,)
        For each position the popcount of its row; never falling.
    """

    words: Words
    order: Rows
    counts: Counts

    @classmethod
    def of(cls, bits: BitMatrix) -> "Side":
        """Sort the rows of a bit matrix; equal popcounts stay in the order of rows."""
        counts = bits.popcounts()
        order = np.argsort(counts, kind="stable")
        return cls(bits.words, order, counts[order])

    def rows(self, start: int, stop: int) -> Words:
        """Copy the rows that stand from `start` to `stop`."""
        return self.words[self.order[start:stop]]

    def __len__(self) -> int:
        return int(self.order.size)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One comparison as the kernels see it.

    Parameters
    ----------
    left, right : Side
        The two sides; one object twice in a self-join.
    need : ndarray of int32
        The least overlap for each sum of popcounts.
    """

    left: Side
    right: Side
    need: Counts

    @property
    def is_self_join(self) -> bool:
        """Whether one table is compared with itself, each pair of rows once."""
        return self.left is self.right

    @property
    def n_pairs(self) -> int:
        """The number of pairs to look at."""
        n_left, n_right = len(self.left), len(self.right)
        return n_left * (n_left - 1) // 2 if self.is_self_join else n_left * n_right

    def tasks(self, right_rows: int) -> Iterator[Task]:
        """Cut the comparison into tasks, at most `right_rows` of the right side in each.

        Every pair is in one task.  In a self-join a task that lies on or below the
        diagonal as a whole is left out.
        """
        for left_start in range(0, len(self.left), ROWS):
            left_stop = min(left_start + ROWS, len(self.left))
            for right_start in range(0, len(self.right), right_rows):
                right_stop = min(right_start + right_rows, len(self.right))
                if not self.is_self_join or right_stop - 1 > left_start:
                    yield Task(left_start, left_stop, right_start, right_stop)

    def n_pairs_in(self, task: Task) -> int:
        """Count the pairs that a task looks at."""
        first = np.full(task.left_stop - task.left_start, task.right_start, dtype=np.int64)
        if self.is_self_join:
            first = np.maximum(first, np.arange(task.left_start, task.left_stop) + 1)
        return int(np.maximum(task.right_stop - first, 0).sum())

    def to_rows(self, left: Positions, right: Positions) -> tuple[Rows, Rows]:
        """Turn positions into row numbers; in a self-join the smaller one is the left."""
        left_rows, right_rows = self.left.order[left], self.right.order[right]
        if not self.is_self_join:
            return left_rows, right_rows
        return np.minimum(left_rows, right_rows), np.maximum(left_rows, right_rows)
