"""Encode a table (custodian)."""

from collections.abc import Sequence
from pathlib import Path

import click

from pprl.agreement import Agreement
from pprl.cli.console import bar, say
from pprl.cli.options import (
    FILE,
    agreement_option,
    by_field,
    column_option,
    force_option,
    out_option,
    refuse_secrets_in_environment,
)
from pprl.cli.stores import as_party
from pprl.errors import UsageError
from pprl.exchange.idmaps import pseudonymise
from pprl.files import refuse_existing, refuse_inputs_as_output
from pprl.keys import LinkageKey
from pprl.reporting.text import describe_encoding
from pprl.workflow import encode_with_counts
from pprl.workflow.runs import Run


@click.command()
@click.argument("table", type=FILE)
@agreement_option
@click.option(
    "--key", type=FILE, required=True, metavar="FILE", help="The key file; never the secret itself."
)
@click.option("--id", "id_column", required=True, metavar="COLUMN", help="Column that names each record.")
@click.option(
    "--id-map",
    type=FILE,
    metavar="FILE",
    help="Give the records random ids and a random order, and write the way back to your own ids here. "
    "A map is never replaced, not even with --force.",
)
@click.option(
    "--keep-ids", is_flag=True, help="Leave your own ids in the package. For research on fictitious people."
)
@column_option
@click.option("--allow-empty", is_flag=True, help="Accept a table without rows.")
@out_option("Where to write the package; it ends in .pprl by habit.")
@force_option
@as_party("encode")
def encode(
    table: Path,
    agreement: Path,
    key: Path,
    id_column: str,
    id_map: Path | None,
    renamed: Sequence[str],
    out: Path,
    *,
    run: Run,
    keep_ids: bool,
    allow_empty: bool,
    force: bool,
) -> None:
    """Encode a TABLE (CSV in UTF-8, or Parquet) so that names can be compared and not read.

    Only the columns that the agreement asks for are read.  The package holds no name, no
    date and no postcode.  Say what becomes of your record ids: --id-map or --keep-ids.
    """
    refuse_secrets_in_environment()
    _require_choice(id_map, out, keep_ids=keep_ids)
    refuse_inputs_as_output(out, (table, agreement, key))
    refuse_existing(out, force=force)
    if id_map is not None:
        refuse_existing(id_map, force=False)
    agreed = Agreement.load(agreement)
    run.under(agreed)
    secret = LinkageKey.load(key)
    with bar("encoding", " records") as progress:
        encoding = encode_with_counts(
            table,
            agreed,
            secret,
            id=id_column,
            columns=by_field(renamed),
            allow_empty=allow_empty,
            progress=progress,
        )
    if id_map is None:
        encoding.package.save(out, force=force)
    else:
        package, mapping = pseudonymise(encoding.package)
        mapping.save(id_map)
        try:
            package.save(out, force=force)
        except BaseException:
            id_map.unlink()  # it was made just now, and leads back from nothing
            raise
    say(describe_encoding(encoding))


def _require_choice(id_map: Path | None, out: Path, *, keep_ids: bool) -> None:
    if keep_ids == (id_map is not None):
        raise UsageError(
            "choose one: --id-map FILE or --keep-ids",
            code="ids",
            hint="--id-map FILE gives random ids and keeps the way back here; --keep-ids is for research",
        )
    if id_map is not None and id_map.resolve() == out.resolve():
        raise UsageError("--id-map and --out name the same file", code="ids")
