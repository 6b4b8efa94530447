"""
Numbering: the distinct tokens of a column, and which of them each value has.

Padded q-grams of many values are cut with arrays; `numbered` is the slow twin that cuts
anything, one value after another.  Both give the same numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

from pprl.cleaning.multiple import BETWEEN
from pprl.encoding.loops import Ints
from pprl.encoding.tokens import QGrams
from pprl.model.arrays import counting

_END = "\n"  # between values; no cleaned text holds it
_LETTER_BITS = 21  # of a code point
_PLACE_BITS = 10
_LONGEST = 1 << _PLACE_BITS


@dataclass(frozen=True, slots=True, repr=False)
class Numbered:
    """The tokens of a column's values.

    Parameters
    ----------
    vocabulary : list of str
        The distinct tokens, sorted.
    starts : ndarray of int64, shape (values + 1,)
        Where the tokens of each value begin in `tokens`.
    tokens : ndarray of int64
        Places in the vocabulary; for each value rising.
    """

    vocabulary: list[str]
    starts: Ints
    tokens: Ints


def numbered(values: Sequence[str], cut: Callable[[str], tuple[str, ...]]) -> Numbered:
    """Cut values one after another; `cut` gives distinct tokens, sorted."""
    pieces = [cut(value) for value in values]
    vocabulary = sorted(set(chain.from_iterable(pieces)))
    number = {token: place for place, token in enumerate(vocabulary)}
    starts = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    tokens = np.fromiter((number[token] for tokens in pieces for token in tokens), np.int64, int(starts[-1]))
    return Numbered(vocabulary, starts, tokens)


def numbered_q_grams(values: Sequence[str], how: QGrams) -> Numbered | None:
    """Cut values into padded q-grams with arrays; None if they must be cut one by one.

    Parameters
    ----------
    values : sequence of str
        Cleaned texts: words and single spaces.
    how : QGrams
        Padded, and short enough for a q-gram and its place to fit a 64-bit number.
    """
    text = _END.join((*values, ""))
    if not values or not _fits(text, len(values), how):
        return None
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    starts, lengths, value = _words(points)
    if lengths.size and int(lengths.max()) + how.q > _LONGEST:
        return None
    keys, owner = _windows(points, starts, lengths, value, how)
    distinct, token = np.unique(keys, return_inverse=True)
    spelt = [_spelt(key, how) for key in distinct.tolist()]
    order = sorted(range(len(spelt)), key=spelt.__getitem__)
    rank = np.argsort(np.array(order, dtype=np.int64))
    return _without_repeats([spelt[place] for place in order], owner, rank[token.reshape(-1)], len(values))


def _fits(text: str, n_values: int, how: QGrams) -> bool:
    """Say whether values can be cut at once: padded, of usual spaces only, keys of 63 bits at most."""
    bits = how.q * _LETTER_BITS + how.positional * _PLACE_BITS
    usual = {" ", _END, BETWEEN}
    unusual = any(letter.isspace() and letter not in usual for letter in set(text))
    return how.padded and bits <= 63 and not unusual and text.count(_END) == n_values


def _without_repeats(vocabulary: list[str], owner: Ints, token: Ints, n_values: int) -> Numbered:
    """Keep each token of a value once, in rising order."""
    n_tokens = max(len(vocabulary), 1)
    pairs = np.sort(owner * n_tokens + token)
    pairs = pairs[np.diff(pairs, prepend=-1) != 0]  # much faster than unique, which hashes
    counts = np.bincount(pairs // n_tokens, minlength=n_values)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Numbered(vocabulary, starts, pairs % n_tokens)


def _words(points: npt.NDArray[np.uint32]) -> tuple[Ints, Ints, Ints]:
    """Give where each word begins, its length, and the value that it is of."""
    is_end = points == ord(_END)
    is_letter = ~(is_end | (points == ord(" ")) | (points == ord(BETWEEN)))
    edges = np.diff(np.concatenate([[False], is_letter, [False]]).astype(np.int8))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return starts, stops - starts, np.cumsum(is_end)[starts]


def _windows(
    points: npt.NDArray[np.uint32], starts: Ints, lengths: Ints, value: Ints, how: QGrams
) -> tuple[Ints, Ints]:
    """Give each q-gram of each padded word as one number, and the value that it is of."""
    n_grams = lengths + how.q - 1
    word = np.repeat(np.arange(starts.size), n_grams)
    place = counting(n_grams)
    keys = place if how.positional else np.zeros_like(place)
    for i in range(how.q):
        at = place + i - (how.q - 1)  # in the word; before and after it are spaces
        inside = (at >= 0) & (at < lengths[word])
        letter = np.where(inside, points[np.where(inside, starts[word] + at, 0)], ord(" "))
        keys = (keys << _LETTER_BITS) | letter.astype(np.int64)
    return keys, value[word]


def _spelt(key: int, how: QGrams) -> str:
    """Spell the q-gram of a number."""
    letters = [chr(key >> (_LETTER_BITS * i) & ((1 << _LETTER_BITS) - 1)) for i in reversed(range(how.q))]
    gram = "".join(letters)
    return f"{key >> (_LETTER_BITS * how.q)}:{gram}" if how.positional else gram
