"""
What the custodian's verbs share: from which columns the fields of an agreement are read, and these.
"""

from collections.abc import Mapping, Sequence

from pprl.agreement import Agreement
from pprl.cleaning.fields import Field
from pprl.cleaning.multiple import beside
from pprl.errors import DataError, UsageError, nearest
from pprl.exchange.shape import Wanted
from pprl.exchange.tables import COLUMN_OPTION, read_columns, read_table
from pprl.model import TextColumn


def all_of(sources: Mapping[str, tuple[str, ...]]) -> list[str]:
    """List all columns to read, each once."""
    return list(dict.fromkeys(column for several in sources.values() for column in several))


def columns_of(source: object, wanted: Sequence[str], id_column: str | None) -> Mapping[str, TextColumn]:
    """Read columns of a table that is not encoded yet, and look at its ids where they are named."""
    if id_column is None:
        options = dict.fromkeys(wanted, COLUMN_OPTION)
        columns = read_columns(source, Wanted(wanted, options=options))
    else:
        columns = read_table(source, columns=wanted, id_column=id_column, allow_empty=True).columns
    if not len(columns[wanted[0]]):
        raise DataError("table: has no rows", code="no-rows", hint="there is nothing to check")
    return columns


def raw_columns(
    columns: Mapping[str, TextColumn], sources: Mapping[str, tuple[str, ...]]
) -> dict[str, TextColumn]:
    """Give what was typed for each field; several columns of a field beside one another."""
    return {field: beside([columns[name] for name in several]) for field, several in sources.items()}


def require_own_column(id_column: str, sources: Mapping[str, tuple[str, ...]]) -> None:
    """Raise if the id column is one that a field is read from: ids are sent as they are."""
    if id_column in all_of(sources):
        raise UsageError(
            "id: a field of the agreement is read from that column",
            code="id-is-field",
            hint="an id is sent as it is: choose a column that says nothing of a person",
        )


def sources_of(
    agreement: Agreement, columns: Mapping[str, str | Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    """Say from which columns each field is read."""
    names = [rule.name for rule in agreement.fields]
    for name in columns:
        if name not in names:
            raise UsageError(
                "columns: names no field of the agreement", code="no-field", hint=nearest(name, names)
            )
    return {rule.name: _chosen(columns.get(rule.name), rule) for rule in agreement.fields}


def _chosen(named: str | Sequence[str] | None, rule: Field) -> tuple[str, ...]:
    """Give a custodian's own columns, or the agreement's."""
    if named is None:
        return rule.sources
    return (named, *rule.more_columns) if isinstance(named, str) else tuple(named)
