"""
Clerks: what becomes of a person in a source's records.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pprl.datasets.uk.misspelling import mistype, nicknames, romanisations
from pprl.datasets.uk.origins import surname_pools
from pprl.datasets.uk.rates import Rates, happens
from pprl.datasets.uk.tables import Bools, Floats, Objects, column, read, texts

PLACEHOLDER = "1900-01-01"
_FORMER_KNOWN = 0.4  # of people recorded under their present name
_INWARD = texts("ABDEFGHJLNPQRSTUWXYZ")
_SWAPPED, _PLACEHOLDER = 0.3, 0.4  # of wrong dates, up to here


def record(people: pd.DataFrame, rates: Rates, rng: np.random.Generator) -> dict[str, Objects]:
    """Record people, one record for each row, with the errors of a source.

    Parameters
    ----------
    people : pandas.DataFrame
        Rows of a population; a person may be there twice.
    rates : Rates
        How often each error is made.
    rng : numpy.random.Generator
        Who has which.
    """
    factor = factor_of(people, rates)
    given, family, previous = _names(people, rates, factor, rng)
    recorded = {
        "given_name": given,
        "family_name": family,
        "previous_family_name": previous,
        "date_of_birth": _dates(values(people, "date_of_birth"), happens(rates.date, factor, rng), rng),
        "sex": _sexes(values(people, "sex"), happens(rates.sex, factor, rng)),
        "postcode": _postcodes(values(people, "postcode"), rates, factor, rng),
        "health_number": _numbers(values(people, "health_number"), happens(rates.number_typed, factor, rng)),
    }
    return _with_gaps(recorded, rates, factor, rng)


def factor_of(people: pd.DataFrame, rates: Rates) -> Floats:
    """Give for each person by how much rates are higher, by the groups that they are in."""
    return rates.factor({name: flag(people, name) for name in rates.worse}, len(people))


def values(table: pd.DataFrame, name: str) -> Objects:
    """Give a column as an array of texts of its own."""
    return table[name].to_numpy(dtype=object, copy=True)


def flag(table: pd.DataFrame, name: str) -> Bools:
    """Give a column of yes and no."""
    return table[name].to_numpy(dtype=np.bool_)


def _names(
    people: pd.DataFrame, rates: Rates, factor: Floats, rng: np.random.Generator
) -> tuple[Objects, Objects, Objects]:
    given, family = values(people, "given_name"), values(people, "family_name")
    former, renamed = values(people, "previous_family_name"), flag(people, "renamed")
    foreign = values(people, "ethnicity_group") != "white-british"

    late = renamed & happens(rates.renamed, factor, rng)
    family[late] = former[late]
    previous = np.where(renamed & ~late & (rng.random(len(given)) < _FORMER_KNOWN), former, "")
    other = ~renamed & happens(rates.other_name, factor, rng)
    family[other] = surname_pools()[0].draw(int(other.sum()), rng)

    nicknamed = happens(rates.nickname, factor, rng)
    given[nicknamed] = nicknames().replace(given[nicknamed], rng)
    for names in (given, family):
        respelt = foreign & happens(rates.respelt, factor, rng)
        names[respelt] = romanisations().replace(names[respelt], rng)
    for names, rate in ((given, rates.given_typed), (family, rates.family_typed)):
        typed = happens(rate, factor, rng)
        names[typed] = mistype(names[typed], rng)
    swapped = happens(rates.swapped, factor, rng)
    return np.where(swapped, family, given), np.where(swapped, given, family), previous


def _dates(born: Objects, wrong: Bools, rng: np.random.Generator) -> Objects:
    """Make dates wrong; a day that cannot be a month, or is the same, is off instead of swapped."""
    rows = np.flatnonzero(wrong)
    days = np.array(born[rows], dtype="datetime64[D]")
    parts = pd.DatetimeIndex(days)
    day, month, year = parts.day.to_numpy(), parts.month.to_numpy(), parts.year.to_numpy()
    kind = rng.random(len(rows))
    off = np.where(rng.random(len(rows)) < 0.5, 1, 10) * np.where(rng.random(len(rows)) < 0.5, 1, -1)
    recorded = (days + off).astype(str).astype(object)
    years_off = kind > 0.75
    recorded[years_off] = _written(year - np.abs(off), month, np.minimum(day, 28))[years_off]
    swaps = (kind < _SWAPPED) & (day <= 12) & (day != month)
    recorded[swaps] = _written(year, day, month)[swaps]
    recorded[(kind >= _SWAPPED) & (kind < _PLACEHOLDER)] = PLACEHOLDER
    born[rows] = recorded
    return born


def _written(year: Floats, month: Floats, day: Floats) -> Objects:
    return texts(f"{y:04}-{m:02}-{d:02}" for y, m, d in zip(year, month, day, strict=True))


def _sexes(sex: Objects, wrong: Bools) -> Objects:
    return np.where(wrong, texts(("M", "F"))[(sex == "M").astype(np.int64)], sex)


def _postcodes(postcode: Objects, rates: Rates, factor: Floats, rng: np.random.Generator) -> Objects:
    everywhere = texts(column(read("postcodes"), "postcode"))
    moved = happens(rates.moved, factor, rng)
    postcode[moved] = everywhere[rng.integers(0, len(everywhere), int(moved.sum()))]
    typed = happens(rates.postcode_typed, factor, rng)
    shift = rng.integers(1, len(_INWARD), int(typed.sum()))
    places = {letter: place for place, letter in enumerate(_INWARD)}
    last = np.array([places.get(code[-1], 0) for code in postcode[typed]], dtype=np.int64)
    postcode[typed] = texts(code[:-1] for code in postcode[typed]) + _INWARD[(last + shift) % len(_INWARD)]
    return postcode


def _numbers(number: Objects, wrong: Bools) -> Objects:
    number[wrong] = texts(f"{one[:-1]}{(int(one[-1]) + 1) % 10}" for one in number[wrong])
    return number


def _with_gaps(
    recorded: Mapping[str, Objects], rates: Rates, factor: Floats, rng: np.random.Generator
) -> dict[str, Objects]:
    missing = {
        "given_name": rates.no_given,
        "family_name": rates.no_family,
        "date_of_birth": rates.no_date,
        "sex": rates.no_sex,
        "postcode": rates.no_postcode,
        "health_number": rates.no_number,
    }
    return {
        name: np.where(happens(missing.get(name, 0.0), factor, rng), "", found)
        for name, found in recorded.items()
    }
