"""
Names: given by sex, cohort and origin, inherited in families, changed at marriage.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pprl.datasets.uk.households import COUPLE, FAMILY, LONE, SINGLE, Households
from pprl.datasets.uk.origins import N_COHORTS, ORIGINS, cohort, forename_pools, surname_pools
from pprl.datasets.uk.tables import Bools, Ints, Objects, draw_each

_MARRIED = 0.75  # of couples
_TAKES_NAME = 0.85  # of married women take the name of the second of the couple
_DOUBLE = 0.06  # ... and some of them keep their own before it
_ONCE_MARRIED = 0.35  # of women from 30 who live without a partner
_CHANGED = 0.012  # of anybody else: adoption, deed poll
_MIDDLE_NAME = 0.7
_ROUNDS = 50  # of drawing again names that a sibling has


@dataclass(frozen=True, slots=True, repr=False)
class Names:
    """Names of people; an empty text where there is none."""

    given: Objects
    middle: Objects
    family: Objects
    previous: Objects


def draw_names(
    who: Households, birth_year: Ints, origin: Ints, migrant: Bools, rng: np.random.Generator
) -> Names:
    """Draw the names of all people."""
    n = len(birth_year)
    local = rng.random(n) < np.array([one.local for one in ORIGINS])[origin] * np.where(migrant, 0.3, 1.0)
    local |= origin == 0
    keys = np.where(local, cohort(birth_year), N_COHORTS + origin) * 2 + ~who.female
    given = _told_apart(who, draw_each(forename_pools(), keys, rng), keys, rng)
    middle = draw_each(forename_pools(), keys, rng)
    middle[(rng.random(n) > _MIDDLE_NAME) | (middle == given)] = ""
    family, previous = _family_names(who, origin, rng)
    return Names(given, middle, family, previous)


def _told_apart(who: Households, given: Objects, keys: Ints, rng: np.random.Generator) -> Objects:
    """Draw again until no two children of a household have one name."""
    children = np.flatnonzero(who.child)
    for _ in range(_ROUNDS):
        called = pd.DataFrame({"household": who.household[children], "given": given[children]})
        again = children[called.duplicated().to_numpy()]
        if not len(again):
            break
        given[again] = draw_each(forename_pools(), keys[again], rng)
    return given


def _family_names(who: Households, origin: Ints, rng: np.random.Generator) -> tuple[Objects, Objects]:
    """Draw names at birth, then marry people, then name their children."""
    n = len(origin)
    birth = draw_each(surname_pools(), origin, rng)
    other = draw_each(surname_pools(), origin, rng)
    family, previous = birth.copy(), np.full(n, "", dtype=object)

    second = np.minimum(who.first + 1, n - 1)
    couple = ((who.kind == COUPLE) | (who.kind == FAMILY)) & who.of_partner()[second]
    marries = couple & (who.place == 0) & who.female & (rng.random(n) < _MARRIED * _TAKES_NAME)
    family[marries] = birth[second[marries]]
    double = marries & (rng.random(n) < _DOUBLE)
    family[double] = birth[double] + "-" + family[double]

    alone = (who.kind == SINGLE) | ((who.kind == LONE) & ~who.child)
    was_married = alone & who.female & (who.age > 30 * 365) & (rng.random(n) < _ONCE_MARRIED)
    changed = ~marries & (was_married | (~who.child & ~who.of_partner() & (rng.random(n) < _CHANGED)))
    family[changed] = other[changed]
    previous[marries | changed] = birth[marries | changed]

    # A child has the name of the second of a couple, or of the lone parent.
    named_after = np.where(couple, second, who.first)
    family[who.child] = family[named_after[who.child]]
    previous[previous == family] = ""
    return family, previous
