"""
The slow and obvious kernel: every overlap of a task, counted with NumPy.

It is what the fast kernels are held against, and what small inputs use.
"""

import numpy as np

from pprl.comparison.tasks import Found, Job, Positions, Scan, Task
from pprl.model.arrays import Counts, Mask, Rows, Words

_PAIRS_AT_ONCE = 1 << 19  # about 14 MB of temporaries


def prepare(job: Job) -> Scan:
    """Give the function that scans one task of a job."""

    def scan(task: Task, room: int) -> Found:
        right = job.right.rows(task.right_start, task.right_stop)
        rows_at_once = max(1, _PAIRS_AT_ONCE // len(right))
        kept: list[tuple[Positions, Positions, Counts]] = []
        n_pairs = 0
        for start in range(task.left_start, task.left_stop, rows_at_once):
            part = task._replace(left_start=start, left_stop=min(start + rows_at_once, task.left_stop))
            overlap = _overlaps(job.left.rows(part.left_start, part.left_stop), right)
            i, j = np.nonzero(_qualifies(job, part, overlap))
            n_pairs += i.size
            if n_pairs <= room:
                kept.append((_shifted(i, part.left_start), _shifted(j, part.right_start), overlap[i, j]))
        return _joined(n_pairs, kept if n_pairs <= room else [])

    return scan


def _overlaps(left: Words, right: Words) -> Counts:
    """Count the bits set in both, for each row of the left and each of the right."""
    overlap = np.zeros((len(left), len(right)), dtype=np.int32)
    for word in range(left.shape[1]):
        overlap += np.bitwise_count(left[:, word, None] & right[None, :, word])
    return overlap


def _qualifies(job: Job, task: Task, overlap: Counts) -> Mask:
    left_counts = job.left.counts[task.left_start : task.left_stop, None]
    right_counts = job.right.counts[None, task.right_start : task.right_stop]
    qualifies: Mask = overlap >= job.need[left_counts + right_counts]
    if job.is_self_join:
        left = np.arange(task.left_start, task.left_stop)
        right = np.arange(task.right_start, task.right_stop)
        qualifies &= right[None, :] > left[:, None]
    return qualifies


def _shifted(indices: Rows, start: int) -> Positions:
    return (indices + start).astype(np.int32)


def _joined(n_pairs: int, kept: list[tuple[Positions, Positions, Counts]]) -> Found:
    none = np.empty(0, dtype=np.int32)
    left, right, overlap = (np.concatenate(column) for column in zip((none, none, none), *kept, strict=True))
    return Found(n_pairs, left, right, overlap)
