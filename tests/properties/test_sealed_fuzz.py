"""Sealed files that were altered anywhere are refused, cheaply and with declared errors only."""

import io
import os
import shutil
import tracemalloc

import numpy as np
import pytest

from pprl.errors import PprlError
from pprl.exchange import clock
from pprl.exchange.age import decrypt_stream, encrypt_stream
from pprl.exchange.envelope import PRELUDE_BYTES, parse_prelude
from pprl.exchange.opening import open_sealed
from pprl.exchange.store import Store
from pprl.workflow.exchanging import seal_package, terms_of

N_MUTATIONS = 10_000
FIRST_BYTES, LAST_BYTES = 8 << 10, 64 << 10
MOST_BYTES = 50 << 20
STEP = 1 if os.environ.get("PPRL_EVERY_BYTE") else 13  # every byte of the end takes half a minute


@pytest.fixture(scope="module")
def sealed(tmp_path_factory, identities, gathered):
    """A sealed report for the research environment, over two chunks long."""
    folder = tmp_path_factory.mktemp("fuzz")
    page = folder / "report.html"
    page.write_bytes(b"<!doctype html>" + np.random.default_rng(1).bytes(80_000).hex().encode())
    shutil.copytree(gathered[0] / "unit", folder / "unit")  # others begin with an empty ledger
    unit = Store(folder / "unit", identities["unit"])
    sent = seal_package(page, folder, purpose="report", to="safe-haven", store=unit, agreement=gathered[1])
    return sent.path.read_bytes()


class Recipient:
    """Opens whatever it gets as `pprl open` does, and then forgets that it did."""

    def __init__(self, folder, identity, agreed) -> None:
        self.folder = folder
        self.store = Store(folder / "safe-haven", identity)
        self.agreed, self.terms = agreed, terms_of(agreed)
        self.sealed, self.out = folder / "hostile.age", folder / "opened.html"
        self.ledger = self.store.ledger.path
        self.listing = sorted(folder.rglob("*"))
        self.n_opened = 0

    def accepts(self, content: bytes) -> bool:
        """Say whether a file is opened; only a declared error may come out, and nothing be left."""
        self.sealed.write_bytes(content)
        return self.accepts_file()

    def accepts_file(self) -> bool:
        """Say so of the file that is there."""
        try:
            opened = open_sealed(
                self.sealed,
                self.out,
                store=self.store,
                terms=self.terms,
                party=self.agreed.party,
                expected="report",
                now=clock.now(),
            )
        except PprlError as error:
            is_opened = not error.code.partition("/")[2]
        else:
            is_opened = True
            opened.path.unlink()
        self._forget()
        return is_opened

    def _forget(self) -> None:
        """Empty the ledger, which would be as long as the list of all trials, and look around."""
        self.n_opened += 1
        last = self.ledger.read_bytes().splitlines()[-1]
        assert b'"event":"open"' in last
        os.truncate(self.ledger, 0)
        if self.n_opened % 1000 == 1:
            assert sorted({*self.folder.rglob("*")} - {self.sealed}) == self.listing


@pytest.fixture(scope="module")
def recipient(tmp_path_factory, identities, gathered):
    """The research environment."""
    folder = tmp_path_factory.mktemp("recipient") / "parties"
    shutil.copytree(gathered[0], folder)
    return Recipient(folder, identities["safe-haven"], gathered[1].agreement)


@pytest.fixture
def accepts(recipient, monkeypatch):
    """Say whether bytes are opened, by `open_sealed` itself."""
    # A kill loses nothing that was handed to the system, so there is nothing to wait for.
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    return recipient.accepts


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Change some bytes in one of the ways in which files are damaged and forged."""
    begin = int(rng.integers(len(content)))
    if rng.random() < 0.5:
        begin = int(rng.integers(min(6000, len(content))))  # where the header and the envelope are
    end = begin + int(rng.integers(1, 40))
    other = int(rng.integers(len(content)))
    flipped = bytes([content[begin] ^ 1 << int(rng.integers(8))])
    ways = (
        content[:begin] + flipped + content[begin + 1 :],
        content[:begin] + rng.bytes(end - begin) + content[end:],
        content[:begin] + content[end:],
        content[:begin] + rng.bytes(end - begin) + content[begin:],
        content[:end] + content[begin:],
        content[:begin] + content[other : other + end - begin] + content[end:],
        content[:begin] + bytes(end - begin) + content[end:],
        content[:begin],
        content + rng.bytes(end - begin),
        content + content[:begin],
    )
    return ways[int(rng.integers(len(ways)))]


def test_the_file_itself_is_accepted(sealed, accepts):
    """Or all that follows would prove nothing."""
    assert len(sealed) > FIRST_BYTES + LAST_BYTES
    assert accepts(sealed)


def test_no_mutation_is_accepted(sealed, accepts):
    """Bits, bytes and blocks that were changed, lost, added or moved."""
    rng = np.random.default_rng(6)

    accepted = [
        number
        for number in range(N_MUTATIONS)
        if (changed := mutated(sealed, rng)) != sealed and accepts(changed)
    ]

    assert accepted == []


def test_no_truncation_is_accepted(sealed, accepts, recipient):
    """At every byte of the beginning, and of the end; there at every thirteenth unless told otherwise."""
    lengths = [*range(len(sealed) - 1, len(sealed) - LAST_BYTES - 1, -STEP), *range(FIRST_BYTES - 1, -1, -1)]
    recipient.sealed.write_bytes(sealed)
    accepted = []

    for length in lengths:
        os.truncate(recipient.sealed, length)
        if recipient.accepts_file():
            accepted.append(length)

    assert accepted == []


def test_nothing_may_be_appended(sealed, accepts):
    """A byte, a chunk, or the file again."""
    endings = (b"\0", b"\n", b"x" * 16, b"x" * 65552, sealed, sealed[-100:])

    accepted = [len(ending) for ending in endings if accepts(sealed + ending)]

    assert accepted == []


def test_no_mutation_by_somebody_who_can_encrypt_is_accepted(sealed, accepts, identities):
    """Everybody can encrypt to a party, so what is inside must be refused as surely as what is outside."""
    rng = np.random.default_rng(7)
    opener = identities["safe-haven"].opener
    plain = _plaintext(sealed, opener)
    head = PRELUDE_BYTES + parse_prelude(plain[:PRELUDE_BYTES], "package") + 2000

    def encrypted(content: bytes) -> bytes:
        target = io.BytesIO()
        with encrypt_stream(target, [opener.recipient]) as stream:
            stream.write(content)
        return target.getvalue()

    accepted = [
        number
        for number in range(N_MUTATIONS // 10)
        if (changed := mutated(plain[:head], rng)) != plain[:head]
        and accepts(encrypted(changed + plain[head:]))
    ]

    assert accepts(encrypted(plain))
    assert accepted == []


def test_hostile_files_take_little_memory(sealed, accepts):
    """Less than 50 MiB, whatever a header or an envelope announces."""
    rng = np.random.default_rng(8)
    hostile = [mutated(sealed, rng) for _ in range(200)]
    hostile += [
        b"age-encryption.org/v1\n" + b"-> x\nAAAA\n" * 10_000,
        b"age-encryption.org/v1\n-> " + b"x" * (20 << 20),
        b"age-encryption.org/v1\n-> mlkem768x25519 " + b"A" * (20 << 20),
    ]
    tracemalloc.start()
    try:
        for content in hostile:
            accepts(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < MOST_BYTES


def _plaintext(sealed, opener):
    return decrypt_stream(io.BytesIO(sealed), [opener]).read()
