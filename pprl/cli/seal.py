"""Seal a file for another party."""

from datetime import date, datetime
from pathlib import Path

import click

from pprl.cli.console import note, say
from pprl.cli.options import FILE, force_option, out_option
from pprl.cli.stores import open_store, passphrase_options
from pprl.errors import UsageError
from pprl.exchange import clock
from pprl.exchange.envelope import ALLOWED, CEREMONY_ONLY, Purpose
from pprl.exchange.ledger import SEAL
from pprl.exchange.optouts import state_opt_outs
from pprl.workflow.exchanging import load_signed, seal_package

_SENT = [purpose for purpose, rule in ALLOWED.items() if rule.ways and purpose not in CEREMONY_ONLY]
_NEEDED = "--party, --agreement, --as and --to"


@click.command()
@click.argument("file", type=FILE)
@click.option("--party", "folder", type=FILE, metavar="FOLDER", help="Your folder.")
@click.option("--agreement", type=FILE, metavar="FILE", help="The agreement, with all signatures beside it.")
@click.option("--as", "purpose", type=click.Choice(_SENT), help="What it is for.")
@click.option("--to", metavar="NAME", help="Name of the recipient in the agreement.")
@click.option(
    "--opt-out-statement",
    "statement",
    type=FILE,
    metavar="FILE",
    help="That opt-outs were applied to these encodings.",
)
@click.option(
    "--state-opt-outs",
    "applied",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Seal nothing, but write the statement to --out: on that day the opt-outs were applied.",
)
@passphrase_options
@out_option("Folder for the sealed file, which is called after a random id.")
@force_option
def seal(
    file: Path,
    folder: Path | None,
    agreement: Path | None,
    purpose: Purpose | None,
    to: str | None,
    statement: Path | None,
    applied: datetime | None,
    passphrase_file: Path | None,
    out: Path,
    *,
    ask: bool,
    force: bool,
) -> None:
    """Seal a FILE so that one party can open it, for one purpose, once.

    Encodings get random record ids and a random order; the way back is sealed for yourself
    and kept in your folder.  A file that is something else than --as says is refused.
    """
    if applied is not None:
        _state(file, out, applied.date(), force=force)
        return
    if folder is None or agreement is None or purpose is None or to is None:
        raise UsageError(f"{_NEEDED}: one is missing", code="missing-option", hint="see --help")
    if force:
        raise UsageError(
            "--force: a sealed file has a name of its own",
            code="bad-option",
            hint="leave --force out",
        )
    store = open_store(folder, ask=ask, passphrase_file=passphrase_file)
    sent = seal_package(
        file,
        out,
        purpose=purpose,
        to=to,
        store=store,
        agreement=load_signed(agreement, store, SEAL),
        opt_outs=statement,
    )
    say(sent.path.name)
    said = sent.manifest
    note(f"sealed {said.purpose} for {said.recipient}, to be opened until {said.expires[:10]}")
    if sent.id_map is not None:
        note(f"the way back to your own ids is in your folder: {sent.id_map.parent.name}/{sent.id_map.name}")


def _state(file: Path, out: Path, applied: date, *, force: bool) -> None:
    state_opt_outs(file, out, applied=applied, now=clock.now(), force=force)
    note(f"stated that opt-outs were applied on {applied.isoformat()}; give it with --opt-out-statement")
