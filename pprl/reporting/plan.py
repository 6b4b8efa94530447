"""Plans for people and for programs: what a linkage will cost, pass by pass."""

from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from pprl.comparison.kernels.loading import AUTO_PAIRS
from pprl.comparison.plan import PassPlan, Way
from pprl.comparison.sampling import Estimate
from pprl.reporting.text import columns
from pprl.workflow.planning import Plan

_TIMES = ((2 * 86400.0, 86400.0, "days"), (2 * 3600.0, 3600.0, "h"), (120.0, 60.0, "min"), (0.0, 1.0, "s"))
_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (0.0, "bytes"))
_FOOT = """\
Times are for {threads}, if each does as much as one alone.  Records that an earlier pass links
leave it, so later passes cost less than this.  Found and recall are told from a sample, with
95 % intervals; recall is the share found of all pairs so alike."""


def describe_plan(plan: Plan) -> str:
    """Say what a linkage will cost: a table for each fuzzy pass, a line for each exact one."""
    parts = [_pass(one) for one in plan.passes]
    threads = f"{plan.threads} thread{'s' * (plan.threads > 1)}"
    total = f"recommended ways, together: {duration(plan.seconds)}"
    return "\n\n".join([*parts, total, _FOOT.format(threads=threads)])


def plan_record(plan: Plan) -> dict[str, Any]:
    """Give the numbers of a plan."""
    passes = [
        asdict(one) | {"threshold": _number(one.threshold), "at": _number(one.at)} for one in plan.passes
    ]
    return {"threads": plan.threads, "seconds": plan.seconds, "passes": passes}


def _number(threshold: Fraction | None) -> float | None:
    return None if threshold is None else float(threshold)


def _pass(one: PassPlan) -> str:
    sides = f"pass {one.name}: {one.n_left:,} x {one.n_right:,} records"
    if one.threshold is None or one.at is None:
        return f"{sides}, for equality: they are sorted, which costs little"
    head = ("", "candidates", "pairs", "time", "memory", "disk", f"found at >= {float(one.threshold):g}")
    rows = [
        (*head, f"recall at >= {float(one.at):g}"),
        *(_row(way, marked=way.name == one.recommended) for way in one.ways),
    ]
    return "\n".join(
        [
            f"{sides}, by Dice, kernel {one.kernel}{_slower(one)}",
            _to_right(rows, first=2),
            f"* {one.recommended}: {one.note}",
        ]
    )


def _slower(one: PassPlan) -> str:
    missing = one.kernel == "reference" and one.n_left * one.n_right >= AUTO_PAIRS
    return " (numba is missing: this is many times slower)" if missing else ""


def _row(way: Way, *, marked: bool) -> tuple[str, ...]:
    return (
        "*" if marked else "",
        way.name,
        f"{way.n_candidates:,}",
        duration(way.seconds),
        size(way.memory),
        size(way.disk),
        _found(way.pairs),
        _recall(way.recall),
    )


def _to_right(rows: Sequence[tuple[str, ...]], *, first: int) -> str:
    """Set rows in columns, those from `first` on to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return columns(
        [
            (
                *row[:first],
                *(cell.rjust(width) for cell, width in zip(row[first:], widths[first:], strict=True)),
            )
            for row in rows
        ]
    )


def _found(pairs: Estimate) -> str:
    if pairs.low == pairs.high:
        return f"{pairs.value:,.0f}"
    if not pairs.n_seen:
        return f"too few to tell (< {_rounded(pairs.high)})"
    return f"{_rounded(pairs.value)} ({_rounded(pairs.low)} - {_rounded(pairs.high)})"


def _recall(recall: Estimate | None) -> str:
    if recall is None:
        return "too few pairs to tell"
    if recall.low == recall.high:
        return f"{recall.value:.3f}"
    return f"{recall.value:.3f} ({recall.low:.3f} - {recall.high:.3f})"


def _rounded(number: float) -> str:
    """Give a number with two digits that mean something."""
    return f"{float(f'{number:.2g}'):,.0f}"


def duration(seconds: float) -> str:
    """Give a time as people say it.

    Examples
    --------
    >>> duration(0.25), duration(90), duration(5400), duration(864000)
    ('0.2 s', '90 s', '90 min', '10 days')
    """
    unit, name = next((unit, name) for least, unit, name in _TIMES if seconds >= least)
    number = seconds / unit
    return f"{number:,.0f} {name}" if number >= 10 else f"{number:.1f} {name}"


def size(n_bytes: int) -> str:
    """Give a number of bytes as people say it.

    Examples
    --------
    >>> size(12), size(4_200_000), size(31_000_000_000)
    ('12 bytes', '4.2 MB', '31 GB')
    """
    unit, name = next((least or 1.0, name) for least, name in _SIZES if n_bytes >= least)
    number = n_bytes / unit
    return f"{number:,.0f} {name}" if number >= 10 or n_bytes < 1000 else f"{number:.1f} {name}"
