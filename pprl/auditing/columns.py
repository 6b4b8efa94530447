"""
The columns of a file of filters: how evenly their bits are set, and which are set together.

Bits of a token are set whenever somebody has it.  So columns of a plain filter are set as often
as names are had, and together; after hardening each should look like the same fair coin.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pprl.model import BitMatrix
from pprl.model.arrays import Floats

MOST_COLUMNS = 2048  # that are compared with each other; of more, evenly chosen ones


@dataclass(frozen=True, slots=True)
class BitSpread:
    """How unequally often the columns are set.

    Parameters
    ----------
    fill : float
        Mean share of bits set.
    deviation : float
        Standard deviation of the columns' shares.
    deviation_by_chance : float
        What it would be of independent bits with this fill.
    entropy : float
        Mean entropy of a column in bits; 1 where each is a fair coin.
    gini : float
        Gini coefficient of the columns' shares; 0 where all are equal.
    divergence : float
        Jensen-Shannon divergence in bits, from 0 to 1, of the share of all set bits that falls to
        each column from the same share for all.
    """

    fill: float
    deviation: float
    deviation_by_chance: float
    entropy: float
    gini: float
    divergence: float


@dataclass(frozen=True, slots=True)
class Cooccurrence:
    """How far columns are set together: correlations (phi) of pairs of columns.

    Parameters
    ----------
    mean : float
        Mean of the absolute correlation.
    mean_by_chance : float
        What it would be of independent bits: about ``sqrt(2 / (pi n))``.
    strong : float
        Share of the pairs that are correlated by at least 0.5 either way.
    """

    mean: float
    mean_by_chance: float
    strong: float


def bit_spread(bits: BitMatrix) -> BitSpread:
    """Measure how unequally often the columns of filters are set.

    Parameters
    ----------
    bits : BitMatrix
        At least one filter.

    Examples
    --------
    >>> spread = bit_spread(BitMatrix.from_bools([[1, 0], [1, 0]]))
    >>> spread.gini, round(spread.divergence, 3)
    (0.5, 0.311)
    """
    shares = bits.to_bools().mean(axis=0, dtype=np.float64)
    fill = float(shares.mean())
    return BitSpread(
        fill=fill,
        deviation=float(shares.std()),
        deviation_by_chance=float(np.sqrt(fill * (1 - fill) / len(bits))),
        entropy=float(_binary_entropy(shares).mean()),
        gini=gini(shares),
        divergence=divergence_from_flat(shares),
    )


def cooccurrence(bits: BitMatrix) -> Cooccurrence:
    """Measure how far the columns of filters are set together.

    Parameters
    ----------
    bits : BitMatrix
        At least one filter of at least 2 bits.  Of more than 2,048 columns, evenly chosen ones
        are compared; a column that is never or always set goes with none.

    Examples
    --------
    >>> cooccurrence(BitMatrix.from_bools([[1, 1], [0, 0], [1, 1], [0, 0]])).strong
    1.0
    """
    chosen = np.linspace(0, bits.n_bits - 1, min(bits.n_bits, MOST_COLUMNS)).round().astype(np.int64)
    columns = bits.to_bools()[:, chosen].astype(np.float32)
    columns -= columns.mean(axis=0)
    spread = columns.std(axis=0)
    np.divide(columns, spread, out=columns, where=spread > 0)
    phi = np.abs(columns.T @ columns)[np.triu_indices(chosen.size, k=1)] / len(bits)
    return Cooccurrence(
        mean=float(phi.mean()),
        mean_by_chance=float(np.sqrt(2 / (np.pi * len(bits)))),
        strong=float((phi >= 0.5).mean()),
    )


def gini(values: npt.ArrayLike) -> float:
    """Give the Gini coefficient of values that are not negative; 0 where all are zero.

    Examples
    --------
    >>> gini([1, 1, 1]), gini([0, 0, 3])
    (0.0, 0.6666666666666666)
    """
    rising = np.sort(np.asarray(values, dtype=np.float64))
    total = float(rising.sum())
    if not total:
        return 0.0
    n = rising.size
    return float((2 * np.arange(1, n + 1) - n - 1) @ rising) / (n * total)


def divergence_from_flat(weights: npt.ArrayLike) -> float:
    """Give the Jensen-Shannon divergence, in bits, of weights from equal ones (Lin 1991).

    Parameters
    ----------
    weights : array of numbers that are not negative
        They need not add to 1; of nothing at all the divergence is 0.

    Examples
    --------
    >>> divergence_from_flat([2, 2, 2]), round(divergence_from_flat([1, 0]), 3)
    (0.0, 0.311)
    """
    given = np.asarray(weights, dtype=np.float64)
    if not given.sum():
        return 0.0
    shares = given / given.sum()
    flat = np.full(shares.size, 1 / shares.size)
    middle = (shares + flat) / 2
    return max(0.0, (_relative_entropy(shares, middle) + _relative_entropy(flat, middle)) / 2)


def _relative_entropy(shares: Floats, others: Floats) -> float:
    held = shares > 0
    return float(shares[held] @ np.log2(shares[held] / others[held]))


def _binary_entropy(shares: Floats) -> Floats:
    entropy = np.zeros_like(shares)
    mixed = (shares > 0) & (shares < 1)
    one, other = shares[mixed], 1 - shares[mixed]
    entropy[mixed] = -one * np.log2(one) - other * np.log2(other)
    return entropy
