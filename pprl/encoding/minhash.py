"""
Tabulation min-hash (Smith 2017): each bit is one bit of the least hash of a record's tokens.

Two records have the same least hash with the probability of their Jaccard similarity J, and
else the same bit with one half.  So they agree in about (1 + J) / 2 of their bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pprl.encoding.loops import in_chunks
from pprl.encoding.vocabulary import CutColumn, LabelledBag, blocks, cut_bag
from pprl.keys import Subkey
from pprl.model import BitMatrix
from pprl.model.arrays import Words

FUNCTIONS = 64  # at a time: the bits of a word
N_TABLES = 8  # one for each byte of a token's number
_TABLE_BYTES = N_TABLES * 256 * 8
_WIDTH = FUNCTIONS * 16  # cells of a record: a dozen tokens in a field are usual
_MOST = np.iinfo(np.uint64).max


@dataclass(frozen=True, slots=True, repr=False)
class _Numbered:
    """A column, and the numbers of its tokens: shape (tokens, copies)."""

    column: CutColumn
    numbers: Words


def min_hash(
    bags: Sequence[LabelledBag], key: Subkey, *, n_records: int, n_bits: int, workers: int = 1
) -> BitMatrix:
    """Encode records by tabulation min-hash.

    Parameters
    ----------
    bags : sequence of LabelledBag
        What is encoded; a token counts ``per_token`` times, at least once.
    key : Subkey
        Fills the tables.
    n_records : int
        Length of every column.
    n_bits : int
        Number of hash functions, a multiple of 64.
    workers : int
        Threads; the result does not depend on it.

    Returns
    -------
    BitMatrix
        One row for each record; a record without any token has no bit set.
    """
    columns = [numbered for one in bags for numbered in _numbered(one)]
    words = np.zeros((n_records, n_bits // FUNCTIONS), dtype=np.uint64)
    for place in range(words.shape[1]):
        _set_word(columns, _tables(key, place * FUNCTIONS), words[:, place], workers)
    return BitMatrix(words, n_bits)


def token_numbers(key: Subkey, token: str, *, copies: int) -> list[int]:
    """Give the 64-bit numbers that stand for a token of a bag, one for each time that it counts."""
    numbers: list[int] = np.frombuffer(key.stream(token.encode("utf-8"), 8 * copies), dtype="<u8").tolist()
    return numbers


def _numbered(one: LabelledBag) -> list[_Numbered]:
    vocabulary, columns = cut_bag(one.bag)
    copies = max(one.bag.per_token, 1)
    numbers = np.zeros((len(vocabulary), copies), dtype=np.uint64)
    for row, token in enumerate(vocabulary):
        numbers[row] = token_numbers(one.bag.key, token, copies=copies)
    return [_Numbered(column, numbers) for column in columns]


def _tables(key: Subkey, first: int) -> Words:
    """Fill the tables of some functions: shape (tables, 256, functions)."""
    drawn = [key.stream(f"function {first + i}".encode("ascii"), _TABLE_BYTES) for i in range(FUNCTIONS)]
    tables = np.frombuffer(b"".join(drawn), dtype="<u8").reshape(FUNCTIONS, N_TABLES, 256)
    return np.ascontiguousarray(tables.transpose(1, 2, 0), dtype=np.uint64)


def _set_word(
    columns: Sequence[_Numbered], tables: Words, word: npt.NDArray[np.uint64], workers: int
) -> None:
    """Set 64 bits of every record."""

    def set_some(part: slice) -> None:
        for block in blocks(part, word.size, width=_WIDTH):
            word[block] = _bits_of_minima(columns, tables, block)

    in_chunks(word.size, set_some, workers=workers)


def _bits_of_minima(columns: Sequence[_Numbered], tables: Words, block: slice) -> npt.NDArray[np.uint64]:
    n_rows = block.stop - block.start
    minima = np.full((n_rows, FUNCTIONS), _MOST, dtype=np.uint64)
    held = np.zeros(n_rows, dtype=np.bool_)
    for one in columns:
        found = one.column.stretch(block)
        if found.rows.size:
            tokens, place = np.unique(found.tokens, return_inverse=True)
            hashed = _least_of_copies(one.numbers[tokens], tables)[place]
            least = np.minimum.reduceat(hashed, np.cumsum(found.lengths) - found.lengths)
            minima[found.rows] = np.minimum(minima[found.rows], least[found.value])
            held[found.rows] = True
    bits = (minima & np.uint64(1)) << np.arange(FUNCTIONS, dtype=np.uint64)
    return np.where(held, np.bitwise_or.reduce(bits, axis=1), np.uint64(0))


def _least_of_copies(numbers: Words, tables: Words) -> Words:
    """Hash tokens, each under every function: shape (tokens, functions)."""
    least = _tabulated(numbers[:, 0], tables)
    for copy in range(1, numbers.shape[1]):
        np.minimum(least, _tabulated(numbers[:, copy], tables), out=least)
    return least


def _tabulated(numbers: npt.NDArray[np.uint64], tables: Words) -> Words:
    """XOR what each table has for its byte of a number; byte 0 is the lowest."""
    hashed = np.zeros((numbers.size, FUNCTIONS), dtype=np.uint64)
    for place, table in enumerate(tables):
        hashed ^= table[(numbers >> np.uint64(8 * place)) & np.uint64(255)]
    return hashed
