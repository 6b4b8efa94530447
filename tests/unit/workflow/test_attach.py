"""`attach`: linkage keys take the place of ids, and identifiers stay at home."""

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import DataError, PolicyError, PprlError, UsageError
from pprl.exchange.crosswalks import save_record_keys
from pprl.exchange.idmaps import IdMap
from pprl.linkage.linkagekeys import RecordKeys
from pprl.workflow import attach

KEYS = {"r1": "3a" * 16, "r2": "1b" * 16, "r3": "2c" * 16}
VISITS = pd.DataFrame(
    {
        "rec_id": ["r1", "r2", "r1", "r3"],
        "surname": ["Zzyzx", "smith", "Zzyzx", "nowak"],
        "day": ["2019-05-01", "2019-01-01", "2018-02-02", "2019-03-03"],
        "ward": ["A", "B", "C", "D"],
    }
)


def test_ids_become_keys_and_the_agreements_columns_go(febrl):
    """People in the order of their random keys; rows of one person in their own."""
    attached = attach(VISITS, KEYS, id="rec_id", agreement=febrl)

    assert {
        "linkage_key": ["1b" * 16, "2c" * 16, "3a" * 16, "3a" * 16],
        "day": ["2019-01-01", "2019-03-03", "2019-05-01", "2018-02-02"],
        "ward": ["B", "D", "A", "C"],
    } == attached.table.to_pydict()
    assert (3, 0, 0, 2) == (
        attached.n_people,
        attached.n_without_rows,
        attached.n_left_out,
        attached.n_removed,
    )


def slow_attached(rows, keys):
    """Every row with the key of its id, by key."""
    return sorted(((keys[one], number) for number, one in enumerate(rows)), key=lambda entry: entry[0])


@given(st.permutations([f"{n:032x}" for n in range(6)]), st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_attaching_equals_its_slow_twin(keys, rows):
    """Every row is there once, beside the key of its id."""
    named = {f"r{n}": key for n, key in enumerate(keys)}
    ids = [f"r{n}" for n in rows]

    attached = attach(pa.table({"key": ids, "n": range(len(ids))}), named, id="key", agreement=None)

    assert slow_attached(ids, named) == list(zip(*attached.table.to_pydict().values(), strict=True))


def test_the_order_of_the_payload_tells_nothing():
    """One row a person: any order of rows gives the same table."""
    rows = [("r1", "A"), ("r2", "B"), ("r3", "C")]

    tables = [
        attach(pd.DataFrame(order, columns=["key", "ward"]), KEYS, id="key", agreement=None).table.to_pydict()
        for order in itertools.permutations(rows)
    ]

    assert all(tables[0] == table for table in tables)


def test_an_id_map_leads_from_random_ids_to_ones_own(tmp_path, febrl):
    """The linkage unit knew only the random ones."""
    mapping = IdMap({"x9": "r1", "x7": "r2", "x8": "r3"})
    mapping.save(tmp_path / "id-map.csv")
    by_random_id = {random: KEYS[local] for random, local in mapping.local_ids.items()}

    expected = attach(VISITS, KEYS, id="rec_id", agreement=febrl).table
    for id_map in (mapping, tmp_path / "id-map.csv"):
        assert attach(VISITS, by_random_id, id="rec_id", agreement=febrl, id_map=id_map).table == expected


@pytest.mark.parametrize(
    "keys",
    [
        {"x9": "3a" * 16, "x7": "1b" * 16},
        {"x9": "3a" * 16, "x7": "1b" * 16, "y1": "2c" * 16},
        {"x9": "3a" * 16, "x7": "1b" * 16, "x8": "2c" * 16, "y1": "4d" * 16},
    ],
    ids=["one less", "another", "one more"],
)
def test_keys_that_are_not_those_of_the_id_map_are_refused(keys):
    """Of another package, or cut off."""
    mapping = IdMap({"x9": "r1", "x7": "r2", "x8": "r3"})

    with pytest.raises(DataError) as caught:
        attach(VISITS, keys, id="rec_id", agreement=None, drop=["surname"], id_map=mapping)

    assert "data/other-keys" == caught.value.code


def test_an_id_map_with_two_ways_to_one_id_is_refused():
    """It would give two keys to one record."""
    mapping = IdMap({"x9": "r1", "x7": "r1"})

    with pytest.raises(DataError, match="a local id occurs twice"):
        attach(VISITS, {"x9": "3a" * 16, "x7": "1b" * 16}, id="rec_id", agreement=None, id_map=mapping)


def test_columns_that_were_renamed_for_encoding_go_too(febrl):
    """And so do those of the agreement's own name."""
    table = VISITS.rename(columns={"surname": "cognomen"}).assign(surname="z", suburb="x")

    attached = attach(table, KEYS, id="rec_id", agreement=febrl, columns={"surname": "cognomen"})

    assert ["linkage_key", "day", "ward"] == attached.table.column_names


def test_what_still_looks_like_an_identifier_stops_all():
    """By number and by our own words, so that no value is shown; all of them at once."""
    table = VISITS.assign(gp=["SW1A 1AA", "M1 1AE", None, "B33 8TH"])

    with pytest.raises(PolicyError) as caught:
        attach(table, KEYS, id="rec_id", agreement=None)

    assert "policy/identifier" == caught.value.code
    assert "column 2 like a name; column 5 like a postcode" in caught.value.message
    assert not any(word in caught.value.message for word in ("surname", "gp", "Zzyzx", "SW1A"))


def test_a_column_may_be_kept_or_dropped_by_name(febrl):
    """Sex is compared, and wanted in the analysis."""
    table = VISITS.assign(state="wa", gp="SW1A 1AA")

    attached = attach(table, KEYS, id="rec_id", agreement=febrl, keep=["state"], drop=["gp", "day"])

    assert ["linkage_key", "ward", "state"] == attached.table.column_names


NAMED = {
    "drop what is not there": ({"drop": ["Ward"]}, "usage/no-column"),
    "keep what is not there": ({"keep": ["Ward"]}, "usage/no-column"),
    "keep the id": ({"keep": ["rec_id"]}, "usage/keep-and-drop"),
    "keep and drop": ({"keep": ["ward"], "drop": ["ward"]}, "usage/keep-and-drop"),
    "a text for a list": ({"drop": "ward"}, "usage/wrong-type"),
    "no such field": ({"columns": {"surnam": "ward"}}, "usage/no-field"),
}


@pytest.mark.parametrize(("options", "code"), NAMED.values(), ids=NAMED)
def test_a_mistaken_name_is_no_silent_one(febrl, options, code):
    """Who drops a column must not find it in the result."""
    with pytest.raises(UsageError) as caught:
        attach(VISITS, KEYS, id="rec_id", agreement=febrl, **options)

    assert code == caught.value.code


def test_columns_of_fields_need_the_agreement():
    """They would be carried in silence."""
    with pytest.raises(UsageError, match="None was given"):
        attach(VISITS, KEYS, id="rec_id", agreement=None, columns={"surname": "ward"})


def test_rows_without_a_key_are_refused_or_left_out(febrl):
    """Never carried without one."""
    table = pd.concat([VISITS, VISITS.head(2).assign(rec_id=["zzyzx", "r2"])])

    with pytest.raises(DataError) as caught:
        attach(table, KEYS, id="rec_id", agreement=febrl)
    attached = attach(table, KEYS, id="rec_id", agreement=febrl, allow_missing=True)

    assert "1 rows have an id without a linkage key (row 5)" in caught.value.message
    assert "zzyzx" not in caught.value.message
    assert (5, 1) == (len(attached), attached.n_left_out)


@pytest.mark.parametrize("id_map", [None, IdMap({"r1": "x", "r2": "y", "r3": "z"})])
@pytest.mark.parametrize("allow_missing", [False, True])
def test_if_no_row_has_a_key_something_else_is_wrong(id_map, allow_missing, febrl):
    """An id map is missing, or the table is another; to leave all out is no answer."""
    table = VISITS.assign(rec_id=["1", "2", "3", "4"])

    with pytest.raises(DataError) as caught:
        attach(table, KEYS, id="rec_id", agreement=febrl, id_map=id_map, allow_missing=allow_missing)

    assert "data/no-key" == caught.value.code
    assert (id_map is None) == ("id map" in caught.value.hint)


def test_people_without_rows_are_counted(febrl):
    """Keys are for every record that was encoded; not all have visits."""
    attached = attach(VISITS.head(1), KEYS, id="rec_id", agreement=febrl)

    assert (1, 2) == (attached.n_people, attached.n_without_rows)


def test_a_table_is_attached_once(febrl):
    """A second key beside the first would be carried as a value."""
    table = VISITS.assign(linkage_key="0")

    with pytest.raises(UsageError, match="already"):
        attach(table, KEYS, id="rec_id", agreement=febrl)
    attached = attach(table, KEYS, id="rec_id", agreement=febrl, drop=["linkage_key"])

    assert ["linkage_key", "day", "ward"] == attached.table.column_names


def test_an_empty_payload_has_nothing_to_attach(febrl):
    """Nobody in it has a key."""
    with pytest.raises(DataError):
        attach(VISITS.head(0).astype(str), KEYS, id="rec_id", agreement=febrl)


def test_the_id_may_be_a_field_of_the_agreement(febrl):
    """It goes like the others; a health number may have been the id here."""
    attached = attach(VISITS, {"Zzyzx": "1b" * 16, "smith": "2c" * 16, "nowak": "0f" * 16}, id="surname",
                      agreement=febrl, drop=["rec_id"])  # fmt: skip

    assert ["linkage_key", "day", "ward"] == attached.table.column_names


def test_keys_come_from_the_file_that_the_linkage_unit_wrote(tmp_path, febrl):
    """And the result is written and shown without a value."""
    keys = RecordKeys("a", np.arange(3), np.array([key.encode() for key in KEYS.values()]))
    save_record_keys(tmp_path / "keys.csv", keys, np.array([one.encode() for one in KEYS]))

    attached = attach(VISITS, tmp_path / "keys.csv", id="rec_id", agreement=febrl)
    attached.save(tmp_path / "out.csv")

    assert attached.table.to_pydict() == pd.read_csv(tmp_path / "out.csv", dtype=str).to_dict("list")
    assert attached.to_pandas().to_dict("list") == attached.to_arrow().to_pydict()
    assert "Attached(4 rows of 3 people, 3 columns)" == repr(attached)
    assert "4 rows of 3 people" in attached._repr_html_()


@given(st.text(min_size=1, max_size=20), st.integers(0, 3))
def test_no_message_holds_a_value(value, place):
    """Whatever stands in a cell, also where it is the reason."""
    marked = f"Zzyzx{value}"
    cells = ["r1", "2019-01-01", "A", "x"]
    cells[place] = marked
    table = pa.table(
        {name: [cell] for name, cell in zip(("rec_id", "day", "ward", "surname"), cells, strict=True)}
    )

    try:
        attach(table, KEYS, id="rec_id", agreement=None)
    except PprlError as error:
        said = error.message + error.hint
    else:
        said = ""

    assert "Zzyzx" not in said
