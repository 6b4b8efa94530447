"""
Tables in: CSV, Parquet or any frame become columns of text.

Only the columns asked for are read.  Everything is text: leading zeros survive, and so do
people called Null, None and Na.  Messages give row numbers (the first row of data is row
1) and names from the agreement, never anything that the table holds.
"""

import csv
import io
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pprl.errors import DataError, UsageError
from pprl.exchange.csvfiles import read_csv
from pprl.exchange.parquetfiles import read_parquet
from pprl.exchange.shape import Wanted, place_of, require_one_each
from pprl.files import open_regular
from pprl.model import TextColumn
from pprl.model.arrays import Codes, Ids
from pprl.model.encoded import MAX_ID_BYTES

MAX_VALUE_BYTES = 4096
COLUMN_OPTION, ID_OPTION = "--column", "--id"  # of the command line: they name a column otherwise
_SNIFF_BYTES = 512
_TEXT_TYPES = {
    "string",
    "large_string",
    "string_view",
    "binary",
    "large_binary",
}  # bytes are checked to be UTF-8
_FOREIGN = (
    (b"PK\x03\x04", "a zip archive or an Excel workbook", "save the sheet as CSV UTF-8"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", "save the sheet as CSV UTF-8"),
    (b"\xff\xd8\xff", "a JPEG picture", ""),
    (b"\x89PNG", "a PNG picture", ""),
    (b"%PDF", "a PDF document", ""),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
    (b"age-encryption.org", "an encrypted file", "decrypt it first"),
    (b"pprl-package", "an encoded package, not a table", "use `pprl inspect` or `pprl link` on it"),
    (b"ARROW1", "an Arrow file", "save it as Parquet or CSV"),
    (b"\xff\xfe", "UTF-16 text", "save it as CSV UTF-8"),
    (b"\xfe\xff", "UTF-16 text", "save it as CSV UTF-8"),
)


@runtime_checkable
class ArrowStream(Protocol):
    """Any frame that speaks the Arrow stream protocol: polars, pyarrow, DuckDB and others."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give the rows as a stream."""


@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """The columns asked for, as text.

    Parameters
    ----------
    record_ids : ndarray of bytes, shape (n,)
        UTF-8, none empty, all different.
    columns : mapping of str to TextColumn
        By name of column.
    n_ignored : int
        Columns that were there and were not read.
    """

    record_ids: Ids
    columns: Mapping[str, TextColumn]
    n_ignored: int

    def __len__(self) -> int:
        return int(self.record_ids.size)

    def __repr__(self) -> str:
        return f"Table({len(self)} records, {len(self.columns)} columns, {self.n_ignored} ignored)"


def read_table(source: object, *, columns: Sequence[str], id_column: str, allow_empty: bool = False) -> Table:
    """Read the columns asked for from a file or a frame.

    Parameters
    ----------
    source : path, DataFrame or Arrow stream
        A CSV (UTF-8) or Parquet file, a pandas frame, or anything with
        ``__arrow_c_stream__``.
    columns : sequence of str
        Names of the columns to read.
    id_column : str
        Name of the column with record ids; for pandas the index may have that name.
    allow_empty : bool
        Accept a table without rows.

    Raises
    ------
    DataError
        If the source is not such a table, lacks a column, or ids are missing or repeated.
    """
    wanted = list(dict.fromkeys([id_column, *columns]))
    options = dict.fromkeys(columns, COLUMN_OPTION) | {id_column: ID_OPTION}
    arrow, n_columns = read_arrow(source, Wanted(wanted, options=options))
    if arrow.num_rows == 0 and not allow_empty:
        raise DataError("table: has no rows", code="no-rows", hint="if that is right, say --allow-empty")
    ids = _record_ids(text_column(arrow.column(id_column), name=id_column, numbers=True), id_column)
    texts = {name: text_column(arrow.column(name), name=name) for name in columns}
    return Table(record_ids=ids, columns=texts, n_ignored=n_columns - len(wanted))


def read_arrow(source: object, wanted: Wanted) -> tuple[pa.Table, int]:
    """Read columns as they are, and say how many the source has in all."""
    if isinstance(source, str | os.PathLike):
        return _read_file(Path(source), wanted)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(source, pandas.DataFrame):
        return _from_pandas(source, wanted)
    if isinstance(source, ArrowStream):
        return _from_stream(source, wanted)
    raise UsageError(
        f"{wanted.what}: wanted a path, a pandas frame or an object with __arrow_c_stream__",
        code="not-a-table",
    )


def _read_file(path: Path, wanted: Wanted) -> tuple[pa.Table, int]:
    wanted = wanted.of(path)
    with open_regular(path, what=wanted.what) as stream:
        start = stream.read(_SNIFF_BYTES)
        stream.seek(0)
        for magic, kind, hint in _FOREIGN:
            if start.startswith(magic):
                raise DataError(
                    f"{wanted.what}: is {kind}, wanted CSV or Parquet", code="not-a-table", hint=hint
                )
        read = read_parquet if start.startswith(b"PAR1") else read_csv
        return read(stream, wanted)


def _from_pandas(frame: Any, wanted: Wanted) -> tuple[pa.Table, int]:  # noqa: ANN401 - pandas is optional here
    if frame.index.name in wanted.columns and frame.index.name not in frame.columns:
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    places = require_one_each(names, wanted)
    chosen = frame.iloc[:, [places[name] for name in wanted.columns]]
    return _converted(
        lambda: pa.Table.from_pandas(chosen, preserve_index=False).rename_columns(list(wanted.columns)),
        wanted.what,
    ), len(names)


def _from_stream(source: ArrowStream, wanted: Wanted) -> tuple[pa.Table, int]:
    table = _converted(lambda: pa.table(source), wanted.what)
    places = require_one_each(table.column_names, wanted)
    return table.select([places[name] for name in wanted.columns]), table.num_columns


def _converted(convert: Callable[[], pa.Table], what: str) -> pa.Table:
    # Arrow's own messages quote cells, so nothing of them is kept.
    try:
        return convert()
    except (pa.ArrowException, UnicodeError, TypeError, ValueError):
        pass
    raise DataError(
        f"{what}: a column mixes kinds of values, or holds what is not text",
        code="not-text",
        hint="make every column text, for example with dtype=str",
    )


def text_column(array: pa.ChunkedArray, *, name: str, numbers: bool = False) -> TextColumn:
    """Turn an Arrow column into text, or refuse it.

    Parameters
    ----------
    array : pyarrow.ChunkedArray
        Text, dates, or timestamps at midnight without a zone.
    name : str
        Name of the column, for messages.
    numbers : bool
        Whether whole numbers are accepted, as for record ids.

    Raises
    ------
    DataError
        If the column is of another type, or a value is not UTF-8 or is too long.
    """
    encoded = _as_dictionary(array, name, numbers=numbers).unify_dictionaries()
    if encoded.num_chunks == 0:
        return TextColumn(np.zeros(0, dtype=np.int32), ())
    codes = np.concatenate([_codes(chunk.indices) for chunk in encoded.chunks])
    values = _decoded(encoded.chunk(0).dictionary.cast(pa.large_binary()), codes, name)
    return TextColumn(codes, ("",) * len(values)).replace(values)


def _as_dictionary(array: pa.ChunkedArray, name: str, *, numbers: bool) -> pa.ChunkedArray:
    if pa.types.is_dictionary(array.type) and _is_text(array.type.value_type):
        return array  # never expanded: one long value in many rows would fill the memory
    # In one piece, so that there is one dictionary and none need be unified.
    text = _as_text(array, name, numbers=numbers)
    return pa.chunked_array([text.combine_chunks()], type=text.type).dictionary_encode()


def _as_text(array: pa.ChunkedArray, name: str, *, numbers: bool) -> pa.ChunkedArray:
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _as_text(array.cast(kind.value_type), name, numbers=numbers)
    if _is_text(kind) or pa.types.is_null(kind):
        return array
    if pa.types.is_date(kind) or (numbers and pa.types.is_integer(kind)):
        return array.cast(pa.string())
    if pa.types.is_timestamp(kind):
        return _midnights(array, name)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        raise DataError(
            f"column {name}: holds numbers, wanted text",
            code="not-text",
            hint="numbers lose leading zeros: read or write the column as text, for example with dtype=str",
        )
    raise DataError(f"column {name}: holds nested or unusual values, wanted text", code="not-text")


def _is_text(kind: pa.DataType) -> bool:
    return str(kind) in _TEXT_TYPES


def _midnights(array: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    days = None if array.type.tz else pc.floor_temporal(array, unit="day")
    if days is None or not pc.all(pc.equal(days, array), min_count=0).as_py():
        raise DataError(
            f"column {name}: holds times with a zone or an hour, wanted dates",
            code="not-a-date",
            hint="a moment is another day in another zone: give dates as text, yyyy-mm-dd",
        )
    return array.cast(pa.date32()).cast(pa.string())


def _codes(indices: pa.Array) -> Codes:
    codes: Codes = indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return codes


def _decoded(dictionary: pa.Array, codes: Codes, name: str) -> list[str | None]:
    values: list[str | None] = []
    for code, raw in enumerate(dictionary.to_pylist()):
        text, problem = _decode(raw)
        if problem:
            rows = np.flatnonzero(codes == code)
            hint = "in Excel, save as 'CSV UTF-8'" if "UTF-8" in problem else ""
            raise DataError(f"column {name}, {place_of(rows[:1])}: {problem}", code="bad-value", hint=hint)
        values.append(text)
    return values


def _decode(raw: bytes | None) -> tuple[str | None, str]:
    """Give the text, or what is wrong with it."""
    if raw is None:
        return None, ""
    if len(raw) > MAX_VALUE_BYTES:
        return None, f"is longer than {MAX_VALUE_BYTES} bytes"
    if b"\0" in raw:
        return None, "holds a NUL byte"
    try:
        return raw.decode("utf-8"), ""
    except UnicodeDecodeError:
        return None, "is not UTF-8 text"


def _record_ids(column: TextColumn, name: str) -> Ids:
    blank = np.array([not value.strip() for value in column.values] + [True], dtype=bool)[column.codes]
    if blank.any():
        rows = np.flatnonzero(blank)
        raise DataError(
            f"id column {name}: {rows.size} ids are missing ({place_of(rows)})", code="missing-id"
        )
    n_uses = np.bincount(column.codes, minlength=len(column.values))
    repeated = np.flatnonzero(n_uses[column.codes] > 1)
    if repeated.size:
        raise DataError(
            f"id column {name}: {repeated.size} rows share an id with another ({place_of(repeated)})",
            code="duplicate-id",
            hint="an id must name one record: remove repeated rows, or choose another column",
        )
    raw = [value.encode("utf-8") for value in column.values]
    if any(len(value) > MAX_ID_BYTES for value in raw):
        raise DataError(f"id column {name}: an id is longer than {MAX_ID_BYTES} bytes", code="long-id")
    table = np.array(raw or [b""], dtype=np.bytes_)
    return table[column.codes]


def read_columns(source: object, wanted: Wanted) -> Mapping[str, TextColumn]:
    """Read columns by name, without record ids.

    Parameters
    ----------
    source : path, DataFrame or Arrow stream
        The table.
    wanted : Wanted
        The columns, and what the table is called.

    Raises
    ------
    DataError
        If the source is not a table, or lacks a column.
    """
    arrow, _ = read_arrow(source, wanted)
    return {name: text_column(arrow.column(name), name=name) for name in wanted.columns}


def read_texts(source: object, wanted: Wanted) -> list[list[str]]:
    """Read columns of a small table as lists of text, in the order named.

    Parameters
    ----------
    source : path, DataFrame or Arrow stream
        The table; whole numbers become text.
    wanted : Wanted
        The columns, and what the table is called.

    Raises
    ------
    DataError
        If the source is not a table, lacks a column, or has a gap.
    """
    arrow, _ = read_arrow(source, wanted)
    columns = [text_column(arrow.column(name), name=name, numbers=True) for name in wanted.columns]
    for name, column in zip(wanted.columns, columns, strict=True):
        blank = np.array([not value for value in column.values] + [True], dtype=bool)[column.codes]
        if blank.any():
            rows = place_of(np.flatnonzero(blank))
            raise DataError(f"{wanted.what}, column {name}: is empty in {rows}", code="gap")
    return [[column.values[code] for code in column.codes.tolist()] for column in columns]


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Write a small table as CSV in UTF-8.

    Examples
    --------
    >>> csv_bytes(["id", "name"], [["1", "a, b"]]).decode().splitlines()
    ['id,name', '1,"a, b"']
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")
