"""
Clusters: which records of several parties are held to be one person.

Every record of every party is in exactly one cluster, most of them alone.
"""

from dataclasses import dataclass

import numpy as np

from pprl.errors import DataError
from pprl.model.arrays import Codes, Mask, Rows, frozen


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Clusters:
    """A partition of the records of several parties.

    Parameters
    ----------
    names : tuple of str
        Names of the parties, each once.
    party : ndarray of int32, shape (n,)
        For each record its party, as an index into `names`.
    row : ndarray of int64, shape (n,)
        The record's row in the dataset of its party.
    label : ndarray of int64, shape (n,)
        The record's cluster, from 0, none left out.
    deduplicated : tuple of bool, one for each party
        Whether the party holds each person once, so that no cluster has two of its records.

    Raises
    ------
    DataError
        If columns differ in length, a record occurs twice, labels are not dense, or a
        cluster has two records of a party that holds each person once.

    Examples
    --------
    >>> party, row = np.array([0, 0, 1], dtype=np.int32), np.array([0, 1, 0])
    >>> Clusters(("a", "b"), party, row, np.array([0, 1, 1]), (True, True))
    Clusters(2 clusters of 3 records, 2 parties)
    """

    names: tuple[str, ...]
    party: Codes
    row: Rows
    label: Rows
    deduplicated: tuple[bool, ...]

    def __post_init__(self) -> None:
        names, party = self.names, self.party
        if len(set(names)) < len(names) or len(names) != len(self.deduplicated):
            raise DataError("clusters: wanted one name for each party, all different", code="clusters")
        for column in (party, self.row, self.label):
            if column.shape != (party.size,):
                raise DataError("clusters: columns differ in length", code="clusters")
            frozen(column)
        if party.size and not 0 <= int(party.min()) <= int(party.max()) < len(names):
            raise DataError("clusters: a record is of a party that there is not", code="clusters")
        self._require_once(self.row, np.ones(party.size, dtype=np.bool_), "a record occurs twice")
        used = np.unique(self.label)
        if not np.array_equal(used, np.arange(used.size)):
            raise DataError("clusters: labels have gaps", code="clusters")
        alone = np.array(self.deduplicated, dtype=np.bool_)[party]
        self._require_once(
            self.label, alone, "a cluster has two records of a party that holds each person once"
        )

    def _require_once(self, numbers: Rows, among: Mask, said: str) -> None:
        pairs = np.column_stack([self.party[among], numbers[among]])
        if np.unique(pairs, axis=0).shape[0] < pairs.shape[0]:
            raise DataError(f"clusters: {said}", code="clusters")

    @property
    def n_clusters(self) -> int:
        """Number of clusters, those of one record included."""
        return int(self.label.max()) + 1 if self.label.size else 0

    def labels_of(self, party: int, n_rows: int) -> Rows:
        """Give the clusters of a party's records in the order of their rows, shape (n_rows,).

        Rows that are in no cluster (decoys) have -1.
        """
        labels = np.full(n_rows, -1, dtype=np.int64)
        mine = self.party == party
        labels[self.row[mine]] = self.label[mine]
        return labels

    def sizes(self) -> Rows:
        """Count the records of each cluster."""
        return np.bincount(self.label, minlength=self.n_clusters)

    def __len__(self) -> int:
        return int(self.party.size)

    def __repr__(self) -> str:
        return f"Clusters({self.n_clusters} clusters of {len(self)} records, {len(self.names)} parties)"

    def _repr_html_(self) -> str:
        return f"<p>{len(self)} records of {len(self.names)} parties in {self.n_clusters} clusters</p>"
