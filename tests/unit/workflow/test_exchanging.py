"""Sealing under a signed agreement: what may not go out does not, and what goes out tells nobody anything."""

import contextlib
import dataclasses
import functools
import os
from datetime import timedelta

import msgspec
import numpy as np
import pytest

from pprl.errors import PprlError
from pprl.exchange import clock, sealing
from pprl.exchange.deletions import DeletionRecord, signed_record
from pprl.exchange.identities import Identity
from pprl.exchange.idmaps import IdMap
from pprl.exchange.package import read_package
from pprl.model import BitMatrix, CheckTags
from pprl.workflow import exchanging
from pprl.workflow.exchanging import open_package, seal_package
from pprl.workflow.explaining import explain

KEYS = b"record_id,linkage_key\n" + b"0a" * 12 + b"," + b"1b" * 16 + b"\n"
CROSSWALK = b"person,source,linkage_key,probability\n" + b"0a" * 16 + b",trust," + b"1b" * 16 + b",0.99\n"
CONTENTS = {
    "linkage-keys": KEYS,
    "crosswalk": CROSSWALK,
    "report": b"<!doctype html>",
    "payload": b"linkage_key,ward\n1,A\n",
    "deletion-record": b"",  # of its sender, signed by it
}
WAYS = {
    ("linkage-keys", "unit", "trust"),
    ("crosswalk", "unit", "safe-haven"),
    ("report", "unit", "trust"),
    ("report", "unit", "safe-haven"),
    ("payload", "trust", "safe-haven"),
}
GONE = DeletionRecord(record="0a" * 16, party="trust", time="2026-11-20T09:30:00Z", files=())


def sealed(meeting, purpose, sender, to, content=None, **options):
    path = meeting.folder / f"{purpose}.in"
    path.write_bytes(content_of(meeting, purpose, sender) if content is None else content)
    return seal_package(
        path,
        meeting.folder,
        purpose=purpose,
        to=to,
        store=meeting.stores[sender],
        agreement=meeting.signed,
        **options,
    )


def content_of(meeting, purpose, sender):
    if purpose != "deletion-record":
        return CONTENTS[purpose]
    path = meeting.folder / "record.json"
    if not path.exists():
        record = msgspec.structs.replace(GONE, party=sender)
        path.write_bytes(signed_record(record, meeting.identities[sender]))
    return path.read_bytes()


def refusal(act):
    with pytest.raises(PprlError) as refused:
        act()
    return refused.value.code.partition("/")[2]


@pytest.mark.parametrize("purpose", sorted(CONTENTS))
@pytest.mark.parametrize("sender", ["trust", "unit", "safe-haven"])
@pytest.mark.parametrize("to", ["trust", "hospital", "unit", "safe-haven"])
def test_parties_send_what_their_roles_may_send(meeting, purpose, sender, to):
    """One table says who may send what to whom; a deletion record may go to everybody else."""
    like = {"hospital": "trust"}.get(to, to) if sender != "trust" else to
    allowed = sender != to and (purpose == "deletion-record" or (purpose, sender, like) in WAYS)

    if allowed:
        sent = sealed(meeting, purpose, sender, to)
        opened = meeting.open(sent.path, by=to, purpose=purpose)

        assert opened.path.read_bytes() == content_of(meeting, purpose, sender)
    else:
        assert refusal(lambda: sealed(meeting, purpose, sender, to)) == "wrong-role"
        assert not list(meeting.folder.glob("*.age"))


@pytest.mark.parametrize(
    ("purpose", "to"), [("linkage-keys", "trust"), ("crosswalk", "safe-haven"), ("report", "trust")]
)
@pytest.mark.parametrize(
    "content", [b"left_id,right_id,probability,decided_by,score\n1,2,1,a,1\n", b"cluster,source,record_id\n"]
)
def test_links_and_scores_never_leave_the_linkage_unit(meeting, purpose, to, content):
    """Whatever they are sent as."""
    assert refusal(lambda: sealed(meeting, purpose, "unit", to, content)) == "wrong-content"
    assert not list(meeting.folder.glob("*.age"))


def test_file_names_and_sealed_files_tell_nothing(meeting):
    """Neither a party, a project nor a record id is in the name or in the bytes."""
    sent = meeting.seal()
    content = sent.path.read_bytes()

    assert sent.path.name == f"{sent.manifest.package_id}.age"
    assert sent.path.stat().st_mode & 0o777 == 0o600
    for word in (b"trust", b"unit", b"encodings", meeting.agreement.project.encode(), b"trust-1"):
        assert word not in content


def test_the_id_map_stays_with_the_custodian(meeting):
    """It is sealed, called after the package, opens as often as its owner likes, and leads back."""
    sent = meeting.seal()
    ids = read_package(meeting.open(sent.path).path).ids()

    for out in ("one.csv", "two.csv"):
        meeting.open(sent.id_map, by="trust", out=out, purpose="id-map")

    back = IdMap.load(meeting.folder / "one.csv").local_ids
    assert sent.id_map == meeting.stores["trust"].folder / "id-maps" / sent.path.name
    assert sorted(back) == ids
    assert set(back.values()) == {f"trust-{row}" for row in range(40)}
    assert refusal(lambda: meeting.open(sent.id_map, by="unit", out="three", purpose="id-map")) == (
        "age-no-identity"
    )


def test_no_agreement_locks_a_custodian_out_of_its_own_id_map(meeting):
    """Another version and epoch, years after it was removed: its own keys and the project decide."""
    sent = meeting.seal()
    store, years = meeting.stores["trust"], clock.now() + timedelta(days=4000)
    later = msgspec.structs.replace(
        meeting.agreement,
        version=9,
        epoch=9,
        parties=(
            *(one for one in meeting.agreement.parties if one.name != "trust"),
            Identity.generate("successor", "custodian").party,
        ),
        removed=("trust",),
    )

    changed = open_package(
        sent.id_map,
        meeting.folder / "one.csv",
        purpose="id-map",
        store=store,
        agreement=type(meeting.signed)(later),
        now=years,
    )
    without = open_package(
        sent.id_map, meeting.folder / "two.csv", purpose="id-map", store=store, agreement=None
    )

    assert changed.path.read_bytes() == without.path.read_bytes()


def test_an_id_map_of_another_project_or_party_is_refused(meeting):
    """And nothing else is opened without an agreement."""
    sent = meeting.seal()
    other = type(meeting.signed)(msgspec.structs.replace(meeting.agreement, project="other"))
    report = sealed(meeting, "report", "unit", "trust")

    def opened(path, agreement=None, purpose="id-map"):
        out = meeting.folder / "out"
        return open_package(path, out, purpose=purpose, store=meeting.stores["trust"], agreement=agreement)

    assert refusal(lambda: opened(sent.id_map, other)) == "wrong-project"
    assert refusal(lambda: opened(report.path)) == "unknown-sender"
    assert refusal(lambda: opened(report.path, purpose="report")) == "wrong-type"
    assert refusal(lambda: opened(sent.id_map, meeting.signed, "report")) == "wrong-purpose"


@pytest.mark.parametrize("content", [bytes(32), b"pprl-linkage-key 1\n", KEYS])
def test_shares_are_not_sealed_by_hand(meeting, content):
    """Neither a key nor a table goes from one custodian to another."""
    assert refusal(lambda: sealed(meeting, "key-share", "trust", "hospital", content)) == "ceremony-only"
    assert not list(meeting.folder.glob("*.age"))


@pytest.mark.parametrize("sender", ["trust", "unit"])
def test_what_is_no_deletion_record_of_the_sender_is_not_sealed(meeting, sender):
    """Any JSON could carry anything."""
    record = signed_record(GONE, meeting.identities["hospital"])
    codes = [
        refusal(functools.partial(sealed, meeting, "deletion-record", sender, "safe-haven", content))
        for content in (b"{}", b'{"links": []}', record)
    ]

    assert codes == ["deletion-record", "deletion-record", "signature-ed25519"]
    assert not list(meeting.folder.glob("*.age"))


@pytest.mark.parametrize(
    "page",
    [
        b"<!doctype html><img src=x onerror=f()>",
        b"<!doctype html><form action='https://example.org'>",
    ],
)
def test_a_page_that_does_something_is_not_sealed(meeting, page):
    """A report is looked at by whoever trusts its sender."""
    assert refusal(lambda: sealed(meeting, "report", "unit", "trust", page)) == "wrong-content"


def refusals(meeting, name):
    entries = meeting.stores[name].ledger.entries()
    return [(one.event, one.code.partition("/")[2], one.peer) for one in entries if one.outcome == "refused"]


def test_every_refusal_to_seal_is_in_the_ledger_once(meeting):
    """Whatever it is refused for, and before anything is read."""
    early = clock.from_text("1970-01-01T00:00:00Z")
    unit, other = meeting.stores["unit"], Identity.generate("unit", "linkage-unit")

    refusal(lambda: sealed(meeting, "report", "unit", "stranger"))
    refusal(lambda: sealed(meeting, "report", "unit", "unit"))
    refusal(lambda: sealed(meeting, "report", "unit", "trust", b"left_id\n"))
    refusal(lambda: sealed(meeting, "report", "unit", "trust", now=early))
    refusal(lambda: sealed(meeting, "key-share", "unit", "trust", b""))
    meeting.stores["unit"] = dataclasses.replace(unit, identity=other)
    refusal(lambda: sealed(meeting, "report", "unit", "trust"))

    assert refusals(meeting, "unit") == [
        ("seal", "unknown-party", ""),
        ("seal", "wrong-role", ""),
        ("seal", "wrong-content", "trust"),
        ("seal", "clock-implausible", "trust"),
        ("seal", "ceremony-only", ""),
        ("seal", "other-keys", ""),
    ]


def test_what_changed_after_it_was_checked_is_not_sealed(meeting, monkeypatch):
    """Neither a table nor encodings; no id map is left."""
    real = exchanging.check_apart

    def replaced(place, *arguments, **options):
        facts = real(place, *arguments, **options)
        changed = KEYS.replace(b"1b", b"1c") if place.suffix == ".in" else other.read_bytes()
        place.write_bytes(changed)
        return facts

    other = meeting.encodings("hospital", seed=2)
    monkeypatch.setattr(exchanging, "check_apart", replaced)

    assert refusal(lambda: sealed(meeting, "linkage-keys", "unit", "trust")) == "changed-while-read"
    assert refusal(meeting.seal) == "changed-while-read"
    assert not list(meeting.folder.rglob("*.age"))


def test_encodings_whose_bytes_were_altered_are_not_sealed(meeting, monkeypatch):
    """What is written to between the checks and the end is noticed, whatever was written."""
    real = exchanging.check_apart

    def altered(place, *arguments, **options):
        facts = real(place, *arguments, **options)
        content = place.read_bytes()
        place.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        return facts

    monkeypatch.setattr(exchanging, "check_apart", altered)

    assert refusal(meeting.seal) == "changed-while-read"


def interrupting(monkeypatch, at):
    """Let somebody interrupt when the n-th file has just been given its name."""
    real, calls = sealing.write_whole, []

    @contextlib.contextmanager
    def write_whole(path, **options):
        with real(path, **options) as stream:
            yield stream
        calls.append(path)
        if len(calls) == at:
            raise KeyboardInterrupt

    monkeypatch.setattr(sealing, "write_whole", write_whole)


def test_an_interrupt_leaves_neither_package_nor_id_map(meeting, monkeypatch):
    """The package has its name already: it is taken away, and the ledger says so."""
    interrupting(monkeypatch, 2)

    with pytest.raises(KeyboardInterrupt):
        meeting.seal()

    last = meeting.stores["trust"].ledger.entries()[-1]
    assert not list(meeting.folder.rglob("*.age"))
    assert (last.outcome, last.code) == ("refused", "error/interrupted")


def test_a_package_that_is_there_keeps_its_id_map(meeting, monkeypatch):
    """An interrupt behind the last step does not take the only way back."""
    real = exchanging.seal

    def interrupted(*arguments, **options):
        made = real(*arguments, **options)
        if made.manifest.purpose == "encodings":
            raise KeyboardInterrupt
        return made

    monkeypatch.setattr(exchanging, "seal", interrupted)

    with pytest.raises(KeyboardInterrupt):
        meeting.seal()

    (package,) = meeting.folder.glob("*.age")
    assert (meeting.stores["trust"].folder / "id-maps" / package.name).exists()


def test_numbers_rise_for_each_purpose_and_recipient(meeting):
    """One count for each."""
    numbers = [
        sealed(meeting, purpose, "unit", to).manifest.sequence
        for purpose, to in (
            ("report", "trust"),
            ("report", "trust"),
            ("report", "hospital"),
            ("linkage-keys", "trust"),
            ("report", "trust"),
        )
    ]

    assert numbers == [1, 2, 1, 1, 3]


def test_nothing_goes_out_that_is_not_in_the_ledger(meeting, monkeypatch):
    """Where the ledger cannot be written, neither package nor id map is left."""
    package = meeting.encodings("trust")
    statement = meeting.statement(package)
    store = meeting.stores["trust"]
    real, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) >= 8:
            raise OSError(28, "full")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PprlError):
        seal_package(
            package,
            meeting.folder,
            purpose="encodings",
            to="unit",
            store=store,
            agreement=meeting.signed,
            opt_outs=statement,
        )
    monkeypatch.setattr(os, "fsync", real)

    assert not list(meeting.folder.rglob("*.age"))


def test_encodings_need_a_statement_on_opt_outs(meeting):
    """None, an old one, one of a day to come, or one on another file: refused."""
    package = meeting.encodings("trust")
    other = meeting.encodings("hospital", seed=2)
    now = clock.now()

    def seal(statement=None, at=now):
        return seal_package(
            package,
            meeting.folder,
            purpose="encodings",
            to="unit",
            store=meeting.stores["trust"],
            agreement=meeting.signed,
            opt_outs=statement,
            now=at,
        )

    broken = meeting.folder / "broken.json"
    broken.write_text("{}")
    codes = [
        refusal(seal),
        refusal(lambda: seal(meeting.statement(other))),
        refusal(lambda: seal(meeting.statement(package), now + timedelta(days=22))),
        refusal(lambda: seal(meeting.statement(package), now - timedelta(days=2))),
        refusal(lambda: seal(broken)),
    ]

    assert codes == ["opt-out-missing", "opt-out-other-file", "opt-out-old", "opt-out-future", "opt-out-file"]
    assert not list(meeting.folder.rglob("*.age"))
    assert seal(meeting.statement(package), now + timedelta(days=21)).manifest.opt_out is not None


def test_where_opt_outs_are_not_applicable_none_is_stated(meeting):
    """The agreement says so, and all parties have signed it."""
    agreed = msgspec.structs.replace(meeting.agreement, opt_outs="not-applicable")
    meeting.signed = type(meeting.signed)(agreed)
    package = meeting.encodings("trust", fingerprint=agreed.fingerprint)

    sent = seal_package(
        package,
        meeting.folder,
        purpose="encodings",
        to="unit",
        store=meeting.stores["trust"],
        agreement=meeting.signed,
    )

    assert meeting.open(sent.path).manifest.opt_out is None


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("wrong-project", {"project": "other"}),
        ("wrong-epoch", {"epoch": 7}),
        ("wrong-agreement", {"fingerprint": "0" * 64}),
    ],
)
def test_encodings_of_another_agreement_are_not_sealed(meeting, code, changes):
    """They would be refused at the other end."""
    assert refusal(lambda: meeting.seal(**changes)) == code


def test_rows_that_would_be_refused_are_not_sealed(meeting):
    """The row checks are made before anything goes out."""
    ones = {name: np.ones(40, dtype=bool) for name in ("exact", "fuzzy")}

    zero = {
        "exact": BitMatrix.from_bools(np.zeros((40, 128), dtype=bool)),
        "fuzzy": BitMatrix.from_bools(np.zeros((40, 500), dtype=bool)),
    }

    assert refusal(lambda: meeting.seal(passes=zero, present=ones)) == "row-all-zero"
    assert not list(meeting.folder.rglob("*.age"))


def test_nobody_seals_for_a_stranger(meeting):
    """The recipient's key comes from the agreement."""
    assert refusal(lambda: sealed(meeting, "report", "unit", "stranger")) == "unknown-party"


def test_a_clock_that_cannot_be_right_seals_nothing(meeting):
    """1970 is before this software was released."""
    early = clock.from_text("1970-01-01T00:00:00Z")

    assert refusal(lambda: sealed(meeting, "report", "unit", "trust", now=early)) == "clock-implausible"


def test_a_sealed_file_is_explained_from_outside_and_inside(meeting):
    """Outside nothing but its length; to its recipient all that was signed."""
    sent = meeting.seal()

    outside = explain(sent.path)
    inside = explain(sent.path, store=meeting.stores["unit"], agreement=meeting.signed)
    unchecked = explain(sent.path, store=meeting.stores["unit"])

    assert (outside.manifest, outside.recipients) == (None, ("mlkem768x25519",))
    assert (inside.manifest, inside.sender_known) == (sent.manifest, True)
    assert (unchecked.manifest, unchecked.sender_known) == (sent.manifest, False)
    assert refusal(lambda: explain(sent.path, store=meeting.stores["trust"])) == "age-no-identity"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("wrong-project", {"project": "other"}),
        ("wrong-epoch", {"epoch": 7}),
        ("wrong-version", {"version": 7}),
    ],
)
def test_explaining_refuses_as_opening_does(meeting, code, changes):
    """With the same class, the same code, and an entry in the ledger."""
    sent = meeting.seal()
    meeting.signed = type(meeting.signed)(msgspec.structs.replace(meeting.agreement, **changes))
    store = meeting.stores["unit"]

    with pytest.raises(PprlError) as explained:
        explain(sent.path, store=store, agreement=meeting.signed)
    with pytest.raises(PprlError) as opened:
        meeting.open(sent.path)

    assert (type(explained.value), explained.value.code) == (type(opened.value), f"policy/{code}")
    assert refusals(meeting, "unit") == [("explain", code, "trust"), ("open", code, "trust")]


def test_an_id_map_is_explained_to_its_owner(meeting):
    """By its own keys, as it is opened."""
    sent = meeting.seal()

    seen = explain(sent.id_map, store=meeting.stores["trust"], agreement=meeting.signed)

    assert (seen.manifest.purpose, seen.sender_known) == ("id-map", True)


@pytest.mark.parametrize(
    "content", [KEYS + b"1,matched\n", KEYS[:22] + b"ann,lee\n", CROSSWALK + b"x\n", b"linkage_key\n\0\n"]
)
def test_a_table_is_explained_only_if_it_is_one(meeting, content):
    """A header alone does not make a table of keys."""
    path = meeting.folder / "table.csv"
    path.write_bytes(content)

    assert refusal(lambda: explain(path)) == "row-malformed"


def test_a_package_is_explained_with_its_ids(meeting):
    """Own record numbers are told from random ones."""
    path = meeting.encodings("trust")
    ids = np.array([f"{row:024x}".encode() for row in range(40)])

    assert not explain(path).random_ids
    assert explain(meeting.encodings("trust", record_ids=ids)).random_ids


def test_explaining_does_not_count_as_opening(meeting):
    """The package can still be opened, once."""
    sent = meeting.seal(check_tags=CheckTags(key="c" * 32, encoder="d" * 32))
    explain(sent.path, store=meeting.stores["unit"], agreement=meeting.signed)

    assert meeting.open(sent.path).manifest.key_tag == "c" * 32
