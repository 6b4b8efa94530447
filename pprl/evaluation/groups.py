"""
Quality by group: whom a linkage finds, and whom it loses.

The homeless, the newly arrived and the renamed are lost first, and an overall recall does
not show it.  Figures here are exact, so they are for the methodologist's own eyes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pprl.errors import DataError
from pprl.evaluation.pairs import IdPairs, Texts, number_pairs, numbered
from pprl.evaluation.quality import LinkageQuality
from pprl.exchange.shape import place_of
from pprl.model import TextColumn
from pprl.model.arrays import Mask, Rows
from pprl.model.columns import MISSING

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Side = Literal["left", "right"]
MOST_GROUPS = 60  # more values than that name people rather than groups
_UNKNOWN_HINT = "is it the table of the other side (see --group-side), or is an id map missing?"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Groups:
    """Which groups each record is in.

    Parameters
    ----------
    record_ids : ndarray of str objects, shape (n,)
        All different.
    columns : mapping of str to TextColumn
        For each way to group records the group of each; a gap is a group of its own.

    Raises
    ------
    DataError
        If columns differ in length, an id occurs twice, or a column has more than 60 values.
    """

    record_ids: Texts
    columns: Mapping[str, TextColumn]

    def __post_init__(self) -> None:
        if any(len(column) != self.record_ids.size for column in self.columns.values()):
            raise DataError("groups: columns differ in length", code="groups")
        (numbers,), n_distinct = numbered(self.record_ids)
        repeated = np.flatnonzero(np.bincount(numbers, minlength=n_distinct)[numbers] > 1)
        if repeated.size:
            raise DataError(
                f"groups: {repeated.size} rows share an id with another ({place_of(repeated)})",
                code="duplicate-id",
                hint="a record must be in one row",
            )
        crowded = [k for k, one in enumerate(self.columns.values()) if len(one.values) > MOST_GROUPS]
        if crowded:
            raise DataError(
                f"groups: {len(crowded)} columns have more than {MOST_GROUPS} values each (the first is "
                f"number {crowded[0] + 1} of the columns of groups)",
                code="too-many-groups",
                hint="such a column names people: say which columns are groups (--group-by)",
            )

    def rows_of(self, ids: Texts, what: str) -> Rows:
        """Give the row of each id, shape (n,), or say how many are not there."""
        row_of = {one: row for row, one in enumerate(self.record_ids.tolist())}
        rows = np.fromiter((row_of.get(one, MISSING) for one in ids.tolist()), np.int64, ids.size)
        n_unknown = int((rows < 0).sum())
        if n_unknown:
            raise DataError(
                f"groups: {n_unknown} {what} are of a record that is not in the table",
                code="unknown-id",
                hint=_UNKNOWN_HINT,
            )
        return rows

    def __len__(self) -> int:
        return int(self.record_ids.size)

    def __repr__(self) -> str:
        return f"Groups({len(self)} records, {len(self.columns)} columns)"


@dataclass(frozen=True, slots=True)
class GroupQuality:
    """The quality of the links of one group.

    Parameters
    ----------
    column : str
        How records are grouped, such as ``"sex"``.
    value : str or None
        The group; None for records without a value.
    quality : LinkageQuality
        Of the links and the true pairs whose record is in the group.
    """

    column: str
    value: str | None
    quality: LinkageQuality


@dataclass(frozen=True, slots=True, repr=False)
class QualityByGroup:
    """The quality of links, overall and group by group; every record is in one group of each column.

    Parameters
    ----------
    overall : LinkageQuality
        Of all links.
    groups : tuple of GroupQuality
        Column by column.
    side : "left" or "right"
        Whose records are grouped.
    """

    overall: LinkageQuality
    groups: tuple[GroupQuality, ...]
    side: Side

    def by_column(self) -> Iterator[tuple[str, Sequence[GroupQuality]]]:
        """Give each column with its groups."""
        for name, groups in groupby(self.groups, key=lambda one: one.column):
            yield name, tuple(groups)

    def to_dict(self) -> list[dict[str, Any]]:
        """Give exact counts and rates for each group, for your own eyes."""
        return [self._row(one) for one in self.groups]

    def to_pandas(self) -> "pd.DataFrame":
        """Give exact counts and rates as a pandas frame, for your own eyes."""
        import pandas as pd

        return pd.DataFrame(self.to_dict())

    def to_arrow(self) -> "pa.Table":
        """Give exact counts and rates as an Arrow table, for your own eyes."""
        import pyarrow as pa

        return pa.Table.from_pylist(self.to_dict())

    @staticmethod
    def _row(one: GroupQuality) -> dict[str, Any]:
        found, rates = one.quality, one.quality.rates()
        counts = {
            "column": one.column,
            "value": one.value,
            "true_pairs": found.n_true,
            "true_links": found.true_positives,
            "links": found.n_links,
        }
        ends = {
            f"{name}{end}": None if (told := rates[name]) is None else told[place]
            for name in ("recall", "precision")
            for place, end in enumerate(("", "_low", "_high"))
        }
        return counts | ends

    def __repr__(self) -> str:
        n_columns = sum(1 for _ in self.by_column())
        return f"QualityByGroup({len(self.groups)} groups of {self.side} records, {n_columns} columns)"


def quality_by_group(
    links: IdPairs, truth: IdPairs, groups: Groups, *, side: Side = "left"
) -> QualityByGroup:
    """Measure links for each group of the left or the right records.

    Parameters
    ----------
    links, truth : IdPairs
        The links, and all true pairs.
    groups : Groups
        Which groups each record is in.
    side : "left" or "right"
        Whose records they are.

    Raises
    ------
    DataError
        If a record of the links or the truth is not in the table.

    Examples
    --------
    >>> truth = IdPairs.of([("a", "1"), ("b", "2")])
    >>> sex = Groups(truth.left, {"sex": TextColumn.from_texts(["f", "m"])})
    >>> for one in quality_by_group(IdPairs.of([("a", "1")]), truth, sex).groups:
    ...     print(one.value, one.quality.recall)
    f 1.0
    m 0.0
    """
    link_numbers, true_numbers = number_pairs(links, truth)
    found, at = np.unique(link_numbers, return_index=True)
    true, true_at = np.unique(true_numbers, return_index=True)
    is_true: Mask = np.isin(found, true, assume_unique=True)
    link_rows = groups.rows_of(links.side(side)[at], f"{side} ids of links")
    true_rows = groups.rows_of(truth.side(side)[true_at], f"{side} ids of true pairs")
    both = int(is_true.sum())
    measured = tuple(
        one
        for name, column in groups.columns.items()
        for one in _column(name, column, link_rows, link_rows[is_true], true_rows)
    )
    return QualityByGroup(LinkageQuality(both, found.size - both, true.size - both), measured, side)


def _column(name: str, column: TextColumn, *rows: Rows) -> Iterator[GroupQuality]:
    """Count links, true links and true pairs by the value of one column."""
    values: Sequence[str] = column.values  # noqa: PD011 - not a frame
    known = [code if value.strip() else MISSING for code, value in enumerate(values)]
    codes = np.array([*known, MISSING], dtype=np.int64)[column.codes]  # code -1 reads the last
    counts = [np.bincount(codes[some] + 1, minlength=len(values) + 1) for some in rows]
    present = sorted(set(codes.tolist()), key=lambda code: _natural(values, code))
    for code in present:
        n_links, both, n_true = (int(count[code + 1]) for count in counts)
        value = None if code < 0 else values[code]
        yield GroupQuality(name, value, LinkageQuality(both, n_links - both, n_true - both))


def _natural(values: Sequence[str], code: int) -> tuple[bool, list[tuple[int, str]]]:
    """Sort as people do: 5-9 before 10-14, and what has no value last."""
    parts = re.findall(r"[0-9]+|[^0-9]+", values[code]) if code >= 0 else []
    return code < 0, [(int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts]
