"""Show how good a table is before it is encoded (custodian)."""

from collections.abc import Sequence
from pathlib import Path

import click

from pprl.agreement import Agreement
from pprl.cli.console import note, say
from pprl.cli.options import FILE, agreement_option, by_field, column_option, force_option, json_option
from pprl.files import refuse_existing, refuse_inputs_as_output, write_bytes
from pprl.reporting.disclosure import exact, protected
from pprl.reporting.records import to_json
from pprl.reporting.survey import describe_survey, survey_page, survey_record
from pprl.workflow import survey


@click.command()
@click.argument("table", type=FILE)
@agreement_option
@click.option(
    "--id", "id_column", metavar="COLUMN", help="Column that names each record: is it there, and unique?"
)
@column_option
@click.option("--out", type=FILE, metavar="FILE", help="Where to write a page with pictures, in HTML.")
@json_option
@click.option(
    "--exact",
    "unprotected",
    is_flag=True,
    help="Print counts as they are, for your own eyes; the page never shows them.",
)
@force_option
def check(
    table: Path,
    agreement: Path,
    id_column: str | None,
    renamed: Sequence[str],
    out: Path | None,
    *,
    as_json: bool,
    unprotected: bool,
    force: bool,
) -> None:
    """Show how good a TABLE is before it is encoded: no key is needed.

    Says how complete each field is, why values are missing, which records repeat, and how
    many passes each record can reach.  Counts only; those of 1 to 9 are shown as <10, and
    the others rounded to 5.
    """
    if out is not None:
        refuse_inputs_as_output(out, (table, agreement))
        refuse_existing(out, force=force)
    agreed = Agreement.load(agreement)
    found = survey(table, agreed, id=id_column, columns=by_field(renamed))
    if out is not None:
        write_bytes(out, survey_page(found, agreed), force=force)
        note(f"wrote {out.name}: it holds counts only, and none that points at a person")
    show = exact if unprotected else protected
    record = to_json(survey_record(found, show=show)).decode("utf-8").rstrip() if as_json else ""
    say(record or describe_survey(found, show=show))
