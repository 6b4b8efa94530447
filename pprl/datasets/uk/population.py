"""
A population: one row for each person, with names, birth, address and health number.

Everything follows from the number of people and the seed.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pprl.datasets.uk.healthnumbers import chi_numbers, hc_numbers, nhs_numbers
from pprl.datasets.uk.households import REFERENCE, SINGLE, Households, draw_households
from pprl.datasets.uk.naming import Names, draw_names
from pprl.datasets.uk.origins import ORIGINS
from pprl.datasets.uk.tables import Bools, Ints, Objects, column, read, texts
from pprl.errors import UsageError

MOST_PEOPLE = 5_000_000
NO_FIXED_ABODE = "ZZ99 3VZ"
GROUPS = ("ethnicity_group", "deprivation_quintile", "age_band", "no_fixed_abode", "migrant", "renamed")
COLUMNS = (
    "person_id", "household_id", "given_name", "middle_name", "family_name", "previous_family_name", "sex",
    "date_of_birth", "address_line", "postcode", "nation", "health_number", *GROUPS,
)  # fmt: skip

_HOMELESS = 0.002  # of people, after Cardinal et al. 2023
_SINGLE_ADULTS = 0.147  # of people live alone, in the households as they are drawn
_OUTSIDE_ENGLAND = 0.35  # minorities are smaller there by this
_OTHER_PARTNER = 0.1  # of partners are of an origin of their own
_FLATS = 0.2
_BANDS = ((5, "0-4"), (16, "5-15"), (25, "16-24"), (45, "25-44"), (65, "45-64"), (85, "65-84"), (999, "85+"))
_STREETS = (
    "Abbey", "Albert", "Alma", "Ash", "Beech", "Birch", "Bridge", "Castle", "Cedar", "Chapel", "Cherry",
    "Church", "Clarence", "Elm", "Field", "Garden", "George", "Green", "Grove", "High", "Hill", "Holly",
    "King", "Lime", "Mill", "Moor", "New", "North", "Oak", "Orchard", "Park", "Queen", "School", "South",
    "Spring", "Station", "Victoria", "Water", "West", "York",
)  # fmt: skip
_WAYS = ("Avenue", "Close", "Drive", "Lane", "Road", "Street", "Way")


@dataclass(frozen=True, slots=True, repr=False)
class Population:
    """People who do not exist.

    Parameters
    ----------
    people : pandas.DataFrame
        One row for each person, with the columns of `COLUMNS`.
    """

    people: pd.DataFrame

    def __repr__(self) -> str:
        return f"Population({len(self.people)} people)"


@dataclass(frozen=True, slots=True, repr=False)
class _Homes:
    """Where each person lives."""

    address: Objects
    postcode: Objects
    nation: Objects
    quintile: Ints
    homeless: Bools


def population(people: int, seed: int) -> Population:
    """Draw a population.

    Parameters
    ----------
    people : int
        How many people, from 1 to 5,000,000.
    seed : int
        The same seed gives the same people.

    Raises
    ------
    UsageError
        If there are to be fewer or more people, or the seed is negative.

    Examples
    --------
    >>> population(10, seed=7)
    Population(10 people)
    """
    if not 1 <= people <= MOST_PEOPLE:
        raise UsageError(f"people: wanted 1 to {MOST_PEOPLE}, got {people}", code="bad-option")
    rng = np.random.default_rng(require_seed(seed))
    who = draw_households(people, rng)
    homes = _draw_homes(who, rng)
    origin = _draw_origins(who, homes.nation, rng)
    migrates = np.array([one.migrant for one in ORIGINS])[origin] * np.where(who.child, 0.3, 1.0)
    migrant = rng.random(people) < migrates
    born = REFERENCE - who.age.astype("timedelta64[D]")
    names = draw_names(who, born.astype("datetime64[Y]").astype(np.int64) + 1970, origin, migrant, rng)
    return Population(_assembled(who, homes, names, born.astype(str).astype(object), origin, migrant, rng))


def require_seed(seed: int) -> int:
    """Give the seed, or raise if numpy takes no such seed."""
    if seed < 0:
        raise UsageError(f"seed: wanted 0 or more, got {seed}", code="bad-option")
    return seed


def _assembled(
    who: Households,
    homes: _Homes,
    names: Names,
    born: Objects,
    origin: Ints,
    migrant: Bools,
    rng: np.random.Generator,
) -> pd.DataFrame:
    ethnicity = texts(one.ethnicity for one in ORIGINS)[origin]
    bands = texts(band for _, band in _BANDS)
    years = (who.age / 365.2425).astype(np.int64)
    band = bands[np.searchsorted([limit for limit, _ in _BANDS], years, side="right")]
    values = (
        _ids("P", np.arange(len(who.age))), _ids("H", who.household), names.given, names.middle, names.family,
        names.previous, texts(("M", "F"))[who.female.astype(np.int64)], born, homes.address, homes.postcode,
        homes.nation, _health_numbers(homes.nation, born, who.female, rng), ethnicity, homes.quintile,
        band, homes.homeless, migrant, names.previous.astype(np.bool_),
    )  # fmt: skip
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def _draw_homes(who: Households, rng: np.random.Generator) -> _Homes:
    """Draw an address for each household; some of those who live alone have none."""
    table = read("postcodes")
    postcodes, nations = texts(column(table, "postcode")), texts(column(table, "country"))
    quintiles = rng.integers(1, 6, len(postcodes))  # of a fictitious area: no real place is ranked
    streets = _streets()
    street_of = rng.integers(0, len(streets), len(postcodes))
    n = who.n_households
    area = rng.integers(0, len(postcodes), n)
    line = texts(map(str, range(130)))[rng.integers(1, 130, n)] + " " + streets[street_of[area]]
    flat = rng.random(n) < _FLATS
    line[flat] = (
        "Flat " + texts(map(str, range(30)))[rng.integers(1, 30, int(flat.sum()))] + ", " + line[flat]
    )
    homeless = (who.kind == SINGLE) & (rng.random(n) < _HOMELESS / _SINGLE_ADULTS)[who.household]
    area, line = area[who.household], line[who.household]
    line[homeless] = "No fixed abode"
    postcode = postcodes[area]
    postcode[homeless] = NO_FIXED_ABODE
    return _Homes(line, postcode, nations[area], np.where(homeless, 1, quintiles[area]), homeless)


def _draw_origins(who: Households, nation: Objects, rng: np.random.Generator) -> Ints:
    """Draw origins by household; some partners, and all who share a house, have their own."""
    n = len(nation)
    shares = np.array([one.share for one in ORIGINS])
    drawn = rng.choice(len(ORIGINS), size=n, p=shares / shares.sum())
    drawn[(nation != "England") & (rng.random(n) > _OUTSIDE_ENGLAND)] = 0
    own = ~who.child & (who.place > 0) & (~who.of_partner() | (rng.random(n) < _OTHER_PARTNER))
    return np.where(own, drawn, drawn[who.first])


def _health_numbers(nation: Objects, born: Objects, female: Bools, rng: np.random.Generator) -> Objects:
    numbers = np.empty(len(nation), dtype=object)
    scotland, ireland = nation == "Scotland", nation == "Northern Ireland"
    numbers[scotland] = chi_numbers(born[scotland], female[scotland], rng)
    numbers[ireland] = hc_numbers(int(ireland.sum()), rng)
    rest = ~scotland & ~ireland
    numbers[rest] = nhs_numbers(int(rest.sum()), rng)
    return numbers


def _streets() -> Objects:
    return texts(f"{street} {way}" for street in _STREETS for way in _WAYS)


def _ids(prefix: str, number: Ints) -> Objects:
    return np.char.mod(f"{prefix}%07d", number).astype(object)
