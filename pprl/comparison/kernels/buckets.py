"""
The fast kernel for records that share a tag, compiled by numba.

The pairs of a run are counted one by one; only those that qualify are asked whether they
shared a tag in a table before, and so were found already.
"""

import numba
import numpy as np
from numba import types

from pprl.comparison.jobs import Found, Job
from pprl.comparison.kernels.compiling import COUNT_TABLE, COUNTS, PAIRS_OUT, ROWS, TAG_TABLE, WORDS, compiled
from pprl.comparison.kernels.types import ScanRuns
from pprl.comparison.kernels.vectors import common_bits
from pprl.comparison.tags import Runs, Table
from pprl.model.arrays import Counts, Rows, Tags, Words

_SIGNATURE = types.int64(
    types.int64,
    *[ROWS] * 6,
    *[TAG_TABLE] * 2,
    *[WORDS] * 2,
    types.int64,
    *[COUNTS] * 2,
    COUNT_TABLE,
    types.boolean,
    PAIRS_OUT,
)


def prepare_runs(job: Job, left_tags: Tags, right_tags: Tags) -> ScanRuns:
    """Give the function that scans some runs of a table."""
    kernel = compiled(_scan, _SIGNATURE)
    left_distinct, left_which = np.unique(job.left.row_counts(), return_inverse=True)
    right_distinct, right_which = np.unique(job.right.row_counts(), return_inverse=True)
    need = job.need_table(left_distinct, right_distinct)
    which = left_which.astype(np.int32), right_which.astype(np.int32)
    left_words, right_words = job.left.words.reshape(-1), job.right.words.reshape(-1)

    def scan(table: Table, runs: Runs, room: int) -> Found:
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
            *which,
            need,
            job.is_self_join,
            out,
        )
        return Found(n_pairs, *out[:, : n_pairs if n_pairs <= room else 0].copy())

    return scan


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
