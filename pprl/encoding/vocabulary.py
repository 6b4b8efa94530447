"""
Vocabularies: the distinct tokens of a bag, numbered, and which of them each value has.

A scheme makes something of each value (bits, minima) that merges into something of a record.
So the work is done once for each distinct value among some thousand records.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import starmap

import numpy as np

from pprl.encoding.filters import Bag, Member
from pprl.encoding.loops import Ints
from pprl.encoding.numbering import Numbered
from pprl.model.arrays import Codes, Rows, counting
from pprl.model.columns import MISSING

CELLS = 1 << 21  # numbers in an array of a thread, of 8 bytes at most; it holds a handful of arrays


@dataclass(frozen=True, slots=True, repr=False)
class LabelledBag:
    """A bag, and what an agreement says of it.

    Parameters
    ----------
    label : tuple of str
        ``("bag", name)`` or ``("field", name)``, as its key is derived from.
    bag : Bag
        Its key and fields.
    expected_tokens : int
        How many tokens a record is expected to have in it; 0 if nobody says.
    """

    label: tuple[str, str]
    bag: Bag
    expected_tokens: int = 0

    @property
    def weight(self) -> int:
        """The sum of its fields' weights."""
        return sum(member.bits for member in self.bag.members)


@dataclass(frozen=True, slots=True, repr=False)
class Stretch:
    """The distinct values of some records, with their tokens.

    Parameters
    ----------
    rows : ndarray of int64
        The records that have a token, counted from the first of the stretch.
    value : ndarray of int64
        For each of these the place of its value.
    lengths : ndarray of int64
        For each value how many tokens it has, at least one.
    tokens : ndarray of int64
        The numbers of the tokens, value by value.
    """

    rows: Rows
    value: Ints
    lengths: Ints
    tokens: Ints

    @property
    def owner(self) -> Ints:
        """For each of the tokens the place of its value."""
        return np.repeat(np.arange(self.lengths.size), self.lengths)


@dataclass(frozen=True, slots=True, repr=False)
class CutColumn:
    """A column whose values are cut into numbered tokens.

    Parameters
    ----------
    codes : ndarray of int32
        For each record its value, or -1 where it has no token.
    starts : ndarray of int64, shape (values + 1,)
        Where the tokens of each value begin in `tokens`.
    tokens : ndarray of int64
        Numbers of tokens.
    """

    codes: Codes
    starts: Ints
    tokens: Ints

    @property
    def n_values(self) -> int:
        """How many values there are."""
        return self.starts.size - 1

    def stretch(self, part: slice) -> Stretch:
        """List the distinct values of some records."""
        codes = self.codes[part]
        rows = np.flatnonzero(codes != MISSING)
        values, value = np.unique(codes[rows], return_inverse=True)
        first = self.starts[values]
        lengths = self.starts[values + 1] - first
        return Stretch(rows, value, lengths, self.tokens[np.repeat(first, lengths) + counting(lengths)])

    def value_by_value(self) -> "CutColumn":
        """Give a column in which each value that has a token is a record of its own."""
        codes = np.where(np.diff(self.starts) > 0, np.arange(self.n_values), MISSING)
        return CutColumn(codes.astype(np.int32), self.starts, self.tokens)


def cut_bag(bag: Bag) -> tuple[list[str], list[CutColumn]]:
    """Cut the values of a bag; give its distinct tokens and one column for each of its fields."""
    vocabulary, parts = bag.numbered()
    return vocabulary, list(starmap(_cut_column, zip(bag.members, parts, strict=True)))


def _cut_column(member: Member, part: Numbered) -> CutColumn:
    lengths = np.append(np.diff(part.starts), 0)  # code -1 reads the last
    codes = member.column.codes
    return CutColumn(np.where(lengths[codes] > 0, codes, np.int32(MISSING)), part.starts, part.tokens)


def blocks(part: slice, n_rows: int, *, width: int) -> Iterator[slice]:
    """Cut a chunk of rows so that rows of some width stay within `CELLS`.

    Examples
    --------
    >>> [len(range(*block.indices(10))) for block in blocks(slice(0, 20), 10, width=CELLS // 4)]
    [4, 4, 2]
    """
    step = max(CELLS // width, 1)
    stop = min(part.stop, n_rows)
    return (slice(start, min(start + step, stop)) for start in range(part.start, stop, step))
