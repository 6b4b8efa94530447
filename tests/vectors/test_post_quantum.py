"""The library that seals and signs gives the known answers (PyPI's cryptography-vectors)."""

import hashlib
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.bindings._rust import openssl  # noqa: PLC2701 - known messages need it, below
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite

from pprl.exchange.age import PqIdentity

vectors = pytest.importorskip("cryptography_vectors")


def answers(path):
    """Read a file of known answers: lines of name and value, and each case begins with its count."""
    with vectors.open_vector_file(path, "r") as stream:
        pairs = [line.strip().split(" = ") for line in stream if " = " in line]
    starts = [i for i, (name, _) in enumerate(pairs) if name == "count"]
    return [dict(pairs[i:j]) for i, j in zip(starts, [*starts[1:], len(pairs)], strict=True)]


def hybrid():
    """The cases of the KEM and the cipher that age1pq uses."""
    with vectors.open_vector_file("HPKE/hpke-pq-test-vectors.json", "r") as stream:
        cases = json.load(stream)
    return [case for case in cases if (case["kem_id"], case["kdf_id"], case["aead_id"]) == (0x647A, 1, 3)]


def test_ml_kem_768_gives_the_known_secrets():
    """Also the pseudo-random ones for ciphertexts that are not genuine."""
    cases = answers("asymmetric/MLKEM/kat_MLKEM_768.rsp")

    for case in cases:
        private = MLKEM768PrivateKey.from_seed_bytes(bytes.fromhex(case["d"] + case["z"]))

        assert case["pk"] == private.public_key().public_bytes_raw().hex()
        assert case["ss"] == private.decapsulate(bytes.fromhex(case["ct"])).hex()
        assert case["ss_n"] == private.decapsulate(bytes.fromhex(case["ct_n"])).hex()
    assert 1000 == len(cases)


def test_ml_dsa_65_accepts_the_known_signatures_and_nothing_near_them():
    """A signature is bound to the message and to the context."""
    cases = answers("asymmetric/MLDSA/kat_MLDSA_65_det_pure.rsp")

    for case in cases:
        message, context = bytes.fromhex(case["msg"]), bytes.fromhex(case["ctx"])
        signature = bytes.fromhex(case["sm"])[: -len(message)]
        public = MLDSA65PublicKey.from_public_bytes(bytes.fromhex(case["pk"]))
        private = MLDSA65PrivateKey.from_seed_bytes(bytes.fromhex(case["xi"]))

        assert public == private.public_key()
        public.verify(signature, message, context)
        with pytest.raises(InvalidSignature):
            public.verify(signature, message + b"\0", context)
        with pytest.raises(InvalidSignature):
            public.verify(signature, message, context + b"\0")
    assert len(cases) > 50


def test_hpke_with_the_hybrid_kem_opens_the_known_messages():
    """MLKEM768-X25519, HKDF-SHA-256, ChaCha20-Poly1305."""
    (case,) = hybrid()
    info, enc = bytes.fromhex(case["info"]), bytes.fromhex(case["enc"])
    first = {name: bytes.fromhex(value) for name, value in case["encryptions"][0].items()}
    seeds = hashlib.shake_256(bytes.fromhex(case["skRm"])).digest(96)
    private = MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(seeds[:64]), X25519PrivateKey.from_private_bytes(seeds[64:])
    )
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)

    # Only the inner function takes the additional data that the known messages have.
    opened = openssl.hpke._decrypt_with_aad(suite, enc + first["ct"], private, info, first["aad"])

    assert first["pt"] == opened


def test_an_identity_has_the_known_recipient():
    """The seed is expanded as the standard of the KEM says."""
    (case,) = hybrid()

    recipient = PqIdentity(bytes.fromhex(case["skRm"])).recipient

    assert case["pkRm"] == recipient.raw.hex()
