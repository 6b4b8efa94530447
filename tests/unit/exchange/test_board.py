"""A board shows what claims to be a message, and keeps what is there."""

import os

import pytest

from pprl.errors import DataError, PolicyError, UsageError
from pprl.exchange.board import Board, notice_name, share_name


@pytest.mark.parametrize(
    ("file", "meant"),
    [
        ("1-commit.json", "1-commit.json"),
        ("01-commit.json", "1-commit.json"),
        ("1-commit (1).json", "1-commit.json"),
        ("2-for-12.age", "2-for-12.age"),
        ("2-for-1-from-laptop.age", "2-for-1.age"),
        ("12-closing.json", "12-closing.json"),
    ],
)
def test_names_that_programs_change_are_still_known(tmp_path, file, meant):
    """The numbers tell whose it is."""
    (tmp_path / file).write_bytes(b"text")

    board = Board.look(tmp_path, n_custodians=12)

    assert (b"text",) == board.read(meant, limit=10)


@pytest.mark.parametrize(
    "file", ["commit.json", "1-commit.json.sig", "1-for-2.json", ".1-commit.json", "a1-closing.json"]
)
def test_other_names_are_nobodys(tmp_path, file):
    """They are neither read nor refused."""
    (tmp_path / file).write_bytes(b"text")

    assert {} == Board.look(tmp_path, n_custodians=2).files


@pytest.mark.parametrize("file", ["3-commit.json", "0-commit.json", "1-for-3.age", "3-for-1.age"])
def test_numbers_that_nobody_has_are_refused(tmp_path, file):
    """A board is for one ceremony."""
    (tmp_path / file).touch()

    with pytest.raises(PolicyError) as caught:
        Board.look(tmp_path, n_custodians=2)
    assert "policy/ceremony-stranger" == caught.value.code


def test_what_is_there_is_not_replaced(tmp_path):
    """Also if it came after the look."""
    board = Board.look(tmp_path, n_custodians=2)
    (tmp_path / "1-commit.json").write_bytes(b"theirs")

    assert not board.publish("1-commit.json", b"ours")
    assert board.publish("1-closing.json", b"ours")
    assert b"theirs" == (tmp_path / "1-commit.json").read_bytes()


def test_equal_files_count_once_and_long_ones_are_refused(tmp_path):
    """A limit holds before anything is believed."""
    for name in ("1-commit.json", "1-commit (1).json"):
        (tmp_path / name).write_bytes(b"text")
    board = Board.look(tmp_path, n_custodians=2)

    assert (b"text",) == board.read("1-commit.json", limit=4)
    with pytest.raises(DataError):
        board.read("1-commit.json", limit=3)


@pytest.mark.skipif(os.name == "nt", reason="modes of files are a POSIX matter")
@pytest.mark.parametrize(("umask", "mode"), [(0, 0o644), (0o022, 0o644), (0o077, 0o600)])
def test_what_is_published_may_be_carried_by_others(tmp_path, umask, mode):
    """It is public or sealed; whose umask says no is asked first."""
    before = os.umask(umask)
    try:
        Board.look(tmp_path, n_custodians=2).publish("1-commit.json", b"ours")
    finally:
        os.umask(before)

    assert mode == (tmp_path / "1-commit.json").stat().st_mode & 0o777


@pytest.mark.parametrize(("n_copies", "is_refused"), [(8, False), (9, True)])
def test_copies_of_a_message_are_few(tmp_path, n_copies, is_refused):
    """More are no accident of mail, and each of them costs work."""
    for number in range(n_copies):
        (tmp_path / f"1-commit ({number}).json").write_bytes(bytes([number]))
    board = Board.look(tmp_path, n_custodians=2)

    if is_refused:
        with pytest.raises(DataError) as caught:
            board.read("1-commit.json", limit=10)
        assert "data/board-copies" == caught.value.code
    else:
        assert n_copies == len(board.read("1-commit.json", limit=10))


def test_a_board_that_is_not_there_is_said(tmp_path):
    """It is not made: the name may be a mistake."""
    with pytest.raises(UsageError) as caught:
        Board.look(tmp_path / "bord", n_custodians=2)
    assert "usage/no-board" == caught.value.code
    assert "bord" not in caught.value.message


def test_names_hold_numbers_only():
    """No organisation is told by a name."""
    assert ("2-closing.json", "1-for-2.age") == (notice_name("closing", 2), share_name(1, 2))
