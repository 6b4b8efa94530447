"""Put linkage keys in the place of identifiers (custodian)."""

from collections.abc import Sequence
from pathlib import Path

import click

from pprl.agreement import Agreement
from pprl.cli.console import note, say
from pprl.cli.options import FILE, agreement_option, by_field, column_option, force_option, out_option
from pprl.cli.stores import as_party
from pprl.exchange.payloads import suffix_of
from pprl.files import refuse_existing, refuse_inputs_as_output
from pprl.reporting.text import columns
from pprl.workflow import Attached
from pprl.workflow import attach as attach_keys
from pprl.workflow.runs import Run


@click.command()
@click.argument("payload", type=FILE)
@click.option(
    "--keys",
    type=FILE,
    required=True,
    metavar="FILE",
    help="The linkage keys of your records, as sent to you.",
)
@click.option(
    "--id", "id_column", required=True, metavar="COLUMN", help="Column with the ids that were encoded."
)
@click.option(
    "--id-map",
    type=FILE,
    metavar="FILE",
    help="The way back to your own ids, if the package had random ones.",
)
@agreement_option
@column_option
@click.option("--drop", multiple=True, metavar="COLUMN", help="A further column to remove. Repeatable.")
@click.option(
    "--keep",
    multiple=True,
    metavar="COLUMN",
    help="A column to carry although the agreement reads it, or it looks like an identifier. Repeatable.",
)
@click.option("--allow-missing", is_flag=True, help="Leave out rows whose id has no linkage key.")
@out_option("Where to write the table; the name ends in .csv or .parquet.")
@force_option
@as_party("attach")
def attach(
    payload: Path,
    keys: Path,
    id_column: str,
    id_map: Path | None,
    agreement: Path,
    renamed: Sequence[str],
    drop: Sequence[str],
    keep: Sequence[str],
    out: Path,
    *,
    run: Run,
    allow_missing: bool,
    force: bool,
) -> None:
    """Give a PAYLOAD (CSV or Parquet) linkage keys for ids, and take identifiers away.

    Removes the id, the columns that the agreement reads, and what --drop names.  A column
    that still looks like an identifier stops the run.  Rows come out in the order of their
    keys, which are random.
    """
    suffix_of(out)
    inputs = (payload, keys, agreement, *([id_map] if id_map else []))
    refuse_inputs_as_output(out, inputs)
    refuse_existing(out, force=force)
    agreed = Agreement.load(agreement)
    run.under(agreed)
    attached = attach_keys(
        payload,
        keys,
        id=id_column,
        agreement=agreed,
        id_map=id_map,
        columns=by_field(renamed),
        drop=drop,
        keep=keep,
        allow_missing=allow_missing,
    )
    attached.save(out, force=force)
    if attached.n_left_out:
        note(f"warning: {attached.n_left_out} rows were left out: their ids have no linkage key")
    say(_described(attached))


def _described(attached: Attached) -> str:
    return columns(
        [
            ("rows", len(attached)),
            ("people with rows", attached.n_people),
            ("people without rows", attached.n_without_rows),
            ("rows left out", attached.n_left_out),
            ("columns carried", attached.table.num_columns - 1),
            ("columns removed", attached.n_removed),
            ("columns without a name, left out", attached.n_unnamed),
        ]
    )
