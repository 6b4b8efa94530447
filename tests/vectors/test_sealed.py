"""A package that version 1 sealed opens for ever, and can be read by whoever reads the specification."""

import base64
import hashlib
import io
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

from pprl.exchange import clock
from pprl.exchange.age import PqIdentity, decrypt_stream
from pprl.exchange.envelope import Terms
from pprl.exchange.identities import Identity
from pprl.exchange.opening import open_sealed
from pprl.exchange.store import Store

GOLDEN = Path(__file__).parent / "golden-sealed-v1.age"
PAGE = b"<!doctype html><title>Fictitious</title>\n"
TERMS = Terms("golden", "0a" * 32, epoch=1, version=1, opt_outs=True)


def identity(name, role, seed):
    seeds = [bytes([seed + place]) * 32 for place in range(3)]
    return Identity(name, role, ed25519=seeds[0], ml_dsa=seeds[1], opener=PqIdentity(seeds[2]))


UNIT, TRUST = identity("unit", "linkage-unit", 1), identity("trust", "custodian", 11)


def test_the_golden_file_opens(tmp_path):
    """With keys that everybody knows, on a day on which it had not expired."""
    store = Store.create(tmp_path / "trust", TRUST, passphrase=None)

    opened = open_sealed(
        GOLDEN,
        tmp_path / "report.html",
        store=store,
        terms=TERMS,
        party={"unit": UNIT.party, "trust": TRUST.party}.__getitem__,
        expected="report",
        now=clock.from_text("2026-12-01T00:00:00Z"),
    )

    assert opened.path.read_bytes() == PAGE


def test_the_specification_suffices():
    """Read by hand: prelude, envelope, both signatures, manifest, payload."""
    plain = decrypt_stream(io.BytesIO(GOLDEN.read_bytes()), [TRUST.opener]).read()
    prelude, rest = plain[:25], plain[25:]
    length = int(prelude[14:24])
    envelope, payload = json.loads(rest[:length]), rest[length:]
    signed = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"].encode()
    message = b" ".join([b"DSSEv1", b"%d" % len(kind), kind, b"%d" % len(signed), signed])
    values = {one["algorithm"]: base64.b64decode(one["value"]) for one in envelope["signatures"]}
    manifest = json.loads(signed)

    Ed25519PublicKey.from_public_bytes(base64.b64decode(UNIT.party.ed25519)).verify(
        values["ed25519"], message
    )
    MLDSA65PublicKey.from_public_bytes(base64.b64decode(UNIT.party.mldsa65)).verify(
        values["ml-dsa-65"], message
    )

    assert prelude == b"pprl-sealed 1 %010d\n" % length
    assert kind == b"application/vnd.pprl.package+json"
    assert (manifest["version"], manifest["length"]) == (1, len(payload))
    assert manifest["sha256"] == hashlib.sha256(payload).hexdigest()
    assert payload == PAGE
