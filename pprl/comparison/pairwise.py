"""
Pairs that are already known: how alike they are, without looking at any others.
"""

import numpy as np

from pprl.model import BitMatrix
from pprl.model.arrays import Counts, Rows, Scores

_WORDS_AT_ONCE = 1 << 22


def dice_of(left: BitMatrix, right: BitMatrix, left_rows: Rows, right_rows: Rows) -> Scores:
    """Give the Dice similarity of pairs of rows, shape (pairs,); 0 where both are without a bit.

    Examples
    --------
    >>> bits = BitMatrix.from_bools([[1, 1, 0], [1, 0, 0], [0, 0, 0]])
    >>> dice_of(bits, bits, np.array([0, 1, 2]), np.array([1, 1, 2])).round(3).tolist()
    [0.667, 1.0, 0.0]
    """
    overlap = np.empty(left_rows.size, dtype=np.int64)
    step = max(1, _WORDS_AT_ONCE // left.words.shape[1])
    for begin in range(0, left_rows.size, step):
        some = slice(begin, begin + step)
        both = left.words[left_rows[some]] & right.words[right_rows[some]]
        overlap[some] = np.bitwise_count(both).sum(axis=1, dtype=np.int64)
    bits = _counts(left, left_rows) + _counts(right, right_rows)
    score: Scores = 2.0 * overlap / np.maximum(bits, 1)
    return score


def _counts(bits: BitMatrix, rows: Rows) -> Rows:
    counts: Counts = bits.popcounts()
    return counts[rows].astype(np.int64)
