"""
Files that appear whole or not at all, and inputs that are what they seem.

Every output is written to a temporary file beside its place, flushed to the disk
and then given its name, readable by its owner only.  What a killed run left of the same
output is removed.  Every input is a regular file that does not change while it is read.
"""

import contextlib
import errno
import io
import os
import shutil
import stat
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import BinaryIO

from pprl.errors import DataError, UsageError
from pprl.locks import lock as lock  # noqa: PLC0414 - with what else makes outputs
from pprl.places import refuse_existing as refuse_existing  # noqa: PLC0414 - as above
from pprl.places import refuse_exposed_folder as refuse_exposed_folder  # noqa: PLC0414 - as above
from pprl.places import refuse_inputs_as_output as refuse_inputs_as_output  # noqa: PLC0414 - as above
from pprl.places import refuse_taken
from pprl.refusals import Source, cannot_read, cannot_write, kind_of, our_errors
from pprl.temporaries import private_temporary as private_temporary  # noqa: PLC0414 - with what else makes outputs
from pprl.temporaries import sweep, temporary_for

OWNER_ONLY = 0o600
FOR_ALL = 0o644  # or less, as the umask says
# A folder that cannot be flushed on this system; what is left are faults of the disk.
_NO_SYNC = {
    errno.EINVAL,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EBADF,
    errno.EACCES,
    errno.EPERM,
}


@contextlib.contextmanager
def write_whole(path: Path, *, force: bool = False, public: bool = False) -> Generator[BinaryIO]:
    """Open a file for writing that appears under its name only when complete.

    Parameters
    ----------
    path : Path
        Where the file is to appear.  Its folder must exist.
    force : bool
        Replace what is there.
    public : bool
        Let others read it, if the umask does.

    Yields
    ------
    BinaryIO
        A binary stream.  If the block raises, nothing remains of it.

    Raises
    ------
    UsageError
        If the name is taken.
    ResourceError
        If the folder cannot be written to, or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with write_whole(Path(folder) / "a.txt") as stream:
    ...         _ = stream.write(b"whole")
    ...     (Path(folder) / "a.txt").read_bytes()
    b'whole'
    """
    refuse_existing(path, force=force)
    with _begun(path, mode=FOR_ALL if public else OWNER_ONLY) as (stream, temporary):
        yield stream  # noqa: RUF075 - what failed is not given its name
        _settle(stream)
        _give_name(temporary, path, force=force)
    sync_folder(path.parent)


@contextlib.contextmanager
def _begun(path: Path, *, mode: int = OWNER_ONLY) -> Generator[tuple[BinaryIO, Path]]:
    """Open the temporary of an output, and remove it at the end, whatever has become of it."""
    with our_errors(path), temporary_for(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _binary(), mode)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                yield stream, temporary
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _settle(stream: BinaryIO) -> None:
    """Bring the content to the disk before it gets its name: a power cut may keep the name alone."""
    stream.flush()
    os.fsync(stream.fileno())
    stream.close()  # Windows renames no open file


def _give_name(temporary: Path, path: Path, *, force: bool) -> None:
    if force:
        temporary.replace(path)
        return
    try:
        # Unlike a rename, a hard link fails if another run took the name meanwhile.
        os.link(temporary, path)
    except FileExistsError:
        raise UsageError(
            f"output {path.name}: was made by another run meanwhile",
            code="output-exists",
            hint="see whether it is the one that is wanted, or choose another name",
        ) from None
    except OSError:  # no hard links here (FAT, some network drives)
        refuse_existing(path, force=False)
        temporary.replace(path)


def give_name(finished: Path, path: Path, *, force: bool = False) -> None:
    """Give a finished file of a private temporary the name that it was made for.

    Parameters
    ----------
    finished : Path
        A file on the same file system that `write_whole` has written.
    path : Path
        Where it is to appear.
    force : bool
        Replace what is there.

    Raises
    ------
    UsageError
        If the name is taken.
    ResourceError
        If it cannot be given.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with private_temporary(Path(folder) / "opened.pprl") as private:
    ...         write_bytes(private / "payload", b"checked")
    ...         give_name(private / "payload", Path(folder) / "opened.pprl")
    ...     (Path(folder) / "opened.pprl").read_bytes()
    b'checked'
    """
    refuse_existing(path, force=force)
    with our_errors(path):
        _give_name(finished, path, force=force)
    sync_folder(path.parent)


def write_bytes(path: Path, content: bytes, *, force: bool = False, public: bool = False) -> None:
    """Write `content` to `path`, whole or not at all, readable by the owner only or by all."""
    with write_whole(path, force=force, public=public) as stream:
        stream.write(content)


def rewrite_own(path: Path, content: bytes) -> None:
    """Write what a party's folder keeps for itself, whole or not at all, whatever is there.

    Everything else that replaces goes through `write_bytes`, which refuses such places.
    """
    sweep(path)
    refuse_taken(path, force=True)
    with _begun(path) as (stream, temporary):
        stream.write(content)
        _settle(stream)
        _give_name(temporary, path, force=True)
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder that only its owner can enter, and those above it; one that is there stays as it is."""
    try:
        _make(path)
    except (FileExistsError, NotADirectoryError):
        raise UsageError(
            f"output {path.name}: is a file, wanted a folder",
            code="output-exists",
            hint="choose another name",
        ) from None
    except (OSError, ValueError) as error:
        raise cannot_write(path, error) from None


def _make(path: Path) -> None:
    """Make a folder and those above it, all for the owner only; `parents=True` would leave those open."""
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError:
        if path.parent == path:
            raise
        _make(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def write_folder(path: Path, contents: Mapping[str, bytes], *, force: bool = False) -> None:
    """Write several files into a folder, which appears whole or not at all if it is new.

    Parameters
    ----------
    path : Path
        The folder.  If it exists, each file appears whole or not at all.
    contents : mapping of str to bytes
        Contents by name of file.
    force : bool
        Replace files of these names.

    Raises
    ------
    UsageError
        If a name is taken.
    ResourceError
        If the folder cannot be written to.
    """
    sweep(path)
    if path.exists():
        _fill_folder(path, contents, force=force)
        return
    make_folder(path.parent)
    with our_errors(path), temporary_for(path) as temporary:
        try:
            temporary.mkdir(mode=0o700)
            _fill_folder(temporary, contents, force=False)
            temporary.rename(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    sync_folder(path.parent)


def _fill_folder(folder: Path, contents: Mapping[str, bytes], *, force: bool) -> None:
    """Bring all files to the disk, and only then give all of them their names."""
    places = [folder / name for name in contents]
    for place in places:  # also if the first of them will be refused
        sweep(place)
    with contextlib.ExitStack() as stack:
        for place in places:
            refuse_existing(place, force=force)
        begun = [stack.enter_context(_begun(place)) for place in places]
        for place, (stream, _), content in zip(places, begun, contents.values(), strict=True):
            with our_errors(place):
                stream.write(content)
                _settle(stream)
        undo = stack.enter_context(contextlib.ExitStack())
        for place, (_, temporary) in zip(places, begun, strict=True):
            with our_errors(place):
                _give_name(temporary, place, force=force)
            if not force:  # what was replaced cannot be brought back
                undo.callback(_take_back, place)
        undo.pop_all()
    sync_folder(folder)


def _take_back(place: Path) -> None:
    with contextlib.suppress(OSError):
        place.unlink()


@contextlib.contextmanager
def open_regular(path: Path, *, what: str, follow_links: bool = True) -> Generator[BinaryIO]:
    """Open an input that must be a regular file and must stay as it is until closed.

    Parameters
    ----------
    path : Path
        The input.
    what : str
        What to call it in messages, such as ``"table a.csv"``.
    follow_links : bool
        Whether the path may be a symbolic link.

    Raises
    ------
    DataError
        If it is missing, is not a regular file, or changed while it was open.
    ResourceError
        If it may not be read, or the disk fails while it is.
    """
    # Without O_NONBLOCK, opening a named pipe waits for a writer that may never come.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _binary()
    try:
        descriptor = os.open(path, flags | (0 if follow_links else getattr(os, "O_NOFOLLOW", 0)))
    except (OSError, ValueError) as error:
        raise cannot_read(path, what, error) from None
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        os.close(descriptor)
        raise DataError(
            f"{what}: is {kind_of(before.st_mode)}, not a file", code="not-a-file", hint="name a regular file"
        )
    with io.BufferedReader(Source(os.fdopen(descriptor, "rb", buffering=0), path, what)) as stream:
        yield stream  # noqa: RUF075 - what failed meanwhile is said first
        after = os.fstat(stream.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise changed(what)


def unchanged_since_now(path: Path, *, what: str) -> Callable[[], None]:
    """Give a function that raises if the file at a path is another, or another length or time, than now.

    It is for what is read more than once: by another process, or through a memory map.

    Raises
    ------
    DataError
        If it is missing, or cannot be looked at.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv"
    ...     _ = path.write_bytes(b"id")
    ...     require_unchanged = unchanged_since_now(path, what="table a.csv")
    ...     require_unchanged()
    ...     _ = path.write_bytes(b"id,name")
    ...     require_unchanged()
    Traceback (most recent call last):
    pprl.errors.DataError: table a.csv: changed while it was being read
    """

    def state() -> tuple[int, ...]:
        try:
            found = path.stat()
        except OSError as error:
            raise cannot_read(path, what, error) from None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    before = state()

    def require_unchanged() -> None:
        if state() != before:
            raise changed(what)

    return require_unchanged


def changed(what: str) -> DataError:
    """Make the error for an input that somebody writes to."""
    return DataError(
        f"{what}: changed while it was being read",
        code="changed-while-read",
        hint="wait until it is complete, or work on a copy",
    )


def read_bytes(path: Path, *, what: str, limit: int) -> bytes:
    """Read a small regular file whole.

    Raises
    ------
    DataError
        If it is not a regular file, or is longer than `limit` bytes.
    """
    with open_regular(path, what=what) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise DataError(
            f"{what}: longer than {limit} bytes",
            code="too-long",
            hint="it is something else: name another file",
        )
    return content


def _binary() -> int:
    return getattr(os, "O_BINARY", 0)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder survive a power cut, where the system can.

    Raises
    ------
    ResourceError
        If the disk is full or fails.

    Examples
    --------
    >>> sync_folder(Path.cwd())
    """
    if os.name == "nt":
        return
    try:
        _sync(folder)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise cannot_write(folder, error) from None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
