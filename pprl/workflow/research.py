"""
In the research environment: attached tables become one, under the crosswalk.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pprl.errors import DataError, ResourceError, UsageError, nearest
from pprl.exchange.crosswalks import load_crosswalk
from pprl.exchange.payloads import Payload, read_payload
from pprl.exchange.shape import place_of
from pprl.linkage.linkagekeys import Crosswalk, tightened
from pprl.model.arrays import Rows, counting, texts
from pprl.workflow.calls import require_type
from pprl.workflow.results import TableResult

KEY_COLUMN = "linkage_key"
PERSON_COLUMN = "person"
MAX_JOINED_ROWS = 1 << 30
How = Literal["inner", "outer"]
_KEPT = {"inner": np.all, "outer": np.any}


@dataclass(frozen=True, slots=True)
class SourceCount:
    """What one source brought.

    Parameters
    ----------
    name : str
        Name of the source.
    n_rows, n_people : int
        Rows of its table, and people of whom they are.
    n_joined : int
        How many of these people are in the result.
    """

    name: str
    n_rows: int
    n_people: int
    n_joined: int


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Joined(TableResult):
    """Tables of several sources, joined by person.

    Parameters
    ----------
    table : pyarrow.Table
        ``person`` and the columns of all sources, sorted by person.
    n_people : int
        People in it.
    counts : tuple of SourceCount
        What each source brought.
    """

    counts: tuple[SourceCount, ...]

    def __repr__(self) -> str:
        return f"Joined({len(self)} rows of {self.n_people} people, {len(self.counts)} sources)"

    def _repr_html_(self) -> str:
        return f"<p>{len(self)} rows of {self.n_people} people from {len(self.counts)} sources</p>"


def join(
    payloads: Mapping[str, object],
    crosswalk: Crosswalk | str | os.PathLike[str],
    *,
    how: How = "inner",
    at_least: float | None = None,
    many: bool = False,
) -> Joined:
    """Join attached tables of several sources by person.

    A source with several rows of a person gives as many rows, each beside what the others
    have of that person.  Several rows on more than one side would multiply, and make
    admissions and prescriptions that never met stand in one row; so that is refused unless
    asked for.

    Parameters
    ----------
    payloads : mapping of str to path, DataFrame or Arrow stream
        By the name that a source has in the crosswalk its attached table, with a column
        ``linkage_key``.
    crosswalk : Crosswalk or path
        Which keys are one person.
    how : "inner" or "outer"
        People who are in all of these tables, or in any; what a source has not is missing.
    at_least : float, optional
        Records that belong to their person with a lower probability stand alone.
    many : bool
        Join also where more than one table has several rows of a person: every row with
        every other.

    Returns
    -------
    Joined
        First ``person``, then the columns of the sources in their order, without keys.
        Where sources have a column of one name, the source's name is put before it:
        ``hospital_ward``.  Rows of a person stay in the order of their tables.

    Raises
    ------
    DataError
        If a table is no attached one, has keys that the crosswalk does not know, or several
        rows of a person are in more than one table and `many` is false.
    UsageError
        If there is no such source in the crosswalk.
    ResourceError
        If rows would multiply beyond reason.

    Examples
    --------
    >>> crosswalk = Crosswalk(
    ...     ("charity", "trust"), np.array([b"0a" * 16] * 2), np.array([0, 1], dtype=np.int32),
    ...     np.array([b"1b" * 16, b"2c" * 16]), np.array([0.9, 0.9]))
    >>> trust = pa.table({"linkage_key": ["2c" * 16] * 2, "ward": ["A", "B"]})
    >>> charity = pa.table({"linkage_key": ["1b" * 16], "visits": [7]})
    >>> joined = join({"trust": trust, "charity": charity}, crosswalk)
    >>> joined
    Joined(2 rows of 1 people, 2 sources)
    >>> joined.to_pandas()[["ward", "visits"]].values.tolist()
    [['A', 7], ['B', 7]]
    """
    _require_choices(payloads, how)
    held = crosswalk if isinstance(crosswalk, Crosswalk) else load_crosswalk(crosswalk)
    used = held if at_least is None else tightened(held, at_least=at_least)
    _require_sources(payloads, used)
    tables = {name: _read(name, source) for name, source in payloads.items()}
    persons, codes = np.unique(used.person, return_inverse=True)
    person_of = [_persons(name, tables[name], used, codes) for name in tables]
    counts = np.array([np.bincount(one, minlength=persons.size) for one in person_of])
    chosen = np.flatnonzero(_KEPT[how](counts > 0, axis=0))
    _require_modest(counts[:, chosen], many=many)
    number, nth = join_rows(counts[:, chosen])
    who = np.repeat(chosen, number)
    columns = {PERSON_COLUMN: pa.array(texts(persons[who]), pa.string())}
    for place, (name, payload) in enumerate(tables.items()):
        rows = _rows(person_of[place], counts[place], who, nth[place])
        columns |= _taken(payload, rows, _new_names(name, tables))
    if len(columns) < 1 + sum(payload.table.num_columns for payload in tables.values()):
        raise DataError(
            "result: two columns have one name", code="duplicate-column", hint="rename one of them before"
        )
    return Joined(pa.table(columns), int(chosen.size), _counted(list(tables), counts, chosen))


def join_rows(counts: Rows) -> tuple[Rows, Rows]:
    """Say which rows meet, if each source has some rows of each person.

    Parameters
    ----------
    counts : ndarray of int64, shape (sources, people)
        Rows of each person in each source, at least one in any.

    Returns
    -------
    number : ndarray of int64, shape (people,)
        Rows of each person in the result.
    nth : ndarray of int64, shape (sources, rows)
        For each row of the result, which of the person's rows it has of each source; -1 where
        the source has none.  The last source changes fastest.

    Examples
    --------
    >>> number, nth = join_rows(np.array([[2, 0], [2, 1]]))
    >>> number.tolist(), nth.tolist()
    ([4, 1], [[0, 0, 1, 1, -1], [0, 1, 0, 1, 0]])
    """
    sizes = np.maximum(counts, 1)
    number: Rows = sizes.prod(axis=0)
    nth = np.empty((len(counts), int(number.sum())), dtype=np.int64)
    place, stride = counting(number), number.copy()
    for source, size in enumerate(sizes):
        stride //= size
        digit = place // np.repeat(stride, number) % np.repeat(size, number)
        nth[source] = np.where(np.repeat(counts[source] > 0, number), digit, -1)
    return number, nth


def _require_choices(payloads: Mapping[str, object], how: str) -> None:
    require_type("payloads", payloads, Mapping)
    if not payloads:
        raise UsageError("payloads: wanted at least one table", code="no-table")
    if how not in _KEPT:
        raise UsageError("how: no such kind of join", code="how", hint=nearest(how, _KEPT))


def _require_sources(payloads: Mapping[str, object], crosswalk: Crosswalk) -> None:
    for name in payloads:
        if name not in crosswalk.sources:
            raise UsageError(
                "payloads: names no source of the crosswalk",
                code="no-source",
                hint=nearest(name, crosswalk.sources),
            )


def _read(name: str, source: object) -> Payload:
    try:
        return read_payload(source, id_column=KEY_COLUMN)
    except DataError as error:
        said = error
    hint = "attach its linkage keys first, with `pprl attach`" if said.code == "data/no-column" else said.hint
    raise DataError(f"source {name}, {said.message}", code=said.code.removeprefix("data/"), hint=hint)


def _persons(name: str, payload: Payload, crosswalk: Crosswalk, codes: Rows) -> Rows:
    """Give for each row of a payload its person, as an index."""
    mine = np.flatnonzero(crosswalk.source == crosswalk.sources.index(name))
    ids = pa.array(payload.ids, pa.string())
    places = pc.index_in(ids, value_set=pa.array(texts(crosswalk.linkage_key[mine]), pa.string()))
    if places.null_count:
        unknown = np.flatnonzero(places.is_null().to_numpy(zero_copy_only=False))
        raise DataError(
            f"source {name}, table: {unknown.size} rows have a linkage key that the crosswalk does not have "
            f"for that source ({place_of(unknown)})",
            code="unknown-key",
            hint="are sources swapped, or is the crosswalk that of another linkage?",
        )
    persons: Rows = codes[mine[places.to_numpy()]]
    return persons


def _require_modest(counts: Rows, *, many: bool) -> None:
    n_several = int(((counts > 1).sum(axis=0) > 1).sum())
    if n_several and not many:
        raise DataError(
            f"{n_several} people have several rows in more than one table, which would multiply",
            code="many-to-many",
            hint="make one row for each person of all tables but one; or join two at a time; "
            "or give --many, for every row with every other",
        )
    n_rows = float(np.maximum(counts, 1).astype(np.float64).prod(axis=0).sum())
    if n_rows > MAX_JOINED_ROWS:
        raise ResourceError(
            f"the result would have {n_rows:.1e} rows",
            code="too-many-rows",
            hint="make one row for each person of all tables but one",
        )


def _rows(person_of: Rows, counts: Rows, who: Rows, nth: Rows) -> Rows:
    """Give the payload's row for each row of the result; -1 where there is none."""
    by_person = np.append(np.argsort(person_of, kind="stable"), -1)  # the last for a person without rows
    first = np.cumsum(counts) - counts
    return by_person[np.where(nth < 0, -1, first[who] + nth)]


def _taken(payload: Payload, rows: Rows, new_names: Mapping[str, str]) -> dict[str, pa.ChunkedArray]:
    taken = payload.table.take(pa.array(rows, mask=rows < 0))
    return {new_names[name]: taken.column(name) for name in payload.table.column_names}


def _new_names(source: str, tables: Mapping[str, Payload]) -> Mapping[str, str]:
    """Put the source's name before names that others have too."""
    uses = Counter(name for payload in tables.values() for name in payload.table.column_names)
    uses[PERSON_COLUMN] += 1
    return {
        name: f"{source}_{name}" if uses[name] > 1 else name for name in tables[source].table.column_names
    }


def _counted(names: Sequence[str], counts: Rows, chosen: Rows) -> tuple[SourceCount, ...]:
    return tuple(
        SourceCount(name, int(one.sum()), int((one > 0).sum()), int((one[chosen] > 0).sum()))
        for name, one in zip(names, counts, strict=True)
    )
