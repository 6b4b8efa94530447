"""
Record-level Bloom filters (Durham 2012): field filters, sampled by weight into one.

Each field has a filter of its own, so long that about half of its bits are set at the
agreed expected number of tokens.  The record's filter is made of bits sampled from the
field filters, each field by its weight, in an order that only the key tells.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from pprl.encoding.filters import Adder
from pprl.encoding.hardening import keyed_permutation
from pprl.encoding.loading import load_loops
from pprl.encoding.loops import Ints, Loops, in_chunks
from pprl.encoding.vocabulary import CutColumn, LabelledBag, blocks, cut_bag
from pprl.keys import Subkey
from pprl.model import BitMatrix
from pprl.model.arrays import Words

Fill = Callable[[CutColumn, slice, Words], None]


@dataclass(frozen=True, slots=True, repr=False)
class _FieldFilter:
    """How a field filter is made, and where its bits go.

    Parameters
    ----------
    positions : ndarray of uint32, shape (tokens, k)
        Positions that each token of the field sets.
    length : int
        Bits of the field filter.
    sampled : ndarray of int64
        The bits that are sampled.
    places : ndarray of int64
        Where each of them goes in the record's filter.
    n_bits : int
        Bits of the record's filter.
    """

    positions: npt.NDArray[np.uint32]
    length: int
    sampled: Ints
    places: Ints
    n_bits: int


def rbf(
    bags: Sequence[LabelledBag], key: Subkey, *, k: int, n_records: int, n_bits: int, workers: int = 1
) -> BitMatrix:
    """Encode records as record-level Bloom filters.

    Parameters
    ----------
    bags : sequence of LabelledBag
        What is encoded, with weights and expected numbers of tokens.
    key : Subkey
        Decides what is sampled, and the order of the bits.
    k : int
        Positions for each token.
    n_records : int
        Length of every column.
    n_bits : int
        Length of the record's filter.
    workers : int
        Threads; the result does not depend on it.

    Returns
    -------
    BitMatrix
        One row for each record; a record without any value has no bit set.
    """
    bags = sorted(bags, key=lambda one: one.label)
    loops = load_loops(n_records)
    words = np.zeros((n_records, n_bits // 64), dtype=np.uint64)
    n_shared = shares([one.weight for one in bags], n_bits)
    order = np.argsort(keyed_permutation(key, "order", n_bits))
    places = np.split(order, np.cumsum(n_shared)[:-1])
    adders: list[Adder] = []
    for one, where in zip(bags, places, strict=True):
        vocabulary, columns = cut_bag(one.bag)
        made = _field_filter(one, vocabulary, key, k=k, places=where, n_bits=n_bits)
        adders += [_adder(column, made, n_records, loops) for column in columns]

    def add_all(part: slice) -> None:
        for add in adders:
            add(part, words[part])

    in_chunks(n_records, add_all, workers=workers)
    return BitMatrix(words, n_bits)


def filter_length(k: int, expected_tokens: int) -> int:
    """Give the length of a field filter that is half full at the expected number of tokens.

    Durham 2012: ``m = 1 / (1 - p ** (1 / (k g)))`` with the fill p = 0.5, to the nearest
    whole number.

    Examples
    --------
    >>> filter_length(15, 7)
    152
    """
    return round(-1 / math.expm1(math.log(0.5) / (k * expected_tokens)))


def shares(weights: Sequence[int], n_bits: int) -> list[int]:
    """Share bits out by weight, exactly; what is left over goes to the largest remainders.

    Examples
    --------
    >>> shares([200, 100, 20], 64)
    [40, 20, 4]
    >>> shares([1, 1, 1], 64)
    [22, 21, 21]
    """
    total = sum(weights)
    given, remainders = zip(*(divmod(n_bits * weight, total) for weight in weights), strict=True)
    largest = sorted(range(len(weights)), key=lambda place: -remainders[place])
    more = set(largest[: n_bits - sum(given)])
    return [share + (place in more) for place, share in enumerate(given)]


def wide_positions(key: Subkey, token: str, *, k: int, length: int) -> list[int]:
    """Give the first `k` distinct positions of a token in a filter of any length up to 65,536.

    Positions are 64-bit little-endian numbers of the token's keystream, modulo the length:
    the bias is under 2^-48.
    """
    message = token.encode("utf-8")
    n_drawn = 2 * k
    while True:
        drawn = np.frombuffer(key.stream(message, 8 * n_drawn), dtype="<u8") % np.uint64(length)
        distinct = list(dict.fromkeys(drawn.tolist()))
        if len(distinct) >= k:
            return distinct[:k]
        n_drawn *= 2


def sampled_bits(key: Subkey, label: tuple[str, str], *, length: int, n_sampled: int) -> Ints:
    """Draw the bits of a field filter that a record's filter holds.

    They come from keyed orders of all its bits, one order after another, so that each bit is
    drawn almost equally often.
    """
    name = "sample " + " ".join(label)
    n_orders = -(-n_sampled // length)
    orders = [keyed_permutation(key, f"{name} {place}", length) for place in range(n_orders)]
    return np.concatenate(orders)[:n_sampled]


def _field_filter(
    one: LabelledBag, vocabulary: Sequence[str], key: Subkey, *, k: int, places: Ints, n_bits: int
) -> _FieldFilter:
    length = filter_length(k, one.expected_tokens)
    positions = np.zeros((len(vocabulary), k), dtype=np.uint32)
    for row, token in enumerate(vocabulary):
        positions[row] = wide_positions(one.bag.key, token, k=k, length=length)
    sampled = sampled_bits(key, one.label, length=length, n_sampled=places.size)
    return _FieldFilter(positions, length, sampled, places, n_bits)


def _adder(column: CutColumn, made: _FieldFilter, n_records: int, loops: Loops) -> Adder:
    """Give the function that sets the bits of a field in some records."""
    if 2 * column.n_values > n_records:
        return partial(_set_bits, column, made)
    # Most records share their value with another: the bits of each value are made once.
    table = np.zeros((column.n_values, made.n_bits // 64), dtype=np.uint64)
    _set_bits(column.value_by_value(), made, slice(0, column.n_values), table)
    return lambda part, words: loops.or_rows(table, column.codes[part], words)


def _set_bits(column: CutColumn, made: _FieldFilter, part: slice, words: Words) -> None:
    for block in blocks(part, column.codes.size, width=max(made.length, made.n_bits)):
        found = column.stretch(block)
        field = np.zeros((found.lengths.size, made.length), dtype=np.bool_)
        field[found.owner[:, None], made.positions[found.tokens]] = True
        record = np.zeros((found.lengths.size, made.n_bits), dtype=np.bool_)
        record[:, made.places] = field[:, made.sampled]
        words[found.rows + block.start - part.start] |= BitMatrix.from_bools(record).words[found.value]
