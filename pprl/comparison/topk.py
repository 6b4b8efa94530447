"""
The best few partners of each record.

Partners are ordered by score, then by row number, so the answer does not depend on how
the work was shared out.
"""

import numpy as np

from pprl.comparison.jobs import Found, Positions
from pprl.model.arrays import Mask, Scores


def best_of_each(found: Found, score: Scores, top_k: int, *, both_sides: bool) -> Found:
    """Keep the pairs that are among the best of their left row.

    Parameters
    ----------
    found : Found
        Pairs of rows.
    score : ndarray of float64, shape (n,)
        The similarity of each.
    top_k : int
        The most partners to keep for a row.
    both_sides : bool
        A record may be on either side, as in a self-join: keep the pairs that are among the
        best of one of their rows.
    """
    rows, partners = found.left, found.right
    if both_sides:
        rows, partners = np.concatenate([rows, partners]), np.concatenate([partners, rows])
        score = np.concatenate([score, score])
    best = _best(rows, partners, score, top_k)
    kept = best.reshape(-1, found.left.size).any(axis=0) if found.left.size else best
    return Found(int(kept.sum()), *(column[kept] for column in found[1:]))


def _best(rows: Positions, partners: Positions, score: Scores, top_k: int) -> Mask:
    order = np.lexsort((partners, -score, rows))
    ordered = rows[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: ordered.size])
    rank = np.arange(ordered.size) - np.repeat(first, np.diff(np.append(first, ordered.size)))
    best = np.zeros(ordered.size, dtype=np.bool_)
    best[order] = rank < top_k
    return best
