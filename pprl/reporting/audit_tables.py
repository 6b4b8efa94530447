"""The tables of an audit, made of its record."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from pprl.reporting.audit_words import COLLUSIONS, HOLDERS, where
from pprl.reporting.linkage_pictures import interval_bar
from pprl.reporting.linkage_tables import Cell, Table
from pprl.reporting.linkage_words import between, number, percent

Record = dict[str, Any]

_N_WORST = 5  # kinds of people that are named in words
_MEASURES: tuple[tuple[str, str, str], ...] = (
    ("Filters that only one record has", "unique_filters", "share"),
    ("Numbers of bits set that only one record has", "unique_weights", "share"),
    ("Neighbourhoods (5 nearest) that only one record has", "unique_profiles", "share"),
    ("Similarity in clear and encoded go together (rho)", "rho", "number"),
    ("The same among the 1 % most alike", "rho_top", "number"),
    ("Length and number of bits set go together (rho)", "weight_by_length", "number"),
    ("Spread of the number of bits set (deviation)", "weight_deviation", "number"),
)
_BITS: tuple[tuple[str, str], ...] = (
    ("Spread of how often a bit is set (deviation)", "deviation"),
    ("The same by chance alone", "deviation_by_chance"),
    ("Entropy of a bit (1 is a fair coin)", "entropy"),
    ("Gini coefficient of bit frequencies (0 is even)", "gini"),
    ("Jensen-Shannon divergence from even (0 is even)", "divergence"),
)
_TOGETHER: tuple[tuple[str, str], ...] = (
    ("Bits set together: mean correlation", "mean"),
    ("The same by chance alone", "mean_by_chance"),
    ("Pairs of bits that are strongly correlated", "strong"),
)


def holders_table() -> Table:
    """Give who holds what, and learns what alone."""
    return Table("Who holds what", ("Party", "Holds", "Learns of others' people, alone"), HOLDERS, n_words=3)


def collusion_table(with_the_key: str) -> Table:
    """Give what parties hold and learn together.

    Parameters
    ----------
    with_the_key : str
        Share of the people who were found with the key in hand.
    """
    heads = ("Together", "They hold", "They learn")
    rows = [tuple(said.format(with_the_key=with_the_key) for said in row) for row in COLLUSIONS]
    return Table("Who must not meet whom: what parties learn together", heads, rows, n_words=3)


def overview_table(attacks: Sequence[Record]) -> Table:
    """Give every attack with its control and its worst result, pass by pass."""
    rows = [
        (
            one["title"],
            one["pass"],
            percent(one["control"]["value"]),
            *_best(one),
            f"{one['cpu_seconds']:,.1f} s",
        )
        for one in attacks
    ]
    heads = (
        "Attack",
        "Pass",
        "Plain encodings (control)",
        "As agreed, at most",
        "95 % interval",
        "0 to 100 %",
        "CPU",
    )
    return Table("Share of people whom an attack finds, beside its control", heads, rows, n_words=2)


def summary_table(attacks: Sequence[Record]) -> Table:
    """Give every attack on the pass on which it finds most, the most successful first."""
    named = {one["title"]: [each for each in attacks if each["title"] == one["title"]] for one in attacks}
    worst = [max(several, key=_success) for several in named.values()]
    rows = [
        (one["title"], one["pass"], percent(one["control"]["value"]), *_best(one))
        for one in sorted(worst, key=_success, reverse=True)
    ]
    heads = (
        "Attack",
        "Where it finds most",
        "Plain encodings (control)",
        "As agreed, at most",
        "95 % interval",
        "0 to 100 %",
    )
    return Table("Share of people whom each attack finds, at the worst", heads, rows, n_words=2)


def trials_table(one: Record) -> Table:
    """Give what an attack found under each condition."""
    rows = [
        (
            number(trial["records"]),
            _held(trial["overlap"]),
            "with errors" if trial["noisy"] else "the same",
            number(trial["leaked"]) if trial["leaked"] else "-",
            percent(trial["value"]),
            between(trial),
            _interval(trial),
            f"{trial['cpu_seconds']:,.1f} s",
        )
        for trial in one["trials"]
    ]
    heads = (
        "People",
        "Of the file the attacker holds",
        "Its copies are",
        "Told of",
        "Found",
        "95 % interval",
        "0 to 100 %",
        "CPU",
    )
    return Table(f"{one['title'].capitalize()}, {where(one['pass'])}, by condition", heads, rows, n_words=0)


def leakage_table(one: Record) -> Table:
    """Give the leakage measures of a pass beside those of plain encodings."""
    agreed, plain = one["agreed"], one["plain"]
    rows: list[tuple[Cell, ...]] = [
        (
            "Share of bits set before hardening",
            percent(one["fill_before_hardening"]),
            percent(plain["bit_frequency"]["fill"]),
        )
    ]
    rows += [
        (said, *(_shown(each[name], kind) for each in (agreed, plain))) for said, name, kind in _MEASURES
    ]
    for part, measures in (("bit_frequency", _BITS), ("co_occurrence", _TOGETHER)):
        rows += [(said, f"{agreed[part][name]:.4g}", f"{plain[part][name]:.4g}") for said, name in measures]
    rows += [
        (f"People among the 10 to whom {kind} points", percent(agreed["vulnerable"][kind]), percent(share))
        for kind, share in plain["vulnerable"].items()
    ]
    return Table(
        f"What the pass {one['pass']} gives away without an attack", ("Measure", "As agreed", "Plain"), rows
    )


def joint_table(joint: Record) -> Table:
    """Give what the passes of one record give away together."""
    said = (
        ("unique_weights", "Numbers of bits set, over all passes, that only one record has", "share"),
        ("unique_profiles", "Neighbourhoods, over all passes, that only one record has", "share"),
        ("rho", "Similarity in clear and encoded go together (rho), all passes", "number"),
        ("rho_best", "The same, the most telling pass alone", "number"),
        ("rho_top", "Among the 1 % most alike, all passes", "number"),
        ("rho_top_best", "The same, the most telling pass alone", "number"),
    )
    rows = [
        (words, *(_shown(joint[side][name], kind) for side in ("agreed", "plain")))
        for name, words, kind in said
    ]
    return Table("What all passes of a record give away together", ("Measure", "As agreed", "Plain"), rows)


def chains_table(frontier: Record) -> Table:
    """Give predicted recall beside measured success, chain by chain."""
    attacks = list(dict.fromkeys(each["attack"] for one in frontier["chains"] for each in one["found"]))
    rows = [
        (
            one["chain"] + " (agreed)" * one["agreed"],
            "not predicted" if one["recall"] is None else percent(one["recall"]),
            "-" if one["threshold"] is None else f"{one['threshold']:.2f}",
            *(_of_attack(one, name) for name in attacks),
        )
        for one in frontier["chains"]
    ]
    heads = (
        "Hardening",
        "Recall, predicted, of the best pass",
        "Its threshold",
        *(f"Found by {name}, and upper end" for name in attacks),
    )
    return Table("Recall and attacks by hardening", heads, rows)


def served_table(served: Record) -> Table:
    """Give kinds of people by what an attack and a linkage find of them."""
    rows = [
        (
            one["name"],
            percent(one["found_by_attack"]["value"]),
            between(one["found_by_attack"]),
            _interval(one["found_by_attack"]),
            *_linked(one["found_by_linkage"]),
        )
        for one in served["groups"]
    ]
    heads = (
        "People",
        "Found by the attack",
        "95 % interval",
        "0 to 100 %",
        "Found by a linkage (recall)",
        "95 % interval",
    )
    return Table("Kinds of people, by what an attack and a linkage find of them", heads, rows)


def worst_served(served: Record) -> list[str]:
    """Name the kinds of people who are served worst, by privacy and by recall."""
    groups = served["groups"][1:]
    told = []
    exposed = sorted(groups, key=lambda one: -one["found_by_attack"]["value"])[:_N_WORST]
    if exposed:
        told.append(f"Found most often by the attack: {_listed(exposed, 'found_by_attack')}.")
    linked = [one for one in groups if one["found_by_linkage"] is not None]
    missed = sorted(linked, key=lambda one: one["found_by_linkage"]["value"])[:_N_WORST]
    if missed:
        told.append(f"Missed most often by a linkage; recall: {_listed(missed, 'found_by_linkage')}.")
    return told


def provenance_table(found: Record) -> Table:
    """Give what made the audit."""
    rows = [
        ("Project", found["agreement"]["project"]),
        ("Epoch", str(found["agreement"]["epoch"])),
        ("Fingerprint of the agreement (SHA-256)", found["fingerprint"]),
        ("Made by", found["provenance"]["software"]),
        ("Seed", str(found["seed"])),
        ("Processor time", f"{found['cpu_seconds']:,.0f} s"),
    ]
    return Table("Agreement and software", ("What", "Which"), rows, n_words=2)


def _success(one: Record) -> tuple[bool, float]:
    return not one["too_weak"], max(trial["value"] for trial in one["trials"])


def _best(one: Record) -> tuple[Cell, ...]:
    if one["too_weak"]:
        return "too weak", "-", ""
    worst = max(one["trials"], key=lambda trial: trial["value"])
    return percent(worst["value"]), between(worst), _interval(worst)


def _of_attack(chain: Record, name: str) -> str:
    found = next((each for each in chain["found"] if each["attack"] == name), None)
    return "-" if found is None else f"{percent(found['value'])} (to {percent(found['high'])})"


def _linked(rate: Record | None) -> tuple[Cell, Cell]:
    return ("not predicted", "-") if rate is None else (percent(rate["value"]), between(rate))


def _listed(groups: Sequence[Record], which: str) -> str:
    return "; ".join(f"{one['name']} ({percent(one[which]['value'])})" for one in groups)


def _held(overlap: float) -> str:
    return "all" if overlap == 1 else percent(overlap)


def _shown(value: float, kind: str) -> str:
    return percent(value) if kind == "share" else f"{value:.3f}".replace("-", "\N{MINUS SIGN}")


def _interval(rate: Record) -> Markup:
    return Markup(interval_bar(rate))  # noqa: S704 - our own SVG, of numbers only
