"""
Designs of sources: whom each one knows, which numbers it holds, and what it adds.

Chances follow age, deprivation, homelessness and migration, so two sources share more
people than chance would have it.  All of them are chosen for the purpose, not estimated.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from pprl.datasets.uk.households import REFERENCE
from pprl.datasets.uk.tables import Floats, Objects, Pool, texts

Chance = Callable[[pd.DataFrame], Floats]
Payload = Callable[[pd.DataFrame, np.random.Generator], Mapping[str, Objects]]

_CHILD_BANDS = ("0-4", "5-15")
_SINCE = np.datetime64("2020-01-01")
_CHAPTERS = Pool.of(
    ("I", "II", "IV", "V", "VI", "IX", "X", "XI", "XIII", "XIV", "XV", "XVIII", "XIX"),
    (3, 10, 4, 3, 4, 12, 10, 13, 8, 8, 6, 10, 9),
)
_ADULT_DIAGNOSES = Pool.of(
    ("F10", "F20", "F25", "F31", "F32", "F33", "F41", "F43", "F60"), (8, 9, 3, 7, 26, 12, 20, 9, 6)
)
_CHILD_DIAGNOSES = Pool.of(("F32", "F41", "F50", "F84", "F90"), (15, 25, 8, 22, 30))
_SERVICES = Pool.of(("advice", "food", "housing"), (5, 3, 2))
_ARMS = Pool.of(("control", "intervention"), (1, 1))
_SCORES = Pool.of(map(str, range(28)), [0.87**score for score in range(28)])


@dataclass(frozen=True, slots=True)
class Design:
    """One source.

    Parameters
    ----------
    prefix : str
        Letter that record ids begin with.
    chance : callable
        The chance of each person to be in it.
    numbered : float
        How many records have a health number at all.
    payload : callable
        What else it knows.
    """

    prefix: str
    chance: Chance
    numbered: float
    payload: Payload


def _by_band(people: pd.DataFrame, chances: Sequence[float]) -> Floats:
    bands = ("0-4", "5-15", "16-24", "25-44", "45-64", "65-84", "85+")
    number = pd.Index(bands, dtype=object).get_indexer(pd.Index(people["age_band"], dtype=object))
    return np.array(chances)[number]


def _deprived(people: pd.DataFrame, slope: float) -> Floats:
    """Give 1 in the middle fifth, and more or less at the ends: quintile 1 is the most deprived."""
    return 1.0 + slope * (3.0 - people["deprivation_quintile"].to_numpy(dtype=np.float64))


def _times(people: pd.DataFrame, group: str, times: float) -> Floats:
    return np.where(people[group].to_numpy(dtype=np.bool_), times, 1.0)


def _trust(people: pd.DataFrame) -> Floats:
    ages = _by_band(people, (0.005, 0.05, 0.11, 0.09, 0.08, 0.07, 0.12))
    return ages * _deprived(people, 0.3) * _times(people, "no_fixed_abode", 4.0)


def _hospital(people: pd.DataFrame) -> Floats:
    ages = _by_band(people, (0.35, 0.15, 0.2, 0.25, 0.33, 0.5, 0.65))
    return ages * _deprived(people, 0.1) * _times(people, "no_fixed_abode", 1.8)


def _school(people: pd.DataFrame) -> Floats:
    return _by_band(people, (0.0, 0.93, 0.0, 0.0, 0.0, 0.0, 0.0))


def _charity(people: pd.DataFrame) -> Floats:
    ages = _by_band(people, (0.0, 0.005, 0.03, 0.03, 0.03, 0.02, 0.02))
    needs = _times(people, "no_fixed_abode", 20.0) * _times(people, "migrant", 2.5)
    return ages * needs * _deprived(people, 0.4)


def _cohort(people: pd.DataFrame) -> Floats:
    ages = _by_band(people, (0.0, 0.0, 0.01, 0.03, 0.06, 0.04, 0.0))
    return ages * _deprived(people, -0.25) * _times(people, "no_fixed_abode", 0.1)


def _trial(people: pd.DataFrame) -> Floats:
    return _by_band(people, (0.0, 0.0, 0.005, 0.008, 0.008, 0.005, 0.0)) * _deprived(people, -0.1)


def _diagnoses(people: pd.DataFrame, rng: np.random.Generator) -> Mapping[str, Objects]:
    child = people["age_band"].isin(_CHILD_BANDS).to_numpy()
    adults, children = (pool.draw(len(people), rng) for pool in (_ADULT_DIAGNOSES, _CHILD_DIAGNOSES))
    return {"diagnosis": np.where(child, children, adults)}


def _admissions(people: pd.DataFrame, rng: np.random.Generator) -> Mapping[str, Objects]:
    born = np.array(people["date_of_birth"].to_numpy(dtype=object), dtype="datetime64[D]")
    earliest = np.maximum(born, _SINCE)  # nobody is admitted before birth
    days = (rng.random(len(people)) * (REFERENCE - earliest).astype(np.int64)).astype(np.int64)
    admitted = (earliest + days.astype("timedelta64[D]")).astype(str).astype(object)
    return {"admission_date": admitted, "icd10_chapter": _CHAPTERS.draw(len(people), rng)}


def _attendance(people: pd.DataFrame, rng: np.random.Generator) -> Mapping[str, Objects]:
    percent = np.rint(100 * rng.beta(18, 1.5, len(people))).astype(np.int64)
    free = rng.random(len(people)) < 0.22 * _deprived(people, 0.4)
    return {"attendance": percent.astype(str).astype(object), "free_meals": _yes_or_no(free)}


def _services(people: pd.DataFrame, rng: np.random.Generator) -> Mapping[str, Objects]:
    return {"service": _SERVICES.draw(len(people), rng)}


def _scores(people: pd.DataFrame, rng: np.random.Generator) -> Mapping[str, Objects]:
    return {"phq9": _SCORES.draw(len(people), rng)}


def _arms(people: pd.DataFrame, rng: np.random.Generator) -> Mapping[str, Objects]:
    return {"arm": _ARMS.draw(len(people), rng)}


def _yes_or_no(flags: "np.typing.NDArray[np.bool_]") -> Objects:
    return texts(("no", "yes"))[flags.astype(np.int64)]


# The order is part of what a seed means: a new source is added at the end.
DESIGNS: Mapping[str, Design] = MappingProxyType(
    {
        "mental_health_trust": Design("M", _trust, 0.97, _diagnoses),
        "hospital": Design("H", _hospital, 0.98, _admissions),
        "school_census": Design("S", _school, 0.0, _attendance),
        "charity": Design("C", _charity, 0.05, _services),
        "cohort": Design("K", _cohort, 0.9, _scores),
        "trial": Design("T", _trial, 0.95, _arms),
    }
)
