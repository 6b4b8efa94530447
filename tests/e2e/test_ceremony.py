"""The ceremony on the command line: folders of three custodians, and a linkage unit that carries files."""

import base64
import json
import os
import shutil

import pytest

from pprl.files import OWNER_ONLY
from pprl.keys import LinkageKey

CUSTODIANS = ("hospital", "school", "trust")
ROLES = {**dict.fromkeys(CUSTODIANS, "custodian"), "unit": "linkage-unit"}


@pytest.fixture
def parties(pprl):
    """Four folders, an agreement that all have signed, and a board for each custodian."""
    assert 0 == pprl("agreement", "new", "--preset", "febrl", "--project", "study", "--out", "agreement.toml")
    for name, role in ROLES.items():
        assert 0 == pprl("party", "new", "--name", name, "--role", role, "--out", name)
    agreement = pprl.folder / "agreement.toml"
    tables = [(pprl.folder / name / "party.toml").read_text() for name in ROLES]
    agreement.write_text("\n".join([agreement.read_text(), *tables]))
    for name in ROLES:
        assert 0 == pprl("agreement", "sign", "agreement.toml", "--party", name)
        (pprl.folder / f"board-{name}").mkdir()
    return pprl


def carry(pprl):
    """What the linkage unit does: everything that anybody wrote comes to everybody."""
    boards = [pprl.folder / f"board-{name}" for name in ROLES]
    for one in boards:
        for other in boards:
            for path in one.iterdir():
                if not (other / path.name).exists():
                    shutil.copy(path, other)


def take_part(pprl, name, *options):
    return pprl("key", "ceremony", "agreement.toml", "--party", name, "--board", f"board-{name}", *options)


def spellings(secret):
    """A secret as it could stand in a file."""
    return {
        secret,
        secret[::-1],
        secret.hex().encode(),
        secret.hex().upper().encode(),
        base64.b64encode(secret).rstrip(b"=")[:-1],
        base64.urlsafe_b64encode(secret).rstrip(b"=")[:-1],
        base64.b32encode(secret).rstrip(b"=")[:-1],
    }


def drawn(pprl):
    """What custodians keep while they wait: nonces and contributions."""
    kept = pprl.folder.glob("*/ceremony-*/contribution")
    digits = [bytes.fromhex(path.read_text().split()[-1]) for path in kept]
    return [half for both in digits for half in (both[:32], both[32:])]


def test_custodians_make_a_secret_that_nothing_on_the_way_tells(parties):
    """What the linkage unit carried, what was printed and the ledgers hold no secret in any spelling."""
    printed = []
    secrets = []
    for _ in range(4):
        for name in CUSTODIANS:
            assert 0 == take_part(parties, name)
            printed += [parties.out, parties.err]
            secrets += drawn(parties)
        carry(parties)

    keys = [LinkageKey.load(parties.folder / name / "project.key") for name in CUSTODIANS]
    secrets += [key._material for key in keys]
    emitted = [path.read_bytes() for path in (parties.folder / "board-unit").iterdir()]
    emitted += [(parties.folder / name / "ledger.jsonl").read_bytes() for name in ROLES]
    emitted += [text.encode() for text in printed]
    unsealed = [
        base64.b64decode(json.loads(content)["payload"])
        for content in emitted
        if content[:2] == b'{"' and b'"payload"' in content
    ]
    wanted = {spelling for secret in set(secrets) for spelling in spellings(secret)}
    assert keys[0] == keys[1] == keys[2]
    assert 3 * 2 + 3 * 2 == len(list((parties.folder / "board-unit").iterdir()))
    assert 7 == len(set(secrets))
    assert not [spelling for spelling in wanted for content in [*emitted, *unsealed] if spelling in content]
    assert "done: all custodians have the same secret" in parties.out


def test_it_says_who_is_waited_for_and_what_to_carry(parties):
    """A person who is tired can follow it."""
    assert 0 == take_part(parties, "trust")

    assert "trust (you)  yes" in parties.out
    assert "waiting for hospital: 1-commit.json" in parties.out
    assert "bring what is new on the board to all other custodians" in parties.err

    assert 0 == take_part(parties, "trust", "--json")
    assert {"hospital": "1-commit.json", "school": "2-commit.json"} == json.loads(parties.out)["missing"]


def test_the_linkage_unit_takes_no_part(parties):
    """It is told so, and its folder gets no secret."""
    assert 4 == take_part(parties, "unit")

    assert "[policy/ceremony-role]" in parties.err
    assert [] == list((parties.folder / "board-unit").iterdir())
    assert 0 == parties("ledger", "verify", "--party", "unit")


def test_who_cheated_is_named_and_nothing_is_derived(parties):
    """With exit status 5, and in the ledger."""
    for name in CUSTODIANS:
        take_part(parties, name)
    carry(parties)
    path = parties.folder / "board-trust" / "2-commit.json"
    path.write_bytes(path.read_bytes().replace(b'"payload":"e', b'"payload":"f'))

    assert 5 == take_part(parties, "trust")

    assert "school has a commit" in parties.err
    assert not (parties.folder / "trust" / "project.key").exists()
    assert "ceremony-" in (parties.folder / "trust" / "ledger.jsonl").read_text()


def test_under_an_open_umask_everything_is_private(parties):
    """In folders and on the board."""
    before = os.umask(0)
    try:
        for _ in range(4):
            for name in CUSTODIANS:
                take_part(parties, name)
            carry(parties)
    finally:
        os.umask(before)

    if os.name != "nt":
        written = [
            path for name in CUSTODIANS for path in (parties.folder / name).rglob("*") if path.is_file()
        ]
        assert {OWNER_ONLY} == {path.stat().st_mode & 0o777 for path in written}


def test_an_unsigned_agreement_is_none(parties):
    """Nothing is drawn for it."""
    (parties.folder / "agreement.toml.school.sig").unlink()

    assert 5 == take_part(parties, "trust")

    assert [] == list((parties.folder / "board-trust").iterdir())


def test_a_dealer_needs_the_agreement_and_the_word(parties):
    """The option alone is refused."""
    assert 4 == take_part(parties, "trust", "--single-dealer")

    assert "[policy/dealer-not-agreed]" in parties.err
