"""Linkage keys: every record has one, and only the crosswalk joins them."""

import hashlib
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import DataError, ResourceError, UsageError
from pprl.linkage import linkagekeys
from pprl.linkage.linkagekeys import Crosswalk, RecordKeys, assign_record_keys, tightened
from pprl.model import Clusters


def made(records, names=("a", "b")):
    """Clusters of (party, row, label)."""
    party, row, label = (np.array(column) for column in zip(*records, strict=True))
    return Clusters(names, party.astype(np.int32), row, label, (False,) * len(names))


def linked(n: int = 50) -> Clusters:
    """Two parties of n records, each record with its double."""
    return made([(party, row, row) for party in (0, 1) for row in range(n)])


@st.composite
def partitions(draw):
    """Any partition of some records of three parties, rows in any order and with gaps."""
    records = draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), min_size=1, max_size=40, unique=True)
    )
    raw = draw(st.lists(st.integers(0, 9), min_size=len(records), max_size=len(records)))
    dense = {label: place for place, label in enumerate(sorted(set(raw)))}
    return made([(*one, dense[label]) for one, label in zip(records, raw, strict=True)], ("a", "b", "c"))


@given(partitions())
def test_the_crosswalk_is_the_partition_and_every_record_has_one_key(clusters):
    """Pairs of keys have one person exactly where their records are in one cluster."""
    keys, crosswalk = assign_record_keys(clusters)

    record_of = {
        key: (party, row)
        for party, one in enumerate(keys)
        for row, key in zip(one.row.tolist(), one.linkage_key.tolist(), strict=True)
    }
    label_of = dict(
        zip(
            zip(clusters.party.tolist(), clusters.row.tolist(), strict=True),
            clusters.label.tolist(),
            strict=True,
        )
    )
    assert set(label_of) == set(record_of.values())
    assert set(record_of) == set(crosswalk.linkage_key.tolist())
    entries = list(
        zip(crosswalk.linkage_key.tolist(), crosswalk.person.tolist(), crosswalk.source.tolist(), strict=True)
    )
    for key, _, source in entries:
        assert record_of[key][0] == source
    for (one, person, _), (other, same, _) in itertools.combinations(entries, 2):
        assert (label_of[record_of[one]] == label_of[record_of[other]]) == (person == same)


def test_without_the_crosswalk_no_key_joins_another():
    """Neither the keys of two custodians, nor the keys and the persons, have a value in common."""
    (left, right), crosswalk = assign_record_keys(linked())

    assert set() == set(left.linkage_key.tolist()) & set(right.linkage_key.tolist())
    assert set() == set(crosswalk.person.tolist()) & set(crosswalk.linkage_key.tolist())


def test_keys_have_one_length_and_a_record_alone_has_such_a_key_too():
    """128 bits as 32 hexadecimal digits."""
    clusters = made([(0, 0, 0), (1, 0, 0), (0, 1, 1), (1, 1, 2)])

    keys, crosswalk = assign_record_keys(clusters)

    written = [*crosswalk.linkage_key.tolist(), *crosswalk.person.tolist()]
    assert {32} == {len(value) for value in written}
    assert all(set(value) <= set(b"0123456789abcdef") for value in written)
    assert [2, 2] == [len(one) for one in keys]


def test_keys_are_new_in_every_linkage():
    """Nothing is derived: the same records get other keys."""
    once, again = assign_record_keys(linked())[1], assign_record_keys(linked())[1]

    assert set() == set(once.linkage_key.tolist()) & set(again.linkage_key.tolist())
    assert set() == set(once.person.tolist()) & set(again.person.tolist())


def test_every_bit_of_a_key_is_a_fair_coin():
    """Of 4,000 keys each bit is set in half, within six standard deviations."""
    (left, _), _ = assign_record_keys(linked(4000))

    octets = np.frombuffer(bytes.fromhex(b"".join(left.linkage_key.tolist()).decode()), dtype=np.uint8)
    share = np.unpackbits(octets.reshape(-1, 16), axis=1).mean(axis=0)
    assert np.abs(share - 0.5).max() < 6 * 0.5 / 4000**0.5


def test_a_decoy_has_no_key():
    """Rows that are in no cluster are not among the rows with keys."""
    clusters = made([(0, 0, 0), (0, 2, 1), (1, 1, 0)])

    keys, crosswalk = assign_record_keys(clusters)

    assert [[0, 2], [1]] == [one.row.tolist() for one in keys]
    assert 3 == len(crosswalk)


def test_a_party_without_records_has_no_keys():
    """And no row in the crosswalk."""
    keys, crosswalk = assign_record_keys(made([(0, 0, 0)]))

    assert [1, 0] == [len(one) for one in keys]
    assert [0] == crosswalk.source.tolist()


def test_no_records_at_all_is_no_mistake():
    """Two empty packages."""
    nothing = np.zeros(0, dtype=np.int64)

    keys, crosswalk = assign_record_keys(
        Clusters(("a", "b"), nothing.astype(np.int32), nothing, nothing, (True, True))
    )

    assert ([0, 0], 0) == ([len(one) for one in keys], len(crosswalk))


def test_the_order_of_the_crosswalk_says_nothing_that_its_rows_do_not():
    """However the records came, the rows are sorted by what they hold; persons are random."""
    _, crosswalk = assign_record_keys(linked())

    rows = list(
        zip(crosswalk.person.tolist(), crosswalk.source.tolist(), crosswalk.linkage_key.tolist(), strict=True)
    )
    assert sorted(rows) == rows


def test_people_who_were_linked_do_not_come_first():
    """The mean place of linked records in the crosswalk is that of a random order: a permutation test."""
    n = 2000
    alone = [(0, row, row) for row in range(n)]
    pairs = [(party, row, row) for party in (0, 1) for row in range(n, 2 * n)]

    _, crosswalk = assign_record_keys(made(alone + pairs))

    _, inverse, counts = np.unique(crosswalk.person, return_inverse=True, return_counts=True)
    is_alone = counts[inverse] == 1
    generator = np.random.default_rng(7)
    people = counts.size
    by_chance = [generator.permutation(people)[:n].mean() for _ in range(200)]
    found = inverse[is_alone].mean()
    assert abs(found - np.mean(by_chance)) < 6 * np.std(by_chance)


def test_a_probability_is_of_a_record_and_only_of_one_that_is_not_alone():
    """It follows its record into the order of the crosswalk."""
    clusters = made([(0, 0, 0), (1, 0, 0), (0, 1, 1)])
    given_ = np.array([0.7, 0.9, 0.8])

    keys, crosswalk = assign_record_keys(clusters, probability=given_)

    found = dict(zip(crosswalk.linkage_key.tolist(), crosswalk.probability.tolist(), strict=True))
    assert [0.7, 0.9] == [found[keys[0].linkage_key[0]], found[keys[1].linkage_key[0]]]
    assert np.isnan(found[keys[0].linkage_key[1]])


@pytest.mark.parametrize("probability", [[0.5], [0.5, 1.5], [-0.1, 0.5]])
def test_probabilities_that_are_none_are_refused(probability):
    """Too few, above 1, below 0."""
    with pytest.raises(DataError, match="probabilit"):
        assign_record_keys(made([(0, 0, 0), (1, 0, 0)]), probability=np.array(probability))


def test_without_randomness_there_are_no_keys(monkeypatch):
    """Nothing weaker takes its place."""

    def refuse(_n):
        raise NotImplementedError

    monkeypatch.setattr(linkagekeys.os, "urandom", refuse)

    with pytest.raises(ResourceError) as caught:
        assign_record_keys(linked())

    assert "resource/no-randomness" == caught.value.code


def test_a_generator_that_repeats_is_noticed(monkeypatch):
    """As that of a copied virtual machine might."""
    monkeypatch.setattr(linkagekeys.os, "urandom", bytes)

    with pytest.raises(DataError, match="a linkage key occurs twice"):
        assign_record_keys(linked())


def slow_tightened(crosswalk: Crosswalk, at_least: float) -> dict[bytes, bytes]:
    """The person of each key: a record that is not sure enough has one of its own."""
    rows = zip(
        crosswalk.person.tolist(), crosswalk.linkage_key.tolist(), crosswalk.probability.tolist(), strict=True
    )
    return {
        key: hashlib.sha256(person + key).hexdigest()[:32].encode() if share < at_least else person
        for person, key, share in rows
    }


@given(partitions(), st.data())
def test_a_tighter_crosswalk_equals_its_slow_twin(clusters, data):
    """Records below the probability stand alone; the others stay together."""
    shares = data.draw(st.lists(st.floats(0, 1), min_size=len(clusters), max_size=len(clusters)))
    at_least = data.draw(st.floats(0, 1))
    _, crosswalk = assign_record_keys(clusters, probability=np.array(shares))

    tight = tightened(crosswalk, at_least=at_least)

    assert slow_tightened(crosswalk, at_least) == dict(
        zip(tight.linkage_key.tolist(), tight.person.tolist(), strict=True)
    )


def test_a_crosswalk_without_probabilities_cannot_be_tightened():
    """To keep all, or none, would be a guess."""
    _, crosswalk = assign_record_keys(linked())

    with pytest.raises(DataError) as caught:
        tightened(crosswalk, at_least=0.5)

    assert "data/no-probability" == caught.value.code
    assert "100 records" in caught.value.message


@pytest.mark.parametrize("at_least", [-0.1, 1.1, float("nan")])
def test_the_least_probability_is_one(at_least):
    """From 0 to 1."""
    _, crosswalk = assign_record_keys(made([(0, 0, 0)]))

    with pytest.raises(UsageError):
        tightened(crosswalk, at_least=at_least)


def test_what_is_shown_of_keys_are_counts():
    """Also where an error prints its objects."""
    keys, crosswalk = assign_record_keys(linked(3))

    shown = repr((keys, crosswalk))

    assert "((RecordKeys(3 records), RecordKeys(3 records)), Crosswalk(6 records of 2 sources))" == shown
    assert not any(key.decode() in shown for key in crosswalk.linkage_key.tolist())


KEY = b"0f" * 16


@pytest.mark.parametrize(
    ("row", "key"),
    [([0, 1], [KEY]), ([1, 0], [KEY, b"1f" * 16]), ([0, 1], [KEY, KEY]), ([0], [b"0f"])],
    ids=["lengths", "order", "twice", "short"],
)
def test_record_keys_are_checked_once_when_made(row, key):
    """Lengths, order, each key once and of 32 digits."""
    with pytest.raises(DataError, match="record keys: "):
        RecordKeys("a", np.array(row), np.array(key))


def test_a_crosswalk_is_checked_once_when_made():
    """Sources that there are, and names that differ."""
    one = (np.array([KEY]), np.array([1], dtype=np.int32), np.array([KEY]), np.array([np.nan]))

    for sources in (("a",), ("a", "a")):
        with pytest.raises(DataError, match="crosswalk: "):
            Crosswalk(sources, *(column.copy() for column in one))
