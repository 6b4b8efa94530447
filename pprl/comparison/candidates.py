"""
Candidates: which pairs are looked at.

`AllPairs` looks at every pair, and so misses none.  `SharedTags` looks only at pairs of
records that share a block tag, such as those of Hamming LSH or a keyed phonetic block: far
fewer, at the price of the pairs that share none.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from pprl.comparison.jobs import PAIRS_AT_ONCE, WORDS_AT_ONCE, Job, Task, Work
from pprl.comparison.kernels.types import Kernel
from pprl.comparison.rectangles import LEFT_ROWS, RIGHT_WORDS, n_pairs_in, rectangles
from pprl.comparison.tags import pieces, require_tags, sorted_table
from pprl.errors import DataError
from pprl.model.arrays import Tags

PRUNED_FROM = 400_000_000  # pairs; below this, learning an order of columns costs more than it gains


class Candidates(Protocol):
    """A choice of candidate pairs."""

    def fingerprint(self) -> str:
        """Give a text that is equal for equal choices."""

    def work(self, job: Job, kernel: Kernel) -> Work:
        """Cut the candidate pairs of a job into tasks for a kernel."""


@dataclass(frozen=True, slots=True)
class AllPairs:
    """Every pair of a left and a right row.

    Parameters
    ----------
    prune : bool
        Whether the kernel may learn an order of the bit columns in which most pairs can be
        left after some words.  The pairs found are the same; only the time differs.
    """

    prune: bool = True

    def fingerprint(self) -> str:
        """Give the same text whether or not pairs are left early; it says how they are cut."""
        return f"all pairs, {LEFT_ROWS} x {RIGHT_WORDS} words, {PAIRS_AT_ONCE} at once"

    def work(self, job: Job, kernel: Kernel) -> Work:
        """Cut all pairs into rectangles, counted in pairs."""
        return _Rectangles(job, kernel, prune=self.prune)


@dataclass(frozen=True, slots=True)
class _Rectangles:
    job: Job
    kernel: Kernel
    prune: bool

    @property
    def size(self) -> int:
        return self.job.n_pairs

    def tasks(self) -> Iterator[Task]:
        if not self.job.n_pairs:
            return
        scan = self.kernel.rectangles(self.job, self.prune and self.job.n_pairs >= PRUNED_FROM)
        for number, piece in enumerate(rectangles(self.job)):
            yield Task(number, n_pairs_in(self.job, piece), partial(scan, piece))


@dataclass(frozen=True, slots=True, eq=False)
class SharedTags:
    """The pairs of rows that share a block tag in some table.

    Parameters
    ----------
    left, right : ndarray of uint32, shape (n, tables)
        For each row its tag in each table, 0 for none; contiguous.  In a self-join one
        array twice.

    Examples
    --------
    >>> import numpy as np
    >>> from pprl import BitMatrix, compare
    >>> bits = BitMatrix.from_bools(np.ones((3, 8), dtype=bool))
    >>> tags = np.array([[1, 7], [2, 7], [2, 0]], dtype=np.uint32)
    >>> pairs = compare(bits, bits, threshold=1, candidates=SharedTags(tags, tags))
    >>> list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    [(0, 1), (1, 2)]
    """

    left: Tags
    right: Tags

    def fingerprint(self) -> str:
        """Give the SHA-256 of the tags."""
        digest = hashlib.sha256(str(self.left.shape).encode())
        for tags in (self.left, self.right):
            digest.update(np.ascontiguousarray(tags, dtype="<u4").data)
        return f"shared tags {digest.hexdigest()}, {WORDS_AT_ONCE} words, {PAIRS_AT_ONCE} at once"

    def work(self, job: Job, kernel: Kernel) -> Work:
        """Cut the candidates into pieces of runs, counted in records looked up.

        Raises
        ------
        DataError
            If the tags do not fit the rows or each other.
        """
        require_tags(self.left, len(job.left), side="left")
        require_tags(self.right, len(job.right), side="right")
        if self.left.shape[1] != self.right.shape[1]:
            raise DataError(
                f"tags: {self.left.shape[1]} tables on the left and {self.right.shape[1]} on the right",
                code="tags",
                hint="compare encodings that were made under one agreement, pass by pass",
            )
        if job.is_self_join and self.left is not self.right:
            raise DataError("tags: a table compared with itself has one array of tags", code="tags")
        return _Tables(job, kernel, self)


@dataclass(frozen=True, slots=True)
class _Tables:
    job: Job
    kernel: Kernel
    tags: SharedTags

    @property
    def size(self) -> int:
        return self.tags.left.shape[1] * self._size_of_table if self.job.n_pairs else 0

    @property
    def _size_of_table(self) -> int:
        return len(self.job.left) + len(self.job.right)

    def tasks(self) -> Iterator[Task]:
        if not self.job.n_pairs:
            return
        left, right = self.tags.left, self.tags.right
        scan = self.kernel.runs(self.job, left, right)
        number = 0
        for place in range(left.shape[1]):
            table = sorted_table(left, right, place)
            parts = list(pieces(table.runs, most=_most_pairs(self.job))) or [table.runs]
            for part, size in zip(parts, _shares(self._size_of_table, len(parts)), strict=True):
                yield Task(number, size, partial(scan, table, part))
                number += 1


def _most_pairs(job: Job) -> int:
    """Give the most candidates of a task; wide rows are counted for more."""
    return max(1, min(job.pairs_at_once, WORDS_AT_ONCE // int(job.left.words.shape[1])))


def _shares(whole: int, n_parts: int) -> list[int]:
    """Cut a number into parts that add up to it."""
    return [whole * (part + 1) // n_parts - whole * part // n_parts for part in range(n_parts)]
