"""
Entries of ledgers: few fields of strict forms, so that no identifier of a person gets in.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated, BinaryIO, Final, Literal

import msgspec

from pprl.errors import AuthenticationError, PolicyError
from pprl.exchange import clock

FIRST: Final = "0" * 64  # in the place of the digest of a line before the first
LONGEST_NOTE: Final = 200  # characters
_LONGEST: Final = 4096  # bytes of a line
_FORMS: Final = "docs/ledger.md says what each field may hold"
_PIECE: Final = 1 << 20  # bytes
_WHAT: Final = "ledger"

Outcome = Literal["done", "refused", "override"]

_Number = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
_Word = Annotated[str, msgspec.Meta(pattern=r"\A[a-z]{1,16}(-[a-z]{1,16}){0,3}\Z")]
_Purpose = Annotated[str, msgspec.Meta(pattern=r"\A([a-z]{1,16}(-[a-z]{1,16}){0,3})?\Z")]
_Code = Annotated[str, msgspec.Meta(pattern=r"\A([a-z]{1,16}(/[a-z0-9]{1,24}(-[a-z0-9]{1,24}){0,5})?)?\Z")]
_Name = Annotated[str, msgspec.Meta(pattern=r"\A([a-z][a-z0-9_-]{0,39})?\Z")]
_Random = Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-f]{32})?\Z")]
_Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_NoneOrDigest = Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-f]{64})?\Z")]
_Note = Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE)]
_Time = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")]

# A net and no proof: a surname passes through it, and the hint says that it should not be there.
_TELLING: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"[^@\s]@[^@\s]+\.[^@\s]",  # an address of e-mail
        r"(?:\d[ .-]?){8}",  # a health number, a telephone number, a date without separators
        r"\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b",  # a date
        r"(?i)\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b",  # a postcode
        r"(?i)\b[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b",  # a national insurance number
    )
)


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of a ledger.

    Parameters
    ----------
    number : int
        From 1, without gaps.
    time : str
        What the clock said, in UTC, to the second.
    event : str
        What was done or tried, such as ``seal``, ``open`` or ``retire``.
    outcome : {"done", "refused", "override"}
        What became of it.
    code : str
        Code of the error, if it was refused or overridden.
    package, peer, purpose, sequence, fingerprint
        Random id of the package, name of the other party, purpose and number of the package,
        fingerprint of the agreement; empty where there is none.
    note : str
        The operator's reason for an override: 200 printable characters at most.
    previous : str
        SHA-256 of the line before, without its line feed; 64 zeros in the first.
    """

    number: _Number
    time: _Time
    event: _Word
    outcome: Outcome
    code: _Code = ""
    package: _Random = ""
    peer: _Name = ""
    purpose: _Purpose = ""
    sequence: _Number | None = None
    fingerprint: _NoneOrDigest = ""
    note: _Note = ""
    previous: _Digest

    def to_line(self) -> bytes:
        """Give the one text of this entry, without the line feed."""
        return msgspec.json.encode(self)


@dataclass(frozen=True, slots=True)
class Chain:
    """What was read: whole entries, where they end, and the bytes of a line that was never finished."""

    entries: tuple[Entry, ...]
    lines: tuple[str, ...]  # digests
    n_bytes: int
    torn: bytes
    digest: str = hashlib.sha256().hexdigest()  # of all lines, as bytes

    @property
    def head(self) -> str:
        """The digest of the last line."""
        return self.lines[-1] if self.lines else FIRST


EMPTY: Final = Chain((), (), 0, b"")


def read_chain(reader: BinaryIO) -> Chain:
    """Read a ledger from where the stream is, and check each line against the one before.

    Raises
    ------
    AuthenticationError
        If a line is not as this software would have written it there (``ledger-broken``).

    Examples
    --------
    >>> import io
    >>> read_chain(io.BytesIO(b'{"number":1')).torn
    b'{"number":1'
    """
    return _read_after(EMPTY, reader, hashlib.sha256())


def read_on(reader: BinaryIO, known: Chain) -> Chain:
    r"""Read a ledger again, from where the stream is; gives what `read_chain` gives.

    Every byte is read.  If those that were checked before have their digest still, only what
    comes after them is checked line by line.

    Examples
    --------
    >>> import io
    >>> line = Entry(number=1, time="2026-01-31T09:30:00Z", event="seal", outcome="done", previous=FIRST)
    >>> content = line.to_line() + b"\n"
    >>> read_on(io.BytesIO(content), EMPTY) == read_on(io.BytesIO(content), read_chain(io.BytesIO(content)))
    True
    """
    start, seen, left = reader.tell(), hashlib.sha256(), known.n_bytes
    while left and (piece := reader.read(min(left, _PIECE))):
        seen.update(piece)
        left -= len(piece)
    if seen.hexdigest() == known.digest:
        return _read_after(known, reader, seen)
    reader.seek(start)
    return read_chain(reader)


def _read_after(known: Chain, reader: BinaryIO, seen: "hashlib._Hash") -> Chain:
    entries, lines = list(known.entries), list(known.lines)
    n_bytes, torn = known.n_bytes, b""
    while line := reader.readline(_LONGEST + 1):
        if not line.endswith(b"\n") and len(line) <= _LONGEST:
            torn = line
            break
        entries.append(checked(line[:-1], len(lines) + 1, lines[-1] if lines else FIRST))
        lines.append(hashlib.sha256(line[:-1]).hexdigest())
        n_bytes += len(line)
        seen.update(line)
    return Chain(tuple(entries), tuple(lines), n_bytes, torn, seen.hexdigest())


def checked(line: bytes, number: int, previous: str) -> Entry:
    """Read a line of a ledger, without its line feed.

    Parameters
    ----------
    line : bytes
        The line.
    number : int
        The number that it must have.
    previous : str
        The digest that it must hold.

    Raises
    ------
    AuthenticationError
        If it is not as this software would have written it there (``ledger-broken``).

    Examples
    --------
    >>> entry = Entry(number=1, time="2026-01-31T09:30:00Z", event="seal", outcome="done", previous=FIRST)
    >>> checked(entry.to_line(), 1, FIRST) == entry
    True
    """
    try:
        entry = msgspec.json.decode(line, type=Entry)
        clock.from_text(entry.time)
    except (msgspec.DecodeError, ValueError, RecursionError):
        entry = None
    if entry is None or entry.to_line() != line or not entry.note.isprintable():
        raise _broken(number, "is not an entry")
    if entry.number != number:
        raise _broken(number, f"has another number than {number}")
    if entry.previous != previous:
        raise _broken(number, "does not follow from the line before")
    return entry


def _broken(number: int, how: str) -> AuthenticationError:
    return AuthenticationError(
        f"{_WHAT}: line {number} {how}: it was changed since, or lines before it were",
        code="ledger-broken",
        hint="keep this file as it is, and ask who had access to it",
    )


def require_forms(entry: Entry) -> None:
    """Raise unless every field has its form; the message names the field and no more.

    Raises
    ------
    PolicyError
        If one has not (``ledger-field``), if the note holds what looks like an identifier, or
        if an override has none (``ledger-note``).

    Examples
    --------
    >>> require_forms(Entry(number=1, time="2026-01-31T09:30:00Z", event="clock", outcome="override",
    ...     note="asked by jo@example.org", previous=FIRST))
    Traceback (most recent call last):
        ...
    pprl.errors.PolicyError: ledger: the reason holds what looks like an identifier of a person
    """
    try:
        msgspec.json.decode(entry.to_line(), type=Entry)
        field = ""
    except msgspec.ValidationError as error:
        field = str(error).rpartition("$.")[2].rstrip("`")
    except (msgspec.MsgspecError, UnicodeError):
        field = "note"
    if field:
        raise PolicyError(
            f"{_WHAT}: {field}: is not what may be written there", code="ledger-field", hint=_FORMS
        )
    _require_note(entry)


def _require_note(entry: Entry) -> None:
    if entry.outcome == "override" and not entry.note.strip():
        raise PolicyError(
            f"{_WHAT}: an override needs a reason", code="ledger-note", hint="give it with --reason"
        )
    if not entry.note.isprintable():
        raise PolicyError(
            f"{_WHAT}: the reason has characters that cannot be printed",
            code="ledger-note",
            hint="write it in one line of plain text",
        )
    if any(pattern.search(entry.note) for pattern in _TELLING):
        raise PolicyError(
            f"{_WHAT}: the reason holds what looks like an identifier of a person",
            code="ledger-note",
            hint="leave out dates, postcodes, addresses and long numbers: say why, and not of whom",
        )
