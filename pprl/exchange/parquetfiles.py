"""
Parquet files, read with suspicion.

A Parquet file of 792 kB was seen to expand to 6.4 GB.  So values are read as a dictionary
and an index, one row group at a time, and the file is refused by what it really holds.
"""

from collections.abc import Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet

from pprl.errors import DataError
from pprl.exchange.shape import Wanted, require_one_each

MAX_ROWS = 100_000_000
MAX_EXPANDED_BYTES = 64 << 30  # of all columns, as the file says
MAX_DISTINCT_BYTES = 1 << 30  # of the wanted columns, as they are
_BREAKS = (pa.ArrowException, OSError, KeyError, ValueError, OverflowError)


def read_parquet(stream: BinaryIO, wanted: Wanted) -> tuple[pa.Table, int]:
    """Read the wanted columns; say how many columns there are.

    Raises
    ------
    DataError
        If the file is damaged, has no such columns, or expands beyond reason.
    """
    schema = _schema(stream, wanted.what)
    places = require_one_each(schema.names, wanted)
    for name in wanted.columns:
        if pa.types.is_nested(schema.field(places[name]).type):
            raise DataError(f"column {name}: holds nested values, wanted text", code="not-text")
    file = _opened(stream, wanted.what, as_dictionary=wanted.columns)
    _require_modest(file.metadata, wanted.what)
    return _row_groups(file, wanted), len(schema.names)


def _schema(stream: BinaryIO, what: str) -> pa.Schema:
    file = _opened(stream, what, as_dictionary=())
    try:
        return pa.schema([(field.name, field.type) for field in file.schema_arrow])
    except _BREAKS:
        pass
    raise _damaged(what)


def _opened(stream: BinaryIO, what: str, *, as_dictionary: Sequence[str]) -> pyarrow.parquet.ParquetFile:
    try:
        return pyarrow.parquet.ParquetFile(
            stream, read_dictionary=list(as_dictionary), page_checksum_verification=True
        )
    except _BREAKS:
        pass
    raise _damaged(what)


def _row_groups(file: pyarrow.parquet.ParquetFile, wanted: Wanted) -> pa.Table:
    groups: list[pa.Table] = []
    n_bytes = 0
    try:
        for number in range(file.num_row_groups):
            group = file.read_row_group(number, columns=list(wanted.columns), use_threads=False)
            n_bytes += group.nbytes
            if n_bytes > MAX_DISTINCT_BYTES:
                break
            groups.append(group)
    except _BREAKS:
        n_bytes = -1
    if n_bytes < 0:
        raise _damaged(wanted.what)
    if n_bytes > MAX_DISTINCT_BYTES:
        raise _too_large(wanted.what)
    table = pa.concat_tables(groups) if groups else file.schema_arrow.empty_table()
    return table.select(list(wanted.columns))


def _require_modest(metadata: pyarrow.parquet.FileMetaData, what: str) -> None:
    # Metadata of single columns is not asked for: in a damaged file that ends the process.
    n_bytes = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    if metadata.num_rows > MAX_ROWS or n_bytes > MAX_EXPANDED_BYTES:
        raise _too_large(what)


def _damaged(what: str) -> DataError:
    return DataError(
        f"{what}: this Parquet file is damaged", code="not-parquet", hint="make it again, or use CSV"
    )


def _too_large(what: str) -> DataError:
    return DataError(
        f"{what}: this Parquet file expands beyond reason", code="too-large", hint="split it, or use CSV"
    )
