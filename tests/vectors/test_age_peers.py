"""What is sealed here is opened elsewhere, and what is sealed elsewhere here.

The others are npm's age-encryption, by the author of the format, and pyrage, which is
rage.  `.ci/run` brings both.
"""

import base64
import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pprl.exchange.age import (
    Passphrase,
    PqIdentity,
    PqRecipient,
    X25519Identity,
    X25519Recipient,
    decrypt_stream,
    encrypt_stream,
)

NPM = os.environ.get("PPRL_NPM")
needs_node = pytest.mark.skipif(
    NPM is None or shutil.which("node") is None, reason="PPRL_NPM names no folder of npm packages"
)
CHUNK = 65536
CONTENTS = [os.urandom(size) for size in (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 20 * CHUNK + 7)]
KINDS = {True: (PqIdentity, PqRecipient), False: (X25519Identity, X25519Recipient)}


def sealed(content, recipient):
    """Seal here."""
    target = io.BytesIO()
    with encrypt_stream(target, [recipient]) as stream:
        stream.write(content)
    return target.getvalue()


def opened(content, identity):
    """Open here."""
    return decrypt_stream(io.BytesIO(content), [identity]).read()


def ask_node(*cases):
    """Ask age-encryption; bytes travel as base64."""
    asked = json.dumps(cases, default=lambda content: base64.b64encode(content).decode())
    script = Path(__file__).with_name("age_peer.mjs")
    done = subprocess.run(
        ["node", script, NPM], input=asked, capture_output=True, text=True, check=True, timeout=300
    )
    return json.loads(done.stdout)


@needs_node
@pytest.mark.parametrize("hybrid", KINDS)
def test_age_encryption_opens_what_is_sealed_here(hybrid):
    """With keys that were made here."""
    identity = KINDS[hybrid][0].generate()
    cases = [
        {"verb": "open", "identity": identity.to_text(), "content": sealed(content, identity.recipient)}
        for content in CONTENTS
    ]

    recipient, *found = ask_node({"verb": "recipient", "identity": identity.to_text()}, *cases)

    assert str(identity.recipient) == recipient
    assert [base64.b64decode(one) for one in found] == CONTENTS


@needs_node
@pytest.mark.parametrize("hybrid", KINDS)
def test_what_age_encryption_seals_is_opened_here(hybrid):
    """With keys that were made there."""
    (text,) = ask_node({"verb": "generate", "hybrid": hybrid})
    identity = KINDS[hybrid][0].parse(text)
    recipient = KINDS[hybrid][1].parse(str(identity.recipient))

    found = ask_node(*({"verb": "seal", "recipient": str(recipient), "content": one} for one in CONTENTS))

    assert identity.to_text() == text
    assert [opened(base64.b64decode(one), identity) for one in found] == CONTENTS


@needs_node
def test_passphrases_are_the_same_for_age_encryption():
    """Also with letters that are not ASCII."""
    passphrase = Passphrase("größer als gedacht", work_factor=10)
    asked = {"passphrase": "größer als gedacht"}

    here, there = ask_node(
        {"verb": "open", "content": sealed(b"as agreed", passphrase), **asked},
        {"verb": "seal", "content": b"as agreed", **asked},
    )

    assert b"as agreed" == base64.b64decode(here)
    assert b"as agreed" == opened(base64.b64decode(there), passphrase)


def test_pyrage_opens_what_is_sealed_here():
    """With X25519, and with a passphrase."""
    pyrage = pytest.importorskip("pyrage")
    identity = X25519Identity.generate()
    theirs = pyrage.x25519.Identity.from_str(identity.to_text())

    found = [pyrage.decrypt(sealed(content, identity.recipient), [theirs]) for content in CONTENTS]

    assert found == CONTENTS
    assert str(theirs.to_public()) == str(identity.recipient)
    assert b"as agreed" == pyrage.passphrase.decrypt(
        sealed(b"as agreed", Passphrase("lorem ipsum", work_factor=10)), "lorem ipsum"
    )


def test_what_pyrage_seals_is_opened_here():
    """With X25519; pyrage has no post-quantum recipients."""
    pyrage = pytest.importorskip("pyrage")
    theirs = pyrage.x25519.Identity.generate()
    identity = X25519Identity.parse(str(theirs))

    found = [opened(pyrage.encrypt(content, [theirs.to_public()]), identity) for content in CONTENTS]

    assert found == CONTENTS
