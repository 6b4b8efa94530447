"""
Rivals: what it means for a pair that its records may have only one partner.

Matches between two sources that hold each person once form a matching of the graph of
candidate pairs.  The chance of each edge follows from messages between records: how likely
is it that this one is free, all its other pairs considered?  On trees the answer is exact
(Pearl 1988); candidate graphs are trees but for families.
"""

import numpy as np

from pprl.model.arrays import Rows, Scores

_ROUNDS = 100
_CONVERGED = 1e-5
_NEGLIGIBLE = 1e-6  # odds of a pair that is no rival to any other


def free_of_rivals(left: Rows, right: Rows, odds: Scores, *, once: tuple[bool, bool]) -> Scores:
    """Give for each pair the chance that both its records are free, whatever the pair itself says.

    The odds of the pair against its rivals are its own odds times that.

    Parameters
    ----------
    left, right : ndarray of int64, shape (pairs,)
        Rows of each pair.
    odds : ndarray of float64, shape (pairs,)
        Of each pair, if it had no rival.
    once : (bool, bool)
        Whether a left record has at most one partner, and a right one.

    Examples
    --------
    Two rivals as good as each other leave each other half of the room.

    >>> odds = np.array([1.0, 1.0])
    >>> free_of_rivals(np.array([0, 0]), np.array([0, 1]), odds, once=(True, True)).tolist()
    [0.5, 0.5]
    >>> free_of_rivals(np.array([0, 0]), np.array([0, 1]), odds, once=(False, True)).tolist()
    [1.0, 1.0]
    """
    sizes = tuple(int(side.max()) + 1 if side.size else 0 for side in (left, right))
    active = np.flatnonzero(odds > _NEGLIGIBLE)
    ends, strength = (left[active], right[active]), odds[active]
    free = [np.ones(active.size), np.ones(active.size)]  # without this pair, on the left and on the right
    for _ in range(_ROUNDS):
        before = free
        free = [before[0], before[1]]
        for side in (0, 1):
            if once[side]:
                said = strength * free[1 - side]
                free[side] = 1 / (1 + np.maximum(_sums(ends[side], said, sizes[side])[ends[side]] - said, 0))
        if all(np.abs(new - old).max(initial=0) < _CONVERGED for new, old in zip(free, before, strict=True)):
            break
    room = np.ones(odds.size)
    for side, end in enumerate((left, right)):
        if once[side]:
            said = np.zeros(odds.size)
            said[active] = strength * free[1 - side]
            total = _sums(end, said, sizes[side])[end]
            room /= 1 + np.maximum(total - said, 0)
    return room


def _sums(rows: Rows, values: Scores, size: int) -> Scores:
    sums: Scores = np.asarray(np.bincount(rows, values, minlength=size), dtype=np.float64)
    return sums
