"""Measure links against a known truth (methodologist)."""

from pathlib import Path

import click

from pprl.cli.console import note, say
from pprl.cli.options import FILE, json_option
from pprl.errors import DataError
from pprl.exchange.idmaps import IdMap
from pprl.reporting.records import to_json
from pprl.reporting.text import describe_quality
from pprl.workflow import evaluate as measure
from pprl.workflow import read_pairs


@click.command()
@click.argument("links", type=FILE)
@click.option(
    "--truth",
    type=FILE,
    required=True,
    metavar="FILE",
    help="CSV with left_id and right_id of all true pairs.",
)
@click.option("--left-id-map", type=FILE, metavar="FILE", help="Id map, if the left package has random ids.")
@click.option(
    "--right-id-map", type=FILE, metavar="FILE", help="Id map, if the right package has random ids."
)
@json_option
def evaluate(
    links: Path, truth: Path, left_id_map: Path | None, right_id_map: Path | None, *, as_json: bool
) -> None:
    """Count the LINKS (a links.csv) that are true, false and missed.

    Prints precision, recall, F1 and F*, with the counts that they are made of.
    """
    pairs = read_pairs(links)
    left = _translated([pair[0] for pair in pairs], left_id_map, "left_id")
    right = _translated([pair[1] for pair in pairs], right_id_map, "right_id")
    true = read_pairs(truth)
    if pairs and not set(left) & {pair[0] for pair in true}:
        note("warning: no left id of the links is in the truth: are sides swapped, is an id map missing?")
    quality = measure(zip(left, right, strict=True), true)
    say(to_json(quality.to_dict()).decode("utf-8").rstrip() if as_json else describe_quality(quality))


def _translated(ids: list[str], path: Path | None, column: str) -> list[str]:
    if path is None:
        return ids
    local = IdMap.load(path).local_ids
    unknown = sum(one not in local for one in ids)
    if unknown:
        raise DataError(f"links, column {column}: {unknown} ids are not in the id map", code="unknown-id")
    return [local[one] for one in ids]
