"""
Households: who lives with whom, and dates of birth that fit.

A mother is 17 to 44 when her children are born, siblings are eleven months apart or twins,
and the people of a household are next to each other: adults first, children by age.
"""

from dataclasses import dataclass

import numpy as np

from pprl.datasets.uk.tables import Bools, Floats, Ints

REFERENCE = np.datetime64("2025-01-01")  # no clock is read, so that people are the same tomorrow
SINGLE, COUPLE, LONE, FAMILY, SHARED = range(5)

_SHARES = np.array([0.32, 0.31, 0.09, 0.22, 0.06])
_ADULTS = np.array([1, 2, 1, 2, 3])
_CHILDREN = np.array([  # chance of at most 0, 1, 2, 3 children
    [1.00, 1.00, 1.00, 1.00],
    [1.00, 1.00, 1.00, 1.00],
    [0.00, 0.55, 0.87, 1.00],
    [0.00, 0.44, 0.85, 0.97],
    [1.00, 1.00, 1.00, 1.00],
])  # fmt: skip
_TWINS = 0.016  # of births, a second child comes with the first
_SAME_SEX, _BOYS, _LONE_MOTHERS = 0.02, 0.512, 0.85
_YEAR = 365.25


@dataclass(frozen=True, slots=True, repr=False)
class Households:
    """People by household, in order of household.

    Parameters
    ----------
    household, place : array of int
        Number of the household, and place in it from 0; one entry for each person.
    kind : array of int
        Kind of the person's household.
    child, female : array of bool
        Whether a person is a child of the household, and is female.
    age : array of int
        Age in days at `REFERENCE`.
    """

    household: Ints
    place: Ints
    kind: Ints
    child: Bools
    female: Bools
    age: Ints

    def __repr__(self) -> str:
        return f"Households({len(self.household)} people)"

    @property
    def n_households(self) -> int:
        """Number of households."""
        return int(self.household[-1]) + 1

    @property
    def first(self) -> Ints:
        """The row of the first person of each person's household."""
        return np.arange(len(self.place)) - self.place

    def of_partner(self) -> Bools:
        """Tell who is the second of a couple."""
        second: Bools = (self.place == 1) & ((self.kind == COUPLE) | (self.kind == FAMILY))
        return second


def draw_households(people: int, rng: np.random.Generator) -> Households:
    """Draw households until there are enough people; the last may be cut short."""
    kinds = rng.choice(len(_SHARES), size=people, p=_SHARES)
    children = (rng.random(people)[:, None] > _CHILDREN[kinds]).sum(axis=1)
    sizes = _ADULTS[kinds] + children
    n_households = int(np.searchsorted(np.cumsum(sizes), people)) + 1
    household = np.repeat(np.arange(n_households), sizes[:n_households])[:people]
    start = np.concatenate(([0], np.cumsum(sizes[:n_households])[:-1]))
    place = np.arange(people) - start[household]
    kind = kinds[household]
    child = place >= _ADULTS[kind]
    female = _draw_sexes(place, kind, child, rng)
    return Households(household, place, kind, child, female, _draw_ages(household, place, kind, child, rng))


def _draw_sexes(place: Ints, kind: Ints, child: Bools, rng: np.random.Generator) -> Bools:
    n = len(place)
    female = rng.random(n) < 0.5
    female[child] = rng.random(int(child.sum())) >= _BOYS
    couple = ((kind == COUPLE) | (kind == FAMILY)) & ~child
    first = np.arange(n) - place
    alike = (rng.random(n) < _SAME_SEX)[first]
    both_women = female[first]
    female[couple] = np.where(alike, both_women, place == 0)[couple]
    lone = (kind == LONE) & ~child
    female[lone] = rng.random(int(lone.sum())) < _LONE_MOTHERS
    return female


def _draw_ages(household: Ints, place: Ints, kind: Ints, child: Bools, rng: np.random.Generator) -> Ints:
    """Draw ages: those of parents follow from those of their children."""
    n = len(place)
    child_age, span, oldest = _children(household, child, rng)
    years = np.select(
        [kind == SINGLE, kind == SHARED],
        [19 + 82 * rng.beta(1.6, 1.6, n), 19 + 26 * rng.beta(1.0, 2.5, n)],
        22 + 74 * rng.beta(1.8, 1.5, n),
    )
    first_birth = np.clip(rng.normal(29.0, 5.0, n), 17.0, 44.0 - span / _YEAR)
    years = np.where(oldest >= 0, oldest / _YEAR + first_birth, years)
    first = np.arange(n) - place
    partner = np.clip(years[first] + rng.normal(2.0, 4.0, n), 18.0, 100.0)
    partner = np.maximum(partner, oldest / _YEAR + 17.0)
    second = (place == 1) & ((kind == COUPLE) | (kind == FAMILY))
    adult = np.rint(np.where(second, partner, years) * _YEAR).astype(np.int64)
    return np.where(child, child_age, adult)


def _children(household: Ints, child: Bools, rng: np.random.Generator) -> tuple[Ints, Floats, Floats]:
    """Draw ages of children, and say for each person the household's span and oldest (-1: none).

    What is drawn is the age of the youngest, and the days from each child to the next.
    """
    n = len(child)
    followed = child & np.append((household[1:] == household[:-1]) & child[1:], [False])
    twin = rng.random(n) < _TWINS
    days = np.where(twin, 0, rng.integers(335, 1600, n))
    days = np.where(followed, days, rng.integers(1, int(20 * _YEAR), n))
    days = np.where(child, days, 0)
    totals = np.bincount(household, weights=days)
    before = np.cumsum(days) - days
    starts = np.concatenate(([0.0], np.cumsum(totals)[:-1]))
    age = (totals[household] - (before - starts[household])).astype(np.int64)
    youngest = np.bincount(household, weights=np.where(followed, 0, days))
    has_children = np.bincount(household, weights=child) > 0
    span, oldest = totals - youngest, np.where(has_children, totals, -1.0)
    return age, span.astype(np.float64)[household], oldest.astype(np.float64)[household]
