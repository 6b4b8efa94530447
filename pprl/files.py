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
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from pprl.errors import DataError, PolicyError, UsageError
from pprl.locks import lock as lock  # noqa: PLC0414 - with what else makes outputs
from pprl.refusals import Source, cannot_read, cannot_write, kind_of, our_errors
from pprl.temporaries import private_temporary as private_temporary  # noqa: PLC0414 - with what else makes outputs
from pprl.temporaries import sweep, temporary_for

OWNER_ONLY = 0o600
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


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raise unless `path` is free, or is a regular file that may be replaced.

    What killed runs left of it is removed, also where it cannot be written now.

    Raises
    ------
    UsageError
        If something is there and `force` is false, or it is not a regular file.
    """
    sweep(path)
    try:
        there = path.is_symlink() or path.exists()
    except (OSError, ValueError) as error:
        raise cannot_write(path, error) from None
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
    with _begun(path, force=force) as (stream, temporary):
        yield stream  # noqa: RUF075 - what failed is not given its name
        _settle(stream)
        _give_name(temporary, path, force=force)
    sync_folder(path.parent)


@contextlib.contextmanager
def _begun(path: Path, *, force: bool) -> Generator[tuple[BinaryIO, Path]]:
    """Open the temporary of an output, and remove it at the end, whatever has become of it."""
    refuse_existing(path, force=force)
    with temporary_for(path) as temporary, our_errors(path):
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _binary(), OWNER_ONLY)
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
            f"output {path.name}: was made by another run meanwhile", code="output-exists"
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


def write_bytes(path: Path, content: bytes, *, force: bool = False) -> None:
    """Write `content` to `path`, whole or not at all, readable by the owner only."""
    with write_whole(path, force=force) as stream:
        stream.write(content)


def make_folder(path: Path) -> None:
    """Make a folder that only its owner can enter, and those above it; one that is there stays as it is."""
    try:
        _make(path)
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"output {path.name}: is a file, wanted a folder", code="output-exists") from None
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
    with temporary_for(path) as temporary, our_errors(path):
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
        begun = [stack.enter_context(_begun(place, force=force)) for place in places]
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
        raise DataError(f"{what}: is {kind_of(before.st_mode)}, not a file", code="not-a-file")
    with io.BufferedReader(Source(os.fdopen(descriptor, "rb", buffering=0), path, what)) as stream:
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
