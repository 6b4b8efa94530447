"""
Sealing and opening a whole age file, in bounded memory.
"""

import contextlib
import hmac
from collections.abc import Generator, Iterator, Sequence
from typing import BinaryIO, Final

from pprl.errors import PolicyError, UsageError
from pprl.exchange.age.header import (
    MAX_HEADER_BYTES,
    MAX_STANZAS,
    Header,
    encode_base64,
    parse_header,
    refusal,
    write_stanzas,
)
from pprl.exchange.age.passphrase import KIND as PASSPHRASE
from pprl.exchange.age.stream import Sealer, open_chunks, read_up_to, write_all
from pprl.exchange.age.wrapping import FILE_KEY_BYTES, Opener, Recipient, derive
from pprl.keys import random_bytes

_NONCE_BYTES: Final = 16


class Encryptor:
    """Takes what is to be sealed; made by `encrypt_stream`."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer: Sealer | None = sealer
        self.first = b""
        self.n_bytes = 0  # that were written

    def write(self, content: bytes | bytearray | memoryview) -> int:
        """Take bytes, and give how many.

        Raises
        ------
        UsageError
            If the file has been ended.
        """
        if self._sealer is None:
            raise UsageError("sealed file: is ended, nothing more can be written", code="age-ended")
        view = memoryview(content)
        if view.nbytes:  # a view of nothing may have a shape that cannot be cast
            self._sealer.write(view.cast("B"))
            self.n_bytes += view.nbytes
        return view.nbytes

    def begin_with(self, first: bytes) -> None:
        """Take the first bytes, if they were said to be known last.

        What is in front of everything else may then be a digest, or a signature, of it.
        """
        self.first = first

    def end(self) -> None:
        """Take no more."""
        self._sealer = None


class Decryptor:
    """Gives what was sealed; made by `decrypt_stream`.

    All that it gives is authentic, but it may be only a beginning: nothing should be used
    before the end has come without an error.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = memoryview(b"")
        self._failed = False

    def __iter__(self) -> Iterator[bytes]:
        """Give what is left, in pieces of at most 64 KiB."""
        while piece := self._next():
            yield piece

    def read(self, n_bytes: int = -1) -> bytes:
        """Read so many bytes, or all that are left if there are fewer or the number is negative.

        Raises
        ------
        AuthenticationError
            ``age-payload``, ``age-truncated`` or ``age-trailing``, and again at every later call.
        """
        parts = []
        missing = n_bytes
        while missing and (piece := self._next()):
            taken = piece if missing < 0 else piece[:missing]
            self._held = memoryview(piece)[len(taken) :]
            parts.append(taken)
            missing -= len(taken) if missing > 0 else 0
        return b"".join(parts)

    def _next(self) -> bytes:
        """Give what is held, or else the next chunk; nothing at the end."""
        if self._held:
            held, self._held = bytes(self._held), memoryview(b"")
            return held
        # A generator that has raised looks as if it had come to its end.
        if self._failed:
            raise refusal("age-payload", "cannot be read further, since reading it has failed before")
        self._failed = True
        piece = next(self._chunks, b"")
        self._failed = False
        return piece


@contextlib.contextmanager
def encrypt_stream(
    target: BinaryIO, recipients: Sequence[Recipient], *, n_first: int = 0
) -> Generator[Encryptor]:
    """Seal what is written to a stream.

    Parameters
    ----------
    target : BinaryIO
        Where the sealed file goes.  It is not closed.
    recipients : sequence of Recipient
        Who can open it: at least one, at most 20, and all post-quantum or none.
    n_first : int
        How many bytes come before what is written, and are given to ``begin_with`` before the
        block ends.  The stream must then be seekable, and have nothing behind this place.

    Yields
    ------
    Encryptor
        With a method ``write``.  The header is written at once.  Only if the block ends
        without an error is the end marked, so a file that was given up cannot be opened
        to its end.

    Raises
    ------
    UsageError
        If there are no recipients, or too many, or the first bytes are not `n_first`.
    PolicyError
        If recipients are post-quantum and classical, or a passphrase is not alone.  Such a
        file is as weak as the weakest of them.
    VersionError
        ``no-post-quantum``, if this machine cannot do it.

    Examples
    --------
    >>> import io
    >>> from pprl.exchange.age import PqIdentity
    >>> identity, sealed = PqIdentity.generate(), io.BytesIO()
    >>> with encrypt_stream(sealed, [identity.recipient]) as stream:
    ...     _ = stream.write(b"as agreed")
    >>> decrypt_stream(io.BytesIO(sealed.getvalue()), [identity]).read()
    b'as agreed'
    """
    if not 1 <= len(recipients) <= MAX_STANZAS:
        raise UsageError(f"sealed file: wanted 1 to {MAX_STANZAS} recipients", code="age-recipients")
    if len({recipient.labels() for recipient in recipients}) > 1:
        raise PolicyError(
            "sealed file: post-quantum recipients, others and passphrases are not mixed",
            code="age-mixed",
            hint="seal to age1pq recipients only",
        )
    file_key, nonce = random_bytes(FILE_KEY_BYTES), random_bytes(_NONCE_BYTES)
    covered = write_stanzas([recipient.wrap(file_key) for recipient in recipients])
    header = covered + b" " + encode_base64(_mac(file_key, covered)) + b"\n"
    write_all(target, memoryview(header + nonce))
    sealer = Sealer(target, _payload_key(file_key, nonce), n_first)
    encryptor = Encryptor(sealer)
    try:
        yield encryptor
    finally:
        encryptor.end()
    sealer.finish(encryptor.first)


def decrypt_stream(
    source: BinaryIO,
    identities: Sequence[Opener],
    *,
    max_header_bytes: int = MAX_HEADER_BYTES,
    max_stanzas: int = MAX_STANZAS,
) -> Decryptor:
    """Open a sealed file.

    Parameters
    ----------
    source : BinaryIO
        The sealed file, from its beginning.  No more than `max_header_bytes` are read before
        the header is authenticated.
    identities : sequence of Opener
        Tried in turn.
    max_header_bytes, max_stanzas : int
        The largest header that is looked at, and its recipients.

    Returns
    -------
    Decryptor
        With a method ``read``; or iterate for pieces of at most 64 KiB.

    Raises
    ------
    AuthenticationError
        ``age-header`` if it is not an age file as age writes one, ``age-no-identity`` if it
        is sealed to somebody else, ``age-mac`` if its header was altered, ``age-truncated``
        if it is cut short.
    VersionError
        ``age-version`` if it is of another version, ``no-post-quantum`` if this machine
        cannot do it.

    Examples
    --------
    >>> import io
    >>> decrypt_stream(io.BytesIO(b"PK"), [])
    Traceback (most recent call last):
    pprl.errors.AuthenticationError: sealed file: is not a sealed file: it does not begin as an age file does
    """
    start = read_up_to(source, max_header_bytes)
    header = parse_header(start, limit=max_header_bytes, max_stanzas=max_stanzas)
    file_key = _unwrap(header, identities)
    if not hmac.compare_digest(header.mac, _mac(file_key, header.covered)):
        raise refusal("age-mac", "its header was altered")
    rest = _Resumed(start[header.length :], source)
    nonce = rest.read(_NONCE_BYTES)
    if len(nonce) < _NONCE_BYTES:
        raise refusal("age-truncated", "is cut short behind its header")
    return Decryptor(open_chunks(rest.read, _payload_key(file_key, nonce)))


class _Resumed:
    """A stream of which the beginning has been read already."""

    def __init__(self, ahead: bytes, source: BinaryIO) -> None:
        self._ahead = ahead
        self._source = source

    def read(self, n_bytes: int) -> bytes:
        """Read so many bytes, or all that are left if there are fewer."""
        first, self._ahead = self._ahead[:n_bytes], self._ahead[n_bytes:]
        return first + read_up_to(self._source, n_bytes - len(first)) if len(first) < n_bytes else first


def _unwrap(header: Header, identities: Sequence[Opener]) -> bytes:
    # A passphrase also says who sealed the file, which holds only if nobody else could have.
    if len(header.stanzas) > 1 and any(stanza.kind == PASSPHRASE for stanza in header.stanzas):
        raise refusal("age-header", "its header has a passphrase and other recipients")
    for identity in identities:
        file_key = identity.unwrap(header.stanzas)
        if file_key is not None:
            return file_key
    raise refusal("age-no-identity", "is not sealed to this party, or was altered")


def _mac(file_key: bytes, covered: bytes) -> bytes:
    return hmac.digest(derive(file_key, salt=b"", info=b"header"), covered, "sha256")


def _payload_key(file_key: bytes, nonce: bytes) -> bytes:
    return derive(file_key, salt=nonce, info=b"payload")
