"""
The slow and obvious kernel: every overlap of a task, counted with NumPy.

It is what the fast kernels are held against, and what small inputs use.
"""

import numpy as np

from pprl.comparison.jobs import NONE_FOUND, Found, Job, Positions
from pprl.comparison.kernels.types import ScanRectangle, ScanRuns
from pprl.comparison.rectangles import Rectangle
from pprl.comparison.tags import NO_TAG, Runs, Table, pieces
from pprl.model.arrays import Counts, Mask, Rows, Tags, Words, counting

_PAIRS_AT_ONCE = 1 << 19  # about 14 MB of temporaries


def prepare_rectangles(job: Job, _prune: bool) -> ScanRectangle:  # noqa: FBT001 - a table holds it
    """Give the function that scans one rectangle of a job."""

    def scan(piece: Rectangle, room: int) -> Found:
        right = job.right.words[job.right.order[piece.right_start : piece.right_stop]]
        rows_at_once = max(1, _PAIRS_AT_ONCE // len(right))
        right_distinct, right_which = np.unique(
            job.right.counts[piece.right_start : piece.right_stop], return_inverse=True
        )
        kept: list[tuple[Positions, Positions, Counts]] = []
        n_pairs = 0
        for start in range(piece.left_start, piece.left_stop, rows_at_once):
            part = piece._replace(left_start=start, left_stop=min(start + rows_at_once, piece.left_stop))
            left = job.left.words[job.left.order[part.left_start : part.left_stop]]
            overlap = _overlaps(left, right)
            i, j = np.nonzero(_qualifies(job, part, overlap, right_distinct, right_which))
            n_pairs += i.size
            if n_pairs <= room:
                rows = job.left.order[start + i], job.right.order[piece.right_start + j]
                kept.append((rows[0].astype(np.int32), rows[1].astype(np.int32), overlap[i, j]))
        return _joined(n_pairs, kept if n_pairs <= room else [])

    return scan


def prepare_runs(job: Job, left_tags: Tags, right_tags: Tags) -> ScanRuns:
    """Give the function that scans some runs of a table of tags."""
    left_counts, right_counts = job.left.row_counts(), job.right.row_counts()

    def scan(table: Table, runs: Runs, room: int) -> Found:
        kept: list[tuple[Positions, Positions, Counts]] = []
        n_pairs = 0
        for part in pieces(runs, most=_PAIRS_AT_ONCE):
            left, right = _pairs_of(table, part)
            overlap = _overlaps_of_pairs(job.left.words, left, job.right.words, right)
            counts = left_counts[left], right_counts[right]
            qualifies = overlap >= job.needed(*counts)
            met = (left_tags[left, : table.number] == right_tags[right, : table.number]) & (
                left_tags[left, : table.number] != NO_TAG
            )
            qualifies &= ~met.any(axis=1)
            if job.is_self_join:
                qualifies &= left < right
            n_pairs += int(qualifies.sum())
            if n_pairs <= room:
                rows = left[qualifies].astype(np.int32), right[qualifies].astype(np.int32)
                kept.append((*rows, overlap[qualifies]))
        return _joined(n_pairs, kept if n_pairs <= room else [])

    return scan


def _pairs_of(table: Table, runs: Runs) -> tuple[Rows, Rows]:
    """Give the rows of every pair of some runs."""
    width = runs.right_stop - runs.right_start
    pair = counting(runs.n_pairs())
    run = np.repeat(np.arange(width.size), runs.n_pairs())
    return (
        table.left[runs.left_start[run] + pair // width[run]],
        table.right[runs.right_start[run] + pair % width[run]],
    )


def _overlaps_of_pairs(left: Words, left_rows: Rows, right: Words, right_rows: Rows) -> Counts:
    overlap = np.zeros(left_rows.size, dtype=np.int32)
    for word in range(left.shape[1]):
        overlap += np.bitwise_count(left[left_rows, word] & right[right_rows, word])
    return overlap


def _overlaps(left: Words, right: Words) -> Counts:
    """Count the bits set in both, for each row of the left and each of the right."""
    overlap = np.zeros((len(left), len(right)), dtype=np.int32)
    for word in range(left.shape[1]):
        overlap += np.bitwise_count(left[:, word, None] & right[None, :, word])
    return overlap


def _qualifies(
    job: Job, piece: Rectangle, overlap: Counts, right_distinct: Counts, right_which: Rows
) -> Mask:
    left_counts = job.left.counts[piece.left_start : piece.left_stop]
    left_distinct, left_which = np.unique(left_counts, return_inverse=True)
    need = job.need_table(left_distinct, right_distinct)
    qualifies: Mask = overlap >= need[left_which[:, None], right_which[None, :]]
    if job.is_self_join:
        left = np.arange(piece.left_start, piece.left_stop)
        right = np.arange(piece.right_start, piece.right_stop)
        qualifies &= right[None, :] > left[:, None]
    return qualifies


def _joined(n_pairs: int, kept: list[tuple[Positions, Positions, Counts]]) -> Found:
    left, right, overlap = (np.concatenate(column) for column in zip(NONE_FOUND[1:], *kept, strict=True))
    return Found(n_pairs, left, right, overlap)
