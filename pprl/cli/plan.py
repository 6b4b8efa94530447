"""Say what linking two packages will cost (linkage unit)."""

from fractions import Fraction
from pathlib import Path

import click

from pprl.agreement import Agreement
from pprl.cli.console import say
from pprl.cli.options import FILE, agreement_option, json_option
from pprl.comparison.thresholds import parse_threshold
from pprl.errors import UsageError
from pprl.exchange.package import read_package
from pprl.reporting.plan import describe_plan, plan_record
from pprl.reporting.records import to_json
from pprl.workflow import plan as plan_packages
from pprl.workflow.planning import Machine, require_sensible


def _similarity(_context: click.Context, _option: click.Parameter, typed: str | None) -> Fraction | None:
    try:
        return None if typed is None else parse_threshold(typed)
    except UsageError:
        said = "not a number from 0 to 1"
    raise click.BadParameter(said, param=_option)


@click.command()
@click.argument("left", type=FILE)
@click.argument("right", type=FILE)
@agreement_option
@click.option(
    "--at",
    metavar="DICE",
    callback=_similarity,
    help="The similarity that recall is told for; by default, and at least, the threshold.",
)
@click.option(
    "--workers", type=click.IntRange(1, 1024), metavar="N", help="Threads; by default one for each core."
)
@json_option
def plan(
    left: Path, right: Path, agreement: Path, at: Fraction | None, workers: int | None, *, as_json: bool
) -> None:
    """Say what linking LEFT and RIGHT will cost and find, before it is begun.

    For each pass: candidate pairs, time, memory, disk, the pairs found and their recall,
    with all pairs and with shared block tags.  Counts only.  Refuses what this machine
    cannot do or what would take more than a week, and says what to change.
    """
    agreed = Agreement.load(agreement)
    packages = read_package(left), read_package(right)
    planned = plan_packages(*packages, agreement=agreed, at=at, workers=workers)
    say(to_json(plan_record(planned)).decode("utf-8").rstrip() if as_json else describe_plan(planned))
    require_sensible(planned, Machine.here(Path()))
