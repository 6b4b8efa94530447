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
from pprl.exchange.shape import require_one_each

MAX_ROWS = 100_000_000
MAX_EXPANDED_BYTES = 4 << 30
MAX_DISTINCT_BYTES = 1 << 30


def read_parquet(stream: BinaryIO, wanted: Sequence[str]) -> tuple[pa.Table, int]:
    """Read the wanted columns; say how many columns there are.

    Raises
    ------
    DataError
        If the file is damaged, has no such columns, or expands beyond reason.
    """
    try:
        names = pyarrow.parquet.ParquetFile(stream).schema_arrow.names
    except (pa.ArrowException, OSError):
        names = None
    if names is None:
        raise _damaged()
    require_one_each(names, wanted)
    file = pyarrow.parquet.ParquetFile(stream, read_dictionary=list(wanted), page_checksum_verification=True)
    _require_modest(file.metadata, wanted)
    return _row_groups(file, wanted), len(names)


def _row_groups(file: pyarrow.parquet.ParquetFile, wanted: Sequence[str]) -> pa.Table:
    groups: list[pa.Table] = []
    n_bytes = 0
    try:
        for number in range(file.num_row_groups):
            group = file.read_row_group(number, columns=list(wanted), use_threads=False)
            n_bytes += group.nbytes
            if n_bytes > MAX_DISTINCT_BYTES:
                break
            groups.append(group)
    except (pa.ArrowException, OSError):
        n_bytes = -1
    if n_bytes < 0:
        raise _damaged()
    if n_bytes > MAX_DISTINCT_BYTES:
        raise _too_large()
    table = pa.concat_tables(groups) if groups else file.schema_arrow.empty_table()
    return table.select(list(wanted))


def _require_modest(metadata: pyarrow.parquet.FileMetaData, wanted: Sequence[str]) -> None:
    n_bytes = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        columns = [group.column(place) for place in range(group.num_columns)]
        n_bytes += sum(one.total_uncompressed_size for one in columns if one.path_in_schema in wanted)
    if metadata.num_rows > MAX_ROWS or n_bytes > MAX_EXPANDED_BYTES:
        raise _too_large()


def _damaged() -> DataError:
    return DataError(
        "table: this Parquet file is damaged", code="not-parquet", hint="make it again, or use CSV"
    )


def _too_large() -> DataError:
    return DataError(
        "table: this Parquet file expands beyond reason", code="too-large", hint="split it, or use CSV"
    )
