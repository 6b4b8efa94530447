"""`pprl deduplicate`: who is in one package more than once."""

import json

import pandas as pd
import pytest


@pytest.fixture
def repeating(ready, people):
    """A package people.pprl in which the first two people are twice, one of them misspelt."""
    again = people.iloc[:2].assign(rec_id=["r5", "r6"], suburb=["perth", "sydne"])
    pd.concat([people, again]).to_csv(ready.folder / "people.csv", index=False)
    assert 0 == ready.encode("people.csv", "people.pprl")
    return ready


def deduplicate(repeating, out, *options):
    return repeating("deduplicate", "people.pprl", "--agreement", "agreement.toml", "--out", out, *options)


def test_records_of_one_person_are_one_cluster(repeating):
    """Records that are alone are not in the file."""
    assert 0 == deduplicate(repeating, "out"), repeating.err

    clusters = pd.read_csv(repeating.folder / "out" / "clusters.csv", dtype=str)
    assert [["r1", "r5"], ["r2", "r6"]] == sorted(clusters.groupby("cluster")["record_id"].agg(sorted))
    assert {"people"} == set(clusters["source"])
    links = pd.read_csv(repeating.folder / "out" / "links.csv", dtype=str)
    assert [("r1", "r5"), ("r2", "r6")] == sorted(zip(links["left_id"], links["right_id"], strict=True))
    summary = json.loads((repeating.folder / "out" / "summary.json").read_text(encoding="utf-8"))
    assert (6, 4, {"1": 2, "2": 2}) == (
        summary["records"],
        summary["people"],
        summary["people_by_records"],
    )
    assert "records that are linked" in repeating.out


def test_the_clusters_can_be_evaluated(repeating):
    """Records that the file does not have are alone."""
    rows = [("people", f"r{row}", f"p{(row - 1) % 4}") for row in range(1, 7)]
    truth = pd.DataFrame(rows, columns=["source", "record_id", "person"])
    truth.to_csv(repeating.folder / "who.csv", index=False)
    assert 0 == deduplicate(repeating, "out")

    assert 0 == repeating("evaluate", "out/clusters.csv", "--truth", "who.csv", "--clusters", "--json")
    assert 1 == json.loads(repeating.out)["f1"]


def test_a_checkpoint_is_used_and_removed(repeating):
    """What is written is the same."""
    assert 0 == deduplicate(repeating, "plain")

    assert 0 == deduplicate(repeating, "out", "--checkpoint", "work")
    assert not (repeating.folder / "work").exists()
    for name in ("clusters.csv", "links.csv", "conflicts.csv", "summary.json"):
        plain, resumed = (repeating.folder / out / name for out in ("plain", "out"))
        assert plain.read_bytes() == resumed.read_bytes()


def test_no_linkage_keys_are_drawn(repeating):
    """A linkage does that."""
    assert 0 == deduplicate(repeating, "out", "--name", "ward")

    assert {"clusters.csv", "links.csv", "conflicts.csv", "summary.json"} == {
        path.name for path in (repeating.folder / "out").iterdir()
    }


def test_an_output_is_not_replaced_without_force(repeating):
    """As everywhere."""
    assert 0 == deduplicate(repeating, "out")

    assert 2 == deduplicate(repeating, "out")
    assert 0 == deduplicate(repeating, "out", "--force")


def test_files_too_small_for_decoys_say_how_they_were_compared(repeating):
    """The agreement asks for a target that they cannot have."""
    assert 0 == deduplicate(repeating, "out")

    assert "passes link at their own thresholds" in repeating.err


def test_a_checkpoint_is_not_kept_where_the_output_goes(repeating):
    """It would be mixed with it."""
    assert 2 == deduplicate(repeating, "out", "--checkpoint", "out")

    assert "[usage/same-folder]" in repeating.err


def test_a_table_of_which_no_decoys_can_be_made_is_told_so(repeating, people):
    """The agreement declares them, and all its records are one."""
    table = pd.concat([people.iloc[:1]] * 60).assign(rec_id=[f"r{row}" for row in range(60)])
    table.to_csv(repeating.folder / "people.csv", index=False)
    assert 0 == repeating.encode("people.csv", "people.pprl", "--force")

    assert 4 == deduplicate(repeating, "out")
    assert "no decoys could be made of its records" in repeating.err
    assert "declare" not in repeating.err
