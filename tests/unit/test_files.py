"""Outputs appear whole or not at all; inputs are regular files that stay as they are."""

import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from pprl.errors import DataError, PolicyError, ResourceError, UsageError
from pprl.files import (
    make_folder,
    open_regular,
    read_bytes,
    refuse_existing,
    rewrite_own,
    write_bytes,
    write_folder,
    write_whole,
)

posix = pytest.mark.skipif(os.name == "nt", reason="modes and special files are a POSIX matter")


def test_nothing_remains_of_an_output_that_failed(tmp_path):
    """Neither under its name nor under a temporary one."""
    with pytest.raises(KeyboardInterrupt), write_whole(tmp_path / "a") as stream:
        stream.write(b"half")
        raise KeyboardInterrupt

    assert [] == list(tmp_path.iterdir())


def test_an_output_is_not_overwritten(tmp_path):
    """Unless told to."""
    write_bytes(tmp_path / "a", b"first")

    with pytest.raises(UsageError, match="exists"):
        write_bytes(tmp_path / "a", b"second")
    assert b"first" == (tmp_path / "a").read_bytes()
    write_bytes(tmp_path / "a", b"second", force=True)
    assert b"second" == (tmp_path / "a").read_bytes()


def test_of_two_runs_at_once_one_loses(tmp_path):
    """A name that was taken while writing is not overwritten."""
    with pytest.raises(UsageError, match="another run"), write_whole(tmp_path / "a") as stream:
        stream.write(b"late")
        (tmp_path / "a").write_bytes(b"early")

    assert [b"early"] == [path.read_bytes() for path in tmp_path.iterdir()]


def test_a_file_system_without_hard_links_will_do(tmp_path, monkeypatch):
    """FAT and some network drives have none."""

    def refuse(_source: object, _target: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)

    write_bytes(tmp_path / "a", b"whole")

    assert [b"whole"] == [path.read_bytes() for path in tmp_path.iterdir()]


@posix
def test_outputs_are_for_their_owner_whatever_the_umask(tmp_path):
    """Mode 0600 under umask 000."""
    before = os.umask(0)
    try:
        write_bytes(tmp_path / "a", b"")
    finally:
        os.umask(before)

    assert 0o600 == (tmp_path / "a").stat().st_mode & 0o777


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES])
def test_a_fault_of_the_disk_leaves_the_old_output(tmp_path, monkeypatch, fault):
    """A full or failing disk, found when the file is flushed."""
    write_bytes(tmp_path / "a", b"old")

    def fail(_descriptor: int) -> None:
        raise OSError(fault, "fault")

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(ResourceError):
        write_bytes(tmp_path / "a", b"new", force=True)
    assert [b"old"] == [path.read_bytes() for path in tmp_path.iterdir()]


def test_a_folder_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    """The second file fails, and the first is gone."""
    calls = []
    sync = os.fsync

    def fail_second(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:  # the second file
            raise OSError(errno.ENOSPC, "full")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fail_second)

    with pytest.raises(ResourceError, match="space"):
        write_folder(tmp_path / "out", {"a": b"1", "b": b"2"})
    assert [] == list(tmp_path.iterdir())


def test_files_of_a_folder_get_their_names_when_all_are_on_the_disk(tmp_path, monkeypatch):
    """If the second of two cannot be named, neither is there."""
    link, calls = os.link, []

    def fail_second(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            raise FileExistsError(errno.EEXIST, "taken")
        link(*arguments)

    (tmp_path / "out").mkdir()
    monkeypatch.setattr(os, "link", fail_second)

    with pytest.raises(UsageError, match="output b: was made by another run"):
        write_folder(tmp_path / "out", {"a": b"1", "b": b"2"})
    assert [] == list((tmp_path / "out").iterdir())


@posix
def test_folders_are_for_their_owner_whatever_the_umask(tmp_path):
    """Also those above the last one."""
    before = os.umask(0)
    try:
        make_folder(tmp_path / "a" / "b")
        write_folder(tmp_path / "c" / "d", {"e": b""})
    finally:
        os.umask(before)

    modes = {
        path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")
    }
    assert dict.fromkeys(("a", "a/b", "c", "c/d"), 0o700) | {"c/d/e": 0o600} == modes


def test_a_folder_that_fails_to_be_flushed_is_told(tmp_path, monkeypatch):
    """The file is whole, but whether it survives a power cut is not known."""
    sync = os.fsync

    def fail_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "fault")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fail_folders)

    with pytest.raises(ResourceError, match="EIO"):
        write_bytes(tmp_path / "a", b"whole")
    assert [b"whole"] == [path.read_bytes() for path in tmp_path.iterdir()]


def test_a_missing_folder_is_named(tmp_path):
    """It is not made silently."""
    with pytest.raises(UsageError, match="folder"):
        write_bytes(tmp_path / "no" / "a", b"")


def test_a_missing_input_is_refused(tmp_path):
    """With the name that the caller gave it."""
    with (
        pytest.raises(DataError, match="table x: does not exist"),
        open_regular(tmp_path / "x", what="table x"),
    ):
        pass


@posix
def test_only_regular_files_are_read(tmp_path):
    """A folder, a pipe, a socket, a device and a link to nothing are refused, and nothing waits."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    places = [tmp_path, tmp_path / "pipe", tmp_path / "dangling", tmp_path / "socket", Path("/dev/null")]

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        for place in places:
            with pytest.raises(DataError), open_regular(place, what="input"):
                pass


@posix
@pytest.mark.parametrize("force", [False, True])
def test_only_regular_files_are_replaced(tmp_path, force):
    """Nobody loses a device, a pipe or a folder to --force."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")

    for name in ("pipe", "folder", "link"):
        with pytest.raises(UsageError, match="in its place"):
            write_bytes(tmp_path / name, b"", force=force)

    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path):
    """Somebody appends to it."""
    (tmp_path / "a").write_bytes(b"one")

    with pytest.raises(DataError, match="changed"), open_regular(tmp_path / "a", what="input") as stream:
        stream.read()
        with (tmp_path / "a").open("ab") as other:
            other.write(b"two")


def test_a_file_without_permission_is_a_matter_of_resources(tmp_path, monkeypatch):
    """Exit status 6, as tests may run as root."""

    def refuse(*_arguments: object) -> int:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(os, "open", refuse)

    with pytest.raises(ResourceError, match="permission"), open_regular(tmp_path / "a", what="input"):
        pass


def test_small_files_have_a_limit(tmp_path):
    """So nobody fills the memory with an agreement."""
    (tmp_path / "a").write_bytes(b"12345")

    with pytest.raises(DataError, match="longer than 4"):
        read_bytes(tmp_path / "a", what="input", limit=4)


OWN = [
    "identity",
    "party.toml",
    "PARTY.TOML",
    "ledger.jsonl",
    "ledger.jsonl.torn-000001-0a",
    "project.key",
    "Project.key",
    "agreements.json",
    "retiring.json",
    "peers/0a.json",
    "id-maps/0a.age",
    "ceremony-1-0a/1-commit.json",
]


def party_folder(folder):
    """What makes a folder that of a party."""
    for name in ("identity", "party.toml"):
        (folder / name).write_bytes(b"own")
    return folder


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize(
    "write", [write_bytes, lambda path, content, force: refuse_existing(path, force=force)]
)
def test_what_a_party_keeps_is_never_replaced(tmp_path, name, write):
    """Not even with --force, and not by way of a link or a folder above."""
    place = party_folder(tmp_path) / name
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"own")
    (tmp_path / "sub").mkdir()

    for path in (place, tmp_path / "sub" / ".." / name):
        with pytest.raises(PolicyError) as caught:
            write(path, b"new", force=True)
        assert "policy/output-is-own" == caught.value.code
    assert b"own" == place.read_bytes()


def test_no_folder_of_outputs_replaces_what_a_party_keeps(tmp_path):
    """Nothing of it is written."""
    party_folder(tmp_path)

    with pytest.raises(PolicyError):
        write_folder(tmp_path, {"links.csv": b"new", "identity": b"new"}, force=True)
    assert b"own" == (tmp_path / "identity").read_bytes()
    assert not (tmp_path / "links.csv").exists()


def test_other_names_in_a_partys_folder_are_free(tmp_path):
    """And the names of its own are free where no party is."""
    party_folder(tmp_path)
    (tmp_path / "below").mkdir()
    for place in (tmp_path / "a.csv", tmp_path / "below" / "project.key"):
        for content in (b"first", b"second"):
            write_bytes(place, content, force=True)

        assert b"second" == place.read_bytes()


def test_a_party_rewrites_its_own(tmp_path):
    """As its ledger and its plans need."""
    rewrite_own(party_folder(tmp_path) / "retiring.json", b"first")
    rewrite_own(tmp_path / "retiring.json", b"second")

    assert b"second" == (tmp_path / "retiring.json").read_bytes()
