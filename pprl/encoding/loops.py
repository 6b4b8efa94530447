"""
The loops over records: compiled ones, and slow twins made of NumPy arrays.

Both give the same bits.  The twins serve small inputs, which should not wait for a
compiler, and machines without numba.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pprl.model import BitMatrix
from pprl.model.arrays import Codes, Words, counting
from pprl.model.columns import MISSING

Ints = npt.NDArray[np.int64]

CHUNK = 1 << 13  # rows at a time: 1 MB of 1,024-bit rows, and 8 MB where they lie unpacked


@dataclass(frozen=True, slots=True, repr=False)
class HashedBag:
    """A bag whose tokens have been hashed, each once.

    Parameters
    ----------
    first_value : ndarray of int64, shape (members + 1,)
        Where the values of each member begin in `starts`.
    starts : ndarray of int64, shape (values + 1,)
        Where the tokens of each value begin in `tokens`.
    tokens : ndarray of int64
        Numbers of tokens; numbers follow the sorted order of the tokens.
    bits : ndarray of int64, shape (members,)
        Bits that each member adds where it is present.
    positions : ndarray of uint16, shape (tokens, most positions)
        The positions of each token.
    per_token : int
        Bits for each token; 0 to share out the members' bits.
    """

    first_value: Ints
    starts: Ints
    tokens: Ints
    bits: Ints
    positions: npt.NDArray[np.uint16]
    per_token: int


@dataclass(frozen=True, slots=True)
class Loops:
    """The loops over records.

    Parameters
    ----------
    set_bits : callable
        ``(bag, codes, words)``: set the bits of a bag in each record, whose values are
        ``codes[record]``, one for each member.
    or_rows : callable
        ``(table, codes, words)``: OR row ``codes[record]`` of a table into each record.
    xor_columns : callable
        ``(words, sets, out)``: make bit j of each output row the XOR of the input bits
        ``sets[j]``.
    """

    set_bits: Callable[[HashedBag, npt.NDArray[np.int32], Words], None]
    or_rows: Callable[[Words, Codes, Words], None]
    xor_columns: Callable[[Words, Ints, Words], None]


def in_chunks(n_rows: int, work: Callable[[slice], None], *, workers: int) -> None:
    """Work on rows, some thousand at a time, on threads; an error of any reaches the caller."""
    with ThreadPoolExecutor(workers, thread_name_prefix="pprl-encode") as pool:
        for _ in pool.map(work, [slice(start, start + CHUNK) for start in range(0, n_rows, CHUNK)]):
            pass


def _set_bits(bag: HashedBag, codes: npt.NDArray[np.int32], words: Words) -> None:
    distinct, inverse = np.unique(codes, axis=0, return_inverse=True)
    owner, token = _distinct_tokens(bag, distinct)
    n_tokens = np.bincount(owner, minlength=len(distinct))
    shared = np.maximum((distinct != MISSING) @ bag.bits, n_tokens)
    budget = n_tokens * bag.per_token if bag.per_token else shared
    place = np.arange(owner.size) - (np.cumsum(n_tokens) - n_tokens)[owner]
    k = budget[owner] // n_tokens[owner] + (place < budget[owner] % n_tokens[owner])

    bits = np.zeros((len(distinct), words.shape[1] * 64), dtype=np.bool_)
    bits[np.repeat(owner, k), bag.positions[np.repeat(token, k), counting(k)]] = True
    words |= BitMatrix.from_bools(bits).words[inverse.reshape(-1)]


def _distinct_tokens(bag: HashedBag, distinct: npt.NDArray[np.int32]) -> tuple[Ints, Ints]:
    """List (row, token) of all rows in order, each pair once."""
    owners, tokens = [], []
    for member in range(distinct.shape[1]):
        rows = np.flatnonzero(distinct[:, member] != MISSING)
        value = bag.first_value[member] + distinct[rows, member]
        first = bag.starts[value]
        length = bag.starts[value + 1] - first
        owners.append(np.repeat(rows, length))
        tokens.append(bag.tokens[np.repeat(first, length) + counting(length)])
    pairs = np.unique(np.column_stack([np.concatenate(owners), np.concatenate(tokens)]), axis=0)
    return pairs[:, 0], pairs[:, 1]


def _or_rows(table: Words, codes: Codes, words: Words) -> None:
    rows = np.flatnonzero(codes != MISSING)
    words[rows] |= table[codes[rows]]


def _xor_columns(words: Words, sets: Ints, out: Words) -> None:
    # Bit by bit, so that whatever is taken lies together.
    bits = np.ascontiguousarray(BitMatrix(words, words.shape[1] * 64).to_bools().T)
    made = bits[sets[:, 0]]
    for column in sets.T[1:]:
        made ^= bits[column]
    out[:] = BitMatrix.from_bools(np.ascontiguousarray(made.T)).words


TWINS = Loops(_set_bits, _or_rows, _xor_columns)
