"""
Threshold sweeps: what precision and recall would be, had the line been drawn elsewhere.

A threshold that is chosen here was chosen with the truth.  Nobody has that in earnest, so
the best F1 of a sweep is a bound from above and no result.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pprl.errors import DataError, UsageError
from pprl.evaluation.quality import LinkageQuality
from pprl.model.arrays import Mask, Rows, Scores, frozen

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MOST_ROWS = 200


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sweep:
    """Counts at each threshold, the highest first.

    Parameters
    ----------
    threshold : ndarray of float64, shape (n,)
        Distinct scores; links are the pairs at or above it.
    true_positives, false_positives : ndarray of int64, shape (n,)
        Links that are true, and that are not.
    n_true : int
        All true pairs, those included that no score was given to.

    Examples
    --------
    >>> threshold_sweep(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]), n_true=2)
    Sweep(3 thresholds, 2 true pairs)
    """

    threshold: Scores
    true_positives: Rows
    false_positives: Rows
    n_true: int

    def __post_init__(self) -> None:
        for array in (self.threshold, self.true_positives, self.false_positives):
            frozen(array)

    @property
    def precision(self) -> Scores:
        """Share of links that are true, shape (n,)."""
        shares: Scores = self.true_positives / (self.true_positives + self.false_positives)
        return shares

    @property
    def recall(self) -> Scores:
        """Share of true pairs that are linked, shape (n,); not a number without true pairs."""
        shares: Scores = self.true_positives / np.float64(self.n_true or np.nan)
        return shares

    @property
    def f1(self) -> Scores:
        """Harmonic mean of both, shape (n,)."""
        shares: Scores = 2 * self.true_positives / (self.true_positives + self.false_positives + self.n_true)
        return shares

    @property
    def best(self) -> int | None:
        """The row of the best F1, the highest threshold if there are several; None of an empty sweep.

        It is chosen with the truth, so its F1 is a bound from above.
        """
        return int(np.argmax(self.f1)) if len(self) else None

    def quality(self, row: int) -> LinkageQuality:
        """Give the counts at one threshold."""
        true = int(self.true_positives[row])
        return LinkageQuality(true, int(self.false_positives[row]), self.n_true - true)

    def thinned(self, most: int = MOST_ROWS) -> "Sweep":
        """Keep about so many thresholds: the first, the last, the best, and others evenly between."""
        if len(self) <= most:
            return self
        evenly = np.linspace(0, len(self) - 1, max(2, most)).round().astype(np.int64)
        rows = np.union1d(evenly, [self.best or 0])
        return self._take(rows)

    def spaced(self, n_links: int) -> "Sweep":
        """Keep thresholds with so many links, and as many more than the one kept before.

        Where each pair has a score of its own, rows could otherwise be counted.
        """
        links = self.true_positives + self.false_positives
        rows: list[int] = []
        row = int(np.searchsorted(links, n_links))
        while row < len(self):
            rows.append(row)
            row = int(np.searchsorted(links, links[row] + n_links))
        return self._take(np.array(rows, dtype=np.int64))

    def to_pandas(self) -> "pd.DataFrame":
        """Give a pandas frame: threshold, true_positives, false_positives, precision, recall, f1."""
        import pandas as pd

        return pd.DataFrame(self._columns())

    def to_arrow(self) -> "pa.Table":
        """Give an Arrow table with the same columns."""
        import pyarrow as pa

        return pa.table(self._columns())

    def to_dict(self) -> dict[str, Any]:
        """Give the rows and the best of them by name."""
        rows = [self._row(number) for number in range(len(self))]
        best = self.best
        return {
            "n_true": self.n_true,
            "thresholds": rows,
            "best_f1_chosen_with_the_truth": None if best is None else rows[best],
        }

    def _take(self, rows: Rows) -> "Sweep":
        return Sweep(self.threshold[rows], self.true_positives[rows], self.false_positives[rows], self.n_true)

    def _columns(self) -> dict[str, Scores | Rows]:
        names = ("threshold", "true_positives", "false_positives", "precision", "recall", "f1")
        return {name: getattr(self, name) for name in names}

    def _row(self, number: int) -> dict[str, Any]:
        found = self.quality(number).to_dict()
        names = ("true_positives", "false_positives", "precision", "recall", "f1")
        return {"threshold": float(self.threshold[number]), **{name: found[name] for name in names}}

    def __len__(self) -> int:
        return int(self.threshold.size)

    def __repr__(self) -> str:
        return f"Sweep({len(self)} thresholds, {self.n_true} true pairs)"


def threshold_sweep(scores: Scores, is_true: Mask, n_true: int) -> Sweep:
    """Count links at every threshold that changes something.

    Parameters
    ----------
    scores : ndarray of float64, shape (n,)
        The score or probability of each pair, a pair once.
    is_true : ndarray of bool, shape (n,)
        Whether the pair is true.
    n_true : int
        All true pairs, those included that have no score.

    Raises
    ------
    DataError
        If a score is not a number.
    UsageError
        If columns differ in length, or there are more true pairs than there can be.

    Examples
    --------
    >>> sweep = threshold_sweep(np.array([0.9, 0.7, 0.9]), np.array([True, True, False]), n_true=4)
    >>> sweep.threshold.tolist(), sweep.true_positives.tolist(), sweep.false_positives.tolist()
    ([0.9, 0.7], [1, 2], [1, 1])
    """
    if scores.shape != is_true.shape or scores.ndim != 1:
        raise UsageError("sweep: wanted as many scores as marks", code="sweep")
    if np.isnan(scores).any():
        raise DataError("sweep: a score is not a number", code="bad-score")
    if int(is_true.sum()) > n_true:
        raise UsageError("sweep: more pairs are true than there are true pairs", code="sweep")
    order = np.argsort(-scores, kind="stable")
    falling, true = scores[order].astype(np.float64), np.cumsum(is_true[order], dtype=np.int64)
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)[: falling.size])
    return Sweep(falling[last], true[last], last + 1 - true[last], n_true)
