"""Private keys of a party cannot be shown, copied or read by others, and read back as they were."""

import copy
import functools
import os
import pickle  # noqa: S403, TID251 - to see it refused

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pprl.errors import (
    AgreementError,
    AuthenticationError,
    DataError,
    PolicyError,
    PprlError,
    ResourceError,
    UsageError,
    VersionError,
)
from pprl.exchange import age
from pprl.exchange.identities import Identity
from pprl.exchange.parties import bytes_of
from pprl.exchange.signing import verify

posix = pytest.mark.skipif(os.name == "nt", reason="modes of files and links are a POSIX matter")
PASSPHRASE = "four words nobody guesses"
TRUST = Identity.generate("trust", "custodian")
LINES = TRUST.file_content(passphrase=None).decode().splitlines()


@pytest.fixture
def cheap(monkeypatch):
    """Passphrases that are stretched little: only one test waits for the real work."""
    monkeypatch.setattr(age, "Passphrase", functools.partial(age.Passphrase, work_factor=4))


def never():
    """Nobody should ask."""
    raise AssertionError


def reads(path, content, passphrase=None):
    """Write a private file and read it."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)
    return Identity.load(path, passphrase=passphrase)


def test_an_identity_reads_back(tmp_path):
    """Without a passphrase nobody is asked for one."""
    TRUST.save(tmp_path / "identity", passphrase=None)

    loaded = Identity.load(tmp_path / "identity", passphrase=never)

    assert TRUST.party == loaded.party
    verify(TRUST.party, "text/plain", b"said", loaded.sign("text/plain", b"said"), what="letter")


def test_an_identity_reads_back_with_its_passphrase(tmp_path):
    """With the work that age asks for."""
    TRUST.save(tmp_path / "identity", passphrase=PASSPHRASE)

    assert TRUST.party == Identity.load(tmp_path / "identity", passphrase=lambda: PASSPHRASE).party


def test_the_file_is_as_described(tmp_path):
    """A magic line and five more, in this order."""
    TRUST.save(tmp_path / "identity", passphrase=None)

    lines = (tmp_path / "identity").read_text().splitlines()

    assert "pprl-identity 1" == lines[0]
    assert ["name", "role", "ed25519", "ml-dsa-65", "age"] == [line.split()[0] for line in lines[1:]]
    assert lines[5].startswith("age AGE-SECRET-KEY-PQ-1")


def test_a_sealed_file_holds_nothing_readable(tmp_path, cheap):
    """Not even the name; it is text in lines of 76, and base64 of an age file."""
    TRUST.save(tmp_path / "identity", passphrase=PASSPHRASE)

    content = (tmp_path / "identity").read_text()

    assert "pprl-identity 1 sealed" == content.splitlines()[0]
    assert max(map(len, content.splitlines())) <= 76
    assert not any(part in content for line in LINES[1:] for part in line.split())


def test_the_public_half_follows_from_the_seeds(tmp_path):
    """Other software derives the same public keys from the file."""
    values = dict(line.split() for line in LINES[1:])
    seeds = [bytes.fromhex(values[label]) for label in ("ed25519", "ml-dsa-65")]

    expected = [
        Ed25519PrivateKey.from_private_bytes(seeds[0]).public_key().public_bytes_raw(),
        MLDSA65PrivateKey.from_seed_bytes(seeds[1]).public_key().public_bytes_raw(),
    ]

    assert expected == [bytes_of(TRUST.party.ed25519, 32), bytes_of(TRUST.party.mldsa65, 1952)]
    assert TRUST.party.age == str(age.PqIdentity.parse(values["age"]).recipient)


def test_a_wrong_passphrase_is_refused_and_leaves_nothing(tmp_path, cheap):
    """Exit status 5; the file is as it was and nothing lies beside it."""
    TRUST.save(tmp_path / "identity", passphrase=PASSPHRASE)
    before = (tmp_path / "identity").read_bytes()

    with pytest.raises(AuthenticationError, match="passphrase is wrong") as caught:
        Identity.load(tmp_path / "identity", passphrase=lambda: PASSPHRASE + " ")
    assert (5, "authentication/passphrase-wrong") == (caught.value.exit_status, caught.value.code)
    assert PASSPHRASE not in str(caught.value)
    assert [(tmp_path / "identity", before)] == [(one, one.read_bytes()) for one in tmp_path.iterdir()]


def test_a_passphrase_that_is_missing_is_asked_for(tmp_path, cheap):
    """The hint says how."""
    TRUST.save(tmp_path / "identity", passphrase=PASSPHRASE)

    with pytest.raises(UsageError) as caught:
        Identity.load(tmp_path / "identity", passphrase=None)
    assert "--passphrase" in caught.value.hint


@pytest.mark.parametrize("passphrase", ["", "short", "eleven char"])
def test_a_short_passphrase_is_refused(tmp_path, passphrase):
    """Nothing is written."""
    with pytest.raises(PolicyError, match="12 characters"):
        TRUST.save(tmp_path / "identity", passphrase=passphrase)
    assert [] == list(tmp_path.iterdir())


def test_an_identity_is_never_replaced(tmp_path):
    """Its packages could not be opened any more."""
    TRUST.save(tmp_path / "identity", passphrase=None)

    with pytest.raises(UsageError, match="exists already"):
        Identity.generate("trust", "custodian").save(tmp_path / "identity", passphrase=None)
    assert TRUST.party == Identity.load(tmp_path / "identity", passphrase=None).party


@posix
def test_an_identity_is_for_its_owner_whatever_the_umask(tmp_path):
    """Mode 0600 under umask 000; refused with any other that lets others in; refused as a link."""
    before = os.umask(0)
    try:
        TRUST.save(tmp_path / "identity", passphrase=None)
    finally:
        os.umask(before)
    (tmp_path / "link").symlink_to(tmp_path / "identity")
    assert 0o600 == (tmp_path / "identity").stat().st_mode & 0o777

    for name, mode, code in (
        ("link", 0o600, "is-link"),
        ("identity", 0o640, "readable"),
        ("identity", 0o604, "readable"),
    ):
        (tmp_path / "identity").chmod(mode)
        with pytest.raises(PolicyError) as caught:
            Identity.load(tmp_path / name, passphrase=None)
        assert f"policy/identity-{code}" == caught.value.code


@pytest.mark.parametrize(("name", "code"), [(".git", "in-git-tree"), (".dropbox.cache", "in-synced-folder")])
def test_an_identity_that_would_get_out_is_refused(tmp_path, name, code):
    """Neither written there nor read from there."""
    TRUST.save(tmp_path / "identity", passphrase=None)
    (tmp_path / name).mkdir()

    for act in (Identity.load, TRUST.save):
        with pytest.raises((PolicyError, UsageError)) as caught:
            act(tmp_path / ("identity" if act == Identity.load else "other"), passphrase=None)
        assert f"policy/{code}" == caught.value.code


def test_a_missing_file_is_named_as_what_it_should_be(tmp_path):
    """And by no path."""
    with pytest.raises(DataError, match="identity: does not exist"):
        Identity.load(tmp_path / "identity", passphrase=None)


@pytest.mark.parametrize("place", range(1, 6))
@pytest.mark.parametrize(
    "change",
    [
        lambda line: "",
        lambda line: line[:-1] + "!",
        lambda line: line + " x",
        lambda line: "x" + line,
        lambda line: line[:4],
    ],
)
def test_a_damaged_file_is_refused(tmp_path, place, change):
    """Any line that is missing, cut or altered; no value is repeated."""
    lines = [*LINES]
    lines[place] = change(lines[place])

    with pytest.raises(DataError) as caught:
        reads(tmp_path / "identity", "\n".join(lines).encode())
    assert "data/identity-file" == caught.value.code
    assert not any(value in caught.value.message for line in LINES[3:] for value in line.split()[1:])


@given(
    content=st.one_of(
        st.binary(max_size=200), st.binary(max_size=200).map(lambda end: b"pprl-identity 1 sealed\n" + end)
    )
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_other_files_are_refused(tmp_path, content):
    """Whatever they hold, with an error of ours."""
    with pytest.raises(PprlError):
        reads(tmp_path / "identity", content, passphrase=lambda: PASSPHRASE)


@pytest.mark.parametrize("first", ["pprl-identity 2", "pprl-identity", "pprl-identity 1.0"])
def test_a_later_version_is_refused(tmp_path, first):
    """Exit status 7, and no guess."""
    with pytest.raises(VersionError):
        reads(tmp_path / "identity", "\n".join([first, *LINES[1:]]).encode())


def test_a_linkage_key_is_no_identity(tmp_path):
    """Nor is a file that is too long."""
    for content in (b"pprl-linkage-key 1\n" + b"0" * 64, b"pprl-identity 1\n" * 2000):
        with pytest.raises(DataError):
            reads(tmp_path / "identity", content)


@pytest.mark.parametrize("show", [repr, str, ascii, "{0}".format, "{0!r}".format])
def test_an_identity_shows_nothing(show):
    """Neither it nor what opens."""
    assert "Identity(...)" == show(TRUST)
    assert "SECRET" not in show(TRUST.opener)


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_an_identity_is_not_copied(duplicate):
    """Pickling and copying are refused, and it has no dictionary of attributes."""
    with pytest.raises(PolicyError):
        duplicate(TRUST)
    with pytest.raises(TypeError):
        vars(TRUST)


def test_a_name_that_is_none_is_refused():
    """Before anything is written."""
    with pytest.raises(AgreementError):
        Identity.generate("The Trust", "custodian")


def test_two_identities_have_no_key_in_common():
    """All three are drawn anew."""
    one, two = (Identity.generate("trust", "custodian").party for _ in range(2))

    assert not any(getattr(one, key) == getattr(two, key) for key in ("ed25519", "mldsa65", "age"))


def test_without_randomness_there_is_no_identity(monkeypatch):
    """Exit status 6, and no fallback."""

    def refuse(n_bytes):
        raise NotImplementedError

    monkeypatch.setattr(os, "urandom", refuse)

    with pytest.raises(ResourceError, match="no random bytes"):
        Identity.generate("trust", "custodian")
