"""
Counts that may leave a custodian.

A count of 1 to 9 may point at a person, and two exact reports can be subtracted from each
other.  So small counts are hidden and the others rounded; shares are made of what is shown.
"""

from collections.abc import Callable

SMALLEST = 10  # counts of people below it are hidden
STEP = 5  # the others are rounded to a multiple of it
HIDDEN = f"<{SMALLEST}"
RULE = f"Counts of 1 to {SMALLEST - 1} are shown as {HIDDEN}, and all others are rounded to {STEP}."

Count = int | str  # as shown
Show = Callable[[int], Count]


def protected(n: int) -> Count:
    """Give a count as it may be shown to others: hidden if small, else rounded.

    Examples
    --------
    >>> [protected(n) for n in (0, 1, 9, 10, 12, 13, 1_002)]
    [0, '<10', '<10', 10, 10, 15, 1000]
    """
    if 0 < n < SMALLEST:
        return HIDDEN
    return (n + STEP // 2) // STEP * STEP


def exact(n: int) -> Count:
    """Give a count as it is: for the custodian's own eyes."""
    return n


def share(part: Count, whole: Count) -> float | None:
    """Give the share of two shown counts, at most 1; None if either is hidden or there are none.

    Examples
    --------
    >>> share(995, 1_000), share("<10", 1_000), share(0, 0)
    (0.995, None, None)
    """
    if not isinstance(part, int) or not isinstance(whole, int) or not whole:
        return None
    return min(part / whole, 1.0)


def percent(part: Count, whole: Count) -> str:
    """Write a share in percent, rounded down: only all is 100 %.

    Examples
    --------
    >>> percent(9_999, 10_000), percent(5, 5), percent("<10", 100)
    ('99.9 %', '100.0 %', '-')
    """
    found = share(part, whole)
    return "-" if found is None else f"{int(found * 1000 + 1e-9) / 10:.1f} %"
