"""
Alignment: two sets of points that are one set seen twice, turned onto each other.

Wasserstein-Procrustes: a soft assignment gives the best rotation, the rotation a better
assignment, and so on (Grave, Joulin & Berthet, AISTATS 2019), in more and more dimensions
(as spectral upsampling does: Melzi et al. 2019, ACM Transactions on Graphics 38(6)).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from pprl.model.arrays import Floats, Mask, Matrix, Rows

_FLOOR = np.float32(1e-30)  # below it a row or column has no weight to share out
_SWEEPS = 5
_RIDGE = 0.05
_MOST_CORRELATED = 0.98  # what a rehearsal promises is not believed beyond
_LEAST_CORRELATED = 0.1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Leads:
    """The best partner of each left record.

    Parameters
    ----------
    best : ndarray of int64, shape (n,)
        The right record with the highest score.
    mutual : ndarray of bool
        Whether it has no better left record.
    lead : ndarray of float64
        By how much the score exceeds the second best of either; negative where not mutual.
    """

    best: Rows
    mutual: Mask
    lead: Floats

    def strongest(self, share: float) -> Rows:
        """List the mutual pairs whose lead is among the highest share of them."""
        mutual = np.flatnonzero(self.mutual)
        if not mutual.size:
            return mutual
        return mutual[self.lead[mutual] >= np.quantile(self.lead[mutual], 1 - share)]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Twins:
    """Points of the victim, of the attacker, and of the attacker's rehearsal, in one order each.

    Parameters
    ----------
    left : ndarray of float32, shape (n_left, d)
        The victim's.
    right, rehearsed : ndarray of float32, shape (n_right, d)
        The attacker's in clear, and what a key of its own makes of them, row by row.
    """

    left: Matrix
    right: Matrix
    rehearsed: Matrix

    @property
    def n_dims(self) -> int:
        """How many dimensions all have."""
        return min(int(side.shape[1]) for side in (self.left, self.right, self.rehearsed))


def rotation(left: Matrix, right: Matrix) -> Matrix:
    """Give the orthogonal matrix that turns points nearest to others, row by row (Schoenemann 1966).

    Parameters
    ----------
    left, right : ndarray of float32, shape (n, d)
        Points.

    Returns
    -------
    ndarray of float32, shape (d, d)
        Such that ``left @ rotation`` is near `right`.

    Examples
    --------
    >>> points = np.array([[1, 0], [0, 2]], dtype=np.float32)
    >>> rotation(points, points[:, ::-1]).round(3).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    u, _, v = np.linalg.svd(left.T @ right)
    turned: Matrix = u @ v
    return turned


def squared_distances(left: Matrix, right: Matrix) -> Matrix:
    """Give the squared distance of each left point from each right point, shape (n_left, n_right).

    Examples
    --------
    >>> squared_distances(np.zeros((1, 2), dtype=np.float32), np.array([[3, 4]], dtype=np.float32)).tolist()
    [[25.0]]
    """
    squares: Matrix = left @ right.T
    squares *= -2
    squares += (left**2).sum(axis=1)[:, None]
    squares += (right**2).sum(axis=1)
    np.maximum(squares, 0, out=squares)
    return squares


def soft_assignment(score: Matrix, *, sweeps: int = _SWEEPS) -> Matrix:
    """Share each record out over its partners, by Sinkhorn's alternate scaling of rows and columns.

    Parameters
    ----------
    score : ndarray of float32, shape (n_left, n_right)
        Logarithms of how likely each pair is; overwritten.
    sweeps : int
        How often rows and columns are scaled.

    Returns
    -------
    ndarray of float32, shape (n_left, n_right)
        Each row sums to 1, and the columns are about alike.

    Examples
    --------
    >>> score = np.array([[2, 0], [1.5, 0]], dtype=np.float32)
    >>> soft_assignment(score, sweeps=50).astype(np.float64).round(2).tolist()
    [[0.56, 0.44], [0.44, 0.56]]
    """
    score -= score.max(axis=1, keepdims=True)
    shares = np.exp(score, out=score)
    even = np.float32(shares.shape[0] / shares.shape[1])
    for _ in range(sweeps):
        shares *= even / np.maximum(shares.sum(axis=0), _FLOOR)
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), _FLOOR)
    return shares


def invariant_distances(left: Matrix, right: Matrix, rehearsed: Matrix) -> Matrix:
    """Give how far the invariants of each pair are from those of one person, in a rehearsal's measure.

    Canonical correlations of the attacker's records in clear with their rehearsed filters say
    which mixtures of invariants survive the encoding, and how well.

    Parameters
    ----------
    left : ndarray of float32, shape (n_left, k)
        Invariants of the victim's filters.
    right, rehearsed : ndarray of float32, shape (n_right, k)
        Invariants of the attacker's records and of their rehearsed filters, row by row.

    Returns
    -------
    ndarray of float32, shape (n_left, n_right)
        Minus twice the logarithm of the likelihood, but for a constant of each row.
    """
    clear, shown, correlation = _canonical(right, rehearsed)
    noise = np.sqrt(1 - correlation**2)
    return squared_distances(
        (left @ (shown / noise)).astype(np.float32),
        (right @ (clear * (correlation / noise))).astype(np.float32),
    )


def aligned(twins: Twins, apart: Matrix, *, warmth: float, n_dims: int, n_rounds: int) -> Matrix:
    """Align embeddings by Wasserstein-Procrustes, from what invariants tell.

    Parameters
    ----------
    twins : Twins
        The embeddings.  The rehearsal, of which the attacker knows who is who, says how much noise
        each dimension has.
    apart : ndarray of float32, shape (n_left, n_right)
        Distances by invariants.
    warmth : float
        By how much the embedding is believed less in the first round; in the last it counts in full.
    n_dims : int
        Dimensions in the last rounds; the first has 2.
    n_rounds : int
        Rotations.

    Returns
    -------
    ndarray of float32, shape (n_left, n_right)
        A soft assignment.
    """
    shares = soft_assignment(-0.5 * apart)
    most = min(n_dims, twins.n_dims)
    growth = (n_dims / 2) ** (1 / max(0.75 * n_rounds, 1))
    for step, belief in enumerate(np.linspace(1 / warmth, 1, n_rounds)):
        k = min(most, int(2 * growth**step))
        left, right = twins.left[:, :k], twins.right[:, :k]
        turned = left @ rotation(left, shares @ right)
        gain, noise = _noise(twins.rehearsed[:, :k], right)
        distances = squared_distances(turned / noise, right * (gain / noise))
        distances *= np.float32(-0.5 * belief)
        distances -= np.float32(0.5) * apart
        shares = soft_assignment(distances)
    return shares


def leads(score: Matrix) -> Leads:
    """Find the best partner of each left record, and how far it is ahead.

    Parameters
    ----------
    score : ndarray of float32, shape (n_left, n_right)
        At least two of each.

    Examples
    --------
    >>> found = leads(np.array([[3, 1], [2, 0]], dtype=np.float32))
    >>> found.best.tolist(), found.mutual.tolist(), found.lead.tolist()
    ([0, 0], [True, False], [1.0, -1.0])
    """
    every = np.arange(len(score))
    best = score.argmax(axis=1)
    top = score[every, best].astype(np.float64)
    mutual = score.argmax(axis=0)[best] == every
    second = np.partition(score, -2, axis=1)[:, -2]
    rivals = np.partition(score, -2, axis=0)[-2:]
    rival = np.where(mutual, rivals[0, best], rivals[1, best])
    return Leads(best, mutual, np.minimum(top - second, top - rival))


def anchored_scores(left: Matrix, right: Matrix, anchors: Rows, partners: Rows) -> Matrix:
    """Score all pairs by how alike their similarities to anchors are.

    Seeded graph matching: two records of one person are like the same people.

    Parameters
    ----------
    left, right : ndarray of float32
        Centred kernels of both files, shapes (n_left, n_left) and (n_right, n_right).
    anchors, partners : ndarray of int64
        Left records whose partner is taken for known, and the partners, row by row.

    Returns
    -------
    ndarray of float32, shape (n_left, n_right)
        Correlations over the anchors, times the root of their number: of unrelated records
        about standard normal.
    """
    one, other = (_standardised(kernel[:, rows]) for kernel, rows in ((left, anchors), (right, partners)))
    scores: Matrix = one @ other.T
    scores *= np.float32(np.sqrt(max(anchors.size, 1)))
    return scores


def best_partners(score: Matrix) -> Rows:
    """Assign each left record a right one with the highest total score, or -1 if there are too few.

    Examples
    --------
    >>> best_partners(np.array([[3, 2], [2, 0], [0, 0]], dtype=np.float32)).tolist()
    [1, 0, -1]
    """
    partner = np.full(len(score), -1, dtype=np.int64)
    rows, columns = linear_sum_assignment(score, maximize=True)
    partner[rows] = columns
    return partner


def _noise(rehearsed: Matrix, right: Matrix) -> tuple[Matrix, Matrix]:
    """Give for each dimension what the encoding leaves of it, and the deviation of what it adds."""
    turned = rehearsed @ rotation(rehearsed, right)
    gain = (turned * right).sum(axis=0) / (right**2).sum(axis=0)
    rest = np.sqrt(((turned - gain * right) ** 2).mean(axis=0))
    return gain, np.maximum(rest, rest.max(initial=0) * np.float32(1e-3) + _FLOOR)


def _canonical(right: Matrix, rehearsed: Matrix) -> tuple[Floats, Floats, Floats]:
    """Give the mixtures of two tables that are correlated, and how much (Hotelling 1936)."""
    n, k = right.shape
    one, other = (values.astype(np.float64) for values in (right, rehearsed))
    ridge = _RIDGE * np.eye(k)
    roots = [np.linalg.cholesky(values.T @ values / n + ridge) for values in (one, other)]
    across = np.linalg.solve(roots[0], one.T @ other / n)
    u, s, v = np.linalg.svd(np.linalg.solve(roots[1], across.T).T)
    kept = s > min(_LEAST_CORRELATED, float(s[0]) / 2)
    mixtures = [np.linalg.solve(root.T, turn)[:, kept] for root, turn in zip(roots, (u, v.T), strict=True)]
    return mixtures[0], mixtures[1], np.minimum(s[kept], _MOST_CORRELATED)


def _standardised(rows: Matrix) -> Matrix:
    middle: Matrix = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(middle, axis=1, keepdims=True)
    np.divide(middle, length, out=middle, where=length > 0)
    return middle
