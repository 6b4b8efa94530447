"""`pprl audit`: attack one's own encodings, at a custodian, before they are released."""

import json

import pandas as pd
import pytest

from pprl.datasets.uk import population

CANARY = "featherstonehaugh"
FEW = ("--attacks", "known-pairs,predicted-filters", "--records", "150", "--quick")


@pytest.fixture
def table(pprl):
    """A folder with people.csv of 160 people and agreement.toml of the preset uk-health."""
    people = pd.DataFrame(population(160, seed=7).people)
    people.loc[0, "family_name"] = CANARY
    people.to_csv(pprl.folder / "people.csv", index=False)
    assert pprl("agreement", "new", "--preset", "uk-health", "--out", "agreement.toml") == 0
    return pprl


def run(table, *options):
    """Audit the people."""
    return table("audit", "people.csv", "--agreement", "agreement.toml", *options)


def test_a_table_is_attacked_without_a_key(table):
    """Shares with their control and interval, the chains, and what was not looked at."""
    assert 0 == run(table, *FEW)

    assert "known pairs, predicted filters" in table.out
    assert "with the key in hand" in table.out
    assert "diffuse t = 5" in table.out
    assert "not looked at: " in table.out
    assert CANARY not in (table.out + table.err).lower()
    assert table.out.isascii()


def test_the_page_is_written_whole_and_never_over_another(table):
    """As every output is; nothing of a record is on it."""
    assert 0 == run(table, *FEW, "--out", "page.html")
    page = (table.folder / "page.html").read_text(encoding="utf-8")

    assert page.startswith("<!DOCTYPE html>")
    assert CANARY not in page.lower()
    assert 2 == run(table, *FEW, "--out", "page.html")
    assert "output-exists" in table.err
    assert 2 == run(table, *FEW, "--out", "people.csv", "--force")


def test_json_is_for_programs(table):
    """The same numbers; on stdout and nothing else there."""
    assert 0 == run(table, *FEW, "--json", "--seed", "5")

    record = json.loads(table.out)

    assert 5 == record["seed"]
    assert {"known-pairs", "predicted-filters"} == {one["attack"] for one in record["attacks"]}


def test_mistakes_are_told_before_anything_is_done(table):
    """With what is legal."""
    assert 2 == run(table, "--attacks", "grahp")
    assert "graph" in table.err
    assert 2 == run(table, "--records", "7")
    assert 2 == run(table, "--attacks", "")
