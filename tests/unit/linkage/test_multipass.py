"""Several passes: the first that finds a link decides it; absent records wait for another."""

from decimal import Decimal

import numpy as np
import pytest

from pprl.errors import DataError, PolicyError
from pprl.linkage import PassRule, link_datasets
from pprl.model import BitMatrix, CheckTags, EncodedDataset, Provenance


def dataset(prefix: str, passes: dict[str, list[str]], **changes) -> EncodedDataset:
    """Make a dataset from rows of 0 and 1; an empty row is an absent record."""
    width = 8
    rows = {name: [row or "0" * width for row in texts] for name, texts in passes.items()}
    parts = {
        "record_ids": np.array([f"{prefix}{i}".encode() for i in range(len(next(iter(passes.values()))))]),
        "passes": {
            n: BitMatrix.from_bools(np.array([[c == "1" for c in r] for r in t])) for n, t in rows.items()
        },
        "present": {name: np.array([bool(row) for row in texts]) for name, texts in passes.items()},
        "project": "study",
        "epoch": 1,
        "fingerprint": "0" * 64,
        "check_tags": CheckTags(key="a" * 32, encoder="b" * 32),
        "provenance": Provenance(software="test 1", unicode_version="14.0.0"),
    }
    return EncodedDataset(**(parts | changes))


RULES = [PassRule("number", None), PassRule("names", Decimal("0.7"))]


def links(result) -> set[tuple[str, str, str]]:
    """Give (left id, right id, pass)."""
    return set(
        result.links.to_pandas()[["left_id", "right_id", "decided_by"]].itertuples(index=False, name=None)
    )


def test_the_first_pass_that_finds_a_link_decides_it():
    """Record 0 by its number, record 1, which has none, by its names."""
    left = dataset("a", {"number": ["11110000", ""], "names": ["11001100", "00110011"]})
    right = dataset("b", {"number": ["", "11110000"], "names": ["00110011", "11001100"]})

    result = link_datasets(left, right, RULES)

    assert {("a0", "b1", "number"), ("a1", "b0", "names")} == links(result)


def test_a_linked_record_is_gone_from_later_passes():
    """Its names would agree with another record's."""
    left = dataset("a", {"number": ["11110000"], "names": ["11001100"]})
    right = dataset("b", {"number": ["11110000", ""], "names": ["", "11001100"]})

    result = link_datasets(left, right, RULES)

    assert {("a0", "b0", "number")} == links(result)
    assert [(1, 1), (0, 1)] == [(count.n_left, count.n_right) for count in result.counts]


def test_a_conflict_that_a_later_pass_settles_is_none():
    """Two records share a number; the names tell them apart."""
    left = dataset("a", {"number": ["11110000"], "names": ["11001100"]})
    right = dataset("b", {"number": ["11110000", "11110000"], "names": ["00110011", "11001100"]})

    result = link_datasets(left, right, RULES)

    assert {("a0", "b1", "names")} == links(result)
    assert 0 == len(result.conflicts)


def test_a_conflict_that_nothing_settles_is_reported():
    """With the pass in which it arose."""
    left = dataset("a", {"number": ["11110000"], "names": [""]})
    right = dataset("b", {"number": ["11110000", "11110000"], "names": ["", ""]})

    result = link_datasets(left, right, RULES)

    frame = result.conflicts.to_pandas()
    assert 0 == len(result.links)
    assert [("a0", "b0", "number"), ("a0", "b1", "number")] == [
        (row.left_id, row.right_id, row.decided_by) for row in frame.itertuples()
    ]


def test_a_number_that_everybody_has_decides_nothing():
    """A placeholder in an exact pass is left out and counted, and the names decide."""
    names = [format(i, "08b") for i in range(1, 41)]
    left = dataset("a", {"number": ["11110000"] * 40, "names": names})
    right = dataset("b", {"number": ["11110000"] * 40, "names": names})

    result = link_datasets(left, right, RULES)

    assert {(f"a{i}", f"b{i}", "names") for i in range(40)} == links(result)
    assert (80, 0) == (result.counts[0].n_crowded, result.counts[0].n_left)


def test_people_whose_numbers_differ_are_not_linked_by_their_names():
    """If the agreement says so, and only where both numbers are known."""
    left = dataset("a", {"number": ["11110000", ""], "names": ["11001100", "00110011"]})
    right = dataset("b", {"number": ["00001111", "00001111"], "names": ["11001100", "00110011"]})
    refusing = [PassRule("number", None, refuses=True), RULES[1]]

    assert {("a1", "b1", "names")} == links(link_datasets(left, right, refusing))
    assert {("a0", "b0", "names"), ("a1", "b1", "names")} == links(link_datasets(left, right, RULES))


def test_two_absent_records_never_agree():
    """Missing values are no evidence, however often they are missing together."""
    nothing = {"number": ["", ""], "names": ["", ""]}

    result = link_datasets(dataset("a", nothing), dataset("b", nothing), RULES)

    assert (0, 0) == (len(result.links), len(result.conflicts))


def test_packages_that_do_not_fit_are_not_compared():
    """Another secret."""
    rows = {"number": ["11110000"], "names": ["11110000"]}

    with pytest.raises(PolicyError, match="key tag"):
        link_datasets(
            dataset("a", rows),
            dataset("b", rows, check_tags=CheckTags(key="0" * 32, encoder="b" * 32)),
            RULES,
        )


def test_a_package_without_a_pass_is_refused():
    """The agreement names a pass that was not encoded."""
    rows = {"names": ["11110000"]}

    with pytest.raises(DataError, match="no pass number"):
        link_datasets(dataset("a", rows), dataset("b", rows), RULES)


def test_a_result_shows_counts_only():
    """No ids."""
    rows = {"number": ["11110000"], "names": ["11110000"]}

    result = link_datasets(dataset("a", rows), dataset("b", rows), RULES)

    assert "LinkageResult(1 x 1 records, 1 links, 0 conflicting pairs)" == repr(result)
    assert "a0" not in result._repr_html_() + result.links._repr_html_()
