"""Make the secret that custodians share: together, or alone for a trial."""

from pathlib import Path

import click

from pprl.cli.console import note, say
from pprl.cli.options import FILE, force_option, json_option, out_option
from pprl.cli.stores import open_store, store_options
from pprl.keys import LinkageKey
from pprl.reporting.ceremony import describe_standing, standing_record
from pprl.reporting.records import to_json
from pprl.workflow.ceremony import take_part
from pprl.workflow.seats import KEY
from pprl.workflow.signed import SignedAgreement


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
    """Draw a new secret and write it to a key file.

    This is for one custodian and for trials.  Between parties, `pprl key ceremony` makes a
    secret that nobody has to carry.
    """
    LinkageKey.generate().save(out, force=force)
    note("wrote a linkage key: hand it to the other custodians by a safe way, and never to the linkage unit")


@key.command("ceremony")
@click.argument("agreement", type=FILE)
@store_options
@click.option(
    "--board",
    type=FILE,
    required=True,
    metavar="FOLDER",
    help="Folder whose files go to all custodians, for example by way of the linkage unit.",
)
@click.option(
    "--single-dealer", is_flag=True, help="One custodian makes the secret alone, as the agreement says too."
)
@json_option
def take_part_in_ceremony(
    agreement: Path,
    folder: Path,
    passphrase_file: Path | None,
    board: Path,
    *,
    ask: bool,
    single_dealer: bool,
    as_json: bool,
) -> None:
    """Make the secret together with the other custodians (custodian).

    Run the same command again whenever files of others have come to the board.  Each time it does
    what can be done, and says who is waited for.  It is done when it says so; the secret is then in
    project.key in your folder.
    """
    store = open_store(folder, ask=ask, passphrase_file=passphrase_file)
    standing = take_part(SignedAgreement.load(agreement), store, board, single_dealer=single_dealer)
    for step in standing.did:
        note(step)
    say(
        to_json(standing_record(standing)).decode("utf-8").rstrip()
        if as_json
        else describe_standing(standing)
    )
    if standing.done:
        note(f"the secret is {KEY} in {folder.name}: keep it there, and delete the board")
    elif standing.did:
        note("bring what is new on the board to all other custodians")
