"""`pprl evaluate`: what a methodologist learns of links, and what nobody may learn of the people in them."""

import json
import re

import numpy as np
import pandas as pd
import pytest

CANARY = "featherstonehaugh"


@pytest.fixture
def judged(pprl):
    """A folder with links.csv, truth.csv and groups.csv: 300 people, 240 found, 20 false links."""
    rng = np.random.default_rng(7)
    left, right = [f"{CANARY}-l{k}" for k in range(300)], [f"{CANARY}-r{k}" for k in range(300)]
    truth = pd.DataFrame({"left_id": left, "right_id": right})
    false = pd.DataFrame({"left_id": left[260:280], "right_id": right[280:]})
    links = pd.concat([truth[:240], false], ignore_index=True)
    links["score"] = [f"{score:.6f}" for score in np.sort(rng.random(260))[::-1] / 2 + 0.5]
    sexes = ["f"] * 180 + ["m"] * 113 + ["x"] * 7
    groups = pd.DataFrame({"record_id": left, "person_id": right, "sex": sexes, "quintile": [1, 2, 3] * 100})
    for name, table in (("links", links), ("truth", truth), ("groups", groups)):
        table.to_csv(pprl.folder / f"{name}.csv", index=False)
    return pprl


def evaluate(judged, *arguments, links="links.csv"):
    """Evaluate against the truth."""
    return judged("evaluate", links, "--truth", "truth.csv", *arguments)


def rows(text):
    """Lines as words."""
    return [line.split() for line in text.splitlines()]


def small_integers(text):
    """Whole numbers from 1 to 9 that stand alone."""
    return re.findall(r"(?<![\w.<-])[1-9](?![\w.%])", text)


def test_measures_have_intervals(judged):
    """Counts, then the four measures."""
    assert 0 == evaluate(judged), judged.err

    assert ["true", "links", "240"] in rows(judged.out)
    assert "precision     0.9231 (0.8842 to 0.9497)" in judged.out.splitlines()
    assert "F*            0.7500 (0.6998 to 0.7943)" in judged.out.splitlines()


def test_json_holds_everything(judged):
    """For programs: counts, measures, intervals, thresholds and groups."""
    assert 0 == evaluate(judged, "--json", "--sweep", "--groups", "groups.csv", "--exact")
    record = json.loads(judged.out)

    assert (240, 20, 60) == tuple(
        record[f"{name}s"] for name in ("true_positive", "false_positive", "false_negative")
    )
    assert record["intervals"]["recall"][0] < record["recall"] == 0.8 < record["intervals"]["recall"][1]
    assert 190 <= len(record["sweep"]["thresholds"]) <= 201
    assert record["f1"] <= record["sweep"]["best_f1_chosen_with_the_truth"]["f1"]
    assert ["f", "m", "x", "1", "2", "3"] == [one["value"] for one in record["by_group"]["groups"]]
    assert {"exact": True, "smallest": 10, "rounded_to": 5} == record["counts"]


def test_the_best_threshold_is_said_to_be_chosen_with_the_truth(judged):
    """It is a bound from above."""
    assert 0 == evaluate(judged, "--sweep")

    assert re.search(
        r"^best F1 0\.\d{4} at threshold 0\.\d{4}, chosen with the truth", judged.out, re.MULTILINE
    )
    assert "21 of 260 thresholds" in judged.out or "20 of 260 thresholds" in judged.out


def test_a_probability_goes_before_a_score(judged):
    """Where a file has both."""
    links = pd.read_csv(judged.folder / "links.csv").assign(probability="0.25")
    links.to_csv(judged.folder / "both.csv", index=False)

    assert 0 == evaluate(judged, "--sweep", "--json", links="both.csv")
    assert [0.25] == [row["threshold"] for row in json.loads(judged.out)["sweep"]["thresholds"]]


def test_a_probability_that_is_not_known_does_not_go_before_a_score(judged):
    """Links by thresholds have an empty column."""
    links = pd.read_csv(judged.folder / "links.csv").assign(probability="")
    links.to_csv(judged.folder / "both.csv", index=False)

    assert 0 == evaluate(judged, "--sweep")
    plain = judged.out
    assert 0 == evaluate(judged, "--sweep", links="both.csv"), judged.err
    assert plain == judged.out


@pytest.mark.parametrize("name", ["links", "truth", "groups"])
def test_the_table_that_lacks_a_column_is_named(judged, name):
    """And no option is recommended that this verb does not have."""
    (judged.folder / f"{name}.csv").write_text("a,b\n1,2\n")

    assert 3 == evaluate(judged, "--groups", "groups.csv")
    assert f"{name} {name}.csv: has no column" in judged.err
    assert "--column" not in judged.err


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_what_is_handed_on_shows_no_small_count(judged, form):
    """Seven people of one sex hide the next smallest group too; all counts are rounded."""
    assert 0 == evaluate(judged, "--groups", "groups.csv", "--sweep", "--group-by", "sex", *form)
    printed = judged.out.replace('"rounded_to": 5', "").partition("Counts of")[0]

    assert [] == small_integers(printed)
    assert 2 <= printed.count("hidden")
    assert not re.search(r"\b(113|293)\b", printed)


def test_groups_are_set_in_columns(judged):
    """Hidden where a count is 1 to 9, and where it could be had by subtraction."""
    assert 0 == evaluate(judged, "--groups", "groups.csv")
    lines = rows(judged.out)

    assert [
        "f",
        "180",
        "180",
        "180",
        "1.000",
        "(0.979",
        "to",
        "1.000)",
        "1.000",
        "(0.979",
        "to",
        "1.000)",
    ] in lines
    assert ["x", "hidden", "hidden", "0", "hidden", "hidden"] in lines
    assert [
        "1",
        "100",
        "80",
        "85",
        "0.800",
        "(0.711",
        "to",
        "0.867)",
        "0.941",
        "(0.870",
        "to",
        "0.975)",
    ] in lines
    assert "person_id" not in judged.out


def test_exact_figures_are_asked_for(judged):
    """For one's own eyes."""
    assert 0 == evaluate(judged, "--groups", "groups.csv", "--exact")

    assert ["m", "113", "60", "80"] in [line[:4] for line in rows(judged.out)]
    assert "hidden" not in judged.out


def test_groups_may_be_of_the_right_records(judged):
    """With the ids of the other side."""
    groups = pd.read_csv(judged.folder / "groups.csv")
    groups.assign(record_id=groups["person_id"]).to_csv(judged.folder / "right.csv", index=False)

    assert 0 == evaluate(judged, "--groups", "right.csv", "--group-side", "right")
    assert "by group of the right record" in judged.out


def test_id_maps_come_first(judged):
    """Random ids of the links become those of the truth and the groups."""
    links = pd.read_csv(judged.folder / "links.csv")
    maps = pd.DataFrame({"record_id": [f"q{k}" for k in range(len(links))], "local_id": links["left_id"]})
    maps.to_csv(judged.folder / "map.csv", index=False)
    links.assign(left_id=maps["record_id"]).to_csv(judged.folder / "random.csv", index=False)

    assert 0 == evaluate(judged, "--groups", "groups.csv")
    before = judged.out

    assert 0 == evaluate(judged, "--groups", "groups.csv", "--left-id-map", "map.csv", links="random.csv")
    assert before == judged.out


def test_clusters_are_measured_by_their_pairs(judged):
    """Three sources; a truth in one file, or in one for each source as `pprl synthesise` has it."""
    people = pd.DataFrame(
        {
            "source": ["x", "y", "z"] * 20,
            "record_id": [f"{CANARY}{k}" for k in range(60)],
            "person": np.repeat(np.arange(20), 3),
        }
    )
    people.assign(cluster=np.where(people["source"] == "z", 99, people["person"])).to_csv(
        judged.folder / "clusters.csv", index=False
    )
    people.to_csv(judged.folder / "people.csv", index=False)
    for name, some in people.rename(columns={"person": "person_id"}).groupby("source"):
        some.drop(columns="source").to_csv(judged.folder / f"{name}.csv", index=False)

    assert 0 == judged("evaluate", "clusters.csv", "--clusters", "--truth", "people.csv"), judged.err
    whole = judged.out
    assert ["true", "links", "20"] in rows(whole)
    assert ["false", "links", "190"] in rows(whole)

    files = [word for name in "xyz" for word in ("--truth", f"{name}.csv")]
    assert 0 == judged("evaluate", "clusters.csv", "--clusters", *files), judged.err
    assert whole == judged.out


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("--sweep", "--clusters"), 2, "usage/bad-option"),
        (("--groups", "groups.csv", "--clusters"), 2, "usage/bad-option"),
        (("--truth", "truth.csv"), 2, "usage/bad-option"),
        (("--group-by", "sex"), 2, "usage/bad-option"),
        (("--group-side", "left"), 2, "usage/bad-option"),
        (("--exact",), 2, "usage/bad-option"),
        (("--clusters", "--group-side", "right"), 2, "usage/bad-option"),
        (("--clusters", "--exact"), 2, "usage/bad-option"),
        (("--clusters", "--group-by", "sex"), 2, "usage/bad-option"),
        (("--groups", "groups.csv", "--group-by", "sex", "--group-by", "sex"), 2, "usage/bad-option"),
        (("--groups", "groups.csv", "--group-side", "middle"), 2, "usage/bad-option"),
        (("--groups", "truth.csv"), 3, "data/no-column"),
        (("--groups", "groups.csv", "--group-by", "ward"), 3, "data/no-column"),
        (("--groups", "groups.csv", "--group-by", "person_id"), 3, "data/too-many-groups"),
        (("--groups", "groups.csv", "--group-side", "right"), 3, "data/unknown-id"),
        (("--groups", "twice.csv"), 3, "data/duplicate-id"),
        (("--groups", "empty.csv"), 3, "data/no-header"),
        (("--groups", "header.csv"), 3, "data/unknown-id"),
        (("--groups", "none.csv"), 3, "data/no-file"),
        (("--clusters",), 3, "data/no-column"),
    ],
)
def test_what_cannot_be_measured_is_refused(judged, arguments, status, code):
    """By one message, with no value of the data, and nothing on stdout."""
    groups = (judged.folder / "groups.csv").read_text().splitlines(keepends=True)
    (judged.folder / "twice.csv").write_text("".join([*groups, groups[1]]))
    (judged.folder / "header.csv").write_text(groups[0])
    (judged.folder / "empty.csv").write_text("")

    assert status == evaluate(judged, *arguments)
    assert f"[{code}]" in judged.err or code == "data/no-file"
    assert "" == judged.out
    assert CANARY not in judged.err
    assert "Traceback" not in judged.err


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "data/no-header"),
        ("left_id,right_id\na,1\n", "data/no-column"),
        (f"left_id,right_id,score\n{CANARY},1,{CANARY}\n", "data/bad-score"),
        (f"left_id,right_id,score\n{CANARY},,0.5\n", "data/gap"),
        (f"{CANARY},{CANARY}2,score\na,1,0.5\n", "data/no-column"),
    ],
)
def test_links_without_scores_have_no_thresholds(judged, text, code):
    """By one message, with no value of the data."""
    (judged.folder / "bad.csv").write_text(text)

    assert 3 == evaluate(judged, "--sweep", links="bad.csv")
    assert f"[{code}]" in judged.err
    assert CANARY not in judged.err


def test_no_links_and_no_truth_are_undefined(judged):
    """A header and nothing else is a table."""
    (judged.folder / "links.csv").write_text("left_id,right_id,score\n")
    (judged.folder / "truth.csv").write_text("left_id,right_id\n")

    assert 0 == evaluate(judged, "--sweep", "--groups", "groups.csv"), judged.err
    assert ["precision", "-"] in rows(judged.out)
    assert "there is no threshold" in judged.out
