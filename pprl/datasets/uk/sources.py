"""
Sources: tables that organisations would hold about a population, and who is in them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from pprl.datasets.uk.clerks import factor_of, record
from pprl.datasets.uk.designs import DESIGNS, Design
from pprl.datasets.uk.population import GROUPS, Population, require_seed
from pprl.datasets.uk.rates import PRESETS, Rates, happens
from pprl.datasets.uk.tables import Ints
from pprl.errors import UsageError, nearest

SOURCES = tuple(DESIGNS)
_AT_MOST = 0.95
_T = TypeVar("_T")
_TRUTH = ("person_id", "sex", "nation", *GROUPS)


@dataclass(frozen=True, slots=True, repr=False)
class Source:
    """One organisation's records.

    Parameters
    ----------
    name : str
        One of `SOURCES`.
    table : pandas.DataFrame
        What the organisation has: ``record_id``, the columns of the preset uk-health and
        what it wants to know, such as a diagnosis.  An empty text is a missing value.
    truth : pandas.DataFrame
        For each ``record_id`` the ``person_id``, and the groups that the person is in.
    """

    name: str
    table: pd.DataFrame
    truth: pd.DataFrame

    def __repr__(self) -> str:
        return f"Source({self.name}: {len(self.table)} records, {self.truth['person_id'].nunique()} people)"


def draw_source(population: Population, name: str, preset: str, seed: int) -> Source:
    """Draw a source from a population.

    Parameters
    ----------
    population : Population
        Who could be in it.
    name : str
        One of `SOURCES`.
    preset : "measured" or "hard"
        How many errors it has.  The people in it are the same.
    seed : int
        The same seed gives the same records; sources differ in their errors nevertheless.

    Raises
    ------
    UsageError
        If there is no such source or preset, or the seed is negative.

    Examples
    --------
    >>> from pprl.datasets.uk.population import population
    >>> draw_source(population(100, seed=7), "school_census", "measured", seed=7).name
    'school_census'
    """
    design, rates = _known(name, DESIGNS, "source"), _known(preset, PRESETS, "preset")
    key = np.random.SeedSequence([require_seed(seed), SOURCES.index(name)])
    choosing, erring, adding = (np.random.default_rng(one) for one in key.spawn(3))
    patients = _known_to(design, population.people, choosing)
    payload = design.payload(patients, adding)

    records = _with_repeats(patients, rates, erring)
    people = patients.iloc[records].reset_index(drop=True)
    recorded = record(people, rates, erring)
    recorded["health_number"][erring.random(len(people)) >= design.numbered] = ""
    ids = np.char.mod(f"{design.prefix}%07d", np.arange(1, len(people) + 1)).astype(object)
    added = {column: values[records] for column, values in payload.items()}
    truth = people.loc[:, list(_TRUTH)]
    truth.insert(0, "record_id", ids)
    return Source(name, pd.DataFrame({"record_id": ids, **recorded, **added}), truth)


def true_pairs(left: Source, right: Source) -> pd.DataFrame:
    """Give all pairs of records that are one person, as ``left_id`` and ``right_id``.

    Examples
    --------
    >>> from pprl.datasets.uk.population import population
    >>> people = population(1000, seed=7)
    >>> one, two = (draw_source(people, name, "measured", seed=7) for name in ("hospital", "cohort"))
    >>> list(true_pairs(one, two).columns)
    ['left_id', 'right_id']
    """
    columns = ["record_id", "person_id"]
    both = left.truth[columns].merge(right.truth[columns], on="person_id", suffixes=("_left", "_right"))
    named = both.rename(columns={"record_id_left": "left_id", "record_id_right": "right_id"})
    return named.loc[:, ["left_id", "right_id"]]


def _known_to(design: Design, everybody: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Choose the people of a source, in random order."""
    chance = np.minimum(design.chance(everybody), _AT_MOST)
    return everybody.iloc[rng.permutation(np.flatnonzero(rng.random(len(everybody)) < chance))]


def _with_repeats(people: pd.DataFrame, rates: Rates, rng: np.random.Generator) -> Ints:
    """Give the row of the person of each record, in random order; some people are there twice."""
    twice = np.flatnonzero(happens(rates.repeated, factor_of(people, rates), rng))
    return rng.permutation(np.concatenate((np.arange(len(people)), twice)))


def _known(name: str, known: Mapping[str, _T], what: str) -> _T:
    if name not in known:
        raise UsageError(f"{what}: there is no such one", code="bad-option", hint=nearest(name, known))
    return known[name]
