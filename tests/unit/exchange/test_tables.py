"""Tables of any make become the same columns of text, and damaged ones are refused by place."""

import datetime as dt
import io

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pprl.errors import DataError, PprlError, UsageError
from pprl.exchange import parquetfiles
from pprl.exchange.shape import Wanted
from pprl.exchange.tables import Table, read_table, read_texts

ROWS = [("r1", "Null", "01"), ("r2", "NA", "02"), ("r3", "None", ""), ("r4", "Siân", "004")]
COLUMNS = ("id", "surname", "code")
FRAME = pd.DataFrame(ROWS, columns=list(COLUMNS))


def read(source: object, **options) -> Table:
    """Read surname and code."""
    return read_table(source, columns=["surname", "code"], id_column="id", **options)


def write_csv(tmp_path, content: bytes):
    """A file that is not named as CSV: only the content counts."""
    (tmp_path / "t.dat").write_bytes(content)
    return tmp_path / "t.dat"


def test_every_make_of_table_reads_alike(tmp_path):
    """CSV, Parquet, pandas, polars, pyarrow; text stays text."""
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    FRAME.to_parquet(tmp_path / "t.parquet")
    sources = [
        tmp_path / "t.csv",
        str(tmp_path / "t.parquet"),
        FRAME,
        FRAME.set_index("id"),
        FRAME.astype("category"),
        FRAME.astype("string"),
        pl.DataFrame(FRAME.to_dict("list")),
        pl.DataFrame(FRAME.to_dict("list")).with_columns(pl.col("surname").cast(pl.Categorical)),
        pl.DataFrame(FRAME.to_dict("list")).with_columns(
            pl.col("code").cast(pl.Enum(["", "004", "01", "02"]))
        ),
        pa.table(FRAME.to_dict("list")),
        pa.RecordBatchReader.from_batches(
            pa.table(FRAME.to_dict("list")).schema, pa.table(FRAME.to_dict("list")).to_batches()
        ),
    ]

    for source in sources:
        table = read(source)
        assert [b"r1", b"r2", b"r3", b"r4"] == table.record_ids.tolist()
        assert ["Null", "NA", "None", "Siân"] == table.columns["surname"].to_texts()
        assert ["01", "02", "", "004"] == table.columns["code"].to_texts()


def test_missing_cells_of_frames_are_missing():
    """None and NaN among text."""
    frame = pd.DataFrame({"id": ["a", "b", "c"], "surname": ["x", None, np.nan], "code": [None, None, None]})

    table = read(frame)

    assert ["x", None, None] == table.columns["surname"].to_texts()
    assert [None] * 3 == table.columns["code"].to_texts()


def test_dates_become_iso_text():
    """Dates, and timestamps at midnight without a zone."""
    day = dt.date(1990, 2, 11)
    frame = pd.DataFrame({"id": ["a"], "surname": [day], "code": [pd.Timestamp(day)]})

    table = read(frame)

    assert [["1990-02-11"]] * 2 == [table.columns[name].to_texts() for name in ("surname", "code")]


def test_ids_may_be_whole_numbers():
    """As databases have them."""
    assert [b"7", b"12"] == read(FRAME[:2].assign(id=[7, 12])).record_ids.tolist()


@pytest.mark.parametrize(
    "change",
    [
        {"code": [1, 2, 3, 4]},
        {"code": [1.5, 2, 3, 4]},
        {"code": [True, False, True, True]},
        {"code": ["a", 1, 2.5, None]},
        {"code": [["a"], ["b"], ["c"], ["d"]]},
        {"code": [b"ok", b"S\xe9", b"x", b"y"]},
        {"code": pd.Series(["\ud800", "b", "c", "d"], dtype=object)},
        {"code": [pd.Timestamp("1990-02-11 01:00")] * 4},
        {"code": [pd.Timestamp("1990-02-11", tz="UTC")] * 4},
    ],
)
def test_what_is_not_text_is_refused(change):
    """Numbers, truth values, mixtures, lists, other encodings, lone surrogates, hours and zones."""
    with pytest.raises(DataError):
        read(FRAME.assign(**change))


def test_columns_not_asked_for_are_not_looked_at():
    """A column of anything at all is no obstacle, and is counted."""
    table = read(FRAME.assign(diagnosis=[object(), 1, "F20", None]))

    assert (1, {"surname", "code"}) == (table.n_ignored, set(table.columns))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_byte_order_marks_do_not_matter(tmp_path, line_end, mark):
    """Unix, Windows, old Macintosh; with and without a mark; last line ended or not."""
    lines = ["id,surname,code", 'r1,"O\'Neil, jr",1', "r2,NA,"]

    for end in (line_end, ""):
        table = read(write_csv(tmp_path, mark + (line_end.join(lines) + end).encode()))
        assert ["O'Neil, jr", "NA"] == table.columns["surname"].to_texts()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no header"),
        (b"\n\n", "no header"),
        (b"\xef\xbb\xbf", "no header"),
        (b"id,surname,code\n", "no rows"),
        (b"id,surname,code", "no rows"),
        (b"id,surname,surname,code\nr1,a,b,c\n", "columns 2 and 3 have the same name"),
        (b"id,surname\nr1,a\n", "no column 'code'"),
        (b"id;surname;code\nr1;a;b\n", "no column 'id'"),
        (b"id,surname,code\nr1,a,b\nr2,a,b,c\n", "row 2: has 4 values, the header 3"),
        (b"id,surname,code\nr1,a\n", "row 1: has 2 values, the header 3"),
        ("id,surname,code\nr1,a,b\nr2,Siân O’Brien,b\n".encode("cp1252"), "surname, row 2: is not UTF-8"),
        (b"id,surname,code\nr1,a\0,b\n", "NUL"),
        (b"id,surname,code,x\nr1,a,b,\0\n", "NUL"),
        (b"id,surname,code\nr1,a,b\n,a,b\n  ,a,b\n", "2 ids are missing \\(rows 2, 3\\)"),
        (b"id,surname,code\nr1,a,b\nr2,a,b\nr1,a,b\n", "2 rows share an id with another \\(rows 1, 3\\)"),
        (b'id,surname,code\nr1,"a,b\nr2,a,b\nr3,a,b\n', "row 1: has 2 values"),
        (b'id,surname,code\nr1,a,b\nr2,a,"b\nr3,a,b\n', "3 lines after the header make 2 rows"),
        (b'id,surname,code\nr1,a,"b\nr2,a,b"\n', "2 lines after the header make 1 rows"),
        (b'id,surname,code,note\nr1,a,b,"x\nr2,a,b,y"\n', "2 lines after the header make 1 rows"),
        (b"id,surname,code\nr1," + b"a" * 5000 + b",b\n", "longer than 4096"),
        (",".join(["id", "surname", "code", *map(str, range(100_000))]).encode() + b"\n", "100003 columns"),
        ("id,surname,code\nr1,a,b\n".encode("utf-16"), "UTF-16"),
        (b"\xff\xd8\xff\xe0 jpeg", "JPEG"),
        (b"PK\x03\x04 xlsx", "Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"pprl-package 1 ", "encoded package"),
        (b"\x1f\x8b gzip", "gzip"),
        (b"PAR1 not really", "damaged"),
    ],
)
def test_a_damaged_file_is_refused_by_place(tmp_path, content, said):
    """The message says where, and nothing of what the file holds."""
    with pytest.raises(DataError, match=said) as caught:
        read(write_csv(tmp_path, content))

    assert "Brien" not in f"{caught.value} {caught.value.hint}"


def test_a_table_without_a_header_does_not_show_its_first_person(tmp_path):
    """What should be a header is never repeated."""
    with pytest.raises(DataError) as caught:
        read(write_csv(tmp_path, b"r1,Featherstonehaugh,1\nr2,b,2\n"))

    assert "Feather" not in f"{caught.value} {caught.value.hint}"


def test_an_error_holds_no_cell_in_its_chain(tmp_path):
    """Neither cause nor context, whose text or objects quote cells."""
    sources = [
        write_csv(tmp_path, "id,surname,code\nr1,Siân,b\n".encode("latin-1")),
        FRAME.assign(code=["a", 1, 2.5, None]),
        FRAME.assign(code=pd.Series(["\ud800", "b", "c", "d"], dtype=object)),
    ]

    for source in sources:
        with pytest.raises(DataError) as caught:
            read(source)
        assert (None, None) == (caught.value.__cause__, caught.value.__context__)


def test_a_column_in_other_letters_is_pointed_at(tmp_path):
    """By its place, as its name may be a person's."""
    with pytest.raises(DataError) as caught:
        read(write_csv(tmp_path, b"id,Sur Name,code\nr1,a,b\n"))

    assert "column 2 has that name in other letters or spacing; name it with --column" == caught.value.hint


def test_a_hint_names_the_option_that_there_is(tmp_path):
    """Ids have one of their own, and a table with fixed columns has none; the message says which table."""
    path = write_csv(tmp_path, b"ID,surname,code\nr1,a,b\n")
    same = "column 1 has that name in other letters or spacing"

    with pytest.raises(DataError, match=f"table {path.name}: has no column 'id'") as caught:
        read(path)
    assert f"{same}; name it with --id" == caught.value.hint
    with pytest.raises(DataError, match=f"truth {path.name}: has no column 'id'") as caught:
        read_texts(path, Wanted(["id"], "truth"))
    assert same == caught.value.hint


def test_nested_columns_of_parquet_are_refused(tmp_path):
    """A list is not a name."""
    pq.write_table(pa.table({"id": ["a"], "surname": [["x"]], "code": ["1"]}), tmp_path / "t.parquet")

    with pytest.raises(DataError, match="column surname: holds nested values"):
        read(tmp_path / "t.parquet")


def test_blank_lines_are_no_rows(tmp_path):
    """Between rows and at the end."""
    table = read(write_csv(tmp_path, b"id,surname,code\n\nr1,a,b\r\n\r\nr2,a,b\n\n\n"))

    assert [b"r1", b"r2"] == table.record_ids.tolist()


def test_an_empty_table_may_be_asked_for(tmp_path):
    """Explicitly."""
    table = read(write_csv(tmp_path, b"id,surname,code\n"), allow_empty=True)

    assert (0, 0) == (len(table), len(table.columns["surname"]))


@pytest.mark.parametrize("source", [3, None, [1, 2], {"id": ["a"]}])
def test_what_is_no_table_is_refused(source):
    """With what is wanted."""
    with pytest.raises(UsageError, match="__arrow_c_stream__"):
        read(source)


def test_a_parquet_bomb_is_refused(tmp_path, monkeypatch):
    """A short file whose values would fill the memory is refused by what it holds."""
    monkeypatch.setattr(parquetfiles, "MAX_DISTINCT_BYTES", 1 << 20)
    bomb = pa.table({"id": pa.array(["a"]), "surname": pa.array(["x" * (2 << 20)]), "code": pa.array(["1"])})
    pq.write_table(bomb, tmp_path / "bomb.parquet", compression="zstd")

    with pytest.raises(DataError, match="beyond reason"):
        read(tmp_path / "bomb.parquet")


def test_one_long_value_in_many_rows_is_not_expanded(tmp_path):
    """A dictionary of one long value and many rows: 400 kB that would be 40 GB."""
    n_rows = 10_000
    long = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n_rows, np.int32)), pa.array(["x" * 4_000_000]))
    table = pa.table({"id": pa.array([str(i) for i in range(n_rows)]), "surname": long, "code": long})
    pq.write_table(table, tmp_path / "bomb.parquet", compression="zstd")

    with pytest.raises(DataError, match="longer than 4096"):
        read(tmp_path / "bomb.parquet")


@pytest.mark.parametrize("seed", range(150))
def test_a_parquet_file_with_flipped_bits_reads_as_it_was_or_not_at_all(tmp_path, seed):
    """Page checksums find damage where the writer made them; nothing but our own errors comes out."""
    sink = io.BytesIO()
    pq.write_table(pa.table(FRAME.to_dict("list")), sink, write_page_checksum=True)
    content = bytearray(sink.getvalue())
    rng = np.random.default_rng(seed)
    content[rng.integers(4, len(content))] ^= 1 << rng.integers(8)
    (tmp_path / "t.parquet").write_bytes(content)

    try:
        table = read(tmp_path / "t.parquet")
    except PprlError:
        return
    assert ["Null", "NA", "None", "Siân"] == table.columns["surname"].to_texts()


def test_a_parquet_file_without_rows_has_none(tmp_path):
    """And says so."""
    FRAME[:0].to_parquet(tmp_path / "t.parquet")

    with pytest.raises(DataError, match="no rows"):
        read(tmp_path / "t.parquet")
