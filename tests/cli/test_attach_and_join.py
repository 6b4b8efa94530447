"""`pprl attach` and `pprl join`: from links to a table for research, without an identifier on the way."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pprl.exchange.crosswalks import save_crosswalk, save_record_keys
from pprl.exchange.package import read_package
from pprl.linkage.linkagekeys import assign_record_keys
from pprl.model import Clusters
from pprl.reporting.disclosure import RULE

VISITS = "rec_id,surname,ward\nr2,smith,W2\nr1,O'Brien,W1\nr9,nobody,W9\nr2,smith,=W2\n"
DRUGS = "patient,drug\ns3,D3\ns2,D2\n"


def assign(folder):
    """What the linkage unit does with links.csv: a file of keys for each custodian, and the crosswalk."""
    packages = [read_package(folder / f"{side}.pprl") for side in "ab"]
    links = pd.read_csv(folder / "linkage" / "links.csv", dtype=str)
    sizes = [len(package) for package in packages]
    label = np.arange(sum(sizes))
    places = [{one: row for row, one in enumerate(package.ids())} for package in packages]
    for left, right in zip(links["left_id"], links["right_id"], strict=True):
        label[sizes[0] + places[1][right]] = label[places[0][left]]
    party = np.repeat(np.arange(2, dtype=np.int32), sizes)
    row = np.concatenate([np.arange(size) for size in sizes])
    dense = np.unique(label, return_inverse=True)[1]
    clusters = Clusters(("trust", "charity"), party, row, dense, (True, True))
    keys, crosswalk = assign_record_keys(clusters, probability=np.full(len(clusters), 0.9))
    for side, package, one in zip("ab", packages, keys, strict=True):
        save_record_keys(folder / f"keys-{side}.csv", one, package.record_ids)
    save_crosswalk(folder / "crosswalk.csv", crosswalk)


@pytest.fixture
def linked(ready, people):
    """After the linkage: a has all four people, b the last three; both with random ids."""
    others = people.assign(rec_id=["s1", "s2", "s3", "s4"]).iloc[1:]
    others.to_csv(ready.folder / "b.csv", index=False)
    named = ("--agreement", "agreement.toml", "--key", "project.key", "--id", "rec_id")
    for side in "ab":
        options = ("--id-map", f"map-{side}.csv", "--out", f"{side}.pprl")
        assert 0 == ready("encode", f"{side}.csv", *named, *options), ready.err
    assert 0 == ready("link", "a.pprl", "b.pprl", "--agreement", "agreement.toml", "--out", "linkage")
    assign(ready.folder)
    (ready.folder / "visits.csv").write_text(VISITS)
    (ready.folder / "drugs.csv").write_text(DRUGS)
    return ready


def attach(linked, table, side, id_column, *options, out=None):
    files = ("--keys", f"keys-{side}.csv", "--id-map", f"map-{side}.csv", "--agreement", "agreement.toml")
    return linked("attach", table, *files, "--id", id_column, "--out", out or f"{side}-out.csv", *options)


def attached(linked):
    """Both tables attached."""
    assert 0 == attach(linked, "visits.csv", "a", "rec_id", "--allow-missing"), linked.err
    assert 0 == attach(linked, "drugs.csv", "b", "patient"), linked.err
    return linked


def join(linked, *options, out="joined.csv"):
    tables = ("trust=a-out.csv", "charity=b-out.csv")
    return linked("join", *tables, "--crosswalk", "crosswalk.csv", "--out", out, *options)


def read(linked, name):
    return pd.read_csv(linked.folder / name, dtype=str, keep_default_na=False)


def test_from_two_tables_to_the_rows_that_were_to_come_together(linked):
    """Only john smith is in both tables, with two visits."""
    attached(linked)

    assert 0 == join(linked, "--exact"), linked.err

    joined = read(linked, "joined.csv")
    assert ["person", "ward", "drug"] == list(joined.columns)
    assert [["W2", "D2"], ["=W2", "D2"]] == joined[["ward", "drug"]].to_numpy().tolist()
    assert 1 == joined["person"].nunique()
    assert ["trust", "3", "2", "1"] == linked.out.splitlines()[1].split()


def test_an_outer_join_has_everybody(linked):
    """And Parquet where the name says so."""
    attached(linked)

    assert 0 == join(linked, "--how", "outer", out="joined.parquet"), linked.err

    joined = pq.read_table(linked.folder / "joined.parquet").to_pylist()
    assert {("W1", None), ("W2", "D2"), ("=W2", "D2"), (None, "D3")} == {
        (row["ward"], row["drug"]) for row in joined
    }


def test_without_the_crosswalk_the_tables_do_not_join(linked):
    """No key of one is a key of the other, and neither holds an id or a name."""
    attached(linked)

    a, b = read(linked, "a-out.csv"), read(linked, "b-out.csv")
    assert ["linkage_key", "ward"] == list(a.columns)
    assert set() == set(a["linkage_key"]) & set(b["linkage_key"])
    content = (linked.folder / "a-out.csv").read_text() + (linked.folder / "b-out.csv").read_text()
    for word in ("r1", "r2", "s2", "smith", "Brien", *read(linked, "map-a.csv")["record_id"]):
        assert word not in content


def test_every_record_has_a_key_in_files_of_equal_lines(linked):
    """Matched or not: 4 and 3 records, 3 of them linked."""
    for side, n_records in (("a", 4), ("b", 3)):
        keys = read(linked, f"keys-{side}.csv")
        assert n_records == keys["linkage_key"].nunique()
        assert set(read(linked, f"map-{side}.csv")["record_id"]) == set(keys["record_id"])
        assert keys["record_id"].is_monotonic_increasing
        assert {32} == set(keys["linkage_key"].str.len())


def test_counts_are_printed_and_small_ones_hidden_in_the_research_environment(linked):
    """The custodian sees its own as they are."""
    assert 0 == attach(linked, "visits.csv", "a", "rec_id", "--allow-missing"), linked.err
    custodian, warned = linked.out, linked.err
    assert 0 == attach(linked, "drugs.csv", "b", "patient"), linked.err
    assert 0 == join(linked)

    assert ["people", "without", "rows", "2"] == custodian.splitlines()[2].split()
    assert "1 rows were left out" in warned
    assert "<10" in linked.out
    assert not any(digit in linked.out.replace(RULE, "").replace("<10", "") for digit in "123456789")


def test_a_least_probability_is_passed_on(linked):
    """Above all that there are: nobody is in both."""
    attached(linked)

    assert 0 == join(linked, "--at-least", "0.95"), linked.err

    assert 0 == len(read(linked, "joined.csv"))


def test_columns_are_named_as_in_encode(linked):
    """And kept or dropped by name."""
    text = VISITS.replace("surname", "Cognomen").replace("ward", "unit,email").replace("W", "W,w")
    (linked.folder / "visits.csv").write_text(text)
    options = ("--column", "surname=Cognomen", "--keep", "unit", "--drop", "email", "--allow-missing")

    assert 0 == attach(linked, "visits.csv", "a", "rec_id", *options), linked.err

    assert ["linkage_key", "unit"] == list(read(linked, "a-out.csv").columns)


KEYS_OF_B = "--keys keys-b.csv --agreement agreement.toml --id-map map-b.csv"
DRUGS_OF_B = f"attach drugs.csv {KEYS_OF_B} --id patient"
JOIN = "join --crosswalk crosswalk.csv"
REFUSED = {
    "an identifier left": (f"attach more.csv {KEYS_OF_B} --id rec_id", 4, "policy/identifier"),
    "rows without a key": (
        f"attach more.csv {KEYS_OF_B} --id more --drop gp --drop rec_id",
        3,
        "data/no-key",
    ),
    "keys of the other": (DRUGS_OF_B.replace("keys-b", "keys-a"), 3, "data/other-keys"),
    "a map forgotten": (DRUGS_OF_B.replace("--id-map map-b.csv", ""), 3, "data/no-key"),
    "a crosswalk for keys": (DRUGS_OF_B.replace("keys-b", "crosswalk"), 3, "data/no-column"),
    "no id column": (DRUGS_OF_B.replace("patient", "rec_id"), 3, "data/no-column"),
    "not there": (DRUGS_OF_B.replace("drugs", "nobody"), 3, "data/not-found"),
    "a workbook": (f"{DRUGS_OF_B} --out o.xlsx", 2, "usage/bad-suffix"),
    "over an input": (f"{DRUGS_OF_B} --force --out drugs.csv", 2, "usage/output-is-input"),
    "a name without a file": (f"{JOIN} trust=", 2, "usage/bad-option"),
    "a name twice": (f"{JOIN} trust=visits.csv trust=visits.csv", 2, "usage/bad-option"),
    "not attached": (f"{JOIN} trust=visits.csv", 3, "data/no-column"),
    "keys for a crosswalk": ("join --crosswalk keys-a.csv trust=visits.csv", 3, "data/no-column"),
    "no such source": (f"{JOIN} Trust=visits.csv", 2, "usage/no-source"),
    "no probability": (f"{JOIN} trust=visits.csv --at-least nan", 2, "usage/probability"),
}


@pytest.mark.parametrize(("command", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_is_one_message_and_leaves_nothing_behind(linked, command, status, code):
    """No value, no traceback, no file."""
    (linked.folder / "more.csv").write_text("rec_id,gp,more\ns2,SW1A 1AA,s2\ns3,M1 1AE,s9\n")
    before = {path: path.read_bytes() for path in linked.folder.iterdir() if path.is_file()}

    returned = linked(*command.split(), *([] if "--out" in command else ["--out", "o.csv"]))

    assert (status, "") == (returned, linked.out), linked.err
    assert f"[{code}]" in linked.err
    assert 1 == linked.err.count("pprl: error:")
    assert not any(word in linked.err for word in ("Traceback", "smith", "SW1A", "r2", "s2"))
    assert before == {path: path.read_bytes() for path in linked.folder.iterdir() if path.is_file()}


def test_what_is_there_is_not_replaced_unless_forced(linked):
    """As with every verb."""
    attached(linked)

    assert 2 == attach(linked, "drugs.csv", "b", "patient")
    assert 0 == attach(linked, "drugs.csv", "b", "patient", "--force")
    assert [0, 2, 0] == [join(linked), join(linked), join(linked, "--force")]


def test_keys_that_a_spreadsheet_saved_are_refused(linked):
    """It makes a number of a key of digits, and the row is told."""
    path = linked.folder / "keys-b.csv"
    lines = path.read_text().splitlines()
    lines[2] = lines[2].split(",")[0] + ",1.23457E+31"
    path.write_text("\n".join(lines))

    assert 3 == attach(linked, "drugs.csv", "b", "patient")

    assert "malformed in row 2" in linked.err
    assert "spreadsheet" in linked.err


def test_a_join_that_leaves_nobody_says_so(linked):
    """An empty table is easily taken for a mistake of somebody else."""
    attached(linked)

    assert 0 == join(linked, "--at-least", "0.95"), linked.err
    assert "warning: nobody is left" in linked.err

    assert 0 == join(linked, "--at-least", "0.5", out="some.csv")
    assert "nobody" not in linked.err
