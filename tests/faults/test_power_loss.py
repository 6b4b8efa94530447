"""A power cut at any moment, when only what was flushed is on the disk."""

import os
import stat
import sys

import pytest

from pprl.exchange.ledger import Ledger
from pprl.files import give_name, private_temporary, write_bytes, write_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders are not flushed there")

OLD, NEW = b"old" * 100, b"new" * 500


class Platter:
    """What is on the disk for certain: content by file and names by folder, as of the last flush of each."""

    def __init__(self, folder):
        self.folder = folder
        self.content = {path.stat().st_ino: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        self.names = self.now()

    def now(self):
        """Names as a program sees them."""
        return {
            path.relative_to(self.folder).as_posix(): path.stat().st_ino
            for path in self.folder.rglob("*")
            if path.is_file()
        }

    def flushed(self, descriptor):
        """Keep what a flush brings to the disk."""
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            self.names = self.now()
        else:
            self.content |= {
                inode: (self.folder / name).read_bytes()
                for name, inode in self.now().items()
                if inode == status.st_ino
            }

    def after_a_cut(self, name):
        """What a file may hold: its name may have reached the disk before a flush, its content may not."""
        return [
            self.content.get(names[name], b"") if name in names else None
            for names in (self.names, self.now())
        ]


def cut_everywhere(disk, folder, name, act):
    """Act, and give all that a power cut after any call could have left, and what is there in the end."""
    platter = Platter(folder)
    left = set(platter.after_a_cut(name))

    def watch(call, on):
        if call == "fsync":
            platter.flushed(on)
        left.update(platter.after_a_cut(name))

    disk.watch = watch
    with disk.failing():
        act()
    certain = platter.content.get(platter.names.get(name))
    return left, certain


def test_a_new_file_is_not_there_or_whole(disk, tmp_path):
    """And it is there for certain once the call has returned."""
    left, certain = cut_everywhere(disk, tmp_path, "a", lambda: write_bytes(tmp_path / "a", NEW))

    assert {None, NEW} == left
    assert NEW == certain


def test_a_replaced_file_is_the_old_or_the_new(disk, tmp_path):
    """Never empty, which is what a rename without a flush leaves."""
    write_bytes(tmp_path / "a", OLD)

    left, certain = cut_everywhere(disk, tmp_path, "a", lambda: write_bytes(tmp_path / "a", NEW, force=True))

    assert {OLD, NEW} == left
    assert NEW == certain


def test_a_folder_is_not_there_or_whole(disk, tmp_path):
    """Its last file is flushed before the folder has its name."""
    left, certain = cut_everywhere(
        disk, tmp_path, "out/b", lambda: write_folder(tmp_path / "out", {"a": OLD, "b": NEW})
    )

    assert {None, NEW} == left
    assert NEW == certain


def test_what_was_opened_is_not_there_or_whole(disk, tmp_path):
    """From a private temporary to its name."""

    def act():
        with private_temporary(tmp_path / "a") as private:
            write_bytes(private / "payload", NEW)
            give_name(private / "payload", tmp_path / "a")

    left, certain = cut_everywhere(disk, tmp_path, "a", act)

    assert {None, NEW} == left
    assert NEW == certain


def test_an_entry_is_there_once_it_was_told_to_be(disk, tmp_path):
    """Before the flush the old ledger is on the disk, after it the new one."""
    ledger = Ledger.open(tmp_path / "ledger.jsonl")
    ledger.append(event="seal", outcome="done")
    before = (tmp_path / "ledger.jsonl").read_bytes()

    left, certain = cut_everywhere(
        disk, tmp_path, "ledger.jsonl", lambda: ledger.append(event="open", outcome="done")
    )

    after = (tmp_path / "ledger.jsonl").read_bytes()
    assert {before, after} == left
    assert after == certain


def test_the_model_sees_a_missing_flush(disk, tmp_path):
    """A rename without one may leave an empty file."""
    write_bytes(tmp_path / "a", OLD)

    def act():
        (tmp_path / "b").write_bytes(NEW)
        (tmp_path / "b").replace(tmp_path / "a")

    left, certain = cut_everywhere(disk, tmp_path, "a", act)

    assert b"" in left
    assert OLD == certain
