"""
At a custodian, after the linkage: linkage keys take the place of identifiers.
"""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from pprl.agreement import Agreement
from pprl.errors import DataError, PolicyError, UsageError
from pprl.exchange.crosswalks import load_record_keys
from pprl.exchange.identifying import suspects
from pprl.exchange.idmaps import IdMap
from pprl.exchange.payloads import Payload, read_payload
from pprl.exchange.shape import place_of
from pprl.model.arrays import Rows
from pprl.workflow.calls import require_type
from pprl.workflow.research import KEY_COLUMN
from pprl.workflow.results import TableResult
from pprl.workflow.tables import all_of, sources_of


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Attached(TableResult):
    """A payload with linkage keys, and without identifiers.

    Parameters
    ----------
    table : pyarrow.Table
        ``linkage_key`` and the columns that were carried, sorted by key.
    n_people : int
        Records of the linkage that have rows in it.
    n_without_rows : int
        Records of the linkage that have none.
    n_left_out : int
        Rows of the payload that were left out, because their id has no key.
    n_removed : int
        Columns that were removed: the id, those of the agreement, and those named.
    n_unnamed : int
        Columns without a name, which were left out too.
    """

    n_without_rows: int
    n_left_out: int
    n_removed: int
    n_unnamed: int

    def __repr__(self) -> str:
        return f"Attached({len(self)} rows of {self.n_people} people, {self.table.num_columns} columns)"

    def _repr_html_(self) -> str:
        return f"<p>{len(self)} rows of {self.n_people} people in {self.table.num_columns} columns</p>"


def attach(
    payload: object,
    record_keys: Mapping[str, str] | str | os.PathLike[str],
    *,
    id: str,  # noqa: A002 - as in `encode`
    agreement: Agreement | None,
    id_map: IdMap | str | os.PathLike[str] | None = None,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    drop: Collection[str] = (),
    keep: Collection[str] = (),
    allow_missing: bool = False,
) -> Attached:
    """Put linkage keys in the place of ids, and take identifiers away.

    Removed are the id, every column that a field of the agreement is read from, and what
    `drop` names.  If a column that is left still looks like an identifier, nothing is done:
    name it in `drop`, or in `keep` if it is to go out all the same.

    Parameters
    ----------
    payload : path, DataFrame or Arrow stream
        Diagnoses, admissions, results: any columns, and any number of rows for a person.
    record_keys : path or mapping of str to str
        The file of the linkage unit; or the linkage key by record id.
    id : str
        Name of the column with the ids under which the people were encoded.
    agreement : Agreement or None
        Which columns identify people; None if the table has none of them.
    id_map : IdMap or path, optional
        The way back from the package's random ids, if it had such.
    columns : mapping of str to str or sequence of str, optional
        Your columns of the agreement's fields, as they were given to `encode`.
    drop : collection of str
        Further columns to remove.
    keep : collection of str
        Columns to carry although the agreement reads them, or they look like identifiers.
    allow_missing : bool
        Leave out rows whose id has no key.

    Returns
    -------
    Attached
        Sorted by linkage key, which is random: the order of people tells nothing.  Rows of
        one person stay in their order.

    Raises
    ------
    DataError
        If a table is not well formed, the keys are not those of the id map, or rows have an
        id without a key.
    PolicyError
        If a column that would go out looks like an identifier.
    UsageError
        If `drop` or `keep` name a column that is not there, or the same one.

    Examples
    --------
    >>> visits = pa.table({"patient": ["7", "7"], "surname": ["Lee", "Lee"], "ward": ["A", "B"]})
    >>> attached = attach(visits, {"7": "0f" * 16}, id="patient", agreement=None, drop=["surname"])
    >>> attached
    Attached(2 rows of 1 people, 2 columns)
    >>> attached.table.column_names
    ['linkage_key', 'ward']
    """
    require_type("id", id, str)
    for name, named in (("drop", drop), ("keep", keep)):
        _require_names(name, named)
    read = _read_columns(agreement, columns or {})
    key_by_id = _keys_by_local_id(record_keys, id_map)
    table = read_payload(payload, id_column=id)
    _require_columns(table, id, drop, keep)
    carried = [name for name in table.places if name in keep or not (name in drop or name in read)]
    _refuse_identifiers(table, [name for name in carried if name not in keep], read)
    rows, keys = _keyed(table, key_by_id, id, is_mapped=id_map is not None, allow_missing=allow_missing)
    content = table.table.select(carried).take(pa.array(rows))
    n_people = len(set(keys))
    return Attached(
        table=pa.table({KEY_COLUMN: pa.array(keys, pa.string())} | _columns(content)),
        n_people=n_people,
        n_without_rows=len(key_by_id) - n_people,
        n_left_out=len(table) - rows.size,
        n_removed=1 + len(table.places) - len(carried),
        n_unnamed=table.n_unnamed,
    )


def _require_names(option: str, names: Collection[str]) -> None:
    if isinstance(names, str):
        raise UsageError(f"{option}: wanted a list of columns, got one text", code="wrong-type")


def _read_columns(agreement: Agreement | None, columns: Mapping[str, str | Sequence[str]]) -> list[str]:
    """Name the columns that identify people: the custodian's own, and those that the agreement names."""
    if agreement is None:
        if columns:
            raise UsageError("columns: of which agreement? None was given", code="no-agreement")
        return []
    return all_of(sources_of(agreement, columns)) + all_of(sources_of(agreement, {}))


def _keys_by_local_id(
    record_keys: Mapping[str, str] | str | os.PathLike[str], id_map: IdMap | str | os.PathLike[str] | None
) -> Mapping[str, str]:
    keys = record_keys if isinstance(record_keys, Mapping) else load_record_keys(record_keys)
    if id_map is None:
        return keys
    local = (id_map if isinstance(id_map, IdMap) else IdMap.load(Path(id_map))).local_ids
    strange, keyless = len(keys.keys() - local.keys()), len(local.keys() - keys.keys())
    if strange or keyless:
        raise DataError(
            f"record keys: {strange} records are not in the id map, and {keyless} of the map have no key",
            code="other-keys",
            hint="give the keys of the package that this id map was made with",
        )
    by_local_id = {local[record]: key for record, key in keys.items()}
    if len(by_local_id) < len(keys):
        raise DataError("id map: a local id occurs twice", code="id-map")
    return by_local_id


def _require_columns(table: Payload, id_column: str, drop: Collection[str], keep: Collection[str]) -> None:
    for option, names in (("drop", drop), ("keep", keep)):
        strange = [name for name in names if name not in table.places and name != id_column]
        if strange:
            raise UsageError(
                f"{option}: the table has no column {strange[0]!r}",
                code="no-column",
                hint="names are those of the header, letter by letter",
            )
    if id_column in keep or set(drop) & set(keep):
        raise UsageError("keep: names the id, or a column to drop", code="keep-and-drop")
    if KEY_COLUMN in table.places and KEY_COLUMN not in drop:
        raise UsageError(
            f"table: has a column {KEY_COLUMN!r} already",
            code="attached-already",
            hint="is it attached already? Else give --drop " + KEY_COLUMN,
        )


def _refuse_identifiers(table: Payload, names: Iterable[str], fields: Iterable[str]) -> None:
    found = suspects(table, names, fields=fields)
    if found:
        listed = "; ".join(f"column {table.places[name]} like {said}" for name, said in found.items())
        raise PolicyError(
            f"table: what would go out looks like identifiers: {listed}",
            code="identifier",
            hint="remove such a column with --drop, or carry it with --keep if it does not identify people",
        )


def _keyed(
    table: Payload, key_by_id: Mapping[str, str], id_column: str, *, is_mapped: bool, allow_missing: bool
) -> tuple[Rows, Sequence[str]]:
    """Give the rows that have a key in the order of their keys, and these keys."""
    keys = [key_by_id.get(one) for one in table.ids]
    without = np.flatnonzero(np.array([key is None for key in keys], dtype=np.bool_))
    _require_keys(table, without, id_column, is_mapped=is_mapped, allow_missing=allow_missing)
    rows = sorted((row for row, key in enumerate(keys) if key is not None), key=lambda row: str(keys[row]))
    return np.array(rows, dtype=np.int64), [str(keys[row]) for row in rows]


def _require_keys(
    table: Payload, without: Rows, id_column: str, *, is_mapped: bool, allow_missing: bool
) -> None:
    if without.size == len(table):
        raise DataError(
            f"id column {id_column}: no row has an id with a linkage key",
            code="no-key",
            hint="are the ids those that were encoded?"
            if is_mapped
            else "if the package had random ids, give the id map; else: are the ids those that were encoded?",
        )
    if without.size and not allow_missing:
        found = f"{without.size} rows have an id without a linkage key ({place_of(without)})"
        raise DataError(
            f"id column {id_column}: {found}",
            code="no-key",
            hint="these people were not in the table that was encoded: encode again, "
            "or leave the rows out with --allow-missing",
        )


def _columns(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    return {name: table.column(name) for name in table.column_names}
