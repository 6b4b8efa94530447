"""
Tables that a methodologist has: pairs with scores, groups of records, and who is who.
"""

import csv
import io
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, TypeGuard

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet

from pprl.errors import DataError, UsageError
from pprl.evaluation import Groups, IdPairs
from pprl.evaluation.pairs import Texts, id_array
from pprl.exchange.shape import Wanted, place_of
from pprl.exchange.tables import ArrowStream, read_columns, read_texts
from pprl.files import open_regular
from pprl.linkage import LinkageResult
from pprl.model.arrays import Scores, texts

if TYPE_CHECKING:
    import pandas as pd

PAIR_COLUMNS = ("left_id", "right_id")
SCORE_COLUMNS = ("probability", "score")  # the first that is there
SOURCE_COLUMNS = ("source", "party")
PERSON_COLUMNS = ("person", "person_id")
RECORD_ID = "record_id"
_EMPTY = frozenset({"", "nan"})  # as a cell, and as a number that is not known
_HEADER_BYTES = 1 << 20

TableLike: TypeAlias = "Path | pd.DataFrame | pa.Table"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Labelled:
    """Records of several sources with a label each: a cluster, or a person."""

    source: Texts
    record_id: Texts
    label: Texts

    def records(self) -> IdPairs:
        """Give the pair of source and id that names each record."""
        return IdPairs(self.source, self.record_id)


def read_pairs(source: object, *, what: str = "pairs") -> IdPairs:
    """Give pairs of ids from a result, a file, a frame or an iterable; messages call it `what`.

    Raises
    ------
    DataError
        If a table lacks ``left_id`` or ``right_id``, or an id is missing.
    UsageError
        If it is none of these.
    """
    if isinstance(source, IdPairs):
        return source
    if isinstance(source, LinkageResult):
        return IdPairs(*(id_array(texts(ids)) for ids in (source.links.left_ids, source.links.right_ids)))
    if is_table(source):
        return IdPairs(*(id_array(column) for column in read_texts(source, Wanted(PAIR_COLUMNS, what))))
    if isinstance(source, Iterable):
        return IdPairs.of(_pair(entry) for entry in source)
    raise UsageError(f"{what}: wanted a result, a path, a frame or pairs of ids", code="not-pairs")


def read_scored(source: object) -> tuple[IdPairs, Scores]:
    """Give pairs of ids and their scores: the column ``probability`` if any is known, else ``score``.

    Raises
    ------
    DataError
        If a table has neither, or a score is not a number.
    """
    table = held_table(source.links.to_arrow() if isinstance(source, LinkageResult) else source)
    return read_pairs(table, what="links"), _scores(table)


def read_groups(source: object, columns: Sequence[str] | None = None) -> Groups:
    """Read the groups of each ``record_id``; without names, every column but those that name who it is.

    Raises
    ------
    DataError
        If the table has no ids or no groups, an id occurs twice, or a column has too many values.
    """
    table = _plain(held_table(source))
    who = {RECORD_ID, *PERSON_COLUMNS}
    chosen = [name for name in column_names(table) if name.strip() and name not in who]
    chosen = chosen if columns is None else list(dict.fromkeys(columns))
    ids = read_texts(table, Wanted([RECORD_ID], "groups"))[0]
    if not chosen:
        raise DataError("groups: the table has no column of groups", code="no-column")
    return Groups(id_array(ids), read_columns(table, Wanted(chosen, "groups")))


def read_labelled(source: object, labels: Sequence[str], *, what: str) -> Labelled:
    """Read the label of each record of several sources; messages call the table `what`.

    A file without a column ``source`` (or ``party``) is about one source, and has its name.
    """
    table = held_table(source)
    names, label = column_names(table), _first_of(labels, table, otherwise=labels[0])
    if isinstance(table, Path) and not set(names) & set(SOURCE_COLUMNS):
        ids, held = read_texts(table, Wanted([RECORD_ID, label], what))
        return Labelled(id_array([table.stem] * len(ids)), id_array(ids), id_array(held))
    party = _first_of(SOURCE_COLUMNS, table, otherwise="source")
    wanted = Wanted([party, RECORD_ID, label], what)
    return Labelled(*(id_array(column) for column in read_texts(table, wanted)))


def is_table(source: object) -> bool:
    """Say whether something is a path or a frame."""
    return (
        isinstance(source, str | os.PathLike) or hasattr(source, "columns") or isinstance(source, ArrowStream)
    )


def held_table(source: object) -> TableLike:
    """Give a path or a frame that can be read more than once."""
    if isinstance(source, str | os.PathLike):
        return Path(source)
    if _is_pandas(source):
        return source
    if not isinstance(source, ArrowStream):
        raise UsageError("table: wanted a path, or a frame with named columns", code="not-a-table")
    try:
        return pa.table(source)
    except (pa.ArrowException, UnicodeError, TypeError, ValueError):
        pass  # what Arrow says quotes cells
    raise DataError("table: holds what cannot be read", code="not-a-table")


def column_names(table: TableLike) -> list[str]:
    """Give the names of the columns; none where reading the table will say what is wrong with it."""
    if _is_pandas(table):
        return [str(name) for name in table.columns]
    if isinstance(table, Path):
        with open_regular(table, what=f"table {table.name}") as stream:
            start = stream.read(_HEADER_BYTES)
            return _parquet_names(stream) if start.startswith(b"PAR1") else _header_names(start)
    return [str(name) for name in table.column_names]


def _header_names(start: bytes) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(start.decode("utf-8-sig", errors="replace"), newline="")), [])
    except csv.Error:
        return []


def _parquet_names(stream: BinaryIO) -> list[str]:
    try:
        stream.seek(0)
        return [str(name) for name in pyarrow.parquet.read_schema(stream).names]
    except (pa.ArrowException, OSError, KeyError, ValueError):
        return []


def _first_of(names: Sequence[str], table: TableLike, *, otherwise: str) -> str:
    there = set(column_names(table))
    return next((name for name in names if name in there), otherwise)


def _scores(table: TableLike) -> Scores:
    """Read the scores; of links by thresholds no probability is known, and its column is empty."""
    there = [name for name in SCORE_COLUMNS if name in column_names(table)] or ["score"]
    for name in there[:-1]:
        column = _column(table, name)
        if not _is_empty(column):
            return _numbers(column, name)
    return _numbers(_column(table, there[-1]), there[-1])


def _column(table: TableLike, name: str) -> npt.NDArray[Any]:
    """Give a column as it is; what is missing is empty, none, or not a number."""
    frame: Any = table
    if isinstance(table, Path):
        held = read_columns(table, Wanted([name], "links"))[name]
        return id_array(text or "" for text in held.to_texts())
    if name not in column_names(table):
        raise DataError(f"links: has no column {name!r}", code="no-column")
    if not _is_pandas(table):
        return np.asarray(frame.column(name).to_numpy())
    held = frame[name]
    if isinstance(held.dtype, np.dtype) and np.issubdtype(held.dtype, np.number):
        return np.asarray(held)
    return np.asarray(held.astype(object).mask(held.isna(), None))


def _is_empty(column: npt.NDArray[Any]) -> bool:
    if column.dtype.kind == "f":
        return bool(np.isnan(column).all())
    return all(one is None or str(one).strip() in _EMPTY for one in column.tolist())


def _numbers(column: npt.NDArray[Any], name: str) -> Scores:
    is_number = np.issubdtype(column.dtype, np.number)
    numbers: Scores = (column if is_number else np.array([_number(one) for one in column.tolist()])).astype(
        np.float64
    )
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if wrong.size:
        raise DataError(f"links, column {name}, {place_of(wrong)}: wanted a number", code="bad-score")
    return numbers


def _number(value: object) -> float:
    """Read a number; what is none is not a number."""
    try:
        return float(value)  # type: ignore[arg-type]  # whatever a frame holds
    except (TypeError, ValueError):
        return float("nan")


def _is_pandas(table: object) -> TypeGuard["pd.DataFrame"]:
    """Say whether it is a pandas frame, without importing pandas where nobody uses it."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(table, pandas.DataFrame)


def _plain(table: TableLike) -> TableLike:
    """Make text of whole numbers and of true and false, as a file would have them."""
    if isinstance(table, Path):
        return table
    if _is_pandas(table):
        if not table.columns.is_unique:
            return table  # reading it says so
        from pandas.api.types import is_bool_dtype, is_integer_dtype

        plain = [name for name, kind in table.dtypes.items() if is_bool_dtype(kind) or is_integer_dtype(kind)]
        return table.astype(dict.fromkeys(plain, "string"))
    return _arrow_plain(table)


def _arrow_plain(table: pa.Table) -> pa.Table:
    kinds = pa.types
    fields = [
        field.with_type(pa.string())
        if kinds.is_boolean(field.type) or kinds.is_integer(field.type)
        else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


def _pair(entry: object) -> tuple[str, str]:
    if isinstance(entry, Sequence) and not isinstance(entry, str) and len(entry) == 2:
        return str(entry[0]), str(entry[1])
    raise UsageError("pairs: each must be a left id and a right id", code="not-pairs")
