"""
Clusters against a known truth, as the pairs of records that they hold together.

A cluster of n records holds n (n - 1) / 2 pairs.  Pairs that two partitions share are
counted in the table of which cluster meets which person, so no pair is ever listed
(Hubert & Arabie 1985, Journal of Classification 2).
"""

import numpy as np

from pprl.errors import UsageError
from pprl.evaluation.quality import LinkageQuality
from pprl.model.arrays import Rows


def cluster_quality(cluster: Rows, person: Rows) -> LinkageQuality:
    """Count the pairs of records in one cluster that are one person.

    Parameters
    ----------
    cluster, person : ndarray of int64, shape (n,)
        For each record its cluster, and who it is.  Numbers may have gaps.

    Raises
    ------
    UsageError
        If columns differ in length.

    Examples
    --------
    >>> cluster_quality(np.array([0, 0, 0, 1]), np.array([7, 7, 8, 8]))
    LinkageQuality(true_positives=1, false_positives=2, false_negatives=1)
    """
    if cluster.shape != person.shape or cluster.ndim != 1:
        raise UsageError("clusters: wanted a cluster and a person for each record", code="clusters")
    _, clusters = np.unique(cluster, return_inverse=True)
    known, people = np.unique(person, return_inverse=True)
    both = _n_pairs(clusters * known.size + people)
    return LinkageQuality(both, _n_pairs(clusters) - both, _n_pairs(people) - both)


def cluster_quality_by_pairs(cluster: Rows, left: Rows, right: Rows) -> LinkageQuality:
    """Count the pairs of records in one cluster against true pairs that are listed.

    Parameters
    ----------
    cluster : ndarray of int64, shape (n,)
        For each record its cluster.
    left, right : ndarray of int64, shape (m,)
        True pairs, as rows of `cluster`.  Either may come first; one that occurs twice
        counts once, and a record with itself is none.

    Examples
    --------
    >>> cluster_quality_by_pairs(np.array([0, 0, 1]), np.array([0, 1]), np.array([1, 2]))
    LinkageQuality(true_positives=1, false_positives=0, false_negatives=1)
    """
    n_records = max(1, cluster.size)
    pairs = np.unique((np.minimum(left, right) * n_records + np.maximum(left, right))[left != right])
    one, other = np.divmod(pairs, n_records)
    both = int((cluster[one] == cluster[other]).sum())
    return LinkageQuality(both, _n_pairs(cluster) - both, pairs.size - both)


def _n_pairs(labels: Rows) -> int:
    _, sizes = np.unique(labels, return_counts=True)
    return int((sizes * (sizes - 1) // 2).sum())
