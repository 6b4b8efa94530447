"""
Nearest filters: bits as signs, and for each filter the candidate most like it.
"""

import numpy as np

from pprl.model import BitMatrix
from pprl.model.arrays import Matrix, Rows

_BLOCK = 1000  # filters at a time


def signs(bits: BitMatrix) -> Matrix:
    """Write bits as -1 and 1, shape (n, n_bits): then XOR is a product.

    Examples
    --------
    >>> signs(BitMatrix.from_bools([[True, False, True]])).tolist()
    [[1.0, -1.0, 1.0]]
    """
    return np.where(bits.to_bools(), np.float32(1), np.float32(-1))


def directions(rows: Matrix) -> Matrix:
    """Give rows of length 1; rows of zeros remain.

    Examples
    --------
    >>> directions(np.array([[0, 2], [0, 0]], dtype=np.float32)).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    sizes = np.linalg.norm(rows, axis=1, keepdims=True)
    towards: Matrix = rows / np.maximum(sizes, np.float32(1e-9))
    return towards


def most_alike(filters: Matrix, candidates: Matrix) -> Rows:
    """Give for each filter the first candidate of the greatest cosine, shape (n_filters,).

    Parameters
    ----------
    filters, candidates : ndarray of float32, shape (n, n_bits)
        At least one candidate.

    Examples
    --------
    >>> one = np.array([[1, 1], [-1, 1]], dtype=np.float32)
    >>> most_alike(one, one[::-1] * 2).tolist()
    [1, 0]
    """
    towards = directions(candidates)
    best = np.empty(len(filters), dtype=np.int64)
    for start in range(0, len(filters), _BLOCK):
        part = slice(start, start + _BLOCK)
        best[part] = (filters[part] @ towards.T).argmax(axis=1)
    return best
