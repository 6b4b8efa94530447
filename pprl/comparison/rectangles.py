"""
Rectangles: all pairs of two sides, cut so that a thread scans a piece in some hundredths of a second.

Rows stand in the order of their popcounts, so the rows of a piece have few different ones.
How the pairs are cut depends on the number of rows and words alone.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pprl.comparison.jobs import Job

BLOCK = 128  # rows of the right side that a kernel may leave out as one; rectangles start with a block
LEFT_ROWS = 512  # 64 kB of 1,024-bit rows, which stay in a level-2 cache
RIGHT_WORDS = 1 << 20  # so that the slowest kernel, too, can be interrupted within a second


class Rectangle(NamedTuple):
    """Positions of the left side against positions of the right, each from start to stop."""

    left_start: int
    left_stop: int
    right_start: int
    right_stop: int


def right_rows(job: Job) -> int:
    """Give the most rows of the right side in a rectangle: whole blocks."""
    n_rows = min(RIGHT_WORDS // int(job.right.words.shape[1]), job.pairs_at_once // LEFT_ROWS)
    return max(1, n_rows // BLOCK) * BLOCK


def rectangles(job: Job) -> Iterator[Rectangle]:
    """Cut all pairs of a job; each is in one rectangle.

    In a self-join a rectangle that lies on or below the diagonal as a whole is left out.
    """
    width = right_rows(job)
    for left_start in range(0, len(job.left), LEFT_ROWS):
        left_stop = min(left_start + LEFT_ROWS, len(job.left))
        for right_start in range(0, len(job.right), width):
            right_stop = min(right_start + width, len(job.right))
            if not job.is_self_join or right_stop - 1 > left_start:
                yield Rectangle(left_start, left_stop, right_start, right_stop)


def n_pairs_in(job: Job, piece: Rectangle) -> int:
    """Count the pairs of a rectangle."""
    if not job.is_self_join:
        return (piece.left_stop - piece.left_start) * (piece.right_stop - piece.right_start)
    first = np.maximum(piece.right_start, np.arange(piece.left_start, piece.left_stop) + 1)
    return int(np.maximum(piece.right_stop - first, 0).sum())
