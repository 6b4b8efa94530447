"""A notice is what a party signed, in one form, or it is nothing."""

import base64

import msgspec
import pytest

from pprl.errors import AuthenticationError
from pprl.exchange.contributions import CLOSING_TYPE, COMMIT_TYPE, Closing
from pprl.exchange.identities import Identity
from pprl.exchange.notices import read_notice, sign_notice

TRUST, OTHER = (Identity.generate("trust", "custodian") for _ in range(2))
SAID = Closing(
    version=1,
    fingerprint="0a" * 32,
    epoch=1,
    party="trust",
    transcript="1b" * 32,
    key_tag="2c" * 16,
    encoder_tag="3d" * 16,
)
NOTICE = sign_notice(TRUST, CLOSING_TYPE, SAID)


def read(content, party=TRUST.party, payload_type=CLOSING_TYPE):
    return read_notice(content, party, payload_type, Closing, what="closing")


def refused(content, **options):
    with pytest.raises(AuthenticationError) as caught:
        read(content, **options)
    return caught.value.code.removeprefix("authentication/")


def rewritten(**changes):
    return msgspec.json.encode(msgspec.json.decode(NOTICE) | changes, order="sorted")


def test_white_space_around_a_notice_does_not_matter():
    """Mail adds and takes it."""
    assert SAID == read(b"\r\n" + NOTICE.strip() + b"\r\n") == read(NOTICE)


def test_every_other_byte_matters():
    """At every place."""
    content = NOTICE.strip()

    for place in range(0, len(content), 61):
        assert refused(content[:place] + bytes([content[place] ^ 2]) + content[place + 1 :])


def test_cut_off_anywhere_it_is_refused():
    """As something else, not as a fault of the program."""
    for n_bytes in range(0, len(NOTICE) - 2, 101):
        assert "notice" == refused(NOTICE[:n_bytes])


def test_it_is_of_one_party_and_of_one_type():
    """Other keys, and other meanings, are refused."""
    assert "signature-ed25519" == refused(NOTICE, party=OTHER.party)
    assert "notice" == refused(NOTICE, payload_type=COMMIT_TYPE)
    assert "signature-ed25519" == refused(rewritten(payloadType=COMMIT_TYPE), payload_type=COMMIT_TYPE)


def test_one_signature_of_two_is_not_enough():
    """Whichever it is."""
    signatures = msgspec.json.decode(NOTICE)["signatures"]

    for one in signatures:
        assert "signature-missing" == refused(rewritten(signatures=[one]))
        assert "signature-missing" == refused(rewritten(signatures=[one, one]))


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"[" * 100_000, b"\xff", b'{"payload":1}'])
def test_something_else_is_refused(content):
    """Deeply nested, too."""
    assert "notice" == refused(content)


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b'{"version":1}',
        msgspec.json.encode(SAID),
        SAID.to_bytes().replace(b'"epoch":1', b'"epoch":1e0'),
        SAID.to_bytes().replace(b'"epoch":1', b'"epoch":1,"epoch":1'),
        SAID.to_bytes().replace(b'"version":1', b'"version":2'),
    ],
)
def test_what_is_signed_has_one_form(text):
    """Also if the signatures are good."""
    content = msgspec.json.encode(
        {
            "payload": base64.b64encode(text).decode(),
            "payloadType": CLOSING_TYPE,
            "signatures": TRUST.sign(CLOSING_TYPE, text),
        },
        order="sorted",
    )

    assert "notice" == refused(content)
