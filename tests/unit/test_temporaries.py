"""Temporaries of killed runs are removed, and nothing else is."""

import os
import subprocess
import sys
import time

import pytest

from pprl import temporaries
from pprl.errors import ResourceError, UsageError
from pprl.files import private_temporary, refuse_existing, write_bytes, write_whole
from pprl.temporaries import stale, sweep, temporary_for

posix = pytest.mark.skipif(os.name == "nt", reason="modes and owners are a POSIX matter")


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def left_by(process: int, name: str = "a", host: str | None = None, mark: str = "0123abcd") -> str:
    return f".{name}.{process}-{host or temporaries._host()}-{mark}.partial"


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path, gone):
    """Of the same output; files and folders."""
    (tmp_path / left_by(gone)).write_bytes(b"half")
    (tmp_path / left_by(gone, mark="11111111")).mkdir()
    (tmp_path / left_by(gone, mark="11111111") / "payload").write_bytes(b"secret")

    write_bytes(tmp_path / "a", b"whole")

    assert [tmp_path / "a"] == list(tmp_path.iterdir())


def test_it_is_removed_also_where_the_output_is_refused(tmp_path, gone):
    """A run that was killed after its output had its name."""
    (tmp_path / "a").write_bytes(b"whole")
    (tmp_path / left_by(gone)).write_bytes(b"whole")

    with pytest.raises(UsageError):
        refuse_existing(tmp_path / "a", force=False)

    assert [tmp_path / "a"] == list(tmp_path.iterdir())


def test_only_names_of_exactly_our_form_are_touched(tmp_path, gone):
    """Nobody loses a file that looks alike."""
    others = {
        left_by(gone, name="b"),
        left_by(gone, name="a.b"),
        left_by(gone) + "~",
        left_by(gone)[1:],
        left_by(gone, mark="0123ABCD"),
        left_by(gone, mark="0123abcd0"),
        f".a.0{gone}-{temporaries._host()}-0123abcd.partial",
        ".a.0123456789ab.partial",
    }
    for name in others:
        (tmp_path / name).write_bytes(b"theirs")
        os.utime(tmp_path / name, (0, 0))

    sweep(tmp_path / "a")

    assert others == {path.name for path in tmp_path.iterdir()}


def test_a_name_is_not_read_as_a_pattern(tmp_path, gone):
    """`a*` and `[a]` are names."""
    (tmp_path / left_by(gone, name="ab")).write_bytes(b"")

    for name in ("a*", "[a]b", ".*", "a."):
        sweep(tmp_path / name)

    assert [tmp_path / left_by(gone, name="ab")] == list(tmp_path.iterdir())


def test_what_a_living_process_works_on_stays(tmp_path):
    """Of this process, and of another one; once it is gone, it is removed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        theirs = tmp_path / left_by(other.pid)
        theirs.write_bytes(b"theirs")
        with write_whole(tmp_path / "a") as stream:
            sweep(tmp_path / "a")
            stream.write(b"whole")
        kept = theirs.exists()
        other.communicate(b"\n")

    sweep(tmp_path / "a")

    assert kept
    assert [tmp_path / "a"] == list(tmp_path.iterdir())


def test_another_process_of_the_same_number_left_it(tmp_path):
    """In containers every run has the number 1."""
    left = tmp_path / left_by(os.getpid())
    left.write_bytes(b"half")

    with temporary_for(tmp_path / "a") as mine:
        mine.write_bytes(b"")
        found = stale(tmp_path / "a")

    assert [left] == found


def test_of_another_host_only_what_is_a_day_old_is_removed(tmp_path, gone):
    """On a shared drive its processes cannot be asked after."""
    fresh, old = (tmp_path / left_by(gone, host="00000000", mark=mark) for mark in ("1" * 8, "2" * 8))
    for path in (fresh, old):
        path.write_bytes(b"half")
    then = time.time() - temporaries.DAY - 60
    os.utime(old, (then, then))

    sweep(tmp_path / "a")

    assert [fresh] == list(tmp_path.iterdir())


@posix
def test_links_and_files_of_others_stay(tmp_path, gone, monkeypatch):
    """A link could lead anywhere."""
    (tmp_path / "precious").write_bytes(b"precious")
    link = tmp_path / left_by(gone, mark="1" * 8)
    link.symlink_to("precious")
    (tmp_path / left_by(gone)).write_bytes(b"theirs")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)

    sweep(tmp_path / "a")

    assert link.is_symlink()
    assert {"precious", left_by(gone), link.name} == {path.name for path in tmp_path.iterdir()}


def test_a_long_name_has_temporaries_as_well(tmp_path):
    """The temporary's own name must not be too long for the file system."""
    name = "ü" * 127

    write_bytes(tmp_path / name, b"whole")

    assert [name] == [path.name for path in tmp_path.iterdir()]


@posix
def test_private_content_is_for_its_owner_whatever_the_umask(tmp_path):
    """A folder that nobody else can enter, under umask 000; and it is gone afterwards."""
    before = os.umask(0)
    try:
        with private_temporary(tmp_path / "a") as private:
            mode = private.stat().st_mode & 0o777
            (private / "payload").write_bytes(b"secret")
    finally:
        os.umask(before)

    assert 0o700 == mode
    assert [] == list(tmp_path.iterdir())


def test_private_content_is_gone_after_an_error(tmp_path):
    """Also after an interrupt."""
    with pytest.raises(KeyboardInterrupt), private_temporary(tmp_path / "a") as private:
        (private / "payload").write_bytes(b"secret")
        raise KeyboardInterrupt

    assert [] == list(tmp_path.iterdir())


def test_private_content_that_cannot_be_removed_is_told(tmp_path, monkeypatch, caplog):
    """As an error, or as a note if there was one before; the next run removes it."""

    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "no")

    with monkeypatch.context() as patched:
        patched.setattr(temporaries.shutil, "rmtree", refuse)
        with pytest.raises(ResourceError, match="could not be removed"), private_temporary(tmp_path / "a"):
            pass
        with pytest.raises(UsageError, match="first"), private_temporary(tmp_path / "a"):
            raise UsageError("first")
    noted = [record.getMessage() for record in caplog.records]
    left = len(list(tmp_path.iterdir()))
    sweep(tmp_path / "a")

    assert 2 == left
    assert [True] == ["could not be removed" in said for said in noted]
    assert [] == list(tmp_path.iterdir())
