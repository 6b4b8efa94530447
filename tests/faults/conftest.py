"""
Faults of the system: every call that touches the disk fails in turn.

A trial prepares a folder, acts in it while the n-th call fails, and looks at what is there:
what was there before, whole, or what was to be there, whole.  Then the same act runs once more
without a fault, and nothing may be left that a run without any fault would not leave.
"""

import builtins
import errno
import io
import os
import signal
import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest

from pprl.errors import PprlError

CALLS = ("open", "fsync", "rename", "replace", "link", "unlink", "mkdir", "rmdir", "ftruncate")
ERRNOS = (errno.ENOSPC, errno.EIO, errno.EACCES)
KILL = "kill"
Fault = int | str


@dataclass
class Disk:
    """Counts the calls that touch the disk, remembers them, and lets one of them fail."""

    fault: Fault | None = None
    at: int = 0
    calls: list[tuple[str, object]] = field(default_factory=list)
    watch: Callable[[str, object], None] | None = None  # is told of every call after it was made

    def reach(self, name: str, on: object) -> None:
        """Count a call, and fail if it is its turn."""
        self.calls.append((name, on))
        if self.fault is None or len(self.calls) != self.at:
            return
        if self.fault == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(self.fault, os.strerror(self.fault))

    @property
    def was_reached(self) -> bool:
        """Whether there was a call that could fail."""
        return len(self.calls) >= self.at

    def _counted(self, name: str, real: Callable) -> Callable:
        def call(*arguments, **options):
            on = arguments[0] if name != "link" else tuple(arguments)
            self.reach(name, on)
            given = real(*arguments, **options)
            self._told(name, on)
            return given

        return call

    def _told(self, name: str, on: object) -> None:
        if self.watch is not None:
            self.watch(name, on)

    def _writing(self, real: Callable) -> Callable:
        def write(descriptor, content):
            if self.fault is not None and len(self.calls) + 1 == self.at:
                real(descriptor, memoryview(content)[: len(content) // 2])  # a disk gets full in the middle
            self.reach("write", descriptor)
            n_bytes = real(descriptor, content)
            self._told("write", descriptor)
            return n_bytes

        return write

    def _raw(self) -> type[io.FileIO]:
        disk = self

        class Raw(io.FileIO):
            """A file whose bytes go by os.write, and whose reading may fail."""

            def write(self, content):
                return os.write(self.fileno(), content)

            def readinto(self, buffer):
                disk.reach("read", self.fileno())
                return super().readinto(buffer)

        return Raw

    def _fdopen(self, descriptor, mode="r", buffering=-1, *_rest):
        raw = self._raw()(descriptor, mode.replace("b", ""))
        if buffering == 0:
            return raw
        return io.BufferedReader(raw) if mode == "rb" else io.BufferedWriter(raw)

    @contextmanager
    def failing(self) -> Generator[None]:
        """Put itself between the program and the system."""
        opened = self._counted("open", io.open)
        with (
            mock.patch.multiple(
                os,
                write=self._writing(os.write),
                fdopen=self._fdopen,
                **{name: self._counted(name, getattr(os, name)) for name in CALLS},
            ),
            mock.patch.object(io, "open", opened),
            mock.patch.object(builtins, "open", opened),
        ):
            yield


@dataclass(frozen=True)
class Scenario:
    """What is tried, and what may be there afterwards.

    Parameters
    ----------
    prepare, act : callable of a folder
        Make what is there before; do what may be disturbed.
    is_old, is_new : callable of a folder
        Whether what was there before is there whole; whether what was to be there is.
    again : callable of a folder, optional
        What is done once more after the fault; by default `act`.
    """

    prepare: Callable[[Path], None]
    act: Callable[[Path], None]
    is_old: Callable[[Path], bool]
    is_new: Callable[[Path], bool]
    again: Callable[[Path], None] | None = None


def listing(folder: Path) -> set[str]:
    """Name everything in a folder and below it."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


class Faults:
    """Runs a scenario until it passes without a fault."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.n_trials = 0

    def survive(self, scenario: Scenario) -> int:
        """Let every call fail in each way; give the number of calls of a run without a fault."""
        clean = self._prepared(scenario)
        disk = Disk()
        with disk.failing():
            scenario.act(clean)
        assert scenario.is_new(clean)
        expected = listing(clean)
        for fault in ERRNOS:
            self._until_it_passes(scenario, fault, self._fail, expected)
        if hasattr(os, "fork"):
            self._until_it_passes(scenario, KILL, self._kill, expected)
        return len(disk.calls)

    def _until_it_passes(self, scenario, fault, trial, expected) -> None:
        at = 1
        while True:
            folder = self._prepared(scenario)
            reached = trial(scenario, folder, Disk(fault, at))
            where = f"fault {fault} at call {at} of {scenario.act.__name__}: {sorted(listing(folder))}"
            assert scenario.is_old(folder) or scenario.is_new(folder), where
            if not reached:
                return
            self._once_more(scenario, folder, expected, where)
            at += 1

    def _prepared(self, scenario: Scenario) -> Path:
        self.n_trials += 1
        folder = self.folder / f"trial-{self.n_trials}"
        folder.mkdir()
        scenario.prepare(folder)
        return folder

    def _fail(self, scenario: Scenario, folder: Path, disk: Disk) -> bool:
        try:
            with disk.failing():
                scenario.act(folder)
        except PprlError as error:
            said = f"{error.message} {error.hint}"
            assert str(folder) not in said, "an error must not hold a path"
        else:
            assert scenario.is_new(folder), f"no error at call {disk.at}, and the output is not there"
        return disk.was_reached

    def _kill(self, scenario: Scenario, folder: Path, disk: Disk) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads that the child does not use
            child = os.fork()
        if child == 0:
            status = 1
            try:
                with disk.failing():
                    scenario.act(folder)
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return True
        assert 0 == os.WEXITSTATUS(status)
        return False

    def _once_more(self, scenario: Scenario, folder: Path, expected: set[str], where: str) -> None:
        with suppress(PprlError):  # the output may be there already, and is then refused
            (scenario.again or scenario.act)(folder)
        assert scenario.is_new(folder), where
        assert expected == listing(folder), where


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Faults:
    """The harness, in a folder of its own."""
    if sys.platform == "win32":
        pytest.skip("the calls of POSIX are made to fail")
    # A kill loses nothing that was handed to the system, so there is nothing to wait for.
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    return Faults(tmp_path)


@pytest.fixture
def scenario() -> type[Scenario]:
    """The form of a scenario."""
    return Scenario


@pytest.fixture
def disk() -> Disk:
    """A disk without a fault that remembers what was called."""
    return Disk()
