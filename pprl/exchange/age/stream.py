"""
The payload of an age file: STREAM (Hoang, Reyhanitabar, Rogaway & Vizar 2015).

Chunks of 64 KiB, each under ChaCha20-Poly1305 with its number and a mark on the last as
the nonce.  So chunks cannot be altered, left out, exchanged or added, and the end cannot
be cut off, without its being noticed at that place.  Memory does not grow with the file.
"""

import os
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from pprl.errors import ResourceError, UsageError
from pprl.exchange.age.header import refusal

CHUNK_BYTES: Final = 65536
TAG_BYTES: Final = 16
SEALED_BYTES: Final = CHUNK_BYTES + TAG_BYTES
_BATCH: Final = 16  # chunks that are read or written at a time


def read_up_to(source: BinaryIO, n_bytes: int) -> bytes:
    """Read so many bytes, or all that are left if there are fewer."""
    parts = []
    missing = n_bytes
    while missing and (part := source.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def write_all(target: BinaryIO, left: memoryview) -> None:
    """Write all bytes, also to a stream that takes a part at a time."""
    while left:
        taken = target.write(left)
        if not taken:
            raise ResourceError("sealed file: the output takes no more", code="cannot-write")
        left = left[taken:]


class Sealer:
    """Seals a payload, batch after batch.

    The first bytes may be those that are known last, such as digests of what follows them.  The
    chunks that they are in are then sealed at the end, once, and written into the place that was
    left for them.

    Parameters
    ----------
    target : BinaryIO
        Where the chunks go.  It must be seekable if the first bytes are known last.
    key : bytes
        The payload key.
    n_first : int
        How many bytes come before what is written, and are given to `finish`.
    """

    def __init__(self, target: BinaryIO, key: bytes, n_first: int = 0) -> None:
        self._target = target
        self._cipher = ChaCha20Poly1305(key)
        self._number = -(-n_first // CHUNK_BYTES)  # of the next chunk
        self._n_first = self._n_early = n_first
        self._early = bytearray(self._number * CHUNK_BYTES)  # the chunks that wait
        if n_first:
            self._start = target.tell()
            target.seek(self._start + self._number * SEALED_BYTES)
        # Both are used again for each batch: new memory of this size is slower than the cipher.
        self._pending = memoryview(bytearray(_BATCH * CHUNK_BYTES))
        self._sealed = memoryview(bytearray(_BATCH * SEALED_BYTES))
        self._held = 0

    def write(self, content: memoryview) -> None:
        """Take bytes, and seal a full batch as soon as more is known to follow."""
        if self._n_early < len(self._early):
            taken = content[: len(self._early) - self._n_early]
            self._early[self._n_early : self._n_early + len(taken)] = taken
            self._n_early += len(taken)
            content = content[len(taken) :]
        while content:
            # The last chunk may not be empty, so a full batch waits for one byte more.
            if self._held == len(self._pending):
                self._seal(last=False)
            taken = content[: len(self._pending) - self._held]
            self._pending[self._held : self._held + len(taken)] = taken
            self._held += len(taken)
            content = content[len(taken) :]

    def finish(self, first: bytes = b"") -> None:
        """Seal what is left, with the mark of the end, and then the first bytes.

        Raises
        ------
        UsageError
            If they are not as many as was said.
        """
        if len(first) != self._n_first:
            raise UsageError("sealed file: its first bytes are not as many as was said", code="age-first")
        if self._held or not first:
            self._seal(last=True)
        if first:
            self._early[: len(first)] = first
            ends_early = self._number * CHUNK_BYTES == len(self._early)
            self._target.seek(self._start)
            self._seal_early(last=ends_early)
            self._target.seek(0, os.SEEK_END)

    def _seal(self, *, last: bool) -> None:
        n_chunks = max(1, -(-self._held // CHUNK_BYTES))
        for i in range(n_chunks):
            chunk = self._pending[i * CHUNK_BYTES : min(self._held, (i + 1) * CHUNK_BYTES)]
            place = self._sealed[i * SEALED_BYTES :][: len(chunk) + TAG_BYTES]
            nonce = _nonce(self._number + i, last=last and i == n_chunks - 1)
            self._cipher.encrypt_into(nonce, chunk, None, place)
        write_all(self._target, self._sealed[: self._held + n_chunks * TAG_BYTES])
        self._number += n_chunks
        self._held = 0

    def _seal_early(self, *, last: bool) -> None:
        content = memoryview(self._early)[: self._n_early]
        for number, start in enumerate(range(0, len(content), CHUNK_BYTES)):
            ended = last and start + CHUNK_BYTES >= len(content)
            chunk = content[start : start + CHUNK_BYTES]
            write_all(self._target, memoryview(self._cipher.encrypt(_nonce(number, last=ended), chunk, None)))


def open_chunks(read: Callable[[int], bytes], key: bytes) -> Iterator[bytes]:
    """Open a payload chunk by chunk.

    Parameters
    ----------
    read : callable
        Gives so many bytes of the payload, or all that are left if there are fewer.
    key : bytes
        The payload key.

    Yields
    ------
    bytes
        What was sealed, in pieces of 64 KiB and a last one; each is authentic.

    Raises
    ------
    AuthenticationError
        ``age-payload`` at a chunk that is not authentic; ``age-truncated`` if the end is
        missing; ``age-trailing`` if something follows it.
    """
    cipher = ChaCha20Poly1305(key)
    number = 0
    batch = read(_BATCH * SEALED_BYTES)
    while True:
        following = read(_BATCH * SEALED_BYTES) if len(batch) == _BATCH * SEALED_BYTES else b""
        view = memoryview(batch)
        for start in range(0, max(1, len(view)), SEALED_BYTES):
            ended = not following and start + SEALED_BYTES >= len(view)
            yield from _open_chunk(cipher, number, view[start : start + SEALED_BYTES], ended=ended)
            number += 1
        if not following:
            return
        batch = following


def _open_chunk(cipher: ChaCha20Poly1305, number: int, chunk: memoryview, *, ended: bool) -> Iterator[bytes]:
    if len(chunk) < TAG_BYTES:
        raise refusal("age-truncated", "is cut short")
    piece = _decrypt(cipher, number, chunk, last=ended)
    if piece is None:
        yield from _open_misplaced(cipher, number, chunk, ended=ended)
    elif piece:
        yield piece
    elif number:
        raise refusal("age-payload", "ends with an empty chunk, which age does not write")


def _open_misplaced(
    cipher: ChaCha20Poly1305, number: int, chunk: memoryview, *, ended: bool
) -> Iterator[bytes]:
    """Tell a chunk that was altered from a whole one that should or should not be the last."""
    whole = len(chunk) == SEALED_BYTES
    piece = _decrypt(cipher, number, chunk, last=not ended) if whole else None
    if piece is None:
        raise refusal("age-payload", f"is damaged, altered or cut short in chunk {number + 1} of its content")
    yield piece
    if ended:
        raise refusal("age-truncated", f"is cut short after chunk {number + 1} of its content")
    raise refusal("age-trailing", "something was added behind its end")


def _decrypt(cipher: ChaCha20Poly1305, number: int, chunk: memoryview, *, last: bool) -> bytes | None:
    try:
        return cipher.decrypt(_nonce(number, last=last), chunk, None)
    except InvalidTag:
        return None


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
