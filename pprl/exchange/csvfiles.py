"""
CSV files, read strictly.

UTF-8 with or without a byte order mark, comma-separated, any line end, a line for each row.
A row of another length, a NUL byte, or a value that runs over the end of a line (as after a
quotation mark that is never closed) refuses the file: each would silently swallow people.
"""

import csv
import io
from collections.abc import Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv

from pprl.errors import DataError
from pprl.exchange.shape import Wanted, require_one_each

_HEADER_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 24  # a row must fit into a block


class _Scanner(io.RawIOBase):
    """Passes bytes on, and sees what a parser would let through."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._line = b""  # the line that the last chunk broke off in
        self._n_lines = 0
        self.has_nul = False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self.has_nul = self.has_nul or b"\0" in chunk
        lines = (self._line + chunk).splitlines()
        broken = bool(chunk) and not chunk.endswith(b"\n")
        self._line = lines.pop() if broken and lines else b""
        self._n_lines += sum(map(bool, lines))
        return chunk

    @property
    def n_lines(self) -> int:
        """Lines that are not blank."""
        return self._n_lines + bool(self._line)


def read_csv(stream: BinaryIO, wanted: Wanted) -> tuple[pa.Table, int]:
    """Read the wanted columns as bytes; say how many columns there are.

    Raises
    ------
    DataError
        If the file is empty, has no such columns, or is not well formed.
    """
    names = _header(stream.read(_HEADER_BYTES), wanted.what)
    places = require_one_each(names, wanted)
    stream.seek(0)
    scanner = _Scanner(stream)
    chosen = [places[name] for name in wanted.columns]
    table = _rows(scanner, n_columns=len(names), chosen=chosen, what=wanted.what)
    if scanner.has_nul:
        raise DataError(f"{wanted.what}: holds NUL bytes, so it is not text", code="nul-bytes")
    if scanner.n_lines != table.num_rows + 1:
        raise DataError(
            f"{wanted.what}: {scanner.n_lines - 1} lines after the header make {table.num_rows} rows",
            code="line-break-in-value",
            hint="a quotation mark is not closed, or a cell holds a line break: export only what is needed",
        )
    return table.rename_columns(list(wanted.columns)), len(names)


def _header(start: bytes, what: str) -> list[str]:
    line = io.StringIO(start.decode("utf-8-sig", errors="replace"), newline="")
    if b"\0" in start:
        raise DataError(f"{what}: holds NUL bytes, so it is not text", code="nul-bytes")
    try:
        names = next(csv.reader(line), [])
    except csv.Error:
        names = []
    if not any(name.strip() for name in names):
        raise DataError(f"{what}: no header", code="no-header", hint="the first line must name the columns")
    if any(letter in name for name in names for letter in "\r\n\ufffd"):
        raise DataError(f"{what}: the header is not one line of UTF-8 text", code="no-header")
    return names


def _rows(scanner: _Scanner, *, n_columns: int, chosen: Sequence[int], what: str) -> pa.Table:
    bad_rows: list[tuple[int, int]] = []

    def note(row: pyarrow.csv.InvalidRow) -> str:
        bad_rows.append(((row.number or 1) - 1, row.actual_columns))
        return "error"

    labels = [str(place) for place in range(n_columns)]
    used = [labels[place] for place in chosen]
    try:
        return pyarrow.csv.read_csv(
            scanner,
            read_options=pyarrow.csv.ReadOptions(
                column_names=labels, skip_rows=1, use_threads=False, block_size=_BLOCK_BYTES
            ),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=used,
                column_types=dict.fromkeys(used, pa.binary()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        # Read for its kind only: the text quotes the row.
        too_short = "Could not skip" in str(error) or "Empty CSV" in str(error)
    if too_short:  # a header without a line end, and nothing after it
        return pa.table({label: pa.array([], pa.binary()) for label in used})
    if bad_rows:
        row, found = bad_rows[0]
        raise DataError(f"{what}, row {row}: has {found} values, the header {n_columns}", code="ragged-row")
    raise DataError(
        f"{what}: rows cannot be told apart",
        code="not-csv",
        hint="is a quotation mark opened and never closed?",
    )
