"""Nothing but what was sealed comes out of a sealed file, whatever is done to it."""

import io

import numpy as np
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given, settings
from hypothesis import strategies as st

from pprl.errors import AuthenticationError, UsageError, VersionError
from pprl.exchange.age import Passphrase, PqIdentity, X25519Identity, decrypt_stream, encrypt_stream
from pprl.exchange.age.stream import Sealer, open_chunks

CHUNK, SEALED = 65536, 65552
KEY = bytes(range(32))
PQ = PqIdentity(KEY)
CLASSICAL = X25519Identity(KEY)
PASSPHRASE = Passphrase("lorem ipsum", work_factor=1)
SMALL = b"as agreed between the parties"
CODES = {"age-header", "age-mac", "age-no-identity", "age-payload", "age-truncated", "age-trailing"}
DECLARED = {f"authentication/{code}" for code in CODES} | {"version/age-version"}

# Sizes near the edges of chunks and of the batches in which they are read.
sizes = st.one_of(
    st.integers(0, 200),
    st.builds(lambda chunks, more: max(0, chunks * CHUNK + more), st.integers(0, 34), st.integers(-20, 20)),
)


def nonce(number, last):
    """Eleven bytes of counting, and one that marks the end."""
    return number.to_bytes(11, "big") + bytes([last])


def sealed_slowly(content):
    """The payload as the specification describes it, all at once."""
    chunks = [content[i : i + CHUNK] for i in range(0, len(content), CHUNK)] or [b""]
    cipher = ChaCha20Poly1305(KEY)
    return b"".join(
        cipher.encrypt(nonce(i, i == len(chunks) - 1), chunk, None) for i, chunk in enumerate(chunks)
    )


def opened_slowly(payload):
    """What may be given out of a payload, and whether it comes to its end."""
    cipher, out, number = ChaCha20Poly1305(KEY), b"", 0
    while True:
        chunk, payload = payload[:SEALED], payload[SEALED:]
        for last in (False, True):
            try:
                piece = cipher.decrypt(nonce(number, last), chunk, None)
            except InvalidTag:
                continue
            break
        else:
            return out, False
        if (not last and len(chunk) < SEALED) or (last and number and not piece):
            return out, False
        out += piece
        if last or not payload:
            return out, last and not payload
        number += 1


def opened(payload):
    """What `open_chunks` gives out, and whether it came to the end."""
    out = b""
    try:
        for piece in open_chunks(io.BytesIO(payload).read, KEY):
            out += piece
    except AuthenticationError:
        return out, False
    return out, True


def content_of(size, seed=0):
    """Bytes that do not repeat."""
    return np.random.default_rng(seed).bytes(size)


def sealed(content, recipient):
    """Seal to one recipient."""
    target = io.BytesIO()
    with encrypt_stream(target, [recipient]) as stream:
        stream.write(content)
    return target.getvalue()


def refused(content, identity):
    """Whether a file is refused with a declared error; any other error is not caught."""
    try:
        decrypt_stream(io.BytesIO(content), [identity]).read()
    except (AuthenticationError, VersionError) as error:
        return error.code in DECLARED
    return False


@settings(max_examples=60)
@given(sizes, st.lists(st.sampled_from([1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 2**20, 2**20 + 1]), max_size=5))
def test_sealing_in_pieces_equals_sealing_at_once(size, cuts):
    """However the content is cut into writes."""
    content, target, place = content_of(size), io.BytesIO(), 0
    sealer = Sealer(target, KEY)

    for cut in cuts:
        sealer.write(memoryview(content)[place : place + cut])
        place += cut
    sealer.write(memoryview(content)[place:])
    sealer.finish()

    assert sealed_slowly(content) == target.getvalue()


@settings(max_examples=60)
@given(sizes, st.integers(0, 3 * CHUNK), st.integers(1, 2**20))
def test_what_comes_first_may_be_known_last(size, n_first, cut):
    """The file is the one that it would be if all had been known from the beginning."""
    content, target = content_of(size), io.BytesIO()
    n_first = min(n_first, size)
    target.write(b"header")

    sealer = Sealer(target, KEY, n_first)
    for place in range(n_first, size, cut):
        sealer.write(memoryview(content)[place : min(place + cut, size)])
    sealer.finish(content[:n_first])

    assert b"header" + sealed_slowly(content) == target.getvalue()


def test_first_bytes_must_be_as_many_as_was_said():
    """Nothing is sealed in the place of what never came."""
    sealer = Sealer(io.BytesIO(), KEY, 3)

    with pytest.raises(UsageError) as refused:
        sealer.finish(b"no")

    assert refused.value.code == "usage/age-first"


@settings(max_examples=60)
@given(sizes)
def test_a_payload_opens_to_what_was_sealed(size):
    """All of it, and it says that this is all."""
    content = content_of(size)

    out, complete = opened(sealed_slowly(content))

    assert content == out
    assert complete


def cut(payload, place, _):
    return payload[:place]


def flip(payload, place, bit):
    return payload[:place] + bytes([payload[place] ^ 1 << bit]) + payload[place + 1 :]


def lengthen(payload, place, bit):
    return payload + payload[: 1 + place % (2 * SEALED)]


def leave_out(payload, place, _):
    chunk = place // SEALED
    return payload[: chunk * SEALED] + payload[(chunk + 1) * SEALED :]


def repeat(payload, place, _):
    end = (place // SEALED + 1) * SEALED
    return payload[:end] + payload[end - SEALED :]


def cut_at_chunk(payload, place, _):
    return payload[: place // SEALED * SEALED]


@settings(max_examples=150)
@given(
    st.integers(1, 34),
    st.sampled_from([0, 1, 17, CHUNK - 1]),
    st.sampled_from([cut, cut_at_chunk, flip, lengthen, leave_out, repeat]),
    st.data(),
)
def test_what_is_done_to_a_payload_is_noticed_where_it_was_done(chunks, more, change, data):
    """What was given out before is what the slow reader gives out; it is a beginning of the content."""
    content = content_of((chunks - 1) * CHUNK + more)
    payload = sealed_slowly(content)
    place, bit = data.draw(st.integers(0, len(payload) - 1)), data.draw(st.integers(0, 7))
    changed = change(payload, place, bit)

    out, complete = opened(changed)

    assert opened_slowly(changed) == (out, complete)
    assert content.startswith(out)
    assert complete == (changed == payload)


@pytest.mark.parametrize("identity", [PQ, CLASSICAL, PASSPHRASE], ids=["pq", "x25519", "scrypt"])
def test_a_file_that_is_cut_anywhere_is_refused(identity):
    """At every byte."""
    whole = sealed(SMALL, getattr(identity, "recipient", identity))

    kept = [place for place in range(len(whole)) if not refused(whole[:place], identity)]

    assert not kept


@pytest.mark.parametrize("identity", [PQ, CLASSICAL], ids=["pq", "x25519"])
def test_a_file_with_any_bit_flipped_is_refused(identity):
    """Each bit of the small one, and one bit of each byte of the large one."""
    whole = sealed(SMALL, identity.recipient)
    bits = range(8) if identity is CLASSICAL else [None]

    kept = [
        (place, bit)
        for place in range(len(whole))
        for bit in bits
        if not refused(flip(whole, place, place % 8 if bit is None else bit), identity)
    ]

    assert not kept


@pytest.mark.parametrize("size", [0, 29, CHUNK, 16 * CHUNK])
@pytest.mark.parametrize("added", [b"\0", b"\n", bytes(16), bytes(SEALED), bytes(17 * SEALED)])
def test_a_file_with_something_behind_it_is_refused(size, added):
    """Also a file behind a file."""
    whole = sealed(bytes(size), CLASSICAL.recipient)

    assert refused(whole + added, CLASSICAL)
    assert refused(whole + whole, CLASSICAL)


@pytest.mark.parametrize("identity", [PQ, CLASSICAL], ids=["pq", "x25519"])
def test_random_mutations_are_refused(identity):
    """Five thousand each: bytes changed, removed, inserted, repeated and exchanged."""
    rng = np.random.default_rng(6)
    whole = sealed(SMALL, identity.recipient)

    for _ in range(5000):
        changed = mutate(whole, rng)

        assert changed == whole or refused(changed, identity)


def mutate(whole, rng):
    """Replace one to four pieces by random bytes, nothing, or another piece."""
    content = bytearray(whole)
    for _ in range(rng.integers(1, 5)):
        start, other = rng.integers(0, len(content) + 1, 2)
        pieces = [rng.bytes(rng.integers(1, 9)), b"", bytes(content[other : other + rng.integers(1, 40)])]
        content[start : start + rng.integers(0, 9)] = pieces[rng.integers(3)]
    return bytes(content)


@settings(max_examples=300)
@given(
    st.binary(max_size=300), st.sampled_from([b"", b"age-encryption.org/v1\n", b"age-encryption.org/v1\n-> "])
)
def test_anything_else_is_refused(rest, start):
    """Bytes that nobody sealed, with one of three beginnings."""
    assert refused(start + rest, PQ)
