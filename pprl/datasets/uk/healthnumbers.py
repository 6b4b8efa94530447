"""
Health numbers of fictitious people: valid in form, and out of the way of real ones.

NHS numbers begin with 999, which was never issued, and with other numbers of the synthetic
range that begins with 9 if there are more people than that has numbers.  CHI and H&C have
no test range: CHI numbers must fit date of birth and sex, and H&C numbers are taken from
the very end of the range.  Such a number could be somebody's; nothing else here is.
"""

import numpy as np
import pandas as pd

from pprl.datasets.uk.tables import Bools, Ints, Objects

_NO_DIGIT = 10
_LAST_NHS = 999_999_998  # the next has nine nines, a check digit of nine, and counts as no number
_LAST_HC = 399_999_999
_LEAST_SPACE = 999_000  # all of 999 but its first thousand


def check_digits(first_nine: Ints) -> Ints:
    """Compute check digits by Modulus 11; 10 means that there is none.

    Examples
    --------
    >>> check_digits(np.array([943476591])).tolist()
    [9]
    """
    weighted = np.zeros(len(first_nine), dtype=np.int64)
    for place, weight in enumerate(range(2, 11)):
        weighted += first_nine // 10**place % 10 * weight
    return -weighted % 11


def nhs_numbers(n: int, rng: np.random.Generator) -> Objects:
    """Draw n NHS numbers, no two of them equal."""
    return _below(_LAST_NHS, n, rng)


def hc_numbers(n: int, rng: np.random.Generator) -> Objects:
    """Draw n H&C numbers, no two of them equal."""
    return _below(_LAST_HC, n, rng)


def chi_numbers(born: Objects, female: Bools, rng: np.random.Generator) -> Objects:
    """Draw CHI numbers, no two of them equal.

    Parameters
    ----------
    born : array of str
        Dates of birth, ``yyyy-mm-dd``.
    female : array of bool
        The ninth digit is even for women.
    rng : numpy.random.Generator
        Where the serial numbers come from.
    """
    days = np.array(born, dtype="datetime64[D]")
    months = days.astype("datetime64[M]")
    day = (days - months).astype(np.int64) + 1
    month = months.astype(np.int64) % 12 + 1
    year = (days.astype("datetime64[Y]").astype(np.int64) + 1970) % 100
    date = (day * 100 + month) * 100 + year
    nine = np.zeros(len(born), dtype=np.int64)
    pending = np.arange(len(born))
    while len(pending):
        serial = rng.integers(0, 500, len(pending)) * 2 + ~female[pending]
        nine[pending] = date[pending] * 1000 + serial
        wrong = (check_digits(nine) == _NO_DIGIT) | pd.Series(nine).duplicated().to_numpy()
        pending = np.flatnonzero(wrong)
    return _written(nine)


def _below(last: int, n: int, rng: np.random.Generator) -> Objects:
    """Take numbers at random from those that end at `last`, as many as needed."""
    space = np.arange(last - max(_LEAST_SPACE, n + n // 4), last, dtype=np.int64) + 1
    valid = space[check_digits(space) != _NO_DIGIT]
    return _written(rng.permutation(valid)[:n])


def _written(nine: Ints) -> Objects:
    """Write nine digits and the check digit as ten characters."""
    number = nine * 10 + check_digits(nine)
    digits = number[:, None] // 10 ** np.arange(9, -1, -1) % 10 + ord("0")
    return np.ascontiguousarray(digits, dtype=np.uint32).view("U10").ravel().astype(object)
