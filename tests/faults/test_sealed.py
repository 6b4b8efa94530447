"""Sealing and opening survive any fault of the disk."""

import errno
import shutil

import pytest

from pprl.errors import PolicyError, UsageError
from pprl.exchange import clock, opening
from pprl.exchange.noting import received
from pprl.exchange.opening import open_sealed
from pprl.exchange.package import read_package
from pprl.exchange.sealing import of_bytes, seal
from pprl.exchange.store import Store
from pprl.exchange.unsealing import unseal
from pprl.workflow.exchanging import terms_of

PAGE = b"<!doctype html>" + b"x" * 200_000
NAME = "0" * 32


@pytest.fixture
def parties(gathered, identities):
    """Put the folders of two parties into a trial, and give what they agreed."""
    folder, signed = gathered

    def prepare(trial):
        for name in ("unit", "trust"):
            shutil.copytree(folder / name, trial / name)

    def store(trial, name):
        return Store(trial / name, identities[name])

    return prepare, store, signed.agreement


def without_torn_lines(trial):
    for torn in trial.rglob("ledger.jsonl.torn-*"):
        torn.unlink()  # they are kept on purpose


def test_a_package_is_sealed_whole_or_not_at_all(faults, scenario, parties):
    """And none is there that is not in the ledger."""
    prepare, store, agreed = parties

    def act(trial):
        seal(
            of_bytes(PAGE, "report", "html"),
            trial,
            store=store(trial, "unit"),
            terms=terms_of(agreed),
            recipient=agreed.party("trust"),
            now=clock.now(),
            package_id=NAME,
        )

    def is_new(trial):
        path = trial / f"{NAME}.age"
        if not path.exists():
            return False
        target = trial / "payload"
        unseal(path, target, store(trial, "trust"))
        is_whole = target.read_bytes() == PAGE
        target.unlink()
        last = store(trial, "unit").ledger.last_sequence("trust", "report", "sent", agreed.fingerprint)
        return is_whole and last >= 1

    def again(trial):
        try:
            act(trial)
        finally:
            without_torn_lines(trial)

    n_calls = faults.survive(
        scenario(
            prepare=prepare,
            act=act,
            is_old=lambda trial: not list(trial.glob("*.age")),
            is_new=is_new,
            again=again,
        )
    )

    assert n_calls >= 15


def digest_of(path):
    """Give the digest that a package states, if all of it has those that it states."""
    if not path.exists():
        return ""
    read_package(path)
    return path.read_bytes().split(b"\n", 1)[0][-64:].decode()


@pytest.fixture
def opening_once(scenario, parties, meeting):
    """Opening encodings at the linkage unit; their sender can be asked to seal them once more."""
    prepare, store, agreed = parties
    first, second = [meeting.seal() for _ in range(2)]

    def opened(trial, sent):
        open_sealed(
            sent.path,
            trial / "a.pprl",
            store=store(trial, "unit"),
            terms=terms_of(agreed),
            party=agreed.party,
            expected="encodings",
            now=clock.now(),
        )

    def act(trial):
        opened(trial, first)

    def believed(trial):
        return received(store(trial, "unit").ledger).packages

    def is_new(trial):
        digests = {one.manifest.sha256: one.manifest.package_id for one in (first, second)}
        package = digests.get(digest_of(trial / "a.pprl"), "")
        return package in believed(trial) and any((trial / "unit" / "peers").glob("*.json"))

    def again(trial):
        try:
            act(trial)
        except UsageError:  # the output is there
            pass
        except PolicyError as error:
            # Killed between the entry and the name: the sender is asked to seal it again.
            if error.code != "policy/replayed":
                raise
            opened(trial, second)
            (trial / "unit" / "peers" / f"{second.manifest.package_id}.json").rename(
                trial / "unit" / "peers" / f"{first.manifest.package_id}.json"
            )
        finally:
            without_torn_lines(trial)

    return scenario(
        prepare=prepare,
        act=act,
        is_old=lambda trial: not (trial / "a.pprl").exists(),
        is_new=is_new,
        again=again,
    )


def test_encodings_are_opened_whole_or_not_at_all(faults, opening_once, monkeypatch):
    """Nothing is visible that is not in the ledger, nothing is left, and it can be opened after a fault."""
    real, known = opening.check_apart, []

    def once(*arguments, **options):
        """Ask the other process once: it writes nothing, and both packages have the same rows."""
        if not known:
            known.append(real(*arguments, **options))
        return known[0]

    monkeypatch.setattr(opening, "check_apart", once)

    assert faults.survive(opening_once) >= 20


def test_with_the_other_process_it_is_the_same(faults, opening_once):
    """On a full disk, at every call; the process is started each time."""
    clean = faults._prepared(opening_once)
    opening_once.act(clean)
    expected = listing_of(clean)

    faults._until_it_passes(opening_once, errno.ENOSPC, faults._fail, expected)

    assert opening_once.is_new(clean)


def listing_of(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
