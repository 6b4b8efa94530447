"""The tables of a linkage report, made of its record."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from pprl.reporting.disclosure import Count, share
from pprl.reporting.linkage_numbers import MOST_LINKS, MOST_RECORDS, printable
from pprl.reporting.linkage_pictures import hidden_bar, interval_bar, share_bar
from pprl.reporting.linkage_words import COMPARED, DIFFERING, between, number, percent
from pprl.reporting.suppression import HELD_BACK

Record = dict[str, Any]
Cell = str | Markup

_ROWS_OF_CURVE = 10
_MISSING = "(missing)"
_HIDDEN = Markup(hidden_bar())  # noqa: S704 - our own SVG


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the page shows it.

    Parameters
    ----------
    caption : str
        What is in it.
    heads : sequence of str
        Heads of the columns.
    rows : sequence of sequence of str
        Cells, the first of each row its head.
    n_words : int
        Columns from the left that hold words; the others hold numbers and bars.
    """

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    n_words: int = 1

    def is_bar(self, column: int) -> bool:
        """Say whether a column holds bars, which stand in the cells as SVG."""
        return any(isinstance(row[column], Markup) for row in self.rows)


def parties_table(parties: Sequence[Record]) -> Table:
    """Give the records of each party, linked and not."""
    rows = [
        (one["name"], *(number(one[name]) for name in ("records", "linked", "not_linked"))) for one in parties
    ]
    return Table("Records of each party", ("Party", "Records", "Linked", "Not linked"), rows)


def sizes_table(clusters: Record) -> Table:
    """Give the clusters by the number of their records."""
    rows = [
        (
            f"{one['records']}{' or more' if one['records'] == MOST_RECORDS else ''}",
            number(one["clusters"]),
            _bar(one["clusters"], clusters["of_several_records"]),
        )
        for one in clusters["sizes"]
    ]
    heads = ("Records in the cluster", "Clusters", "Share of these clusters")
    return Table("Clusters of two records or more, by size", heads, rows)


def several_table(pairs: Sequence[Record], *, added: bool) -> Table:
    """Give what came out for every two parties, or, if some were added, for those that were compared."""
    rows = []
    for pair in pairs:
        estimate = (pair["judgement"] or {}).get("estimate")
        rate = estimate["precision"] if estimate else None
        rows.append(
            (
                pair_name(pair),
                number(pair["links"]),
                number(pair["parted_links"]),
                number(pair["conflicting_pairs"]),
                percent(rate["value"]) if rate else "not known",
                between(rate) if rate else "-",
                percent(pair["recall"]["value"]) if pair["recall"] else "not known",
            )
        )
    heads = ("Parties", "Links", "Not honoured", "Conflicting pairs", "Precision", "95 % interval", "Recall")
    compared = " that were compared here" if added else ""
    return Table(f"Links between every two parties{compared}", heads, rows)


def earlier_table(pairs: Sequence[Record]) -> Table | None:
    """Give the links of parties that were linked before; None where there are none."""
    rows = [
        (" and ".join(one["parties"]), "not known" if one["links"] is None else number(one["links"]))
        for one in pairs
    ]
    return Table("Linked before, and not judged here", ("Parties", "Links"), rows) if rows else None


def pair_name(pair: Record) -> str:
    """Name the two parties, or the one that was compared with itself."""
    names = [one["name"] for one in pair["parties"]]
    return " and ".join(names) if len(names) > 1 else f"{names[0]} with itself"


def pairs_found_table(pair: Record) -> Table:
    """Give what each pass compared."""
    left, right = pair["parties"][0]["name"], pair["parties"][-1]["name"]
    rows = [
        (
            one["name"],
            COMPARED[one["compared"]],
            *(number(n) for n in one["records"]),
            number(one["crowded"]),
            number(one["pairs"]),
        )
        for one in pair["passes"]
    ]
    heads = (
        "Pass",
        "Looked at",
        f"Records, {left}",
        f"Records, {right}",
        "Left out as crowded",
        "Pairs found",
    )
    return Table("What each pass compared and found", heads, rows, n_words=2)


def decided_table(pair: Record) -> Table:
    """Give links and conflicts by the pass that decided."""
    rows = [
        (
            one["name"],
            number(one["links"]),
            _bar(one["links"], pair["links"]),
            number(one["conflicting_pairs"]),
        )
        for one in pair["passes"]
    ]
    return Table(
        "Links and conflicting pairs, by deciding pass",
        ("Pass", "Links", "Share of links", "Conflicting pairs"),
        rows,
    )


def tags_table(pair: Record) -> Table | None:
    """Give what looking only at pairs with a common tag missed; None where all pairs were looked at."""
    rows = [
        (
            one["name"],
            "too few pairs to tell" if found is None else percent(found["value"]),
            "-" if found is None else between(found),
            number(one["dropped"]["blocks"]) if one["dropped"] else "0",
            number(one["dropped"]["pairs"]) if one["dropped"] else "0",
        )
        for one in pair["passes"]
        if one["compared"] == "shared-tags"
        for found in [one["share_with_a_tag"]]
    ]
    heads = (
        "Pass",
        "Wanted pairs that share a tag",
        "95 % interval",
        "Blocks dropped",
        "Pairs lost with them, at most",
    )
    return (
        Table("What was missed by looking only at pairs that share a block tag", heads, rows)
        if rows
        else None
    )


def curve_table(judged: Record) -> Table | None:
    """Give some points of the curve of precision."""
    points = [one for one in judged["curve"] if one["precision"]]
    if not points:
        return None
    n_rows = min(len(points), _ROWS_OF_CURVE)
    places = sorted({round(k * (len(points) - 1) / max(1, n_rows - 1)) for k in range(n_rows)})
    chosen = judged["estimate"]
    marked = [(points[place], "") for place in places]
    if chosen and chosen["precision"]:
        marked = [one for one in marked if one[0]["links"] != chosen["links"]] + [(chosen, " (these links)")]
    rows = [
        (
            number(one["links"]) + said,
            *(_by_decoys(one) if judged["measured"] else ()),
            number(one["false_links"]),
            percent(one["precision"]["value"]),
            between(one["precision"]),
        )
        for one, said in sorted(marked, key=lambda entry: entry[0]["links"])
    ]
    decoys = ("Least weight", "Links to decoys") if judged["measured"] else ()
    heads = ("Links kept", *decoys, "Likely false", "Precision", "95 % interval")
    return Table("Precision, had the line been drawn elsewhere", heads, rows)


def _by_decoys(one: Record) -> tuple[str, str]:
    """Give the columns that only links judged by decoys have."""
    weight = "equal value" if one["weight"] is None else f"{one['weight']:.2f}"
    return weight.replace("-", "\N{MINUS SIGN}"), number(one["links_to_decoys"])


def chances_table(pair: Record) -> Table | None:
    """Give links by their probability; None where it is not known."""
    found = pair["probabilities"]
    if found is None:
        return None
    rows = [
        (_chance(one), number(one["links"]), _bar(one["links"], pair["links"]))
        for one in reversed(found["bins"])
    ]
    return Table("Links by their probability to be true", ("Probability", "Links", "Share of links"), rows)


def _chance(one: Record) -> str:
    if one["below"] == 1:
        return f"{one['from'] * 100:g} % and more"
    return f"{one['from'] * 100:g} % to below {one['below'] * 100:g} %" if one["from"] else "below 50 %"


def per_record_table(pair: Record) -> Table | None:
    """Give how many links records have; None where each has at most one."""
    parties = pair["parties"]
    if all(one["at_most_one_link"] for one in parties):
        return None
    rows = [
        (
            f"{entries[0]['links']}{' or more' if entries[0]['links'] == MOST_LINKS else ''}",
            *(number(entry["records"]) for entry in entries),
        )
        for entries in zip(*(one["by_links"] for one in parties), strict=True)
    ]
    heads = ("Links of a record", *(f"Records, {one['name']}" for one in parties))
    return Table("Linked records by the number of their links", heads, rows)


def recall_table(recall: Record) -> Table:
    """Give the fictitious people that were found again, by kind of error."""
    rows = [
        (
            one["name"].replace("-", " "),
            number(one["people"]),
            number(one["found"]),
            percent(one["value"]),
            between(one),
            Markup(interval_bar(one)),  # noqa: S704 - our own SVG, of numbers only
        )
        for one in recall["strata"]
    ]
    heads = ("Prone to", "People", "Found", "Recall", "95 % interval", "0 to 100 %")
    return Table("Fictitious people found again, by what their records are prone to", heads, rows)


def group_tables(truth: Record) -> list[Table]:
    """Give quality by group, one table for each column."""
    names = list(dict.fromkeys(one["column"] for one in truth["groups"]))
    heads = ("Group", "True pairs", "Found", "Links", "Recall", "95 % interval", "0 to 100 %", "Precision")
    return [
        Table(
            f"By {printable(name)}, of the {truth['side']} record",
            heads,
            [_group_row(one) for one in truth["groups"] if one["column"] == name],
        )
        for name in names
    ]


def _group_row(one: Record) -> tuple[Cell, ...]:
    ends = one["intervals"]["recall"]
    rate = None if ends is None else {"value": one["recall"], "low": ends[0], "high": ends[1]}
    counts = [one[name] for name in ("true_pairs", "true_links", "links")]
    unknown = HELD_BACK if HELD_BACK in counts else "undefined"
    return (
        _MISSING if one["value"] is None else printable(one["value"]),
        *map(number, counts),
        unknown if rate is None else percent(rate["value"]),
        "-" if rate is None else between(rate),
        _HIDDEN if unknown == HELD_BACK and rate is None else Markup(interval_bar(rate)),  # noqa: S704 - our own SVG, of numbers only
        unknown if one["precision"] is None else percent(one["precision"]),
    )


def fields_table(agreement: Record) -> Table:
    """Give the fields that are encoded."""
    used = {
        one["name"]: [
            each["name"]
            for each in agreement["passes"]
            for use in each["fields"]
            if use["name"] == one["name"]
        ]
        for one in agreement["fields"]
    }
    rows = [(one["name"], one["kind"], ", ".join(used[one["name"]]) or "none") for one in agreement["fields"]]
    return Table("Fields that are encoded", ("Field", "Kind", "In the passes"), rows, n_words=3)


def passes_table(agreement: Record) -> Table:
    """Give how each pass is encoded and compared."""
    rows = [
        (
            one["name"],
            _how(one, agreement["target"]),
            ", ".join(use["name"] + "*" * use["required"] for use in one["fields"]),
            ", ".join([*([one["encoding"]] if one["encoding"] else []), *one["hardening"]]) or "keyed hash",
            number(one["bits"]),
        )
        for one in agreement["passes"]
    ]
    heads = ("Pass", "Compared", "Fields (* required)", "Encoding and hardening", "Bits sent")
    return Table("Passes", heads, rows, n_words=4)


def provenance_table(pair: Record) -> Table:
    """Give the agreement's fingerprint and what made the links."""
    agreement = pair["agreement"]
    rows = [
        ("Links made by", pair["provenance"]["software"]),
        ("Unicode data", pair["provenance"]["unicode_version"]),
        ("Fingerprint of the agreement (SHA-256)", pair["fingerprint"]),
    ]
    if agreement is not None:
        rows = [("Project", agreement["project"]), ("Epoch", str(agreement["epoch"])), *rows]
    return Table("Agreement and software", ("What", "Which"), rows, n_words=2)


def _how(one: Record, target: str) -> str:
    if one["compared"] == "equality":
        return f"for equality; {DIFFERING[one['differing']]}"
    least = f", {one['threshold']} or more" if target == "thresholds" else ""
    return f"by similarity (Dice){least}"


def _bar(part: Count, whole: Count) -> Markup:
    if not isinstance(part, int) or not isinstance(whole, int):
        return _HIDDEN
    return Markup(share_bar(share(part, whole) or 0.0))  # noqa: S704 - our own SVG, of numbers only
