"""
Links: which records are held to be one person, and which cannot be told.

A *conflict* is a record with several equally good partners (twins, a family at one
address).  It is reported, not decided by a coin.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np

from pprl.errors import DataError
from pprl.model.arrays import Ids, Rows, Scores, frozen, texts

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Method = Literal["symmetric-best-match", "greedy", "optimal"]
Cardinality = Literal["one-to-one", "one-to-many", "many-to-one", "many-to-many"]

# Whether a left record has at most one partner, and a right one: where the other side holds each person once.
ONE_PARTNER: Mapping[Cardinality, tuple[bool, bool]] = {
    "one-to-one": (True, True),
    "one-to-many": (False, True),
    "many-to-one": (True, False),
    "many-to-many": (False, False),
}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Pairings:
    """Pairs of records, each with the pass that spoke for it.

    Parameters
    ----------
    left, right : ndarray of int64, shape (n,)
        Row numbers in the two datasets, from 0.
    left_ids, right_ids : ndarray of bytes, shape (n,)
        The records' ids.
    score : ndarray of float64, shape (n,)
        Similarity in that pass.
    decided_by : tuple of str, length n
        Name of the pass.
    probability : ndarray of float64, shape (n,)
        The chance that the two are one person; NaN where it is not known.
    """

    left: Rows
    right: Rows
    left_ids: Ids
    right_ids: Ids
    score: Scores
    decided_by: tuple[str, ...]
    probability: Scores

    def __post_init__(self) -> None:
        for array in (self.left, self.right, self.left_ids, self.right_ids, self.score, self.probability):
            if array.shape != (len(self.decided_by),):
                raise DataError("links: columns differ in length", code="links")
            frozen(array)

    def to_arrow(self) -> "pa.Table":
        """Give an Arrow table: left_id, right_id, probability, decided_by, score."""
        import pyarrow as pa

        return pa.table(
            {
                "left_id": pa.array(texts(self.left_ids), pa.string()),
                "right_id": pa.array(texts(self.right_ids), pa.string()),
                "probability": pa.array(self.probability, from_pandas=True),
                "decided_by": pa.array(self.decided_by, pa.string()),
                "score": self.score,
            }
        )

    def to_pandas(self) -> "pd.DataFrame":
        """Give a pandas frame: left_id, right_id, probability, decided_by, score."""
        import pandas as pd

        return pd.DataFrame(
            {
                "left_id": texts(self.left_ids),
                "right_id": texts(self.right_ids),
                "probability": self.probability,
                "decided_by": list(self.decided_by),
                "score": self.score,
            }
        )

    def __len__(self) -> int:
        return len(self.decided_by)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} pairs)"

    def _repr_html_(self) -> str:
        passes = sorted(set(self.decided_by))
        counts = ", ".join(f"{escape(name)}: {self.decided_by.count(name)}" for name in passes)
        return f"<p>{type(self).__name__}: {len(self)} pairs ({counts})</p>"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Links(_Pairings):
    """Links between two datasets.

    Besides the columns, whether a record of the left and of the right has at most one link.
    Columns as in the table of pairs: rows, ids, score, the pass that decided and the probability.

    Raises
    ------
    DataError
        If a record occurs in two links, and should not.
    """

    left_once: bool = True
    right_once: bool = True

    def __post_init__(self) -> None:
        _Pairings.__post_init__(self)
        for side, rows, once in (("left", self.left, self.left_once), ("right", self.right, self.right_once)):
            if once and np.unique(rows).size != rows.size:
                raise DataError(f"links: a {side} record occurs in two links", code="links")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Conflicts(_Pairings):
    """Pairs that are equally good for one record, and so were not linked."""
