"""
The compiled loops of encoding, and the one file of this room that imports numba.

Each loop has a slow twin made of NumPy arrays, which is used where numba cannot be
imported and which it must equal.
"""

from collections.abc import Callable
from functools import cache

import numba
import numpy as np
import numpy.typing as npt

from pprl.encoding.loops import HashedBag, Ints, Loops
from pprl.model.arrays import Codes, Words

if numba.config.DISABLE_JIT:
    raise ImportError("numba is told not to compile (NUMBA_DISABLE_JIT)")


@numba.njit(nogil=True)
def _merge(one: Ints, n_one: int, tokens: Ints, start: int, stop: int, out: Ints) -> int:
    """Merge a sorted list with a stretch of another, each number once."""
    i, j, n = 0, start, 0
    while i < n_one or j < stop:
        if j >= stop or (i < n_one and one[i] < tokens[j]):
            out[n] = one[i]
            i += 1
        else:
            if i < n_one and one[i] == tokens[j]:
                i += 1
            out[n] = tokens[j]
            j += 1
        n += 1
    return n


def _set_bits(
    codes: npt.NDArray[np.int32],
    first_value: Ints,
    starts: Ints,
    tokens: Ints,
    bits: Ints,
    positions: npt.NDArray[np.uint16],
    per_token: int,
    words: Words,
) -> None:
    """Set the bits of a bag in each record.

    Member m of the bag has value ``codes[record, m]``, whose token numbers, sorted, stand
    in `tokens` from ``starts[first_value[m] + code]`` on.
    """
    longest = 0
    for member in range(codes.shape[1]):
        most = 0
        for value in range(first_value[member], first_value[member + 1]):
            most = max(most, starts[value + 1] - starts[value])
        longest += most
    held, merged = np.empty(longest, np.int64), np.empty(longest, np.int64)
    for record in range(codes.shape[0]):
        n_tokens, budget = 0, 0
        for member in range(codes.shape[1]):
            code = codes[record, member]
            if code >= 0:
                budget += bits[member]
                value = first_value[member] + code
                n_tokens = _merge(held, n_tokens, tokens, starts[value], starts[value + 1], merged)
                held, merged = merged, held
        if n_tokens == 0:
            continue
        budget = n_tokens * per_token if per_token else max(budget, n_tokens)
        quotient, remainder = budget // n_tokens, budget % n_tokens
        for place in range(n_tokens):
            token = held[place]
            for i in range(quotient + (place < remainder)):
                position = positions[token, i]
                words[record, position >> 6] |= np.uint64(1) << np.uint64(position & 63)


def _or_rows(table: Words, codes: Codes, words: Words) -> None:
    """OR row ``codes[record]`` of a table into each record that has one."""
    for record in range(codes.size):
        code = codes[record]
        if code >= 0:
            for word in range(table.shape[1]):
                words[record, word] |= table[code, word]


@numba.njit(nogil=True)
def _transpose(block: Words) -> None:
    """Transpose 64 x 64 bits in place (Warren, Hacker's Delight, 7-3, for bit 0 first)."""
    width = 32
    mask = np.uint64(0x00000000FFFFFFFF)
    while width:
        shift = np.uint64(width)
        row = 0
        while row < 64:
            swapped = ((block[row] >> shift) ^ block[row + width]) & mask
            block[row] ^= swapped << shift
            block[row + width] ^= swapped
            row = (row + width + 1) & ~width
        width >>= 1
        mask ^= mask << np.uint64(width)


def _xor_columns(words: Words, sets: Ints, out: Words) -> None:
    """Make bit j of each output row the XOR of the input bits ``sets[j]``.

    Sixty-four rows at a time are turned, so that a column of bits is a word and one
    instruction serves all of them.
    """
    n_in, n_out = words.shape[1] * 64, out.shape[1] * 64
    columns, made = np.empty(n_in, np.uint64), np.empty(n_out, np.uint64)
    for first in range(0, words.shape[0], 64):
        n_rows = min(64, words.shape[0] - first)
        for word in range(words.shape[1]):
            block = columns[word * 64 : word * 64 + 64]
            for row in range(64):
                block[row] = words[first + row, word] if row < n_rows else np.uint64(0)
            _transpose(block)
        made[:] = 0
        for j in range(sets.shape[0]):
            bit = np.uint64(0)
            for i in range(sets.shape[1]):
                bit ^= columns[sets[j, i]]
            made[j] = bit
        for word in range(out.shape[1]):
            block = made[word * 64 : word * 64 + 64]
            _transpose(block)
            for row in range(n_rows):
                out[first + row, word] = block[row]


@cache
def compiled() -> Loops:
    """Compile the loops, or take them from numba's cache folder."""
    set_bits, or_rows, xor_columns = (_jit(loop) for loop in (_set_bits, _or_rows, _xor_columns))

    def set_bits_of(bag: HashedBag, codes: npt.NDArray[np.int32], words: Words) -> None:
        set_bits(
            codes, bag.first_value, bag.starts, bag.tokens, bag.bits, bag.positions, bag.per_token, words
        )

    return Loops(set_bits_of, or_rows, xor_columns)


def _jit(loop: Callable[..., None]) -> Callable[..., None]:
    """Compile a loop; without a cache if there is no folder for one."""
    try:
        made: Callable[..., None] = numba.njit(nogil=True, cache=True)(loop)
    except RuntimeError:  # "no locator available": neither the package's folder nor a home can be written
        made = numba.njit(nogil=True)(loop)
    return made
