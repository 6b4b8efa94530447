"""Talking: results on stdout; errors, hints, notes and progress on stderr."""

import contextlib
import logging
import sys
from collections.abc import Callable, Generator

import click
from tqdm import tqdm

from pprl.errors import PprlError, UsageError, nearest

_NO_VALUE = "a value is not legal here"


class _Notes(logging.Handler):
    """Prints what the library notes."""

    def emit(self, record: logging.LogRecord) -> None:
        note(record.getMessage())


def prepare() -> None:
    """Let any console print any text, what it cannot show as an escape; print what the library notes."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    logger = logging.getLogger("pprl")
    logger.setLevel(logging.INFO)
    logger.addHandler(_Notes())
    logger.propagate = False


def say(text: str) -> None:
    """Print a result."""
    click.echo(text)


def note(text: str) -> None:
    """Print what is not a result."""
    click.echo(f"pprl: {text}", err=True)


def complain(error: PprlError) -> None:
    """Print an error and its hint."""
    note(f"error: {error.message} [{error.code}]")
    if error.hint:
        note(f"hint: {error.hint}")


def translate(error: click.ClickException, legal_options: list[str]) -> UsageError:
    """Make our own error of one that click found.

    What was typed is not repeated: it may be a secret in the wrong place.
    """
    if isinstance(error, click.NoSuchOption):
        return UsageError("no such option", code="no-option", hint=nearest(error.option_name, legal_options))
    if isinstance(error, click.MissingParameter):
        name = error.param.opts[0] if error.param is not None else "a value"
        return UsageError(f"{name} is missing", code="missing-option", hint="see --help")
    if isinstance(error, click.BadParameter):
        name = error.param.opts[0] if error.param is not None else "an option"
        choices = (
            error.param.type.choices if error.param and isinstance(error.param.type, click.Choice) else ()
        )
        hint = f"legal here: {', '.join(str(choice) for choice in choices)}" if choices else "see --help"
        return UsageError(f"{name}: {_NO_VALUE}", code="bad-option", hint=hint)
    if isinstance(error, click.BadOptionUsage):
        return UsageError(f"{error.option_name}: needs a value", code="bad-option", hint="see --help")
    return UsageError("the command was not understood", code="bad-command", hint="see --help")


@contextlib.contextmanager
def bar(what: str, unit: str) -> Generator[Callable[[int, int], None]]:
    """Show progress on stderr if a person is watching; give the function to call with done and total."""
    with tqdm(desc=what, unit=unit, unit_scale=True, file=sys.stderr, disable=None, leave=False) as shown:

        def advance(done: int, total: int) -> None:
            shown.total = total
            shown.update(done - shown.n)

        yield advance
