"""
Noting: every refusal goes into the ledger once, and never takes the place of what was refused.
"""

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from pprl.errors import PprlError
from pprl.exchange.envelope import SealedManifest
from pprl.exchange.ledger import OPEN, Ledger

INTERRUPTED: Final = "error/interrupted"
TAKEN_BACK: Final = "taken back: the output could not be given its name"


@dataclass(slots=True)
class Known:
    """As much of a package as is believed so far.

    Parameters
    ----------
    package, peer, purpose, sequence, fingerprint
        As in an entry of the ledger; empty as long as they are not known.
    note : str
        What else is to be said.
    """

    package: str = ""
    peer: str = ""
    purpose: str = ""
    sequence: int | None = None
    fingerprint: str = ""
    note: str = ""

    def learn(self, manifest: SealedManifest, peer: str) -> None:
        """Take from a manifest what ledgers are told."""
        self.package, self.peer, self.purpose = manifest.package_id, peer, manifest.purpose
        self.sequence, self.fingerprint = manifest.sequence, manifest.fingerprint


def note_done(ledger: Ledger, event: str, known: Known) -> None:
    """Add an entry for what is done."""
    ledger.append(
        event=event,
        outcome="done",
        package=known.package,
        peer=known.peer,
        purpose=known.purpose,
        sequence=known.sequence,
        fingerprint=known.fingerprint,
    )


@contextlib.contextmanager
def refusals_noted(ledger: Ledger, event: str, known: Known | None = None) -> Generator[Known]:
    """Write into the ledger with what code a block was left, if it was left by an error.

    A ledger that cannot be written to does not hide why.

    Parameters
    ----------
    ledger : Ledger
        Of the party.
    event : str
        What is tried.
    known : Known, optional
        What is known already.

    Yields
    ------
    Known
        Takes what becomes known meanwhile.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from pprl.errors import DataError
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ledger = Ledger.open(Path(folder) / "ledger.jsonl")
    ...     try:
    ...         with refusals_noted(ledger, OPEN):
    ...             raise DataError("file: is none", code="not-sealed")
    ...     except DataError:
    ...         ledger.entries()[-1].code
    'data/not-sealed'
    """
    seen = known or Known()
    try:
        yield seen
    except BaseException as error:
        code = error.code if isinstance(error, PprlError) else INTERRUPTED
        if not code.endswith("/ledger-busy"):  # whoever has waited for it in vain does not wait again
            with contextlib.suppress(PprlError, OSError):
                _note_refused(ledger, event, seen, code)
        raise


def _note_refused(ledger: Ledger, event: str, known: Known, code: str) -> None:
    ledger.append(
        event=event,
        outcome="refused",
        code=code,
        package=known.package,
        peer=known.peer,
        purpose=known.purpose,
        sequence=known.sequence,
        fingerprint=known.fingerprint,
        note=known.note,
    )


@dataclass(frozen=True, slots=True)
class Received:
    """What was opened, by the ledger.

    Parameters
    ----------
    packages : frozenset of str
        Ids of the packages.
    last : dict of (str, str, str) to int
        The highest number by sender, purpose and fingerprint of the agreement.
    """

    packages: frozenset[str]
    last: dict[tuple[str, str, str], int]


def received(ledger: Ledger) -> Received:
    """Find out what was opened; what did not get its name was not.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ledger = Ledger.open(Path(folder) / "ledger.jsonl")
    ...     _ = ledger.append(event="open", outcome="done", package="0a" * 16)
    ...     before = received(ledger).packages
    ...     _ = ledger.append(event="open", outcome="refused", package="0a" * 16, note=TAKEN_BACK)
    ...     len(before), len(received(ledger).packages)
    (1, 0)
    """
    opened: dict[str, tuple[tuple[str, str, str], int]] = {}
    for entry in ledger.entries():
        if entry.event != OPEN or not entry.package:
            continue
        if entry.outcome != "refused":
            kind = entry.peer, entry.purpose, entry.fingerprint
            opened[entry.package] = kind, entry.sequence or 0
        elif entry.note == TAKEN_BACK:
            opened.pop(entry.package, None)
    last: dict[tuple[str, str, str], int] = {}
    for kind, number in opened.values():
        last[kind] = max(number, last.get(kind, 0))
    return Received(frozenset(opened), last)
