"""
Labelled pairs: what is known of some pairs makes weights probabilities.

Where clerks have looked at pairs, or an identifier is known for some, weights need no model
of what they mean.  Pairs to be looked at are usually drawn by their weight, few where all is
clear and many where it is not; so each counts as many times as it stands for others
(Horvitz & Thompson 1952, JASA 47:663).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pprl.comparison.sampling import Estimate, wilson
from pprl.errors import DataError, UsageError, nearest
from pprl.linkage.weighing import logistic
from pprl.model.arrays import Mask, Rows, Scores

Method = Literal["isotonic", "logistic"]

_FEWEST = 5  # matches, and as many non-matches
_FOLDS = 5
_HALF = 0.5  # of a labelled pair, added to either side
_LEAST = 1e-6  # probability, and its distance from one
_GRID = 201  # points of a curve


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Labelled:
    """Pairs of which it is known whether they are one person.

    Parameters
    ----------
    weight : ndarray of float64, shape (n,)
        Weights, log odds or scores; higher for likelier pairs.
    is_match : ndarray of bool, shape (n,)
        Whether the pair is one person.
    sampled_share : ndarray of float64, shape (n,)
        The share of the pairs like this one that were labelled, above 0 and up to 1: 0.05
        where one in twenty was drawn.  All 1 if pairs were drawn alike.

    Raises
    ------
    DataError
        If columns differ in length, a weight is not finite, or a share is no share.
    """

    weight: Scores
    is_match: Mask
    sampled_share: Scores

    def __post_init__(self) -> None:
        if not self.weight.shape == self.is_match.shape == self.sampled_share.shape == (self.weight.size,):
            raise DataError("labelled pairs: columns differ in length", code="labelled")
        if self.is_match.dtype != np.bool_:
            raise DataError("labelled pairs: wanted true or false for each", code="labelled")
        if not np.isfinite(self.weight).all():
            raise DataError("labelled pairs: a weight is not a finite number", code="labelled-weight")
        if not ((self.sampled_share > 0) & (self.sampled_share <= 1)).all():
            raise DataError(
                "labelled pairs: a sampled share is not above 0 and up to 1",
                code="sampled-share",
                hint="give 0.05 where one pair in twenty was labelled",
            )

    @property
    def times(self) -> Scores:
        """For how many pairs each stands, on a scale on which they are as many as there are."""
        times = 1 / self.sampled_share
        scaled: Scores = times * (times.size / max(float(times.sum()), 1.0))
        return scaled

    def take(self, chosen: Rows) -> "Labelled":
        """Give some of the pairs."""
        return Labelled(self.weight[chosen], self.is_match[chosen], self.sampled_share[chosen])

    def __len__(self) -> int:
        return int(self.weight.size)

    def __repr__(self) -> str:
        return f"Labelled({len(self)} pairs, {int(self.is_match.sum())} of them matches)"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Calibration:
    """A curve from weights to probabilities.

    Parameters
    ----------
    weight, probability : ndarray of float64, shape (points,)
        Points of the curve, both rising; straight lines between them, level beyond them.
    method : {"isotonic", "logistic"}
        How it was found.
    n_labelled : int
        Labelled pairs that it rests on.
    log_loss, brier : float
        How far probabilities are from the labels of pairs that the curve did not see: less is
        better.  The log loss of a curve that says one half of all is 0.69.
    """

    weight: Scores
    probability: Scores
    method: Method
    n_labelled: int
    log_loss: float
    brier: float

    def __call__(self, weight: Scores) -> Scores:
        """Give the probability of each weight."""
        probability: Scores = np.interp(weight, self.weight, self.probability)
        return probability

    def __repr__(self) -> str:
        return f"Calibration({self.method}, {self.n_labelled} labelled pairs, log loss {self.log_loss:.4f})"


def calibrated(labelled: Labelled, *, method: Method | None = None) -> Calibration:
    """Make weights probabilities by pairs of which the truth is known.

    Parameters
    ----------
    labelled : Labelled
        At least five matches and five non-matches.
    method : {"isotonic", "logistic"}, optional
        "logistic": log odds on a line (Platt 1999); sound for few pairs, and wrong if the
        truth is no line.  "isotonic": any rising curve (Zadrozny & Elkan 2002); wants some
        hundred pairs.  By default the one with the lower log loss on pairs it did not see.

    Returns
    -------
    Calibration
        Call it with weights.

    Raises
    ------
    DataError
        If too few pairs are labelled.
    UsageError
        If there is no such method.

    Examples
    --------
    >>> weight = np.linspace(-5, 5, 200)
    >>> known = np.random.default_rng(0).random(200) < 1 / (1 + np.exp(-weight))
    >>> curve = calibrated(Labelled(weight, known, np.ones(200)), method="logistic")
    >>> [round(float(chance), 1) for chance in curve(np.array([-3.0, 0.0, 3.0]))]
    [0.1, 0.4, 0.9]
    """
    if method is not None and method not in _METHODS:
        raise UsageError("method: there is none of that name", code="method", hint=nearest(method, _METHODS))
    for kind, found in (("matches", labelled.is_match), ("non-matches", ~labelled.is_match)):
        if found.sum() < _FEWEST:
            raise DataError(
                f"labelled pairs: {int(found.sum())} {kind}, wanted at least {_FEWEST}",
                code="few-labelled",
                hint="label more pairs where the weights leave doubt",
            )
    names: tuple[Method, ...] = ("logistic", "isotonic") if method is None else (method,)
    return min((_tried(labelled, name) for name in names), key=lambda curve: curve.log_loss)


def precision_above(labelled: Labelled, weight: float) -> Estimate:
    """Tell the precision of all pairs at or above a weight from labelled pairs alone.

    Parameters
    ----------
    labelled : Labelled
        Drawn from the pairs, or from the links, that the precision is of.
    weight : float
        The threshold.

    Returns
    -------
    Estimate
        The share of true ones, weighted, and Wilson's 95 % interval for as many pairs as
        the sample is worth: n = p (1 - p) / variance (Korn & Graubard 1998, Survey
        Methodology 24:193), and never more than sum(t)^2 / sum(t^2), where a pair stands
        for t others.

    Raises
    ------
    DataError
        If no labelled pair is there.

    Examples
    --------
    >>> labelled = Labelled(np.arange(100.0), np.arange(100) >= 60, np.ones(100))
    >>> found = precision_above(labelled, 50)
    >>> found.value, round(found.low, 2), round(found.high, 2), found.n_seen
    (0.8, 0.67, 0.89, 50)
    """
    above = labelled.take(np.flatnonzero(labelled.weight >= weight))
    if not len(above):
        raise DataError("labelled pairs: none is at or above that weight", code="no-labelled")
    times = 1 / above.sampled_share
    share = float((times * above.is_match).sum() / times.sum())
    variance = float((times**2 * (above.is_match - share) ** 2).sum() / times.sum() ** 2)
    worth = float(times.sum() ** 2 / (times**2).sum())
    if variance > 0:
        worth = min(worth, share * (1 - share) / variance)
    low, high = wilson(share, worth)
    return Estimate(share, min(low, share), max(high, share), len(above))


def _tried(labelled: Labelled, method: Method) -> Calibration:
    """Fit a curve to all pairs, and score one on pairs that it did not see."""
    fold = np.random.default_rng(0).permutation(len(labelled)) % _FOLDS
    unseen = np.empty(len(labelled))
    for one in range(_FOLDS):
        held = np.flatnonzero(fold == one)
        points = _METHODS[method](labelled.take(np.flatnonzero(fold != one)))
        unseen[held] = np.interp(labelled.weight[held], *points)
    chance = np.clip(unseen, _LEAST, 1 - _LEAST)
    losses = -np.log(np.where(labelled.is_match, chance, 1 - chance))
    weight, probability = _METHODS[method](labelled)
    return Calibration(
        weight,
        probability,
        method,
        len(labelled),
        log_loss=float(np.average(losses, weights=labelled.times)),
        brier=float(np.average((unseen - labelled.is_match) ** 2, weights=labelled.times)),
    )


def _logistic_points(labelled: Labelled) -> tuple[Scores, Scores]:
    """Fit log odds on a line, towards targets a little off 0 and 1 (Platt 1999)."""
    times, match = labelled.times, labelled.is_match
    n_matches, n_others = float(times[match].sum()), float(times[~match].sum())
    target = np.where(match, (n_matches + 1) / (n_matches + 2), 1 / (n_others + 2))
    middle, spread = float(labelled.weight.mean()), float(labelled.weight.std()) or 1.0
    unit = (labelled.weight - middle) / spread
    constant, slope = logistic(np.column_stack([np.ones(unit.size), unit]), target, times)
    if slope <= 0:  # the weights say nothing of these pairs
        constant, slope = np.log((n_matches + 1) / (n_others + 1)), 0.0
    grid = np.linspace(unit.min() - 1, unit.max() + 1, _GRID)
    return grid * spread + middle, 1 / (1 + np.exp(-(constant + slope * grid)))


def _isotonic_points(labelled: Labelled) -> tuple[Scores, Scores]:
    """Fit a rising curve; to each stretch half a pair of either kind is added."""
    from scipy.optimize import isotonic_regression

    weight, inverse = np.unique(labelled.weight, return_inverse=True)
    times = np.bincount(inverse, labelled.times)
    matches = np.bincount(inverse, labelled.times * labelled.is_match)
    rising = isotonic_regression(matches / times, weights=times).x
    stretch = np.cumsum(np.diff(rising, prepend=rising[:1]) != 0)
    total = np.bincount(stretch, times)
    share = (np.bincount(stretch, matches) + _HALF) / (total + 2 * _HALF)
    ends = np.flatnonzero(np.diff(stretch, prepend=-1, append=stretch[-1] + 1))  # first of each, and beyond
    points = np.column_stack([weight[ends[:-1]], weight[ends[1:] - 1]]).ravel()
    return points, np.repeat(np.maximum.accumulate(share), 2)


_METHODS: dict[str, Callable[[Labelled], tuple[Scores, Scores]]] = {
    "isotonic": _isotonic_points,
    "logistic": _logistic_points,
}
