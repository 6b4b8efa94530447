"""
Refusals of the system, in our words: a name, and what to do; never a folder.
"""

import contextlib
import errno
import io
import stat
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from pprl.errors import DataError, ResourceError, UsageError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@contextlib.contextmanager
def our_errors(path: Path) -> Generator[None]:
    """Turn what the system refuses while an output is written into an error of ours.

    Examples
    --------
    >>> with our_errors(Path("a.txt")):
    ...     raise OSError(errno.ENOSPC, "")
    Traceback (most recent call last):
        ...
    pprl.errors.ResourceError: output a.txt: no space left
    """
    try:
        yield
    except OSError as error:
        raise cannot_write(path, error) from None


def kind_of(mode: int) -> str:
    """Say what something is that is not a file.

    Examples
    --------
    >>> kind_of(stat.S_IFIFO)
    'a named pipe'
    """
    return next((name for test, name in _KINDS if test(mode)), "something else")


def cannot_read(path: Path, what: str, error: OSError | ValueError) -> DataError | ResourceError:
    """Say in our words why an input cannot be read.

    Examples
    --------
    >>> cannot_read(Path("no-such-file"), "table a.csv", FileNotFoundError()).message
    'table a.csv: does not exist'
    """
    if not isinstance(error, OSError):
        return DataError(f"{what}: its name is not that of a file", code="not-found")
    if path.is_dir():  # Windows says that there is no permission
        return DataError(f"{what}: is a directory, not a file", code="not-a-file")
    if isinstance(error, PermissionError):
        return ResourceError(f"{what}: no permission to read it", code="no-permission")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        found = "is a link to nothing" if path.is_symlink() else "does not exist"
        return DataError(f"{what}: {found}", code="not-found")
    if error.errno == errno.ENXIO:
        return DataError(f"{what}: is a socket or a device, not a file", code="not-a-file")
    return ResourceError(f"{what}: cannot be read ({name_of(error)})", code="cannot-read")


def cannot_write(path: Path, error: OSError | ValueError) -> ResourceError | UsageError:
    """Say in our words why an output cannot be written.

    Examples
    --------
    >>> cannot_write(Path("a.txt"), OSError(errno.ENOSPC, "")).message
    'output a.txt: no space left'
    """
    place = f"output {path.name}"
    if not isinstance(error, OSError):
        return UsageError(f"{place}: its name is not that of a file", code="no-folder")
    if error.errno in _FULL:
        return ResourceError(
            f"{place}: no space left", code="disk-full", hint="free some space and run again"
        )
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return UsageError(
            f"{place}: its folder does not exist", code="no-folder", hint="make the folder first"
        )
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return ResourceError(f"{place}: no permission to write there", code="no-permission")
    return ResourceError(f"{place}: cannot be written ({name_of(error)})", code="cannot-write")


class Source(io.RawIOBase):
    """A file that says in our words which it is when the disk fails while it is read.

    Parameters
    ----------
    raw : io.FileIO
        The open file.
    path : Path
        Its name.
    what : str
        What to call it in messages.
    """

    def __init__(self, raw: io.FileIO, path: Path, what: str) -> None:
        super().__init__()
        self._raw, self._path, self._what = raw, path, what

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        """Read into a buffer.

        Raises
        ------
        ResourceError
            If the system refuses.
        """
        try:
            return self._raw.readinto(buffer)
        except OSError as error:
            raise cannot_read(self._path, self._what, error) from None

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say whether it can be read from any place."""
        return self._raw.seekable()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        """Give the place."""
        return self._raw.tell()

    def fileno(self) -> int:
        """Give the number that the system knows the file by."""
        return self._raw.fileno()

    def close(self) -> None:
        """Close the file."""
        self._raw.close()
        super().close()


def name_of(error: OSError) -> str:
    """Give the name of what went wrong, without the path that the system puts behind it.

    Examples
    --------
    >>> name_of(OSError(errno.EIO, "Input/output error", "/home/ann"))
    'EIO'
    """
    return errno.errorcode.get(error.errno or 0, type(error).__name__)
