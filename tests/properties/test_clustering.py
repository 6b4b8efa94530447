"""Clustering of simulated parties: how near it comes to the truth."""

import numpy as np
import pytest

from pprl.linkage.clustering import Edges, cluster, pairs_of

NAMES = ["a", "b", "c", "d", "e"]


def simulated(seed, n_people=700, n_parties=5, n_held=500):
    """Five parties with some of the same people, and edges as a linkage would find them.

    One record in ten lacks fields: its pairs are found half as often and with less
    probability.  Each record looks like a relative's at every other party now and then.
    """
    rng = np.random.default_rng(seed)
    held = [rng.permutation(n_people)[:n_held] for _ in range(n_parties)]
    poor = [rng.random(n_held) < 0.1 for _ in range(n_parties)]
    relative = rng.permutation(n_people)
    tables = []
    for a in range(n_parties):
        for b in range(a + 1, n_parties):
            row = np.full(n_people, -1)
            row[held[b]] = np.arange(n_held)
            pairs = {}
            for x, person in enumerate(held[a]):
                y, z = row[person], row[relative[person]]
                weak = poor[a][x] or (y >= 0 and poor[b][y])
                if y >= 0 and rng.random() < (0.45 if weak else 0.92):
                    pairs[x, int(y)] = rng.beta(6, 2) if weak else rng.beta(30, 1)
                if z >= 0 and rng.random() < 0.15:
                    pairs.setdefault((x, int(z)), rng.beta(3, 2))
            left, right = (np.array(column) for column in zip(*pairs, strict=True))
            tables.append(Edges(a, b, left, right, np.array(list(pairs.values()))))
    return held, tables


def f1(held, clusters):
    """Measure the pairs within clusters against the truth."""
    n_held = [people.size for people in held]
    party_a, row_a, party_b, row_b = pairs_of(clusters)
    people = np.concatenate(held)
    starts = np.cumsum([0, *n_held])
    right = int((people[starts[party_a] + row_a] == people[starts[party_b] + row_b]).sum())
    counts = np.bincount(people)
    return 2 * right / (party_a.size + int((counts * (counts - 1) // 2).sum()))


def likely(one):
    """Give the edges of a table that are more likely than not, as if they were sure."""
    kept = one.probability >= 0.5
    return Edges(one.left_party, one.right_party, one.left[kept], one.right[kept], np.ones(int(kept.sum())))


def plain_components(held, tables):
    """Cluster with components alone: nothing is split, nothing weighed."""
    n_records = [people.size for people in held]
    return cluster(
        NAMES, n_records, [likely(one) for one in tables], deduplicated=[False] * len(held), penalty=0.0
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_clusters_are_better_than_components(seed):
    """Five parties of 500 records, relatives who look alike, poor records."""
    held, tables = simulated(seed)
    found = cluster(NAMES, [500] * 5, tables, deduplicated=[True] * 5)

    assert f1(held, found) > 0.93
    assert f1(held, found) > f1(held, plain_components(held, tables)) + 0.1
