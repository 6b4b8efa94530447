"""
Ledgers: what a party sealed, opened, refused and overrode, in the order in which it happened.

One entry is one line of JSON that holds the SHA-256 of the line before, so no line that has
others after it can be changed, moved or taken out unseen.  What happens to the last lines
cannot be seen from inside: note the head elsewhere.  An entry has few fields of strict forms,
so no identifier of a person gets in.  `docs/ledger.md` says more.
"""

import contextlib
import hashlib
import io
import os
import stat
import threading
import time
from collections.abc import Generator, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from pprl.errors import AuthenticationError, PolicyError, PprlError, ResourceError, UsageError
from pprl.exchange import clock
from pprl.exchange.entries import EMPTY, FIRST, Chain, Entry, Outcome, read_on, require_forms
from pprl.files import lock, rewrite_own, sync_folder
from pprl.refusals import cannot_read, cannot_write, our_errors

NAME: Final = "ledger.jsonl"
SEAL: Final = "seal"
OPEN: Final = "open"
CLOCK: Final = "clock"
RECOVERY: Final = "recovery"
PATIENCE: Final = 10.0  # seconds
_PAUSE: Final = 0.05  # seconds
_WHAT: Final = "ledger"
_WRITABLE: Final = 0o022  # by group or others
_LOCK_AT: Final = 0x7FFF_0000  # on Windows others cannot read the byte that is locked

Direction = Literal["sent", "received"]
_EVENT_OF: Final[dict[Direction, str]] = {"sent": SEAL, "received": OPEN}


class Ledger:
    """A party's ledger.

    Use `open`.

    Parameters
    ----------
    path : Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ledger = Ledger.open(Path(folder) / "ledger.jsonl")
    ...     _ = ledger.append(event="seal", outcome="done", package="0a" * 16, peer="unit",
    ...         purpose="encodings", sequence=1)
    ...     ledger.verify(), ledger.last_sequence("unit", "encodings", "sent", "")
    (1, 1)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._threads = threading.RLock()
        self._stream: io.FileIO | None = None
        self._known = EMPTY

    def __repr__(self) -> str:
        return "Ledger(...)"

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> "Ledger":
        """Open a ledger.

        Parameters
        ----------
        path : Path
            The file; its folder must exist.
        create : bool
            Begin an empty one if there is none.  Say false where one must be: a ledger that
            was deleted knows of no replay.

        Raises
        ------
        PolicyError
            If there is none and `create` is false (``ledger-missing``), or it is a link or
            anything but a file (``ledger-place``).
        ResourceError
            If it cannot be read, or cannot be made.
        """
        with _opened(path, os.O_RDONLY | (os.O_CREAT if create else 0)) as stream:
            if create and not os.fstat(stream.fileno()).st_size:
                sync_folder(path.parent)
        return cls(path)

    @contextlib.contextmanager
    def held(self) -> Generator[None]:
        """Keep other runs out, so that what was read still holds when an entry is added.

        May be entered again by the thread that is in it.

        Raises
        ------
        ResourceError
            If another run is in it for longer than ten seconds (``ledger-busy``), or the file
            system has no locks (``ledger-lock``).
        PolicyError
            If the ledger is gone.
        """
        with self._threads:
            if self._stream is not None:
                yield
                return
            with _opened(self.path, os.O_RDWR | os.O_APPEND) as stream:
                _wait_for(stream, self.path)
                self._stream = stream
                try:
                    yield
                finally:
                    self._stream = None

    def append(
        self,
        *,
        event: str,
        outcome: Outcome,
        code: str = "",
        package: str = "",
        peer: str = "",
        purpose: str = "",
        sequence: int | None = None,
        fingerprint: str = "",
        note: str = "",
    ) -> Entry:
        """Add an entry; when this returns, it survives a power cut.

        Parameters
        ----------
        event, outcome, code, package, peer, purpose, sequence, fingerprint, note
            As in `Entry`.

        Raises
        ------
        AuthenticationError
            If what is there is not whole (``ledger-broken``); nothing is added.
        PolicyError
            If a field has not the form that it must have, or the note tells who somebody is
            (``ledger-note``), or an override has no reason.
        ResourceError
            If another run holds the ledger, or it cannot be written to; nothing is added.
        """
        wanted = Entry(
            number=1,
            time=clock.to_text(clock.now()),
            event=event,
            outcome=outcome,
            code=code,
            package=package,
            peer=peer,
            purpose=purpose,
            sequence=sequence,
            fingerprint=fingerprint,
            note=note,
            previous=FIRST,
        )
        require_forms(wanted)
        with self.held():
            return self._add(self._recovered(self._chain()), wanted)

    def entries(self) -> tuple[Entry, ...]:
        """Give all entries, after checking that the chain is whole.

        Raises
        ------
        AuthenticationError
            If it is not (``ledger-broken``).
        """
        return self._chain().entries

    def verify(self, *, noted: str = "") -> int:
        """Check every line, and give the number of entries.

        Parameters
        ----------
        noted : str
            A head that was noted before.  If no entry has it, entries were cut off since.

        Raises
        ------
        AuthenticationError
            If a line is not as it was written (``ledger-broken``), or the noted head is not
            there (``ledger-shortened``).
        """
        self._known = EMPTY
        chain = self._chain()
        if noted and noted not in {FIRST, *chain.lines}:
            raise AuthenticationError(
                f"{_WHAT}: no entry has the head that was noted: entries were cut off or replaced",
                code="ledger-shortened",
                hint="the end of this file is not to be relied on; ask who had access to it",
            )
        return len(chain.entries)

    def head(self) -> str:
        """Give the SHA-256 of the last line, which stands for all that was written so far."""
        return self._chain().head

    def torn(self) -> bool:
        """Say whether the last line was never finished; the next entry moves it aside."""
        return bool(self._chain().torn)

    def latest(self) -> datetime | None:
        """Give the latest time in the ledger since the clock was last declared right.

        What was refused does not count: a clock that is wrong makes refusals.
        """
        times: list[str] = []
        for entry in self.entries():
            if entry.event == CLOCK and entry.outcome == "override":
                times.clear()
            if entry.outcome != "refused":
                times.append(entry.time)
        return clock.from_text(max(times)) if times else None

    def has_received(self, package_id: str) -> bool:
        """Say whether a package was opened before."""
        return any(entry.package == package_id for entry in self._passed("received"))

    def last_sequence(self, peer: str, purpose: str, direction: Direction, fingerprint: str) -> int:
        """Give the highest number of a package to or from a party; 0 if there was none.

        Packages are counted by purpose and by agreement: in another project a party begins at 1.
        """
        return max(
            (
                entry.sequence or 0
                for entry in self._passed(direction)
                if (entry.peer, entry.purpose, entry.fingerprint) == (peer, purpose, fingerprint)
            ),
            default=0,
        )

    def _passed(self, direction: Direction) -> Iterator[Entry]:
        event = _EVENT_OF[direction]
        return (entry for entry in self.entries() if entry.event == event and entry.outcome != "refused")

    def _chain(self) -> Chain:
        """Read all bytes; lines that were checked before are held against a digest, and not parsed again."""
        if self._stream is not None:
            self._known = _read(self._stream, self.path, self._known)
        else:
            with _opened(self.path, os.O_RDONLY) as stream:
                self._known = _read(stream, self.path, self._known)
        return self._known

    def _recovered(self, chain: Chain) -> Chain:
        """Move a torn last line aside, and note it.

        The copy has the number of the entry that notes it.  If a crash comes between the two,
        the copy is there and the entry is not, and it is added now.
        """
        prefix = f"{self.path.name}.torn-{len(chain.entries) + 1:06d}-"
        if chain.torn:
            mark = hashlib.sha256(chain.torn).hexdigest()[:8]  # the note may itself be torn
            rewrite_own(self.path.with_name(prefix + mark), chain.torn)
            self._cut(chain.n_bytes)
        elif not self._is_beside(prefix):
            return chain
        note = "the last line was torn and has been moved aside"
        seen = clock.to_text(clock.now())
        self._add(
            chain, Entry(number=1, time=seen, event=RECOVERY, outcome="done", note=note, previous=FIRST)
        )
        return self._chain()

    def _is_beside(self, prefix: str) -> bool:
        with our_errors(self.path):
            return any(one.name.startswith(prefix) for one in self.path.parent.iterdir())

    def _add(self, chain: Chain, wanted: Entry) -> Entry:
        entry = msgspec.structs.replace(wanted, number=len(chain.entries) + 1, previous=chain.head)
        try:
            self._write(entry.to_line() + b"\n")
            sync_folder(self.path.parent)
        except BaseException:
            # What did not reach the disk whole did not happen; if this fails too, the line is torn.
            with contextlib.suppress(ResourceError, UsageError):
                self._cut(chain.n_bytes)
            raise
        return entry

    def _write(self, line: bytes) -> None:
        with our_errors(self.path):
            while line:
                line = line[os.write(self._descriptor, line) :]
            os.fsync(self._descriptor)

    def _cut(self, n_bytes: int) -> None:
        with our_errors(self.path):
            os.ftruncate(self._descriptor, n_bytes)
            os.fsync(self._descriptor)

    @property
    def _descriptor(self) -> int:
        if self._stream is None:
            raise UsageError(f"{_WHAT}: is not held", code="ledger-not-held", hint="use `held`")
        return self._stream.fileno()


def _opened(path: Path, flags: int) -> io.FileIO:
    """Open a ledger that is a regular file, and no link."""
    careful = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if path.is_symlink():
        raise _misplaced("is a link to another place")
    try:
        descriptor = os.open(path, flags | careful, 0o600)
    except (OSError, ValueError) as error:
        raise _unopened(path, error, flags) from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode) or (os.name != "nt" and mode & _WRITABLE):
        os.close(descriptor)
        raise _misplaced("can be written by others" if stat.S_ISREG(mode) else "is not a file")
    return os.fdopen(descriptor, "rb", buffering=0)


def _unopened(path: Path, error: OSError | ValueError, flags: int) -> PprlError:
    if path.is_dir():
        return _misplaced("is not a file")
    if isinstance(error, FileNotFoundError) and not flags & os.O_CREAT:
        return PolicyError(
            f"{_WHAT}: there is none",
            code="ledger-missing",
            hint="bring it back from a copy: without it a package that was opened can be opened again",
        )
    changes = flags & (os.O_RDWR | os.O_CREAT)
    return cannot_write(path, error) if changes else cannot_read(path, _WHAT, error)


def _misplaced(how: str) -> PolicyError:
    return PolicyError(f"{_WHAT}: {how}", code="ledger-place", hint="only its owner may write to it")


def _wait_for(stream: io.FileIO, path: Path) -> None:
    """Lock a ledger, and see that it is still the one of that name."""
    until = time.monotonic() + PATIENCE
    while not _locked(stream):
        if time.monotonic() >= until:
            raise ResourceError(
                f"{_WHAT}: another run is using it", code="ledger-busy", hint="wait until it is done"
            )
        time.sleep(_PAUSE)
    try:
        same = os.path.samestat(os.fstat(stream.fileno()), path.lstat())
    except OSError:
        same = False
    if not same:
        raise ResourceError(f"{_WHAT}: was replaced by another run", code="ledger-busy", hint="run again")


def _locked(stream: io.FileIO) -> bool:
    stream.seek(_LOCK_AT)
    try:
        there_are_locks = lock(stream)
    except BlockingIOError:
        return False
    if not there_are_locks:
        raise ResourceError(
            f"{_WHAT}: its file system has no locks, so two runs could tear it",
            code="ledger-lock",
            hint="keep the party's folder on a disk of this machine",
        )
    return True


def _read(stream: io.FileIO, path: Path, known: Chain) -> Chain:
    """Read a ledger from its beginning; what is not known yet is checked line by line."""
    reader = io.BufferedReader(stream)  # a new one each time: an old buffer does not see what was added
    try:
        reader.seek(0)
        return read_on(reader, known)
    except OSError as error:
        raise cannot_read(path, _WHAT, error) from None
    finally:
        reader.detach()
