"""
A suggestion of hardening as text and as JSON.

Means, shares and quantiles of a hundred records and more; counts of people are protected.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from pprl.encoding.hardening import Balance, Diffuse, Flip, Step, XorFold
from pprl.encoding.prediction import Chain
from pprl.encoding.suggestion import LEAST_T, PassSuggestion, Prediction, Spread, Suggestion
from pprl.reporting.disclosure import protected
from pprl.reporting.text import columns

DIGITS = 4

_NAMES: Mapping[type[Step], Callable[[Any], str]] = {
    Diffuse: lambda step: f"diffuse t = {step.t}",
    XorFold: lambda _: "xor-fold",
    Balance: lambda _: "balance",
    Flip: lambda step: f"flip p = {step.probability}",
}
_HEAD = (
    "",
    "chain",
    "bits",
    "fill",
    "bias",
    "in 95 %",
    "match",
    "sd",
    "other",
    "sd",
    "threshold",
    "recall",
)
_SPREAD_HEAD = ("before hardening", "mean", "5 %", "median", "95 %")


def describe_suggestion(found: Suggestion) -> str:
    """Say what was measured and predicted, as text."""
    parts = [part for one in found.passes for part in _pass_parts(one)]
    if found.left_out:
        parts.append(f"left out, with too few records in the sample: {', '.join(found.left_out)}")
    return "\n\n".join([_headline(found), *parts, _legend(found)])


def suggestion_record(found: Suggestion) -> dict[str, Any]:
    """Give a suggestion for programs."""
    return {
        "sampled_records": protected(found.n_sample),
        "aim": {
            "bias": found.aim.bias,
            "records": protected(found.aim.n_records),
            "false_share": found.aim.false_share,
        },
        "passes": [_pass_record(one) for one in found.passes],
        "left_out": list(found.left_out),
    }


def chain_name(chain: Chain) -> str:
    """Name a chain.

    Examples
    --------
    >>> chain_name(()), chain_name((Diffuse(t=2, n_bits=1024),))
    ('none', 'diffuse t = 2')
    """
    return " + ".join(_NAMES[type(step)](step) for step in chain) or "none"


def _headline(found: Suggestion) -> str:
    return columns(
        [
            ("records looked at", protected(found.n_sample)),
            ("records at each custodian", protected(found.aim.n_records)),
            ("share with a wrong partner", found.aim.false_share),
            ("bound of the bias", found.aim.bias),
        ]
    )


def _pass_parts(one: PassSuggestion) -> list[str]:
    n_present, again = protected(one.n_present), f"{one.present_twice:.1%}"
    head = f"pass {one.name}: {n_present} records, {again} of them still there after errors"
    measured = (
        ("share of bits set", one.fill),
        ("tokens", one.tokens),
        ("d, one person", one.match_differing),
        ("d, two people", one.other_differing),
    )
    rows = [(name, *_cells(spread)) for name, spread in measured]
    parts = [head, columns([_SPREAD_HEAD, *rows]), columns([_HEAD, *map(_row, one.predictions)])]
    if any(_lacks_threshold(each) for each in one.predictions):
        return [*parts, NO_THRESHOLD]
    return parts if one.tail * one.n_pairs >= 1 else [*parts, _hopeful(one)]


def _lacks_threshold(one: Prediction) -> bool:
    """Say whether a diffusion has no threshold, which takes records that are as good as equal."""
    return one.recall is None and all(isinstance(step, Diffuse) for step in one.steps)


NO_THRESHOLD = """\
Where no threshold stands, none keeps to the share of records with a wrong partner: different records of this
table are as good as equal. Are people in it more than once? pprl deduplicate finds them; leave their further
records out, and look again."""


def _hopeful(one: PassSuggestion) -> str:
    return (
        f"These thresholds are hopeful: one pair of people in {1 / one.tail:,.0f} may reach"
        f" them, and the sample has {one.n_pairs:,.0f}.\nA larger sample has more."
    )


def _cells(spread: Spread) -> tuple[str, ...]:
    return tuple(f"{value:.3f}" for value in (spread.mean, spread.low, spread.median, spread.high))


def _row(one: Prediction) -> tuple[object, ...]:
    return (
        "*" * one.suggested + "=" * one.agreed,
        chain_name(one.steps),
        one.n_bits,
        f"{one.fill:.3f}",
        f"{one.bias:.4f}",
        f"{one.bias_high:.4f}",
        f"{one.match_mean:.3f}",
        f"{one.match_deviation:.3f}",
        f"{one.other_mean:.3f}",
        f"{one.other_deviation:.3f}",
        "-" if one.threshold is None else f"{one.threshold:.2f}",
        "-" if one.recall is None else f"{one.recall:.4f}",
    )


def _legend(found: Suggestion) -> str:
    return (
        f"* the least t, from {LEAST_T} on, that leaves 95 % of records a bias of at most {found.aim.bias}; "
        "= as agreed.\n"
        "match, other: Dice similarity of two records of one person, and of two people.\n"
        "threshold: the least that keeps to the share with a wrong partner.\n"
        "recall: people found at it, of those in the pass on both sides.\n"
        "These are predictions, and bits are taken to be independent: the audit decides."
    )


def _pass_record(one: PassSuggestion) -> dict[str, Any]:
    spreads = ("fill", "tokens", "match_differing", "other_differing")
    return {
        "name": one.name,
        "records": protected(one.n_present),
        "present_twice": round(one.present_twice, 3),
        "threshold_shown_by_sample": one.tail * one.n_pairs >= 1,
        **{name: _rounded(asdict(getattr(one, name))) for name in spreads},
        "chains": [_prediction_record(each) for each in one.predictions],
    }


def _prediction_record(one: Prediction) -> dict[str, Any]:
    fields = (name for name in Prediction.__slots__ if name != "steps")
    return {"chain": chain_name(one.steps), **_rounded({name: getattr(one, name) for name in fields})}


def _rounded(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, DIGITS) if isinstance(value, float) else value for name, value in record.items()
    }
