"""
Formulas: what hardening makes of the fill of a filter and of the difference between two.

If two filters differ in a share d of their bits, a diffusion of t bits leaves them differing
in ``(1 - (1 - 2d) ** t) / 2``; with a fill f it gives ``(1 - (1 - 2f) ** t) / 2``, and of the
bias ``1 - 2f`` of a bit it leaves ``(1 - 2f) ** t`` (Armknecht, Heng & Schnell, PoPETs 2023).
Bits are taken to be independent, and similarities to be normal.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pprl.encoding.hardening import Balance, Diffuse, Flip, Step, XorFold
from pprl.errors import UsageError
from pprl.model.arrays import Floats

Chain = tuple[()] | tuple[Step]  # no step, or one

STEPS = 100  # thresholds are tried in steps of 1 / 100
_ALIKE = 1e-12  # rounding errors of a similarity that is exactly the threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a chain is to reach.

    Parameters
    ----------
    bias : float
        Bound of the bias b that diffusion leaves, between 0 and 1.
    n_records : int
        Records at each custodian, each person once.
    false_share : float
        Share of the records that may be left with a wrong partner above the threshold.
    """

    bias: float
    n_records: int
    false_share: float

    def __post_init__(self) -> None:
        checks = (
            ("bias", 0 < self.bias < 1, "a number between 0 and 1"),
            ("records", self.n_records >= 2, "at least 2"),
            ("false share", 0 < self.false_share < 1, "a number between 0 and 1"),
        )
        for name, holds, wanted in checks:
            if not holds:
                raise UsageError(f"{name}: wanted {wanted}", code="bad-option")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pairs:
    """Pairs of filters, by what the formulas need of them; arrays of shape (k,).

    Parameters
    ----------
    differing : ndarray of float64
        Share of bits in which the two differ, d.
    left, right : ndarray of float64
        Their fills, f.
    weight : ndarray of float64
        Share of all pairs that each stands for; together 1.
    """

    differing: Floats
    left: Floats
    right: Floats
    weight: Floats

    def dice(self) -> Floats:
        """Give the Dice similarity of each pair."""
        return 1 - _ratio(self.differing, self.left + self.right)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Scores:
    """Dice similarities after hardening: for each pair a normal distribution over keys and noise."""

    mean: Floats
    deviation: Floats
    weight: Floats

    def share_from(self, threshold: float) -> float:
        """Give the share of pairs at or above a threshold."""
        above = threshold - self.mean
        noisy = self.deviation > 0
        tail = (above <= _ALIKE).astype(np.float64)
        tail[noisy] = normal_tail(above[noisy] / self.deviation[noisy])
        return float(self.weight @ tail)

    def moments(self) -> tuple[float, float]:
        """Give mean and standard deviation over all pairs."""
        mean = float(self.weight @ self.mean)
        variance = float(self.weight @ (self.deviation**2 + (self.mean - mean) ** 2))
        return mean, math.sqrt(variance)


@dataclass(frozen=True, slots=True)
class _Noise:
    """Variances for each bit sent, of differing bits and of bits set in both, and their covariance."""

    differing: Floats
    both_set: Floats
    together: Floats


@dataclass(frozen=True, slots=True)
class _Law:
    """What a step does, by formulas of the fill f, the difference d and the sum of two fills s."""

    fill: Callable[[Any, Floats], Floats]
    differ: Callable[[Any, Floats], Floats]
    bias: Callable[[Any, Floats], Floats]
    noise: Callable[[Any, Pairs, Floats, Floats], _Noise]


def predicted_fill(chain: Chain, fill: Floats) -> Floats:
    """Give the expected fill after a chain.

    Examples
    --------
    >>> predicted_fill((Diffuse(t=2, n_bits=1024),), np.array([0.25])).tolist()
    [0.375]
    """
    return _law(chain).fill(_step(chain), fill)


def predicted_difference(chain: Chain, differing: Floats) -> Floats:
    """Give the expected share of bits in which two filters differ after a chain.

    Examples
    --------
    >>> predicted_difference((Diffuse(t=2, n_bits=1024),), np.array([0.0, 0.25, 0.5])).tolist()
    [0.0, 0.375, 0.5]
    """
    return _law(chain).differ(_step(chain), differing)


def bias(chain: Chain, fill: Floats) -> Floats:
    """Give the bias of the bits that a chain leaves: ``|1 - 2f| ** t`` for a diffusion.

    Balancing hides the length and not the similarity, so it leaves what there was.

    Examples
    --------
    >>> bias((Diffuse(t=2, n_bits=1024),), np.array([0.25])).tolist(), bias((), np.array([0.25])).tolist()
    ([0.25], [0.5])
    """
    return _law(chain).bias(_step(chain), fill)


def harden_pairs(chain: Chain, pairs: Pairs, n_bits: int) -> Scores:
    """Predict the Dice similarities of pairs after a chain.

    Parameters
    ----------
    chain : tuple of Step
        No step, or one of the kinds that have formulas.
    pairs : Pairs
        Before hardening.
    n_bits : int
        Length of the filters before hardening.

    Notes
    -----
    With D differing bits and S bits set in both together, Dice is ``1 - D / S``.  Its variance
    follows from theirs to the first order (delta method).
    """
    law, step = _law(chain), _step(chain)
    differing = law.differ(step, pairs.differing)
    total = law.fill(step, pairs.left) + law.fill(step, pairs.right)
    noise = law.noise(step, pairs, differing, total)
    ratio = _ratio(differing, total)
    variance = noise.differing + ratio**2 * noise.both_set - 2 * ratio * noise.together
    sent = sent_bits(chain, n_bits)
    deviation = _ratio(np.sqrt(np.maximum(variance, 0) / sent), total)
    return Scores(mean=1 - ratio, deviation=deviation, weight=pairs.weight)


def sent_bits(chain: Chain, n_bits: int) -> int:
    """Give the length of what a chain makes of filters of some length."""
    return chain[0].out_bits(n_bits) if chain else n_bits


def allowed_tail(aim: Aim) -> float:
    """Give the share of pairs of different people that may reach the threshold.

    If each of the n - 1 wrong partners of a record reaches it with chance p, the record is
    left with one with chance ``1 - (1 - p) ** (n - 1)``, which is to be the share asked for.

    Examples
    --------
    >>> round(allowed_tail(Aim(bias=0.1, n_records=1001, false_share=0.001)) * 1e6, 3)
    1.0
    """
    return -math.expm1(math.log1p(-aim.false_share) / (aim.n_records - 1))


def least_threshold(others: Scores, tail: float) -> float | None:
    """Give the least threshold, in steps of 0.01, that at most a share of pairs reaches; None if none is."""
    low, high = 0, STEPS + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if others.share_from(middle / STEPS) <= tail else (middle, high)
    return high / STEPS if high <= STEPS else None


def normal_tail(z: Floats) -> Floats:
    """Give the chance that a standard normal variable is above z.

    Chebyshev fit of Press et al., Numerical Recipes, 2nd edition, 6.2: relative error below 1.2e-7
    everywhere, so that the far tail, which decides about false links, is right.

    Examples
    --------
    >>> normal_tail(np.array([0.0, 1.96])).round(5).tolist()
    [0.5, 0.025]
    """
    x = np.abs(z) / math.sqrt(2)
    t = 1 / (1 + x / 2)
    tail = t * np.exp(-(x**2) + np.polynomial.polynomial.polyval(t, _CHEBYSHEV)) / 2
    above: Floats = np.where(z >= 0, tail, 1 - tail)
    return above


_CHEBYSHEV = (
    -1.26551223,
    1.00002368,
    0.37409196,
    0.09678418,
    -0.18628806,
    0.27886807,
    -1.13520398,
    1.48851587,
    -0.82215223,
    0.17087277,
)


def _step(chain: Chain) -> Step | None:
    return chain[0] if chain else None


def _law(chain: Chain) -> _Law:
    return _LAWS[type(_step(chain))]


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Divide; nothing in two empty filters is nothing."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _t(step: Diffuse | XorFold) -> int:
    return step.t if isinstance(step, Diffuse) else 2


def _kept(step: Flip) -> float:
    return 1 - float(step.probability)


def _xor_of_t(step: Diffuse | XorFold, share: Floats) -> Floats:
    return (1 - (1 - 2 * share) ** _t(step)) / 2


def _no_noise(_step: object, pairs: Pairs, _differing: Floats, _total: Floats) -> _Noise:
    nothing = np.zeros_like(pairs.differing)
    return _Noise(nothing, nothing, nothing)


def _choice_noise(_step: object, _pairs: Pairs, differing: Floats, total: Floats) -> _Noise:
    """Over keys, a bit pair is differing, both set or neither: a draw from three."""
    both = (total - differing) / 2
    return _Noise(
        differing=differing * (1 - differing),
        both_set=4 * both * (1 - both) + differing * (1 - differing) - 4 * both * differing,
        together=differing * (1 - total),
    )


def _coin_noise(step: Flip, pairs: Pairs, _differing: Floats, _total: Floats) -> _Noise:
    """Each bit changes with chance q in both records; exactly one of a pair does with chance r."""
    q = (1 - _kept(step)) / 2
    r = 2 * q * (1 - q)
    every = np.ones_like(pairs.differing)
    return _Noise(
        differing=every * r * (1 - r),
        both_set=every * r,
        together=(1 - pairs.left - pairs.right) * r * (1 - 2 * q),
    )


_XOR = _Law(
    fill=_xor_of_t,
    differ=_xor_of_t,
    bias=lambda step, fill: np.abs(1 - 2 * fill) ** _t(step),
    noise=_choice_noise,
)

_LAWS: Mapping[type[Step] | type[None], _Law] = {
    type(None): _Law(
        fill=lambda _, fill: fill,
        differ=lambda _, differing: differing,
        bias=lambda _, fill: np.abs(1 - 2 * fill),
        noise=_no_noise,
    ),
    Diffuse: _XOR,
    XorFold: _XOR,
    Balance: _Law(
        fill=lambda _, fill: np.full_like(fill, 0.5),
        differ=lambda _, differing: differing,
        bias=lambda _, fill: np.abs(1 - 2 * fill),
        noise=_no_noise,
    ),
    Flip: _Law(
        fill=lambda step, fill: (1 - (1 - 2 * fill) * _kept(step)) / 2,
        differ=lambda step, differing: (1 - (1 - 2 * differing) * _kept(step) ** 2) / 2,
        bias=lambda step, fill: np.abs(1 - 2 * fill) * _kept(step),
        noise=_coin_noise,
    ),
}
