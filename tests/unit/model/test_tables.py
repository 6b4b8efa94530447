"""Columns, encoded datasets, pairs and links keep their promises."""

import dataclasses

import numpy as np
import pytest

from pprl.errors import DataError, PolicyError
from pprl.model import BitMatrix, CheckTags, EncodedDataset, Links, Provenance, ScoredPairs, TextColumn

TAGS = np.array([[7, 0, 9], [0, 0, 0]], dtype=np.uint32)  # of three tables


def dataset(**changes) -> EncodedDataset:
    """Two records, of which the second is absent from the pass."""
    parts = {
        "record_ids": np.array([b"r1", b"r2"]),
        "passes": {"all": BitMatrix.from_bools(np.array([[1, 0, 1], [0, 0, 0]]))},
        "present": {"all": np.array([True, False])},
        "project": "study",
        "epoch": 1,
        "fingerprint": "0" * 64,
        "check_tags": CheckTags(key="a" * 32, encoder="b" * 32),
        "provenance": Provenance(software="test 1", unicode_version="14.0.0"),
    }
    return EncodedDataset(**(parts | changes))


def test_a_column_maps_each_distinct_value_once():
    """Missing stays missing, and values that become equal become one."""
    seen = []

    def upper(value: str) -> str | None:
        seen.append(value)
        return value.upper() or None

    column = TextColumn.from_texts(["a", "A", None, "a", ""]).map(upper)

    assert ["A", "A", None, "A", None] == column.to_texts()
    assert ["a", "A", ""] == seen
    assert ("A",) == column.values


def test_a_code_without_a_value_is_refused():
    """Codes index the values."""
    with pytest.raises(DataError):
        TextColumn(np.array([1], dtype=np.int32), ("a",))


@pytest.mark.parametrize(
    "changes",
    [
        {"record_ids": np.array([b"r1", b"r1"])},
        {"record_ids": np.array([b"r1", b""])},
        {"record_ids": np.array([b"r1"])},
        {"record_ids": np.array([b"r1", b"r\n"])},
        {"record_ids": np.array([b"r1", b"r" * 65])},
        {"present": {"all": np.array([False, False])}},
        {"present": {"other": np.array([True, False])}},
        {"present": {"all": np.array([True])}},
        {"fingerprint": "0" * 63},
        {"tags": {"other": TAGS}},
        {"tags": {"all": TAGS[:1]}},
        {"tags": {"all": TAGS[:, :0]}},
        {"tags": {"all": TAGS[:, 0]}},
        {"tags": {"all": TAGS.astype(np.uint64)}},
        {"tags": {"all": TAGS[::-1]}},
        {"tags": {"all": np.zeros((2, 257), dtype=np.uint32)}},
    ],
)
def test_a_dataset_that_contradicts_itself_is_refused(changes):
    """Bad ids; passes that differ; bits and tags of absent records; tags of another shape."""
    with pytest.raises(DataError):
        dataset(**changes)


def test_a_dataset_shows_counts_only():
    """Neither ids nor bits."""
    assert "EncodedDataset(2 records, 1 passes)" == repr(dataset())
    assert "r1" not in dataset()._repr_html_()


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"project": "other"}, "project"),
        ({"epoch": 2}, "epoch"),
        ({"fingerprint": "1" * 64}, "fingerprint"),
        ({"check_tags": CheckTags(key="0" * 32, encoder="b" * 32)}, "key tag"),
        ({"check_tags": CheckTags(key="a" * 32, encoder="0" * 32)}, "encoder tag"),
    ],
)
def test_datasets_that_do_not_fit_are_refused_by_name(changes, check):
    """The message names the check that failed."""
    with pytest.raises(PolicyError, match=check):
        dataset().require_same_agreement(dataset(**changes))


@pytest.mark.parametrize("tags", [{}, {"all": TAGS[:, :2].copy()}])
def test_datasets_with_other_tables_are_refused(tags):
    """Somebody has cut the tags off; the fingerprint cannot tell."""
    with pytest.raises(PolicyError, match="number of block tags differs") as caught:
        dataset(tags={"all": TAGS}).require_same_agreement(dataset(tags=tags))

    assert "policy/different-tags" == caught.value.code
    dataset(tags={"all": TAGS}).require_same_agreement(dataset(tags={"all": TAGS}))


def test_a_dataset_has_tags_where_there_are_rules():
    """In the order of the passes, contiguous and read-only; by default there are none."""
    bits = BitMatrix.from_bools(np.zeros((2, 64), dtype=bool))
    names = ("all", "none", "more")
    made = dataset(
        passes=dict.fromkeys(names, bits),
        present=dict.fromkeys(names, np.array([True, False])),
        tags={"more": np.asfortranarray(TAGS), "all": TAGS[:, :1]},
    )

    assert {"all": 1, "more": 3} == made.n_tables()
    assert ["all", "more"] == list(made.tags)
    assert TAGS.tolist() == made.tags["more"].tolist()
    assert all(tags.flags.c_contiguous and not tags.flags.writeable for tags in made.tags.values())
    assert {} == dataset().n_tables()
    with pytest.raises(TypeError):
        made.tags["none"] = TAGS


def test_a_dataset_cannot_be_changed():
    """Neither its parts nor its arrays."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        dataset().epoch = 2
    with pytest.raises(TypeError):
        dataset().passes["more"] = None
    with pytest.raises(ValueError, match="read-only"):
        dataset().present["all"][0] = False


def test_pairs_out_of_order_are_refused():
    """Score down, left up, right up; each pair once."""
    one, two = np.array([0, 1]), np.array([5, 5])

    for left, score in (([1, 0], [0.5, 0.5]), ([0, 1], [0.5, 0.6]), ([0, 0], [0.5, 0.5])):
        with pytest.raises(DataError):
            ScoredPairs(np.array(left), two, one.astype(np.int32), np.array(score))


def test_a_record_is_linked_once():
    """One-to-one, on both sides, unless it is said that a side may hold a person several times."""
    ids = np.array([b"a", b"b"])
    rows, same = np.array([0, 1]), np.array([1, 1])

    for left, right in ((rows, same), (same, rows)):
        with pytest.raises(DataError):
            Links(left, right, ids, ids, np.array([1.0, 1.0]), ("p", "p"), np.array([0.9, 0.9]))

    links = Links(
        rows, same, ids, ids, np.array([1.0, 1.0]), ("p", "p"), np.array([0.9, 0.9]), right_once=False
    )
    assert 2 == len(links)


def test_links_become_frames():
    """With the columns that links.csv has."""
    ids = np.array([b"a", "ö".encode()])
    links = Links(
        np.array([0, 1]), np.array([1, 0]), ids, ids, np.array([1.0, 0.5]), ("p", "q"), np.array([0.9, 0.4])
    )

    frame = links.to_pandas()

    assert ["left_id", "right_id", "probability", "decided_by", "score"] == list(frame.columns)
    assert ["a", "ö"] == frame["left_id"].tolist()
    assert links.to_arrow().to_pylist() == frame.to_dict(orient="records")
