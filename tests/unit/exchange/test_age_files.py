"""Sealed files are opened by whom they are sealed to, whole, and in bounded memory."""

import io
import os
import tracemalloc
from collections import Counter

import numpy as np
import pytest

from pprl.errors import AuthenticationError, PolicyError, ResourceError, UsageError, VersionError
from pprl.exchange.age import (
    Passphrase,
    PqIdentity,
    X25519Identity,
    decrypt_stream,
    encrypt_stream,
)

PQ, OTHER = PqIdentity(bytes(range(32))), PqIdentity(bytes(32))
CLASSICAL = X25519Identity(bytes(range(32)))
CHUNK = 65536
LIMIT = 65536
LINE = b"A" * 64 + b"\n"


def sealed(content, *recipients):
    """Seal to recipients."""
    target = io.BytesIO()
    with encrypt_stream(target, recipients or [PQ.recipient]) as stream:
        stream.write(content)
    return target.getvalue()


def code_of(content, *identities, **limits):
    """Give the code with which a file is refused."""
    with pytest.raises((AuthenticationError, VersionError)) as caught:
        decrypt_stream(io.BytesIO(content), identities or [PQ], **limits).read()
    return caught.value.code.split("/")[1]


class Endless:
    """A file that begins with something and repeats something else for ever."""

    def __init__(self, start, repeated):
        self.start, self.repeated, self.n_read = start, repeated, 0

    def read(self, n_bytes):
        self.n_read += n_bytes
        content = self.start + self.repeated * (n_bytes // len(self.repeated) + 1)
        self.start = b""
        return content[:n_bytes]


class Piecemeal(io.RawIOBase):
    """A stream that takes and gives a little at a time, as pipes do."""

    def __init__(self, content=b""):
        self.inner = io.BytesIO(content)

    def read(self, n_bytes=-1):
        return self.inner.read(min(n_bytes, 1000))

    def write(self, content):
        return self.inner.write(content[:1000])


def test_nothing_of_the_content_is_seen():
    """And two files of the same content have nothing in common but their kind."""
    start = b"age-encryption.org/v1\n-> mlkem768x25519 "

    one, two = sealed(b"marmalade" * 100), sealed(b"marmalade" * 100)

    assert len(one) == len(two)
    assert one.startswith(start)
    assert two.startswith(start)
    assert b"marmalade" not in one
    assert not any(one[i : i + 8] in two for i in range(len(start), len(one) - 8))


def test_any_of_the_recipients_opens_it():
    """With the identities tried in turn."""
    content = sealed(b"as agreed", PQ.recipient, OTHER.recipient)

    assert b"as agreed" == decrypt_stream(io.BytesIO(content), [OTHER]).read()
    assert b"as agreed" == decrypt_stream(io.BytesIO(content), [CLASSICAL, OTHER, PQ]).read()
    assert "age-no-identity" == code_of(content, PqIdentity.generate(), CLASSICAL, Passphrase("a"))


def test_nobody_opens_it_without_an_identity():
    """Also not an empty one."""
    with pytest.raises(AuthenticationError, match="not sealed to this party"):
        decrypt_stream(io.BytesIO(sealed(b"")), [])


@pytest.mark.parametrize(
    "mixed",
    [
        [PQ.recipient, CLASSICAL.recipient],
        [CLASSICAL.recipient, OTHER.recipient, PQ.recipient],
        [PQ.recipient, Passphrase("a")],
        [Passphrase("a"), CLASSICAL.recipient],
        [Passphrase("a"), Passphrase("b")],
    ],
)
def test_recipients_of_two_kinds_are_refused(mixed):
    """A file is as weak as the weakest of its recipients; nothing is written."""
    target = io.BytesIO()

    with pytest.raises(PolicyError) as caught, encrypt_stream(target, mixed):
        pass

    assert "policy/age-mixed" == caught.value.code
    assert b"" == target.getvalue()


@pytest.mark.parametrize("n_recipients", [0, 21])
def test_there_are_one_to_twenty_recipients(n_recipients):
    """More are not opened here either."""
    with (
        pytest.raises(UsageError) as caught,
        encrypt_stream(io.BytesIO(), [PQ.recipient] * n_recipients),
    ):
        pass

    assert "usage/age-recipients" == caught.value.code


def test_twenty_recipients_are_opened():
    """What may be written may be read."""
    content = sealed(b"as agreed", *[OTHER.recipient] * 19, PQ.recipient)

    assert b"as agreed" == decrypt_stream(io.BytesIO(content), [PQ]).read()
    assert "age-header" == code_of(content, max_stanzas=19)


def test_what_was_given_up_has_no_end():
    """A run that fails leaves no file that opens; and nothing more can be written."""
    target = io.BytesIO()

    with pytest.raises(RuntimeError), encrypt_stream(target, [PQ.recipient]) as stream:
        stream.write(bytes(40 * CHUNK))
        raise RuntimeError

    assert len(target.getvalue()) > 16 * CHUNK
    assert "age-truncated" == code_of(target.getvalue())
    with pytest.raises(UsageError):
        stream.write(b"more")


def test_the_header_is_written_at_once():
    """A target that cannot be written to is known before the work begins."""
    target = io.BytesIO()

    with encrypt_stream(target, [PQ.recipient]):
        early = target.getvalue()

    assert early.startswith(b"age-encryption.org/v1\n")
    assert target.getvalue().startswith(early)


def test_arrays_are_written_as_their_bytes():
    """Whatever their shape, also that of nothing."""
    target = io.BytesIO()
    numbers = np.arange(12, dtype="<u8").reshape(3, 4)

    with encrypt_stream(target, [PQ.recipient]) as stream:
        counts = [stream.write(one) for one in (memoryview(numbers), memoryview(numbers[:0]), b"")]

    assert [96, 0, 0] == counts
    assert numbers.tobytes() == decrypt_stream(io.BytesIO(target.getvalue()), [PQ]).read()


def test_streams_that_take_and_give_a_little_lose_nothing():
    """Unbuffered files, sockets and pipes."""
    content, target = os.urandom(200_000), Piecemeal()

    with encrypt_stream(target, [PQ.recipient]) as stream:
        stream.write(content)

    assert content == decrypt_stream(Piecemeal(target.inner.getvalue()), [PQ]).read()


def test_a_stream_that_takes_nothing_is_not_waited_for():
    """One that would block."""

    class Full(io.RawIOBase):
        def write(self, _content):
            return None

    with pytest.raises(ResourceError), encrypt_stream(Full(), [PQ.recipient]):
        pass


def test_reading_and_iterating_may_take_turns():
    """An envelope is read first, and then the rest in pieces."""
    content = os.urandom(300_000)
    stream = decrypt_stream(io.BytesIO(sealed(content)), [PQ])

    first, nothing = stream.read(100), stream.read(0)
    pieces = [next(iter(stream)), stream.read(70_000), *stream]

    assert content == b"".join([first, *pieces])
    assert b"" == nothing == stream.read() == stream.read(5)
    assert max(map(len, pieces)) <= 70_000


def test_what_failed_once_does_not_look_like_an_end():
    """Whoever goes on reading after an error must not find a file that ends there."""
    content = sealed(bytes(3 * CHUNK))
    stream = decrypt_stream(io.BytesIO(content[:-1]), [PQ])

    for _ in range(3):
        with pytest.raises(AuthenticationError):
            stream.read()
    with pytest.raises(AuthenticationError):
        list(stream)


def test_each_way_to_be_cut_or_lengthened_has_its_code():
    """So that a help desk knows what happened."""
    header = len(sealed(b"")) - 32
    short, full = sealed(b"as agreed"), sealed(bytes(2 * CHUNK))

    assert "age-truncated" == code_of(b"")
    assert "age-truncated" == code_of(short[:1000])
    assert "age-truncated" == code_of(short[: header + 15])
    assert "age-truncated" == code_of(short[: header + 16])
    assert "age-truncated" == code_of(full[: header + 16 + CHUNK + 16])
    assert "age-trailing" == code_of(full + b"\n")
    assert "age-payload" == code_of(short + b"\n")
    assert "age-payload" == code_of(full[:-1])
    assert "age-mac" == code_of(short.replace(b"-> mlk", b"-> example.com/kind\n\n-> mlk"))
    assert "age-version" == code_of(short.replace(b"org/v1", b"org/v2"))
    assert "age-header" == code_of(short.replace(b"\n", b"\r\n"))
    assert "age-header" == code_of(b"PK\x03\x04" + bytes(100))
    assert "age-header" == code_of(b"-----BEGIN AGE ENCRYPTED FILE-----\n")


@pytest.mark.parametrize(
    ("start", "repeated"),
    [
        (b"age-encryption.org/v1\n", b"-> X25519 a\n\n"),
        (b"age-encryption.org/v1\n", b"a"),
        (b"age-encryption.org/v1\n-> X25519 a\n", LINE),
        (b"age-encryption.org/v1\n-> ", b"a "),
        (b"age-encryption.org/v1\n-> ", b"a"),
        (b"age-encryption.org/v", b"1"),
        (b"", bytes(16)),
        (b"", b"\n"),
    ],
)
def test_a_header_without_an_end_is_refused_after_its_limit(start, repeated):
    """Not read on for a gigabyte: at most 64 KiB, and a few times that in memory."""
    hostile = Endless(start, repeated)

    tracemalloc.start()
    try:
        with pytest.raises(AuthenticationError) as caught:
            decrypt_stream(hostile, [PQ, CLASSICAL, Passphrase("a")])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert "authentication/age-header" == caught.value.code
    assert hostile.n_read <= LIMIT + 1
    assert peak < 2**20


def test_ten_thousand_recipients_are_not_tried(monkeypatch):
    """The number is refused before any key is used."""
    tried = Counter()
    monkeypatch.setattr(PqIdentity, "unwrap", lambda *_: tried.update(["one"]))
    header = b"age-encryption.org/v1\n" + b"-> a\n\n" * 10_000 + b"--- " + b"A" * 43 + b"\n"

    assert "age-header" == code_of(header)
    assert not tried


def test_memory_does_not_grow_with_the_file(tmp_path):
    """Sixty-four mebibytes go through a few."""
    piece, path = os.urandom(2**20), tmp_path / "sealed"

    tracemalloc.start()
    try:
        with path.open("wb") as target, encrypt_stream(target, [PQ.recipient]) as stream:
            for _ in range(64):
                stream.write(piece)
        with path.open("rb") as source:
            length = sum(map(len, decrypt_stream(source, [PQ])))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert 64 * 2**20 == length
    assert peak < 8 * 2**20
