"""
Payloads: tables of diagnoses, admissions or results, read and written whole.

All columns are carried as they are.  What a file holds besides its columns is not: no
metadata, in which the names of removed columns would travel on, and no column without a
name.  Messages give numbers of columns and rows, never anything that the table holds.
"""

import csv
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from pprl.errors import DataError, UsageError
from pprl.exchange.csvfiles import read_csv
from pprl.exchange.shape import Wanted, require_one_each
from pprl.exchange.tables import ID_OPTION, ArrowStream, csv_bytes, read_arrow, read_texts
from pprl.files import open_regular, write_whole

MAX_PAYLOAD_BYTES = 32 << 30  # in memory
_HEADER_BYTES = 1 << 20
_BATCH_ROWS = 1 << 17
_FLAT = (
    pa.types.is_null,
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_temporal,
    pa.types.is_string,
    pa.types.is_large_string,
)
_BYTES = {"binary", "large_binary", "binary_view", "string", "string_view"}
_BREAKS = (pa.ArrowException, OSError, KeyError, ValueError, TypeError, OverflowError)
_BREAK = re.compile(r"[\r\n\x00]")
_UNWRITTEN = (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError)


@dataclass(frozen=True, slots=True, repr=False)
class Payload:
    """A table with a column of ids, which may repeat.

    Parameters
    ----------
    ids : tuple of str
        For each row its id.
    table : pyarrow.Table
        All other columns that have a name.
    places : mapping of str to int
        For each of these its number in the table as it was, the first being 1.
    n_unnamed : int
        Columns without a name, which were left out.
    """

    ids: tuple[str, ...]
    table: pa.Table
    places: Mapping[str, int]
    n_unnamed: int

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Payload({len(self)} rows, {self.table.num_columns} columns)"


def read_payload(source: object, *, id_column: str) -> Payload:
    """Read all columns of a table, and one of them as ids.

    Parameters
    ----------
    source : path, DataFrame or Arrow stream
        A CSV (UTF-8) or Parquet file, a pandas frame, or anything with
        ``__arrow_c_stream__``.  Cells of CSV are text, and missing where empty.
    id_column : str
        The column of ids; for pandas the index may have that name.

    Raises
    ------
    DataError
        If the source is not such a table, lacks the column, or a row has no id.
    """
    held = _held(source, id_column)
    wanted = Wanted([id_column], options={id_column: ID_OPTION})
    (ids,) = read_texts(held, wanted)
    names = _names(held)
    places = {name: place for place, name in enumerate(names, start=1) if name.strip() and name != id_column}
    require_one_each(names, wanted)
    if not places:
        raise DataError("table: has no column besides that of ids", code="no-column")
    table = _read(held, list(places))
    if table.num_rows != len(ids):
        raise DataError("table: changed while it was being read", code="changed-while-read")
    columns = {name: _flat(table.column(name), place) for name, place in places.items()}
    return Payload(tuple(ids), pa.table(columns), places, len(names) - len(places) - 1)


def read_exactly(path: str | os.PathLike[str], header: Sequence[str], *, what: str) -> pa.Table:
    """Read a CSV or Parquet file of text that has these columns and no others; it may have no rows.

    Parameters
    ----------
    path : path
        The file.
    header : sequence of str
        Names of its columns.
    what : str
        What it is called in messages, before its name.

    Raises
    ------
    DataError
        If it is not such a table.
    """
    table, n_columns = read_arrow(path, Wanted(header, what))
    if n_columns != len(header):
        raise DataError(
            f"{what} {Path(path).name}: has {n_columns} columns, wanted {', '.join(header)} and no others",
            code="wrong-file",
            hint="give the file as the linkage unit sent it",
        )
    columns = {
        name: _flat(table.column(name), place).cast(pa.large_string()).fill_null("")
        for place, name in enumerate(header, start=1)
    }
    return pa.table(columns)


def suffix_of(path: Path) -> str:
    """Give ".csv" or ".parquet", whichever a name ends in.

    Raises
    ------
    UsageError
        If it ends in neither.
    """
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        raise UsageError(
            f"output {path.name}: wanted a name that ends in .csv or .parquet", code="bad-suffix"
        )
    return suffix


def write_payload(path: str | os.PathLike[str], table: pa.Table, *, force: bool = False) -> None:
    """Write a table as CSV or Parquet, as its name says: whole or not at all, for its owner only.

    Values are written as they are.  A cell of CSV that begins like a formula stays so: what
    opens it must read it as text.

    Raises
    ------
    UsageError
        If the name is taken, or ends in neither .csv nor .parquet.
    DataError
        If the file cannot hold a column: a line break in CSV, an unusual kind of value.
    """
    write = _WRITERS[suffix_of(Path(path))]
    try:
        with write_whole(Path(path), force=force) as stream:
            write(stream, table)
    except _UNWRITTEN:
        pass
    else:
        return
    raise DataError("output: a column is of a kind that such a file does not hold", code="bad-column")


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give any column as text, as CSV has it."""
    return _decoded(column).cast(pa.large_string())


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _held(source: object, id_column: str) -> object:
    """Give a source that can be read twice: a path, or an Arrow table."""
    if isinstance(source, str | os.PathLike):
        return source
    pandas = sys.modules.get("pandas")
    try:
        if pandas is not None and isinstance(source, pandas.DataFrame):
            return _from_pandas(source, id_column)
        if isinstance(source, ArrowStream):
            return pa.table(source)
    except (*_BREAKS, UnicodeError):
        pass
    else:
        raise UsageError(
            "table: wanted a path, a pandas frame or an object with __arrow_c_stream__", code="not-a-table"
        )
    raise DataError(
        "table: a column mixes kinds of values, or two have one name",
        code="not-text",
        hint="make every column of one kind, for example with astype(str)",
    )


def _from_pandas(frame: Any, id_column: str) -> pa.Table:  # noqa: ANN401 - pandas is optional here
    if frame.index.name == id_column and id_column not in frame.columns:
        frame = frame.reset_index()
    arrays = [pa.Array.from_pandas(frame.iloc[:, place]) for place in range(frame.shape[1])]
    return pa.Table.from_arrays(arrays, names=[str(name) for name in frame.columns])


def _names(source: object) -> list[str]:
    """Name all columns of a source that has been read once, and so is well formed."""
    if isinstance(source, pa.Table):
        return list(source.column_names)
    path = Path(str(source))
    with open_regular(path, what=f"table {path.name}") as stream:
        if _is_parquet(stream):
            return [field.name for field in pyarrow.parquet.read_schema(stream)]
        start = stream.read(_HEADER_BYTES).decode("utf-8-sig", errors="replace")
    return next(csv.reader(io.StringIO(start, newline="")), [])


def _read(source: object, names: Sequence[str]) -> pa.Table:
    if isinstance(source, pa.Table):
        return source.select(list(names))
    path = Path(str(source))
    with open_regular(path, what=f"table {path.name}") as stream:
        if _is_parquet(stream):
            return _read_parquet(stream, names)
        table, _ = read_csv(stream, Wanted(names).of(path))
    # CSV does not tell an empty text from none.
    return pa.table(
        {name: pc.if_else(pc.equal(table.column(name), b""), None, table.column(name)) for name in names}
    )


def _is_parquet(stream: BinaryIO) -> bool:
    start = stream.read(4)
    stream.seek(0)
    return start == b"PAR1"


def _read_parquet(stream: BinaryIO, names: Sequence[str]) -> pa.Table:
    """Read row group by row group, text as a dictionary and an index, as long as memory allows."""
    groups: list[pa.Table] = []
    said, code = "expands beyond reason", "too-large"
    try:
        file = pyarrow.parquet.ParquetFile(
            stream, read_dictionary=list(names), page_checksum_verification=True
        )
        for number in range(file.num_row_groups):
            groups.append(file.read_row_group(number, columns=list(names), use_threads=False))
            if sum(group.nbytes for group in groups) > MAX_PAYLOAD_BYTES:
                break
        else:
            table = pa.concat_tables(groups) if groups else file.schema_arrow.empty_table()
            return table.select(list(names)).unify_dictionaries()
    except _BREAKS:
        said, code = "is damaged", "not-parquet"
    raise DataError(f"table: this Parquet file {said}", code=code, hint="make it again, or use CSV")


def _flat(column: pa.ChunkedArray, place: int) -> pa.ChunkedArray:
    """Check a column, and make bytes and texts alike."""
    kind = column.type
    is_coded = pa.types.is_dictionary(kind)
    plain = kind.value_type if is_coded else kind
    said = ""
    try:
        if str(plain) in _BYTES:
            column = column.cast(
                pa.dictionary(pa.int32(), pa.large_string()) if is_coded else pa.large_string()
            )
        column.validate(full=True)
    except _BREAKS:
        said = "is not UTF-8 text"
    if not said and not any(test(column.type.value_type if is_coded else column.type) for test in _FLAT):
        said = "holds nested or unusual values, in which identifiers would not be seen"
    if said:
        raise DataError(
            f"table, column {place}: {said}",
            code="bad-value",
            hint="in Excel, save as 'CSV UTF-8'; of a Parquet file keep columns of texts, numbers and dates",
        )
    return column


def _write_csv(stream: BinaryIO, table: pa.Table) -> None:
    for place, name in enumerate(table.column_names, start=1):
        _require_lines(name, table.column(name), place)
    stream.write(csv_bytes(table.column_names, ()))
    for batch in _batches(table):
        columns = [as_text(column).to_pylist() for column in batch.columns]
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(zip(*columns, strict=True))
        stream.write(text.getvalue().encode("utf-8"))


def _require_lines(name: str, column: pa.ChunkedArray, place: int) -> None:
    """Refuse what CSV cannot hold, or what no strict reader takes."""
    said = ""
    try:
        distinct = as_text(pc.unique(column))
        if _BREAK.search(name) or pc.any(pc.match_substring_regex(distinct, _BREAK.pattern)).as_py():
            said = "a text holds a line break"
    except _BREAKS:
        said = "values of this kind are not written as text"
    if said:
        raise DataError(
            f"output, column {place}: {said}", code="not-csv", hint="give --out a name that ends in .parquet"
        )


def _write_parquet(stream: BinaryIO, table: pa.Table) -> None:
    # Values are written anew: a dictionary would keep those of rows that were left out.
    schema = pa.schema(
        [(name, _plain(kind)) for name, kind in zip(table.column_names, table.schema.types, strict=True)]
    )
    with pyarrow.parquet.ParquetWriter(pa.PythonFile(stream, "w"), schema) as writer:
        for batch in _batches(table):
            columns = [_decoded(column) for column in batch.columns]
            writer.write_table(pa.table(columns, names=schema.names).cast(schema))


def _plain(kind: pa.DataType) -> pa.DataType:
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.string() if pa.types.is_large_string(plain) else plain


def _batches(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, _BATCH_ROWS):
        yield table.slice(start, _BATCH_ROWS)


_WRITERS: Mapping[str, Callable[[BinaryIO, pa.Table], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
