"""
Resolving: from scored pairs to one-to-one links.

Symmetric best match (Franke, Sehili & Rahm 2018): a pair is linked if each record is the
other's best.  Equal bests (twins, one address) are conflicts to report, not coins to toss.
"""

from dataclasses import dataclass

import numpy as np

from pprl.model import ScoredPairs
from pprl.model.arrays import Rows, Scores


@dataclass(frozen=True, slots=True)
class Resolution:
    """Which pairs are linked and which are in conflict, as indices into the scored pairs."""

    linked: Rows
    conflicting: Rows


def symmetric_best_match(pairs: ScoredPairs) -> Resolution:
    """Link each pair in which both records are each other's only best partner.

    Parameters
    ----------
    pairs : ScoredPairs
        All pairs that may be links.

    Returns
    -------
    Resolution
        Pairs that are best on both sides: those whose records have no other such pair are
        linked, the others are in conflict.

    Examples
    --------
    >>> left, right = np.array([0, 0, 1]), np.array([0, 1, 1])
    >>> pairs = ScoredPairs.in_order(left, right, np.array([9, 8, 9]), np.array([0.9, 0.8, 0.9]))
    >>> symmetric_best_match(pairs).linked.tolist()
    [0, 1]
    """
    best = (pairs.score == _best(pairs.left, pairs.score)) & (pairs.score == _best(pairs.right, pairs.score))
    mutual = np.flatnonzero(best)
    alone = (_uses(pairs.left[mutual]) == 1) & (_uses(pairs.right[mutual]) == 1)
    return Resolution(linked=mutual[alone], conflicting=mutual[~alone])


def _best(rows: Rows, score: Scores) -> Scores:
    """Give, for each pair, the best score that its record has anywhere."""
    _, first, inverse = np.unique(rows, return_index=True, return_inverse=True)
    return score[first][inverse]  # pairs come in falling order of score


def _uses(rows: Rows) -> Rows:
    """Give, for each entry, how often its record occurs."""
    _, inverse, counts = np.unique(rows, return_inverse=True, return_counts=True)
    return counts[inverse]
