"""Make the secret that custodians share."""

from pathlib import Path

import click

from pprl.cli.console import note
from pprl.cli.options import force_option, out_option
from pprl.keys import LinkageKey


@click.group()
def key() -> None:
    """Make the secret that custodians share.

    Whoever holds it can find out whether a name is in an encoded file.  It never goes to
    the linkage unit.
    """


@key.command()
@out_option("Where to write it; only you will be able to read it.")
@force_option
def new(out: Path, *, force: bool) -> None:
    """Draw a new secret and write it to a key file."""
    LinkageKey.generate().save(out, force=force)
    note("wrote a linkage key: hand it to the other custodians by a safe way, and never to the linkage unit")
