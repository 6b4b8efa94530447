"""Both signatures must verify, over the type and the payload, under the keys of the agreement."""

import base64
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pprl.errors import AuthenticationError, VersionError
from pprl.exchange.identities import Identity
from pprl.exchange.signing import Signature, pae, verify

KIND = "application/vnd.pprl.test+json"
L = 2**252 + 27742317777372353535851937790883648493
TRUST = Identity.generate("trust", "custodian")
OTHER = Identity.generate("other", "custodian")
SIGNED = TRUST.sign(KIND, b"payload")


def code_of(party, kind, payload, signatures):
    """With which code they are refused, or nothing."""
    try:
        verify(party, kind, payload, signatures, what="letter")
    except AuthenticationError as error:
        return error.code.removeprefix("authentication/")
    return ""


def altered(signature, change):
    """A signature whose bytes are changed."""
    return Signature.of(signature.algorithm, change(bytearray(base64.b64decode(signature.value))))


def flipped(bit):
    """One bit changed."""

    def change(content):
        content[bit // 8] ^= 1 << bit % 8
        return bytes(content)

    return change


def test_the_encoding_is_that_of_the_specification():
    """The vector of DSSE version 1."""
    assert b"DSSEv1 29 http://example.com/HelloWorld 11 hello world" == pae(
        "http://example.com/HelloWorld", b"hello world"
    )


@given(
    st.tuples(st.text(max_size=20), st.binary(max_size=20)),
    st.tuples(st.text(max_size=20), st.binary(max_size=20)),
)
def test_two_things_have_two_encodings(one, other):
    """Wherever type and payload are cut; lengths are counted in bytes."""
    assert (one == other) == (pae(*one) == pae(*other))


@given(st.binary(max_size=1000))
@settings(max_examples=20)
def test_what_was_signed_verifies(payload):
    """In any order of the two."""
    first, second = TRUST.sign(KIND, payload)

    assert ["ed25519", "ml-dsa-65"] == [first.algorithm, second.algorithm]
    assert "" == code_of(TRUST.party, KIND, payload, [first, second])
    assert "" == code_of(TRUST.party, KIND, payload, (second, first))


@pytest.mark.parametrize(
    "given_signatures",
    [[], SIGNED[:1], SIGNED[1:], [SIGNED[0], SIGNED[0]], [*SIGNED, SIGNED[0]], [*SIGNED, *SIGNED]],
)
def test_one_signature_of_each_algorithm_is_wanted(given_signatures):
    """Not one of two, not one twice, no more than two."""
    assert "signature-missing" == code_of(TRUST.party, KIND, b"payload", given_signatures)


def test_another_payload_type_or_party_is_refused():
    """The first that fails is named."""
    codes = [
        code_of(TRUST.party, KIND, b"payloae", SIGNED),
        code_of(TRUST.party, KIND + "x", b"payload", SIGNED),
        code_of(OTHER.party, KIND, b"payload", SIGNED),
    ]

    assert ["signature-ed25519"] * 3 == codes


def test_one_valid_signature_of_two_is_refused():
    """With the code of the other."""
    theirs = OTHER.sign(KIND, b"payload")

    assert "signature-ed25519" == code_of(TRUST.party, KIND, b"payload", [theirs[0], SIGNED[1]])
    assert "signature-ml-dsa-65" == code_of(TRUST.party, KIND, b"payload", [SIGNED[0], theirs[1]])


@given(st.integers(0, 64 * 8 - 1), st.integers(0, 3309 * 8 - 1))
@settings(max_examples=200)
def test_every_bit_of_a_signature_counts(first, second):
    """Either signature with one bit changed."""
    one, two = SIGNED

    assert "signature-ed25519" == code_of(TRUST.party, KIND, b"payload", [altered(one, flipped(first)), two])
    assert "signature-ml-dsa-65" == code_of(
        TRUST.party, KIND, b"payload", [one, altered(two, flipped(second))]
    )


def test_a_signature_has_one_form():
    """Its second half may not be written larger by the order of the group."""

    def larger(content):
        return bytes(content[:32]) + (int.from_bytes(content[32:], "little") + L).to_bytes(32, "little")

    assert "signature-ed25519" == code_of(
        TRUST.party, KIND, b"payload", [altered(SIGNED[0], larger), SIGNED[1]]
    )


@pytest.mark.parametrize(
    "change", [lambda v: v + "\n", lambda v: v[:-4], lambda v: v + "AAAA", lambda v: "", lambda v: "é"]
)
@pytest.mark.parametrize("place", [0, 1])
def test_a_signature_has_one_spelling(change, place):
    """And one length."""
    wrong = [*SIGNED]
    wrong[place] = Signature(algorithm=SIGNED[place].algorithm, value=change(SIGNED[place].value))

    assert f"signature-{SIGNED[place].algorithm}" == code_of(TRUST.party, KIND, b"payload", wrong)


def test_signatures_that_changed_places_are_refused():
    """A name is not enough."""
    first, second = SIGNED
    swapped = [
        Signature(algorithm="ed25519", value=second.value),
        Signature(algorithm="ml-dsa-65", value=first.value),
    ]

    assert "signature-ed25519" == code_of(TRUST.party, KIND, b"payload", swapped)


def test_a_machine_without_ml_dsa_says_so(monkeypatch):
    """Exit status 7, and never one signature for two."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.mldsa", None)

    with pytest.raises(VersionError, match="ML-DSA"):
        verify(TRUST.party, KIND, b"payload", SIGNED, what="letter")
    with pytest.raises(VersionError, match="ML-DSA"):
        Identity.generate("trust", "custodian")
