"""
Intervals of measures: how far a share of so few pairs may be from what it would be of many.

They take pairs for independent.  Where a person has several records the pairs are not, and
the true interval is somewhat wider.
"""

from typing import NamedTuple

from pprl.comparison.sampling import wilson


class Rate(NamedTuple):
    """A measure with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def rate(part: int, whole: int) -> Rate | None:
    """Give a share with its interval after Wilson (1927), JASA 22(158); None of nothing.

    Examples
    --------
    >>> [round(number, 3) for number in rate(90, 100)]
    [0.9, 0.826, 0.945]
    """
    if not whole:
        return None
    share = part / whole
    low, high = wilson(share, whole)
    return Rate(share, min(low, share), max(high, share))  # its last digit may fall short of 0 or 1


def f1_rate(true_positives: int, mistakes: int) -> Rate | None:
    """Give F1 with its interval; None without links and true pairs.

    F1 grows with F* and with nothing else: F1 = 2 F* / (1 + F*) (Hand, Christen & Kirielle
    2021, Machine Learning 110).  F* is a share of the pairs that are links or true, so its
    interval is Wilson's, and the ends go the same way.

    Parameters
    ----------
    true_positives : int
        Links that are true.
    mistakes : int
        False links and missed pairs, together.

    Examples
    --------
    >>> [round(number, 3) for number in f1_rate(90, 20)]
    [0.9, 0.848, 0.936]
    """
    f_star = rate(true_positives, true_positives + mistakes)
    if f_star is None:
        return None
    low, high = (2 * end / (1 + end) for end in (f_star.low, f_star.high))
    value = 2 * true_positives / (2 * true_positives + mistakes)
    return Rate(value, min(low, value), max(high, value))
