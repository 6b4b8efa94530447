"""Payloads: every column as it was, and nothing besides the columns."""

import datetime as dt
import os
import stat

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pprl.errors import DataError, UsageError
from pprl.exchange import payloads
from pprl.exchange.payloads import read_payload, write_payload

TYPED = pa.table({
    "id": ["1", "2", "1"],
    "text": ['a, "b"', None, "=1+1"],
    "whole": pa.array([1, None, -3], pa.int64()),
    "real": [0.1, 1e300, None],
    "truth": [True, None, False],
    "day": pa.array([dt.date(2020, 2, 29), None, dt.date(1, 1, 1)]),
    "moment": pa.array([dt.datetime(2020, 1, 1, 12, 30), None, dt.datetime(1999, 1, 1)], pa.timestamp("us")),  # noqa: DTZ001 - no zone is meant
    "coded": pa.array(["x", "y", "x"]).dictionary_encode(),
})  # fmt: skip


def read(source, id_column="id"):
    return read_payload(source, id_column=id_column)


def test_a_column_comes_as_it_was_from_every_make_of_table(tmp_path):
    """Parquet, pandas, polars, pyarrow; and the id column may repeat a value."""
    pq.write_table(TYPED, tmp_path / "t.parquet")
    sources = [tmp_path / "t.parquet", str(tmp_path / "t.parquet"), TYPED, pl.from_arrow(TYPED)]

    for payload in map(read, sources):
        assert ("1", "2", "1") == payload.ids
        assert TYPED.drop_columns(["id"]).to_pydict() == payload.table.to_pydict()
        assert {name: place for place, name in enumerate(TYPED.column_names[1:], 2)} == payload.places


def test_cells_of_csv_are_text_and_missing_where_empty(tmp_path):
    """Leading zeros and people's codes survive."""
    (tmp_path / "t.csv").write_bytes(b'\xef\xbb\xbfward,id,code\n"A, B",7,007\n,8,NA\n')

    payload = read(tmp_path / "t.csv")

    assert {"ward": ["A, B", None], "code": ["007", "NA"]} == payload.table.to_pydict()
    assert ("7", "8") == payload.ids
    assert {"ward": 1, "code": 3} == payload.places


def test_the_index_of_a_pandas_frame_may_hold_the_ids():
    """And another index is not carried: it may tell the order."""
    frame = pd.DataFrame({"ward": ["A", "B"]}, index=pd.Index([7, 8], name="id"))

    assert ("7", "8") == read(frame).ids
    assert ["ward"] == read(frame).table.column_names
    assert ["ward"] == read(frame.reset_index().set_index(np.array([9, 3]))).table.column_names


def test_a_column_without_a_name_is_left_out_and_counted(tmp_path):
    """Programs write row numbers there, which tell the order."""
    (tmp_path / "t.csv").write_text(",id,ward, \n0,7,A,x\n")

    payload = read(tmp_path / "t.csv")

    assert ["ward"] == payload.table.column_names
    assert 2 == payload.n_unnamed


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_is_written_is_read_again(tmp_path, suffix):
    """By the strict readers."""
    write_payload(tmp_path / f"t{suffix}", TYPED)

    payload = read(tmp_path / f"t{suffix}")

    assert ("1", "2", "1") == payload.ids
    wanted = TYPED.drop_columns(["id"])
    if suffix == ".csv":
        assert ['a, "b"', None, "=1+1"] == payload.table.column("text").to_pylist()
        assert ["1", None, "-3"] == payload.table.column("whole").to_pylist()
        assert ["2020-02-29", None, "0001-01-01"] == payload.table.column("day").to_pylist()
        assert [0.1, 1e300] == [float(cell) for cell in payload.table.column("real").to_pylist()[:2]]
    else:
        assert wanted.to_pydict() == payload.table.to_pydict()


def test_values_of_csv_go_through_byte_for_byte(tmp_path):
    """A cell like a formula too: a changed value would be a wrong one."""
    content = 'id,cell\n1,=1+1\n2,-5\n3,+44\n4,@x\n5,"a ""b"", c"\n6, x \n'
    (tmp_path / "t.csv").write_text(content)
    payload = read(tmp_path / "t.csv")

    write_payload(tmp_path / "o.csv", pa.table({"id": payload.ids, "cell": payload.table.column("cell")}))

    assert content == (tmp_path / "o.csv").read_text()


def test_no_metadata_is_carried(tmp_path):
    """Names of columns that were removed, and what a program noted, stand there."""
    frame = pd.DataFrame({"surname": ["Zzyzx"], "id": ["1"], "ward": ["A"]})
    table = pa.Table.from_pandas(frame).replace_schema_metadata({"made": "by-dr-who", "pandas": "surname"})
    field = pa.field("ward", pa.string(), metadata={"note": "by-dr-who"})
    noted = table.select(["ward"]).cast(pa.schema([field], metadata=table.schema.metadata))

    write_payload(tmp_path / "o.parquet", noted)

    content = (tmp_path / "o.parquet").read_bytes()
    assert b"surname" not in content
    assert b"by-dr-who" not in content


def test_values_of_rows_that_are_gone_are_not_carried(tmp_path):
    """A dictionary holds them still when it is cut."""
    coded = pa.table({"ward": pa.array(["kept", "Zzyzx"]).dictionary_encode()})

    write_payload(tmp_path / "o.parquet", coded.slice(0, 1))

    assert b"Zzyzx" not in (tmp_path / "o.parquet").read_bytes()
    assert ["kept"] == pq.read_table(tmp_path / "o.parquet").column("ward").to_pylist()


def test_many_batches_are_one_table(tmp_path, monkeypatch):
    """Written piece by piece."""
    monkeypatch.setattr(payloads, "_BATCH_ROWS", 7)
    table = pa.table({"id": [str(n) for n in range(100)], "n": list(range(100))})

    for suffix in (".csv", ".parquet"):
        write_payload(tmp_path / f"t{suffix}", table)
        assert table.column("id").to_pylist() == list(read(tmp_path / f"t{suffix}").ids)


def test_several_row_groups_with_other_dictionaries_are_one_table(tmp_path):
    """As large files of Parquet have them."""
    table = pa.table({"id": list("abcdef"), "ward": list("uvwxyz")})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=2)

    payload = read(tmp_path / "t.parquet")

    assert list("uvwxyz") == payload.table.column("ward").to_pylist()
    assert list("zyx") == payload.table.take([5, 4, 3]).column("ward").to_pylist()


@pytest.mark.skipif(os.name == "nt", reason="modes are a POSIX matter")
def test_what_is_written_is_for_its_owner_only(tmp_path):
    """Diagnoses with a pseudonym are of people all the same."""
    write_payload(tmp_path / "o.csv", TYPED)

    assert 0o600 == stat.S_IMODE((tmp_path / "o.csv").stat().st_mode)


@pytest.mark.parametrize("column", [["a\nb"], ["a\rb"], ["a\0b"]])
def test_csv_is_not_written_where_it_would_not_be_read(tmp_path, column):
    """A line break in a text: Parquet holds it."""
    table = pa.table({"id": ["1"], "notes": column})

    with pytest.raises(DataError, match=r"^output, column 2: a text holds a line break$"):
        write_payload(tmp_path / "o.csv", table)

    assert [] == list(tmp_path.iterdir())
    write_payload(tmp_path / "o.parquet", table)
    assert column == pq.read_table(tmp_path / "o.parquet").column("notes").to_pylist()


@pytest.mark.parametrize("name", ["o", "o.txt", "o.xlsx", "o.csv.gz"])
def test_the_name_says_the_format(tmp_path, name):
    """CSV or Parquet."""
    with pytest.raises(UsageError, match=r"ends in \.csv or \.parquet"):
        write_payload(tmp_path / name, TYPED)


def test_a_heading_with_a_line_break_is_not_written_as_csv(tmp_path):
    """The reader would take it for the end of the header."""
    with pytest.raises(DataError, match="a text holds a line break"):
        write_payload(tmp_path / "o.csv", pa.table({"a\nb": ["1"]}))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_an_unusual_kind_is_written_or_refused_by_us(tmp_path, suffix):
    """Never half, and never with another library's words."""
    table = pa.table({"id": ["1"], "x": pa.array([(1, 2, 3)], pa.month_day_nano_interval())})

    with pytest.raises(DataError, match=r"^output"):
        write_payload(tmp_path / f"o{suffix}", table)

    assert [] == list(tmp_path.iterdir())


def test_categories_of_any_frame_are_texts():
    """Of pandas and of polars."""
    for frame in (pd.DataFrame, pl.DataFrame):
        table = frame({"id": ["1", "2"], "x": ["a", "b"]})
        coded = (
            table.assign(x=table["x"].astype("category"))
            if frame is pd.DataFrame
            else table.cast({"x": pl.Categorical})
        )
        assert ["a", "b"] == read(coded).table.column("x").to_pylist()


BAD = {
    "empty": (b"", "data/no-header"),
    "no id column": (b"ward\nA\n", "data/no-column"),
    "nothing but ids": (b"id\n1\n", "data/no-column"),
    "an id missing": (b"id,ward\n1,Zzyzx\n,B\n", "data/gap"),
    "one name twice": (b"id,Zzyzx,Zzyzx\n1,2,3\n", "data/duplicate-column"),
    "cp1252": (b"id,ward\n1,Zzyzx \x92\n", "data/bad-value"),
    "NUL": (b"id,ward\n1,Zzyzx\0\n", "data/nul-bytes"),
    "ragged": (b"id,ward\n1,Zzyzx,3\n", "data/ragged-row"),
    "an open quotation mark": (b'id,ward\n1,"Zzyzx\n2,B"\n', "data/line-break-in-value"),
    "xlsx": (b"PK\x03\x04", "data/not-a-table"),
    "damaged Parquet": (b"PAR1Zzyzx", "data/not-parquet"),
}


@pytest.mark.parametrize(("content", "code"), BAD.values(), ids=BAD)
def test_a_bad_payload_is_refused_without_its_values(tmp_path, content, code):
    """By number of column and row."""
    (tmp_path / "t.csv").write_bytes(content)

    with pytest.raises(DataError) as caught:
        read(tmp_path / "t.csv")

    assert code == caught.value.code
    assert "Zzyzx" not in caught.value.message + caught.value.hint
    assert caught.value.__context__ is None


FRAMES = {
    "nested": pa.table({"id": ["1"], "x": [["Zzyzx"]]}),
    "structs": pa.table({"id": ["1"], "x": [{"name": "Zzyzx"}]}),
    "bytes": pa.table({"id": ["1"], "x": [b"Zzyzx\xff"]}),
    "text that is none": pa.table({"id": ["1"], "x": pa.array([b"Zzyzx\xff"]).view(pa.string())}),
    "mixed": pd.DataFrame({"id": ["1", "2"], "x": ["Zzyzx", 2]}),
    "two of a name": pd.DataFrame([["1", "a", "b"]], columns=["id", "x", "x"]),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_frame_in_which_identifiers_would_not_be_seen_is_refused(frame):
    """Lists, bytes, objects."""
    with pytest.raises(DataError) as caught:
        read(frame)

    assert "Zzyzx" not in caught.value.message + caught.value.hint


def test_what_is_no_table_is_refused():
    """A list of lists."""
    with pytest.raises(UsageError, match="wanted a path"):
        read([["1", "A"]])


def test_a_parquet_file_that_expands_beyond_reason_is_refused(tmp_path, monkeypatch):
    """By what it holds, not by what it says."""
    monkeypatch.setattr(payloads, "MAX_PAYLOAD_BYTES", 10)
    pq.write_table(TYPED, tmp_path / "t.parquet")

    with pytest.raises(DataError, match="expands beyond reason"):
        read(tmp_path / "t.parquet")


def test_what_is_shown_of_a_payload_are_counts():
    """Also where an error prints it."""
    assert "Payload(3 rows, 7 columns)" == repr(read(TYPED))
