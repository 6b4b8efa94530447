"""
Quality by group for people and for programs: whom a linkage finds and whom it loses.

Unless exact figures are asked for, counts that point at a person are hidden, and others with
them; rates are made of what is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from pprl.evaluation import GroupQuality, QualityByGroup, Rate
from pprl.reporting.disclosure import Count
from pprl.reporting.quality import interval, rate_text, rates_of, to_right, value_of
from pprl.reporting.suppression import HELD_BACK, RULE, hidden_counts, shown_counts

_MISSING = "(missing)"
_HEAD = ("true pairs", "found", "links", "recall", "precision")


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """A group as it is shown.

    Parameters
    ----------
    column : str
        How records are grouped.
    value : str or None
        The group; None for records without a value.
    true_pairs, true_links, links : int or str
        True pairs, those of them that were found, and links; ``"hidden"`` where one is hidden.
    recall, precision : Rate or None
        Made of these counts; None where one is hidden, or of nothing.
    """

    column: str
    value: str | None
    true_pairs: Count
    true_links: Count
    links: Count
    recall: Rate | None
    precision: Rate | None


def shown_groups(found: QualityByGroup, *, unprotected: bool) -> list[ShownGroup]:
    """Give all groups as they are shown."""
    return [one for _, groups in found.by_column() for one in _shown(groups, unprotected=unprotected)]


def describe_groups(found: QualityByGroup, *, unprotected: bool) -> str:
    """Say for each group how many of its true pairs were found, and how many of its links are true."""
    shown = shown_groups(found, unprotected=unprotected)
    tables = [_table(name, [one for one in shown if one.column == name]) for name, _ in found.by_column()]
    head = f"by group of the {found.side} record, with 95 % intervals"
    return "\n\n".join([head, *tables, *([] if unprotected else [RULE])])


def groups_record(found: QualityByGroup, *, unprotected: bool) -> dict[str, Any]:
    """Give counts and rates of each group; hidden counts as text, hidden rates as null."""
    return {
        "side": found.side,
        "groups": [_record(one) for one in shown_groups(found, unprotected=unprotected)],
    }


def _shown(groups: Sequence[GroupQuality], *, unprotected: bool) -> list[ShownGroup]:
    """Give the groups of one column, which share a total, as they are shown."""
    true_pairs = [one.quality.n_true for one in groups]
    true_links = [one.quality.true_positives for one in groups]
    links = [one.quality.n_links for one in groups]
    if unprotected:
        rows = list(zip(true_pairs, true_links, links, strict=True))
    else:
        no_pairs, no_links = hidden_counts(true_pairs), hidden_counts(links)
        # What is found is at most either, so it would tell something of both.
        either = [one or other for one, other in zip(no_pairs, no_links, strict=True)]
        no_found = hidden_counts(true_links, hidden_already=either)
        hidden = (no_pairs, no_found, no_links)
        shown = list(starmap(shown_counts, zip((true_pairs, true_links, links), hidden, strict=True)))
        rows = list(zip(*shown, strict=True))
    return [_group(one, *row) for one, row in zip(groups, rows, strict=True)]


def _group(one: GroupQuality, true_pairs: Count, true_links: Count, links: Count) -> ShownGroup:
    rates = rates_of(true_links, links, true_pairs)
    return ShownGroup(
        one.column, one.value, true_pairs, true_links, links, rates["recall"], rates["precision"]
    )


def _table(name: str, groups: Sequence[ShownGroup]) -> str:
    rows = [(_printable(name), *_HEAD), *(_row(one) for one in groups)]
    return to_right(rows, first=1)


def _row(one: ShownGroup) -> tuple[str, ...]:
    counts = (one.true_pairs, one.true_links, one.links)
    unknown = HELD_BACK if HELD_BACK in counts else "undefined"
    return (
        _printable(one.value if one.value is not None else _MISSING),
        *map(str, counts),
        rate_text(one.recall, unknown=unknown, digits=3),
        rate_text(one.precision, unknown=unknown, digits=3),
    )


def _record(one: ShownGroup) -> dict[str, Any]:
    return {
        "column": one.column,
        "value": one.value,
        "true_pairs": one.true_pairs,
        "true_links": one.true_links,
        "links": one.links,
        "recall": value_of(one.recall),
        "precision": value_of(one.precision),
        "intervals": {"recall": interval(one.recall), "precision": interval(one.precision)},
    }


def _printable(text: str) -> str:
    """Write a name on one line: it may hold a line break, or what moves a cursor."""
    return "".join(char if char.isprintable() else "?" for char in text)
