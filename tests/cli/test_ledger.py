"""`pprl ledger` and `pprl retire`."""

import json

import pytest


@pytest.fixture
def party(pprl):
    """The command line in a folder with the folder of a custodian, and a file."""
    assert 0 == pprl("party", "new", "--name", "trust", "--role", "custodian", "--out", "trust")
    (pprl.folder / "a.csv").write_bytes(b"name\nann\n")
    return pprl


def retired(pprl, *options):
    return pprl("retire", "a.csv", "--party", "trust", "--out", "record.json", "--yes", *options)


def test_a_ledger_is_shown_and_is_whole(party):
    """With what was done, and nothing about a person."""
    assert 0 == retired(party)
    assert "backups" in party.err

    assert 0 == party("ledger", "show", "--party", "trust")
    assert "retire" in party.out
    assert 0 == party("ledger", "show", "--party", "trust", "--json", "--last", 1)
    assert ["retire"] == [entry["event"] for entry in json.loads(party.out)["entries"]]
    assert 0 == party("ledger", "verify", "--party", "trust")
    assert "whole: 2 entries" in party.out
    assert "cut off at the end" in party.err
    assert not (party.folder / "a.csv").exists()


def test_a_head_that_was_noted_tells_of_a_cut(party):
    """Exit status 5."""
    assert 0 == retired(party)
    assert 0 == party("ledger", "show", "--party", "trust", "--head")
    n_entries, head = party.out.split()
    assert 0 == party("ledger", "verify", "--party", "trust", "--head", head)
    ledger = party.folder / "trust" / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().splitlines(keepends=True)[0])

    assert 5 == party("ledger", "verify", "--party", "trust", "--head", head)
    assert "ledger-shortened" in party.err
    assert "2" == n_entries
    assert 2 == party("ledger", "verify", "--party", "trust", "--head", "A" * 64)
    assert "A" * 64 not in party.err


def test_a_broken_ledger_is_told_with_its_line(party):
    """And nothing else goes on."""
    ledger = party.folder / "trust" / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b"done", b"dune"))

    for command in ("show", "verify"):
        assert 5 == party("ledger", command, "--party", "trust")
        assert "line 1" in party.err
    assert 5 == retired(party)
    assert (party.folder / "a.csv").exists()


def test_a_torn_line_is_told(party):
    """It is no damage."""
    with (party.folder / "trust" / "ledger.jsonl").open("ab") as stream:
        stream.write(b'{"num')

    assert 0 == party("ledger", "verify", "--party", "trust")
    assert "cut off by a crash" in party.err


def test_a_folder_without_a_ledger_is_refused(party):
    """Exit status 4: a ledger that is gone knows of no replay."""
    assert 4 == party("ledger", "show", "--party", "nowhere")
    assert "ledger-missing" in party.err


def test_a_clock_is_put_right_with_a_reason(party):
    """Which is in the ledger, and tells of nobody."""
    assert 0 == party("ledger", "clock", "--party", "trust", "--reason", "the battery was flat")
    assert 4 == party("ledger", "clock", "--party", "trust", "--reason", "for 943 476 5919")
    assert "943" not in party.err
    assert 2 == party("ledger", "clock", "--party", "trust")

    assert 0 == party("ledger", "show", "--party", "trust")
    assert "the battery was flat" in party.out


def test_deleting_asks_first(party):
    """Without a terminal it needs --yes."""
    assert 2 == party("retire", "a.csv", "--party", "trust", "--out", "record.json")

    assert "--yes" in party.err
    assert (party.folder / "a.csv").exists()
