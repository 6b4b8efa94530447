"""A party's folder as an option, and its passphrase: asked for or read, never an argument."""

import functools
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pprl.cli.options import FILE, refuse_secrets_in_environment
from pprl.errors import DataError, ResourceError, UsageError
from pprl.exchange.store import Store
from pprl.private import refuse_private_place, require_owner_only
from pprl.workflow.runs import Verb, run_as

_WHAT = "passphrase file"
_MAX_BYTES = 4096


def passphrase_options(command: Any) -> Any:  # noqa: ANN401 - click's decorators have no nameable type
    """Give the two ways to a passphrase."""
    asked = click.option("--passphrase", "ask", is_flag=True, help="Ask for the passphrase of your identity.")
    read = click.option(
        "--passphrase-file", type=FILE, metavar="FILE", help="Read it from a file that only you can read."
    )
    return asked(read(command))


folder_option = click.option(
    "--party",
    "folder",
    type=FILE,
    required=True,
    metavar="FOLDER",
    help="Your folder, as `pprl party new` made it.",
)


def store_options(command: Any) -> Any:  # noqa: ANN401 - click's decorators have no nameable type
    """Give the option that names a party's folder, and those of its passphrase."""
    return folder_option(passphrase_options(command))


def as_party(verb: Verb) -> Callable[[Any], Any]:
    """Let a verb be run for a party: with --party its role is checked, and its ledger knows of it.

    The verb gets the run as `run`, in the place of the options.
    """

    def decorated(command: Any) -> Any:  # noqa: ANN401 - as above
        @functools.wraps(command)
        def run_it(
            *given: Any,  # noqa: ANN401 - the verb's own
            folder: Path | None,
            ask: bool,
            passphrase_file: Path | None,
            **options: Any,  # noqa: ANN401 - the verb's own
        ) -> None:
            if folder is None and (ask or passphrase_file is not None):
                raise UsageError("--party is missing", code="missing-option", hint="whose passphrase is it?")
            store = None if folder is None else open_store(folder, ask=ask, passphrase_file=passphrase_file)
            with run_as(store, verb) as run:
                command(*given, run=run, **options)

        named = click.option(
            "--party",
            "folder",
            type=FILE,
            metavar="FOLDER",
            help="Your folder: your role is checked, and the run goes into your ledger.",
        )
        return named(passphrase_options(run_it))

    return decorated


def open_store(folder: Path, *, ask: bool, passphrase_file: Path | None) -> Store:
    """Open a party's folder with the passphrase that the options lead to."""
    return Store.open(folder, passphrase=passphrase_source(ask=ask, file=passphrase_file, confirm=False))


def passphrase_source(*, ask: bool, file: Path | None, confirm: bool) -> Callable[[], str] | None:
    """Give what fetches the passphrase when it is needed, or nothing.

    Parameters
    ----------
    ask : bool
        Ask for it on the terminal.
    file : Path, optional
        Read it from there.
    confirm : bool
        Ask twice, because it is a new one.

    Raises
    ------
    UsageError
        If both ways were given.
    PolicyError
        If an environment variable looks as if it held a secret.
    """
    refuse_secrets_in_environment()
    if ask and file is not None:
        raise UsageError(
            "--passphrase and --passphrase-file: give one of them",
            code="bad-option",
            hint="the first asks for it, the second reads it",
        )
    if file is not None:
        return lambda: _read(file)
    return (lambda: _ask(confirm=confirm)) if ask else None


def _ask(*, confirm: bool) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            "--passphrase: there is no terminal to ask on",
            code="no-terminal",
            hint="give --passphrase-file FILE",
        )
    answer: str = click.prompt("passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    return answer


def _read(path: Path) -> str:
    """Read the first line of a file, or of a pipe such as a shell's ``<(...)``."""
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            _require_private(path, status)
            content = stream.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, PermissionError):
            raise ResourceError(
                f"{_WHAT}: no permission to read it", code="no-permission", hint="only its owner may"
            ) from None
        raise DataError(
            f"{_WHAT}: does not exist, or is no file",
            code="not-found",
            hint="the option takes the name of a file or a pipe, never the passphrase itself",
        ) from None
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        lines = []
    if len(lines) != 1 or not lines[0] or len(content) > _MAX_BYTES:
        raise DataError(
            f"{_WHAT}: wanted one line of UTF-8",
            code="passphrase-file",
            hint="write the passphrase into it, and nothing else",
        )
    return lines[0]


def _require_private(path: Path, status: os.stat_result) -> None:
    """Raise if a file of a passphrase is not its owner's alone; a pipe is read once, and by nobody else."""
    if stat.S_ISREG(status.st_mode):
        for place in (path, path.resolve()):
            refuse_private_place(place, what=_WHAT)
        require_owner_only(status, what=_WHAT, code="passphrase")
