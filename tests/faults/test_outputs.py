"""Outputs and the ledger survive any fault of the disk: the old one is intact or the new one whole."""

import hashlib

import numpy as np
import pytest

from pprl.errors import AuthenticationError
from pprl.exchange.ledger import Ledger
from pprl.exchange.package import Package, read_package
from pprl.files import give_name, private_temporary, write_bytes, write_folder, write_whole
from pprl.model import BitMatrix, CheckTags, Provenance

OLD, NEW = b"old" * 1000, b"new" * 5000
CONTENTS = {"a": b"one", "b": b"two", "c": b"three"}


def nothing(_folder):
    """What is there before, where there is nothing."""


def content(path):
    return path.read_bytes() if path.is_file() else None


def package(n_records):
    rng = np.random.default_rng(1)
    return Package(
        record_ids=np.array([f"id-{i}".encode() for i in range(n_records)], dtype="S10"),
        passes={"one": BitMatrix.from_bools(rng.random((n_records, 256)) < 0.5)},
        present={"one": np.ones(n_records, dtype=bool)},
        project="study",
        epoch=1,
        fingerprint="0" * 64,
        check_tags=CheckTags(key="a" * 32, encoder="b" * 32),
        provenance=Provenance(software="test 1", unicode_version="14.0.0"),
    )


@pytest.mark.parametrize("force", [False, True])
def test_a_new_file_is_whole_or_not_there(faults, scenario, force):
    """Nothing had the name before."""

    def act(folder):
        with write_whole(folder / "a", force=force) as stream:
            stream.write(NEW[:1000])
            stream.flush()
            stream.write(NEW[1000:])

    n_calls = faults.survive(
        scenario(
            prepare=nothing,
            act=act,
            is_old=lambda folder: not (folder / "a").exists(),
            is_new=lambda folder: content(folder / "a") == NEW,
        )
    )

    assert n_calls >= 7


def test_a_replaced_file_is_the_old_or_the_new(faults, scenario):
    """Never half of either."""
    n_calls = faults.survive(
        scenario(
            prepare=lambda folder: write_bytes(folder / "a", OLD),
            act=lambda folder: write_bytes(folder / "a", NEW, force=True),
            is_old=lambda folder: content(folder / "a") == OLD,
            is_new=lambda folder: content(folder / "a") == NEW,
        )
    )

    assert n_calls >= 6


def test_a_new_folder_is_whole_or_not_there(faults, scenario):
    """With all its files."""

    def is_new(folder):
        return all(content(folder / "deep" / "out" / name) == held for name, held in CONTENTS.items())

    n_calls = faults.survive(
        scenario(
            prepare=nothing,
            act=lambda folder: write_folder(folder / "deep" / "out", CONTENTS),
            is_old=lambda folder: not (folder / "deep" / "out").exists(),
            is_new=is_new,
        )
    )

    assert n_calls >= 15


def test_in_a_folder_that_is_there_each_file_is_the_old_or_the_new(faults, scenario):
    """Several names cannot change at one moment, but each is whole."""

    def is_whole(folder):
        held = {name: content(folder / "out" / name) for name in CONTENTS}
        return all(held[name] in {OLD, CONTENTS[name]} for name in CONTENTS)

    faults.survive(
        scenario(
            prepare=lambda folder: write_folder(folder / "out", dict.fromkeys(CONTENTS, OLD)),
            act=lambda folder: write_folder(folder / "out", CONTENTS, force=True),
            is_old=is_whole,
            is_new=lambda folder: all(
                content(folder / "out" / name) == held for name, held in CONTENTS.items()
            ),
        )
    )


def test_a_package_is_whole_or_not_there(faults, scenario):
    """As `EncodedDataset.save` writes it."""
    saved = package(100)

    def is_new(folder):
        return (folder / "a.pprl").exists() and read_package(folder / "a.pprl").ids() == saved.ids()

    n_calls = faults.survive(
        scenario(
            prepare=nothing,
            act=lambda folder: saved.save(folder / "a.pprl"),
            is_old=lambda folder: not (folder / "a.pprl").exists(),
            is_new=is_new,
        )
    )

    assert n_calls >= 7


def begun(folder):
    ledger = Ledger.open(folder / "ledger.jsonl")
    for number in (1, 2):
        ledger.append(event="seal", outcome="done", peer="unit", purpose="encodings", sequence=number)


def entries(folder):
    """The numbers of the packages that were sent; a broken chain raises."""
    found = Ledger.open(folder / "ledger.jsonl", create=False).entries()
    return [entry.sequence for entry in found if entry.event == "seal"]


def test_a_ledger_has_the_entry_or_has_it_not(faults, scenario):
    """The chain stays whole, and an entry that was told to be written is there."""

    def act(folder):
        ledger = Ledger.open(folder / "ledger.jsonl", create=False)
        ledger.append(event="seal", outcome="done", peer="unit", purpose="encodings", sequence=3)

    def again(folder):
        for torn in folder.glob("*.torn-*"):
            torn.unlink()  # they are kept on purpose
        if entries(folder) == [1, 2]:
            act(folder)
        for torn in folder.glob("*.torn-*"):
            torn.unlink()

    n_calls = faults.survive(
        scenario(
            prepare=begun,
            act=act,
            is_old=lambda folder: entries(folder) == [1, 2],
            is_new=lambda folder: entries(folder) == [1, 2, 3],
            again=again,
        )
    )

    assert n_calls >= 4


TORN = b'{"number":3,"time":"20'
KEPT = f"ledger.jsonl.torn-000003-{hashlib.sha256(TORN).hexdigest()[:8]}"


def torn(folder):
    begun(folder)
    with (folder / "ledger.jsonl").open("ab") as stream:
        stream.write(TORN)


def test_a_torn_ledger_is_mended_whatever_happens(faults, scenario):
    """The recovery may be disturbed as well: what was torn is kept, and noted."""

    def act(folder):
        Ledger.open(folder / "ledger.jsonl", create=False).append(
            event="seal", outcome="done", peer="unit", purpose="encodings", sequence=3
        )

    def again(folder):
        if entries(folder) == [1, 2]:
            act(folder)
        for other in set(folder.glob("*.torn-*")) - {folder / KEPT}:
            other.unlink()  # of an entry that the fault has torn: kept on purpose as well

    def is_new(folder):
        noted = [entry.event for entry in Ledger.open(folder / "ledger.jsonl").entries()]
        return (
            noted.count("recovery") >= 1 and entries(folder) == [1, 2, 3] and content(folder / KEPT) == TORN
        )

    n_calls = faults.survive(
        scenario(
            prepare=torn,
            act=act,
            is_old=lambda folder: entries(folder) == [1, 2],
            is_new=is_new,
            again=again,
        )
    )

    assert n_calls >= 15


def test_what_was_decrypted_does_not_stay(faults, scenario):
    """A private temporary is gone after the next run of the same command."""

    def act(folder):
        with private_temporary(folder / "a") as private:
            write_bytes(private / "payload", NEW)
            give_name(private / "payload", folder / "a")

    def again(folder):
        if not (folder / "a").exists():
            act(folder)
        else:
            with private_temporary(folder / "a"):
                pass

    faults.survive(
        scenario(
            prepare=nothing,
            act=act,
            is_old=lambda folder: not (folder / "a").exists(),
            is_new=lambda folder: content(folder / "a") == NEW,
            again=again,
        )
    )


def test_the_harness_sees_what_is_not_whole(faults, scenario):
    """A file written in its place fails every trial."""

    def act(folder):
        with (folder / "a").open("wb") as stream:
            stream.write(NEW)

    with pytest.raises((AssertionError, OSError)):
        faults.survive(
            scenario(
                prepare=lambda folder: (folder / "a").write_bytes(OLD),
                act=act,
                is_old=lambda folder: content(folder / "a") == OLD,
                is_new=lambda folder: content(folder / "a") == NEW,
            )
        )


def test_a_ledger_that_was_cut_within_is_no_old_output(tmp_path):
    """The check that the trials rely on."""
    begun(tmp_path)
    lines = (tmp_path / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "ledger.jsonl").write_bytes(lines[1])

    with pytest.raises(AuthenticationError):
        entries(tmp_path)
