"""Delete what is no longer needed, and sign a record of it."""

import sys
from pathlib import Path

import click

from pprl.cli.console import note, say
from pprl.cli.options import FILE, force_option, out_option
from pprl.cli.stores import open_store, store_options
from pprl.errors import UsageError
from pprl.reporting.text import columns
from pprl.workflow.retiring import retire as retire_files


@click.command()
@click.argument("files", type=FILE, nargs=-1, required=True)
@store_options
@out_option("Where to write the signed deletion record.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@force_option
def retire(
    files: tuple[Path, ...],
    folder: Path,
    passphrase_file: Path | None,
    out: Path,
    *,
    ask: bool,
    yes: bool,
    force: bool,
) -> None:
    """Delete FILES for good, and sign a record of it.

    Packages, linkage keys, id maps, tables, and folders of checkpoints.  The record has the
    kind, size and digest of each, and no name.  Copies in backups and snapshots are not
    reached.  If a run is cut off, the same command finishes it.
    """
    store = open_store(folder, ask=ask, passphrase_file=passphrase_file)
    if not yes:
        _confirm(len(files))
    record = retire_files(files, store=store, out=out, force=force)
    say(columns([("kind", "bytes", "sha256"), *((one.kind, one.size, one.sha256) for one in record.files)]))
    note("deleted from this file system; backups, snapshots and copies elsewhere are not reached")
    note(f"wrote {out.name}, signed: it may be given to whoever asks what became of the files")


def _confirm(n_files: int) -> None:
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask on", code="no-terminal", hint="give --yes to delete")
    click.confirm(f"delete {n_files} files for good?", abort=True, err=True)
