"""Make the keys of a party, and show its public half."""

from pathlib import Path
from typing import get_args

import click

from pprl.cli.console import note, say
from pprl.cli.options import FILE, out_option
from pprl.cli.stores import passphrase_options, passphrase_source
from pprl.exchange.identities import Identity
from pprl.exchange.parties import Role, read_party
from pprl.exchange.store import PARTY, Store
from pprl.reporting.text import describe_party

_ALONE = {
    "custodian": "keep it to yourself",
    "linkage-unit": "keep it to yourself, and keep linkage keys and id maps out of it",
    "research": "keep it to yourself, and keep linkage keys and id maps out of it",
}


@click.group()
def party() -> None:
    """Make the keys of a party, and show its public half.

    A party signs what it sends and opens what is sealed for it.  Its folder is private; the
    file party.toml in it is public, and goes into the agreement.
    """


@party.command()
@click.option(
    "--name", required=True, metavar="NAME", help="Short name, in lower case, as the agreement will have it."
)
@click.option("--role", required=True, type=click.Choice(get_args(Role)), help="What the party does.")
@out_option("Folder to make; only you will be able to read it.")
@passphrase_options
def new(name: str, role: Role, out: Path, passphrase_file: Path | None, *, ask: bool) -> None:
    """Draw the keys of a party and write them to a folder of its own.

    With a passphrase, whoever copies the folder has no keys yet.
    """
    source = passphrase_source(ask=ask, file=passphrase_file, confirm=True)
    identity = Identity.generate(name, role)
    store = Store.create(out, identity, passphrase=None if source is None else source())
    store.ledger.append(event="party", outcome="done")
    say(describe_party(store.party))
    note(f"wrote the folder {out.name}: {_ALONE[role]}")
    note(f"give {PARTY} in it to all parties, and read the eight words to them over the telephone")


@party.command()
@click.argument("place", type=FILE)
def show(place: Path) -> None:
    """Show a party's public half, from its folder or from a file party.toml.

    The eight words are those of its keys.  The party reads them from its own folder, you
    from the file that came to you.
    """
    say(describe_party(read_party(place / PARTY if place.is_dir() else place)))
