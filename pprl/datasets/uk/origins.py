"""
Origins: where the names of a family are from, and so which pools they are drawn from.

Shares are round figures near the censuses of 2021 and 2022, chosen so that each list of
names in the tables has people; they are not estimates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from pprl.datasets.uk.tables import Ints, Pool, by_rank, column, common_names, numbers, read

COUNTED_FROM, PERIOD = 1970, 5  # births are counted by period from here on; before, names are ranked
_RANKED = tuple(range(1904, 1974, 10))
_COUNTED = tuple(range(COUNTED_FROM, 2025, PERIOD))
N_COHORTS = len(_RANKED) + len(_COUNTED)
SEXES = ("F", "M")
_REFUSED = ("Baby", "BABY")  # registered as a name, and everywhere else the sign that there is none yet
_ARABIC = ("EG", "IQ", "SA", "DZ", "MA", "TN", "LB", "JO", "KW", "LY")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where names are from.

    Parameters
    ----------
    ethnicity : str
        The group that people are counted in.
    share : float
        Of households, in England.
    forenames, surnames : tuple of str
        Countries whose lists are used.  Without countries of forenames they are British.
        Without countries of surnames they are names of fathers, or British.
    migrant : float
        How many of the adults came from elsewhere.
    local : float
        How many have a British forename nevertheless.
    """

    ethnicity: str
    share: float
    forenames: tuple[str, ...] = ()
    surnames: tuple[str, ...] = ()
    migrant: float = 0.65
    local: float = 0.15
    patronymic: bool = False


ORIGINS = (
    Origin("white-british", 0.795, migrant=0.02, local=1.0),
    Origin("white-irish", 0.010, ("IE",), ("IE",), local=0.3),
    Origin("white-other", 0.020, ("PL",), ("PL",)),
    Origin("white-other", 0.012, ("RO",), ("RO",)),
    Origin("white-other", 0.008, ("IT",), ("IT",)),
    Origin("white-other", 0.008, ("PT",), ("PT",)),
    Origin("white-other", 0.006, ("ES",), ("ES",)),
    Origin("white-other", 0.005, ("LT",), ("LT",)),
    Origin("white-other", 0.005, ("DE",), ("DE",)),
    Origin("white-other", 0.005, ("FR",), ("FR",)),
    Origin("white-other", 0.003, ("HU",), ("HU",)),
    Origin("south-asian", 0.030, ("IN",), ("IN", "LK"), migrant=0.5, local=0.25),
    Origin("south-asian", 0.025, ("PK", "BD"), patronymic=True, migrant=0.5),
    Origin("south-asian", 0.010, ("BD", "PK"), ("BD",), migrant=0.5),
    Origin("south-asian", 0.002, ("NP",), ("NP",)),
    Origin("black", 0.035, ("JM", "ZA"), migrant=0.5, local=0.6),
    Origin("chinese", 0.007, ("CN", "TW"), ("CN", "TW"), local=0.35),
    Origin("arab", 0.007, _ARABIC, patronymic=True),
    Origin("other", 0.003, ("TR",), ("TR",)),
    Origin("other", 0.003, ("PH",), ("PH",)),
    Origin("other", 0.001, ("IR",), patronymic=True),
)


def cohort(year: Ints) -> Ints:
    """Give the number of the cohort of each year of birth: by decade to 1969, by five years after."""
    ranked = np.clip(np.rint((year - _RANKED[0]) / 10), 0, len(_RANKED) - 1)
    counted = np.clip((year - COUNTED_FROM) // PERIOD, 0, len(_COUNTED) - 1) + len(_RANKED)
    return np.where(year < COUNTED_FROM, ranked, counted).astype(np.int64)


@cache
def forename_pools() -> tuple[Pool, ...]:
    """Give pools of forenames: each cohort and sex, and then each origin and sex."""
    ranked, counted = read("forename_rankings_1904_1994"), read("forenames_1974_2020")
    years, periods = numbers(ranked, "year"), numbers(counted, "period_start")
    pools = []
    for year in _RANKED:
        for sex in SEXES:
            rows = ranked[(years == year) & (ranked["sex"] == sex)]
            pools.append(Pool.of(column(rows, "name"), by_rank(len(rows))))
    for period in _COUNTED:
        for sex in SEXES:
            rows = counted[(periods == period) & (counted["sex"] == sex)]
            rows = rows[~rows["forename"].isin(_REFUSED)]
            names = (name.title() for name in column(rows, "forename"))  # some came in capitals
            pools.append(Pool.of(names, numbers(rows, "births")))
    return (*pools, *(_foreign(origin.forenames, sex) or pools[-1] for origin in ORIGINS for sex in SEXES))


@cache
def surname_pools() -> tuple[Pool, ...]:
    """Give a pool of family names for each origin."""
    table = read("surnames")
    british = Pool.of((_capitalised(name) for name in column(table, "surname")), numbers(table, "freq"))
    listed = (_family_names(origin) for origin in ORIGINS)
    return tuple(Pool.of(names, by_rank(len(names))) if names else british for names in listed)


def _capitalised(name: str) -> str:
    titled = name.title()
    return f"Mc{titled[2:].title()}" if titled.startswith("Mc") and len(titled) > 4 else titled


def _foreign(countries: Sequence[str], sex: str) -> Pool | None:
    table = read("forenames_by_country")
    names = common_names(table[table["Gender"] == sex], countries)
    return Pool.of(names, by_rank(len(names))) if names else None


def _family_names(origin: Origin) -> list[str]:
    if not origin.patronymic:
        return common_names(read("surnames_by_country"), origin.surnames)
    table = read("forenames_by_country")
    return common_names(table[table["Gender"] == "M"], origin.forenames)
