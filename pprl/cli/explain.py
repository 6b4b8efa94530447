"""Say in plain words what a file contains (anybody)."""

from pathlib import Path

import click

from pprl.cli.console import say
from pprl.cli.options import FILE
from pprl.cli.stores import open_store, passphrase_options
from pprl.errors import UsageError
from pprl.reporting.explanation import describe_explanation
from pprl.workflow.exchanging import load_signed
from pprl.workflow.explaining import EXPLAIN
from pprl.workflow.explaining import explain as find_out


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "--party",
    "folder",
    type=FILE,
    metavar="FOLDER",
    help="Your folder: shows what the sender of a sealed file says that it contains.",
)
@click.option(
    "--agreement", type=FILE, metavar="FILE", help="The signed agreement: checks who signed a sealed file."
)
@passphrase_options
def explain(
    file: Path, folder: Path | None, agreement: Path | None, passphrase_file: Path | None, *, ask: bool
) -> None:
    """Say in plain words what a FILE contains, and what it does not.

    For whoever has to allow that it goes to another party.  Works on packages, on sealed
    files and on tables of linkage keys; a payload that is sealed stays so.
    """
    if folder is None and (agreement is not None or ask or passphrase_file is not None):
        raise UsageError("--party is missing", code="missing-option", hint="only a party can look inside")
    store = None if folder is None else open_store(folder, ask=ask, passphrase_file=passphrase_file)
    signed = None if agreement is None or store is None else load_signed(agreement, store, EXPLAIN)
    say(describe_explanation(find_out(file, store=store, agreement=signed)))
