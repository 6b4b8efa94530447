"""`pprl check`: what a custodian learns of a table, and what nobody may learn of the people in it."""

import json
import os
import stat

import pandas as pd
import pytest

CANARY = "featherstonehaugh"


@pytest.fixture
def uk(pprl):
    """A folder with a.csv of 40 people and agreement.toml of the preset uk-health."""
    people = pd.DataFrame(
        {
            "id": [f"r{k}" for k in range(40)],
            "given_name": ["Ann"] * 40,
            "family_name": [CANARY, *["Lee"] * 39],
            "previous_family_name": [""] * 40,
            "date_of_birth": ["01/01/1933", "02/01/1933"] * 20,
            "sex": ["f"] * 37 + ["9"] * 3,
            "postcode": ["SW1A 1AA"] * 20 + ["ZZ99 3VZ"] * 20,
            "health_number": ["0101336489"] * 20 + [""] * 20,
        }
    )
    people.to_csv(pprl.folder / "a.csv", index=False)
    assert (
        pprl("agreement", "new", "--preset", "uk-health", "--project", "test", "--out", "agreement.toml") == 0
    )
    return pprl


def check(uk, *arguments, table="a.csv"):
    """Check a table under the agreement."""
    return uk("check", table, "--agreement", "agreement.toml", *arguments)


def test_small_counts_are_hidden_in_what_is_printed(uk):
    """Three people without a known sex are fewer than ten; twenty without an address are twenty."""
    assert 0 == check(uk)

    assert ["sex", "placeholder", "<10"] in [line.split() for line in uk.out.splitlines()]
    assert ["postcode", "pseudo-postcode", "20"] in [line.split() for line in uk.out.splitlines()]
    assert "--exact" in uk.out


def test_exact_counts_are_for_the_custodian_alone(uk):
    """On stdout only: the page is the same with and without."""
    assert 0 == check(uk, "--out", "one.html")
    assert 0 == check(uk, "--exact", "--out", "two.html")

    assert ["sex", "placeholder", "3"] in [line.split() for line in uk.out.splitlines()]
    assert (uk.folder / "one.html").read_bytes() == (uk.folder / "two.html").read_bytes()


def test_json_holds_what_the_text_holds(uk):
    """For programs, hidden counts as text."""
    assert 0 == check(uk, "--json")
    record = json.loads(uk.out)

    assert 40 == record["records"]
    assert {"placeholder": "<10"} == record["fields"][4]["reasons"]
    assert {"exact": False, "smallest": 10, "rounded_to": 5} == record["counts"]
    assert [
        {"identifier": "health_number", "field": "date_of_birth", "compared": 20, "differ": 10},
        {"identifier": "health_number", "field": "sex", "compared": 20, "differ": 0},
    ] == record["contradictions"]
    assert [{"field": "health_number", "values": "<10", "records": 20, "most": 20}] == record[
        "shared_identifiers"
    ]


@pytest.mark.parametrize("arguments", [(), ("--exact",), ("--json",), ("--json", "--exact"), ("--id", "id")])
def test_no_value_is_in_any_output(uk, arguments):
    """Canaries: a name, a number, a day, a postcode, an id."""
    assert 0 == check(uk, *arguments, "--out", "report.html")
    page = (uk.folder / "report.html").read_text(encoding="utf-8")

    shown = (uk.out + uk.err + page).lower()

    assert not [canary for canary in (CANARY, "0101336489", "1933", "sw1a", "r39") if canary in shown]


def test_the_page_is_readable_by_its_owner_only(uk):
    """Like every output."""
    assert 0 == check(uk, "--out", "report.html")

    assert os.name == "nt" or 0o600 == stat.S_IMODE((uk.folder / "report.html").stat().st_mode)


def test_a_page_is_not_overwritten_unless_told_so(uk):
    """Exit status 2, before anything is read."""
    (uk.folder / "report.html").write_text("mine")

    assert 2 == check(uk, "--out", "report.html", table="none.csv")
    assert "[usage/output-exists]" in uk.err
    assert "mine" == (uk.folder / "report.html").read_text()
    assert 0 == check(uk, "--out", "report.html", "--force")


def test_the_page_never_takes_the_place_of_an_input(uk):
    """Not even with --force."""
    before = (uk.folder / "a.csv").read_bytes()

    assert 2 == check(uk, "--out", "a.csv", "--force")
    assert before == (uk.folder / "a.csv").read_bytes()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "data/no-header"),
        (b"id,given_name\n1,a\n", "data/no-column"),
        (b"PK\x03\x04", "data/not-a-table"),
    ],
)
def test_a_bad_table_is_refused(uk, content, code):
    """Exit status 3, one message, no page."""
    (uk.folder / "bad.csv").write_bytes(content)

    assert 3 == check(uk, "--out", "report.html", table="bad.csv")
    assert f"[{code}]" in uk.err
    assert "" == uk.out
    assert not (uk.folder / "report.html").exists()


@pytest.mark.parametrize("named", [(), ("--id", "id")])
def test_a_table_without_rows_is_refused(uk, named):
    """With advice that this verb can follow."""
    header = (uk.folder / "a.csv").read_text().splitlines()[0]
    (uk.folder / "empty.csv").write_text(header + "\n")

    assert 3 == check(uk, *named, table="empty.csv")
    assert "[data/no-rows]" in uk.err
    assert "--allow-empty" not in uk.err


def test_ids_are_checked_if_they_are_named(uk):
    """As encode would: repeated ones are refused."""
    lines = (uk.folder / "a.csv").read_text().splitlines()
    (uk.folder / "twice.csv").write_text("\n".join([*lines, lines[1]]) + "\n")

    assert 0 == check(uk, table="twice.csv")
    assert 3 == check(uk, "--id", "id", table="twice.csv")
    assert "[data/duplicate-id]" in uk.err


def test_a_damaged_column_stops_with_its_row_and_without_its_value(uk):
    """As when encoding."""
    text = (uk.folder / "a.csv").read_text().replace("02/01/1933", "32874")
    (uk.folder / "excel.csv").write_text(text)

    assert 3 == check(uk, table="excel.csv")
    assert "date_of_birth, row 2" in uk.err
    assert "32874" not in uk.err


def test_a_column_may_have_another_name_here(uk):
    """And the page says which column was read."""
    text = (uk.folder / "a.csv").read_text().replace("family_name", "<b>Surname", 1)
    (uk.folder / "b.csv").write_text(text)

    assert 3 == check(uk, table="b.csv")
    assert 0 == check(uk, "--column", "family_name=<b>Surname", "--out", "report.html", table="b.csv")
    assert "&lt;b&gt;Surname" in (uk.folder / "report.html").read_text(encoding="utf-8")
    assert 2 == check(uk, "--column", "family=x", table="b.csv")


def test_no_key_is_needed_or_taken(uk):
    """Whoever only looks at a table should not touch the secret."""
    assert 2 == check(uk, "--key", "project.key")


def test_a_upn_is_surveyed_under_its_legal_basis(uk):
    """And the agreement is refused without one."""
    toml = (
        'project = "schools"\nepoch = 1\n[matching]\ntarget = "thresholds"\ncardinality = "one-to-one"\n'
        '[[fields]]\nname = "upn"\nkind = "upn"\nlegal_basis = "Education Act 1996 s. 537A"\n'
        '[[fields]]\nname = "surname"\nkind = "name"\n'
        '[[passes]]\nname = "upn"\nkind = "exact"\nfields = ["upn", "surname"]\ndiffering = "says-nothing"\n'
    )
    (uk.folder / "agreement.toml").write_text(toml)
    (uk.folder / "s.csv").write_text(
        "upn,surname\nH801200001001,a\nH80120000100A,b\nI801200001001,c\nA801200001001,d\n"
    )

    assert 0 == check(uk, "--exact", table="s.csv")
    assert all(reason in uk.out for reason in ("temporary-upn", "impossible-letter", "wrong-check-letter"))

    (uk.folder / "agreement.toml").write_text(toml.replace("legal_basis", "legal_bases"))
    assert 3 == check(uk, table="s.csv")
    assert "legal_basis" in uk.err
