"""
Precision without truth: how many links are false, told by links to decoys.

A real record without a partner is as likely to win a false link to a decoy as to a real
record that is free.  So among links above a weight, false ones number about

    (links to decoys) * (free real records) / (decoys),

counted on both sides (target-decoy competition: Elias & Gygi 2007).  Records that have found
their partner are not free, which is why their number enters.
"""

from dataclasses import dataclass, replace

import numpy as np

from pprl.model.arrays import Mask, Rows, Scores

_ROUNDS = 30  # of the fixed point of links and free records
_TAIL = 0.025  # of a 95 % interval, on each side
# Standard deviation, as a share, by which false links to real people differ from what decoys tell:
# measured in benchmarks/quality.
_UNLIKENESS = 0.25
# Links to decoys counted more than there are, so that a few links without any near do not pass for true.
_CAUTION = 2.0
_GRID = 200  # thresholds that a curve is thinned to


@dataclass(frozen=True, slots=True)
class Population:
    """Who takes part: real records and decoys of both sides, and which records may be linked once.

    Parameters
    ----------
    n_left, n_right : int
        Real records.
    left_decoys, right_decoys : int
        Decoys.
    left_once, right_once : bool
        Whether a record of that side has at most one partner.
    """

    n_left: int
    n_right: int
    left_decoys: int
    right_decoys: int
    left_once: bool = True
    right_once: bool = True

    def scale(self, n_true: Scores) -> Scores:
        """Give the false links of real records for each link to a decoy, given the true links."""
        free_left = np.maximum(self.n_left - n_true * self.left_once, 1)
        free_right = np.maximum(self.n_right - n_true * self.right_once, 1)
        rate: Scores = self.left_decoys / free_left + self.right_decoys / free_right
        return 1 / np.maximum(rate, 1e-9)


@dataclass(frozen=True, slots=True)
class PrecisionEstimate:
    """What decoys tell of the links above a weight.

    Parameters
    ----------
    weight : float
        Least weight of a link.
    n_links : int
        Links of real records.
    n_decoy_links : int
        Links of a real record and a decoy at or above that weight.
    n_false : float
        Links that are likely false.
    precision, low, high : float
        Share of the links that are true, and its 95 % interval.
    """

    weight: float
    n_links: int
    n_decoy_links: int
    n_false: float
    precision: float
    low: float
    high: float

    def with_more(self, n_links: int, n_false: float) -> "PrecisionEstimate":
        """Count some more links, of which so many are likely false."""
        total = self.n_links + n_links
        precision, low, high = (
            1 - ((1 - share) * self.n_links + more) / total
            for share, more in ((self.precision, n_false), (self.low, 2 * n_false), (self.high, 0.0))
        )
        return replace(
            self, n_links=total, n_false=self.n_false + n_false, precision=precision, low=low, high=high
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PrecisionCurve:
    """Precision at every threshold, from the strictest to the loosest.

    Parameters
    ----------
    order : ndarray of int64, shape (n,)
        Links to real records and to decoys, the heaviest first; among equals a decoy first.
    weight : ndarray of float64, shape (n,)
        Their weights.
    n_links, n_decoy_links : ndarray of int64, shape (n,)
        How many of both kinds are at or above each.
    n_false, scale : ndarray of float64, shape (n,)
        How many links are likely false, and for how many each link to a decoy stands.
    by_equality : ndarray of float64, shape (n,)
        Of these the false ones among links with equal exact values, of which decoys say nothing.
    """

    order: Rows
    weight: Scores
    n_links: Rows
    n_decoy_links: Rows
    n_false: Scores
    scale: Scores
    by_equality: Scores

    @classmethod
    def of(cls, weight: Scores, real: Mask, doubt: Scores, population: Population) -> "PrecisionCurve":
        """Count links from the heaviest down.

        Parameters
        ----------
        weight : ndarray of float64, shape (n,)
            Weights of the links.
        real : ndarray of bool, shape (n,)
            Links of two real records; the others are to a decoy.
        doubt : ndarray of float64, shape (n,)
            For links with equal exact values the chance that they are false, else 0.
        population : Population
            Who takes part.
        """
        order = np.lexsort((real, -weight))
        n_links: Rows = np.cumsum(real[order], dtype=np.int64)
        n_decoy_links: Rows = np.cumsum(~real[order], dtype=np.int64)
        by_equality = np.cumsum(doubt[order])
        n_false = np.zeros(weight.size)
        scale = population.scale(n_false)
        for _ in range(_ROUNDS):
            scale = population.scale(np.maximum(n_links - n_false, 0))
            n_false = np.minimum(n_decoy_links * scale + by_equality, n_links)
        return cls(order, weight[order], n_links, n_decoy_links, n_false, scale, by_equality)

    def place_for(self, precision: float) -> int | None:
        """Give the loosest place at which links reach a precision; None where none does.

        Some links to decoys are counted more than there are, so that a few links without any
        do not pass for certain.
        """
        n_false = (self.n_decoy_links + _CAUTION) * self.scale + self.by_equality
        reached = np.flatnonzero(n_false <= (1 - precision) * self.n_links)
        return int(reached[-1]) if reached.size else None

    def last_link(self, place: int) -> int:
        """Give the place of the last link to a real record at or above a place; 0 where there is none."""
        return int(np.searchsorted(self.n_links, self.n_links[place]))

    def estimate(self, place: int) -> PrecisionEstimate:
        """Say how precise the links at or above a place are.

        The interval is that of the false links themselves, not of their mean: what another
        draw of as many decoys could have missed (negative binomial; as for a count of Poisson,
        Garwood 1936, the upper end is that of one more), and how far decoys may be from real people.
        """
        from scipy.stats import nbinom

        n_links, n_decoy_links = int(self.n_links[place]), int(self.n_decoy_links[place])
        scale, by_equality = float(self.scale[place]), float(self.by_equality[place])
        n_false = float(self.n_false[place])

        def false_links(tail: float, count: float) -> float:
            shape = 1 / (1 / count + _UNLIKENESS**2)
            return float(nbinom.ppf(tail, shape, shape / (shape + count * scale)))

        few = false_links(_TAIL, n_decoy_links) if n_decoy_links else 0.0
        many = false_links(1 - _TAIL, n_decoy_links + 1)

        def share(false: float) -> float:
            return min(1.0, max(0.0, 1 - false / n_links)) if n_links else 0.0

        precision = share(n_false)
        return PrecisionEstimate(
            weight=float(self.weight[place]),
            n_links=n_links,
            n_decoy_links=n_decoy_links,
            n_false=n_false,
            precision=precision,
            low=min(share(many + by_equality), precision),
            high=max(share(few), precision),
        )

    def thinned(self) -> tuple[PrecisionEstimate, ...]:
        """Give the curve at no more than 200 places."""
        size = self.weight.size
        places = np.unique(np.linspace(0, size - 1, min(size, _GRID)).round().astype(np.int64))
        return tuple(self.estimate(place) for place in places.tolist())

    def __len__(self) -> int:
        return int(self.weight.size)


def probabilities(curve: PrecisionCurve, scale: float) -> Scores:
    """Give each link the chance that it is true, by the share of decoys among its neighbours.

    The share rises as weights fall (isotonic regression), and what it says of false links
    follows as for all links together.

    Parameters
    ----------
    curve : PrecisionCurve
        All links in falling order of weight.
    scale : float
        False links for each link to a decoy.

    Returns
    -------
    ndarray of float64, shape (n,)
        In the order of the curve; for links to decoys as for their neighbours.
    """
    from scipy.optimize import isotonic_regression

    if not len(curve):
        return np.zeros(0)
    decoy = np.diff(curve.n_decoy_links, prepend=0).astype(np.float64)
    fitted = isotonic_regression(decoy)
    block = np.cumsum(np.diff(fitted.x, prepend=fitted.x[0]) != 0)
    size, decoys = np.bincount(block), np.bincount(block, weights=decoy)
    odds = (decoys + _CAUTION) / (size - decoys + 0.5)  # of a decoy
    rising = np.maximum.accumulate(odds)
    false: Scores = np.minimum(1.0, rising[block] * scale)
    return 1 - false
