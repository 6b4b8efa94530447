"""Show and check what a party sealed, opened, refused and overrode."""

import re
from pathlib import Path
from typing import Any

import click
import msgspec

from pprl.cli.console import note, say
from pprl.cli.options import json_option
from pprl.cli.stores import folder_option
from pprl.errors import UsageError
from pprl.exchange import clock as clocks
from pprl.exchange.entries import Entry
from pprl.exchange.ledger import CLOCK, Ledger
from pprl.exchange.store import open_ledger
from pprl.reporting.records import to_json
from pprl.reporting.text import columns

_HEAD = re.compile(r"[0-9a-f]{64}")
_TITLES = ("no", "time", "event", "outcome", "code", "peer", "purpose", "sequence", "package", "note")


@click.group()
def ledger() -> None:
    """Show and check what a party sealed, opened, refused and overrode.

    The ledger is kept by the software.  It has no identifier of a person, and nothing in it
    can be changed unseen.
    """


@ledger.command()
@folder_option
@click.option("--last", type=click.IntRange(1), metavar="N", help="Show the last N entries only.")
@click.option("--head", "only_head", is_flag=True, help="Show the number of entries and the head only.")
@json_option
def show(folder: Path, last: int | None, *, only_head: bool, as_json: bool) -> None:
    """Check the ledger, and show its entries.

    The head stands for all entries so far.  Note it elsewhere from time to time: with it,
    `pprl ledger verify --head` sees whether the end of the ledger was cut off.
    """
    kept = _opened(folder)
    if only_head:
        say(f"{kept.verify()} {kept.head()}")
        return
    entries = kept.entries()[-last if last else 0 :]
    show_as = _as_json if as_json else _as_text
    say(show_as(entries))


@ledger.command()
@folder_option
@click.option("--head", "noted", default="", metavar="HEAD", help="A head that was noted before.")
def verify(folder: Path, noted: str) -> None:
    """Check every line of the ledger against the one before."""
    if noted and not _HEAD.fullmatch(noted):
        raise UsageError(
            "--head: wanted 64 hexadecimal digits",
            code="bad-option",
            hint="`pprl ledger show --head` prints them",
        )
    kept = _opened(folder)
    n_entries = kept.verify(noted=noted)
    say(f"the ledger is whole: {n_entries} entries")
    if kept.torn():
        note("its last line was cut off by a crash; the next run moves it aside and notes that")
    if not noted:
        note("whether entries were cut off at the end, only a head tells that was noted elsewhere")


@ledger.command()
@folder_option
@click.option("--reason", required=True, metavar="TEXT", help="Why the clock was wrong; no names.")
def clock(folder: Path, reason: str) -> None:
    """Declare that the clock was wrong and is right now.

    Runs are refused while the clock is more than a day before the last entry.  If that
    entry was made with a clock that was ahead, this lets runs go on, and is in the ledger.
    """
    clocks.refuse_unreleased(clocks.now())
    kept = _opened(folder)
    entry = kept.append(event=CLOCK, outcome="override", code="policy/clock-implausible", note=reason)
    note(f"from now on, {entry.time} is taken for the present time")


def _opened(folder: Path) -> Ledger:
    return open_ledger(folder)


def _as_json(entries: tuple[Entry, ...]) -> str:
    return to_json({"entries": [msgspec.to_builtins(entry) for entry in entries]}).decode("utf-8").rstrip()


def _as_text(entries: tuple[Entry, ...]) -> str:
    return columns([_TITLES, *(_row(entry) for entry in entries)])


def _row(entry: Entry) -> tuple[Any, ...]:
    return (
        entry.number,
        entry.time,
        entry.event,
        entry.outcome,
        entry.code,
        entry.peer,
        entry.purpose,
        "" if entry.sequence is None else entry.sequence,
        entry.package,
        entry.note,
    )
