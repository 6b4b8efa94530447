"""
The fast kernel for records that share a tag, compiled by numba.

The pairs of a run are counted one by one; only those that qualify are asked whether they
shared a tag in a table before, and so were found already.
"""

from typing import Any

import numba
import numpy as np
from numba import types

from pprl.comparison.jobs import NONE_FOUND, Found, Job
from pprl.comparison.kernels.compiling import (
    COUNT_TABLE,
    COUNTS,
    PAIRS_OUT,
    ROWS,
    STAMP,
    STAMPED,
    TAG_TABLE,
    WORDS,
    compiled,
)
from pprl.comparison.kernels.types import ScanRuns
from pprl.comparison.kernels.vectors import common_bits
from pprl.comparison.tags import Runs, Table
from pprl.model.arrays import Counts, Rows, Tags, Words

_MOST_LEVELS = 1024  # of popcounts: a table of needs is 4 MB at most
_SIGNATURE = types.int64(
    types.int64,
    *[ROWS] * 6,
    *[TAG_TABLE] * 2,
    *[WORDS] * 2,
    types.int64,
    *[COUNTS] * 2,
    COUNT_TABLE,
    types.boolean,
    STAMPED,
    PAIRS_OUT,
)


def prepare_runs(job: Job, left_tags: Tags, right_tags: Tags) -> ScanRuns:
    """Give the function that scans some runs of a table."""
    kernel = compiled(_scan, _SIGNATURE)
    left_counts, right_counts = job.left.row_counts(), job.right.row_counts()
    left_which, left_least = _levels(left_counts)
    right_which, right_least = _levels(right_counts)
    # With a level for each popcount the kernel's own test is the exact one, and nothing is tested again.
    is_exact = bool(
        (left_least[left_which] == left_counts).all() and (right_least[right_which] == right_counts).all()
    )
    need = (
        job.needed(left_least[:, None], right_least[None, :])
        if is_exact
        else _least_needs(job, left_least, right_least)
    )
    left_words, right_words = job.left.words.reshape(-1), job.right.words.reshape(-1)

    def candidates(table: Table, runs: Runs, room: int) -> Found:
        out = np.empty((3, room), dtype=np.int32)
        n_pairs = kernel(
            table.number,
            table.left,
            table.right,
            *runs,
            left_tags,
            right_tags,
            left_words,
            right_words,
            job.left.words.shape[1],
            left_which,
            right_which,
            need,
            job.is_self_join,
            STAMP,
            out,
        )
        return Found(n_pairs, *out[:, : n_pairs if n_pairs <= room else 0].copy())

    def scan(table: Table, runs: Runs, room: int) -> Found:
        found = candidates(table, runs, room)
        if is_exact:
            return found
        if found.n_pairs > room:
            found = candidates(table, runs, found.n_pairs)
        enough = found.overlap >= job.needed(left_counts[found.left], right_counts[found.right])
        n_pairs = int(enough.sum())
        return (
            Found(n_pairs, *(column[enough] for column in found[1:]))
            if n_pairs <= room
            else _too_many(n_pairs)
        )

    return scan


def _levels(counts: Counts) -> tuple[Counts, Counts]:
    """Sort popcounts into a few levels; give the level of each row, and the least popcount of each level.

    What the least popcounts of two levels need, all of their pairs need at least.
    """
    distinct = np.unique(counts)
    least = distinct[:: max(1, -(-distinct.size // _MOST_LEVELS))]
    return (np.searchsorted(least, counts, side="right") - 1).astype(np.int32), least


def _least_needs(job: Job, left_least: Counts, right_least: Counts) -> Counts:
    """Give what pairs of two levels need at least; no bit at all is the one popcount that may need more."""
    needs: Counts = np.minimum.reduce(
        [
            job.needed(np.maximum(left_least, left)[:, None], np.maximum(right_least, right)[None, :])
            for left in (0, 1)
            for right in (0, 1)
        ]
    )
    return needs


def _too_many(n_pairs: int) -> Found:
    return Found(n_pairs, *NONE_FOUND[1:])


@numba.njit(nogil=True)
def _met_before(left_tags: Tags, left: int, right_tags: Tags, right: int, table: int) -> bool:
    for earlier in range(table):
        tag = left_tags[left, earlier]
        if tag != 0 and tag == right_tags[right, earlier]:
            return True
    return False


def _scan(
    table: int,
    left_rows: Rows,
    right_rows: Rows,
    left_start: Rows,
    left_stop: Rows,
    right_start: Rows,
    right_stop: Rows,
    left_tags: Tags,
    right_tags: Tags,
    left_words: Words,
    right_words: Words,
    n_words: int,
    left_which: Counts,
    right_which: Counts,
    need: Counts,
    is_self_join: bool,  # noqa: FBT001 - compiled functions have no keywords
    _stamp: Any,  # noqa: ANN401 - an argument for its type's sake
    out: Counts,
) -> int:
    """Write the qualifying pairs to `out`, count on past its end, and give the count."""
    found = 0
    for run in range(left_start.size):
        for i in range(left_start[run], left_stop[run]):
            left = left_rows[i]
            for j in range(right_start[run], right_stop[run]):
                right = right_rows[j]
                if is_self_join and right <= left:
                    continue
                least = need[left_which[left], right_which[right]]
                overlap = 0
                for word in range(n_words):
                    overlap += common_bits(
                        left_words, left * n_words + word, right_words, right * n_words + word
                    )
                if overlap >= least and not _met_before(left_tags, left, right_tags, right, table):
                    if found < out.shape[1]:
                        out[0, found] = left
                        out[1, found] = right
                        out[2, found] = overlap
                    found += 1
    return found
