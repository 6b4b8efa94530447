"""
Sets of columns that many filters have in common: frequent item sets, the longest of them.
"""

import numpy as np

from pprl.model import BitMatrix
from pprl.model.arrays import Bools, Rows, Words

_MARGIN = 2  # a set must be longer by more than this than any by chance


def packed_columns(bits: BitMatrix) -> Words:
    """Give the columns of filters as rows of words, shape (m, ceil(n / 64))."""
    return BitMatrix.from_bools(bits.to_bools().T).words


def longest_set(columns: Words, free: Bools, least: int, *, at_least: int = 1) -> Rows:
    """Give the longest set of columns that at least so many records have in common.

    Parameters
    ----------
    columns : ndarray of uint64, shape (m, w)
        For each column the records in which it is set.
    free : ndarray of bool, shape (m,)
        The columns that may be taken.
    least : int
        So many records, at least 1.
    at_least : int
        Shorter sets are not looked for.

    Returns
    -------
    ndarray of int64
        The columns, rising; empty if there is no such set.

    Notes
    -----
    From each column a set is grown by the column that keeps most records, the first of equally
    good ones, as long as enough are kept.  Of equally long sets the one that most records have is
    taken, and then the first.

    Examples
    --------
    >>> bits = BitMatrix.from_bools([[1, 1, 0, 1], [1, 1, 0, 0], [0, 0, 1, 1]])
    >>> longest_set(packed_columns(bits), np.ones(4, dtype=bool), 2).tolist()
    [0, 1]
    """
    least = max(least, 1)
    usable = np.flatnonzero(free & (_counts(columns) >= least))
    chosen = columns[usable]
    best, best_count = np.empty(0, dtype=np.int64), 0
    for seed in range(usable.size):
        grown, count = _grown(chosen, seed, least, at_least=max(at_least, best.size))
        if (grown.size, count) > (best.size, best_count):
            best, best_count = grown, count
    return np.sort(usable[best])


def beyond_chance(columns: Words, shuffled: Words, free: Bools, least: int, *, at_least: int) -> Rows:
    """Give the longest set of columns, if shuffled columns have none that is nearly as long.

    Parameters
    ----------
    columns, shuffled : ndarray of uint64, shape (m, w)
        For each column the records in which it is set; and the same, shuffled by itself.
    free, least, at_least
        As for `longest_set`.

    Returns
    -------
    ndarray of int64
        The columns, rising; empty if the set is not three longer than any by chance.

    Examples
    --------
    >>> bits = np.tile([[True], [False]], (50, 4))
    >>> apart = BitMatrix.from_bools(np.random.default_rng(1).permuted(bits, axis=0))
    >>> columns = packed_columns(BitMatrix.from_bools(bits))
    >>> beyond_chance(columns, packed_columns(apart), np.ones(4, dtype=bool), 45, at_least=2).tolist()
    [0, 1, 2, 3]
    """
    longest = longest_set(columns, free, least, at_least=at_least)
    if longest.size and longest_set(shuffled, free, least, at_least=longest.size - _MARGIN).size:
        return longest[:0]
    return longest


def _grown(columns: Words, seed: int, least: int, *, at_least: int) -> tuple[Rows, int]:
    """Grow a set from one column; give its places and how many records have all of it.

    Nothing is given where the set cannot become so long.
    """
    rows, count, taken = columns[seed], count_records(columns[seed]), [seed]
    outside = np.delete(np.arange(len(columns)), seed)
    while len(taken) + outside.size >= at_least:
        counts = _counts(columns[outside] & rows)
        enough = counts >= least  # what keeps too few records now keeps no more later
        if not enough.any():
            break
        best = int(counts.argmax())
        taken.append(int(outside[best]))
        rows, count = rows & columns[outside[best]], int(counts[best])
        enough[best] = False
        outside = outside[enough]
    grown = np.array(taken if len(taken) >= at_least else [], dtype=np.int64)
    return grown, count


def _counts(columns: Words) -> Rows:
    counts: Rows = np.bitwise_count(columns).sum(axis=1, dtype=np.int64)
    return counts


def count_records(rows: Words) -> int:
    """Count the records that are marked in words."""
    return int(np.bitwise_count(rows).sum(dtype=np.int64))
