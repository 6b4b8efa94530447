"""
Weighing: what all ways to weigh evidence have in common.

Similarities are measured from those of unrelated pairs, in their spread, and a small
regularised logistic model makes one number of several.
"""

import numpy as np
import numpy.typing as npt

from pprl.linkage.evidence import Evidence
from pprl.model.arrays import Mask, Scores

Features = npt.NDArray[np.float64]

LARGEST = 30.0  # logarithm of odds
STRANGE = 2.5  # standard deviations of unrelated pairs, below which two records are like strangers
SPREAD = 8.0  # the same that are one unit of a feature
_BEND = 0.8  # unit from which a feature may rise at another rate
_RIDGE = 1.0
_STEPS = 30
_CONVERGED = 1e-6
_NARROWEST = 1e-3  # standard deviation of unrelated pairs


def scale_of(values: Scores) -> tuple[float, float]:
    """Give middle and spread of the similarities of unrelated pairs, NaN aside."""
    known = values[~np.isnan(values)]
    return (float(known.mean()), max(float(known.std()), _NARROWEST)) if known.size > 1 else (0.5, 0.1)


def units_of(evidence: Evidence, chance: Evidence) -> dict[str, Scores]:
    """Measure similarities from those of unrelated pairs, in their spread; NaN where absent."""
    units = {}
    for name, values in evidence.likeness.items():
        middle, spread = scale_of(chance.likeness[name])
        units[name] = (values - middle) / spread
    return units


def likeness_features(evidence: Evidence, chance: Evidence) -> list[Scores]:
    """Give a constant, and of each pass four features: whether it compares, and how alike, bent twice."""
    columns = [np.ones(len(evidence))]
    for values in units_of(evidence, chance).values():
        present = ~np.isnan(values)
        unit = np.where(present, np.maximum(values, STRANGE), 0) / SPREAD
        columns += [present.astype(np.float64), unit, unit**2, np.maximum(unit - _BEND, 0)]
    return columns


def sum_of_passes(evidence: Evidence, chance: Evidence) -> Scores:
    """Weigh pairs by the sum of all passes, as if these were independent."""
    units = np.column_stack(list(units_of(evidence, chance).values()) or [np.zeros(len(evidence))])
    present: Mask = ~np.isnan(units)
    weight: Scores = np.where(present, units, 0).sum(axis=1) / np.sqrt(np.maximum(present.sum(axis=1), 1))
    return weight


def logistic(features: Features, share: Scores | Mask, times: Scores | None = None) -> Scores:
    """Fit a logistic regression with a ridge by Newton's method; the first feature is the constant.

    Parameters
    ----------
    features : ndarray of float64, shape (n, k)
        Of each pair.
    share : ndarray of float64 or bool, shape (n,)
        Whether it is a match, or how much of it, from 0 to 1.
    times : ndarray of float64, shape (n,), optional
        How often it counts; by default once.

    Examples
    --------
    >>> line = np.column_stack([np.ones(4), [0.0, 1.0, 2.0, 3.0]])
    >>> bool(logistic(line, np.array([False, False, True, True]))[1] > 0)
    True
    """
    ridge = np.full(features.shape[1], _RIDGE)
    ridge[0] = 1e-6
    often = np.ones(len(features)) if times is None else times
    fitted = np.zeros(features.shape[1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(features @ fitted, -LARGEST, LARGEST)))
        slope = features.T @ (often * (share - chance)) - ridge * fitted
        curve = (features * (often * (chance * (1 - chance) + 1e-9))[:, None]).T @ features + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        fitted += step
        if np.abs(step).max() < _CONVERGED:
            break
    return fitted
