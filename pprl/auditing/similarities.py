"""
Similarities of all pairs of a file, and how much those of filters tell of those in clear.

Matrices are n x n of float32: 100 MB for 5,000 records.
"""

import numpy as np
import numpy.typing as npt

from pprl.model import BitMatrix
from pprl.model.arrays import Floats, Matrix, Rows


def filter_dice(bits: BitMatrix) -> Matrix:
    """Give the Dice similarity of all pairs of filters, shape (n, n).

    Two empty filters have nothing in common: 0.

    Parameters
    ----------
    bits : BitMatrix
        The filters.

    Examples
    --------
    >>> filter_dice(BitMatrix.from_bools([[1, 1, 0], [0, 1, 1], [0, 0, 0]])).tolist()
    [[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    unpacked = bits.to_bools().astype(np.float32)
    popcounts = unpacked.sum(axis=1)
    alike = unpacked @ unpacked.T  # whole numbers up to 65,536 are exact in float32
    alike *= 2
    total = popcounts[:, None] + popcounts
    np.divide(alike, total, out=alike, where=total > 0)
    return alike


def each_pair(similarity: Matrix) -> Matrix:
    """Give the similarities of all pairs of two different records, each pair once, shape (n (n - 1) / 2,).

    Examples
    --------
    >>> each_pair(np.array([[1, 0.5, 0.25], [0.5, 1, 0], [0.25, 0, 1]], dtype=np.float32)).tolist()
    [0.5, 0.25, 0.0]
    """
    return similarity[np.triu(np.ones(similarity.shape, dtype=np.bool_), k=1)]


def correlation(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Give Pearson's correlation; 0 where one of the two does not vary.

    Examples
    --------
    >>> round(correlation([1, 2, 3], [2, 4, 6]), 6), correlation([1, 2], [5, 5])
    (1.0, 0.0)
    """
    left, right = (np.asarray(values, dtype=np.float64) for values in (one, other))
    if left.size < 2:
        return 0.0
    left, right = left - left.mean(), right - right.mean()
    spread = float(np.sqrt((left @ left) * (right @ right)))
    return float(left @ right) / spread if spread > 0 else 0.0


def rho(in_clear: Matrix, encoded: Matrix, *, top: float = 1.0) -> float:
    """Correlate the similarities of pairs in clear with those of their filters.

    Parameters
    ----------
    in_clear, encoded : ndarray of float32, shape (n, n)
        Similarities of the same records in the same order.
    top : float
        Share of the pairs that is looked at: those most alike in clear, with all ties.

    Examples
    --------
    >>> alike = np.array([[1, 0.5, 0.25], [0.5, 1, 0], [0.25, 0, 1]], dtype=np.float32)
    >>> round(rho(alike, alike), 6)
    1.0
    """
    left, right = each_pair(in_clear), each_pair(encoded)
    if top < 1:
        place = left.size - max(int(top * left.size), 1)
        chosen = left >= np.partition(left, place)[place] if left.size else np.empty(0, dtype=np.bool_)
        left, right = left[chosen], right[chosen]
    return correlation(left, right)


def nearest_profiles(similarity: Matrix, n_neighbours: int) -> Matrix:
    """Give for each record the similarities of its nearest neighbours, most alike first.

    Parameters
    ----------
    similarity : ndarray of float32, shape (n, n)
        The record itself, on the diagonal, is no neighbour.
    n_neighbours : int
        How many; of fewer others all.

    Returns
    -------
    ndarray of float32, shape (n, min(n_neighbours, n - 1))

    Examples
    --------
    >>> nearest_profiles(np.array([[1, 0.5, 0.25], [0.5, 1, 0], [0.25, 0, 1]], dtype=np.float32), 1).tolist()
    [[0.5], [0.5], [0.25]]
    """
    others = similarity.copy()
    np.fill_diagonal(others, -np.inf)
    n_kept = min(n_neighbours, max(len(others) - 1, 0))
    nearest = (
        np.partition(others, len(others) - n_kept, axis=1)[:, len(others) - n_kept :]
        if n_kept
        else others[:, :0]
    )
    return -np.sort(-nearest, axis=1)


def average_ranks(values: npt.ArrayLike) -> Floats:
    """Give ranks from 0 to 1, equal values the mean of theirs.

    Examples
    --------
    >>> average_ranks([10, 30, 10, 40]).tolist()
    [0.25, 0.625, 0.25, 0.875]
    """
    _, inverse, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    ranks: Floats = middle[inverse.reshape(-1)] / max(int(counts.sum()), 1)
    return ranks


def value_counts(rows: npt.NDArray[np.generic]) -> Rows:
    """Count for each row how many rows are equal to it, itself among them.

    Examples
    --------
    >>> value_counts(np.array([[1, 2], [3, 4], [1, 2]])).tolist()
    [2, 1, 2]
    """
    _, inverse, counts = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    alike: Rows = counts[inverse.reshape(-1)].astype(np.int64)
    return alike
