"""
The fast kernel: tiles of rows, compiled by numba.

A *tile* holds a few rows of the right side word by word: word 0 of each of its rows,
then word 1 of each, and so on.  One word of a left row meets a word of every row of the
tile at once, so the compiler turns the loop over a tile's rows (its *lanes*) into vector
instructions, without a sum across a vector.  A *block* is 128 rows of the right side,
which stay in a level-1 cache while all left rows of a task pass by.

This is the one file that imports numba.
"""

# ruff: noqa: ANN401 - numba and llvmlite have no types
# ruff: noqa: PLR1702 - the loops of a kernel stand where they can be seen together

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic

from pprl.comparison.tasks import BLOCK, Found, Job, Scan, Side, Task
from pprl.model.arrays import Counts, Rows, Words

if numba.config.DISABLE_JIT:
    raise ImportError("numba is told not to compile (NUMBA_DISABLE_JIT)")

WIDEST = 16  # words that a loop can be unrolled over; wider rows are met PART words at a time
PART = 8
_LANES = (
    (1, 64),
    (4, 32),
    (10, 16),
    (16, 8),
)  # (words at most, lanes); a loop over fewer lanes is unrolled, not vectorised
_LANES_WIDE = 32
_ALIGNMENT = 64  # bytes of a cache line
_EVERYWHERE = -(1 << 62)

Constants = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Shape:
    """How a tile of rows is laid out; the compiler sees the numbers as constants.

    Parameters
    ----------
    n_words : int
        Words of a row, with padding.
    n_lanes : int
        Rows of a tile.
    part : int
        Words that are met in one unrolled loop; divides `n_words`.
    """

    n_words: int
    n_lanes: int
    part: int

    @classmethod
    def fit(cls, n_words: int) -> "Shape":
        """Choose the shape for rows of some number of words."""
        if n_words > WIDEST:
            return cls(-(-n_words // PART) * PART, _LANES_WIDE, PART)
        return cls(n_words, next(lanes for widest, lanes in _LANES if n_words <= widest), n_words)

    def constants(self) -> Constants:
        """Give tuples whose lengths, being part of their types, are known to the compiler."""
        is_wide = int(self.n_words > self.part)
        return (0,) * self.part, (0,) * self.n_lanes, (0,) * is_wide


def prepare(job: Job) -> Scan:
    """Lay a job out in tiles and give the function that scans one task of it."""
    shape = Shape.fit(job.left.words.shape[1])
    kernel = _compiled(shape)
    rows = _padded(job.left, shape)
    tiles = _tiled(job.right, shape)
    block_least, block_most = _block_ends(job.right.counts)

    def scan(task: Task, room: int) -> Found:
        out = np.empty((3, room), dtype=np.int32)
        blocks = slice(task.right_start // BLOCK, -(-task.right_stop // BLOCK))
        n_pairs = kernel(
            shape.constants(),
            rows[task.left_start : task.left_stop].reshape(-1),
            job.left.counts[task.left_start : task.left_stop],
            tiles[blocks].reshape(-1),
            job.right.counts[task.right_start : task.right_stop],
            block_least[blocks],
            block_most[blocks],
            job.need,
            task.left_start - task.right_start if job.is_self_join else _EVERYWHERE,
            out,
        )
        left, right, overlap = out[:, : n_pairs if n_pairs <= room else 0].copy()
        left += np.int32(task.left_start)
        right += np.int32(task.right_start)
        return Found(n_pairs, left, right, overlap)

    return scan


def _padded(side: Side, shape: Shape) -> Words:
    """Give the sorted rows, padded with zero words; shape (n, shape.n_words)."""
    n_words = side.words.shape[1]
    rows = np.zeros((len(side), shape.n_words), dtype=np.uint64)
    rows[:, :n_words] = side.rows(0, len(side))
    return rows


def _tiled(side: Side, shape: Shape) -> Words:
    """Give the sorted rows in tiles, padded with zero rows; shape (blocks, words of a block)."""
    n_blocks = -(-len(side) // BLOCK)
    tiles = _aligned_zeros(n_blocks, shape.n_words * BLOCK)
    by_word = tiles.reshape(n_blocks, BLOCK // shape.n_lanes, shape.n_words, shape.n_lanes)
    for block in range(n_blocks):
        rows = side.rows(block * BLOCK, (block + 1) * BLOCK)
        whole = np.zeros((BLOCK, shape.n_words), dtype=np.uint64)
        whole[: len(rows), : rows.shape[1]] = rows
        by_word[block] = whole.reshape(-1, shape.n_lanes, shape.n_words).transpose(0, 2, 1)
    return tiles


def _aligned_zeros(n_rows: int, n_columns: int) -> Words:
    """Make an array of zeros that starts with a cache line."""
    space = np.zeros(n_rows * n_columns * 8 + _ALIGNMENT, dtype=np.uint8)
    start = -space.ctypes.data % _ALIGNMENT
    return space[start : start + n_rows * n_columns * 8].view(np.uint64).reshape(n_rows, n_columns)


def _block_ends(counts: Counts) -> tuple[Counts, Counts]:
    """Give the least and the greatest popcount of each block of a sorted side."""
    starts = np.arange(0, counts.size, BLOCK)
    return counts[starts], counts[np.minimum(starts + BLOCK, counts.size) - 1]


@intrinsic
def _common_bits(_context: Any, left: Any, _i: Any, right: Any, _j: Any) -> tuple[Any, Callable[..., Any]]:
    """Count the bits set both in a word of one array and in a word of another.

    Unlike indexing it does not ask whether an index is negative, which would keep the
    compiler from reading whole vectors.
    """
    signature = types.int64(left, types.int64, right, types.int64)

    def generate(context: Any, builder: Any, called: Any, values: Any) -> Any:
        def word(array_type: Any, array: Any, index: Any) -> Any:
            start = context.make_array(array_type)(context, builder, array).data
            return builder.load(builder.gep(start, [index], inbounds=True))

        one = word(called.args[0], values[0], values[1])
        other = word(called.args[2], values[2], values[3])
        return builder.ctpop(builder.and_(one, other))

    return signature, generate


@numba.njit(nogil=True)
def _meets(constants: Constants, rows: Words, row: int, tiles: Words, tile: int, bound: int) -> bool:
    """Say whether a lane of a tile reaches the bound; all words in one unrolled loop."""
    words, lanes, _ = constants
    hit = False
    for lane in range(len(lanes)):
        overlap = 0
        for word in range(len(words)):
            overlap += _common_bits(rows, row + word, tiles, tile + word * len(lanes) + lane)
        hit |= overlap >= bound
    return hit


@numba.njit(nogil=True)
def _meets_wide(
    constants: Constants,
    n_words: int,
    rows: Words,
    row: int,
    tiles: Words,
    tile: int,
    bound: int,
    overlaps: Rows,
) -> bool:
    """Say whether a lane of a tile reaches the bound; some words at a time."""
    words, lanes, _ = constants
    for lane in range(len(lanes)):
        overlaps[lane] = 0
    for first in range(0, n_words, len(words)):
        for lane in range(len(lanes)):
            overlap = overlaps[lane]
            for word in range(len(words)):
                at = tile + (first + word) * len(lanes) + lane
                overlap += _common_bits(rows, row + first + word, tiles, at)
            overlaps[lane] = overlap
    hit = False
    for lane in range(len(lanes)):
        hit |= overlaps[lane] >= bound
    return hit


@numba.njit(nogil=True)
def _overlap(n_words: int, n_lanes: int, rows: Words, row: int, tiles: Words, at: int) -> int:
    """Count the overlap of one row and one lane."""
    overlap = 0
    for word in range(n_words):
        overlap += _common_bits(rows, row + word, tiles, at + word * n_lanes)
    return overlap


def _scan(
    constants: Constants,
    rows: Words,
    row_counts: Counts,
    tiles: Words,
    tile_counts: Counts,
    block_least: Counts,
    block_most: Counts,
    need: Counts,
    after: int,
    out: Counts,
) -> int:
    """Write the qualifying pairs to `out`, count on past its end, and give the count.

    A pair of position i and position j counts only if ``j > i + after``, which leaves out
    the diagonal of a self-join and all below it.
    """
    words, lanes, wide = constants
    n_lanes = len(lanes)
    n_words = tiles.size // max(1, block_least.size * BLOCK) if len(wide) else len(words)
    overlaps = np.zeros(n_lanes, np.int64)
    found = 0
    for block in range(block_least.size):
        least, most = int(block_least[block]), int(block_most[block])
        for i in range(row_counts.size):
            size = int(row_counts[i])
            # need[] rises by 0 or 1 a step, so the least popcount decides whether row i has
            # bits enough, and the greatest whether a row of the block has.  need[0] is no bound.
            bound = int(need[max(1, size + least)])
            if bound > size or need[size + most] > most or (block + 1) * BLOCK - 1 <= i + after:
                continue
            for first in range(block * BLOCK, (block + 1) * BLOCK, n_lanes):
                row, tile = i * n_words, first * n_words
                if len(wide):
                    hit = _meets_wide(constants, n_words, rows, row, tiles, tile, bound, overlaps)
                else:
                    hit = _meets(constants, rows, row, tiles, tile, bound)
                if not hit:
                    continue
                for j in range(max(first, i + after + 1), min(first + n_lanes, tile_counts.size)):
                    overlap = _overlap(n_words, n_lanes, rows, row, tiles, tile + j - first)
                    if overlap >= need[size + tile_counts[j]]:
                        if found < out.shape[1]:
                            out[0, found] = i
                            out[1, found] = j
                            out[2, found] = overlap
                        found += 1
    return found


def _from_cache() -> Callable[..., int]:
    return numba.njit(nogil=True, cache=True)(_scan)  # type: ignore[no-any-return]


def _without_cache() -> Callable[..., int]:
    return numba.njit(nogil=True)(_scan)  # type: ignore[no-any-return]


@cache
def _compiled(shape: Shape) -> Callable[..., int]:
    """Compile the kernel for a shape of tiles, or take it from numba's cache folder.

    A folder that cannot be written, or holds what cannot be read, costs a compilation
    and nothing else.
    """
    try:
        return _tried(_from_cache(), shape)
    except Exception:  # noqa: BLE001 - a cache breaks in many ways; a fault of the kernel shows below
        return _tried(_without_cache(), shape)


def _tried(kernel: Callable[..., int], shape: Shape) -> Callable[..., int]:
    """Call the kernel on nothing, of the types that it will meet, so that it is compiled."""
    words: npt.NDArray[Any] = np.zeros(0, dtype=np.uint64)
    counts = np.zeros(0, dtype=np.int32)
    fixed = np.zeros(0, dtype=np.int32)
    fixed.flags.writeable = False
    kernel(
        shape.constants(),
        words,
        counts,
        words,
        counts,
        counts,
        counts,
        fixed,
        0,
        np.zeros((3, 0), dtype=np.int32),
    )
    return kernel
