"""
CLKs: Bloom filters that hold the tokens of several fields (Schnell, Bachteler & Reiher 2011).

A *bag* is one or more fields whose tokens are pooled under one key; a field alone is a bag
of one.  A bag sets a fixed number of bits in each record, shared out over its distinct
tokens, so that short names are not weighted less.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pprl.encoding.hashing import position_table
from pprl.encoding.loading import load_loops
from pprl.encoding.loops import HashedBag, Ints, Loops, in_chunks
from pprl.encoding.numbering import Numbered, numbered, numbered_q_grams
from pprl.encoding.tokens import QGrams
from pprl.keys import Subkey
from pprl.model import BitMatrix, TextColumn
from pprl.model.arrays import Codes, Words
from pprl.model.columns import MISSING

_AFTER_SALT = "\x1e"  # the record separator of ASCII, which no cleaned text holds
Adder = Callable[[slice, Words], None]


@dataclass(frozen=True, slots=True)
class Member:
    """One field of a bag: its cleaned column, how it is cut, and the bits it adds."""

    column: TextColumn
    cut: Callable[[str], tuple[str, ...]]
    bits: int
    q_grams: QGrams | None = None  # what `cut` does, where it can be done with arrays

    def numbered(self) -> Numbered:
        """Give numbers to the tokens of the column's values."""
        values = self.column.values
        fast = numbered_q_grams(values, self.q_grams) if self.q_grams else None
        return fast or numbered(values, self.cut)


@dataclass(frozen=True, slots=True, repr=False)
class Bag:
    """Fields whose tokens are pooled under one key.

    Parameters
    ----------
    key : Subkey
        Key of the bag.
    members : tuple of Member
        Its fields.
    per_token : int
        Bits for each token; 0 to share out the members' bits.
    """

    key: Subkey
    members: tuple[Member, ...]
    per_token: int = 0

    def numbered(self) -> tuple[list[str], list[Numbered]]:
        """Give the bag's distinct tokens, sorted, and each member's values in their numbers."""
        parts = [member.numbered() for member in self.members]
        vocabulary = sorted({token for part in parts for token in part.vocabulary})
        number = {token: place for place, token in enumerate(vocabulary)}
        ranks = [np.array([number[token] for token in part.vocabulary], dtype=np.int64) for part in parts]
        return vocabulary, [
            Numbered(vocabulary, part.starts, rank[part.tokens])
            for rank, part in zip(ranks, parts, strict=True)
        ]


def clk(
    bags: Sequence[Bag],
    *,
    n_records: int,
    n_bits: int,
    workers: int = 1,
) -> BitMatrix:
    """Encode records as CLKs.

    Parameters
    ----------
    bags : sequence of Bag
        What is encoded.
    n_records : int
        Length of every column.
    n_bits : int
        Length of the filter, a power of two.
    workers : int
        Threads; the result does not depend on it.

    Returns
    -------
    BitMatrix
        One row for each record; a record without any value has no bit set.
    """
    loops = load_loops(n_records)
    words = np.zeros((n_records, n_bits // 64), dtype=np.uint64)
    adders = [_adder(bag, n_records, words.shape[1], loops) for bag in bags]

    def add_all(part: slice) -> None:
        for add in adders:
            add(part, words[part])

    in_chunks(n_records, add_all, workers=workers)
    return BitMatrix(words, n_bits)


def salted(member: Member, salt: TextColumn) -> Member:
    """Hash every token of a field with a stable attribute of the record.

    Parameters
    ----------
    member : Member
        The field.
    salt : TextColumn
        The attribute; a record without it has no token.
    """
    present = member.column.present() & salt.present()
    pairs = np.column_stack([member.column.codes, salt.codes])[present]
    distinct, inverse = np.unique(pairs, axis=0, return_inverse=True)
    codes = np.full(present.size, MISSING, dtype=np.int32)
    codes[present] = inverse.reshape(-1)
    values = tuple(
        salt.values[grain] + _AFTER_SALT + member.column.values[value] for value, grain in distinct.tolist()
    )

    def cut(value: str) -> tuple[str, ...]:
        grain, _, rest = value.partition(_AFTER_SALT)
        return tuple(grain + _AFTER_SALT + token for token in member.cut(rest))

    return Member(TextColumn(codes, values), cut, member.bits)


def shared_out(n_bits: int, n_tokens: int) -> list[int]:
    """Share bits out over tokens: all get the quotient, the first ones one more, and none less than one.

    Examples
    --------
    >>> shared_out(20, 3)
    [7, 7, 6]
    >>> shared_out(2, 3)
    [1, 1, 1]
    """
    n_bits = max(n_bits, n_tokens)
    quotient, remainder = divmod(n_bits, n_tokens)
    return [quotient + (place < remainder) for place in range(n_tokens)]


def _adder(bag: Bag, n_records: int, n_words: int, loops: Loops) -> Adder:
    """Give the function that sets the bits of a bag in some records."""
    hashed = _hashed(bag, n_bits=n_words * 64)
    columns = [member.column.codes for member in bag.members]
    n_values = hashed.starts.size - 1
    if len(columns) > 1 or 2 * n_values > n_records:
        return lambda part, words: loops.set_bits(hashed, _beside(columns, part), words)
    # Most records share their value with another: the bits of each value are made once.
    table = np.zeros((n_values, n_words), dtype=np.uint64)
    loops.set_bits(hashed, np.arange(n_values, dtype=np.int32)[:, None], table)
    return lambda part, words: loops.or_rows(table, columns[0][part], words)


def _beside(columns: Sequence[Codes], part: slice) -> npt.NDArray[np.int32]:
    return np.column_stack([codes[part] for codes in columns])


def _hashed(bag: Bag, *, n_bits: int) -> HashedBag:
    """Give numbers to the tokens of all members in their sorted order, and hash each once."""
    vocabulary, parts = bag.numbered()
    numbers = np.concatenate([part.tokens for part in parts])
    lengths = np.concatenate([np.diff(part.starts) for part in parts])
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    budget = sum(member.bits for member in bag.members)
    most = [bag.per_token] * len(vocabulary) if bag.per_token else _most_asked(starts, numbers, budget)
    return HashedBag(
        first_value=np.cumsum([0, *(len(member.column.values) for member in bag.members)], dtype=np.int64),
        starts=starts,
        tokens=numbers,
        bits=np.array([member.bits for member in bag.members], dtype=np.int64),
        positions=position_table(bag.key, vocabulary, most, n_bits=n_bits),
        per_token=bag.per_token,
    )


def _most_asked(starts: Ints, numbers: Ints, budget: int) -> list[int]:
    """Give for each token the most positions that any record can ask of it."""
    n_tokens = np.diff(starts)
    most = np.zeros(int(numbers.max()) + 1 if numbers.size else 0, dtype=np.int64)
    np.maximum.at(most, numbers, np.repeat(-(-budget // np.maximum(n_tokens, 1)), n_tokens))
    return most.tolist()
