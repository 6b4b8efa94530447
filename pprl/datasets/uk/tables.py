"""
The tables that people are drawn from, as pools: values with weights.

A pool is drawn from by its cumulative weights, so a million draws are one search.
"""

import importlib.resources
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

Objects = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_TONES_WRITTEN = frozenset({"CN", "TW"})  # in dictionaries, and in no register


@dataclass(frozen=True, slots=True, repr=False)
class Pool:
    """Values to draw from.

    Parameters
    ----------
    choices : array of str
        What can be drawn.
    cumulative : array of float
        Cumulative weights, the last of them 1.
    """

    choices: Objects
    cumulative: Floats

    def __repr__(self) -> str:
        return f"Pool({len(self.choices)} values)"

    @classmethod
    def of(cls, values: Iterable[str], weights: Floats | Sequence[float]) -> "Pool":
        """Make a pool of values and their weights, which need not add to 1."""
        cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
        return cls(texts(values), cumulative / cumulative[-1])

    def draw(self, n: int, rng: np.random.Generator) -> Objects:
        """Draw n values.

        Examples
        --------
        >>> Pool.of(["Ann", "Bob"], [1, 0]).draw(2, np.random.default_rng(1)).tolist()
        ['Ann', 'Ann']
        """
        found = np.searchsorted(self.cumulative, rng.random(n), side="right")
        return self.choices[np.minimum(found, len(self.choices) - 1)]


def draw_each(pools: Sequence[Pool], keys: Ints, rng: np.random.Generator) -> Objects:
    """Draw one value for each key: the number of the pool that it is drawn from."""
    drawn = np.empty(len(keys), dtype=object)
    for key in np.unique(keys):
        chosen = np.flatnonzero(keys == key)
        drawn[chosen] = pools[key].draw(len(chosen), rng)
    return drawn


def texts(values: Iterable[str]) -> Objects:
    """Make an array of texts; numpy would otherwise copy each to the width of the longest."""
    listed = list(values)
    made = np.empty(len(listed), dtype=object)
    made[:] = listed
    return made


@cache
def read(name: str) -> pd.DataFrame:
    """Read a table as text.  People are called NA and Null, so nothing is taken for missing."""
    place = importlib.resources.files("pprl.datasets.uk") / "data" / f"{name}.csv.gz"
    with place.open("rb") as stream:
        return pd.read_csv(stream, compression="gzip", dtype=str, keep_default_na=False, encoding="utf-8")


def column(table: pd.DataFrame, name: str) -> list[str]:
    """Give a column as a list of texts."""
    return [str(value) for value in table[name]]


def numbers(table: pd.DataFrame, name: str) -> Floats:
    """Give a column as numbers."""
    return np.array([float(value) for value in column(table, name)], dtype=np.float64)


def common_names(table: pd.DataFrame, countries: Iterable[str]) -> list[str]:
    """Give the romanised names of some countries, once each, commonest first within a country."""
    chosen = table[table["Country"].isin(list(countries))]
    named = zip(column(chosen, "Romanized Name"), column(chosen, "Country"), strict=True)
    tidy = (_first_spelling(name, toneless=country in _TONES_WRITTEN) for name, country in named)
    return list(dict.fromkeys(name for name in tidy if _is_name(name)))


def by_rank(n: int) -> Floats:
    """Give weights that fall with rank, as names do where only their order is known."""
    return 1.0 / (np.arange(n, dtype=np.float64) + 5.0)


def _first_spelling(name: str, *, toneless: bool) -> str:
    first = name.partition("/")[0].strip()
    if not toneless:
        return first
    return "".join(char for char in unicodedata.normalize("NFD", first) if not unicodedata.combining(char))


def _is_name(name: str) -> bool:
    letters = [char for char in name if char not in " '-\u2019"]
    return len(letters) > 1 and all(char.isalpha() for char in letters)
