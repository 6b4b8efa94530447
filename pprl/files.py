"""
Files that appear whole or not at all, and inputs that are what they seem.

Every output is written to a temporary file beside its place, flushed to the disk
and then given its name, readable by its owner only.  Every input is a regular
file that does not change while it is read.
"""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from pprl.errors import DataError, PolicyError, ResourceError, UsageError

OWNER_ONLY = 0o600
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raise unless `path` is free, or is a regular file that may be replaced.

    Raises
    ------
    UsageError
        If something is there and `force` is false, or it is not a regular file.
    """
    try:
        there = path.is_symlink() or path.exists()
    except (OSError, ValueError) as error:
        raise _cannot_write(path, error) from None
    if path.is_symlink() or (there and not path.is_file()):
        raise UsageError(
            f"output {path.name}: a folder, a link or a device is in its place", code="output-exists"
        )
    if there and not force:
        raise UsageError(
            f"output {path.name}: exists already",
            code="output-exists",
            hint="choose another name, or give --force to replace it",
        )


def refuse_inputs_as_output(path: Path, inputs: Iterable[Path]) -> None:
    """Raise if an output would replace what it is made from.

    Raises
    ------
    UsageError
        If `path` is one of the inputs.
    """
    try:
        is_input = any(path.resolve() == one.resolve() for one in inputs)
    except (OSError, RuntimeError, ValueError):
        return  # what cannot be resolved cannot be opened either, and is refused there
    if is_input:
        raise UsageError(
            f"output {path.name}: is one of the inputs", code="output-is-input", hint="choose another name"
        )


@contextlib.contextmanager
def write_whole(path: Path, *, force: bool = False) -> Generator[BinaryIO]:
    """Open a file for writing that appears under its name only when complete.

    Parameters
    ----------
    path : Path
        Where the file is to appear.  Its folder must exist.
    force : bool
        Replace what is there.

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
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.partial")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _binary(), OWNER_ONLY)
    except OSError as error:
        raise _cannot_write(path, error) from None
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _give_name(temporary, path, force=force)
    except OSError as error:
        raise _cannot_write(path, error) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _give_name(temporary: Path, path: Path, *, force: bool) -> None:
    if force:
        temporary.replace(path)
        return
    try:
        # Unlike a rename, a hard link fails if another run took the name meanwhile.
        os.link(temporary, path)
    except FileExistsError:
        raise UsageError(
            f"output {path.name}: was made by another run meanwhile", code="output-exists"
        ) from None
    except OSError:  # no hard links here (FAT, some network drives)
        refuse_existing(path, force=False)
        temporary.replace(path)


def write_bytes(path: Path, content: bytes, *, force: bool = False) -> None:
    """Write `content` to `path`, whole or not at all, readable by the owner only."""
    with write_whole(path, force=force) as stream:
        stream.write(content)


def make_folder(path: Path) -> None:
    """Make a folder that only its owner can enter; one that is there already stays as it is."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"output {path.name}: is a file, wanted a folder", code="output-exists") from None
    except (OSError, ValueError) as error:
        raise _cannot_write(path, error) from None


def lock(stream: BinaryIO) -> None:
    """Keep other processes from locking a file until it is closed; do nothing where there are no locks.

    Raises
    ------
    BlockingIOError
        If another process holds it.
    """
    try:
        _lock_on_windows(stream) if os.name == "nt" else _lock_on_posix(stream)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES, errno.EDEADLK}:
            raise BlockingIOError from None


def _lock_on_posix(stream: BinaryIO) -> None:
    import fcntl

    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _lock_on_windows(stream: BinaryIO) -> None:
    import msvcrt

    msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]


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
    if path.exists():
        _fill_folder(path, contents, force=force)
        return
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.partial")
    try:
        temporary.mkdir(mode=0o700, parents=True)
        _fill_folder(temporary, contents, force=False)
        temporary.rename(path)
    except OSError as error:
        raise _cannot_write(path, error) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _sync_folder(path.parent)


def _fill_folder(folder: Path, contents: Mapping[str, bytes], *, force: bool) -> None:
    """Write all files, and only then give all of them their names."""
    with contextlib.ExitStack() as stack:
        for name, content in contents.items():
            stack.enter_context(write_whole(folder / name, force=force)).write(content)


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
        If it may not be read.
    """
    # Without O_NONBLOCK, opening a named pipe waits for a writer that may never come.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _binary()
    try:
        descriptor = os.open(path, flags | (0 if follow_links else getattr(os, "O_NOFOLLOW", 0)))
    except (OSError, ValueError) as error:
        raise _cannot_read(path, what, error) from None
    before = os.fstat(descriptor)
    if not stat.S_ISREG(before.st_mode):
        os.close(descriptor)
        raise DataError(f"{what}: is {_kind_of(before.st_mode)}, not a file", code="not-a-file")
    with os.fdopen(descriptor, "rb") as stream:
        yield stream  # noqa: RUF075 - what failed meanwhile is said first
        after = os.fstat(stream.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise DataError(
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
        raise DataError(f"{what}: longer than {limit} bytes", code="too-long")
    return content


def refuse_exposed_folder(path: Path, *, what: str) -> None:
    """Raise if `path` lies in a git work tree from which it could be committed.

    A folder whose ``.gitignore`` says ``*``, at or above the file and inside the
    work tree, keeps everything below it out, and is accepted.

    Raises
    ------
    PolicyError
        If the file could be committed by accident.
    """
    for folder in path.parent.resolve().joinpath(path.name).parents:
        if _ignores_everything(folder / ".gitignore"):
            return
        if (folder / ".git").exists():
            raise PolicyError(
                f"{what}: lies in a git work tree, from which it could be published by accident",
                code="in-git-tree",
                hint="keep it in a folder of its own, outside the work tree",
            )


def _ignores_everything(path: Path) -> bool:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")] == ["*"]


def _kind_of(mode: int) -> str:
    return next((name for test, name in _KINDS if test(mode)), "something else")


def _cannot_read(path: Path, what: str, error: OSError | ValueError) -> DataError | ResourceError:
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
    return ResourceError(f"{what}: cannot be read ({_name(error)})", code="cannot-read")


def _cannot_write(path: Path, error: OSError | ValueError) -> ResourceError | UsageError:
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
    return ResourceError(f"{place}: cannot be written ({_name(error)})", code="cannot-write")


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, type(error).__name__)


def _binary() -> int:
    return getattr(os, "O_BINARY", 0)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where the system can."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
