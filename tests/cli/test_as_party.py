"""A run for a party is held to the party's role, and its ledger knows of it."""

import os
import subprocess

import pytest

from pprl.agreement import preset_text
from pprl.exchange import clock
from pprl.keys import LinkageKey
from pprl.workflow.runs import run_as

posix = pytest.mark.skipif(os.name == "nt", reason="modes of files are a POSIX matter")
AGREED = ("--agreement", "agreement.toml")


@pytest.fixture
def parties(meeting, pprl, people):
    """The command line in the folder of four parties, with a table, a key and two packages."""
    pprl.folder = meeting.folder
    people.to_csv(pprl.folder / "people.csv", index=False)
    LinkageKey.generate().save(pprl.folder / "project.key")
    for seed, name in enumerate(("trust", "hospital")):
        meeting.encodings(name, seed=seed)
    for name in ("a.csv", "b.csv", "crosswalk.csv", "keys.csv"):
        (pprl.folder / name).write_text("record_id,linkage_key\n")
    return pprl


VERBS = {
    "encode": ("people.csv", *AGREED, "--key", "project.key", "--id", "rec_id", "--keep-ids"),
    "link": ("trust.pprl", "hospital.pprl", *AGREED),
    "deduplicate": ("trust.pprl", *AGREED),
    "attach": ("people.csv", *AGREED, "--keys", "keys.csv", "--id", "rec_id"),
    "join": ("a=a.csv", "b=b.csv", "--crosswalk", "crosswalk.csv"),
}
OUT = {"encode": "out.pprl", "attach": "out.csv", "join": "out.csv"}


def entries(meeting, name):
    return [(one.event, one.outcome, one.code) for one in meeting.stores[name].ledger.entries()]


@pytest.mark.parametrize(
    ("verb", "party"),
    [
        ("encode", "unit"),
        ("encode", "safe-haven"),
        ("attach", "unit"),
        ("attach", "safe-haven"),
        ("link", "trust"),
        ("link", "safe-haven"),
        ("deduplicate", "safe-haven"),
        ("join", "trust"),
        ("join", "unit"),
    ],
)
def test_a_verb_of_another_role_is_refused(parties, meeting, verb, party):
    """Before anything is read or written, and the ledger says so."""
    out = OUT.get(verb, "out")

    assert 4 == parties(verb, *VERBS[verb], "--party", party, "--out", out)
    assert "[policy/run-role]" in parties.err
    assert [(verb, "refused", "policy/run-role")] == entries(meeting, party)
    assert not (parties.folder / out).exists()


@pytest.mark.parametrize("verb", VERBS)
def test_a_linkage_unit_with_a_secret_runs_nothing(parties, verb):
    """Its folder is refused, as it is by every other verb."""
    LinkageKey.generate().save(parties.folder / "unit" / "project.key")

    assert 4 == parties(verb, *VERBS[verb], "--party", "unit", "--out", OUT.get(verb, "out"))
    assert "[policy/store-holds-secret]" in parties.err


@pytest.fixture
def trial(parties, febrl):
    """A package and the agreement that it was made under, which has no parties."""
    (parties.folder / "trial.toml").write_text(preset_text("febrl"))
    encoding = ("people.csv", "--key", "project.key", "--id", "rec_id", "--keep-ids", "--out", "real.pprl")
    assert 0 == parties("encode", *encoding, "--agreement", "trial.toml"), parties.err
    return ("deduplicate", "real.pprl", "--agreement", "trial.toml", "--out", "out")


def test_what_a_party_did_is_in_its_ledger(parties, meeting, trial, febrl):
    """With the fingerprint of the agreement, and with a code if it failed."""
    statuses = [parties(*trial, "--party", "unit") for _ in range(2)]

    assert [0, 2] == statuses
    assert [
        ("deduplicate", "done", ""),
        ("deduplicate", "refused", "usage/output-exists"),
    ] == entries(meeting, "unit")
    assert febrl.fingerprint == meeting.stores["unit"].ledger.entries()[0].fingerprint


def test_without_a_party_nothing_is_noted(parties, meeting, trial):
    """Methods are tried without parties."""
    assert 0 == parties(*trial)
    assert [[]] * 4 == [entries(meeting, name) for name in meeting.stores]


def test_a_party_links_only_what_it_has_opened(parties, meeting):
    """What came in another way was checked by nobody."""
    opened = {}
    for seed, (name, out) in enumerate((("trust", "one.pprl"), ("hospital", "two.pprl"))):
        opened[name] = meeting.open(meeting.seal(name, seed=seed).path, out=out).path
    with run_as(meeting.stores["unit"], "link") as run:
        run.require_opened(opened)
    strange = ("link", "one.pprl", "trust.pprl", *AGREED, "--party", "unit", "--out", "other")

    assert ("link", "done", "") == entries(meeting, "unit")[-1]
    assert parties(*strange) in {3, 4}
    assert not (parties.folder / "other").exists()


def test_a_package_with_fresh_ids_that_was_not_opened_is_refused(parties, meeting):
    """By what its rows are, and not by its name."""
    for seed, (name, out) in enumerate((("trust", "one.pprl"), ("hospital", "two.pprl"))):
        meeting.open(meeting.seal(name, seed=seed).path, out=out)
    strange = ("link", "one.pprl", "two.pprl", *AGREED, "--party", "unit", "--out", "other")
    for path in (meeting.stores["unit"].folder / "peers").iterdir():
        if '"sender":"trust"' in path.read_text():
            path.unlink()

    assert 4 == parties(*strange)
    assert "[policy/not-opened]" in parties.err


def test_a_passphrase_without_a_party_is_a_mistake(parties):
    """It would be asked for in vain."""
    assert 2 == parties("deduplicate", *VERBS["deduplicate"], "--passphrase", "--out", "out")
    assert "--party is missing" in parties.err


@posix
@pytest.mark.parametrize("place", ["tree", "Dropbox"])
def test_a_passphrase_file_that_would_get_out_is_refused(parties, place):
    """By a commit or by a service; a link to it does not help."""
    folder = parties.folder / place
    folder.mkdir()
    if place == "tree":
        subprocess.run(["git", "init", "-q", folder], check=True)
    (folder / "words").write_text("correct horse battery staple\n")
    (folder / "words").chmod(0o600)
    (parties.folder / "link").symlink_to(folder / "words")

    for path in (f"{place}/words", "link"):
        new = ("party", "new", "--name", "gp", "--role", "custodian", "--out", "gp")
        assert 4 == parties(*new, "--passphrase-file", path)
        assert any(code in parties.err for code in ("in-git-tree", "in-synced-folder"))


@pytest.mark.parametrize("name", ["identity", "party.toml", "ledger.jsonl", "project.key", "peers/x.json"])
@pytest.mark.parametrize("verb", ["retire", "key", "encode", "deduplicate", "attach", "state"])
def test_force_never_replaces_what_a_party_keeps(parties, meeting, verb, name):
    """A slip of the hand would end the project."""
    meeting.stores["trust"].ledger.append(event="party", outcome="done")
    LinkageKey.generate().save(parties.folder / "trust" / "project.key")
    (parties.folder / "trust" / "peers").mkdir()
    (parties.folder / "trust" / "peers" / "x.json").write_text("{}")
    before = (parties.folder / "trust" / name).read_bytes()
    out = ("--out", f"trust/{name}", "--force")
    commands = {
        "retire": ("retire", "a.csv", "--yes", "--party", "trust", *out),
        "key": ("key", "new", *out),
        "encode": ("encode", *VERBS["encode"], *out),
        "deduplicate": ("deduplicate", *VERBS["deduplicate"], "--out", "trust", "--force"),
        "attach": ("attach", *VERBS["attach"], *out),
        "state": ("seal", "trust.pprl", "--state-opt-outs", clock.now().date().isoformat(), *out),
    }

    status = parties(*commands[verb])

    assert status in {2, 4} or verb == "deduplicate"
    after = (parties.folder / "trust" / name).read_bytes()
    assert after.startswith(before) if name == "ledger.jsonl" else after == before
