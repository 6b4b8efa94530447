"""Keys of sealed files have one spelling, are checked when made, and are not shown."""

import copy
import pickle  # noqa: S403, TID251 - to see it refused

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import AuthenticationError, DataError, PolicyError, UsageError, VersionError
from pprl.exchange.age import (
    Passphrase,
    PqIdentity,
    PqRecipient,
    Stanza,
    X25519Identity,
    X25519Recipient,
    able,
    bech32,
    postquantum,
)

PQ = PqIdentity(bytes(range(32)))
CLASSICAL = X25519Identity(bytes(range(32)))
KINDS = [(PQ, PqRecipient), (CLASSICAL, X25519Recipient)]
# Points of small order of Curve25519: 0, 1, the two of order 8, and p - 1.
SMALL_ORDER = [
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
]


def text_of(kind, content):
    """Write 32 bytes under a prefix, in its case."""
    text = bech32.encode(kind.lower(), content)
    return text.upper() if kind.isupper() else text


def read(text, prefix="age"):
    """Read 32 bytes."""
    return bech32.decode(text, prefix=prefix, n_bytes=32, what="key", code="key")


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["age", "AGE-SECRET-KEY-"]))
def test_what_is_written_is_read(content, prefix):
    """In the case of the prefix."""
    text = text_of(prefix, content)

    assert content == read(text, prefix)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 61), st.characters(codec="utf-8"))
def test_another_character_is_refused(content, place, character):
    """One mistake is always found: whatever it is, and wherever."""
    text = bech32.encode("age", content)
    other = text[:place] + character + text[place + 1 :]

    if other != text:
        with pytest.raises(DataError):
            read(other)


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        str.title,
        lambda text: text + "q",
        lambda text: text[:-1],
        lambda text: "",
        lambda text: " " + text,
        lambda text: text + "\n",
        lambda text: text.replace("k", "\N{KELVIN SIGN}"),
        lambda text: text[:10] + text[10:].upper(),
    ],
)
@pytest.mark.parametrize(("identity", "kind"), KINDS)
def test_a_recipient_has_one_spelling(identity, kind, change):
    """Capitals, blanks and what looks like a letter are refused."""
    text = str(identity.recipient)

    with pytest.raises(DataError) as caught:
        kind.parse(change(text))

    assert caught.value.code == "data/age-recipient"


def test_bits_that_are_left_over_must_be_zero():
    """Or two texts would be one key."""
    digits = [0] * 51 + [1]
    spread = [*bech32._spread("age"), *digits]
    remainder = bech32._checksum([*spread, *[0] * 6]) ^ 1
    check = [remainder >> 5 * (5 - i) & 31 for i in range(6)]

    with pytest.raises(DataError):
        read("age1" + "".join(bech32._ALPHABET[digit] for digit in digits + check))


@pytest.mark.parametrize(("identity", "kind"), KINDS)
def test_identities_and_recipients_survive_their_text(identity, kind):
    """A key file holds the text."""
    again = type(identity).parse(identity.to_text())

    assert again.recipient == identity.recipient == kind.parse(str(identity.recipient))


@pytest.mark.parametrize("kind", [PqIdentity, X25519Identity])
def test_two_identities_differ(kind):
    """They are drawn from the system."""
    assert kind.generate().recipient != kind.generate().recipient


@pytest.mark.parametrize("secret", [PQ, CLASSICAL, Passphrase("lorem ipsum")])
def test_secrets_are_not_shown_or_copied(secret):
    """Not by repr, str or format, and not by way of pickle or copy."""
    assert f"{type(secret).__name__}(...)" == repr(secret) == str(secret) == f"{secret}"
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(PolicyError):
            way(secret)


@pytest.mark.parametrize("kind", [PqIdentity, X25519Identity])
def test_an_identity_that_is_refused_is_not_repeated(kind):
    """A message may be shown to anybody."""
    text = kind.generate().to_text()

    with pytest.raises(DataError) as caught:
        kind.parse(text[:-1] + ("Q" if text[-1] != "Q" else "P"))

    said = caught.value.message + caught.value.hint
    assert caught.value.code == "data/age-identity"
    assert not any(text[i : i + 8] in said for i in range(len("AGE-SECRET-KEY-PQ-1"), len(text)))


@pytest.mark.parametrize("kind", [PqIdentity, X25519Identity, X25519Recipient, PqRecipient])
@pytest.mark.parametrize("size", [0, 31, 33, 1215, 1217])
def test_keys_of_other_lengths_are_refused(kind, size):
    """Also when they are given as bytes."""
    with pytest.raises(DataError):
        kind(bytes([9]) * size)


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_points_of_small_order_are_no_recipients(point):
    """What is sealed to them can be opened by everybody."""
    with pytest.raises(DataError):
        X25519Recipient(point)
    with pytest.raises(DataError):
        PqRecipient(PQ.recipient.raw[:-32] + point)


def test_a_recipient_whose_lattice_half_is_no_key_is_refused():
    """Coefficients must be below the modulus."""
    with pytest.raises(DataError):
        PqRecipient(b"\xff" * 1184 + PQ.recipient.raw[-32:])


@pytest.mark.parametrize(("text", "work_factor"), [("", 18), ("\ud800", 18), ("a", 0), ("a", 21), ("a", -1)])
def test_a_passphrase_is_something_and_its_cost_within_bounds(text, work_factor):
    """A work factor over 20 could not be opened again."""
    with pytest.raises(UsageError) as caught:
        Passphrase(text, work_factor=work_factor)

    assert caught.value.code == "usage/passphrase"


@pytest.mark.parametrize("asked", ["21", "99", "100", "1" * 1000, "0", "018", "+18", "-1", "1٨", "0x10"])
def test_a_file_cannot_ask_for_more_work(asked):
    """Or it would take all memory before the passphrase is known to be wrong."""
    stanza = Stanza(("scrypt", "A" * 22, asked), bytes(32))

    with pytest.raises(AuthenticationError) as caught:
        Passphrase("lorem ipsum").unwrap([stanza])

    assert caught.value.code == "authentication/age-header"


def test_this_machine_can_do_it():
    """Or most of the other tests mean nothing."""
    able()


@pytest.mark.parametrize("missing", ["_suite", "_private_keys", "_public_key"])
def test_a_machine_that_cannot_do_it_is_told_so(monkeypatch, missing):
    """With what to install."""

    def fail(*_):
        raise postquantum.no_post_quantum()

    monkeypatch.setattr(postquantum, missing, fail)

    with pytest.raises(VersionError) as caught:
        able()

    assert caught.value.code == "version/no-post-quantum"
    assert "cryptography" in caught.value.hint


def test_a_library_that_seals_wrongly_is_found_out(monkeypatch):
    """It is the round trip that decides: here everything is one key."""
    real = postquantum._private_keys
    monkeypatch.setattr(postquantum, "_private_keys", lambda seed: real(bytes([1]) * 32))

    with pytest.raises(VersionError):
        able()
