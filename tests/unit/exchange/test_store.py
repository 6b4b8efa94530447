"""A party's folder is private, is made once, and holds no secret that is not for its role."""

import os

import pytest

from pprl.errors import DataError, PolicyError, UsageError
from pprl.exchange.identities import Identity
from pprl.exchange.idmaps import IdMap
from pprl.exchange.parties import read_party
from pprl.exchange.store import Store, open_ledger
from pprl.keys import LinkageKey

posix = pytest.mark.skipif(os.name == "nt", reason="modes of files are a POSIX matter")
IDENTITIES = {role: Identity.generate("party", role) for role in ("custodian", "linkage-unit", "research")}


def made(folder, role="custodian"):
    """A store without a passphrase."""
    return Store.create(folder, IDENTITIES[role], passphrase=None)


@posix
def test_a_store_is_for_its_owner(tmp_path):
    """The folder and all in it, whatever the umask."""
    before = os.umask(0)
    try:
        store = made(tmp_path / "party")
    finally:
        os.umask(before)

    assert 0o700 == store.folder.stat().st_mode & 0o777
    assert {"identity": 0o600, "party.toml": 0o600, "ledger.jsonl": 0o600} == {
        one.name: one.stat().st_mode & 0o777 for one in store.folder.iterdir()
    }


def test_a_store_reads_back(tmp_path):
    """Its public half is that of the identity, and also in a file for others."""
    store = made(tmp_path / "party")

    opened = Store.open(store.folder)

    assert store.party == opened.party == read_party(tmp_path / "party" / "party.toml")
    assert "Store(party='party', role='custodian')" == repr(opened)


def test_a_store_has_a_ledger(tmp_path):
    """It is opened when first asked for, and then the same."""
    store = made(tmp_path / "party")

    assert store.ledger is store.ledger
    assert 0 == store.ledger.verify()


def test_a_ledger_that_is_gone_is_not_begun_anew(tmp_path):
    """It knew which packages had been opened."""
    store = made(tmp_path / "party")
    (store.folder / "ledger.jsonl").unlink()

    with pytest.raises(PolicyError, match="there is none"):
        store.ledger.entries()


def test_what_others_changed_in_the_public_file_is_not_believed(tmp_path):
    """The private keys tell who the party is."""
    store = made(tmp_path / "party")
    (store.folder / "party.toml").write_text("[[parties]]\n")

    assert store.party == Store.open(store.folder).party


@pytest.mark.parametrize("name", ["identity", "party.toml", "ledger.jsonl"])
def test_a_party_is_never_replaced(tmp_path, name):
    """Not even what is left of one."""
    (tmp_path / "party").mkdir(mode=0o700)
    (tmp_path / "party" / name).write_bytes(b"mine")

    with pytest.raises(UsageError, match="has a party already"):
        made(tmp_path / "party")
    assert [b"mine"] == [one.read_bytes() for one in (tmp_path / "party").iterdir()]


def test_a_store_may_be_made_in_a_folder_that_is_there(tmp_path):
    """Beside what a custodian has."""
    (tmp_path / "party").mkdir(mode=0o700)
    (tmp_path / "party" / "people.csv").write_text("id\n")

    assert {"identity", "party.toml", "ledger.jsonl", "people.csv"} == {
        one.name for one in made(tmp_path / "party").folder.iterdir()
    }


@posix
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_write_to_is_refused(tmp_path, mode):
    """They could put other files into the place of ours."""
    store = made(tmp_path / "party")
    store.folder.chmod(mode)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(mode)

    with pytest.raises(PolicyError, match="others may write"):
        Store.open(store.folder)
    with pytest.raises(PolicyError, match="others may write"):
        made(tmp_path / "open")


@pytest.mark.parametrize("name", ["missing", "empty", "file"])
def test_what_is_no_store_is_refused(tmp_path, name):
    """With advice."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(DataError, match="is not the folder of a party"):
        Store.open(tmp_path / name)


@pytest.mark.parametrize("name", ["OneDrive", "Dropbox"])
def test_a_store_in_a_synced_folder_is_refused(tmp_path, name):
    """Nothing is written there."""
    with pytest.raises(PolicyError, match=name):
        made(tmp_path / name / "party")
    assert [] == list(tmp_path.iterdir())


def key_file(folder):
    """A linkage key as it is saved."""
    LinkageKey.generate().save(folder / "notes.txt")


def key_after_blanks(folder):
    """A linkage key that went through an editor."""
    LinkageKey.generate().save(folder / "one")
    (folder / "two").write_bytes(b"\xef\xbb\xbf\r\n " + (folder / "one").read_bytes())
    (folder / "one").unlink()


def id_map(folder):
    """A custodian's way back to its own ids."""
    IdMap({"00ff": "patient 1"}).save(folder / "map.csv")


def quoted_id_map(folder):
    """The same as a spreadsheet writes it."""
    (folder / "map.csv").write_text('"record_id","local_id"\n"00ff","patient 1"\n')


@pytest.mark.parametrize("place", [key_file, key_after_blanks, id_map, quoted_id_map])
@pytest.mark.parametrize("role", ["linkage-unit", "research"])
@pytest.mark.parametrize("depth", [".", "a/b"])
def test_a_secret_of_custodians_in_another_store_is_refused(tmp_path, place, role, depth):
    """Under any name, at any depth; what it holds is not repeated."""
    store = made(tmp_path / "party", role)
    (store.folder / depth).mkdir(parents=True, exist_ok=True)
    place(store.folder / depth)

    with pytest.raises(PolicyError) as caught:
        Store.open(store.folder)
    assert "policy/store-holds-secret" == caught.value.code
    assert "patient" not in f"{caught.value} {caught.value.hint}"


@posix
def test_a_link_to_a_secret_is_a_secret(tmp_path):
    """What can be read from the folder is held by it; a link to nothing is not."""
    LinkageKey.generate().save(tmp_path / "project.key")
    store = made(tmp_path / "party", "linkage-unit")
    (store.folder / "nothing").symlink_to(tmp_path / "missing")
    Store.open(store.folder)
    (store.folder / "link").symlink_to(tmp_path / "project.key")

    with pytest.raises(PolicyError, match="a linkage key"):
        Store.open(store.folder)


@pytest.mark.parametrize("start", ["contribution", "dealt", "opening", "unclosed-key"])
@pytest.mark.parametrize("role", ["linkage-unit", "research"])
def test_part_of_a_secret_is_one(tmp_path, role, start):
    """What custodians say to each other in a ceremony leads to the linkage key."""
    store = made(tmp_path / "party", role)
    (store.folder / "note").write_bytes(f"pprl-{start} 1\n".encode() + b"0" * 64)

    with pytest.raises(PolicyError) as caught:
        Store.open(store.folder)
    assert "policy/store-holds-secret" == caught.value.code


@posix
def test_a_link_to_a_folder_is_refused_where_no_secret_may_be(tmp_path):
    """The search for secrets does not go there, and programs do."""
    (tmp_path / "elsewhere").mkdir()
    store = made(tmp_path / "party", "linkage-unit")
    (store.folder / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)

    with pytest.raises(PolicyError) as caught:
        Store.open(store.folder)
    assert "policy/store-link" == caught.value.code


@pytest.mark.parametrize("trace", ["peers", "id-maps", "project.key"])
def test_a_ledger_that_was_emptied_is_not_begun_anew(tmp_path, trace):
    """It looks as if it were new, and the folder does not."""
    store = made(tmp_path / "party")
    assert 0 == open_ledger(store.folder).verify()
    (store.folder / trace).touch()

    with pytest.raises(PolicyError) as caught:
        assert store.ledger
    assert "policy/ledger-emptied" == caught.value.code


def test_a_store_is_not_made_around_a_secret(tmp_path):
    """The linkage unit had it before it was one."""
    (tmp_path / "party").mkdir(mode=0o700)
    key_file(tmp_path / "party")

    with pytest.raises(PolicyError, match="a linkage key"):
        made(tmp_path / "party", "linkage-unit")
    assert ["notes.txt"] == [one.name for one in (tmp_path / "party").iterdir()]


def test_a_custodian_holds_both(tmp_path):
    """They are for it."""
    store = made(tmp_path / "party")
    key_file(store.folder)
    id_map(store.folder)

    assert store.party == Store.open(store.folder).party
