"""
The report of a linkage: one page for people, one JSON for programs.

The page is for those who sign for a linkage, those who work with its links, and those who
ask what it is worth.  It is one file that needs nothing else, and may be handed on.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from pprl.agreement import Agreement
from pprl.errors import PolicyError, UsageError
from pprl.evaluation import QualityByGroup
from pprl.files import write_bytes
from pprl.linkage import LinkageResult
from pprl.linkage.several import ClusterResult, Pair
from pprl.reporting import linkage_tables as tables
from pprl.reporting import linkage_words as words
from pprl.reporting.linkage_numbers import (
    Disclosure,
    Record,
    agreement_record,
    clusters_record,
    pair_record,
    protection,
    truth_record,
)
from pprl.reporting.linkage_pictures import curve_picture, weights_picture
from pprl.reporting.records import to_json
from pprl.reporting.rendering import rendered
from pprl.reporting.suppression import RULE
from pprl.workflow.calls import require_names_listed, require_type

NAMES = ("the left side", "the right side")
Result = LinkageResult | ClusterResult
Earlier = Mapping[Pair, int | None]  # by the names of two parties their links, where these are known


def report(
    result: Result,
    path: str | os.PathLike[str],
    *,
    names: tuple[str, str] | None = None,
    agreement: Agreement | None = None,
    groups: QualityByGroup | None = None,
    exact: bool = False,
    force: bool = False,
) -> None:
    """Write the report of a linkage: a page (.html), or its numbers (.json).

    Counts of 1 to 9 are hidden and all others rounded to 5, so that the report may be
    handed on.  It holds no id and nothing that was typed into a record.

    Parameters
    ----------
    result : LinkageResult or ClusterResult
        What `pprl.link` or `pprl.workflow.deduplicate` gave.
    path : path
        Where to write; it ends in .html or .json.
    names : tuple of str, optional
        What two parties are called in the report; by default the left and the right side.
        Clusters know the names of theirs.
    agreement : Agreement, optional
        The agreement of the linkage, to say what was encoded.
    groups : QualityByGroup, optional
        Of two parties, quality by group against a known truth, as
        `pprl.workflow.evaluate_groups` gives it.
    exact : bool
        Show counts as they are, for your own eyes.
    force : bool
        Whether a file that is there may be replaced.

    Raises
    ------
    UsageError
        If the path ends otherwise, the file is there already, something is of another type, or
        names or groups are given for clusters.
    PolicyError
        If the agreement is not that of the linkage.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from pprl import LinkageKey, encode, link
    >>> people = pd.DataFrame({"rec_id": ["1"], "given_name": ["ann"], "surname": ["lee"],
    ...     "address_1": ["1 hay st"], "suburb": ["perth"], "postcode": ["6000"], "state": ["wa"],
    ...     "date_of_birth": ["19500203"]})
    >>> agreement, key = Agreement.preset("febrl"), LinkageKey.generate()
    >>> encoded = encode(people, agreement, key, id="rec_id")
    >>> result = link(encoded, encoded, agreement=agreement)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = Path(folder) / "linkage.html"
    ...     report(result, page, names=("hospital", "charity"), agreement=agreement)
    ...     page.read_text(encoding="utf-8")[:15]
    '<!DOCTYPE html>'
    """
    require_type("path", path, str, os.PathLike)
    target = Path(path)
    if target.suffix.lower() not in _MAKERS:
        raise UsageError("report: wanted a path that ends in .html or .json", code="report")
    record = report_record(result, names=names, agreement=agreement, groups=groups, exact=exact)
    write_bytes(target, _MAKERS[target.suffix.lower()](record), force=force)


def report_html(
    result: Result,
    *,
    names: tuple[str, str] | None = None,
    agreement: Agreement | None = None,
    groups: QualityByGroup | None = None,
    exact: bool = False,
    earlier: Earlier | None = None,
) -> str:
    """Give the report as a page; parameters and errors are those of `report_record`."""
    return page_of(
        report_record(result, names=names, agreement=agreement, groups=groups, exact=exact, earlier=earlier)
    )


def report_record(
    result: Result,
    *,
    names: tuple[str, str] | None = None,
    agreement: Agreement | None = None,
    groups: QualityByGroup | None = None,
    exact: bool = False,
    earlier: Earlier | None = None,
) -> Record:
    """Give every number of the report, as it may be shown; parameters and errors are those of `report`.

    Parameters
    ----------
    earlier : mapping of (str, str) to int or None, optional
        Of clusters that parties joined, the links of every two parties that were linked before,
        which the result does not hold; None where their number is not known.
    """
    _require_types(result, agreement, groups)
    if agreement is not None and agreement.fingerprint != result.fingerprint:
        raise PolicyError(
            "report: the agreement is not the one that the links were made under",
            code="fingerprint",
            hint="give the agreement of this linkage, or none",
        )
    shown = Disclosure(exact=exact)
    agreed = None if agreement is None else agreement_record(agreement)
    if isinstance(result, ClusterResult):
        if groups is not None:
            raise UsageError("report: quality by group is of two parties, not of clusters", code="report")
        if names is not None:
            raise UsageError(
                "report: names are of two parties, and clusters know theirs",
                code="names",
                hint="give names to `link`, or a name to `deduplicate`",
            )
        found = clusters_record(result, shown, earlier)
        return {"counts": protection(shown), **found, "agreement": agreed}
    truth = None if groups is None else truth_record(groups, shown)
    return {
        "counts": protection(shown),
        **pair_record(result, _two_names(names), shown),
        "agreement": agreed,
        "truth": truth,
    }


def _require_types(result: object, agreement: object, groups: object) -> None:
    require_type("result", result, LinkageResult, ClusterResult)
    if agreement is not None:
        require_type("agreement", agreement, Agreement)
    if groups is not None:
        require_type("groups", groups, QualityByGroup)


def _two_names(names: tuple[str, str] | None) -> tuple[str, str]:
    """Give the names of two parties."""
    if names is None:
        return NAMES
    require_names_listed(names)
    listed = list(names)
    if len(listed) != len(NAMES) or not all(isinstance(name, str) and name.strip() for name in listed):
        raise UsageError("names: wanted two, of the left and of the right party", code="names")
    return listed[0], listed[1]


def page_of(record: Record) -> str:
    """Make the page of a record, which has all its numbers."""
    filters = (words.number, words.percent, words.between, words.unbroken)
    name, parts = ("clusters.html", _of_clusters) if "clusters" in record else ("linkage.html", _of_two)
    return rendered(name, *filters, **_of_any(record), **parts(record))


def _of_any(record: Record) -> Record:
    """Give what every page has."""
    agreement = record["agreement"]
    judged = [one["judgement"] for one in record.get("pairs", [record])]
    measured = any(one is not None and one["measured"] for one in judged)
    return {
        "exact": record["counts"]["exact"],
        "rule": RULE,
        "agreement": agreement,
        "seen": words.seen(agreement, decoys=measured),
        "unseen": words.unseen(),
        "encoded_tables": [tables.fields_table(agreement), tables.passes_table(agreement)]
        if agreement
        else [],
        "provenance": tables.provenance_table(record),
        "software": record["provenance"]["software"],
    }


def _wants_decoys(record: Record) -> bool:
    """Say whether the agreement, if it is known, asks for people who do not exist."""
    return bool(record["agreement"] and record["agreement"]["decoys"])


def _too_small(record: Record) -> bool:
    """Say whether links by thresholds are so because the tables were too small for the target."""
    return bool(record["agreement"] and record["agreement"]["target"] != "thresholds")


def _of_two(pair: Record) -> Record:
    """Give what the page of two parties has besides."""
    wanted, too_small = _wants_decoys(pair), _too_small(pair)
    names = tuple(one["name"] for one in pair["parties"])
    return {
        "title": "Linkage report" if names == NAMES else f"Linkage of {tables.pair_name(pair)}",
        "pair": pair,
        "view": _view(pair, "", wanted=wanted, too_small=too_small),
        "summary": words.summary(pair, wanted=wanted),
        "cannot_tell": words.cannot_tell([pair], truth=pair["truth"] is not None, too_small=too_small),
        "per_record": tables.per_record_table(pair),
        "groups": tables.group_tables(pair["truth"]) if pair["truth"] else [],
    }


def _of_clusters(found: Record) -> Record:
    """Give what the page of clusters has besides."""
    parties, pairs, earlier = found["parties"], found["pairs"], found["earlier_pairs"]
    wanted, too_small = _wants_decoys(found), _too_small(found)
    cluster_tables = [
        tables.parties_table(parties),
        tables.sizes_table(found["clusters"]),
        tables.several_table(pairs, added=bool(earlier)),
        tables.earlier_table(earlier),
    ]
    several = f"Linkage of {len(parties)} parties"
    judged = [(tables.pair_name(one), one["judgement"]) for one in pairs]
    return {
        "title": several if len(parties) > 1 else f"Repeated people in {parties[0]['name']}",
        "parties": parties,
        "clusters": found["clusters"],
        "summary": words.clusters_summary(found),
        "unsupported": [name for name, one in judged if one is not None and not one["supported"]],
        "cannot_tell": words.cannot_tell(pairs, truth=False, too_small=too_small),
        "cluster_tables": [one for one in cluster_tables if one],
        "views": [
            _view(pair, f"-{place}", wanted=wanted, too_small=too_small)
            for place, pair in enumerate(pairs, start=1)
        ],
    }


def _view(pair: Record, suffix: str, *, wanted: bool, too_small: bool) -> Record:
    """Give the pictures and tables of one pair of parties; empty where there is nothing to show."""
    judged = pair["judgement"]
    estimate = judged["estimate"] if judged else None
    quality = [tables.curve_table(judged), tables.chances_table(pair)] if judged else []
    passes = [tables.pairs_found_table(pair), tables.decided_table(pair), tables.tags_table(pair)]
    return {
        "pair": pair,
        "title": tables.pair_name(pair),
        "worth": words.worth(pair, wanted=wanted),
        "too_small": too_small,
        "precision": estimate["precision"] if estimate else None,
        "weights": _drawn(weights_picture(judged, name=f"weights{suffix}")) if judged else "",
        "curve": _drawn(curve_picture(judged, name=f"curve{suffix}")) if judged else "",
        "quality_tables": [one for one in quality if one],
        "pass_tables": [one for one in passes if one],
        "recall_table": tables.recall_table(pair["recall"]) if pair["recall"] else None,
    }


def _drawn(picture: str) -> Markup:
    return Markup(picture)  # noqa: S704 - our own SVG, escaped where it is made


def _html_bytes(record: Record) -> bytes:
    return page_of(record).encode("utf-8")


_MAKERS: Mapping[str, Callable[[dict[str, Any]], bytes]] = {".html": _html_bytes, ".json": to_json}
