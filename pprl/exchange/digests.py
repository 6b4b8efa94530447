"""
Digests beside other work: SHA-256 in a thread of its own.

Hashing takes as long as encrypting, and a machine with two cores does both at once.
"""

import contextlib
import hashlib
import io
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

_PIECE_BYTES = 1 << 20


class Digest:
    """SHA-256 of what it is given, one piece behind; made by `digesting`."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._hash = hashlib.sha256()
        self._last: Future[None] | None = None
        self.length = 0

    def update(self, content: bytes | memoryview) -> None:
        """Take a piece; it pays for pieces of a mebibyte, and works with any."""
        self._wait()
        self.length += len(content)
        self._last = self._pool.submit(self._hash.update, content)

    def hexdigest(self) -> str:
        """Give the digest of all pieces so far."""
        self._wait()
        return self._hash.hexdigest()

    def _wait(self) -> None:
        if self._last is not None:
            self._last.result()


class Digested(io.RawIOBase):
    """A stream whose digest is taken while it is read, once, however it is read.

    Parameters
    ----------
    stream : BinaryIO
        What is read, from its beginning.
    digest : Digest
        Takes all of it, in order.
    """

    def __init__(self, stream: BinaryIO, digest: Digest) -> None:
        super().__init__()
        self._stream, self._digest = stream, digest

    def read(self, size: int = -1) -> bytes:
        """Read from the stream, and digest what has not been digested before."""
        begin = self._stream.tell()
        content = self._stream.read(size)
        known = self._digest.length - begin
        if 0 <= known < len(content):
            self._digest.update(memoryview(content)[known:])
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another place."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Give the place."""
        return self._stream.tell()

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it has places."""
        return True

    def hexdigest(self) -> str:
        """Read what nobody has read yet, and give the digest of all."""
        self._stream.seek(self._digest.length)
        while self.read(_PIECE_BYTES):
            pass
        return self._digest.hexdigest()


@contextlib.contextmanager
def digesting() -> Generator[Digest]:
    """Give a digest whose thread ends with the block.

    Examples
    --------
    >>> with digesting() as digest:
    ...     digest.update(b"ab")
    ...     digest.update(b"c")
    ...     digest.hexdigest()[:8], digest.length
    ('ba7816bf', 3)
    """
    with ThreadPoolExecutor(1) as pool:
        yield Digest(pool)
