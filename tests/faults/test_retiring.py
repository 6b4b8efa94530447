"""Deleting survives any fault: what is gone is in a record, or in a plan that the next run finishes."""

import hashlib
import shutil
from contextlib import suppress

import pytest

from pprl.errors import AuthenticationError, DataError
from pprl.exchange.deletions import read_record
from pprl.exchange.identities import Identity
from pprl.exchange.store import Store
from pprl.workflow.retiring import PLAN, retire

TRUST = Identity.generate("trust", "custodian")
FILES = {"a.csv": b"one", "b.csv": b"two"}
DIGESTS = [hashlib.sha256(content).hexdigest() for content in FILES.values()]


@pytest.fixture
def prepare(tmp_path):
    """Copy a party's folder, and put two files beside it."""
    Store.create(tmp_path / "trust", TRUST, passphrase=None)

    def copy(folder):
        shutil.copytree(tmp_path / "trust", folder / "trust")
        for name, content in FILES.items():
            (folder / name).write_bytes(content)

    return copy


def store_of(folder):
    return Store(folder / "trust", TRUST)


def is_recorded(folder):
    try:
        record = read_record(folder / "record.json", TRUST.party)
    except (DataError, AuthenticationError):
        return False
    return [one.sha256 for one in record.files] == DIGESTS


def is_old(folder):
    """Nothing that is gone is forgotten."""
    gone = [name for name in FILES if not (folder / name).exists()]
    store_of(folder).ledger.verify()
    return not gone or (folder / "trust" / PLAN).exists() or is_recorded(folder)


def is_new(folder):
    done = [
        one for one in store_of(folder).ledger.entries() if (one.event, one.outcome) == ("retire", "done")
    ]
    return is_recorded(folder) and len(done) == 1 and not any((folder / name).exists() for name in FILES)


def test_what_is_gone_is_in_a_record(faults, scenario, prepare):
    """And in the ledger once."""

    def act(folder):
        retire([folder / name for name in FILES], store=store_of(folder), out=folder / "record.json")

    def again(folder):
        with suppress(DataError):  # there is nothing left to delete
            act(folder)
        for torn in folder.glob("trust/*.torn-*"):
            torn.unlink()  # kept on purpose

    n_calls = faults.survive(scenario(prepare=prepare, act=act, is_old=is_old, is_new=is_new, again=again))

    assert n_calls >= 20
