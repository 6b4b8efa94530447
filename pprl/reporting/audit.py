"""
An audit as text, as JSON and as a page for those who answer for the data.

The page is one file: no script, nothing fetched, pictures inside it.  It gives numbers beside what
they are to be read with, and no verdict.
"""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from pprl.agreement import Agreement
from pprl.auditing.results import AuditResult
from pprl.reporting import audit_tables as tables
from pprl.reporting import audit_words as words
from pprl.reporting.audit_numbers import audit_record
from pprl.reporting.audit_pictures import frontier_picture, overlap_picture
from pprl.reporting.disclosure import RULE
from pprl.reporting.linkage_tables import passes_table
from pprl.reporting.linkage_words import between, number, percent, unbroken
from pprl.reporting.rendering import rendered
from pprl.reporting.text import columns

Record = dict[str, Any]


def audit_page(found: AuditResult, agreement: Agreement) -> bytes:
    """Make the page of an audit: one HTML file that needs nothing else.

    Parameters
    ----------
    found : AuditResult
        What `pprl.audit` gave.
    agreement : Agreement
        The agreement of the audit.
    """
    return page_of(audit_record(found, agreement)).encode("utf-8")


def page_of(record: Record) -> str:
    """Make the page of a record, which has all its numbers."""
    served, joint = record["served"], record["joint"]
    return rendered(
        "audit.html",
        number,
        percent,
        between,
        unbroken,
        found=record,
        rule=RULE,
        title=f"Audit of the encodings of {record['agreement']['project']}",
        summary=words.summary(record),
        holders=tables.holders_table(),
        collusions=tables.collusion_table(percent(record["with_the_key"]["value"])),
        must_not_meet=words.MUST_NOT_MEET,
        overview=tables.summary_table(record["attacks"]),
        keys_tried=words.keys_tried(record["attacks"]),
        blindly=words.blindly(record["attacks"]),
        joined=words.joined(record["attacks"]),
        conditions=words.best_conditions(record["frontier"]),
        scenarios=_scenarios(record["attacks"]),
        together=words.TOGETHER,
        leakage=[tables.leakage_table(one) for one in record["leakage"]],
        joint=tables.joint_table(joint) if joint else None,
        served_where=words.where(served["pass"]) if served else "",
        served_table=tables.served_table(served) if served else None,
        worst_served=tables.worst_served(served) if served else [],
        chains=tables.chains_table(record["frontier"]),
        frontier=_drawn(frontier_picture(record["frontier"], name="frontier")),
        recommendation=words.recommendation(record["frontier"], record["attacked"]),
        not_claimed=words.not_claimed(record),
        passes=passes_table(record["agreement"]),
        provenance=tables.provenance_table(record),
        software=record["provenance"]["software"],
    )


def describe_audit(found: AuditResult, agreement: Agreement) -> str:
    """Say what an audit found, as text.

    Parameters
    ----------
    found : AuditResult
        What `pprl.audit` gave.
    agreement : Agreement
        The agreement of the audit.
    """
    record = audit_record(found, agreement)
    parts = [
        columns(
            [
                ("records of the table", record["records"]),
                ("records attacked", record["attacked"]),
                ("with the key in hand", f"{percent(record['with_the_key']['value'])} found"),
            ]
        ),
        columns([_ATTACK_HEAD, *(_attack_row(one) for one in record["attacks"])]),
        *(columns([_TRIAL_HEAD, *map(_trial_row, one["trials"])]) for one in _swept(record["attacks"])),
        _leakage_text(record["leakage"]),
        _chains_text(record["frontier"]),
        *_served_text(record["served"]),
        *(f"noise of {one['pass']}: {_noise(one)}" for one in record["noise"]),
        "\n".join(f"not looked at: {said}" for said in record["left_out"]),
        words.keys_tried(record["attacks"]),
        " ".join(words.blindly(record["attacks"])),
        _LEGEND.format(control=percent(record["control_asked"])),
    ]
    return "\n\n".join(part for part in parts if part)


_ATTACK_HEAD = ("attack", "pass", "plain CLK", "as agreed, at most", "95 % interval", "CPU s")
_TRIAL_HEAD = ("attack", "records", "overlap", "copies", "told", "found", "95 % interval")
_LEGEND = (
    "plain CLK: the positive control. An attack that finds less than {control} there is too weak for this\n"
    "data, and its failure says nothing. Larger files give an attacker more to go by. These attacks are\n"
    "those that we know of; with the key in hand none is needed."
)


_TOLD = (("rho", "rho"), ("rho, top 1 %", "rho_top"), ("unique neighbourhoods", "unique_profiles"))


def _attack_row(one: Record) -> tuple[object, ...]:
    worst = max(one["trials"], key=lambda trial: trial["value"])
    shown = ("too weak", "-") if one["too_weak"] else (percent(worst["value"]), between(worst))
    return one["title"], one["pass"], percent(one["control"]["value"]), *shown, f"{one['cpu_seconds']:.1f}"


def _swept(attacks: Sequence[Record]) -> list[Record]:
    """Give the attacks that were made under several conditions, with their name in each trial."""
    return [
        {"trials": [trial | {"title": one["title"]} for trial in one["trials"]]}
        for one in attacks
        if len(one["trials"]) > 1
    ]


def _trial_row(one: Record) -> tuple[object, ...]:
    copies = "noisy" if one["noisy"] else "equal"
    return (
        one["title"],
        one["records"],
        f"{one['overlap']:g}",
        copies,
        one["leaked"],
        percent(one["value"]),
        between(one),
    )


def _leakage_text(leakage: Sequence[Record]) -> str:
    rows = [
        (one["pass"], said, f"{one['agreed'][name]:.3f}", f"{one['plain'][name]:.3f}")
        for one in leakage
        for said, name in _TOLD
    ]
    return columns([("pass", "without an attack", "as agreed", "plain CLK"), *rows])


def _chains_text(frontier: Record) -> str:
    rows = [
        (
            "*" * one["recommended"] + "=" * one["agreed"],
            one["chain"],
            "-" if one["recall"] is None else percent(one["recall"]),
            "-" if one["worst"] is None else percent(one["worst"]["value"]),
            "-" if one["worst"] is None else one["worst"]["attack"],
        )
        for one in frontier["chains"]
    ]
    head = ("", "hardening", "recall", "found, at most", "by")
    return "\n".join(
        [
            f"hardening of every pass (* by the rule; = as agreed). {words.best_conditions(frontier)}",
            columns([head, *rows]),
            frontier["rule"],
        ]
    )


def _served_text(served: Record | None) -> list[str]:
    if served is None:
        return []
    rows = [
        (
            one["name"],
            percent(one["found_by_attack"]["value"]),
            "-" if one["found_by_linkage"] is None else percent(one["found_by_linkage"]["value"]),
        )
        for one in served["groups"]
    ]
    return [columns([("people", "found by attack", "found by linkage"), *rows])]


def _noise(one: Record) -> str:
    return str(one["verdict"]) if one["protects"] else f"{one['verdict']}: no protection"


def _scenarios(attacks: Sequence[Record]) -> list[Record]:
    """Give the scenarios that were played, with their attacks."""
    played = []
    for scenario, (title, told) in words.SCENARIOS.items():
        mine = [one for one in attacks if one["scenario"] == scenario]
        if mine:
            played.append({"title": title, "told": told, "name": scenario.replace(" ", "-"), **_shown(mine)})
    return played


def _shown(attacks: Sequence[Record]) -> Record:
    swept = [one for one in attacks if len(one["trials"]) > 1]
    pictures = [overlap_picture(one, name=f"overlap-{one['attack']}") for one in swept]
    sources = {one["title"]: one["source"] for one in attacks}
    weak = sorted(
        {one["title"] for one in attacks} - {one["title"] for one in attacks if not one["too_weak"]}
    )
    return {
        "overview": tables.overview_table(attacks),
        "tables": [tables.trials_table(one) for one in swept],
        "pictures": [
            (_drawn(drawn), f"{one['title'].capitalize()}, {words.where(one['pass'])}, with 95 % intervals.")
            for drawn, one in zip(pictures, swept, strict=True)
            if drawn
        ],
        "assumptions": list(dict.fromkeys(said for one in attacks for said in one["assumptions"])),
        "sources": "; ".join(f"{title}: {source}" for title, source in sources.items()),
        "weak": weak,
    }


def _drawn(picture: str) -> Markup:
    return Markup(picture)  # noqa: S704 - our own SVG, escaped where it is made
