"""
Tokens: the pieces of a value that are hashed.

A tokeniser is its own configuration.  It turns one cleaned value into a set of distinct
tokens; two values are alike as far as they share them.
"""

from typing import Annotated

import msgspec


class QGrams(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="type",
    tag="q-grams",
):
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
        return tuple(sorted({token for word in value.split() for token in self._of_word(word)}))

    def _of_word(self, word: str) -> list[str]:
        pad = " " * (self.q - 1) if self.padded else ""
        text = f"{pad}{word}{pad}"
        grams = [text[i : i + self.q] for i in range(max(len(text) - self.q + 1, 1))]
        return [f"{place}:{gram}" for place, gram in enumerate(grams)] if self.positional else grams


class Exact(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="type", tag="exact"
):
    """The whole value as one token.

    Examples
    --------
    >>> Exact()("f")
    ('f',)
    """

    def __call__(self, value: str) -> tuple[str, ...]:
        """Give the value itself."""
        return (value,)


class DateParts(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="type",
    tag="date-parts",
):
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


Tokens = QGrams | Exact | DateParts
