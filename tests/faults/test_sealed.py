"""Sealing and opening survive any fault of the disk."""

import shutil

import pytest

from pprl.errors import UsageError
from pprl.exchange import clock, opening
from pprl.exchange.contents import Facts
from pprl.exchange.opening import open_sealed
from pprl.exchange.sealing import of_bytes, seal
from pprl.exchange.store import Store
from pprl.exchange.unsealing import unseal
from pprl.workflow.exchanging import terms_of

PAGE = b"<!doctype html>" + bytes(200_000)
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
        last = store(trial, "unit").ledger.last_sequence("trust", "report", "sent")
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


def test_a_package_is_opened_whole_or_not_at_all(faults, scenario, parties, monkeypatch, tmp_path):
    """Nothing in the clear is left, and after a fault it can be opened."""
    prepare, store, agreed = parties
    prepare(tmp_path)
    monkeypatch.setattr(opening, "check_apart", lambda *_, **__: Facts(rows=1))
    sealed = seal(
        of_bytes(PAGE, "report", "html"),
        tmp_path,
        store=store(tmp_path, "unit"),
        terms=terms_of(agreed),
        recipient=agreed.party("trust"),
        now=clock.now(),
    ).path

    def act(trial):
        open_sealed(
            sealed,
            trial / "report.html",
            store=store(trial, "trust"),
            terms=terms_of(agreed),
            party=agreed.party,
            expected=None,
            now=clock.now(),
        )

    def again(trial):
        try:
            act(trial)
        except UsageError:  # the output is there
            pass
        finally:
            without_torn_lines(trial)

    def is_new(trial):
        path = trial / "report.html"
        return path.exists() and path.read_bytes() == PAGE

    n_calls = faults.survive(
        scenario(
            prepare=prepare,
            act=act,
            is_old=lambda trial: not (trial / "report.html").exists(),
            is_new=is_new,
            again=again,
        )
    )

    assert n_calls >= 20
