"""Parties make keys, read words to each other, sign, and see that all have signed."""

import os
import subprocess
import sys

import click
import pytest

from pprl.agreement import Agreement
from pprl.exchange.parties import read_party
from pprl.exchange.words import words_of

posix = pytest.mark.skipif(os.name == "nt", reason="modes of files are a POSIX matter")
ROLES = {"trust": "custodian", "hospital": "custodian", "unit": "linkage-unit"}
PASSPHRASE = "four words nobody guesses"


def new(pprl, name, *options):
    """Make the folder of a party."""
    return pprl(
        "party", "new", "--name", name, "--role", ROLES.get(name, "custodian"), "--out", name, *options
    )


@pytest.fixture
def parties(pprl):
    """A folder with three parties and an agreement that lists them."""
    assert 0 == pprl(
        "agreement", "new", "--preset", "uk-health", "--project", "test", "--out", "agreement.toml"
    )
    with (pprl.folder / "agreement.toml").open("a") as agreement:
        for name in ROLES:
            assert 0 == new(pprl, name), pprl.err
            agreement.write((pprl.folder / name / "party.toml").read_text())
    return pprl


def secret_file(folder, content=PASSPHRASE + "\n"):
    """A file with a passphrase."""
    path = folder / "passphrase"
    path.touch(mode=0o600)
    path.write_text(content, encoding="utf-8")
    return path


def test_parties_sign_and_see_that_all_have_signed(parties):
    """The last signature makes the agreement whole."""
    for name in ROLES:
        assert 5 == parties("agreement", "verify", "agreement.toml")
        assert f"{name}" in parties.err
        assert 0 == parties("agreement", "sign", "agreement.toml", "--party", name), parties.err
        assert f"agreement.toml.{name}.sig" in parties.err

    assert 0 == parties("agreement", "verify", "agreement.toml"), parties.err
    assert [[name, role, "signed"] for name, role in ROLES.items()] == [
        line.split() for line in parties.out.splitlines()[1:4]
    ]


def test_all_verbs_tell_the_same_words(parties):
    """Whoever reads them, from whatever verb."""
    words = " ".join(Agreement.load(parties.folder / "agreement.toml").words)
    for name in ROLES:
        assert 0 == parties("agreement", "sign", "agreement.toml", "--party", name)
        assert words == parties.out.strip()

    for verb in ("words", "verify", "show", "check"):
        assert 0 == parties("agreement", verb, "agreement.toml")
        assert words in parties.out + parties.err
    assert "version 1 between trust (custodian), hospital (custodian), unit (linkage-unit)" in parties.err
    assert 64 == len(parties.out.strip())


def test_a_party_is_shown_by_the_words_of_its_keys(parties):
    """From its folder, and from the file that others got."""
    party = read_party(parties.folder / "trust" / "party.toml")

    for place in ("trust", "trust/party.toml"):
        assert 0 == parties("party", "show", place)
        assert " ".join(words_of(party.fingerprint)) in parties.out
    assert 3 == parties("party", "show", "agreement.toml")


def test_a_party_is_never_replaced(parties):
    """There is no --force: its packages could not be opened any more."""
    before = (parties.folder / "trust" / "identity").read_bytes()

    assert 2 == new(parties, "trust")
    assert 2 == new(parties, "trust", "--force")
    assert before == (parties.folder / "trust" / "identity").read_bytes()


def test_a_change_must_be_signed_again(parties):
    """With --force, and by all."""
    for name in ROLES:
        assert 0 == parties("agreement", "sign", "agreement.toml", "--party", name)
    path = parties.folder / "agreement.toml"
    path.write_text(path.read_text().replace("precision = 0.99", "precision = 0.98"))

    assert 5 == parties("agreement", "verify", "agreement.toml")
    assert "signed-another" in parties.err
    assert 2 == parties("agreement", "sign", "agreement.toml", "--party", "trust")
    assert 0 == parties("agreement", "sign", "agreement.toml", "--party", "trust", "--force")


@pytest.mark.parametrize(("text", "status"), [("expires = 2020-01-01", 4), ("expires = 2999-01-01", 0)])
def test_an_expired_agreement_is_shown_and_not_signed(parties, text, status):
    """Looking at it asks no clock."""
    path = parties.folder / "agreement.toml"
    path.write_text(text + "\n" + path.read_text())

    assert 0 == parties("agreement", "show", "agreement.toml")
    assert status == parties("agreement", "sign", "agreement.toml", "--party", "trust")


def test_an_agreement_without_parties_is_not_signed(parties):
    """Exit status 4 with advice."""
    assert 0 == parties("agreement", "new", "--preset", "febrl", "--project", "test", "--out", "other.toml")

    assert 4 == parties("agreement", "sign", "other.toml", "--party", "trust")
    assert 4 == parties("agreement", "verify", "other.toml")
    assert "paste the party.toml" in parties.err


@posix
def test_a_passphrase_comes_from_a_file_or_a_pipe(parties):
    """As of a shell's <(...); and without it nothing is signed."""
    path = secret_file(parties.folder)
    assert 0 == new(parties, "charity", "--passphrase-file", path), parties.err
    reader, writer = os.pipe()
    os.write(writer, PASSPHRASE.encode())
    os.close(writer)

    statuses = [
        parties("agreement", "sign", "agreement.toml", "--party", "charity", *options)
        for options in ((), ("--passphrase-file", path), ("--passphrase-file", f"/dev/fd/{reader}"))
    ]
    os.close(reader)

    # Two of them open the folder, and are told that the agreement does not list this party.
    assert [2, 4, 4] == statuses
    assert "unknown-party" in parties.err


def test_a_wrong_passphrase_ends_with_5_and_leaves_nothing(parties):
    """The passphrase is not repeated."""
    assert 0 == new(parties, "charity", "--passphrase-file", secret_file(parties.folder)), parties.err
    path = secret_file(parties.folder, "another passphrase\n")
    before = sorted(parties.folder.rglob("*"))

    assert 5 == parties(
        "agreement", "sign", "agreement.toml", "--party", "charity", "--passphrase-file", path
    )
    assert "another passphrase" not in parties.out + parties.err
    assert before == sorted(parties.folder.rglob("*"))


@posix
@pytest.mark.parametrize(
    ("content", "mode", "status"),
    [
        ("", 0o600, 3),
        ("two\nlines\n", 0o600, 3),
        ("x" * 5000, 0o600, 3),
        ("short", 0o600, 4),
        (PASSPHRASE, 0o644, 4),
    ],
)
def test_a_passphrase_file_that_is_none_is_refused(pprl, content, mode, status):
    """And no folder is made."""
    path = secret_file(pprl.folder, content)
    path.chmod(mode)

    assert status == new(pprl, "trust", "--passphrase-file", path)
    assert [path] == list(pprl.folder.iterdir())


def test_a_passphrase_is_never_an_argument(pprl):
    """What is typed after --passphrase is no value, and is not repeated."""
    assert 2 == new(pprl, "trust", "--passphrase", PASSPHRASE)
    assert 2 == new(pprl, "trust", f"--passphrase={PASSPHRASE}")

    assert PASSPHRASE not in pprl.out + pprl.err
    assert [] == list(pprl.folder.iterdir())


def test_a_passphrase_is_asked_for_on_a_terminal_and_nowhere_else(pprl, monkeypatch):
    """A new one twice; without a terminal the other way is named."""
    assert 2 == new(pprl, "trust", "--passphrase")
    assert "--passphrase-file" in pprl.err
    asked = []

    def prompt(text, **options):
        asked.append(options)
        return PASSPHRASE

    monkeypatch.setattr(click, "prompt", prompt)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert 0 == new(pprl, "trust", "--passphrase"), pprl.err

    assert [{"hide_input": True, "confirmation_prompt": True, "err": True}] == asked
    assert b"sealed" in (pprl.folder / "trust" / "identity").read_bytes()


def test_a_passphrase_in_the_environment_is_refused(pprl, monkeypatch):
    """It is inherited by every program and shown by many."""
    monkeypatch.setenv("PPRL_PASSPHRASE", PASSPHRASE)

    assert 4 == new(pprl, "trust")
    assert PASSPHRASE not in pprl.out + pprl.err
    assert [] == list(pprl.folder.iterdir())


def test_two_ways_to_a_passphrase_are_one_too_many(pprl):
    """Which one would count?"""
    assert 2 == new(pprl, "trust", "--passphrase", "--passphrase-file", secret_file(pprl.folder))


@pytest.mark.parametrize("name", ["The Trust", "../trust", ""])
def test_a_name_that_is_none_is_refused(pprl, name):
    """Before a folder is made."""
    assert 3 == pprl("party", "new", "--name", name, "--role", "custodian", "--out", "x")
    assert [] == list(pprl.folder.iterdir())


def test_a_linkage_key_at_the_linkage_unit_is_refused(parties):
    """Exit status 4, whatever the verb."""
    assert 0 == parties("key", "new", "--out", "unit/found.txt")

    assert 4 == parties("agreement", "sign", "agreement.toml", "--party", "unit")
    assert "store-holds-secret" in parties.err


def test_a_party_in_a_synced_folder_is_refused(pprl):
    """Nothing is written."""
    (pprl.folder / "Dropbox").mkdir()

    assert 4 == pprl("party", "new", "--name", "trust", "--role", "custodian", "--out", "Dropbox/trust")
    assert [] == list((pprl.folder / "Dropbox").iterdir())


def test_the_help_of_the_command_waits_for_no_cryptography():
    """Nor does reading an agreement without parties."""
    program = (
        "import sys; from pprl.agreement import Agreement; Agreement.preset('febrl').words; "
        "print([name for name in sys.modules if name.endswith(('.asymmetric.ed25519', '.exchange.age'))])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
