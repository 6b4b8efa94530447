"""
Checkpoints: what a long comparison has found so far, kept in a folder.

The folder holds `job.json`, which says what is compared and how, and parts, each with the
pairs of some finished tasks.  Every file appears whole or not at all, so after a crash,
a kill or a power cut the comparison goes on from the last part, and gives the same bytes.
"""

import contextlib
import hashlib
import json
import struct
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pprl.comparison.jobs import NONE_FOUND, Found
from pprl.errors import AuthenticationError, PolicyError, ResourceError
from pprl.files import lock, make_folder, read_bytes, write_bytes
from pprl.model import BitMatrix

EVERY = 2.0  # seconds between parts; what is lost by a kill
_MOST_PAIRS = 1 << 22  # that wait for a part
_JOB, _LOCK = "job.json", "lock"
_PARTS = "part-" + "[0-9]" * 6  # and nothing else that somebody may keep there
_MAGIC = b"pprl-checkpoint 1\n"
_LIMIT = 1 << 34  # bytes of a part


class Checkpoint:
    """An open folder of checkpoints.

    Parameters
    ----------
    folder : Path
        Where the parts are; it is made if needed.
    job : mapping of str to str
        What is compared and how.

    Attributes
    ----------
    found : dict of int to Found
        What the tasks found that were finished before, by number of the task.

    Raises
    ------
    PolicyError
        If the folder belongs to another job: other inputs, or other options.
    AuthenticationError
        If a file in it is damaged.
    ResourceError
        If it cannot be written to.
    """

    def __init__(self, folder: Path, job: Mapping[str, str]) -> None:
        make_folder(folder)
        self._lock = _locked(folder / _LOCK)
        try:
            self._open(folder, job)
        except BaseException:
            self._lock.close()
            raise

    def _open(self, folder: Path, job: Mapping[str, str]) -> None:
        for torn in folder.glob(".*.partial"):
            torn.unlink(missing_ok=True)
        self._folder = folder
        self._job = json.dumps(job, indent=1, sort_keys=True).encode()
        if (folder / _JOB).exists():
            _require_same(_read_job(folder / _JOB), job)
        else:
            write_bytes(folder / _JOB, self._job)
        parts = sorted(folder.glob(_PARTS))
        self._next = int(parts[-1].name.removeprefix("part-")) + 1 if parts else 0
        self.found: dict[int, Found] = {
            number: found for part in parts for number, found in _read(part, self._job)
        }
        self._waiting: dict[int, Found] = {}
        self._n_waiting = 0
        self._written = time.monotonic()

    def keep(self, number: int, found: Found) -> None:
        """Take what a task found; from time to time a part is written."""
        self._waiting[number] = found
        self._n_waiting += found.n_pairs
        if time.monotonic() - self._written >= EVERY or self._n_waiting >= _MOST_PAIRS:
            self.write()

    def write(self) -> None:
        """Write what has not been written."""
        waiting, place = self._waiting, self._folder / f"part-{self._next:06d}"
        # Forgotten first: if an interrupt comes while it is written, it must not be written twice.
        self._next += 1
        self._waiting, self._n_waiting = {}, 0
        self._written = time.monotonic()
        if waiting:
            write_bytes(place, _part(waiting, self._job))

    def close(self) -> None:
        """Write what has not been written, and let others use the folder."""
        try:
            self.write()
        finally:
            self._lock.close()


def remove_checkpoints(folder: Path) -> None:
    """Delete the files of one finished comparison, and its folder if nothing else is in it.

    A folder that holds no checkpoint stays as it is.
    """
    if folder.is_symlink() or not (folder / _JOB).is_file():
        return
    for kept in [*folder.glob(_PARTS), folder / _LOCK, folder / _JOB]:
        kept.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _locked(place: Path) -> BinaryIO:
    """Open a file that one process at a time may hold; it is let go when the process ends, however it ends.

    Raises
    ------
    ResourceError
        If another run holds it.
    """
    try:
        stream = place.open("ab")
    except OSError as error:
        raise ResourceError(
            f"checkpoint: cannot be written ({type(error).__name__})", code="cannot-write"
        ) from None
    try:
        lock(stream)
    except BlockingIOError:
        stream.close()
        raise ResourceError(
            "checkpoint: another run is using it", code="in-use", hint="wait for it, or name another folder"
        ) from None
    return stream


def digest_of(bits: BitMatrix) -> str:
    """Give the SHA-256 of a bit matrix."""
    digest = hashlib.sha256(struct.pack("<QQ", len(bits), bits.n_bits))
    digest.update(bits.words.astype("<u8", copy=False).reshape(-1).data)
    return digest.hexdigest()


def _read_job(place: Path) -> Mapping[str, object]:
    try:
        job = json.loads(read_bytes(place, what="checkpoint", limit=1 << 20))
    except ValueError:
        job = None
    if not isinstance(job, dict):
        raise _damaged(place, hint="delete the folder and begin again")
    return job


def _require_same(theirs: Mapping[str, object], ours: Mapping[str, str]) -> None:
    differing = [name for name in sorted({*theirs, *ours}) if theirs.get(name) != ours.get(name)]
    if not differing:
        return
    raise PolicyError(
        f"checkpoint: belongs to another job: {', '.join(differing)} differs",
        code="other-job",
        hint="give the inputs and options that it was begun with, or another folder",
    )


def _part(waiting: dict[int, Found], job: bytes) -> bytes:
    numbers = np.array(list(waiting), dtype="<i8")
    lengths = np.array([one.n_pairs for one in waiting.values()], dtype="<i8")
    columns = [np.concatenate([one[column] for one in waiting.values()]) for column in (1, 2, 3)]
    content = b"".join(
        [
            struct.pack("<Q", numbers.size),
            numbers.tobytes(),
            lengths.tobytes(),
            *(column.astype("<i4", copy=False).tobytes() for column in columns),
        ]
    )
    return _MAGIC + _digest(job, content) + content


def _digest(job: bytes, content: bytes | memoryview) -> bytes:
    """Give the SHA-256 of a part, which holds for its own job only."""
    digest = hashlib.sha256(hashlib.sha256(job).digest())
    digest.update(content)
    return digest.digest()


def _read(part: Path, job: bytes) -> Iterator[tuple[int, Found]]:
    whole = read_bytes(part, what=f"checkpoint {part.name}", limit=_LIMIT)
    start = len(_MAGIC) + hashlib.sha256().digest_size
    content = memoryview(whole)[start:]
    if whole[: len(_MAGIC)] != _MAGIC or _digest(job, content) != whole[len(_MAGIC) : start]:
        raise _damaged(part, hint="delete it; the tasks in it are then done again")
    (n_tasks,) = struct.unpack_from("<Q", content)
    numbers, lengths = np.frombuffer(content, "<i8", 2 * n_tasks, 8).reshape(2, n_tasks)
    columns = (
        np.frombuffer(content, "<i4", offset=8 + 16 * n_tasks).astype(np.int32, copy=False).reshape(3, -1)
    )
    ends = np.cumsum(lengths)
    for number, end, length in zip(numbers.tolist(), ends.tolist(), lengths.tolist(), strict=True):
        yield number, Found(length, *columns[:, end - length : end]) if length else NONE_FOUND


def _damaged(place: Path, *, hint: str) -> AuthenticationError:
    return AuthenticationError(f"checkpoint {place.name}: is damaged", code="checkpoint", hint=hint)
