"""Linkage quality for people and for programs: overall, and at other thresholds."""

from collections.abc import Mapping, Sequence
from typing import Any

from pprl.evaluation import LinkageQuality, Rate, Sweep
from pprl.reporting.disclosure import SMALLEST, STEP, Count, Show, exact
from pprl.reporting.text import columns

LABELS: Mapping[str, str] = {"precision": "precision", "recall": "recall", "f1": "F1", "f_star": "F*"}
_COUNTS: Mapping[str, str] = {
    "true_positives": "true links",
    "false_positives": "false links",
    "false_negatives": "missed links",
}
_ROWS_PRINTED = 20
_CHOSEN = """\
best F1 {f1} at threshold {threshold}, chosen with the truth: a bound from above, and no result"""
_SWEPT = "{shown} of {all} thresholds; what is not among the pairs is missed at every one"


def describe_quality(quality: LinkageQuality, *, show: Show = exact) -> str:
    """Say how good links are: counts first, then each measure with its 95 % interval."""
    rates = shown_rates(quality, show)
    unknown = "undefined" if show is exact else "-"
    counts = [(label, str(show(getattr(quality, name)))) for name, label in _COUNTS.items()]
    measures = [(label, rate_text(rates[name], unknown=unknown)) for name, label in LABELS.items()]
    return columns([*counts, *measures])


def quality_record(quality: LinkageQuality, *, show: Show = exact) -> dict[str, Any]:
    """Give counts, measures and their 95 % intervals."""
    rates = shown_rates(quality, show)
    return {
        **{name: show(getattr(quality, name)) for name in _COUNTS},
        **{name: value_of(rates[name]) for name in LABELS},
        "intervals": {name: interval(rates[name]) for name in LABELS},
    }


def describe_sweep(sweep: Sweep, *, show: Show = exact) -> str:
    """Say what precision and recall would be at some of the thresholds, and where F1 is best."""
    tellable = _tellable(sweep, show)
    if tellable.best is None:
        return "too few pairs have a score: there is no threshold to show"
    thinned = tellable.thinned(_ROWS_PRINTED)
    rows = [_sweep_row(thinned, row, show) for row in range(len(thinned))]
    best = _sweep_row(tellable, tellable.best, show)
    names = ("threshold", *list(_COUNTS)[:2], "precision", "recall", "f1")
    head = [name if name == "threshold" else {**_COUNTS, **LABELS}[name] for name in names]
    table = [head, *([_cell(row[name]) for name in names] for row in rows)]
    chosen = _CHOSEN.format(f1=_cell(best["f1"]), threshold=_cell(best["threshold"]))
    return "\n\n".join([chosen, to_right(table), _SWEPT.format(shown=len(thinned), all=len(tellable))])


def sweep_record(sweep: Sweep, *, show: Show = exact) -> dict[str, Any]:
    """Give the counts and measures at 200 thresholds or so, and where F1 is best."""
    tellable = _tellable(sweep, show)
    thinned, best = tellable.thinned(), tellable.best
    return {
        "best_f1_chosen_with_the_truth": None if best is None else _sweep_row(tellable, best, show),
        "thresholds": [_sweep_row(thinned, row, show) for row in range(len(thinned))],
    }


def _tellable(sweep: Sweep, show: Show) -> Sweep:
    """Leave out thresholds that would tell how many links there are between two others."""
    return sweep if show is exact else sweep.spaced(SMALLEST)


def protection_record(show: Show) -> dict[str, Any]:
    """Say by which rule counts are shown."""
    return {"exact": show is exact, "smallest": SMALLEST, "rounded_to": STEP}


def shown_rates(quality: LinkageQuality, show: Show) -> Mapping[str, Rate | None]:
    """Give the measures of the counts as they are shown; None where one of these is hidden."""
    return rates_of(show(quality.true_positives), show(quality.n_links), show(quality.n_true))


def rates_of(true_links: Count, links: Count, true_pairs: Count) -> Mapping[str, Rate | None]:
    """Give the measures of counts that are shown; None where one that it is made of is hidden.

    Examples
    --------
    >>> rates = rates_of(90, 100, "<10")
    >>> rates["precision"].value, rates["recall"], rates["f1"]
    (0.9, None, None)
    """
    both, n_links, n_true = (n if isinstance(n, int) else None for n in (true_links, links, true_pairs))
    if both is None:
        return dict.fromkeys(LABELS)
    # Rounding may leave more true links than links.
    false = 0 if n_links is None else max(0, n_links - both)
    missed = 0 if n_true is None else max(0, n_true - both)
    rates = dict(LinkageQuality(both, false, missed).rates())
    for name, whole in (("precision", [n_links]), ("recall", [n_true])):
        rates[name] = None if None in whole else rates[name]
    if n_links is None or n_true is None:
        rates["f1"] = rates["f_star"] = None
    return rates


def rate_text(rate: Rate | None, *, unknown: str, digits: int = 4) -> str:
    """Write a measure with its interval.

    Examples
    --------
    >>> rate_text(Rate(0.9, 0.826, 0.945), unknown="-", digits=2)
    '0.90 (0.83 to 0.94)'
    """
    if rate is None:
        return unknown
    value, low, high = (f"{number:.{digits}f}" for number in rate)
    return f"{value} ({low} to {high})"


def value_of(rate: Rate | None) -> float | None:
    """Give a measure without its interval."""
    return None if rate is None else rate.value


def interval(rate: Rate | None) -> list[float] | None:
    """Give the ends of an interval."""
    return None if rate is None else [rate.low, rate.high]


def to_right(rows: Sequence[Sequence[str]], *, first: int = 0) -> str:
    """Set rows in columns, those from `first` on to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return columns(
        [
            cell if place < first else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    )


def _sweep_row(sweep: Sweep, row: int, show: Show) -> dict[str, Any]:
    found = sweep.quality(row)
    rates = shown_rates(found, show)
    return {
        "threshold": float(sweep.threshold[row]),
        "true_positives": show(found.true_positives),
        "false_positives": show(found.false_positives),
        **{name: value_of(rates[name]) for name in ("precision", "recall", "f1")},
    }


def _cell(value: Count | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
