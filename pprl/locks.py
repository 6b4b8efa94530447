"""
Locks: one run at a time, let go when the process ends, however it ends.
"""

import errno
import os
from typing import BinaryIO


def lock(stream: BinaryIO) -> bool:
    """Keep other processes from locking a file until it is closed.

    Returns
    -------
    bool
        False where there are no locks, as on some network drives.

    Raises
    ------
    BlockingIOError
        If another process holds it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryFile() as stream:
    ...     lock(stream)
    True
    """
    try:
        _lock_on_windows(stream) if os.name == "nt" else _lock_on_posix(stream)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES, errno.EDEADLK}:
            raise BlockingIOError from None
        return False
    return True


def _lock_on_posix(stream: BinaryIO) -> None:
    import fcntl

    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _lock_on_windows(stream: BinaryIO) -> None:
    import msvcrt

    msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
