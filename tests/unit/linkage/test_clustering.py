"""Clustering: one cluster for each person, over any number of parties."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pprl.errors import DataError, UsageError
from pprl.linkage.clustering import Edges, cluster, extend, pairs_of, parted
from pprl.model import Clusters

UNIT = 1 << 20


def table(left_party, right_party, *pairs):
    """Make edges of (left, right, probability)."""
    columns = list(zip(*pairs, strict=True)) if pairs else [(), (), ()]
    left, right = (np.array(column, dtype=np.int64) for column in columns[:2])
    return Edges(left_party, right_party, left, right, np.array(columns[2], dtype=np.float64))


def named(n_parties):
    """Names for parties."""
    return [f"party {number}" for number in range(n_parties)]


def sets(clusters, *, alone=False):
    """Give the clusters as a set of sets of (party, row), without records that are alone."""
    found = {}
    for party, row, label in zip(clusters.party, clusters.row, clusters.label, strict=True):
        found.setdefault(int(label), set()).add((int(party), int(row)))
    return {frozenset(members) for members in found.values() if alone or len(members) > 1}


def evidence(probability):
    """Log-odds in whole units."""
    bounded = min(max(probability, 1e-6), 1 - 1e-6)
    return round(math.log(bounded / (1 - bounded)) * UNIT)


def clusters_by_hand(n_records, tables, deduplicated, penalty):
    """The slow twin: sets of records, and all pairs between two of them counted anew."""
    gains, compared = {}, set()
    for one in tables:
        compared |= {(one.left_party, one.right_party), (one.right_party, one.left_party)}
        for left, right, probability in zip(one.left, one.right, one.probability, strict=True):
            ends = sorted([(one.left_party, int(left)), (one.right_party, int(right))])
            gains[tuple(ends)] = (-float(probability), evidence(float(probability)))
    home = {(party, row): {(party, row)} for party, n in enumerate(n_records) for row in range(n)}

    def support(one, two):
        pairs = [tuple(sorted((a, b))) for a in one for b in two]
        missing = [p for p in pairs if p not in gains and (p[0][0], p[1][0]) in compared]
        return sum(gains[p][1] for p in pairs if p in gains) - round(penalty * UNIT) * len(missing)

    def fits(one, two):
        return not {a for a, _ in one if deduplicated[a]} & {b for b, _ in two}

    changed = True
    while changed:
        changed = False
        for (a, b), (_, gain) in sorted(gains.items(), key=lambda item: (item[1][0], item[0])):
            one, two = home[a], home[b]
            if one is not two and gain >= 0 and fits(one, two) and support(one, two) >= 0:
                union = one | two
                home.update(dict.fromkeys(union, union))
                changed = True
    return {frozenset(members) for members in home.values()}


@st.composite
def linkages(draw):
    """Small parties with edges between some of them, and within those that repeat people."""
    n_parties = draw(st.integers(1, 4))
    n_records = draw(st.lists(st.integers(0, 4), min_size=n_parties, max_size=n_parties))
    deduplicated = draw(st.lists(st.booleans(), min_size=n_parties, max_size=n_parties))
    probability = st.sampled_from([0.0, 0.2, 0.5, 0.6, 0.8, 0.9, 0.95, 0.99, 1.0])
    tables = []
    for a in range(n_parties):
        for b in range(a, n_parties):
            if (a == b and deduplicated[a]) or not draw(st.booleans()):
                continue
            cells = [(x, y) for x in range(n_records[a]) for y in range(n_records[b]) if a != b or x < y]
            chosen = draw(st.lists(st.sampled_from(cells), unique=True)) if cells else []
            tables.append(table(a, b, *[(x, y, draw(probability)) for x, y in chosen]))
    return n_records, tables, deduplicated


def clustered(linkage, **options):
    """Cluster a drawn linkage."""
    n_records, tables, deduplicated = linkage
    return cluster(named(len(n_records)), n_records, tables, deduplicated=deduplicated, **options)


@settings(max_examples=400)
@given(linkages(), st.sampled_from([0.0, 0.5, 1.0, 3.0]))
def test_clusters_equal_the_slow_twin(linkage, penalty):
    """Also where most components are told without the loop."""
    expected = clusters_by_hand(*linkage, penalty)

    assert expected == sets(clustered(linkage, penalty=penalty), alone=True)


@given(linkages(), st.randoms(use_true_random=False))
def test_the_order_of_edges_and_tables_does_not_matter(linkage, random):
    """Nor which side of a table a party is on."""
    n_records, tables, deduplicated = linkage
    shuffled = []
    for one in random.sample(tables, len(tables)):
        rows = list(zip(one.left.tolist(), one.right.tolist(), one.probability.tolist(), strict=True))
        random.shuffle(rows)
        turn = one.left_party != one.right_party and random.random() < 0.5
        if turn:
            shuffled.append(table(one.right_party, one.left_party, *[(y, x, p) for x, y, p in rows]))
        else:
            shuffled.append(table(one.left_party, one.right_party, *rows))

    expected = clustered(linkage).label.tolist()

    assert expected == clustered((n_records, shuffled, deduplicated)).label.tolist()


@settings(max_examples=50)
@given(linkages(), st.randoms(use_true_random=False))
def test_the_numbering_of_the_parties_does_not_matter(linkage, random):
    """As long as no two edges are equally likely."""
    n_records, tables, deduplicated = linkage
    n_edges = sum(map(len, tables))
    likely = iter(random.sample([(place + 1) / (n_edges + 1) for place in range(n_edges)], n_edges))
    number = random.sample(range(len(n_records)), len(n_records))
    drawn, renumbered = [], []
    for one in tables:
        rows = [(x, y, next(likely)) for x, y in zip(one.left.tolist(), one.right.tolist(), strict=True)]
        drawn.append(table(one.left_party, one.right_party, *rows))
        renumbered.append(table(number[one.left_party], number[one.right_party], *rows))
    back = np.argsort(number)
    moved = [n_records[i] for i in back], renumbered, [deduplicated[i] for i in back]
    expected = {
        frozenset((number[party], row) for party, row in members)
        for members in sets(clustered((n_records, drawn, deduplicated)))
    }

    assert expected == sets(clustered(moved))


@given(linkages())
def test_every_record_is_in_one_cluster(linkage):
    """A partition, which `Clusters` checks; numbered by first records."""
    found = clustered(linkage)

    assert sum(linkage[0]) == len(found)
    assert list(range(found.n_clusters)) == list(dict.fromkeys(found.label.tolist()))


@given(linkages(), st.data())
def test_records_that_are_left_out_change_nothing(linkage, data):
    """The clusters are those of a linkage that never had them."""
    n_records, tables, deduplicated = linkage
    include = [
        np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool) for n in n_records
    ]
    without = [
        table(
            one.left_party,
            one.right_party,
            *[
                (x, y, p)
                for x, y, p in zip(one.left, one.right, one.probability, strict=True)
                if include[one.left_party][x] and include[one.right_party][y]
            ],
        )
        for one in tables
    ]
    expected = sets(clustered((n_records, without, deduplicated)))

    found = clustered(linkage, include=include)

    assert expected == sets(found)
    assert sum(int(mask.sum()) for mask in include) == len(found)


def test_a_chain_with_a_pair_not_found_is_one_person():
    """Strong edges, and two of the four were never found with each other."""
    tables = [
        table(0, 1, (0, 0, 0.95)),
        table(1, 2, (0, 0, 0.95)),
        table(2, 3, (0, 0, 0.95)),
        table(0, 2),
        table(0, 3),
        table(1, 3),
    ]

    found = cluster(named(4), [1] * 4, tables, deduplicated=[True] * 4)

    assert {frozenset({(0, 0), (1, 0), (2, 0), (3, 0)})} == sets(found)


def test_a_weak_edge_does_not_join_two_people():
    """Two clusters of two that were compared in all four ways, and one weak edge was found."""
    tables = [
        table(0, 1, (0, 0, 0.99)),
        table(2, 3, (0, 0, 0.99)),
        table(0, 2, (0, 0, 0.6)),
        table(0, 3),
        table(1, 2),
        table(1, 3),
    ]

    found = cluster(named(4), [1] * 4, tables, deduplicated=[True] * 4)

    assert {frozenset({(0, 0), (1, 0)}), frozenset({(2, 0), (3, 0)})} == sets(found)
    assert 1 == sum(len(one) for one in parted(found, tables))


def test_the_weakest_edge_gives_way():
    """A component with two records of one party is split."""
    tables = [table(0, 1, (0, 0, 0.99), (1, 0, 0.7)), table(0, 2, (1, 0, 0.95)), table(1, 2)]

    found = cluster(named(3), [2, 1, 1], tables, deduplicated=[True] * 3)

    assert {frozenset({(0, 0), (1, 0)}), frozenset({(0, 1), (2, 0)})} == sets(found)


def test_a_party_that_repeats_people_may_be_twice_in_a_cluster():
    """De-duplication of one source."""
    found = cluster(["a"], [4], [table(0, 0, (0, 2, 0.9), (2, 3, 0.8))], deduplicated=[False])

    assert [0, 1, 0, 0] == found.label.tolist()


@given(linkages())
def test_pairs_of_clusters_are_all_pairs_within(linkage):
    """Each once, in order."""
    found = clustered(linkage)
    expected = sorted(
        (*one, *two) for members in sets(found) for one in members for two in members if one < two
    )

    assert expected == sorted(zip(*(column.tolist() for column in pairs_of(found)), strict=True))


def test_a_new_party_joins_and_old_labels_stay():
    """One record by two edges, one alone."""
    old = cluster(named(2), [2, 1], [table(0, 1, (1, 0, 0.9))], deduplicated=[True, True])
    tables = [table(2, 0, (0, 1, 0.9), (0, 0, 0.95)), table(1, 2, (0, 0, 0.9))]

    found = extend(old, "new", 2, tables, deduplicated=True)

    assert [*old.label.tolist(), 1, 2] == found.label.tolist()


def test_two_new_records_equally_good_for_a_cluster_stay_alone():
    """Twins in the new party; not so if it may hold a person twice."""
    old = cluster(["a"], [1], [], deduplicated=[True])
    twins = [table(1, 0, (0, 0, 0.9), (1, 0, 0.9))]

    once, repeating = (extend(old, "b", 2, twins, deduplicated=once) for once in (True, False))

    assert [0, 1, 2] == once.label.tolist()
    assert [0, 0, 0] == repeating.label.tolist()


def drawn_for_new(n_records, n_new, data):
    """Draw edges of a new party with some of the others."""
    probability = st.sampled_from([0.0, 0.5, 0.8, 0.9, 1.0])
    tables = []
    for party, n_old in enumerate(n_records):
        cells = [(x, y) for x in range(n_new) for y in range(n_old)]
        chosen = data.draw(st.lists(st.sampled_from(cells), unique=True)) if cells else []
        tables.append(table(len(n_records), party, *[(x, y, data.draw(probability)) for x, y in chosen]))
    return tables[: data.draw(st.integers(0, len(tables)))]


@given(linkages(), st.integers(0, 4), st.booleans(), st.data())
def test_extending_keeps_what_is_clustered(linkage, n_records, once, data):
    """Old labels stay, and `Clusters` checks the rest."""
    old = clustered(linkage)
    tables = drawn_for_new(linkage[0], n_records, data)

    found = extend(old, "new", n_records, tables, deduplicated=once)

    assert old.label.tolist() == found.label[: len(old)].tolist()
    assert len(old) + n_records == len(found)


def extended_by_hand(old, n_records, tables, penalty):
    """The slow twin, where the new party holds each person once: the best left is chosen, ties are not."""
    gains = {}
    for one in tables:
        for row, other, probability in zip(one.left, one.right, one.probability, strict=True):
            gains[int(row), (one.right_party, int(other))] = evidence(float(probability))
    compared = {one.right_party for one in tables}
    members = {label: set() for label in range(old.n_clusters)}
    for party, row, label in zip(old.party.tolist(), old.row.tolist(), old.label.tolist(), strict=True):
        members[label].add((party, row))
    support = {}
    for row in range(n_records):
        for label, records in members.items():
            known = [gains.get((row, record)) for record in records if record[0] in compared]
            total = sum(-round(penalty * UNIT) if gain is None else gain for gain in known)
            if total >= 0 and any(gain is not None for gain in known):
                support[row, label] = total
    joined = {}
    while support:
        best = max(support.values())
        now = [pair for pair, total in support.items() if total == best]
        joined.update(pair for pair in now if sum(pair[0] == r or pair[1] == c for r, c in now) == 1)
        used = [{pair[side] for pair in now} for side in (0, 1)]
        support = {p: t for p, t in support.items() if p[0] not in used[0] and p[1] not in used[1]}
    return joined


@settings(max_examples=200)
@given(linkages(), st.integers(0, 4), st.sampled_from([0.0, 0.5, 3.0]), st.data())
def test_extending_equals_the_slow_twin(linkage, n_records, penalty, data):
    """For a party that holds each person once."""
    old = clustered(linkage)
    tables = drawn_for_new(linkage[0], n_records, data)
    expected = extended_by_hand(old, n_records, tables, penalty)

    found = extend(old, "new", n_records, tables, deduplicated=True, penalty=penalty)

    labels = found.label[len(old) :].tolist()
    assert expected == {row: label for row, label in enumerate(labels) if label < old.n_clusters}


def test_a_wrong_extension_is_refused():
    """Each mistake is named."""
    old = cluster(["a", "b"], [1, 1], [], deduplicated=[True, True])
    for tables, error, code in [
        ([table(0, 1, (0, 0, 0.9))], UsageError, "usage/edges-party"),
        ([table(2, 2)], UsageError, "usage/edges-party"),
        ([table(2, 0), table(0, 2)], UsageError, "usage/edges-twice"),
        ([table(2, 0, (1, 0, 0.9))], DataError, "data/edges-row"),
        ([table(2, 0, (0, 0, 0.9), (0, 0, 0.8))], DataError, "data/edges-pair-twice"),
    ]:
        with pytest.raises(error) as raised:
            extend(old, "c", 1, tables, deduplicated=True)

        assert code == raised.value.code


def test_a_wrong_call_is_refused():
    """Each mistake is named."""
    one = table(0, 1, (0, 0, 0.9))
    for n_records, tables, deduplicated, error, code in [
        ([1], [one], [True, True], UsageError, "usage/parties"),
        ([1, 1], [table(0, 2, (0, 0, 0.9))], [True, True], UsageError, "usage/edges-party"),
        ([1, 1], [table(0, 0)], [True, True], UsageError, "usage/edges-within"),
        ([1, 1], [one, table(1, 0)], [True, True], UsageError, "usage/edges-twice"),
        ([1, 1], [table(0, 1, (0, 1, 0.9))], [True, True], DataError, "data/edges-row"),
        ([1, 1], [table(0, 1, (0, 0, 0.9), (0, 0, 0.8))], [True, True], DataError, "data/edges-pair-twice"),
    ]:
        with pytest.raises(error) as raised:
            cluster(["a", "b"], n_records, tables, deduplicated=deduplicated)

        assert code == raised.value.code


def test_edges_are_checked_when_made():
    """Probabilities, lengths, and the order within a party."""
    for wrong in [
        (0, 1, (0, 0, 1.5)),
        (0, 1, (0, 0, float("nan"))),
        (0, 0, (1, 0, 0.9)),
        (0, 0, (1, 1, 0.9)),
    ]:
        with pytest.raises(DataError):
            table(*wrong)


def test_nothing_to_cluster_gives_records_alone():
    """No edges; and no records at all."""
    assert [0, 1] == cluster(["a", "b"], [1, 1], [], deduplicated=[True, True]).label.tolist()
    assert isinstance(cluster([], [], [], deduplicated=[]), Clusters)
