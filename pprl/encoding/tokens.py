"""
Tokens: the pieces of a value that are hashed.

A tokeniser is its own configuration.  It turns one cleaned value into a set of distinct
tokens; two values are alike as far as they share them.  *Neighbourhood* tokens (Vatsalan &
Christen 2016) stand for the grid cells around a number, a day or a place, so that the
overlap falls with the distance and is nothing beyond a bound.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from itertools import product
from typing import Annotated, Literal

import msgspec

from pprl.cleaning.multiple import BETWEEN, alternatives
from pprl.cleaning.postcodes import postcode_parts
from pprl.encoding.markov import MOST, SUCCESSORS

_EXACT = Context(prec=60)  # the caller's context is not asked
_PADS = ("", "", " ", "  ", "   ")  # by q
Reach = Annotated[int, msgspec.Meta(ge=0, le=20, description="cells on each side")]


class _Tokeniser(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="type",
):
    """What every tokeniser has."""


class QGrams(_Tokeniser, frozen=True, kw_only=True, tag="q-grams"):
    """Substrings of q letters of each word.

    Parameters
    ----------
    q : int
        Length of a substring, 1 to 4.
    padded : bool
        Whether a word is set in q - 1 spaces on each side, so that its first and last
        letters count as much as the others.
    positional : bool
        Whether a q-gram carries its place in the word.

    Examples
    --------
    >>> QGrams(q=2)("ann")
    (' a', 'an', 'n ', 'nn')
    >>> QGrams(q=2, padded=False)("mary ann")
    ('an', 'ar', 'ma', 'nn', 'ry')
    """

    q: Annotated[int, msgspec.Meta(ge=1, le=4)] = 2
    padded: bool = True
    positional: bool = False

    def __call__(self, value: str) -> tuple[str, ...]:
        """Give the distinct tokens of a cleaned value, sorted."""
        grams: set[str] = set()
        for word in value.split():
            grams.update(self._of_word(word))
        return tuple(sorted(grams))

    def _of_word(self, word: str) -> list[str]:
        q = self.q
        text = f"{_PADS[q]}{word}{_PADS[q]}" if self.padded else word
        starts = range(max(len(text) - q + 1, 1))
        if self.positional:
            return [f"{i}:{text[i : i + q]}" for i in starts]
        return [text[i : i + q] for i in starts]


class MarkovBigrams(_Tokeniser, frozen=True, kw_only=True, tag="markov-bigrams"):
    """Padded bigrams, and for each the bigrams that most often follow it in British names.

    After the language model of Schnell & Borgs 2018 (Studies in Health Technology and
    Informatics 253).  The added bigrams blur frequencies, and cost bits.  For research
    comparison.

    Parameters
    ----------
    extra : int
        Bigrams added for each, 1 to 8.

    Examples
    --------
    >>> sorted(set(MarkovBigrams(extra=1)("ann")) - set(QGrams(q=2)("ann")))
    ['ar']
    """

    extra: Annotated[int, msgspec.Meta(ge=1, le=MOST)]

    def __call__(self, value: str) -> tuple[str, ...]:
        """Give the distinct tokens of a cleaned value, sorted."""
        bigrams = _BIGRAMS(value)
        ends = (bigram[1] for bigram in bigrams)
        added = {
            end + letter for end in ends if end != " " for letter in SUCCESSORS.get(end, "")[: self.extra]
        }
        return tuple(sorted({*bigrams, *added}))


_BIGRAMS = QGrams(q=2)


class Exact(_Tokeniser, frozen=True, kw_only=True, tag="exact"):
    """The whole value as one token.

    Examples
    --------
    >>> Exact()("f")
    ('f',)
    """

    def __call__(self, value: str) -> tuple[str, ...]:
        """Give the value itself."""
        return (value,)


class Phonetic(_Tokeniser, frozen=True, kw_only=True, tag="phonetic"):
    """The sound of each word, by an algorithm of the library `jellyfish`.

    Made for English.  A word without a letter from a to z stands for itself.

    Parameters
    ----------
    algorithm : {"metaphone", "nysiis", "soundex"}
        How a word becomes a code.

    Examples
    --------
    >>> Phonetic(algorithm="metaphone")("catherine smyth") == Phonetic(algorithm="metaphone")("kathryn smith")
    True
    """

    algorithm: Literal["metaphone", "nysiis", "soundex"]

    def __call__(self, value: str) -> tuple[str, ...]:
        """Give the distinct codes of the words, sorted."""
        code = _phonetic(self.algorithm)
        return tuple(
            sorted({code(word) if word.isascii() and word.isalpha() else word for word in value.split()})
        )


class DateParts(_Tokeniser, frozen=True, kw_only=True, tag="date-parts"):
    """The parts of a date, so that a typing error, a swap of day and month or a shift is survived.

    Year, year without century, decade, month, day, month with day, and day and month in
    order of size.

    Examples
    --------
    >>> DateParts()("1990-02-11")
    ('c199', 'd11', 'm02', 'md02-11', 's02-11', 'y1990', 'z90')
    >>> sorted(set(DateParts()("1990-11-02")) & set(DateParts()("1990-02-11")))
    ['c199', 's02-11', 'y1990', 'z90']
    """

    def __call__(self, value: str) -> tuple[str, ...]:
        """Give the tokens of an ISO date, sorted."""
        year, month, day = value.split("-")
        low, high = sorted((month, day))
        parts = (
            f"y{year}",
            f"z{year[2:]}",
            f"c{year[:3]}",
            f"m{month}",
            f"d{day}",
            f"md{month}-{day}",
            f"s{low}-{high}",
        )
        return tuple(sorted(parts))


class DateNeighbourhood(_Tokeniser, frozen=True, kw_only=True, tag="date-neighbourhood"):
    """The days around a date, on a grid, and its day, month, year and swapped day and month.

    Parameters
    ----------
    step : int
        Days of a cell.
    reach : int
        Cells on each side; two dates share cells if they are at most about
        ``2 * reach * step`` days apart.

    Examples
    --------
    >>> near = DateNeighbourhood(step=1, reach=2)
    >>> len(set(near("1990-02-11")) & set(near("1990-02-12")))  # four days, month and year
    6
    """

    step: Annotated[int, msgspec.Meta(ge=1, le=3660)]
    reach: Reach

    def __call__(self, value: str) -> tuple[str, ...]:
        """Give the tokens of an ISO date, sorted."""
        date = dt.date.fromisoformat(value)
        low, high = sorted((date.month, date.day))
        parts = (f"y{date.year}", f"m{date.month}", f"d{date.day}", f"s{low}-{high}")
        cell = date.toordinal() // self.step
        return tuple(sorted({*parts, *(f"n{cell + i}" for i in range(-self.reach, self.reach + 1))}))


class NumberNeighbourhood(_Tokeniser, frozen=True, kw_only=True, tag="number-neighbourhood"):
    """The cells around a number, on a grid.

    Parameters
    ----------
    step : Decimal
        Width of a cell.
    reach : int
        Cells on each side: ``2 * reach + 1`` tokens; two numbers share none if they are
        more than ``2 * reach`` cells apart.

    Examples
    --------
    >>> near = NumberNeighbourhood(step=Decimal("0.5"), reach=1)
    >>> near("1.5"), near("2.5")
    (('2', '3', '4'), ('4', '5', '6'))
    """

    step: Decimal
    reach: Reach

    def __post_init__(self) -> None:
        """Give 0.5 and 0.50 one spelling, and so one fingerprint."""
        if self.step.is_finite():
            msgspec.structs.force_setattr(self, "step", self.step.normalize(_EXACT))

    def __call__(self, value: str) -> tuple[str, ...]:
        """Give the tokens of a number, sorted."""
        cells = _EXACT.divide(Decimal(value), self.step)
        cell = int(cells.to_integral_value(rounding=ROUND_HALF_EVEN, context=_EXACT))
        return tuple(sorted(str(cell + i) for i in range(-self.reach, self.reach + 1)))


class PlaceNeighbourhood(_Tokeniser, frozen=True, kw_only=True, tag="place-neighbourhood"):
    """The squares around a place, on a grid.

    Parameters
    ----------
    step : int
        Side of a square, in the units of the place (metres for easting and northing).
    reach : int
        Squares on each side: ``(2 * reach + 1) ** 2`` tokens.

    Examples
    --------
    >>> near = PlaceNeighbourhood(step=1000, reach=1)
    >>> len(near("530000 180000")), len(set(near("530000 180000")) & set(near("531000 180000")))
    (9, 6)
    """

    step: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    reach: Annotated[int, msgspec.Meta(ge=0, le=5)]

    def __call__(self, value: str) -> tuple[str, ...]:
        """Give the tokens of a place, two whole numbers, sorted."""
        east, north = (int(part) // self.step for part in value.split())
        around = range(-self.reach, self.reach + 1)
        return tuple(sorted(f"{east + i} {north + j}" for i, j in product(around, around)))


class PostcodeParts(_Tokeniser, frozen=True, kw_only=True, tag="postcode-parts"):
    """A British postcode, its sector, its district and its area, each a token.

    Examples
    --------
    >>> PostcodeParts()("SW1A 1AA")
    ('SW', 'SW1A', 'SW1A 1', 'SW1A 1AA')
    """

    def __call__(self, value: str) -> tuple[str, ...]:
        """Give the tokens of a postcode, sorted."""
        return tuple(sorted(postcode_parts(value)))


Tokens = (
    QGrams
    | MarkovBigrams
    | Exact
    | Phonetic
    | DateParts
    | DateNeighbourhood
    | NumberNeighbourhood
    | PlaceNeighbourhood
    | PostcodeParts
)


def cut(tokens: Tokens, value: str) -> tuple[str, ...]:
    """Cut every alternative of a value; distinct tokens, sorted.

    Examples
    --------
    >>> cut(Exact(), "smith")
    ('smith',)
    """
    if BETWEEN not in value:
        return tokens(value)
    several = alternatives(value)
    return tuple(sorted({token for one in several for token in tokens(one)}))


def _phonetic(algorithm: str) -> Callable[[str], str]:
    import jellyfish

    codes: Mapping[str, Callable[[str], str]] = {
        "metaphone": jellyfish.metaphone,
        "nysiis": jellyfish.nysiis,
        "soundex": jellyfish.soundex,
    }
    return codes[algorithm]
