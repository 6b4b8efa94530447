"""
What the custodian's verbs share: from which columns the fields of an agreement are read.
"""

from collections.abc import Mapping

from pprl.agreement import Agreement
from pprl.cleaning.multiple import beside
from pprl.errors import UsageError, nearest
from pprl.model import TextColumn


def all_of(sources: Mapping[str, tuple[str, ...]]) -> list[str]:
    """List all columns to read, each once."""
    return list(dict.fromkeys(column for several in sources.values() for column in several))


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


def sources_of(agreement: Agreement, columns: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Say from which columns each field is read."""
    names = [rule.name for rule in agreement.fields]
    for name in columns:
        if name not in names:
            raise UsageError(
                "columns: names no field of the agreement", code="no-field", hint=nearest(name, names)
            )
    return {rule.name: (columns.get(rule.name, rule.source), *rule.more_columns) for rule in agreement.fields}
