"""
Columns as they are compared: each distinct value cleaned once, and what became of them counted.

Counts leave this room; values do not.  An error names the field and the row.
"""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from pprl.cleaning.fields import Field
from pprl.cleaning.multiple import alternatives, joined
from pprl.cleaning.outcome import EMPTY, INVALID, Outcome, ValueRefused
from pprl.errors import DataError
from pprl.model.columns import TextColumn


@dataclasses.dataclass(frozen=True, slots=True, eq=False, repr=False)
class CleanedColumn:
    """A field's canonical values, and counts of what became of the others.

    Parameters
    ----------
    field : str
        The field's name.
    column : TextColumn
        Canonical texts; missing where there is none.
    reasons : mapping of str to int
        Records without a value, by reason; "empty" counts those that had none to begin with.
    flags : mapping of str to int
        Records with a value of which a custodian should know, by flag.
    """

    field: str
    column: TextColumn
    reasons: Mapping[str, int]
    flags: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def __repr__(self) -> str:
        counts = {"present": int(self.column.present().sum()), **self.reasons, **self.flags}
        shown = ", ".join(f"{n} {name}" for name, n in counts.items())
        return f"CleanedColumn({self.field}: {len(self.column)} records, {shown})"


@dataclasses.dataclass(frozen=True, slots=True)
class _Refusal:
    """What a rule said of a damaged column, without the exception, whose frames hold the value."""

    found: str
    hint: str


def clean_column(column: TextColumn, rule: Field) -> CleanedColumn:
    """Clean a column by the rule of its field.

    Parameters
    ----------
    column : TextColumn
        What was typed.
    rule : Field
        The rule of the field.

    Returns
    -------
    CleanedColumn
        As many records, in their order.

    Raises
    ------
    DataError
        If a value shows the column to be damaged (code ``data/value-refused``); it names
        the first such row, from 1.

    Examples
    --------
    >>> from pprl.cleaning.fields import NameField
    >>> names = TextColumn.from_texts(["Siân", "unknown", None, "SIAN"])
    >>> clean_column(names, NameField(name="given_name", weight=200))
    CleanedColumn(given_name: 4 records, 2 present, 1 empty, 1 placeholder)
    """
    clean = _clean_several if rule.more_columns or rule.separator else _clean
    results = [clean(value, rule) for value in column.values]
    _refuse_damaged(column, results, rule.name)
    outcomes = [result if isinstance(result, Outcome) else INVALID for result in results]
    cleaned = column.replace([outcome.text for outcome in outcomes])
    used = np.bincount(column.codes + 1, minlength=len(outcomes) + 1).tolist()  # place 0: no value
    reasons = Counter({"empty": used[0]})
    flags: Counter[str] = Counter()
    for outcome, n_records in zip(outcomes, used[1:], strict=True):
        if outcome.text is None:
            reasons[outcome.reason] += n_records
        flags.update(dict.fromkeys(outcome.flags, n_records))
    return CleanedColumn(rule.name, cleaned, _counted(reasons), _counted(flags))


def clean_columns(columns: Mapping[str, TextColumn], rules: Sequence[Field]) -> dict[str, CleanedColumn]:
    """Clean the columns that the rules name; others are not looked at.

    Parameters
    ----------
    columns : mapping of str to TextColumn
        What was typed, by the fields' names.
    rules : sequence of Field
        The rules of the agreement's fields.

    Returns
    -------
    dict of str to CleanedColumn
        By the fields' names, in the order of the rules.

    Raises
    ------
    DataError
        If a column is absent, columns differ in length, or a column is damaged.

    Examples
    --------
    >>> from pprl.cleaning.fields import NameField
    >>> columns = {"surname": TextColumn.from_texts(["Ó Briain", None])}
    >>> clean_columns(columns, [NameField(name="surname", weight=200)])
    {'surname': CleanedColumn(surname: 2 records, 1 present, 1 empty)}
    """
    absent = [rule.name for rule in rules if rule.name not in columns]
    if absent:
        raise DataError(f"field {absent[0]}: there is no column for it", code="no-column")
    if len({len(columns[rule.name]) for rule in rules}) > 1:
        raise DataError("columns differ in their number of records", code="column-lengths")
    return {rule.name: clean_column(columns[rule.name], rule) for rule in rules}


def _clean(value: str, rule: Field) -> Outcome | _Refusal:
    try:
        return rule.clean(value)
    except ValueRefused as refused:
        return _Refusal(refused.found, refused.hint)


def _clean_several(value: str, rule: Field) -> Outcome | _Refusal:
    """Clean each of several values; missing only if all are."""
    cells = alternatives(value)
    parts = [part for cell in cells for part in (cell.split(rule.separator) if rule.separator else [cell])]
    results = [_clean(part, rule) for part in parts]
    refusals = [result for result in results if isinstance(result, _Refusal)]
    if refusals:
        return refusals[0]
    outcomes = [result for result in results if isinstance(result, Outcome)]
    kept = [outcome.text for outcome in outcomes if outcome.text is not None]
    if not kept:
        return next((outcome for outcome in outcomes if outcome != EMPTY), EMPTY)
    flags = {flag for outcome in outcomes if outcome.text is not None for flag in outcome.flags}
    return Outcome(joined(kept), flags=tuple(sorted(flags)))


def _refuse_damaged(column: TextColumn, results: Sequence[Outcome | _Refusal], field: str) -> None:
    # Raised here, with no exception being handled: a context would keep the value in reach.
    damaged = np.array(
        [isinstance(result, _Refusal) for result in results] + [False]
    )  # code -1 reads the last
    rows = np.flatnonzero(damaged[column.codes])
    if not rows.size:
        return
    refusal = results[column.codes[rows[0]]]
    if isinstance(refusal, _Refusal):
        place = f"{field}, row {int(rows[0]) + 1}"
        raise DataError(f"{place}: {refusal.found}", code="value-refused", hint=refusal.hint)


def _counted(counts: Mapping[str, int]) -> Mapping[str, int]:
    return MappingProxyType({name: counts[name] for name in sorted(counts) if counts[name]})
