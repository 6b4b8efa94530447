"""Sealing under a signed agreement: what may not go out does not, and what goes out tells nobody anything."""

import os
from datetime import timedelta

import msgspec
import numpy as np
import pytest

from pprl.errors import PprlError
from pprl.exchange import clock
from pprl.exchange.idmaps import IdMap
from pprl.exchange.package import read_package
from pprl.model import BitMatrix, CheckTags
from pprl.workflow.exchanging import seal_package
from pprl.workflow.explaining import explain

KEYS = b"record_id,linkage_key\n" + b"0a" * 12 + b"," + b"1b" * 16 + b"\n"
CROSSWALK = b"person,source,linkage_key,probability\n" + b"0a" * 16 + b",trust," + b"1b" * 16 + b",0.99\n"
CONTENTS = {
    "linkage-keys": KEYS,
    "crosswalk": CROSSWALK,
    "report": b"<!doctype html>",
    "payload": b"linkage_key,ward\n1,A\n",
    "deletion-record": b"{}",
    "key-share": bytes(32),
}
WAYS = {
    ("linkage-keys", "unit", "trust"),
    ("crosswalk", "unit", "safe-haven"),
    ("report", "unit", "trust"),
    ("report", "unit", "safe-haven"),
    ("payload", "trust", "safe-haven"),
    ("key-share", "trust", "hospital"),
}


def sealed(meeting, purpose, sender, to, content=None, **options):
    path = meeting.folder / f"{purpose}.in"
    path.write_bytes(CONTENTS[purpose] if content is None else content)
    return seal_package(
        path,
        meeting.folder,
        purpose=purpose,
        to=to,
        store=meeting.stores[sender],
        agreement=meeting.signed,
        **options,
    )


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
        opened = meeting.open(sent.path, by=to)

        assert opened.path.read_bytes() == CONTENTS[purpose]
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
        meeting.open(sent.id_map, by="trust", out=out)

    back = IdMap.load(meeting.folder / "one.csv").local_ids
    assert sent.id_map == meeting.stores["trust"].folder / "id-maps" / sent.path.name
    assert sorted(back) == ids
    assert set(back.values()) == {f"trust-{row}" for row in range(40)}
    assert refusal(lambda: meeting.open(sent.id_map, by="unit", out="three")) == "age-no-identity"


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
