"""
Donors: which records lend their values to people who do not exist.

Values of a person belong together: a given name to a family name (by origin), to a sex and
to years of birth.  A donor is chosen so that what belongs together stays likely together,
or the people made up would be less alike to real ones than real ones are to one another.
"""

from dataclasses import dataclass

import numpy as np

from pprl.model.arrays import Mask, Rows

NOBODY = -1
_CHOICE = 12  # records found, of which the one born nearest is taken
_NEVER = 1 << 40  # days
_TRIES = 4  # to find another record, or one of the right sex
_NEAREST = 25  # records before and after in order of birth, among which a date is chosen
_LARGEST_FAMILY = 6  # records of one family name and address; more are an institution

Keys = Rows  # for each record what it has, as a number; negative where it has nothing


@dataclass(frozen=True, slots=True, eq=False)
class Sharing:
    """Records in the order of a key, to find others with the same.

    Parameters
    ----------
    order : ndarray of int64, shape (n,)
        Rows by their key.
    first, number : ndarray of int64, shape (n,)
        For each row the place in `order` where its key begins, and how many records have it;
        none where it has nothing.
    """

    order: Rows
    first: Rows
    number: Rows

    @classmethod
    def of(cls, keys: Keys) -> "Sharing":
        """Sort records by a key."""
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
        first = np.searchsorted(ranked, keys, "left")
        number = np.searchsorted(ranked, keys, "right") - first
        return cls(order, first, np.where(keys < 0, 0, number))

    def others(self, rows: Rows, generator: np.random.Generator) -> Rows:
        """Give for each row another with the same key, by chance; itself where none was found."""
        found = rows.copy()
        for _ in range(_TRIES):
            alone = np.flatnonzero((found == rows) & (self.number[rows] > 1))
            at = rows[alone]
            step = (generator.random(at.size) * self.number[at]).astype(np.int64)
            found[alone] = self.order[self.first[at] + step]
        return found


def at_home(
    rows: Rows,
    given: Keys,
    family: Keys,
    sex: Keys,
    wanted_sex: Keys,
    generator: np.random.Generator,
    *,
    years: tuple[Keys, Rows] | None = None,
) -> Rows:
    """Find records whose given name is at home beside the family name of others.

    From a record by its given name to another that has the same, and from there by the
    family name to a third: two steps through shared names lead to people of like origin.

    Parameters
    ----------
    rows : ndarray of int64, shape (k,)
        Records that give the family names.
    given, family, sex : ndarray of int64, shape (n,)
        What all records have.
    wanted_sex : ndarray of int64, shape (k,)
        The sex that the given name is to have, negative for any.
    generator : numpy.random.Generator
        Where chance comes from.
    years : tuple of ndarray of int64, optional
        Days of birth of all records, and the days that are wanted: of several records found
        the one born nearest is taken, so that the given name fits the years.

    Returns
    -------
    ndarray of int64, shape (k,)
        Records that lend given name and sex, `NOBODY` where none was found.
    """
    by_given, by_family = Sharing.of(given), Sharing.of(family)
    found, apart = np.full(rows.size, NOBODY), np.full(rows.size, _NEVER)
    for _ in range(_TRIES if years is None else _CHOICE):
        end = by_family.others(by_given.others(rows, generator), generator)
        has = sex[end]
        suits = (given[end] >= 0) & (end != rows) & ((wanted_sex < 0) | (has < 0) | (has == wanted_sex))
        off = np.zeros(rows.size, dtype=np.int64) if years is None else np.abs(years[0][end] - years[1])
        better = suits & (off < apart)
        found[better], apart[better] = end[better], off[better]
    return found


def born_near(days: Keys, wanted: Rows, generator: np.random.Generator, *, among: Mask | None = None) -> Rows:
    """Find records born near a day: placeholder dates stay as common as they are.

    Parameters
    ----------
    days : ndarray of int64, shape (n,)
        Dates of birth as day numbers, negative where missing.
    wanted : ndarray of int64, shape (k,)
        Days; where negative, a record without a date is given if there is one.
    generator : numpy.random.Generator
        Where chance comes from.
    among : ndarray of bool, shape (n,), optional
        Records to choose from; by default all.
    """
    rows = np.arange(days.size) if among is None else np.flatnonzero(among)
    order = rows[np.argsort(days[rows], kind="stable")]
    known = int(np.searchsorted(days[order], 0))
    place = np.searchsorted(days[order], wanted)
    low = np.where(wanted < 0, 0, np.maximum(known, place - _NEAREST))
    high = np.where(wanted < 0, max(known, 1), np.minimum(order.size, place + _NEAREST))
    low = np.minimum(low, order.size - 1)
    step = (generator.random(wanted.size) * np.maximum(high - low, 1)).astype(np.int64)
    chosen: Rows = order[np.minimum(low + step, order.size - 1)]
    return chosen


def relatives(family: Keys, place: Keys, given: Keys) -> tuple[Rows, Rows]:
    """Find pairs of records with one family name and address, and different given names.

    Returns
    -------
    tuple of ndarray of int64
        Each pair in both orders.
    """
    rows = np.flatnonzero((family >= 0) & (place >= 0) & (given >= 0))
    order = rows[np.lexsort((place[rows], family[rows]))]
    left: list[Rows] = []
    right: list[Rows] = []
    for lag in range(1, _LARGEST_FAMILY):
        one, other = order[:-lag], order[lag:]
        related = (family[one] == family[other]) & (place[one] == place[other]) & (given[one] != given[other])
        left += [one[related], other[related]]
        right += [other[related], one[related]]
    return np.concatenate(left), np.concatenate(right)
