"""
A survey of a table as text, as JSON and as a page that may be handed on.

The page is one file: no script, nothing fetched, pictures inside it, and never a count
that points at a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pprl.agreement import Agreement
from pprl.cleaning.survey import FieldSurvey, Pattern, Survey
from pprl.model import Provenance
from pprl.reporting.disclosure import (
    HIDDEN,
    RULE,
    SMALLEST,
    STEP,
    Count,
    Show,
    exact,
    percent,
    protected,
    share,
)
from pprl.reporting.rendering import rendered
from pprl.reporting.text import columns

N_PATTERNS = 12  # patterns that are listed one by one

MEANINGS: Mapping[str, str] = {
    "empty": "nothing was typed",
    "placeholder": "it stands for nothing: unknown, not stated, 01/01/1900",
    "invalid": "it cannot be what the field is for",
    "impossible-letter": "a UPN has no I, O or S",
    "no-such-day": "a CHI number begins with a day, and this one does not",
    "not-issued": "no health service issues numbers of this range",
    "pseudo-postcode": "a ZZ99 code: no fixed abode, from abroad, or not known",
    "repeated-digits": "ten equal digits",
    "temporary-upn": "a temporary UPN, which changes",
    "wrong-check-digit": "a digit is mistyped",
    "wrong-check-letter": "a digit or the letter is mistyped",
    "characters-removed": "characters that no name or address has were taken out",
    "shortened": "cut to 128 characters",
    "test-number": "a number that the NHS keeps for tests",
    "zero-restored": "a leading zero was lost and put back",
}


@dataclass(frozen=True, slots=True)
class ShownPattern:
    """A pattern as it is listed: the fields that lack a value, the passes reached, the records."""

    missing: str
    passes: str
    records: Count


def describe_survey(found: Survey, *, show: Show) -> str:
    """Say how good a table is, as text.

    Parameters
    ----------
    found : Survey
        What was counted.
    show : callable
        How a count is shown: `protected`, or `exact` for the custodian alone.
    """
    whole = show(found.n_records)
    parts = [
        columns([("records", whole), ("equal to another in every field", show(found.n_repeated))]),
        columns([("field", "kind", "column", "present", "missing", "share"), *_field_rows(found, show)]),
        _table(("field", "missing because", "records"), _reasons(found.fields, show)),
        _table(("field", "noticed", "records"), _flags(found.fields, show)),
        _table(_SHARED_HEAD, _shared_rows(found, show)),
        _table(_CONTRADICTED_HEAD, _contradiction_rows(found, show)),
        columns([("pass", "present", "absent", "share"), *_pass_rows(found, show)]),
        columns([("reached", "records", "share"), *_reach_rows(found, show)]),
        columns(
            [
                ("fields missing", "passes reached", "records"),
                *((one.missing, one.passes, one.records) for one in _shown_patterns(found, show)),
            ]
        ),
        f"{RULE} See --exact." if show is protected else "Exact counts: for the custodian alone.",
    ]
    return "\n\n".join(part for part in parts if part)


def survey_record(found: Survey, *, show: Show) -> dict[str, Any]:
    """Give a survey for programs; a hidden count is the text "<10"."""
    listed, pooled = _split_patterns(found, show)
    return {
        "counts": {"exact": show is exact, "smallest": SMALLEST, "rounded_to": STEP},
        "records": show(found.n_records),
        "repeated": show(found.n_repeated),
        "fields": [
            {
                "name": one.name,
                "kind": one.kind,
                "column": one.column,
                "present": show(one.n_present),
                "missing": show(found.n_records - one.n_present),
                "reasons": {reason: show(n) for reason, n in one.reasons.items()},
                "flags": {flag: show(n) for flag, n in one.flags.items()},
            }
            for one in found.fields
        ],
        "shared_identifiers": [
            {
                "field": one.field,
                "values": show(one.n_values),
                "records": show(one.n_records),
                "most": show(one.n_most),
            }
            for one in found.shared
        ],
        "contradictions": [
            {
                "identifier": one.identifier,
                "field": one.field,
                "compared": show(one.n_compared),
                "differ": show(one.n_differ),
            }
            for one in found.contradictions
        ],
        "passes": [{"name": one.name, "present": show(one.n_present)} for one in found.passes],
        "passes_reached": [show(n) for n in found.reached],
        "patterns": [
            {"present": list(one.present), "passes": list(one.passes), "records": show(one.n_records)}
            for one in listed
        ],
        "other_patterns": show(sum(one.n_records for one in pooled)),
    }


def survey_page(found: Survey, agreement: Agreement) -> bytes:
    """Make a page of a survey that may leave the custodian: one HTML file that needs nothing else.

    Counts are always protected; there is no choice, because a page gets about.
    """
    show = protected
    whole = show(found.n_records)
    page = rendered(
        "survey.html",
        project=agreement.project,
        epoch=agreement.epoch,
        fingerprint=agreement.fingerprint,
        software=Provenance.current().software,
        rule=RULE,
        hidden=HIDDEN,
        records=whole,
        repeated=show(found.n_repeated),
        fields=_field_rows(found, show),
        reasons=_explained(_reasons(found.fields, show)),
        flags=_explained(_flags(found.fields, show)),
        shared=_shared_rows(found, show),
        contradictions=_contradiction_rows(found, show),
        passes=_pass_rows(found, show),
        reached=_reach_rows(found, show),
        unreached=show(found.reached[0]),
        patterns=_shown_patterns(found, show),
        **_pictures(found, show, whole),
    )
    return page.encode("utf-8")


def _pictures(found: Survey, show: Show, whole: Count) -> dict[str, Any]:
    from markupsafe import Markup

    from pprl.reporting.pictures import Bar, bars

    complete = [
        Bar(one.name, share(show(one.n_present), whole), _said(show(one.n_present), whole))
        for one in found.fields
    ]
    reach = [
        Bar(_n_passes(k), share(show(n), whole), _said(show(n), whole), warn=k == 0)
        for k, n in enumerate(found.reached)
    ]
    return {
        "complete": Markup(bars(complete, name="fields", title="Records with a value, by field")),  # noqa: S704 - our own SVG, escaped where it is made
        "reach": Markup(bars(reach, name="passes", title="Records by the number of passes that they reach")),  # noqa: S704 - as above
    }


def _said(part: Count, whole: Count) -> str:
    return HIDDEN if part == HIDDEN else percent(part, whole)


def _n_passes(k: int) -> str:
    return {0: "no pass", 1: "1 pass"}.get(k, f"{k} passes")


def _table(head: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    return columns([head, *rows]) if rows else ""


def _field_rows(found: Survey, show: Show) -> list[tuple[object, ...]]:
    whole = show(found.n_records)
    return [
        (
            one.name,
            one.kind,
            _printable(one.column),
            show(one.n_present),
            show(found.n_records - one.n_present),
            percent(show(one.n_present), whole),
        )
        for one in found.fields
    ]


def _printable(name: str) -> str:
    """Write a column's name on one line: it may hold a line break, or what moves a cursor."""
    return "".join(char if char.isprintable() else "?" for char in name)


def _reasons(fields: Sequence[FieldSurvey], show: Show) -> list[tuple[str, str, Count]]:
    return [(one.name, reason, show(n)) for one in fields for reason, n in one.reasons.items()]


def _flags(fields: Sequence[FieldSurvey], show: Show) -> list[tuple[str, str, Count]]:
    return [(one.name, flag, show(n)) for one in fields for flag, n in one.flags.items()]


def _explained(rows: Sequence[tuple[str, str, Count]]) -> list[tuple[str, str, str, Count]]:
    return [(field, code, MEANINGS[code], n) for field, code, n in rows]


_SHARED_HEAD = ("identifier", "on several records", "records that share one", "most on one")
_CONTRADICTED_HEAD = ("identifier", "against", "records compared", "differ")


def _shared_rows(found: Survey, show: Show) -> list[tuple[str, Count, Count, Count]]:
    return [(one.field, show(one.n_values), show(one.n_records), show(one.n_most)) for one in found.shared]


def _contradiction_rows(found: Survey, show: Show) -> list[tuple[str, str, Count, Count]]:
    return [
        (one.identifier, one.field, show(one.n_compared), show(one.n_differ)) for one in found.contradictions
    ]


def _pass_rows(found: Survey, show: Show) -> list[tuple[str, Count, Count, str]]:
    whole = show(found.n_records)
    return [
        (
            one.name,
            show(one.n_present),
            show(found.n_records - one.n_present),
            percent(show(one.n_present), whole),
        )
        for one in found.passes
    ]


def _reach_rows(found: Survey, show: Show) -> list[tuple[str, Count, str]]:
    whole = show(found.n_records)
    return [(_n_passes(k), show(n), percent(show(n), whole)) for k, n in enumerate(found.reached)]


def _split_patterns(found: Survey, show: Show) -> tuple[list[Pattern], list[Pattern]]:
    """Tell the patterns that are listed from those that are pooled: rare ones would point at people."""
    listed = [one for one in found.patterns if show(one.n_records) != HIDDEN][:N_PATTERNS]
    return listed, list(found.patterns[len(listed) :])


def _shown_patterns(found: Survey, show: Show) -> list[ShownPattern]:
    listed, pooled = _split_patterns(found, show)
    names = [one.name for one in found.fields]
    shown = [
        ShownPattern(
            missing=", ".join(name for name in names if name not in one.present) or "none",
            passes=f"{len(one.passes)} of {len(found.passes)}",
            records=show(one.n_records),
        )
        for one in listed
    ]
    if pooled:
        shown.append(ShownPattern("other patterns", "-", show(sum(one.n_records for one in pooled))))
    return shown
