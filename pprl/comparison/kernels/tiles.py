"""
The fast kernel for all pairs: tiles of rows, compiled by numba.

A *tile* holds eight rows of the right side word by word: word 0 of each of its rows, then
word 1 of each, and so on.  One word of a left row meets a word of every row of the tile (its
*lanes*) in one vector, without a sum across a vector.  A *block* is 128 rows of the right
side, which stay in a level-1 cache while all left rows of a rectangle pass by.  Only lanes
that reach the bound of their block leave the vectors and are counted whole.
"""

# ruff: noqa: PLR1702 - the loops of a kernel stand where they can be seen together

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numba import types

from pprl.comparison.heads import Head, choose_head
from pprl.comparison.jobs import NONE_FOUND, Found, Job, Side
from pprl.comparison.kernels.compiling import (
    COUNT_TABLE,
    COUNTS,
    PAIRS_OUT,
    ROWS,
    STAMP,
    STAMPED,
    WORD_TABLE,
    WORDS,
    WORDS_OUT,
    compiled,
)
from pprl.comparison.kernels.types import ScanRectangle
from pprl.comparison.kernels.vectors import LANES, TILES, common_bits, first_lane, lanes_reaching
from pprl.comparison.rectangles import BLOCK, Rectangle, right_rows
from pprl.model.arrays import Counts, Rows, Words

_ALIGNMENT = 64  # bytes of a cache line
_EVERYWHERE = -(1 << 62)
_SIGNATURE = types.int64(
    WORDS,
    *[COUNTS] * 4,
    WORDS,
    *[COUNTS] * 6,
    *[COUNT_TABLE] * 2,
    *[WORDS] * 2,
    *[types.int64] * 2,
    STAMPED,
    PAIRS_OUT,
)
_GATHER_SIGNATURE = types.void(WORD_TABLE, ROWS, STAMPED, WORDS_OUT)
_PANEL = 64  # rows whose columns are gathered together, so that the compiler uses vectors


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """What is met of one side, in the order of rows: whole rows, or their heads.

    Parameters
    ----------
    met : ndarray of uint64, shape (n, w)
        The words that meet.
    tails : ndarray of int32, shape (n,)
        For each row the bits set elsewhere.
    """

    met: Words
    tails: Counts

    @classmethod
    def of(cls, side: Side, head: Head | None) -> "_Rows":
        if head is None:
            return cls(side.words, np.zeros(len(side), dtype=np.int32))
        met = gathered(side.words, head.columns)
        return cls(met, side.row_counts() - np.bitwise_count(met).sum(axis=1, dtype=np.int32))


@dataclass(frozen=True, slots=True, eq=False)
class _Tiles:
    """The right side in tiles; within a rectangle rows are ordered by popcount and tail.

    Parameters
    ----------
    words : ndarray of uint64, shape (blocks, words of a block)
        The tiles, filled up with rows of zeros to whole blocks.
    positions : ndarray of int64, shape (n,)
        For each place its position in the side.
    counts, rows : ndarray of int32, shape (n,)
        Popcount and row number of each place.
    which : ndarray of int32, shape (n,)
        For each place how many smaller popcounts its rectangle has.
    block_head, block_tail, block_last : ndarray of int32, shape (blocks,)
        The greatest popcounts of a head and of a tail, and the last position, in a block.
    """

    words: Words
    positions: Counts
    counts: Counts
    rows: Counts
    which: Counts
    block_head: Counts
    block_tail: Counts
    block_last: Counts


def prepare_rectangles(job: Job, prune: bool) -> ScanRectangle:  # noqa: FBT001 - a table holds it
    """Lay a job out in tiles and give the function that scans one rectangle of it."""
    kernel = compiled(_scan, _SIGNATURE)
    head = choose_head(job) if prune else None
    left = _Rows.of(job.left, head)
    tiles = _tiled(job.right, left if job.is_self_join else _Rows.of(job.right, head), right_rows(job))
    left_words, right_words = job.left.words.reshape(-1), job.right.words.reshape(-1)

    def scan(piece: Rectangle, room: int) -> Found:
        rows = job.left.order[piece.left_start : piece.left_stop]
        places = slice(piece.right_start, piece.right_stop)
        blocks = slice(piece.right_start // BLOCK, -(-piece.right_stop // BLOCK))
        counts = job.left.counts[piece.left_start : piece.left_stop]
        distinct, which = np.unique(counts, return_inverse=True)
        right_which = tiles.which[places]
        need = job.need_table(distinct, tiles.counts[places][_firsts(right_which)])
        bounds = _bounds(need, right_which, out_of_reach=job.n_bits + 1)
        if int(bounds.min()) > job.n_bits:
            return NONE_FOUND
        out = np.empty((3, room), dtype=np.int32)
        n_pairs = kernel(
            left.met[rows].reshape(-1),
            counts,
            left.tails[rows],
            which.astype(np.int32),
            rows.astype(np.int32),
            tiles.words[blocks].reshape(-1),
            right_which,
            tiles.rows[places],
            tiles.positions[places],
            tiles.block_head[blocks],
            tiles.block_tail[blocks],
            tiles.block_last[blocks],
            bounds,
            need,
            left_words,
            right_words,
            job.left.words.shape[1],
            piece.left_start if job.is_self_join else _EVERYWHERE,
            STAMP,
            out,
        )
        return Found(n_pairs, *out[:, : n_pairs if n_pairs <= room else 0].copy())

    return scan


def _bounds(need: Counts, columns: Counts, *, out_of_reach: int) -> Counts:
    """Give for each popcount of the left and each block the least overlap that qualifies there."""
    starts = np.arange(0, columns.size, BLOCK)
    last = np.minimum(starts + BLOCK, columns.size) - 1
    ends = np.column_stack([columns[starts], columns[last] + 1]).reshape(-1)
    padded = np.pad(need, ((0, 0), (0, 1)), constant_values=out_of_reach)
    return np.ascontiguousarray(np.minimum.reduceat(padded, ends, axis=1)[:, ::2])


def _tiled(side: Side, rows: _Rows, width: int) -> _Tiles:
    """Lay a side out in tiles, `width` positions to a rectangle."""
    positions = np.arange(len(side), dtype=np.int64)
    for start in range(0, len(side), width):
        part = slice(start, start + width)
        order = np.lexsort((rows.tails[side.order[part]], side.counts[part]))
        positions[part] = start + order
    placed = side.order[positions]
    tails = rows.tails[placed]
    counts = side.counts[positions]
    return _Tiles(
        words=_words_of_tiles(rows.met, placed),
        positions=positions.astype(np.int32),
        counts=counts,
        rows=placed.astype(np.int32),
        which=_steps(counts, width),
        block_head=_greatest(counts - tails),
        block_tail=_greatest(tails),
        block_last=_greatest(positions.astype(np.int32)),
    )


def _steps(counts: Counts, width: int) -> Counts:
    """Give the different values of a sorted column numbers, anew for each `width` places."""
    rises = np.append(False, counts[1:] != counts[:-1])[: counts.size]
    steps = np.cumsum(rises, dtype=np.int32)
    return steps - np.repeat(steps[::width], width)[: counts.size]


def _firsts(which: Counts) -> Rows:
    """Give the places where a number of `_steps` is met first."""
    return np.flatnonzero(np.append(True, which[1:] != which[:-1]))


def _greatest(values: Counts) -> Counts:
    return np.maximum.reduceat(values, np.arange(0, values.size, BLOCK))


def _words_of_tiles(met: Words, placed: Rows) -> Words:
    n_words = met.shape[1]
    n_blocks = -(-placed.size // BLOCK)
    tiles = _aligned_zeros(n_blocks, n_words * BLOCK)
    by_lane = tiles.reshape(n_blocks, BLOCK // LANES, n_words, LANES)
    whole = np.zeros((BLOCK, n_words), dtype=np.uint64)
    for block in range(n_blocks):
        rows = placed[block * BLOCK : (block + 1) * BLOCK]
        whole[: rows.size] = met[rows]
        whole[rows.size :] = 0
        by_lane[block] = whole.reshape(-1, LANES, n_words).transpose(0, 2, 1)
    return tiles


def _aligned_zeros(n_rows: int, n_columns: int) -> Words:
    """Make an array of zeros that starts with a cache line."""
    space = np.zeros(n_rows * n_columns * 8 + _ALIGNMENT, dtype=np.uint8)
    start = -space.ctypes.data % _ALIGNMENT
    return space[start : start + n_rows * n_columns * 8].view(np.uint64).reshape(n_rows, n_columns)


def gathered(words: Words, columns: Rows) -> Words:
    """Give the bits of some columns of each row, 64 columns to a word."""
    out = np.zeros((len(words), columns.size // 64), dtype=np.uint64)
    compiled(_gather, _GATHER_SIGNATURE)(words, columns, STAMP, out)
    return out


def _gather(words: Words, columns: Rows, _stamp: Any, out: Words) -> None:  # noqa: ANN401 - as in _scan
    panel = np.empty((words.shape[1], _PANEL), np.uint64)
    made = np.empty(_PANEL, np.uint64)
    for first in range(0, len(words), _PANEL):
        n_rows = min(_PANEL, len(words) - first)
        for word in range(words.shape[1]):
            for row in range(n_rows):
                panel[word, row] = words[first + row, word]
        for target in range(out.shape[1]):
            made[:] = 0
            for bit in range(64):
                column = columns[target * 64 + bit]
                source, shift, place = panel[column >> 6], np.uint64(column & 63), np.uint64(bit)
                for row in range(_PANEL):
                    made[row] |= ((source[row] >> shift) & np.uint64(1)) << place
            for row in range(n_rows):
                out[first + row, target] = made[row]


@numba.njit(nogil=True)
def _overlap(n_words: int, left: Words, left_start: int, right: Words, right_start: int) -> int:
    """Count the overlap of two whole rows."""
    overlap = 0
    for word in range(n_words):
        overlap += common_bits(left, left_start + word, right, right_start + word)
    return overlap


def _scan(
    met: Words,
    counts: Counts,
    tails: Counts,
    which: Counts,
    rows: Counts,
    tiles: Words,
    right_which: Counts,
    right_rows: Counts,
    positions: Counts,
    block_head: Counts,
    block_tail: Counts,
    block_last: Counts,
    bounds: Counts,
    need: Counts,
    left_words: Words,
    right_words: Words,
    n_words: int,
    after: int,
    _stamp: Any,  # noqa: ANN401 - an argument for its type's sake
    out: Counts,
) -> int:
    """Write the qualifying pairs to `out`, count on past its end, and give the count.

    A pair counts only if the position of the right is greater than that of the left, which is
    `after` for the first row: so a self-join leaves out its diagonal and all below it.
    """
    n_met = met.size // counts.size
    stride = n_met * LANES
    n_left, n_right = counts.size, right_which.size
    found = 0
    for block in range(block_head.size):
        start = block * BLOCK
        for i in range(n_left):
            bound = int(bounds[which[i], block])
            tail = min(tails[i], block_tail[block])
            if bound - tail > min(counts[i] - tails[i], block_head[block]) or block_last[block] <= after + i:
                continue
            for first in range(start, start + BLOCK, LANES * TILES):
                lanes = lanes_reaching(met, i * n_met, tiles, first * n_met, n_met, stride, bound - tail)
                while lanes:
                    j = first + first_lane(lanes)
                    lanes &= lanes - np.uint64(1)
                    if j >= n_right or positions[j] <= after + i:
                        continue
                    overlap = _overlap(
                        n_words, left_words, rows[i] * n_words, right_words, right_rows[j] * n_words
                    )
                    if overlap >= need[which[i], right_which[j]]:
                        if found < out.shape[1]:
                            out[0, found] = rows[i]
                            out[1, found] = right_rows[j]
                            out[2, found] = overlap
                        found += 1
    return found
