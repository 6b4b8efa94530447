"""
Scored pairs: what a comparison gives.

Pairs have a total order (score down, then left row, then right row), so an answer does
not depend on how the work was shared out.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pprl.errors import DataError
from pprl.model.arrays import Counts, Rows, Scores, frozen

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScoredPairs:
    """Pairs of rows with their overlap and score, in the total order.

    Parameters
    ----------
    left, right : ndarray of int64, shape (n,)
        Row numbers, from 0.
    overlap : ndarray of int32, shape (n,)
        Bits set in both.
    score : ndarray of float64, shape (n,)
        The similarity, from 0 to 1.

    Raises
    ------
    DataError
        If lengths differ, or the pairs are out of order or repeated.

    Examples
    --------
    >>> overlap, score = np.array([5, 7]), np.array([0.8, 0.9])
    >>> pairs = ScoredPairs.in_order(np.array([1, 0]), np.array([4, 2]), overlap, score)
    >>> pairs.left.tolist()
    [0, 1]
    """

    left: Rows
    right: Rows
    overlap: Counts
    score: Scores

    def __post_init__(self) -> None:
        for array in (self.left, self.right, self.overlap, self.score):
            if array.shape != (len(self.left),):
                raise DataError("scored pairs: columns differ in length", code="pairs")
            frozen(array)
        if not _is_ordered(self):
            raise DataError("scored pairs: out of order, or a pair occurs twice", code="pairs")

    @classmethod
    def in_order(
        cls, left: Rows | Counts, right: Rows | Counts, overlap: Counts, score: Scores
    ) -> "ScoredPairs":
        """Put pairs into the total order."""
        order = np.lexsort((right, left, -score))
        return cls(
            left[order].astype(np.int64, copy=False),
            right[order].astype(np.int64, copy=False),
            overlap[order].astype(np.int32, copy=False),
            score[order].astype(np.float64, copy=False),
        )

    def to_arrow(self) -> "pa.Table":
        """Give the pairs as an Arrow table: left, right, overlap, score."""
        import pyarrow as pa

        return pa.table(
            {"left": self.left, "right": self.right, "overlap": self.overlap, "score": self.score}
        )

    def to_pandas(self) -> "pd.DataFrame":
        """Give the pairs as a pandas frame: left, right, overlap, score."""
        import pandas as pd

        columns = {"left": self.left, "right": self.right, "overlap": self.overlap, "score": self.score}
        return pd.DataFrame(columns)

    def __len__(self) -> int:
        return int(self.left.size)

    def __repr__(self) -> str:
        return f"ScoredPairs({len(self)} pairs)"

    def _repr_html_(self) -> str:
        return f"<p>{len(self)} scored pairs</p>"


def _is_ordered(pairs: ScoredPairs) -> bool:
    score, left, right = pairs.score, pairs.left, pairs.right
    same_score = score[1:] == score[:-1]
    same_left = left[1:] == left[:-1]
    rises = (left[1:] > left[:-1]) | (same_left & (right[1:] > right[:-1]))
    return bool(((score[1:] < score[:-1]) | (same_score & rises)).all())
