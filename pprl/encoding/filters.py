"""
CLKs: Bloom filters that hold the tokens of several fields (Schnell, Bachteler & Reiher 2011).

A *bag* is one or more fields whose tokens are pooled under one key; a field alone is a bag
of one.  A bag sets a fixed number of bits in each record, shared out over its distinct
tokens, so that short names are not weighted less.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pprl.encoding.hashing import position_table
from pprl.encoding.tokens import Tokens
from pprl.keys import Subkey
from pprl.model import BitMatrix, TextColumn
from pprl.model.arrays import Codes, Words
from pprl.model.columns import MISSING

CHUNK = 8192  # records at a time: 8 MB of unpacked bits, and some 10 MB of positions for each bag
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Member:
    """One field of a bag: its cleaned column, how it is cut, and the bits it adds."""

    column: TextColumn
    tokens: Tokens
    bits: int


@dataclass(frozen=True, slots=True, repr=False)
class Bag:
    """Fields whose tokens are pooled under one key."""

    key: Subkey
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, repr=False)
class _HashedBag:
    """A bag whose tokens have been hashed, each once.

    ``value_tokens[m]`` lists, for each value of member m, its token numbers from
    ``starts[m][value]`` on; numbers follow the sorted order of the tokens.
    """

    members: tuple[Member, ...]
    starts: tuple[Ints, ...]
    value_tokens: tuple[Ints, ...]
    positions: npt.NDArray[np.uint16]


def clk(bags: Sequence[Bag], *, n_records: int, n_bits: int) -> BitMatrix:
    """Encode records as CLKs.

    Parameters
    ----------
    bags : sequence of Bag
        What is encoded.
    n_records : int
        Length of every column.
    n_bits : int
        Length of the filter, a power of two.

    Returns
    -------
    BitMatrix
        One row for each record; a record without any value has no bit set.
    """
    words = np.zeros((n_records, n_bits // 64), dtype=np.uint64)
    for bag in bags:
        hashed = _hash_tokens(bag, n_bits=n_bits)
        for start in range(0, n_records, CHUNK):
            part = slice(start, start + CHUNK)
            codes = np.column_stack([member.column.codes[part] for member in bag.members])
            words[part] |= _masks_of_chunk(hashed, codes, n_bits=n_bits)
    return BitMatrix(words, n_bits)


def shared_out(n_bits: int, n_tokens: int) -> list[int]:
    """Share bits out over tokens: all get the quotient, the first ones one more.

    Examples
    --------
    >>> shared_out(20, 3)
    [7, 7, 6]
    """
    quotient, remainder = divmod(n_bits, n_tokens)
    return [quotient + (place < remainder) for place in range(n_tokens)]


def _hash_tokens(bag: Bag, *, n_bits: int) -> _HashedBag:
    cut = [[member.tokens(value) for value in member.column.values] for member in bag.members]
    vocabulary = sorted({token for values in cut for tokens in values for token in tokens})
    number = {token: place for place, token in enumerate(vocabulary)}
    budget = sum(member.bits for member in bag.members)
    return _HashedBag(
        members=bag.members,
        starts=tuple(np.cumsum([0, *(len(tokens) for tokens in values)], dtype=np.int64) for values in cut),
        value_tokens=tuple(
            np.array([number[token] for tokens in values for token in tokens], dtype=np.int64)
            for values in cut
        ),
        positions=position_table(bag.key, vocabulary, k=budget, n_bits=n_bits),
    )


def _masks_of_chunk(bag: _HashedBag, codes: npt.NDArray[np.int32], *, n_bits: int) -> Words:
    """Give the bits that a bag sets in each record of a chunk; equal records are worked on once."""
    distinct, inverse = np.unique(codes, axis=0, return_inverse=True)
    owner, token = _distinct_tokens(bag, distinct)
    n_tokens = np.bincount(owner, minlength=len(distinct))
    budget = (distinct != MISSING) @ np.array([member.bits for member in bag.members])
    place = np.arange(owner.size) - (np.cumsum(n_tokens) - n_tokens)[owner]
    k = budget[owner] // n_tokens[owner] + (place < budget[owner] % n_tokens[owner])

    bits = np.zeros((len(distinct), n_bits), dtype=np.bool_)
    bits[np.repeat(owner, k), bag.positions[np.repeat(token, k), _counting(k)]] = True
    return BitMatrix.from_bools(bits).words[inverse.reshape(-1)]


def _distinct_tokens(bag: _HashedBag, distinct: npt.NDArray[np.int32]) -> tuple[Ints, Ints]:
    """List (row, token) of all rows in order, each pair once."""
    owners, tokens = [], []
    for member, (starts, flat) in enumerate(zip(bag.starts, bag.value_tokens, strict=True)):
        codes: Codes = distinct[:, member]
        rows = np.flatnonzero(codes != MISSING)
        first = starts[codes[rows]]
        length = starts[codes[rows] + 1] - first
        owners.append(np.repeat(rows, length))
        tokens.append(flat[np.repeat(first, length) + _counting(length)])
    pairs = np.unique(np.column_stack([np.concatenate(owners), np.concatenate(tokens)]), axis=0)
    return pairs[:, 0], pairs[:, 1]


def _counting(lengths: Ints) -> Ints:
    """Count 0, 1, ... anew for each length.

    Examples
    --------
    >>> _counting(np.array([2, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if ends.size else 0) - np.repeat(ends - lengths, lengths)
