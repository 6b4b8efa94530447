"""`pprl plan`: what a linkage will cost is told before it is begun."""

import json
import re

import pandas as pd
import pytest

import pprl as library
from pprl.cli import plan as verb
from pprl.workflow.planning import Machine

EXACT = """
[[passes]]
name = "number"
kind = "exact"
fields = ["surname", "date_of_birth"]
differing = "says-nothing"
"""
BLOCKS = 'n_bits = 1024\nblocks = [{ kind = "hamming-lsh", tables = 8, bits = 16 }]\n'


@pytest.fixture
def packages(ready, people):
    """Besides the usual files b.pprl of other ids, and both packages of an agreement with blocks."""
    agreement = ready.folder / "agreement.toml"
    text = agreement.read_text(encoding="utf-8").replace("n_bits = 1024\n", BLOCKS, 1)
    agreement.write_text(text + EXACT, encoding="utf-8")
    people.assign(rec_id=["s1", "s2", "s3", "s4"]).to_csv(ready.folder / "b.csv", index=False)
    assert 0 == ready.encode("a.csv", "a.pprl")
    assert 0 == ready.encode("b.csv", "b.pprl")
    return ready


def plan(packages, *options):
    return packages("plan", "a.pprl", "b.pprl", "--agreement", "agreement.toml", *options)


def test_a_table_for_each_fuzzy_pass_and_a_line_for_an_exact_one(packages):
    """All pairs in each, and shared tags in the one that has them."""
    assert 0 == plan(packages)

    assert 4 == packages.out.count("*  all pairs")
    assert 1 == packages.out.count("   shared tags")
    assert "pass number: 4 x 4 records, for equality" in packages.out
    assert "recall at >= 0.6" in packages.out
    assert packages.out.isascii()


def test_nothing_of_a_record_is_printed(packages):
    """Counts only, neither ids nor values."""
    assert 0 == plan(packages)
    text = packages.out + packages.err
    assert 0 == plan(packages, "--json")

    # Times have many decimals, and any four digits may be among them; ids and values are no fractions.
    printed = re.sub(r"\d+\.\d+(e-\d+)?", "", text + packages.out + packages.err)
    for word in ("r1", "s1", "smith", "6000"):
        assert word not in printed


def test_programs_read_the_numbers(packages):
    """What is told at a similarity of one's own."""
    assert 0 == plan(packages, "--json", "--at", "0.85", "--workers", "1")

    record = json.loads(packages.out)
    assert 1 == record["threads"]
    first = record["passes"][0]
    assert 0.85 == first["at"]
    assert [16, 1.0] == [first["ways"][0]["n_candidates"], first["ways"][0]["recall"]["value"]]
    assert ["all pairs", "shared tags"] == [way["name"] for way in first["ways"]]


def test_an_absurd_plan_is_shown_and_refused(packages, monkeypatch):
    """With what to change, so that nobody begins it."""
    monkeypatch.setattr(verb.Machine, "here", lambda folder: Machine(memory=1000, disk=None))

    assert 6 == plan(packages)

    assert "all pairs" in packages.out
    assert "resource/absurd-plan" in packages.err
    assert "hint: split the tables" in packages.err


def test_another_agreement_is_refused(packages):
    """As it is by link; before anything is compared."""
    text = (packages.folder / "agreement.toml").read_text(encoding="utf-8")
    (packages.folder / "other.toml").write_text(text.replace("epoch = 1", "epoch = 2"), encoding="utf-8")

    assert 4 == packages("plan", "a.pprl", "b.pprl", "--agreement", "other.toml")
    assert "policy/different-epoch" in packages.err
    assert not packages.out


def test_another_secret_is_refused(packages):
    """Nothing would be found, and the plan would say so too late."""
    assert 0 == packages("key", "new", "--out", "project.key", "--force")
    assert 0 == packages.encode("b.csv", "b.pprl", "--force")

    assert 4 == plan(packages)
    assert "policy/different-key-tag" in packages.err


def test_a_similarity_beyond_1_is_refused(packages):
    """And what is no number; without repeating what was typed."""
    assert 2 == plan(packages, "--at", "nan")
    assert 2 == plan(packages, "--at", "85")
    assert "--at" in packages.err
    assert "85" not in packages.err


def test_records_that_are_absent_from_a_pass_cost_nothing(packages, people):
    """A package may have no record in any."""
    people.drop(columns="rec_id").map(lambda _: "").assign(rec_id=people["rec_id"]).to_csv(
        packages.folder / "b.csv", index=False
    )
    assert 0 == packages.encode("b.csv", "b.pprl", "--force")

    assert 0 == plan(packages)
    assert "4 x 0 records" in packages.out
    assert "too few pairs to tell" in packages.out


def test_a_plan_in_python_shows_counts(people, febrl, key):
    """The public verb; its text names passes and numbers."""
    package = library.encode(pd.DataFrame(people), febrl, key, id="rec_id")

    planned = library.plan(package, package, agreement=febrl, at="0.9", workers=1)

    assert [one.name for one in febrl.passes] == [one.name for one in planned.passes]
    assert "smith" not in repr(planned)
    with pytest.raises(library.PprlError):
        library.plan(package, package, agreement=febrl, at="1.5")
