"""Measure links against a known truth (methodologist)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from pprl.cli.console import note, say
from pprl.cli.options import FILE, json_option
from pprl.errors import DataError, UsageError
from pprl.evaluation import IdPairs, LinkageQuality, QualityByGroup, Sweep
from pprl.evaluation.groups import Side
from pprl.evaluation.pairs import Texts, id_array
from pprl.exchange.idmaps import IdMap
from pprl.model.arrays import Scores
from pprl.reporting.disclosure import Show, exact, protected
from pprl.reporting.groups import describe_groups, groups_record
from pprl.reporting.quality import (
    describe_quality,
    describe_sweep,
    protection_record,
    quality_record,
    sweep_record,
)
from pprl.reporting.records import to_json
from pprl.workflow import evaluate as measure
from pprl.workflow import (
    evaluate_clusters,
    evaluate_groups,
    evaluate_sweep,
    read_pairs,
    read_scored,
)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was measured, and whether it is shown as it is."""

    quality: LinkageQuality
    sweep: Sweep | None = None
    groups: QualityByGroup | None = None
    unprotected: bool = True


@click.command()
@click.argument("links", type=FILE)
@click.option(
    "--truth",
    "truths",
    type=FILE,
    required=True,
    multiple=True,
    metavar="FILE",
    help="CSV with left_id and right_id of all true pairs; with --clusters, who is who, maybe in several.",
)
@click.option("--left-id-map", type=FILE, metavar="FILE", help="Id map, if the left package has random ids.")
@click.option(
    "--right-id-map", type=FILE, metavar="FILE", help="Id map, if the right package has random ids."
)
@click.option(
    "--sweep",
    is_flag=True,
    help="Show other thresholds too, by the column probability, or score where that is empty.",
)
@click.option(
    "--groups",
    type=FILE,
    metavar="FILE",
    help="CSV with record_id and columns of groups: show recall and precision for each.",
)
@click.option(
    "--group-side",
    type=click.Choice(["left", "right"]),
    help="Whose records the groups are; by default those of the left.",
)
@click.option(
    "--group-by",
    multiple=True,
    metavar="COLUMN",
    help="A column of groups, if not every column is one. Repeated for several.",
)
@click.option(
    "--clusters", is_flag=True, help="LINKS has cluster, source and record_id: count pairs in one cluster."
)
@json_option
@click.option(
    "--exact",
    "unprotected",
    is_flag=True,
    help="With --groups, print counts as they are, for your own eyes.",
)
def evaluate(
    links: Path,
    truths: Sequence[Path],
    left_id_map: Path | None,
    right_id_map: Path | None,
    groups: Path | None,
    group_side: Side | None,
    group_by: Sequence[str],
    *,
    sweep: bool,
    clusters: bool,
    as_json: bool,
    unprotected: bool,
) -> None:
    """Count the LINKS (a links.csv) that are true, false and missed.

    Prints precision, recall, F1 and F*, with the counts that they are made of and 95 %
    intervals.  With --groups counts that point at a person are hidden and others rounded,
    so the output can be handed on.
    """
    of_groups = {"--group-side": group_side, "--group-by": group_by, "--exact": unprotected}
    _require_sense(
        truths,
        clusters=clusters,
        for_pairs=bool(left_id_map or right_id_map or groups or sweep),
        groupless=[name for name, said in of_groups.items() if said and groups is None],
    )
    if len(set(group_by)) < len(group_by):
        raise UsageError("--group-by: names a column twice", code="bad-option")
    if clusters:
        _tell(_Found(evaluate_clusters(links, list(truths))), as_json=as_json)
        return
    pairs, scores = read_scored(links) if sweep else (read_pairs(links, what="links"), None)
    left = _translated(pairs.left, left_id_map, "left_id")
    right = _translated(pairs.right, right_id_map, "right_id")
    found = _measured(
        IdPairs(left, right),
        scores,
        read_pairs(truths[0], what="truth"),
        groups,
        group_side or "left",
        group_by,
        unprotected=unprotected,
    )
    _tell(found, as_json=as_json)


def _measured(
    pairs: IdPairs,
    scores: Scores | None,
    true: IdPairs,
    groups: Path | None,
    side: Side,
    by: Sequence[str],
    *,
    unprotected: bool,
) -> _Found:
    if len(pairs) and not set(pairs.left.tolist()) & set(true.left.tolist()):
        note("warning: no left id of the links is in the truth: are sides swapped, is an id map missing?")
    return _Found(
        measure(pairs, true),
        None if scores is None else evaluate_sweep(pairs, true, scores=scores),
        None if groups is None else evaluate_groups(pairs, true, groups, side=side, columns=by or None),
        unprotected=unprotected or groups is None,
    )


def _tell(found: _Found, *, as_json: bool) -> None:
    show = exact if found.unprotected else protected
    say(to_json(_record(found, show)).decode("utf-8").rstrip() if as_json else _text(found, show))


def _record(found: _Found, show: Show) -> dict[str, Any]:
    record = quality_record(found.quality, show=show) | {"counts": protection_record(show)}
    if found.sweep is not None:
        record["sweep"] = sweep_record(found.sweep, show=show)
    if found.groups is not None:
        record["by_group"] = groups_record(found.groups, unprotected=found.unprotected)
    return record


def _text(found: _Found, show: Show) -> str:
    parts = [describe_quality(found.quality, show=show)]
    if found.sweep is not None:
        parts.append(describe_sweep(found.sweep, show=show))
    if found.groups is not None:
        parts.append(describe_groups(found.groups, unprotected=found.unprotected))
    return "\n\n".join(parts)


def _require_sense(
    truths: Sequence[Path], *, clusters: bool, for_pairs: bool, groupless: Sequence[str]
) -> None:
    """Raise if options do not go together; `groupless` are of groups, and there are none."""
    if clusters and (for_pairs or groupless):
        raise UsageError(
            "--clusters: goes with --truth, --json and nothing else",
            code="bad-option",
            hint="groups, thresholds and id maps are for links of two sides",
        )
    if len(truths) > 1 and not clusters:
        raise UsageError("--truth: wanted one file", code="bad-option", hint="several go with --clusters")
    if groupless:
        raise UsageError(f"{groupless[0]}: goes with --groups", code="bad-option")


def _translated(ids: Texts, path: Path | None, column: str) -> Texts:
    if path is None:
        return ids
    local = IdMap.load(path).local_ids
    unknown = sum(one not in local for one in ids)
    if unknown:
        raise DataError(f"links, column {column}: {unknown} ids are not in the id map", code="unknown-id")
    return id_array(local[one] for one in ids)
