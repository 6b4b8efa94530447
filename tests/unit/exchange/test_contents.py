"""A payload is what its purpose says, and nothing else."""

import hashlib
import io

import msgspec
import pyarrow as pa
import pyarrow.parquet
import pytest

from pprl.errors import DataError, PprlError
from pprl.exchange import checking
from pprl.exchange.checking import check_apart
from pprl.exchange.contents import check_content, layout_of
from pprl.exchange.contributions import Drawn, Opening, deal
from pprl.exchange.deletions import DELETION_TYPE, DeletionRecord, signed_record
from pprl.exchange.dsse import enveloped
from pprl.exchange.identities import Identity

KEYS = b"record_id,linkage_key\n" + b"0a" * 12 + b"," + b"1b" * 16 + b"\n"
CROSSWALK = b"person,source,linkage_key,probability\n" + b"0a" * 16 + b",trust," + b"1b" * 16 + b",0.99\n"
ID_MAP = b"record_id,local_id\n" + b"0a" * 12 + b',"a, ""b"""\n' + b"0b" * 12 + b",Z1\xc3\xa9\n"


TRUST, HOSPITAL = (Identity.generate(name, "custodian") for name in ("trust", "hospital"))
GONE = DeletionRecord(record="0a" * 16, party="trust", time="2026-11-20T09:30:00Z", files=())
RECORD = signed_record(GONE, TRUST)
OPENING = Opening(Drawn.draw(), (b"a" * 32, b"b" * 32)).to_bytes()


def checked(content, purpose, layout="csv", **options):
    return check_content(io.BytesIO(content), purpose, layout, "file", **{"fresh_ids": True} | options)


def refusal(content, purpose, layout="csv", **options):
    with pytest.raises(PprlError) as refused:
        checked(content, purpose, layout, **options)
    return refused.value.code.partition("/")[2]


def parquet(**columns):
    target = io.BytesIO()
    pyarrow.parquet.write_table(pa.table(columns), target)
    return target.getvalue()


@pytest.mark.parametrize(
    ("purpose", "layout", "content", "rows"),
    [
        ("linkage-keys", "csv", KEYS, 1),
        ("linkage-keys", "csv", KEYS[:22], 0),
        ("crosswalk", "csv", CROSSWALK, 1),
        ("crosswalk", "csv", CROSSWALK.replace(b"0.99", b""), 1),
        ("id-map", "csv", ID_MAP, 2),
        ("payload", "csv", b"linkage_key,ward\nx,A\ny,B\n", 2),
        ("payload", "parquet", parquet(linkage_key=["x"], ward=["A"]), 1),
        ("report", "html", b"<!DOCTYPE html><p>12</p>", 1),
        ("deletion-record", "json", RECORD, 1),
        ("key-share", "binary", OPENING, 1),
        ("key-share", "binary", deal(bytes(32)), 1),
    ],
)
def test_what_has_the_form_of_its_purpose_passes(purpose, layout, content, rows):
    """And its rows are counted."""
    assert checked(content, purpose, layout, sender=TRUST.party).rows == rows


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("deletion-record", b"{}"),
        ("deletion-record", b'{"links": [["a1", "b1", 0.98]]}'),
        ("deletion-record", b"[" * 100_000),
        ("deletion-record", b"left_id\n"),
        ("deletion-record", RECORD + b"\n"),
        ("deletion-record", RECORD.replace(b'"payload":', b'"payload": ')),
        ("deletion-record", RECORD.replace(b"deletion+json", b"commit+json")),
        ("deletion-record", signed_record(msgspec.structs.replace(GONE, party="hospital"), TRUST)),
        ("deletion-record", signed_record(msgspec.structs.replace(GONE, time="yesterday"), TRUST)),
        ("signature-ed25519", signed_record(GONE, HOSPITAL)),
        ("signature-missing", enveloped(DELETION_TYPE, msgspec.json.encode(GONE), ())),
    ],
)
def test_a_deletion_record_is_its_senders_signed_word(code, content):
    """Any other JSON could carry anything, from anybody."""
    assert refusal(content, "deletion-record", "json", sender=TRUST.party) == code
    assert refusal(content, "deletion-record", "json", sender=TRUST.party, fresh_ids=False) == code


def test_a_deletion_record_of_nobody_is_none():
    """Where no sender is known, none is believed."""
    assert refusal(RECORD, "deletion-record", "json") == "wrong-content"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(32),
        b"pprl-linkage-key 1\n" + b"0a" * 32,
        KEYS,
        OPENING + b"x",
        OPENING[:-1],
        OPENING[:-64],
        deal(bytes(33)),
        deal(bytes(31)),
        b"pprl-opening 1\n" + bytes(64),
        b"pprl-opening 1\n" + bytes(64 + 32),
    ],
)
def test_a_share_is_what_a_ceremony_makes(content):
    """No key file and no table goes as a share, and nothing rides along behind one."""
    assert refusal(content, "key-share", "binary") == "wrong-content"


def test_what_is_to_be_sealed_is_measured():
    """Length and digest bind what is sealed to what was checked; an opened payload has been measured."""
    facts, opened = checked(KEYS, "linkage-keys", fresh_ids=False), checked(KEYS, "linkage-keys")

    assert (facts.length, facts.sha256) == (len(KEYS), hashlib.sha256(KEYS).hexdigest())
    assert (opened.length, opened.sha256) == (0, "")


@pytest.mark.parametrize("purpose", ["linkage-keys", "crosswalk", "id-map", "payload"])
@pytest.mark.parametrize(
    "header",
    [
        b"left_id,right_id,probability,decided_by,score\n",
        b"left_source,left_id,right_source,right_id,probability,decided_by,score\n",
        b"cluster,source,record_id\n",
        b"record_id,linkage_key,matched\n",
        b"record_id,linkage_key,linkage_key\n",
        b"",
    ],
)
def test_links_and_scores_and_flags_are_not_sent(purpose, header):
    """Whatever they are called: their columns are not those of the purpose."""
    assert refusal(header + b"1,2,0.9,exact,1\n", purpose) == "wrong-content"


@pytest.mark.parametrize(
    ("purpose", "content"),
    [
        ("linkage-keys", KEYS + b"1,matched\n"),
        ("linkage-keys", KEYS[:-1]),
        ("linkage-keys", KEYS[:-1] + b",0.98\n"),
        ("linkage-keys", KEYS.replace(b"1b", b"1B")),
        ("linkage-keys", KEYS.replace(b"\n0a", b"\n\n0a")),
        ("linkage-keys", KEYS + b"\r\n"),
        ("crosswalk", CROSSWALK.replace(b"0.99", b"1.99")),
        ("crosswalk", CROSSWALK.replace(b"0.99", b"0.990417")),
        ("crosswalk", CROSSWALK.replace(b"trust", b"O'Brien")),
        ("id-map", ID_MAP + b"0c" * 12 + b",\n"),
        ("payload", b"linkage_key,ward\n\0\n"),
    ],
)
def test_a_row_of_another_form_is_refused(purpose, content):
    """Nothing rides along in a row."""
    assert refusal(content, purpose) == "row-malformed"


@pytest.mark.parametrize(
    ("purpose", "layout", "content"),
    [
        ("report", "html", b"left_id,right_id\n"),
        ("report", "html", b"<!doctype html><SCRIPT>"),
        ("report", "csv", b"<!doctype html>"),
        ("payload", "csv", b"record_id,linkage_key,ward\n"),
        ("payload", "csv", b"patient,ward\n"),
        ("payload", "parquet", parquet(patient=["x"])),
    ],
)
def test_another_kind_of_file_is_refused(purpose, layout, content):
    """A table of links is no report, and a table with ids no payload."""
    assert refusal(content, purpose, layout) == "wrong-content"


def test_what_is_too_long_for_its_purpose_is_refused():
    """A key share is short."""
    assert refusal(bytes(1 << 17), "key-share", "binary") == "too-large"


def test_rows_are_checked_piece_by_piece():
    """A row that is wrong is found behind a million bytes that are right."""
    good = KEYS + b"".join(b"%024x,%032x\n" % (row, row) for row in range(40_000))

    assert checked(good, "linkage-keys").rows == 40_001
    assert refusal(good + b"x\n", "linkage-keys") == "row-malformed"
    assert refusal(good + b"x" * (3 << 20), "linkage-keys") == "row-malformed"


@pytest.mark.parametrize(
    ("start", "purpose", "layout"),
    [
        (b"pprl-package 1 ", "encodings", "pprl-package 1"),
        (b"PAR1", "payload", "parquet"),
        (b"linkage_key,", "payload", "csv"),
        (b"<!doctype html>", "report", "html"),
        (b"\n{", "deletion-record", "json"),
    ],
)
def test_a_layout_is_known_by_its_beginning(start, purpose, layout):
    """Nobody has to say it."""
    assert layout_of(start, purpose, "file") == layout


@pytest.mark.parametrize("purpose", ["encodings", "report", "deletion-record", "linkage-keys"])
def test_what_is_sealed_already_is_not_sealed_again(purpose):
    """An age file is none of the layouts."""
    with pytest.raises(PprlError, match="is not"):
        layout_of(b"age-encryption.org/v1\n", purpose, "file")


def test_an_error_of_the_other_process_is_raised_here(tmp_path):
    """With its kind, its code and its hint."""
    path = tmp_path / "links.csv"
    path.write_bytes(b"left_id,right_id\n")

    with pytest.raises(PprlError) as refused:
        check_apart(path, "linkage-keys", "csv", "file", fresh_ids=True)

    assert (refused.value.code, refused.value.exit_status) == ("policy/wrong-content", 4)
    assert "stay at the linkage unit" in refused.value.hint


def test_what_takes_too_much_is_refused(tmp_path, monkeypatch):
    """The process is ended by its limits, and the payload is not taken."""
    path = tmp_path / "page.html"
    path.write_bytes(b"<!doctype html>" * 100)
    monkeypatch.setattr(checking, "SECONDS", 0)

    with pytest.raises(DataError) as refused:
        check_apart(path, "report", "html", "file", fresh_ids=True)

    assert refused.value.code == "data/row-limits"
