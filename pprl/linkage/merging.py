"""
Merging: records of many parties grow into clusters, the surest edge first.

Most components of the graph are whole persons and are told by arithmetic on all of them
at once; the loop sees only those that may have to be split.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pprl.model.arrays import Codes, Mask, Rows, Scores

# Evidence is counted in whole numbers, so that a sum does not depend on the order.
UNIT = 1 << 20
_SURE = 1e-6  # a probability is taken for no nearer to 0 or 1 than this


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Edges between the records of all parties.

    Parameters
    ----------
    party : ndarray of int32, shape (n_records,)
        The party of each record.
    left, right : ndarray of int64, shape (n_edges,)
        Records; the edges are in falling order of probability, then by record.
    evidence : ndarray of int64, shape (n_edges,)
        Log-odds, `UNIT` for 1.
    compared : ndarray of int64, shape (n_parties, n_parties)
        1 where two parties were compared; symmetric.
    once : ndarray of bool, shape (n_parties,)
        Whether a party holds each person once.
    """

    party: Codes
    left: Rows
    right: Rows
    evidence: Rows
    compared: Rows
    once: Mask


def evidence_of(probability: Scores) -> Rows:
    """Give log-odds as whole numbers.

    Examples
    --------
    >>> evidence_of(np.array([0.5])).tolist()
    [0]
    """
    bounded = np.clip(probability, _SURE, 1 - _SURE)
    evidence: Rows = np.rint(np.log(bounded / (1 - bounded)) * UNIT).astype(np.int64)
    return evidence


def groups(graph: Graph, penalty: int) -> Rows:
    """Give for each record the first record of its cluster, shape (n_records,)."""
    group, inside = _components(graph)
    simple = _simple(graph, group, inside, penalty)
    hard = inside & ~simple[graph.left]
    # Records of simple components have their component as their cluster.
    label = np.where(simple, group, np.arange(group.size))
    for records, edges in _parts(graph, group, simple, hard):
        cluster = _Merging(graph, records, edges, penalty).run()
        label[records] = records[cluster]
    return label


def _components(graph: Graph) -> tuple[Rows, Mask]:
    """Give for each record the first of its component, and which edges are within one.

    Only evidence for a person holds a component together: clusters without any such edge
    between them have nothing in favour of a merge.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = graph.party.size
    likely = graph.evidence >= 0
    ends = graph.left[likely], graph.right[likely]
    component = connected_components(
        coo_array((np.ones(ends[0].size, dtype=np.int8), ends), shape=(size, size)), directed=False
    )[1]
    first = np.unique(component, return_index=True)[1]
    group: Rows = first[component].astype(np.int64, copy=False)
    return group, group[graph.left] == group[graph.right]


def _simple(graph: Graph, group: Rows, inside: Mask, penalty: int) -> Mask:
    """Say which records are in a component that would become one cluster in any order.

    So it does if no party is in it too often, and if its weakest edge outweighs all that
    speaks against: then whatever two parts an edge joins, the sum is not negative.
    """
    component, of_record = np.unique(group, return_inverse=True)
    n_parties = graph.once.size
    counts = np.bincount(of_record * n_parties + graph.party, minlength=component.size * n_parties)
    counts = counts.reshape(component.size, n_parties)
    pairs = ((counts @ graph.compared * counts).sum(axis=1) - counts @ np.diagonal(graph.compared)) // 2
    at, evidence = of_record[graph.left[inside]], graph.evidence[inside]
    against = penalty * (pairs - np.bincount(at, minlength=component.size))
    np.subtract.at(against, at, np.minimum(evidence, 0))
    weakest = np.full(component.size, np.iinfo(np.int64).max)
    np.minimum.at(weakest, at[evidence >= 0], evidence[evidence >= 0])
    fits = (counts[:, graph.once] <= 1).all(axis=1)
    return np.asarray((fits & (weakest >= against))[of_record])


def _parts(graph: Graph, group: Rows, simple: Mask, hard: Mask) -> Iterator[tuple[Rows, Rows]]:
    """Give the records and the edges of each component that is not simple."""
    records, edges = np.flatnonzero(~simple), np.flatnonzero(hard)
    records = records[np.argsort(group[records], kind="stable")]
    edges = edges[np.argsort(group[graph.left[edges]], kind="stable")]
    starts = np.flatnonzero(np.diff(group[records], prepend=-1))
    ends = np.searchsorted(group[graph.left[edges]], group[records[starts]], side="right")
    return zip(np.split(records, starts[1:]), np.split(edges, ends[:-1]), strict=True)


class _Merging:
    """Clusters of one component while they grow.

    A cluster goes by one of its records.  `between` holds, for each cluster, the others
    that it has edges with: their summed evidence and their number.
    """

    def __init__(self, graph: Graph, records: Rows, edges: Rows, penalty: int) -> None:
        left, right = (np.searchsorted(records, ends[edges]).tolist() for ends in (graph.left, graph.right))
        evidence = graph.evidence[edges].tolist()
        self.likely = [(a, b) for a, b, gain in zip(left, right, evidence, strict=True) if gain >= 0]
        self.home = list(range(records.size))
        self.parties: list[dict[int, int]] = [{party: 1} for party in graph.party[records].tolist()]
        self.between: list[dict[int, tuple[int, int]]] = [{} for _ in self.home]
        for a, b, gain in zip(left, right, evidence, strict=True):
            self.between[a][b] = self.between[b][a] = (gain, 1)
        self.compared: list[list[int]] = graph.compared.tolist()
        self.once: list[bool] = graph.once.tolist()
        self.penalty = penalty

    def run(self) -> list[int]:
        """Merge until no edge can merge two clusters; give the first record of the cluster of each."""
        waiting, before = self.likely, -1
        while len(waiting) != before:
            before = len(waiting)
            waiting = [edge for edge in waiting if not self._joined(*edge)]
        first: dict[int, int] = {}
        return [first.setdefault(self._find(record), record) for record in range(len(self.home))]

    def _find(self, record: int) -> int:
        while self.home[record] != record:
            self.home[record] = self.home[self.home[record]]
            record = self.home[record]
        return record

    def _joined(self, left: int, right: int) -> bool:
        """Say whether two records are in one cluster, after a merge where it is allowed."""
        a, b = self._find(left), self._find(right)
        if a == b:
            return True
        if len(self.between[a]) < len(self.between[b]):
            a, b = b, a
        if not self._fit(a, b) or self._support(a, b) < 0:
            return False
        self._merge(a, b)
        return True

    def _fit(self, a: int, b: int) -> bool:
        return not any(self.once[party] and party in self.parties[b] for party in self.parties[a])

    def _support(self, a: int, b: int) -> int:
        total, found = self.between[a][b]
        pairs = sum(
            self.compared[one][two] * n_one * n_two
            for one, n_one in self.parties[a].items()
            for two, n_two in self.parties[b].items()
        )
        return total - self.penalty * (pairs - found)

    def _merge(self, a: int, b: int) -> None:
        self.home[b] = a
        for party, count in self.parties[b].items():
            self.parties[a][party] = self.parties[a].get(party, 0) + count
        del self.between[a][b], self.between[b][a]
        for other, (total, found) in self.between[b].items():
            before = self.between[a].get(other, (0, 0))
            del self.between[other][b]
            self.between[a][other] = self.between[other][a] = (before[0] + total, before[1] + found)
        self.between[b] = {}
