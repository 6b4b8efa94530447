"""
The entry: finds the verb, and turns whatever happens into one message and an exit status.

0 done, 2 usage, 3 data, 4 policy, 5 authentication, 6 resources, 7 version, 130 and 143
signals.  A traceback is never shown: its frames hold people's names.
"""

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from pprl.cli.console import complain, note, prepare, translate
from pprl.cli.options import SHORT_HELP
from pprl.errors import PprlError, ResourceError, UsageError, nearest
from pprl.version import __version__

VERBS: Mapping[str, str] = {
    "demo": "Show the whole path on fictitious people.",
    "agreement": "Make, check, show and sign agreements.",
    "party": "Make the keys of a party, and show its public half.",
    "key": "Make the secret that custodians share.",
    "check": "Show how good a table is before it is encoded (custodian).",
    "audit": "Attack your own encodings before they are released (custodian).",
    "encode": "Encode a table (custodian).",
    "seal": "Seal a file for another party.",
    "open": "Open a sealed file that came from another party.",
    "explain": "Say in plain words what a file contains (anybody).",
    "inspect": "Show what a package holds (anybody).",
    "plan": "Say what linking two packages will cost (linkage unit).",
    "link": "Link packages of two or more parties (linkage unit).",
    "deduplicate": "Find who is in one package more than once (linkage unit).",
    "attach": "Put linkage keys in the place of identifiers (custodian).",
    "join": "Join attached tables by person (research environment).",
    "retire": "Delete what is no longer needed, and sign a record of it.",
    "ledger": "Show and check what a party sealed, opened and refused.",
    "evaluate": "Measure links against a known truth (methodologist).",
    "synthesise": "Make a fictitious population and sources drawn from it (methodologist).",
    "doctor": "Check that this machine can do it.",
}
_INTERRUPTED = 130
_TERMINATED = 143


class _Terminated(BaseException):
    """The process was asked to end; open outputs are removed on the way out."""


class _Verbs(click.Group):
    """Imports a verb when it is called: `pprl --help` should not wait for numpy."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        verb: click.Command = getattr(import_module(f"pprl.cli.{name}"), name)
        return verb

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            raise UsageError("no such verb", code="no-verb", hint=nearest(args[0], VERBS))
        return super().resolve_command(context, args)

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=_Verbs, context_settings=SHORT_HELP)
@click.version_option(__version__, prog_name="pprl", message="%(prog)s %(version)s")
def cli() -> None:
    """Link records of people between organisations that cannot share names.

    A data custodian encodes a table with a secret key.  A linkage unit compares the
    encodings, without the key and without a name.  Start with: pprl demo --out demo
    """


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line and give its exit status."""
    try:
        cli.main(list(arguments), prog_name="pprl", standalone_mode=False)
    except (Exception, KeyboardInterrupt, _Terminated) as error:  # noqa: BLE001 - the last line of defence
        end = next(end for kind, end in _ENDS if isinstance(error, kind))
        return end(error)
    return 0


def main() -> NoReturn:
    """Run the command line of this process."""
    prepare()
    _leave_no_core()
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # nohup means it
            signal.signal(number, _terminate)
    sys.exit(run(sys.argv[1:]))


def _leave_no_core() -> None:
    """Let no crash write this process, and the secrets in it, to the disk; Windows does so only if asked."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _terminate(_signal: int, _frame: object) -> None:
    raise _Terminated


def _refused(error: PprlError) -> int:
    complain(error)
    return error.exit_status


def _misunderstood(error: click.ClickException) -> int:
    return _refused(translate(error, _options_of(error)))


def _told_how(error: click.exceptions.NoArgsIsHelpError) -> int:
    click.echo(error.message, err=True)
    return UsageError.exit_status


def _interrupted(_error: BaseException) -> int:
    note("interrupted; no file was left half-written")
    return _INTERRUPTED


def _terminated(_error: BaseException) -> int:
    note("terminated; no file was left half-written")
    return _TERMINATED


def _unread(_error: BrokenPipeError) -> int:
    """Give stdout, whose reader has gone, another end, so that closing it says nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _out_of_memory(_error: MemoryError) -> int:
    hint = "raise the threshold, or use a larger machine"
    return _refused(ResourceError("not enough memory", code="memory", hint=hint))


def _refused_by_system(error: OSError) -> int:
    return _refused(ResourceError(f"the system refused ({type(error).__name__})", code="system"))


def _unexpected(error: Exception) -> int:
    """Name the place in our own code, and nothing of the message: it may hold values."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}pprl{os.sep}" in frame.filename] or frames
    place = f"{Path(ours[-1].filename).name}, line {ours[-1].lineno}"
    unexpected = ResourceError(
        f"something unexpected happened ({type(error).__name__} in {place})",
        code="unexpected",
        hint="this is a mistake in pprl: please report this line; it holds no data",
    )
    return _refused(unexpected)


def _options_of(error: click.ClickException) -> list[str]:
    context = getattr(error, "ctx", None)
    return [option for parameter in context.command.params for option in parameter.opts] if context else []


# The first kind that fits decides.
_ENDS: tuple[tuple[type[BaseException], Callable[[Any], int]], ...] = (
    (PprlError, _refused),
    (click.exceptions.Exit, lambda error: error.exit_code),
    (click.exceptions.NoArgsIsHelpError, _told_how),
    (click.ClickException, _misunderstood),
    (click.Abort, _interrupted),
    (KeyboardInterrupt, _interrupted),
    (_Terminated, _terminated),
    (BrokenPipeError, _unread),
    (MemoryError, _out_of_memory),
    (OSError, _refused_by_system),
    (Exception, _unexpected),
)
