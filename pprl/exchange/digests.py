"""
Digests beside other work: SHA-256 in a thread of its own.

Hashing takes as long as encrypting, and a machine with two cores does both at once.
"""

import contextlib
import hashlib
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor


class Digest:
    """SHA-256 of what it is given, one piece behind; made by `digesting`."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._hash = hashlib.sha256()
        self._last: Future[None] | None = None
        self.length = 0

    def update(self, content: bytes) -> None:
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
