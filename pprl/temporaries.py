"""
Temporaries: what an output is called until it is whole.

A temporary lies beside its output, so that a rename is enough, and is called
`.NAME.PROCESS-HOST-RANDOM.partial`.  A run that is killed leaves its own behind.  The next
run that writes the same NAME removes it: at once if its process is gone, and after a day
in any case, as a number of a process may be given again.
"""

import contextlib
import functools
import hashlib
import logging
import os
import platform
import re
import shutil
import stat
import time
from collections.abc import Callable, Generator
from pathlib import Path

from pprl.errors import ResourceError
from pprl.refusals import name_of, our_errors

_log = logging.getLogger(__name__)
DAY = 86_400.0
_LONGEST = 200  # bytes of a name that leave room for the rest
_STILL_ACTIVE = 259  # what Windows says of a process that has not ended
_QUERY = 0x1000  # the right to ask that, and no other
_DENIED = 5  # as there is such a process, and it is another's

# What this process has in hand: a process of the same number may have left others.
_in_hand: set[str] = set()


@contextlib.contextmanager
def temporary_for(path: Path) -> Generator[Path]:
    """Give a free name for what will become `path`, and count it as in hand.

    Examples
    --------
    >>> with temporary_for(Path("a.txt")) as temporary:
    ...     temporary.name.startswith(".a.txt."), temporary.suffix
    (True, '.partial')
    """
    name = f".{_stem(path)}.{os.getpid()}-{_host()}-{os.urandom(4).hex()}.partial"
    _in_hand.add(name)
    try:
        yield path.with_name(name)
    finally:
        _in_hand.discard(name)


def stale(path: Path) -> list[Path]:
    """List the temporaries of `path` that nobody works on: files and folders of our own.

    Only names of exactly the form that `temporary_for` gives for this very name are seen.

    Examples
    --------
    >>> stale(Path("no-such-folder") / "a.txt")
    []
    """
    form = re.compile(re.escape(f".{_stem(path)}.") + r"([1-9][0-9]{0,9})-([0-9a-f]{8})-[0-9a-f]{8}\.partial")
    found = []
    with contextlib.suppress(OSError, ValueError), os.scandir(path.parent) as names:
        for entry in names:
            form_of_it = form.fullmatch(entry.name)
            if form_of_it and _is_left(entry, int(form_of_it[1]), form_of_it[2]):
                found.append(path.with_name(entry.name))
    return sorted(found)


def sweep(path: Path) -> None:
    """Remove the stale temporaries of `path`; what cannot be removed now is left for the next run.

    Examples
    --------
    >>> sweep(Path("no-such-folder") / "a.txt")
    """
    for left in stale(path):
        with contextlib.suppress(OSError):
            remove(left)


def remove(temporary: Path) -> None:
    """Remove a file, or a folder with all that is in it; no link is followed.

    Raises
    ------
    OSError
        If something of it is still there.

    Examples
    --------
    >>> remove(Path("no-such-file"))
    """
    if temporary.is_dir() and not temporary.is_symlink():
        shutil.rmtree(temporary)
    else:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def private_temporary(beside: Path) -> Generator[Path]:
    """Make a folder for what nobody may see yet, beside an output, and remove it at the end.

    Parameters
    ----------
    beside : Path
        The output that the content is for.  What killed runs left of it is removed first.

    Yields
    ------
    Path
        A new folder that only its owner can enter, on the file system of the output, so
        that what is in it can be given its name by a rename.

    Raises
    ------
    ResourceError
        If it cannot be made, or, after a block that went well, cannot be removed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with private_temporary(Path(folder) / "opened.pprl") as private:
    ...         _ = (private / "payload").write_bytes(b"secret")
    ...     list(Path(folder).iterdir())
    []
    """
    sweep(beside)
    with temporary_for(beside) as folder:
        with our_errors(beside):
            folder.mkdir(mode=0o700)
        try:
            yield folder
        except BaseException:
            _remove_private(folder, beside, _warn)
            raise
        _remove_private(folder, beside, _refuse)


def _remove_private(folder: Path, beside: Path, told: Callable[[str], None]) -> None:
    try:
        remove(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        told(f"output {beside.name}: its private temporary folder could not be removed ({name_of(error)})")


def _warn(said: str) -> None:
    """Note it: what went wrong before is the error."""
    _log.warning("%s; run again, or remove it by hand", said)


def _refuse(said: str) -> None:
    raise ResourceError(said, code="temporary-left", hint="run again, or remove it by hand")


def _stem(path: Path) -> str:
    octets = os.fsencode(path.name)
    return path.name if len(octets) <= _LONGEST else hashlib.sha256(octets).hexdigest()


@functools.cache
def _host() -> str:
    """Tell apart hosts that share a drive and containers that share a host: each counts its own."""
    try:
        space = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - a link that is not a path
    except OSError:
        space = 0
    return hashlib.sha256(f"{platform.node()} {space}".encode()).hexdigest()[:8]


def _is_left(entry: os.DirEntry[str], process: int, host: str) -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    if not _is_ours(status) or entry.name in _in_hand:
        return False
    return time.time() - status.st_mtime > DAY or (host == _host() and not _runs(process))


def _is_ours(status: os.stat_result) -> bool:
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        return False
    return os.name == "nt" or status.st_uid == os.geteuid()


def _runs(process: int) -> bool:
    """Say whether a process of this host is there; this process has what it works on in hand."""
    if process == os.getpid():
        return False
    return _runs_on_windows(process) if os.name == "nt" else _runs_on_posix(process)


def _runs_on_posix(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _runs_on_windows(process: int) -> bool:
    """Ask the kernel: `os.kill` would end the process."""
    import ctypes

    kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(_QUERY, 0, process)
    if not handle:
        return bool(ctypes.get_last_error() == _DENIED)  # type: ignore[attr-defined,unused-ignore]
    status = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(status))
    kernel.CloseHandle(handle)
    return status.value == _STILL_ACTIVE
