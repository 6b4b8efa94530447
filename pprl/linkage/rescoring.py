"""
Rescoring: one weight for the evidence of all passes, learned without any truth.

Pairs that win at a strict threshold are taken as true, pairs with a decoy are false for
certain; a small regularised logistic model learns to tell them apart and scores all pairs.
That is repeated, and cross-fitted, so that no pair is scored by a model that saw it (after
Kaell et al. 2007, Nature Methods 4:923, who did so for spectra of proteins).

A weight is a logarithm of odds up to a constant: the decoys say later what it is worth.
"""

from typing import NamedTuple

import numpy as np

from pprl.linkage.evidence import Evidence
from pprl.linkage.weighing import (
    LARGEST,
    STRANGE,
    Features,
    likeness_features,
    logistic,
    sum_of_passes,
    units_of,
)
from pprl.model.arrays import Mask, Rows, Scores

_ROUNDS = 4
_EVEN = 0.5
_FOLDS = 3
_STRICT = 0.01  # share of false ones among the pairs that are taken as true
_FEWEST_TRUE = 20  # pairs to learn from


def rescored(evidence: Evidence, chance: Evidence, real: Mask, decoy: Mask, scale: float) -> Scores:
    """Give each pair a weight, higher for pairs that are more likely one person.

    Exact values that are equal are left aside: no decoy can have one, so nothing about them
    can be learned from decoys.

    Parameters
    ----------
    evidence : Evidence
        Candidate pairs.
    chance : Evidence
        Pairs drawn by chance: the unit of a feature is their spread.
    real, decoy : ndarray of bool, shape (pairs,)
        Pairs of two real records, and of a real one with a decoy.
    scale : float
        False links of real records for each link to a decoy.

    Returns
    -------
    ndarray of float64, shape (pairs,)
        By models that did not see the pair.
    """
    features = _features(evidence, chance)
    standing = np.logical_or.reduce([values > 0 for values in evidence.equality.values()] or [~real])
    standing &= real
    weight = sum_of_passes(evidence, chance)
    fold = _folds(evidence.left)
    for _ in range(_ROUNDS):
        true = real & (standing | _strict(evidence, weight, real, decoy, scale))
        if not true.any() or not decoy.any():
            return weight
        weight = _cross_fitted(features, true, decoy, fold)
    return np.clip(weight, -LARGEST, LARGEST)


def _features(evidence: Evidence, chance: Evidence) -> Features:
    columns = likeness_features(evidence, chance)
    columns += [(values < 0).astype(np.float64) for values in evidence.equality.values()]
    return np.column_stack(columns)


def _folds(rows: Rows) -> Rows:
    """Put all pairs of a left record into one fold."""
    by_record = np.random.default_rng(0).integers(_FOLDS, size=int(rows.max()) + 1 if rows.size else 0)
    return by_record[rows]


def _strict(evidence: Evidence, weight: Scores, real: Mask, decoy: Mask, scale: float) -> Mask:
    """Take as true the pairs that win where hardly any win is false; at least a few."""
    wins = winners(evidence.left, evidence.right, weight)
    contest = np.flatnonzero(wins & (real | decoy))
    order = contest[np.argsort(-weight[contest], kind="stable")]
    n_links, n_decoys = np.cumsum(real[order]), np.cumsum(decoy[order])
    below = np.flatnonzero(n_decoys * scale <= _STRICT * n_links)
    end = int(below[-1]) + 1 if below.size else 0
    fewest = int(np.searchsorted(n_links, min(_FEWEST_TRUE, int(n_links[-1])))) + 1 if n_links.size else 0
    strict = np.zeros(weight.size, dtype=np.bool_)
    strict[order[: max(end, fewest)]] = True
    return strict & real


def winners(left: Rows, right: Rows, weight: Scores) -> Mask:
    """Say which pairs are the best of both their records, ties won by the first."""
    best = np.zeros(weight.size, dtype=np.int64)
    for rows in (left, right):
        order = np.lexsort((np.arange(weight.size), -weight, rows))
        first = np.ones(order.size, dtype=np.bool_)
        first[1:] = rows[order][1:] != rows[order][:-1]
        best[order[first]] += 1
    wins: Mask = best == 2
    return wins


def _cross_fitted(features: Features, true: Mask, false: Mask, fold: Rows) -> Scores:
    weight = np.zeros(len(features))
    for one in range(_FOLDS):
        seen = (fold != one) & (true | false)
        weight[fold == one] = features[fold == one] @ logistic(features[seen], true[seen])
    return weight


class Equality(NamedTuple):
    """What equal exact values say of pairs.

    Parameters
    ----------
    added : ndarray of float64, shape (pairs,)
        What is added to the weight.
    equal : ndarray of bool, shape (pairs,)
        Pairs with an equal value that do not contradict themselves.
    contradicts : ndarray of bool, shape (pairs,)
        Pairs with an equal value, and in no pass more alike than strangers.
    error : float
        The chance that a pair with an equal value is two people all the same.
    """

    added: Scores
    equal: Mask
    contradicts: Mask
    error: float


def equality_of(evidence: Evidence, chance: Evidence, real: Mask) -> Equality:
    """Tell what equal exact values are worth; they are evidence with an error rate, and no proof.

    A pair with equal values that is in no pass more alike than strangers contradicts itself.
    How often that happens among real records, and how often strangers are as alike as others by
    chance, tells how many errors are left among the pairs that do not.
    """
    equal = np.logical_or.reduce([one > 0 for one in evidence.equality.values()] or [_none(evidence)])
    strange = equal & _like_strangers(evidence, chance)
    unlike = _like_strangers(chance, chance)
    alike = (float((~unlike).sum()) + 0.5) / (unlike.size + 1)
    error = min(
        _EVEN, (int((strange & real).sum()) + 0.5) / (int((equal & real).sum()) + 1) * alike / (1 - alike)
    )
    added = np.where(equal & ~strange, max(0.0, float(np.log((1 - error) / error))), 0.0)
    return Equality(added, equal & ~strange, strange, error)


def _none(evidence: Evidence) -> Mask:
    return np.zeros(len(evidence), dtype=np.bool_)


def _like_strangers(evidence: Evidence, chance: Evidence) -> Mask:
    """Say which pairs are compared by some pass, and by none found more alike than strangers."""
    units = np.column_stack(list(units_of(evidence, chance).values()) or [np.full(len(evidence), np.nan)])
    near = np.nan_to_num(units, nan=-np.inf) >= STRANGE
    strange: Mask = ~np.isnan(units).all(axis=1) & ~near.any(axis=1)
    return strange
