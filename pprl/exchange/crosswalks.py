"""
Files of linkage keys: one for each custodian, and the crosswalk for the research environment.

Both are CSV with a fixed header, sorted by what they say, so that neither the order nor the
size of a file tells who was matched.  They are read as strictly as they are written: a
spreadsheet turns some keys into numbers, and such a file is refused.
"""

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pprl.errors import DataError
from pprl.exchange.payloads import read_exactly
from pprl.exchange.shape import place_of
from pprl.exchange.tables import csv_bytes
from pprl.files import write_bytes
from pprl.linkage.linkagekeys import HEX_DIGITS, Crosswalk, RecordKeys
from pprl.model.arrays import Ids, Scores, texts

KEY_HEADER = ("record_id", "linkage_key")
CROSSWALK_HEADER = ("person", "source", "linkage_key", "probability")
_HEXADECIMAL = f"^[0-9a-f]{{{HEX_DIGITS}}}$"
_SHARE = r"^(?:0(?:\.[0-9]+)?|1(?:\.0+)?)?$"
_DAMAGED = "a spreadsheet changes such values: take the file as it was sent"

Source = str | os.PathLike[str]


def record_keys_csv(keys: RecordKeys, record_ids: Ids) -> bytes:
    """Write the keys of one custodian's records as CSV, in the order of the record ids.

    Parameters
    ----------
    keys : RecordKeys
        The keys, by rows of the custodian's dataset.
    record_ids : ndarray of bytes
        The ids of all rows of that dataset, decoys included.

    Raises
    ------
    DataError
        If a row is not in the dataset.

    Examples
    --------
    >>> one = RecordKeys("a", np.array([1]), np.array([b"0f" * 16]))
    >>> record_keys_csv(one, np.array([b"r8", b"r9"])).decode().splitlines()
    ['record_id,linkage_key', 'r9,0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f']
    """
    if len(keys) and not 0 <= int(keys.row.min()) <= int(keys.row.max()) < record_ids.size:
        raise DataError("record keys: a row is not in the dataset", code="record-keys")
    ids = record_ids[keys.row]
    order = np.argsort(ids, kind="stable")
    rows = zip(texts(ids[order]), texts(keys.linkage_key[order]), strict=True)
    return csv_bytes(KEY_HEADER, rows)


def save_record_keys(path: Source, keys: RecordKeys, record_ids: Ids, *, force: bool = False) -> None:
    """Write the keys of one custodian's records to a file that only its owner can read.

    Raises
    ------
    UsageError
        If the name is taken and `force` is false.
    """
    write_bytes(Path(path), record_keys_csv(keys, record_ids), force=force)


def load_record_keys(path: Source) -> Mapping[str, str]:
    """Read the keys of one custodian's records: the linkage key by record id.

    Raises
    ------
    DataError
        If it is no such file, an id or a key occurs twice, or a key is malformed; the message
        gives rows, never a value.
    """
    what = f"record keys {Path(path).name}"
    table = read_exactly(path, KEY_HEADER, what="record keys")
    _require_filled(table, "record_id", what)
    _require_form(table, "linkage_key", _HEXADECIMAL, what)
    for name in KEY_HEADER:
        _require_once(table, name, what)
    return dict(zip(*(table.column(name).to_pylist() for name in KEY_HEADER), strict=True))


def crosswalk_csv(crosswalk: Crosswalk) -> bytes:
    """Write a crosswalk as CSV, in the order of its rows.

    A probability has two decimals, which is enough to weigh a person by and too little to tell
    a person again; an unknown one is empty.
    """
    return csv_bytes(CROSSWALK_HEADER, _rows(crosswalk))


def save_crosswalk(path: Source, crosswalk: Crosswalk, *, force: bool = False) -> None:
    """Write a crosswalk to a file that only its owner can read.

    Raises
    ------
    UsageError
        If the name is taken and `force` is false.
    """
    write_bytes(Path(path), crosswalk_csv(crosswalk), force=force)


def load_crosswalk(path: Source) -> Crosswalk:
    """Read a crosswalk.

    Raises
    ------
    DataError
        If it is no such file, a key occurs twice, or a value is malformed; the message gives
        rows, never a value.
    """
    what = f"crosswalk {Path(path).name}"
    table = read_exactly(path, CROSSWALK_HEADER, what="crosswalk")
    _require_filled(table, "source", what)
    for name in ("person", "linkage_key"):
        _require_form(table, name, _HEXADECIMAL, what)
    _require_form(table, "probability", _SHARE, what)
    _require_once(table, "linkage_key", what)
    sources, codes = np.unique(np.array(table.column("source").to_pylist(), dtype=str), return_inverse=True)
    return Crosswalk(
        sources=tuple(sources.tolist()),
        person=_ids(table.column("person")),
        source=codes.astype(np.int32),
        linkage_key=_ids(table.column("linkage_key")),
        probability=_shares(table.column("probability")),
    )


def _rows(crosswalk: Crosswalk) -> Iterator[tuple[str, str, str, str]]:
    names = [crosswalk.sources[code] for code in crosswalk.source.tolist()]
    shares = ["" if math.isnan(share) else f"{share:.2f}" for share in crosswalk.probability.tolist()]
    return zip(texts(crosswalk.person), names, texts(crosswalk.linkage_key), shares, strict=True)


def _require_filled(table: pa.Table, name: str, what: str) -> None:
    _refuse(pc.equal(table.column(name), ""), f"{what}, column {name}: is empty in", "gap", _DAMAGED)


def _require_form(table: pa.Table, name: str, form: str, what: str) -> None:
    wrong = pc.invert(pc.match_substring_regex(table.column(name), form))
    _refuse(wrong, f"{what}, column {name}: is malformed in", "bad-linkage-key", _DAMAGED)


def _require_once(table: pa.Table, name: str, what: str) -> None:
    values = table.column(name)
    if pc.count_distinct(values).as_py() < len(values):
        counts = pc.value_counts(values)
        several = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
        _refuse(pc.is_in(values, several), f"{what}, column {name}: repeats in", "duplicate-id", "")


def _refuse(wrong: pa.ChunkedArray, said: str, code: str, hint: str) -> None:
    rows = np.flatnonzero(wrong.to_numpy())
    if rows.size:
        raise DataError(f"{said} {place_of(rows)}", code=code, hint=hint)


def _ids(column: pa.ChunkedArray) -> Ids:
    return np.array(column.to_pylist(), dtype=f"S{HEX_DIGITS}")


def _shares(column: pa.ChunkedArray) -> Scores:
    known = pc.if_else(pc.equal(column, ""), "nan", column).cast(pa.float64())
    shares: Scores = np.array(known.to_numpy(), dtype=np.float64)
    return shares
