"""The linkage key cannot be shown, copied or read by others, and derives as specified."""

import copy
import hashlib
import hmac
import json
import os
import pickle  # noqa: S403, TID251 - to see it refused

import pytest

from pprl.errors import DataError, PolicyError, ResourceError, UsageError, VersionError
from pprl.keys import LinkageKey, Subkey

SECRET = bytes(range(32))
posix = pytest.mark.skipif(os.name == "nt", reason="modes of files are a POSIX matter")


def hkdf_by_hand(material: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 for one block, from RFC 5869."""
    extracted = hmac.digest(salt or bytes(32), material, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def joined(*parts: str) -> bytes:
    """Length-prefixed parts, as docs/format.md says."""
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)


def test_derivation_is_as_specified():
    """Another implementation, from the specification alone, derives the same keys."""
    salt = hashlib.sha256(joined("pprl project", "study", "3")).digest()
    project = hkdf_by_hand(SECRET, salt, joined("pprl project key"))
    expected = hmac.digest(
        hkdf_by_hand(project, b"", joined("pprl derived key", "field", "all", "surname")), b"x", "sha256"
    )

    actual = LinkageKey(SECRET).for_project("study", epoch=3).derive("field", "all", "surname").mac(b"x")

    assert expected == actual


@pytest.mark.parametrize(
    ("project", "epoch", "label"),
    [
        ("other", 3, ("a", "bc")),
        ("study", 4, ("a", "bc")),
        ("study", 3, ("ab", "c")),
        ("study", 3, ("a", "bc", "")),
    ],
)
def test_every_part_of_a_label_matters(project, epoch, label):
    """Another project, epoch, or way to cut the label gives another key."""
    reference = LinkageKey(SECRET).for_project("study", epoch=3).derive("a", "bc")

    other = LinkageKey(SECRET).for_project(project, epoch=epoch).derive(*label)

    assert reference != other


def test_a_stream_begins_with_every_shorter_one():
    """So a token's positions for few bits are the first of those for many."""
    subkey = LinkageKey(SECRET).for_project("study", epoch=1).derive("x")

    assert subkey.stream(b"token", 200)[:70] == subkey.stream(b"token", 70)


def test_blocks_are_those_of_the_standard():
    """FIPS 197, appendix C.3: AES with a 256-bit key; each block by itself."""
    subkey = Subkey(bytes(range(32)))
    block = bytes.fromhex("00112233445566778899aabbccddeeff")
    expected = bytes.fromhex("8ea2b7ca516745bfeafc49904b496089")

    assert expected == subkey.prf_blocks(block)
    assert expected + subkey.prf_blocks(bytes(16)) + expected == subkey.prf_blocks(block + bytes(16) + block)
    assert b"" == subkey.prf_blocks(b"")


@pytest.mark.parametrize("n_bytes", [1, 15, 17])
def test_a_block_that_is_not_whole_is_refused(n_bytes):
    """It would have no answer."""
    with pytest.raises(UsageError):
        Subkey(bytes(range(32))).prf_blocks(bytes(n_bytes))


@pytest.mark.parametrize("show", [repr, str, ascii, "{0}".format, "{0!r}".format])
def test_a_key_shows_nothing(show):
    """Neither a key nor what is derived from it shows any of its bytes."""
    key = LinkageKey(SECRET)
    project = key.for_project("study", epoch=1)

    shown = [show(key), show(project), show(project.derive("x"))]

    assert ["LinkageKey(...)", "ProjectKey(...)", "Subkey(...)"] == shown


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_key_is_not_copied(duplicate):
    """Pickling and copying are refused."""
    with pytest.raises(PolicyError):
        duplicate(LinkageKey(SECRET))


def test_a_key_has_no_text_form():
    """It is neither JSON nor bytes, and has no dictionary of attributes."""
    key = LinkageKey(SECRET)

    with pytest.raises(TypeError):
        json.dumps(key)
    with pytest.raises(TypeError):
        bytes(key)
    with pytest.raises(TypeError):
        vars(key)
    with pytest.raises(PolicyError):
        key.__getstate__()


@pytest.mark.parametrize("material", ["a" * 32, bytearray(32), None])
def test_a_key_is_made_of_bytes(material):
    """Not of text, and of nothing that could change."""
    with pytest.raises(UsageError):
        LinkageKey(material)


def test_a_key_of_another_length_is_refused():
    """31 bytes are not a key."""
    with pytest.raises(UsageError):
        LinkageKey(SECRET[:31])


def test_a_key_file_reads_back(tmp_path):
    """Saving and loading give the same key."""
    key = LinkageKey.generate()

    key.save(tmp_path / "k.key")

    assert key == LinkageKey.load(tmp_path / "k.key")


@posix
def test_a_key_file_is_for_its_owner_whatever_the_umask(tmp_path):
    """Mode 0600 under umask 000."""
    before = os.umask(0)
    try:
        LinkageKey(SECRET).save(tmp_path / "k.key")
    finally:
        os.umask(before)

    assert 0o600 == (tmp_path / "k.key").stat().st_mode & 0o777


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(tmp_path, mode):
    """The message gives the mode that was found."""
    LinkageKey(SECRET).save(tmp_path / "k.key")
    (tmp_path / "k.key").chmod(mode)

    with pytest.raises(PolicyError, match=f"{mode:04o}"):
        LinkageKey.load(tmp_path / "k.key")


@posix
def test_a_link_to_a_key_is_refused(tmp_path):
    """A link may lead to a place that others control."""
    LinkageKey(SECRET).save(tmp_path / "k.key")
    (tmp_path / "link.key").symlink_to(tmp_path / "k.key")

    with pytest.raises(PolicyError, match="link"):
        LinkageKey.load(tmp_path / "link.key")


def test_a_key_in_a_git_work_tree_is_refused(tmp_path):
    """Neither written there nor read from there."""
    LinkageKey(SECRET).save(tmp_path / "k.key")
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep").mkdir()

    with pytest.raises(PolicyError, match="git"):
        LinkageKey.load(tmp_path / "k.key")
    with pytest.raises(PolicyError, match="git"):
        LinkageKey(SECRET).save(tmp_path / "deep" / "k.key")


def test_a_folder_that_git_ignores_whole_may_hold_a_key(tmp_path):
    """As the demo's folder does."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / ".gitignore").write_text("# nothing of this\n*\n")

    LinkageKey(SECRET).save(tmp_path / "demo" / "k.key")

    assert LinkageKey(SECRET) == LinkageKey.load(tmp_path / "demo" / "k.key")


def test_a_key_given_for_a_file_name_is_not_repeated():
    """Somebody pastes the secret after --key."""
    with pytest.raises(UsageError) as caught:
        LinkageKey.load(SECRET.hex())

    assert SECRET.hex() not in f"{caught.value} {caught.value.hint}"
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", DataError),
        (b"\x00\xff\xfe" * 30, DataError),
        (b"pprl-linkage-key 1\n", DataError),
        (b"pprl-linkage-key 1\n" + b"0" * 63 + b"\n", DataError),
        (b"pprl-linkage-key 1\n" + b"g" * 64 + b"\n", DataError),
        (b"pprl-linkage-key 1\n" + b"0" * 64 + b"\n\nmore\n", DataError),
        (b"pprl-linkage-key 1\n" + b"0" * 64 + b"\n", DataError),
        (b"pprl-linkage-key 2\n" + b"0" * 64 + b"\n", VersionError),
        (b"x" * 5000, DataError),
    ],
)
def test_what_is_not_a_key_file_is_refused(tmp_path, content, error):
    """Empty, binary, cut, too long, of another version."""
    (tmp_path / "k.key").write_bytes(content)
    (tmp_path / "k.key").chmod(0o600)

    with pytest.raises(error):
        LinkageKey.load(tmp_path / "k.key")


def test_no_randomness_means_no_key(monkeypatch):
    """There is no fallback."""

    def broken(_n: int) -> bytes:
        raise NotImplementedError

    monkeypatch.setattr(os, "urandom", broken)

    with pytest.raises(ResourceError, match="random"):
        LinkageKey.generate()
