"""`pprl agreement suggest`: what each hardening would hide and cost, from a custodian's own table."""

import json

import numpy as np
import pandas as pd
import pytest

CANARY = "featherstonehaugh"
N = 300


@pytest.fixture
def table(pprl):
    """A folder with a.csv of 300 people and agreement.toml of the preset febrl."""
    generator = np.random.default_rng(4)

    def words():
        lengths = generator.integers(3, 10, N)
        return ["".join(map(chr, generator.integers(97, 123, length))) for length in lengths]

    people = pd.DataFrame(
        {
            "rec_id": [f"r{k}" for k in range(N)],
            "given_name": words(),
            "surname": [CANARY, *words()[1:]],
            "date_of_birth": [f"{1933 + k % 50}{1 + k % 12:02}{1 + k % 28:02}" for k in range(N)],
            "address_1": [f"{k} {word} street" for k, word in enumerate(words())],
            "suburb": words(),
            "postcode": [f"{2000 + k}" for k in range(N)],
            "state": ["nsw", "wa"] * (N // 2),
        }
    )
    people.to_csv(pprl.folder / "a.csv", index=False)
    assert pprl("agreement", "new", "--preset", "febrl", "--out", "agreement.toml") == 0
    return pprl


def suggest(table, *arguments, name="a.csv"):
    """Ask for a suggestion."""
    return table("agreement", "suggest", name, "--agreement", "agreement.toml", *arguments)


def test_every_fuzzy_pass_is_described(table):
    """With what was measured, 24 chains each, and what the marks mean."""
    assert 0 == suggest(table)

    lines = table.out.splitlines()

    assert [
        "everything:",
        "without_date_of_birth:",
        "without_address:",
        "without_names:",
    ] == [line.split()[1] for line in lines if line.startswith("pass ")]
    assert 4 * 18 == sum("diffuse t = " in line for line in lines)
    assert 4 == sum(line.split()[:6] == ["*", "diffuse", "t", "=", "4", "1024"] for line in lines)
    assert 4 == sum(line.split()[:6] == ["=", "diffuse", "t", "=", "2", "1024"] for line in lines)
    assert any(line.startswith("* the least t") for line in lines)
    assert table.out.isascii()


def test_json_holds_what_the_text_holds(table):
    """For programs."""
    assert 0 == suggest(table, "--json", "--sample", "200", "--records", "100000", "--false-share", "0.01")
    record = json.loads(table.out)

    first = record["passes"][0]
    marked = [row["chain"] for row in first["chains"] if row["suggested"]]

    assert {"bias": 0.1, "records": 100000, "false_share": 0.01} == record["aim"]
    assert (200, 4, 24) == (record["sampled_records"], len(record["passes"]), len(first["chains"]))
    assert ["diffuse t = 4", "diffuse t = 4"] == marked
    assert first["threshold_shown_by_sample"] is False
    assert {"mean", "low", "median", "high"} == set(first["fill"])


def test_a_stricter_bound_of_the_bias_takes_more_bits(table):
    """The star moves to a larger t."""
    assert 0 == suggest(table, "--json", "--bias", "0.0001")
    chains = json.loads(table.out)["passes"][0]["chains"]

    marked = {int(row["chain"].split()[-1]) for row in chains if row["suggested"]}

    assert 1 == len(marked)
    assert min(marked) > 2


@pytest.mark.parametrize("arguments", [(), ("--json",), ("--sample", "100")])
def test_no_value_is_in_any_output(table, arguments):
    """Canaries: a name, the names of other people, an id."""
    assert 0 == suggest(table, *arguments)
    people = pd.read_csv(table.folder / "a.csv", dtype=str)
    values = {
        value for name in ("given_name", "surname", "suburb") for value in people[name] if len(value) > 5
    }

    shown = (table.out + table.err).lower()

    assert CANARY in values
    assert not [value for value in values | {"r299"} if value in shown]


def test_a_column_may_have_another_name_here(table):
    """As when encoding."""
    text = (table.folder / "a.csv").read_text().replace("surname", "FamilyName", 1)
    (table.folder / "b.csv").write_text(text)

    assert 3 == suggest(table, name="b.csv")
    assert 0 == suggest(table, "--column", "surname=FamilyName", name="b.csv")
    assert 2 == suggest(table, "--column", "family=x", name="b.csv")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--bias", "0"),
        ("--bias", "nan"),
        ("--sample", "99"),
        ("--sample", "5001"),
        ("--seed", "-1"),
        ("--records", "1"),
        ("--false-share", "1"),
        ("--key", "project.key"),
    ],
)
def test_an_option_out_of_range_is_refused(table, arguments):
    """Exit status 2; and no key is taken."""
    assert 2 == suggest(table, *arguments)
    assert "" == table.out


def test_few_records_are_not_described(table):
    """Ninety-nine rows: shares of so few would describe people."""
    lines = (table.folder / "a.csv").read_text().splitlines()
    (table.folder / "few.csv").write_text("\n".join(lines[:100]) + "\n")

    assert 3 == suggest(table, name="few.csv")
    assert "[data/too-few-records]" in table.err


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "data/no-header"),
        (b"rec_id,given_name\n1,a\n", "data/no-column"),
        (b"PK\x03\x04", "data/not-a-table"),
    ],
)
def test_a_bad_table_is_refused(table, content, code):
    """Exit status 3, one message."""
    (table.folder / "bad.csv").write_bytes(content)

    assert 3 == suggest(table, name="bad.csv")
    assert f"[{code}]" in table.err


@pytest.mark.parametrize("n_rows", [0, 1])
def test_a_table_of_nobody_or_one_is_refused(table, n_rows):
    """As a mistake of the table, exit status 3."""
    lines = (table.folder / "a.csv").read_text().splitlines()
    (table.folder / "small.csv").write_text("\n".join(lines[: 1 + n_rows]) + "\n")

    assert 3 == suggest(table, name="small.csv")


def test_a_damaged_column_stops_with_its_row_and_without_its_value(table):
    """Even where the sample would not reach it."""
    lines = (table.folder / "a.csv").read_text().splitlines()
    lines[-1] = lines[-1].replace(lines[-1].split(",")[3], "32874")
    (table.folder / "excel.csv").write_text("\n".join(lines) + "\n")

    assert 3 == suggest(table, "--sample", "100", name="excel.csv")
    assert f"date_of_birth, row {N}" in table.err
    assert "32874" not in table.err


def test_people_who_are_there_twice_are_told_of(table):
    """No threshold tells equal records of two people apart; why none is given is said, and what to do."""
    people = pd.read_csv(table.folder / "a.csv", dtype=str)
    again = people.assign(rec_id=[f"again{k}" for k in range(N)])
    pd.concat([people, again]).to_csv(table.folder / "twice.csv", index=False)

    assert 0 == suggest(table)
    assert "more than once" not in table.out
    assert 0 == suggest(table, name="twice.csv")

    assert "Are people in it more than once? pprl deduplicate finds them" in table.out
