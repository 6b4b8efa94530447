"""Open a sealed file that came from another party."""

from pathlib import Path

import click

from pprl.cli.console import note, say
from pprl.cli.options import FILE, agreement_option, force_option, out_option
from pprl.cli.stores import open_store, store_options
from pprl.exchange.envelope import PURPOSES, Purpose
from pprl.workflow.exchanging import open_package
from pprl.workflow.signed import SignedAgreement


@click.command()
@click.argument("file", type=FILE)
@store_options
@agreement_option
@click.option("--as", "purpose", type=click.Choice(PURPOSES), help="What you expect; else it is refused.")
@out_option("Where to write what was sealed.")
@force_option
def open(  # noqa: A001 - the verb's name
    file: Path,
    folder: Path,
    agreement: Path,
    purpose: Purpose | None,
    passphrase_file: Path | None,
    out: Path,
    *,
    ask: bool,
    force: bool,
) -> None:
    """Open a sealed FILE that came from another party.

    It is checked step by step, and appears only if nothing speaks against it.  What is
    refused is written into your ledger, and leaves nothing behind.
    """
    opened = open_package(
        file,
        out,
        store=open_store(folder, ask=ask, passphrase_file=passphrase_file),
        agreement=SignedAgreement.load(agreement),
        purpose=purpose,
        force=force,
    )
    said = opened.manifest
    say(f"{said.purpose} from {said.sender}, number {said.sequence}, {said.rows} rows")
    note(f"wrote {out.name}; the entry is in your ledger")
