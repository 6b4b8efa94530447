"""
Tables of counts that may be handed on: small ones hidden, and others with them, so that none
can be had by subtraction.

Who knows the total of a column can subtract what is shown.  So never one count alone is
hidden, and those hidden are together so many that each could still be 10 or more.  (Primary
and secondary suppression: Hundepool et al. 2012, Statistical Disclosure Control.)
"""

from collections.abc import Sequence

from pprl.reporting.disclosure import HIDDEN, SMALLEST, STEP, Count, protected

HELD_BACK = "hidden"  # 1 to 9, or hidden with such a one: which of the two is not said
RULE = f"""\
Counts of 1 to {SMALLEST - 1} are {HELD_BACK} or shown as {HIDDEN}, and as many others are {HELD_BACK} as it
takes that none can be had by subtraction; the rest are rounded to {STEP}.  Rates are made of what
is shown."""


def hidden_counts(counts: Sequence[int], *, hidden_already: Sequence[bool] = ()) -> list[bool]:
    """Say which counts of a column are hidden, given that its total is known.

    Hides those of 1 to 9 and those that are hidden already; then the smallest others, until
    two are hidden and each of the hidden could be 10 or more.  Zeros are shown, unless all
    else is hidden and that is not enough.

    Parameters
    ----------
    counts : sequence of int
        The counts of a column, which add to its total.
    hidden_already : sequence of bool, optional
        Counts to be hidden whatever they are.

    Examples
    --------
    >>> hidden_counts([0, 3, 40, 700])
    [False, True, True, False]
    >>> hidden_counts([0, 12, 40, 700])
    [False, False, False, False]
    """
    hidden = [0 < n < SMALLEST for n in counts]
    for place, is_hidden in enumerate(hidden_already):
        hidden[place] = hidden[place] or is_hidden
    others = sorted((n, place) for place, n in enumerate(counts) if n and not hidden[place])
    while any(hidden) and not _is_enough(counts, hidden):
        if not others:
            return [True] * len(counts)
        hidden[others.pop(0)[1]] = True
    return hidden


def shown_counts(counts: Sequence[int], hidden: Sequence[bool]) -> list[Count]:
    """Give the counts of a column as they may be handed on.

    Examples
    --------
    >>> shown_counts([0, 3, 41, 701], [False, True, True, False])
    [0, 'hidden', 'hidden', 700]
    """
    return [HELD_BACK if is_hidden else protected(n) for n, is_hidden in zip(counts, hidden, strict=True)]


def _is_enough(counts: Sequence[int], hidden: Sequence[bool]) -> bool:
    """Say whether each hidden count could be 10 or more, for all that the total tells."""
    held = [n for n, is_hidden in zip(counts, hidden, strict=True) if is_hidden]
    return len(held) > 1 and sum(held) >= SMALLEST + len(held) - 1
