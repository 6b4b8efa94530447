"""Sealed files that were altered anywhere are refused, cheaply and with declared errors only."""

import io
import os
import tracemalloc

import numpy as np
import pytest

from pprl.errors import PprlError
from pprl.exchange.age import decrypt_stream, encrypt_stream
from pprl.exchange.envelope import PRELUDE_BYTES, parse_prelude
from pprl.exchange.opening import require_whole
from pprl.exchange.store import Store
from pprl.exchange.unsealing import decrypted, verified
from pprl.workflow.exchanging import seal_package

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
    unit = Store(gathered[0] / "unit", identities["unit"])
    sent = seal_package(page, folder, purpose="report", to="safe-haven", store=unit, agreement=gathered[1])
    return sent.path.read_bytes()


@pytest.fixture(scope="module")
def accepts(identities, gathered):
    """Say whether bytes pass all steps that look at bytes; only a declared error may come out."""
    research = Store(gathered[0] / "safe-haven", identities["safe-haven"])
    party = gathered[1].agreement.party

    def accepted(content: bytes) -> bool:
        try:
            unsealed = decrypted(io.BytesIO(content), io.BytesIO(), research)
            require_whole(verified(unsealed, party), unsealed)
        except PprlError as error:
            return not error.code.partition("/")[2]
        return True

    return accepted


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


def test_no_truncation_is_accepted(sealed, accepts):
    """At every byte of the beginning, and of the end; there at every thirteenth unless told otherwise."""
    lengths = [*range(FIRST_BYTES), *range(len(sealed) - LAST_BYTES, len(sealed), STEP)]

    accepted = [length for length in lengths if accepts(sealed[:length])]

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
