"""
The header of an age file: one stanza for each recipient, and a MAC.

A header has one spelling.  It is read from a bounded number of bytes, with a bounded
number of stanzas, and anything that a writer would not have written is refused.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pprl.errors import AuthenticationError, VersionError

MAX_HEADER_BYTES: Final = 65536
MAX_STANZAS: Final = 20
_MARK: Final = b"age-encryption.org/"
_INTRODUCTION: Final = _MARK + b"v1"
_OTHER_VERSION: Final = re.compile(_MARK + rb"[!-~]+")
_ARGUMENTS: Final = re.compile(rb"-> [!-~]+(?: [!-~]+)*")
_BODY: Final = re.compile(rb"[A-Za-z0-9+/]{0,64}")
_MAC: Final = re.compile(rb"--- ([A-Za-z0-9+/]{43})")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]*")
_COLUMNS: Final = 64


@dataclass(frozen=True)
class Stanza:
    """The file key, wrapped for one recipient.

    Parameters
    ----------
    arguments : tuple of str
        The kind of recipient, and what its identity needs to know.
    body : bytes
        The wrapped file key.
    """

    arguments: tuple[str, ...]
    body: bytes

    @property
    def kind(self) -> str:
        """Name the kind of recipient."""
        return self.arguments[0]


@dataclass(frozen=True)
class Header:
    """A header as it was read.

    Parameters
    ----------
    stanzas : tuple of Stanza
        At least one.
    covered : bytes
        What the MAC covers.
    mac : bytes
        The MAC, not yet checked.
    length : int
        How many bytes the header takes in the file.
    """

    stanzas: tuple[Stanza, ...]
    covered: bytes
    mac: bytes
    length: int


def refusal(code: str, how: str) -> AuthenticationError:
    """Make the error for a sealed file that is not as it was sealed."""
    return AuthenticationError(f"sealed file: {how}", code=code, hint="ask the sender to send it again")


def encode_base64(content: bytes) -> bytes:
    """Write base64 without padding."""
    return base64.b64encode(content).rstrip(b"=")


def decode_base64(text: bytes) -> bytes:
    """Read base64 without padding, in its one spelling.

    Raises
    ------
    AuthenticationError
        If it is another spelling, or not base64.

    Examples
    --------
    >>> decode_base64(b"YWdl")
    b'age'
    """
    if _BASE64.fullmatch(text) is None or len(text) % 4 == 1:
        raise refusal("age-header", "its header is not base64 where it must be")
    content = base64.b64decode(text + b"=" * (-len(text) % 4))
    if encode_base64(content) != text:
        raise refusal("age-header", "its header has base64 in a second spelling")
    return content


def write_stanzas(stanzas: Sequence[Stanza]) -> bytes:
    """Give the text of a header up to what its MAC covers."""
    lines = [_INTRODUCTION]
    for stanza in stanzas:
        body = encode_base64(stanza.body)
        lines.append(" ".join(("->", *stanza.arguments)).encode("ascii"))
        # The last line of a body is shorter than the others, and so may have to be empty.
        lines.extend(body[i : i + _COLUMNS] for i in range(0, len(body) + 1, _COLUMNS))
    return b"\n".join([*lines, b"---"])


def parse_header(start: bytes, *, limit: int = MAX_HEADER_BYTES, max_stanzas: int = MAX_STANZAS) -> Header:
    r"""Read a header.

    Parameters
    ----------
    start : bytes
        The first `limit` bytes of the file, or all if there are fewer.
    limit : int
        How many bytes a header may have.
    max_stanzas : int
        How many stanzas it may have.

    Raises
    ------
    AuthenticationError
        ``age-header`` if it is not a header as age writes it, or too large;
        ``age-truncated`` if the file ends within it.
    VersionError
        ``age-version`` if it is of another version than 1.

    Examples
    --------
    >>> stanza = Stanza(("example.com/kind", "argument"), b"wrapped")
    >>> text = write_stanzas([stanza]) + b" " + encode_base64(bytes(32)) + b"\n"
    >>> parse_header(text).stanzas == (stanza,)
    True
    """
    if start[: len(_MARK)] != _MARK[: len(start)]:
        raise refusal("age-header", "is not a sealed file: it does not begin as an age file does")
    lines = _lines(start, limit)
    _require_version(next(lines)[0])
    stanzas: list[Stanza] = []
    while True:
        line, end = next(lines)
        if line.startswith(b"---"):
            return _finish(start, line, end, stanzas)
        if len(stanzas) == max_stanzas:
            raise refusal("age-header", f"has more recipients than {max_stanzas}")
        if _ARGUMENTS.fullmatch(line) is None:
            raise refusal("age-header", "its header has a line that age does not write")
        stanzas.append(Stanza(tuple(line.decode("ascii").split(" ")[1:]), _read_body(lines)))


def _lines(start: bytes, limit: int) -> Iterator[tuple[bytes, int]]:
    """Give each line without its line feed, and where the next begins."""
    begin = 0
    while (end := start.find(b"\n", begin)) >= 0:
        yield start[begin:end], end + 1
        begin = end + 1
    if len(start) < limit:
        raise refusal("age-truncated", "is cut short within its header")
    raise refusal("age-header", f"its header is longer than {limit} bytes")


def _require_version(line: bytes) -> None:
    if line == _INTRODUCTION:
        return
    if _OTHER_VERSION.fullmatch(line) is None:
        raise refusal("age-header", "its first line is damaged")
    raise VersionError("sealed file: is of another version of age than 1", code="age-version")


def _read_body(lines: Iterator[tuple[bytes, int]]) -> bytes:
    text = b""
    for line, _ in lines:
        if _BODY.fullmatch(line) is None:
            raise refusal("age-header", "a stanza of its header has no body, or a damaged one")
        text += line
        if len(line) < _COLUMNS:
            break
    return decode_base64(text)


def _finish(start: bytes, line: bytes, end: int, stanzas: list[Stanza]) -> Header:
    found = _MAC.fullmatch(line)
    if found is None or not stanzas:
        raise refusal("age-header", "its header has no recipient, or ends without a MAC")
    covered = start[: end - len(line) - 1 + len(b"---")]
    return Header(tuple(stanzas), covered, decode_base64(found[1]), end)
