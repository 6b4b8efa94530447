"""Clusters against a known truth: counted through a table, equal to listing every pair."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import DataError, UsageError
from pprl.evaluation import LinkageQuality, cluster_quality, cluster_quality_by_pairs, linkage_quality
from pprl.workflow import evaluate_clusters

labellings = st.lists(st.tuples(st.integers(-3, 5), st.integers(-3, 5)), max_size=25)


def in_one(labels):
    """Every pair of records with one label, listed."""
    return [(i, j) for i, j in combinations(range(len(labels)), 2) if labels[i] == labels[j]]


def table(**columns):
    return pd.DataFrame(columns, dtype="str")


CLUSTERS = table(
    cluster=["0", "0", "0", "1", "1"], source=["x", "y", "z", "x", "y"], record_id=["1", "1", "1", "2", "2"]
)
PEOPLE = table(
    person=["p", "p", "q", "r", "r"], source=["x", "y", "z", "x", "y"], record_id=["1", "1", "1", "2", "2"]
)


@given(labellings)
def test_counting_equals_listing_every_pair(labels):
    """With people, and with their pairs listed in any order, some twice."""
    cluster, person = ([pair[side] for pair in labels] for side in (0, 1))
    listed = linkage_quality(in_one(cluster), in_one(person))
    left, right = (np.array([p[k] for p in in_one(person)] * 2, dtype=np.int64) for k in (1, 0))

    assert listed == cluster_quality(np.array(cluster, dtype=np.int64), np.array(person, dtype=np.int64))
    assert listed == cluster_quality_by_pairs(np.array(cluster, dtype=np.int64), left, right)


@given(labellings, st.randoms(use_true_random=False))
def test_tables_in_any_order_and_incomplete(labels, rng):
    """Who is not in one of the two tables is alone there."""
    rows = [(f"s{k % 3}", str(k // 3), *pair) for k, pair in enumerate(labels)]
    found, true = ([row for row in rows if rng.random() < 0.8] for _ in range(2))
    rng.shuffle(found)
    if not {row[:2] for row in found} & {row[:2] for row in true}:
        return
    pairs = (
        [(a[:2], b[:2]) for a, b in combinations(sorted(table), 2) if a[label] == b[label]]
        for table, label in ((found, 2), (true, 3))
    )
    first = pd.DataFrame([(s, i, str(c)) for s, i, c, _ in found], columns=["source", "record_id", "cluster"])
    second = pd.DataFrame(
        [(s, i, str(p)) for s, i, _, p in true], columns=["party", "record_id", "person_id"]
    )

    assert linkage_quality(*map(sorted_pairs, pairs)) == evaluate_clusters(first, second)


def sorted_pairs(pairs):
    return [("/".join(a), "/".join(b)) for a, b in map(sorted, pairs)]


def test_people_and_pairs_say_the_same():
    """With sources, and without where no two have an id in common."""
    pairs = table(left_source=["y", "x"], left_id=["1", "2"], right_source=["x", "y"], right_id=["1", "2"])
    alone = CLUSTERS.assign(record_id=CLUSTERS["source"] + CLUSTERS["record_id"])
    bare = table(left_id=["x1", "x2"], right_id=["y1", "y2"])

    assert LinkageQuality(2, 2, 0) == evaluate_clusters(CLUSTERS, PEOPLE)
    assert LinkageQuality(2, 2, 0) == evaluate_clusters(CLUSTERS, pairs)
    assert LinkageQuality(2, 2, 0) == evaluate_clusters(alone, bare)


def test_a_file_without_sources_is_about_one_and_has_its_name(tmp_path):
    """As `pprl synthesise` writes them."""
    CLUSTERS.to_csv(tmp_path / "clusters.csv", index=False)
    for name, some in PEOPLE.rename(columns={"person": "person_id"}).groupby("source"):
        some.drop(columns="source").to_csv(tmp_path / f"{name}.csv", index=False)

    files = [tmp_path / f"{name}.csv" for name in "xyz"]

    assert evaluate_clusters(CLUSTERS, PEOPLE) == evaluate_clusters(tmp_path / "clusters.csv", files)


@pytest.mark.parametrize(
    ("clusters", "truth", "code"),
    [
        (CLUSTERS.drop(columns="cluster"), PEOPLE, "no-column"),
        (CLUSTERS.drop(columns="source"), PEOPLE, "no-column"),
        (CLUSTERS, PEOPLE.drop(columns="record_id"), "no-column"),
        (pd.concat([CLUSTERS, CLUSTERS[:1].assign(cluster="7")]), PEOPLE, "duplicate-id"),
        (CLUSTERS, pd.concat([PEOPLE, PEOPLE[:1].assign(person="s")]), "duplicate-id"),
        (CLUSTERS, PEOPLE.assign(source="w" + PEOPLE["source"]), "unknown-id"),
        (CLUSTERS, PEOPLE.assign(person=""), "gap"),
        (CLUSTERS, table(left_id=["1"], right_id=["2"]), "duplicate-id"),
    ],
)
def test_bad_tables_are_refused(clusters, truth, code):
    """By a code, and without an id."""
    with pytest.raises(DataError) as caught:
        evaluate_clusters(clusters, truth)
    assert f"data/{code}" == caught.value.code


def test_people_and_pairs_do_not_mix():
    """One kind of truth at a time, and tables only."""
    with pytest.raises(UsageError):
        evaluate_clusters(CLUSTERS, [PEOPLE, table(left_id=["1"], right_id=["2"])])
    with pytest.raises(UsageError):
        evaluate_clusters(CLUSTERS, [("a", "b")])
    with pytest.raises(UsageError):
        cluster_quality(np.zeros(2, dtype=np.int64), np.zeros(3, dtype=np.int64))


def test_empty_tables_hold_no_pairs():
    """Nothing was found, nothing is true."""
    assert LinkageQuality(0, 0, 0) == evaluate_clusters(CLUSTERS[:0], PEOPLE[:0])
    assert LinkageQuality(0, 0, 2) == evaluate_clusters(CLUSTERS[:0], PEOPLE)
    assert LinkageQuality(0, 4, 0) == evaluate_clusters(CLUSTERS, PEOPLE[:0])
