"""
Several parties: the links of every two of them, put together to one cluster for each person.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from pprl.errors import DataError, UsageError
from pprl.linkage.clustering import PENALTY, Edges, cluster, parted
from pprl.linkage.results import LinkageResult
from pprl.model import Clusters, EncodedDataset, Links, Provenance
from pprl.model.arrays import Ids, Mask, Rows, Scores, frozen, texts
from pprl.model.links import ONE_PARTNER, Cardinality

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Pair = tuple[str, str]

UNKNOWN = 0.99  # what a link is taken for that was made by thresholds, and has no probability
REPEATING = 1.0  # log-odds against a pair that was not found, where a source repeats people


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ClusterResult:
    """Which records of several parties, or of one that repeats people, are one person.

    Parameters
    ----------
    clusters : Clusters
        Every real record, most of them alone.
    record_ids : tuple of ndarray of bytes, one for each party
        Ids of all its rows.
    pairs : mapping of (str, str) to LinkageResult
        For every two parties that were compared, by name, what was found between them.
    parted : mapping of (str, str) to Edges
        Links that the clusters do not honour: their ends are in different clusters.
    probability : ndarray of float64, shape (n,)
        For each record of `clusters` how sure its place is: the probability of its best link
        into the cluster.  NaN for records that are alone, and where it is not known.
    fingerprint : str
        SHA-256 of the agreement.
    provenance : Provenance
        What made the clusters.

    Raises
    ------
    DataError
        If there is not one column of ids for each party, or not a probability for each record.
    """

    clusters: Clusters
    record_ids: tuple[Ids, ...]
    pairs: Mapping[Pair, LinkageResult]
    parted: Mapping[Pair, Edges]
    probability: Scores
    fingerprint: str
    provenance: Provenance

    def __post_init__(self) -> None:
        if len(self.record_ids) != len(self.clusters.names):
            raise DataError("clusters: wanted a column of ids for each party", code="clusters")
        if self.probability.shape != (len(self.clusters),):
            raise DataError("clusters: wanted a probability for each record", code="clusters")
        frozen(self.probability)
        for name in ("pairs", "parted"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def n_linked(self) -> int:
        """Number of records that are not alone."""
        return int((self.clusters.sizes()[self.clusters.label] > 1).sum())

    @property
    def n_parted(self) -> int:
        """Number of links that the clusters do not honour."""
        return sum(len(edges) for edges in self.parted.values())

    def sizes(self) -> dict[int, int]:
        """Count the clusters of each size."""
        size, count = np.unique(self.clusters.sizes(), return_counts=True)
        return dict(zip(size.tolist(), count.tolist(), strict=True))

    def columns(self, *, linked: bool = False) -> tuple[list[int], list[str], list[str]]:
        """Give cluster, source and record id of each record, in the order of these numbers.

        Parameters
        ----------
        linked : bool
            Leave out the records that are alone.
        """
        clusters = self.clusters
        order = np.lexsort((clusters.row, clusters.party, clusters.label))
        if linked:
            order = order[clusters.sizes()[clusters.label[order]] > 1]
        sources = [clusters.names[code] for code in clusters.party[order].tolist()]
        parties, rows = clusters.party[order], clusters.row[order]
        ids = np.empty(order.size, dtype=object)
        for party, held in enumerate(self.record_ids):
            mine = parties == party
            ids[mine] = texts(held[rows[mine]])
        return clusters.label[order].tolist(), sources, ids.tolist()

    def to_pandas(self) -> "pd.DataFrame":
        """Give a pandas frame of all records: cluster, source, record_id."""
        import pandas as pd

        return pd.DataFrame(dict(zip(("cluster", "source", "record_id"), self.columns(), strict=True)))

    def to_arrow(self) -> "pa.Table":
        """Give an Arrow table of all records: cluster, source, record_id."""
        import pyarrow as pa

        return pa.table(dict(zip(("cluster", "source", "record_id"), self.columns(), strict=True)))

    def __repr__(self) -> str:
        counts = f"{len(self.clusters)} records, {self.clusters.n_clusters} clusters"
        return f"ClusterResult({len(self.record_ids)} parties, {counts}, {self.n_linked} records linked)"

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{size}</td><td>{count}</td></tr>" for size, count in self.sizes().items())
        names = escape(", ".join(self.clusters.names))
        return f"<table><caption>{names}</caption><tr><th>records</th><th>clusters</th></tr>{rows}</table>"


def all_once(cardinality: Cardinality) -> bool:
    """Say whether each of several sources holds each person once.

    Raises
    ------
    UsageError
        If that differs between the left and the right, which several parties do not have.

    Examples
    --------
    >>> all_once("one-to-one"), all_once("many-to-many")
    (True, False)
    """
    left, right = ONE_PARTNER[cardinality]
    if left != right:
        raise UsageError(
            f"cardinality: {cardinality} is between a left and a right source, and here are several",
            code="cardinality",
            hint="agree on one-to-one or many-to-many, or link the parties two by two",
        )
    return left


def edges_of(left_party: int, right_party: int, links: Links) -> Edges:
    """Take links for edges; one without a probability for likely."""
    probability = np.where(np.isnan(links.probability), UNKNOWN, links.probability)
    return Edges(left_party, right_party, links.left.copy(), links.right.copy(), probability)


def clusters_of_links(names: Pair, datasets: tuple[EncodedDataset, EncodedDataset], links: Links) -> Clusters:
    """Put the records of two parties into clusters: every link is honoured.

    Parameters
    ----------
    names : tuple of str
        Names of the left and the right party.
    datasets : tuple of EncodedDataset
        What was linked.
    links : Links
        The links between them.
    """
    certain = Edges(0, 1, links.left.copy(), links.right.copy(), np.ones(len(links)))
    return cluster(
        names,
        [len(dataset) for dataset in datasets],
        [certain],
        deduplicated=(links.right_once, links.left_once),
        include=[dataset.real for dataset in datasets],
        penalty=0.0,
    )


def clustered(
    names: Sequence[str],
    datasets: Sequence[EncodedDataset],
    pairs: Mapping[Pair, LinkageResult],
    *,
    once: bool,
) -> ClusterResult:
    """Put the links of every two parties together to clusters.

    Parameters
    ----------
    names : sequence of str
        Names of the parties.
    datasets : sequence of EncodedDataset
        Their records.  Decoys are in no cluster.
    pairs : mapping of (str, str) to LinkageResult
        Links by the names of the two; of one party with itself under its name twice.
    once : bool
        Whether each party holds each person once.
    """
    number = {name: place for place, name in enumerate(names)}
    edges = [edges_of(number[one], number[two], result.links) for (one, two), result in pairs.items()]
    clusters = cluster(
        names,
        [len(dataset) for dataset in datasets],
        edges,
        deduplicated=[once] * len(names),
        include=[dataset.real for dataset in datasets],
        penalty=PENALTY if once else REPEATING,
    )
    return result_of(clusters, datasets, pairs, edges)


def result_of(
    clusters: Clusters,
    datasets: Sequence[EncodedDataset],
    pairs: Mapping[Pair, LinkageResult],
    edges: Sequence[Edges],
) -> ClusterResult:
    """Say what clusters make of links."""
    return ClusterResult(
        clusters=clusters,
        record_ids=tuple(dataset.record_ids for dataset in datasets),
        pairs=pairs,
        parted=dict(zip(pairs, parted(clusters, edges), strict=True)),
        probability=sureness(clusters, pairs),
        fingerprint=datasets[0].fingerprint,
        provenance=Provenance.current(),
    )


def sureness(clusters: Clusters, pairs: Mapping[Pair, LinkageResult]) -> Scores:
    """Give each record of clusters the probability of its best link into its cluster; NaN without one."""
    number = {name: place for place, name in enumerate(clusters.names)}
    best = [np.full(_n_rows(clusters, party), math.nan) for party in range(len(clusters.names))]
    for (one, two), result in pairs.items():
        links = result.links
        kept = honoured(clusters, number[one], links.left, number[two], links.right)
        for name, rows in ((one, links.left), (two, links.right)):
            np.fmax.at(best[number[name]], rows[kept], links.probability[kept])
    found = np.full(len(clusters), math.nan)
    for party, held in enumerate(best):
        mine = clusters.party == party
        found[mine] = held[clusters.row[mine]]
    return found


def honoured(clusters: Clusters, left_party: int, left: Rows, right_party: int, right: Rows) -> Mask:
    """Say which pairs of real records are in one cluster."""
    one = clusters.labels_of(left_party, _n_rows(clusters, left_party))[left]
    two = clusters.labels_of(right_party, _n_rows(clusters, right_party))[right]
    together: Mask = one == two
    return together


def _n_rows(clusters: Clusters, party: int) -> int:
    return 1 + int(clusters.row.max(initial=-1, where=clusters.party == party))
