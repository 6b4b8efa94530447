"""
Separating: the fit of a mixture of matches and non-matches, step by step.

See `mixture` for what it is.  A fit holds where it has got to, and each step gives a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pprl.linkage.evidence import Evidence
from pprl.linkage.rescoring import winners
from pprl.linkage.rivals import free_of_rivals
from pprl.linkage.weighing import LARGEST, Features, likeness_features, logistic, sum_of_passes
from pprl.model.arrays import Rows, Scores

_MOST_LEARNT = 200_000  # non-matches that are learned from
_HALF = 0.5  # of a non-match added to each level, so that none has odds without end
_TINY = 1e-9
_UNLIKELY = 1e-3  # chance of a match below which some pairs are enough to learn from
_SURE = 0.99  # chance of the pairs with which everything begins
_RARE = 0.999  # quantile of the pairs that lost, above which a winner is taken for a match at first


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Who takes part.

    Parameters
    ----------
    n_left, n_right : int
        Records.
    once : (bool, bool)
        Whether a left record has at most one partner, and a right one.
    """

    n_left: int
    n_right: int
    once: tuple[bool, bool]

    @property
    def n_pairs(self) -> float:
        """Number of all pairs between the sides."""
        return float(self.n_left) * self.n_right

    def most_matches(self) -> float:
        """Give the number of matches above which there can be none."""
        sides = zip((self.n_left, self.n_right), self.once, strict=True)
        return min([self.n_pairs, *(float(n) for n, once in sides if once)])

    def free_pairs(self, n_matches: float) -> float:
        """Give the number of pairs of which neither record has a partner that excludes it."""
        sides = zip((self.n_left, self.n_right), self.once, strict=True)
        left, right = (max(n - n_matches * once, _HALF) for n, once in sides)
        return left * right


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Where a fit has got to: candidate pairs first, pairs of known strangers after them.

    Parameters
    ----------
    left, right : ndarray of int64, shape (pairs,)
        Rows of the candidate pairs.
    records : Records
        Who takes part.
    n_strangers : float
        Pairs of known strangers, with those not worth a look.
    features : ndarray of float64, shape (n, k)
        Of all pairs.
    weight : ndarray of float64, shape (n,)
        What they are ordered by.
    match, excluded : ndarray of float64, shape (pairs,)
        The chance that a candidate pair is one person, and that another partner excludes it.
    log_odds : ndarray of float64, shape (pairs,)
        Of the pair without its rivals.
    level : ndarray of int64, shape (n,)
        Stretch of weights in which the ratio of matches to non-matches is one.
    """

    left: Rows
    right: Rows
    records: Records
    n_strangers: float
    features: Features
    weight: Scores
    match: Scores
    excluded: Scores
    log_odds: Scores
    level: Rows

    @classmethod
    def begun(
        cls,
        evidence: Evidence,
        chance: Evidence,
        records: Records,
        strangers: Sequence[Evidence],
        n_strangers: float,
    ) -> "Fit":
        """Begin with winners that are better than nearly all pairs that lost or are of strangers."""
        together = (evidence, *strangers)
        weight = np.concatenate([sum_of_passes(one, chance) for one in together])
        size = len(evidence)
        wins = winners(evidence.left, evidence.right, weight[:size])
        lost = np.concatenate([weight[:size][~wins], weight[size:]])
        high = np.quantile(lost, _RARE) if lost.size else -np.inf
        match = np.where(wins & (weight[:size] > high), _SURE, 0.0)
        free = free_of_rivals(evidence.left, evidence.right, match / (1 - match), once=records.once)
        return cls(
            left=evidence.left,
            right=evidence.right,
            records=records,
            n_strangers=n_strangers,
            features=np.vstack([_features(one, chance) for one in together]),
            weight=weight,
            match=match,
            excluded=1 - free,
            log_odds=np.zeros(size),
            level=np.zeros(weight.size, dtype=np.int64),
        )

    @property
    def n_matches(self) -> float:
        """Matches among the candidate pairs, as expected."""
        return min(float(self.match.sum()), self.records.most_matches())

    def masses(self) -> tuple[Scores, Scores]:
        """Say of each pair how much of it is a match, and how much a known non-match."""
        n_strangers = self.weight.size - self.match.size
        matches = np.concatenate([self.match, np.zeros(n_strangers)])
        others = np.concatenate([(1 - self.match) * self.excluded, np.ones(n_strangers)])
        return matches, others

    def log_prior(self) -> float:
        """Give what is added to the logarithm of matches to non-matches for odds of a free pair."""
        free = self.records.free_pairs(self.n_matches)
        known = self.records.n_pairs - free + self.n_strangers
        return float(np.log(max(known, 1.0) / free))

    def again(self) -> "Fit":
        """Estimate the ratio from the probabilities, and the probabilities from the ratio."""
        log_ratio, level = rising_log_ratio(self.weight, *self.masses())
        log_odds = np.clip(log_ratio[: self.match.size] + self.log_prior(), -LARGEST, LARGEST)
        odds = np.exp(log_odds)
        free = free_of_rivals(self.left, self.right, odds, once=self.records.once)
        match = odds * free / (1 + odds * free)
        return replace(self, match=match, excluded=1 - free, log_odds=log_odds, level=level)

    def learned(self) -> "Fit":
        """Weigh the evidence of the passes anew."""
        matches, _ = self.masses()
        likely = matches > _UNLIKELY
        other = np.flatnonzero(~likely)
        rate = max(1.0, other.size / _MOST_LEARNT)
        some = np.random.default_rng(0).choice(other, int(other.size / rate), replace=False)
        chosen = np.sort(np.concatenate([np.flatnonzero(likely), some]))
        share = np.where(likely[chosen], 1.0, rate)
        fitted = logistic(self.features[chosen], matches[chosen], share)
        return replace(self, weight=self.features @ fitted)


def rising_log_ratio(weight: Scores, matches: Scores, others: Scores) -> tuple[Scores, Rows]:
    """Give the logarithm of matches to non-matches along a weight, made to rise with it.

    Parameters
    ----------
    weight : ndarray of float64, shape (n,)
        Of each pair.
    matches, others : ndarray of float64, shape (n,)
        How much of each pair is a match, and a non-match.

    Returns
    -------
    log_ratio : ndarray of float64, shape (n,)
        Between levels the line from one's middle to the next's.  To each level half a
        non-match is added.
    level : ndarray of int64, shape (n,)
        Number of each pair's level, the lowest weights first.

    Examples
    --------
    >>> ratio, level = rising_log_ratio(np.arange(4.0), np.array([0, 1, 0, 1.0]), np.array([1, 0, 1, 0.0]))
    >>> level.tolist()
    [0, 1, 1, 2]
    """
    from scipy.optimize import isotonic_regression

    order = np.argsort(weight, kind="stable")
    mass = np.maximum((matches + others)[order], _TINY)
    rising = isotonic_regression(matches[order] / mass, weights=mass).x
    block = np.cumsum(np.diff(rising, prepend=rising[:1]) != 0)
    total = np.bincount(block, mass)
    middle = np.bincount(block, weight[order] * mass) / total
    log_ratio = np.empty(weight.size)
    level = np.empty(weight.size, dtype=np.int64)
    level[order] = block
    log_ratio[order] = np.interp(weight[order], middle, log_ratio_of(level, matches, others))
    return log_ratio, level


def log_ratio_of(level: Rows, matches: Scores, others: Scores) -> Scores:
    """Give the logarithm of matches to non-matches in each level."""
    ratio = (np.bincount(level, matches) + _TINY) / (np.bincount(level, others) + _HALF)
    rising: Scores = np.maximum.accumulate(np.log(ratio))
    return rising


def _features(evidence: Evidence, chance: Evidence) -> Features:
    columns = likeness_features(evidence, chance)
    for equality in evidence.equality.values():
        columns += [(equality < 0).astype(np.float64), (equality > 0).astype(np.float64)]
    return np.column_stack(columns)
