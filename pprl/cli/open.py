"""Open a sealed file that came from another party."""

from pathlib import Path

import click

from pprl.agreement import Agreement
from pprl.cli.console import note, say
from pprl.cli.options import FILE, force_option, out_option
from pprl.cli.stores import open_store, store_options
from pprl.errors import UsageError
from pprl.exchange.envelope import CEREMONY_ONLY, PURPOSES, Purpose
from pprl.exchange.ledger import OPEN
from pprl.exchange.noting import refusals_noted
from pprl.exchange.opening import open_own
from pprl.exchange.store import Store
from pprl.workflow.exchanging import load_signed, open_package

_OPENED = [purpose for purpose in PURPOSES if purpose not in CEREMONY_ONLY]


@click.command()
@click.argument("file", type=FILE)
@store_options
@click.option(
    "--agreement",
    type=FILE,
    metavar="FILE",
    help="The agreement, with all signatures beside it. Your own id map needs none.",
)
@click.option(
    "--as",
    "purpose",
    required=True,
    type=click.Choice(_OPENED),
    help="What you expect; anything else is refused.",
)
@out_option("Where to write what was sealed.")
@force_option
def open(  # noqa: A001 - the verb's name
    file: Path,
    folder: Path,
    agreement: Path | None,
    purpose: Purpose,
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
    if agreement is None and purpose != "id-map":
        raise UsageError(
            "--agreement is missing", code="missing-option", hint="only your own id map needs none"
        )
    store = open_store(folder, ask=ask, passphrase_file=passphrase_file)
    if agreement is None or purpose == "id-map":
        opened = open_own(file, out, store=store, project=_project(agreement, store), force=force)
    else:
        signed = load_signed(agreement, store, OPEN)
        opened = open_package(file, out, purpose=purpose, store=store, agreement=signed, force=force)
    said = opened.manifest
    say(f"{said.purpose} from {said.sender}, number {said.sequence}, {said.rows} rows")
    note(f"wrote {out.name}; the entry is in your ledger")


def _project(agreement: Path | None, store: Store) -> str | None:
    """Give the project of an agreement, which may have expired: the id map is the party's own."""
    if agreement is None:
        return None
    with refusals_noted(store.ledger, OPEN):
        return Agreement.load(agreement).project
