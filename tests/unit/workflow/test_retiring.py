"""What is retired is gone, and a signed record says so."""

import hashlib
import os

import pytest

from pprl.errors import AuthenticationError, DataError, PolicyError, ResourceError, UsageError
from pprl.exchange import clock
from pprl.exchange.deletions import read_record, record_from
from pprl.exchange.identities import Identity
from pprl.exchange.store import Store
from pprl.keys import LinkageKey
from pprl.workflow import retiring
from pprl.workflow.retiring import retire

posix = pytest.mark.skipif(os.name == "nt", reason="links are a POSIX matter")
TRUST, OTHER = (Identity.generate(name, "custodian") for name in ("trust", "other"))


@pytest.fixture
def store(tmp_path) -> Store:
    """A custodian's folder."""
    return Store.create(tmp_path / "trust", TRUST, passphrase=None)


def events(store: Store) -> list[tuple[str, str, str]]:
    return [(entry.event, entry.outcome, entry.code) for entry in store.ledger.entries()]


def made(folder) -> dict[str, bytes]:
    """One file of every kind."""
    contents = {
        "0a" * 16 + ".age": b"age-encryption.org/v1\n-> x\n",
        "a.pprl": b"pprl-package 1 0000000000 ",
        "id-map.csv": b'\xef\xbb\xbf"record_id","local_id"\n1,2\n',
        "keys.csv": b"record_id,linkage_key\n",
        "crosswalk.csv": b"person,source,linkage_key,probability\n",
        "table.csv": b"name\nann\n",
        "empty": b"",
        ".x.12-0123abcd-0123abcd.partial": b"half",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    LinkageKey.generate().save(folder / "project.key")
    return contents | {"project.key": (folder / "project.key").read_bytes()}


def test_files_are_gone_and_the_record_has_each(store, tmp_path):
    """Kind, size, digest and package id; no name and no path."""
    contents = made(tmp_path)

    record = retire([tmp_path / name for name in contents], store=store, out=tmp_path / "record.json")

    assert {"trust", "record.json"} == {path.name for path in tmp_path.iterdir()}
    assert [
        "sealed-package",
        "package",
        "id-map",
        "linkage-keys",
        "crosswalk",
        "other",
        "other",
        "temporary",
        "linkage-key",
    ] == [one.kind for one in record.files]
    assert [(len(held), hashlib.sha256(held).hexdigest()) for held in contents.values()] == [
        (one.size, one.sha256) for one in record.files
    ]
    assert ["0a" * 16, ""] == [one.package for one in record.files[:2]]
    assert record == read_record(tmp_path / "record.json", TRUST.party)
    assert ("retire", "done", "") == events(store)[-1]
    assert record.record == store.ledger.entries()[-1].package
    written = (tmp_path / "record.json").read_bytes()
    assert not any(name.encode() in written for name in contents if name != "empty")


def test_a_record_of_somebody_else_is_not_believed(store, tmp_path):
    """Nor one that was changed."""
    (tmp_path / "a").write_bytes(b"a")
    retire([tmp_path / "a"], store=store, out=tmp_path / "record.json")
    content = (tmp_path / "record.json").read_bytes()

    for changed in (
        content[:-1],
        content + b" ",
        b"",
        b"{}",
        content.replace(b'"payload":"e', b'"payload":"f'),
    ):
        with pytest.raises(AuthenticationError):
            record_from(changed, TRUST.party)
    with pytest.raises(AuthenticationError):
        record_from(content, OTHER.party)


def test_checkpoints_go_as_a_folder(store, tmp_path):
    """And private temporaries; any other folder does not."""
    checkpoints, private, other = (
        tmp_path / name for name in ("checkpoints", ".a.12-0123abcd-0123abcd.partial", "other")
    )
    for folder, name in ((checkpoints, "job.json"), (private, "payload"), (other, "thesis")):
        folder.mkdir()
        (folder / name).write_bytes(b"x")
    (checkpoints / "part-000001").write_bytes(b"pprl-checkpoint 1\n")

    record = retire([checkpoints, private], store=store, out=tmp_path / "record.json")
    with pytest.raises(UsageError, match="neither"):
        retire([other], store=store, out=tmp_path / "record-2.json")
    (other / "job.json").write_bytes(b"{}")
    with pytest.raises(UsageError, match="neither"):
        retire([other], store=store, out=tmp_path / "record-2.json")

    assert ["checkpoint", "checkpoint", "temporary"] == [one.kind for one in record.files]
    assert {"trust", "record.json", "other"} == {path.name for path in tmp_path.iterdir()}
    assert (other / "thesis").exists()


def test_what_killed_runs_left_beside_a_file_goes_too(store, tmp_path):
    """A copy of it under another name."""
    left = tmp_path / f".a.{os.getpid()}-{retiring.stale.__globals__['_host']()}-0123abcd.partial"
    left.write_bytes(b"half")
    (tmp_path / "a").write_bytes(b"whole")

    record = retire([tmp_path / "a"], store=store, out=tmp_path / "record.json")

    assert ["temporary", "other"] == [one.kind for one in record.files]
    assert not left.exists()


@pytest.mark.parametrize("name", ["identity", "party.toml", "ledger.jsonl"])
def test_what_answers_for_the_party_stays(store, tmp_path, name):
    """And the refusal is in the ledger."""
    (tmp_path / "a").write_bytes(b"a")

    with pytest.raises(PolicyError, match="stays"):
        retire([tmp_path / "a", store.folder / name], store=store, out=tmp_path / "record.json")

    assert (store.folder / name).exists()
    assert (tmp_path / "a").exists()
    assert [("retire", "refused", "policy/retire-kept")] == events(store)


@posix
def test_links_and_files_with_a_second_name_are_refused(store, tmp_path):
    """The content would stay."""
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "link").symlink_to("a")
    os.link(tmp_path / "a", tmp_path / "b")

    for name, code in (("link", "retire-link"), ("a", "retire-hard-link")):
        with pytest.raises(PolicyError) as caught:
            retire([tmp_path / name], store=store, out=tmp_path / "record.json")
        assert f"policy/{code}" == caught.value.code
    assert b"a" == (tmp_path / "b").read_bytes()


def test_a_missing_file_stops_it_before_anything_is_gone(store, tmp_path):
    """Perhaps the name was mistyped."""
    (tmp_path / "a").write_bytes(b"a")

    with pytest.raises(DataError, match="does not exist"):
        retire([tmp_path / "a", tmp_path / "no"], store=store, out=tmp_path / "record.json")
    with pytest.raises(UsageError, match="nothing"):
        retire([], store=store, out=tmp_path / "record.json")

    assert (tmp_path / "a").exists()
    assert not (tmp_path / "record.json").exists()


def test_a_broken_ledger_or_a_wrong_clock_stops_it(store, tmp_path, monkeypatch):
    """Before anything is gone."""
    (tmp_path / "a").write_bytes(b"a")
    with monkeypatch.context() as patched:
        patched.setattr(clock, "now", lambda: clock.from_text("1970-01-01T00:00:00Z"))
        with pytest.raises(PolicyError, match="clock"):
            retire([tmp_path / "a"], store=store, out=tmp_path / "record.json")
    store.ledger.path.write_bytes(b"{}\n")
    with pytest.raises(AuthenticationError):
        retire([tmp_path / "a"], store=store, out=tmp_path / "record.json")

    assert (tmp_path / "a").exists()


def test_a_run_that_was_cut_off_is_finished_by_the_next(store, tmp_path, monkeypatch):
    """The record has what the first run deleted."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(name.encode())
    unlink = retiring._unlink

    def fail_second(path) -> None:
        if path.name == "b":
            raise ResourceError("disk", code="cannot-write")
        unlink(path)

    files = [tmp_path / "a", tmp_path / "b"]
    with monkeypatch.context() as patched:
        patched.setattr(retiring, "_unlink", fail_second)
        with pytest.raises(ResourceError):
            retire(files, store=store, out=tmp_path / "record.json")
    is_gone = not (tmp_path / "a").exists()
    record = retire(files, store=store, out=tmp_path / "record.json")

    assert is_gone
    assert [hashlib.sha256(name).hexdigest() for name in (b"a", b"b")] == [one.sha256 for one in record.files]
    assert [("retire", "refused", "resource/cannot-write"), ("retire", "done", "")] == events(store)
    assert {"trust", "record.json"} == {path.name for path in tmp_path.iterdir()}
    assert not (store.folder / retiring.PLAN).exists()


def test_a_record_does_not_replace_another(store, tmp_path):
    """Unless told to; and a file is not its own record."""
    for name in ("a", "record.json"):
        (tmp_path / name).write_bytes(b"x")

    with pytest.raises(UsageError, match="exists"):
        retire([tmp_path / "a"], store=store, out=tmp_path / "record.json")
    with pytest.raises(UsageError, match="one of the inputs"):
        retire([tmp_path / "a"], store=store, out=tmp_path / "a", force=True)
    assert (tmp_path / "a").exists()
    record = retire([tmp_path / "a"], store=store, out=tmp_path / "record.json", force=True)

    assert record == read_record(tmp_path / "record.json", TRUST.party)


@pytest.mark.parametrize("size", [3, 4])
def test_what_has_taken_the_place_of_a_file_is_not_deleted(store, tmp_path, monkeypatch, size):
    """Another run has written it since it was read, even if it is as long."""
    old, out = tmp_path / "old.csv", tmp_path / "record.json"
    old.write_bytes(b"old")
    write = retiring.rewrite_own

    def replaced(path, content):
        write(path, content)
        (tmp_path / "new.csv").write_bytes(b"n" * size)
        os.utime(tmp_path / "new.csv", ns=(old.stat().st_atime_ns, old.stat().st_mtime_ns))
        (tmp_path / "new.csv").replace(old)

    monkeypatch.setattr(retiring, "rewrite_own", replaced)

    with pytest.raises(DataError) as caught:
        retire([old], store=store, out=out)
    assert "data/changed-while-read" == caught.value.code
    assert b"n" * size == old.read_bytes()
