"""Clusters: a partition of the records of several parties."""

import numpy as np
import pytest

from pprl.errors import DataError
from pprl.model import Clusters


def made(party, row, label, *, names=("a", "b"), deduplicated=(True, True)):
    return Clusters(names, np.array(party, dtype=np.int32), np.array(row), np.array(label), deduplicated)


def test_labels_come_in_the_order_of_rows():
    """A record that is in no cluster has -1."""
    clusters = made([0, 0, 1], [2, 0, 0], [0, 1, 1])

    assert clusters.labels_of(0, 4).tolist() == [1, -1, 0, -1]
    assert clusters.sizes().tolist() == [1, 2]


@pytest.mark.parametrize(
    ("party", "row", "label"),
    [
        ([0, 0], [1, 1], [0, 1]),
        ([0, 0], [0, 1], [0, 0]),
        ([0, 1], [0, 0], [0, 2]),
        ([0, 2], [0, 0], [0, 1]),
        ([0], [0, 1], [0, 1]),
    ],
    ids=["a record twice", "two of a party", "a gap", "no such party", "lengths"],
)
def test_what_is_no_partition_is_refused(party, row, label):
    """A record twice, two records of one deduplicated party, gaps in labels, unknown parties."""
    with pytest.raises(DataError, match="clusters: "):
        made(party, row, label)


def test_a_party_with_duplicates_may_have_two_records_in_a_cluster():
    """Only a deduplicated party is held to one record a person."""
    clusters = made([0, 0], [0, 1], [0, 0], deduplicated=(False, True))

    assert clusters.n_clusters == 1
