"""
Misspelling: typing errors, and other forms of a name that a table knows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from pprl.datasets.uk.tables import Ints, Objects, column, read, texts

_SUBSTITUTE, _TRANSPOSE, _DELETE, _REPEAT = range(4)


@dataclass(frozen=True, slots=True, repr=False)
class Variants:
    """Other forms of names, in lower case: those of key k are from ``starts[k]`` on.

    Parameters
    ----------
    keys, values : array of str
        Names, and the other forms of all of them one after another.
    starts, counts : array of int
        Where those of a key begin, and how many there are.
    """

    keys: "pd.Index[str]"
    values: Objects
    starts: Ints
    counts: Ints

    def __repr__(self) -> str:
        return f"Variants({len(self.keys)} names)"

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Variants":
        """Take pairs of a name and another form of it."""
        ordered = sorted({(one.lower(), other) for one, other in pairs if one.lower() != other.lower()})
        keys = texts(one for one, _ in ordered)
        known, starts, counts = np.unique(keys, return_index=True, return_counts=True)
        return cls(pd.Index(known, dtype=object), texts(other for _, other in ordered), starts, counts)

    def replace(self, names: Objects, rng: np.random.Generator) -> Objects:
        """Replace each name that is known by another form; the others stay.

        Examples
        --------
        >>> kinds = Variants.of([("William", "Bill")])
        >>> kinds.replace(texts(["William", "Ann"]), np.random.default_rng(1)).tolist()
        ['Bill', 'Ann']
        """
        key = self.keys.get_indexer(pd.Index(texts(str(name).lower() for name in names), dtype=object))
        known = np.flatnonzero(key >= 0)
        chosen = (rng.random(len(known)) * self.counts[key[known]]).astype(np.int64)
        replaced = names.copy()
        replaced[known] = self.values[self.starts[key[known]] + chosen]
        return replaced


@cache
def nicknames() -> Variants:
    """Give the table of nicknames."""
    table = read("nicknames")
    return Variants.of(zip(column(table, "name1"), map(str.title, column(table, "name2")), strict=True))


@cache
def romanisations() -> Variants:
    """Give the other spellings of names that are one in Arabic script."""
    table = read("romanisations")
    groups: dict[str, list[str]] = {}
    for group, name in zip(column(table, "spelling_group"), column(table, "romanisation"), strict=True):
        groups.setdefault(group, []).append(name)
    return Variants.of((one, other) for names in groups.values() for one in names for other in names)


def mistype(names: Objects, rng: np.random.Generator) -> Objects:
    """Make one typing error in each name: a letter wrong, doubled or left out, or two transposed.

    A name of one letter has it doubled or replaced, so none becomes empty; an empty one
    stays as it is.

    Examples
    --------
    >>> mistype(texts(["", "Ann"]), np.random.default_rng(1)).tolist()[0]
    ''
    """
    if not len(names):
        return names
    written = np.array([*names, "  "], dtype=np.str_)[:-1]  # at least two characters wide
    letters = np.pad(written.view(np.uint32).reshape(len(names), -1), ((0, 0), (0, 1)))
    length = (letters != 0).sum(axis=1)
    kind = rng.integers(0, 4, len(names))
    kind[(length < 2) & (kind != _REPEAT)] = _SUBSTITUTE
    transposed = kind == _TRANSPOSE
    position = (rng.random(len(names)) * (length - transposed)).astype(np.int64)
    rows = np.arange(len(names))
    equal = transposed & (letters[rows, position] == letters[rows, position + 1])
    kind[equal] = _SUBSTITUTE

    typed = letters[rows[:, None], _sources(kind, position, letters.shape[1])]
    wrong = kind == _SUBSTITUTE
    typed[rows[wrong], position[wrong]] = _other_letters(letters[rows[wrong], position[wrong]], rng)
    made = np.ascontiguousarray(typed).view(f"U{typed.shape[1]}").ravel().astype(object)
    return np.where(length > 0, made, names)


def _sources(kind: Ints, position: Ints, width: int) -> Ints:
    """Say which letter comes to each place."""
    place, at, kind = np.arange(width), position[:, None], kind[:, None]
    moved: Sequence[Ints] = [
        place + (place == at) - (place == at + 1),
        np.minimum(place + (place >= at), width - 1),
        place - (place > at),
    ]
    return np.select([kind == _TRANSPOSE, kind == _DELETE, kind == _REPEAT], moved, place)


def _other_letters(letters: "np.typing.NDArray[np.uint32]", rng: np.random.Generator) -> Ints:
    """Give small letters that are others, whatever their case."""
    number = (letters | 32).astype(np.int64) - ord("a")
    return (number + rng.integers(1, 26, len(letters))) % 26 + ord("a")
