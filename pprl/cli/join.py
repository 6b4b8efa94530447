"""Join attached tables by person (research environment)."""

from collections.abc import Sequence
from pathlib import Path

import click

from pprl.cli.console import note, say
from pprl.cli.options import FILE, force_option, out_option
from pprl.cli.stores import as_party
from pprl.errors import UsageError
from pprl.exchange.payloads import suffix_of
from pprl.files import refuse_existing, refuse_inputs_as_output
from pprl.reporting.disclosure import RULE, Show, exact, protected
from pprl.reporting.text import columns
from pprl.workflow import Joined
from pprl.workflow import join as join_tables
from pprl.workflow.research import How
from pprl.workflow.runs import Run


@click.command()
@click.argument("tables", nargs=-1, required=True, metavar="NAME=FILE...")
@click.option(
    "--crosswalk", type=FILE, required=True, metavar="FILE", help="Which linkage keys are one person."
)
@click.option(
    "--how",
    type=click.Choice(["inner", "outer"]),
    default="inner",
    show_default=True,
    help="People who are in all of the tables, or in any.",
)
@click.option(
    "--at-least",
    type=click.FLOAT,
    metavar="P",
    help="Let records stand alone that belong to their person with a lower probability.",
)
@click.option(
    "--many", is_flag=True, help="Where several tables have several rows of a person: each with each."
)
@click.option("--exact", "unprotected", is_flag=True, help="Print counts as they are, for your own eyes.")
@out_option("Where to write the table; the name ends in .csv or .parquet.")
@force_option
@as_party("join")
def join(
    tables: Sequence[str],
    crosswalk: Path,
    how: How,
    at_least: float | None,
    out: Path,
    *,
    run: Run,  # noqa: ARG001 - there is no agreement that it could be told of
    many: bool,
    unprotected: bool,
    force: bool,
) -> None:
    """Join attached tables, each given as NAME=FILE with its name in the crosswalk.

    Rows of one person come together; linkage keys do not come out.  Counts of 1 to 9 are
    printed as <10, and the others rounded to 5.
    """
    suffix_of(out)
    payloads = _by_name(tables)
    refuse_inputs_as_output(out, (crosswalk, *payloads.values()))
    refuse_existing(out, force=force)
    joined = join_tables(payloads, crosswalk, how=how, at_least=at_least, many=many)
    joined.save(out, force=force)
    if at_least is not None and not joined.n_people:
        note("warning: nobody is left: no person is in all tables as surely as --at-least asks")
    say(_described(joined, exact if unprotected else protected))
    if not unprotected:
        say(RULE)


def _by_name(tables: Sequence[str]) -> dict[str, Path]:
    pairs = [entry.partition("=") for entry in tables]
    payloads = {name: Path(file) for name, _, file in pairs if name and file}
    if len(payloads) < len(pairs):
        raise UsageError(
            "tables: wanted NAME=FILE, each name once",
            code="bad-option",
            hint="for example hospital=attached.csv, with the name that the crosswalk has",
        )
    return payloads


def _described(joined: Joined, show: Show) -> str:
    rows = [(one.name, show(one.n_rows), show(one.n_people), show(one.n_joined)) for one in joined.counts]
    total = ("result", show(len(joined)), show(joined.n_people), show(joined.n_people))
    return columns([("source", "rows", "people", "in the result"), *rows, total])
