"""
Two-step hash (Ranbaduge, Christen & Schnell 2020): columns of several bit arrays, hashed again.

First each token sets one bit in each of k bit arrays.  Then the k bits of a column, unless
all are zero, are hashed with the column's place to one position of the output.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pprl.encoding.loops import Ints, in_chunks
from pprl.encoding.vocabulary import CutColumn, LabelledBag, blocks, cut_bag
from pprl.keys import Subkey
from pprl.model import BitMatrix
from pprl.model.arrays import Words


@dataclass(frozen=True, slots=True, repr=False)
class _Placed:
    """A column, and the positions of its tokens in each bit array: shape (tokens, k)."""

    column: CutColumn
    positions: npt.NDArray[np.uint16]


def two_step(
    bags: Sequence[LabelledBag],
    key: Subkey,
    *,
    k: int,
    length: int,
    n_records: int,
    n_bits: int,
    workers: int = 1,
) -> BitMatrix:
    """Encode records by two-step hash.

    Parameters
    ----------
    bags : sequence of LabelledBag
        What is encoded.
    key : Subkey
        Hashes the columns.
    k : int
        Number of bit arrays, at most 64.
    length : int
        Bits of each of them, at most 65,536.
    n_records : int
        Length of every column of text.
    n_bits : int
        Length of the output, a power of two.
    workers : int
        Threads; the result does not depend on it.

    Returns
    -------
    BitMatrix
        One row for each record; a record without any token has no bit set.
    """
    columns = [placed for one in bags for placed in _placed(one, k, length)]
    words = np.zeros((n_records, n_bits // 64), dtype=np.uint64)

    def set_some(part: slice) -> None:
        for block in blocks(part, n_records, width=max(length, n_bits // 8)):
            words[block] = _hashed(_patterns(columns, block, length), key, n_bits)

    in_chunks(n_records, set_some, workers=workers)
    return BitMatrix(words, n_bits)


def array_positions(key: Subkey, token: str, *, k: int, length: int) -> list[int]:
    """Give the position of a token in each bit array.

    Positions are 64-bit little-endian numbers of the token's keystream, modulo the length:
    the bias is under 2^-48.
    """
    drawn = np.frombuffer(key.stream(token.encode("utf-8"), 8 * k), dtype="<u8")
    positions: list[int] = (drawn % np.uint64(length)).tolist()
    return positions


def pattern_position(key: Subkey, column: int, pattern: int, *, n_bits: int) -> int:
    """Hash the bits of a column: bit i of the pattern is its bit in array i."""
    message = column.to_bytes(4, "little") + pattern.to_bytes(8, "little")
    return int.from_bytes(key.mac(message)[:8], "little") % n_bits


def _placed(one: LabelledBag, k: int, length: int) -> list[_Placed]:
    vocabulary, columns = cut_bag(one.bag)
    positions = np.zeros((len(vocabulary), k), dtype=np.uint16)
    for row, token in enumerate(vocabulary):
        positions[row] = array_positions(one.bag.key, token, k=k, length=length)
    return [_Placed(column, positions) for column in columns]


def _patterns(columns: Sequence[_Placed], block: slice, length: int) -> Words:
    """Set the bits of the first step: shape (records, length), array i in bit i."""
    patterns = np.zeros((block.stop - block.start, length), dtype=np.uint64)
    for one in columns:
        found = one.column.stretch(block)
        made = np.zeros((found.lengths.size, length), dtype=np.uint64)
        owner = found.owner
        for array in range(one.positions.shape[1]):
            # Tokens that meet in one place write the same bit, so it does not matter who is last.
            made[owner, one.positions[found.tokens, array]] |= np.uint64(1 << array)
        patterns[found.rows] |= made[found.value]
    return patterns


def _hashed(patterns: Words, key: Subkey, n_bits: int) -> Words:
    """Do the second step, column by column; each pattern is hashed once in a column."""
    bits = np.zeros((len(patterns), n_bits), dtype=np.bool_)
    for column in range(patterns.shape[1]):
        rows = np.flatnonzero(patterns[:, column])
        distinct, place = np.unique(patterns[rows, column], return_inverse=True)
        bits[rows, _positions(key, column, distinct.tolist(), n_bits)[place]] = True
    return BitMatrix.from_bools(bits).words


def _positions(key: Subkey, column: int, patterns: Sequence[int], n_bits: int) -> Ints:
    found = [pattern_position(key, column, pattern, n_bits=n_bits) for pattern in patterns]
    return np.array(found, dtype=np.int64)
