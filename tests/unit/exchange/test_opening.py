"""Opening a sealed package: every reason to refuse has its code, and nothing is left behind."""

import dataclasses
import hashlib
import io
from datetime import timedelta

import msgspec
import pytest

from pprl.errors import PprlError, ResourceError
from pprl.exchange import clock, opening
from pprl.exchange.age import X25519Identity, decrypt_stream, encrypt_stream
from pprl.exchange.deletions import DeletionRecord, signed_record
from pprl.exchange.envelope import (
    MANIFEST_TYPE,
    MAX_MANIFEST_BYTES,
    PRELUDE_BYTES,
    Envelope,
    OptOuts,
    envelope_of,
    manifest_from,
    parse_envelope,
)
from pprl.exchange.identities import Identity
from pprl.exchange.ledger import Ledger
from pprl.exchange.opening import open_sealed
from pprl.model import CheckTags

TAGS = CheckTags(key="a" * 32, encoder="b" * 32)
SEALED: list[bytes] = []
GONE = DeletionRecord(record="0a" * 16, party="trust", time="2026-11-20T09:30:00Z", files=())
LATER = {"created": "2026-11-01T00:00:00Z", "expires": "2026-11-02T00:00:00Z"}


def plaintext(meeting, sealed, by="unit"):
    return decrypt_stream(io.BytesIO(sealed.read_bytes()), [meeting.identities[by].opener]).read()


def sealed_before(meeting):
    """Give a package that is the same in all tests: sealing takes its time."""
    if not SEALED:
        SEALED.append(meeting.seal().path.read_bytes())
    path = meeting.folder / "sealed.age"
    path.write_bytes(SEALED[0])
    return path


def taken_apart(meeting, sealed=None, by="unit"):
    """Give the manifest and the payload of a sealed package, as its recipient could."""
    plain = plaintext(meeting, sealed or sealed_before(meeting), by)
    length = int(plain[PRELUDE_BYTES - 11 : PRELUDE_BYTES - 1])
    envelope = parse_envelope(plain[PRELUDE_BYTES : PRELUDE_BYTES + length], "package")
    return manifest_from(envelope.content, "package"), plain[PRELUDE_BYTES + length :]


def encrypted(meeting, plain, to="unit"):
    path = meeting.folder / "hostile.age"
    with path.open("wb") as stream, encrypt_stream(stream, [meeting.identities[to].opener.recipient]) as age:
        age.write(plain)
    return path


def put_together(meeting, manifest, payload, *, by="trust", to="unit", signatures=None):
    """Seal whatever a hostile party likes."""
    signed = manifest if isinstance(manifest, bytes) else manifest.to_bytes()
    made = meeting.identities[by].sign(MANIFEST_TYPE, signed)
    start = envelope_of(signed, made if signatures is None else signatures(made))
    return encrypted(meeting, start + payload, to)


def forged(meeting, **changes):
    """Seal properly, and then again with other words in the manifest, signed by the same sender."""
    manifest, payload = taken_apart(meeting)
    return put_together(meeting, msgspec.structs.replace(manifest, **changes), payload)


def refusal(meeting, path, by="unit", **options):
    """Give the code of a refusal, after seeing that it is in the ledger and left nothing behind."""
    before = sorted(meeting.folder.rglob("*"))
    with pytest.raises(PprlError) as refused:
        meeting.open(path, by, **options)
    last = meeting.stores[by].ledger.entries()[-1]
    kept = {meeting.folder / by / name for name in ("ledger.jsonl", "agreements.json")}

    assert (last.event, last.outcome, last.code) == ("open", "refused", refused.value.code)
    assert {*meeting.folder.rglob("*")} - kept == {*before} - kept
    return refused.value.code.partition("/")[2]


def test_what_was_sealed_comes_out(meeting):
    """The linkage unit gets the bits, under other ids, and an entry in its ledger."""
    sent = meeting.seal()

    opened = meeting.open(sent.path)

    assert opened.manifest == sent.manifest
    assert opened.path.stat().st_mode & 0o777 == 0o600
    assert b"trust-" not in opened.path.read_bytes()
    assert meeting.stores["unit"].ledger.entries()[-1].outcome == "done"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("wrong-project", {"project": "other"}),
        ("wrong-epoch", {"epoch": 7}),
        ("wrong-recipient", {"recipient": "hospital"}),
        ("wrong-layout", {"layout": "csv"}),
        ("wrong-dates", {"expires": "2126-01-01T00:00:00Z"}),
        ("wrong-version", {"agreement_version": 2}),
        ("wrong-agreement", {"fingerprint": "0" * 64}),
        ("expired", LATER),
        ("opt-out-missing", {"opt_out": None}),
        ("opt-out-old", {"opt_out": OptOuts(applied="2020-01-01")}),
        ("opt-out-future", {"opt_out": OptOuts(applied="2999-01-01")}),
        ("opt-out-missing", {"opt_out": OptOuts(applied="2026-99-99")}),
        ("wrong-length", {"length": 5}),
        ("wrong-digest", {"sha256": "0" * 64}),
        ("row-stated", {"rows": 39}),
        ("row-stated", {"key_tag": "0" * 32}),
        ("row-stated", {"encoder_tag": "0" * 32}),
    ],
)
def test_a_signed_manifest_that_does_not_fit_is_refused(meeting, code, changes):
    """Forwarded, re-used for another purpose, expired: each has its code."""
    path = forged(meeting, **changes)

    assert refusal(meeting, path) == code


@pytest.mark.parametrize("purpose", ["linkage-keys", "id-map"])
def test_a_purpose_that_does_not_go_that_way_is_refused(meeting, purpose):
    """However it is called by whom."""
    path = forged(meeting, purpose=purpose)

    assert refusal(meeting, path) == "wrong-purpose"
    assert refused_by_terms(meeting, path, purpose) == "wrong-role"


def refused_by_terms(meeting, path, expected, by="unit"):
    """Give the code of a refusal by `open_sealed` itself."""
    with pytest.raises(PprlError) as refused:
        open_as(meeting, path, expected, by)
    return refused.value.code.partition("/")[2]


def open_as(meeting, path, expected, by="unit", **changes):
    return open_sealed(
        path,
        meeting.folder / "opened",
        store=meeting.stores[by],
        terms=dataclasses.replace(meeting.terms, **changes),
        party=meeting.agreement.party,
        expected=expected,
        now=clock.now(),
    )


def test_what_is_made_in_the_future_is_refused(meeting):
    """An hour is forgiven, as clocks differ."""
    made = clock.now() + timedelta(hours=2)
    path = forged(meeting, created=clock.to_text(made), expires=clock.to_text(made + timedelta(days=1)))

    assert refusal(meeting, path) == "from-the-future"


def test_another_purpose_than_expected_is_refused(meeting):
    """Whoever expects a report does not get encodings."""
    assert refusal(meeting, sealed_before(meeting), purpose="report") == "wrong-purpose"


def test_a_package_that_comes_twice_is_refused(meeting):
    """Also under another name, and while the first output is gone."""
    path = sealed_before(meeting)
    meeting.open(path).path.unlink()

    assert refusal(meeting, path.rename(path.with_name("again.age"))) == "replayed"


def test_a_package_that_is_older_than_one_before_is_refused(meeting):
    """Numbers rise, and one that was left out stays out."""
    first, second = meeting.seal().path, meeting.seal(seed=2).path
    meeting.open(second)

    assert refusal(meeting, first, out="first") == "out-of-sequence"


def test_a_package_that_its_recipient_sends_on_is_refused(meeting):
    """The manifest that the sender signed names the recipient."""
    manifest, payload = taken_apart(meeting)
    forwarded = put_together(meeting, manifest, payload, to="safe-haven")

    assert refusal(meeting, forwarded, by="safe-haven") == "wrong-recipient"


def test_a_package_for_somebody_else_is_not_opened(meeting):
    """A custodian cannot open what another custodian sent to the linkage unit."""
    assert refusal(meeting, sealed_before(meeting), by="hospital") == "age-no-identity"


def test_a_custodian_cannot_open_encodings_even_if_they_are_sealed_to_it(meeting):
    """The table of who may send what to whom is looked at when opening, too."""
    manifest, payload = taken_apart(meeting)
    path = put_together(
        meeting, msgspec.structs.replace(manifest, recipient="hospital"), payload, to="hospital"
    )

    assert refusal(meeting, path, by="hospital") == "wrong-role"


def test_the_crosswalk_opens_only_in_the_research_environment(meeting):
    """Signed by the linkage unit, and sealed to a custodian: refused."""
    manifest, payload = taken_apart(meeting)
    manifest = msgspec.structs.replace(
        manifest, sender="unit", recipient="trust", purpose="crosswalk", layout="csv", opt_out=None
    )

    path = put_together(meeting, manifest, payload, by="unit", to="trust")

    assert refusal(meeting, path, "trust", purpose="crosswalk") == "wrong-role"


def test_nothing_of_a_stranger_is_believed(meeting):
    """A sender who is not in the agreement is refused before a signature is looked at."""
    stranger = Identity.generate("stranger", "custodian")
    meeting.identities = {**meeting.identities, "stranger": stranger}
    manifest, payload = taken_apart(meeting)
    path = put_together(meeting, msgspec.structs.replace(manifest, sender="stranger"), payload, by="stranger")

    assert refusal(meeting, path) == "unknown-sender"


def test_nothing_of_a_removed_party_is_believed(meeting):
    """Its table is gone from the agreement, and its name stays."""
    path = sealed_before(meeting)
    parties = tuple(one for one in meeting.agreement.parties if one.name != "trust")
    charity = Identity.generate("charity", "custodian").party
    later = msgspec.structs.replace(
        meeting.agreement, parties=(*parties, charity), version=2, removed=("trust",)
    )
    meeting.signed = dataclasses.replace(meeting.signed, agreement=later)

    assert refusal(meeting, path) == "removed-sender"


@pytest.mark.parametrize(
    ("code", "signatures"),
    [
        ("signature-missing", lambda made: made[:1]),
        ("signature-missing", lambda made: made[1:]),
        ("signature-missing", lambda made: (made[0], made[0])),
        ("signature-missing", lambda made: (*made, made[0])),
        ("signature-missing", lambda made: ()),
    ],
)
def test_both_signatures_are_needed(meeting, code, signatures):
    """One of two is none."""
    manifest, payload = taken_apart(meeting)

    assert refusal(meeting, put_together(meeting, manifest, payload, signatures=signatures)) == code


@pytest.mark.parametrize(("place", "code"), [(0, "signature-ed25519"), (1, "signature-ml-dsa-65")])
def test_one_valid_signature_of_two_is_refused(meeting, place, code):
    """The other one is of the same party over something else."""
    manifest, payload = taken_apart(meeting)
    other = meeting.identities["trust"].sign(MANIFEST_TYPE, b"other")

    def one_swapped(made):
        return tuple(other[i] if i == place else made[i] for i in (0, 1))

    path = put_together(meeting, manifest, payload, signatures=one_swapped)

    assert refusal(meeting, path) == code


def test_another_party_cannot_sign_for_the_sender(meeting):
    """The hospital seals encodings in the trust's name."""
    manifest, payload = taken_apart(meeting)

    assert refusal(meeting, put_together(meeting, manifest, payload, by="hospital")) == "signature-ed25519"


def test_a_signature_over_another_type_is_refused(meeting):
    """What was signed as something else is no manifest."""
    manifest, payload = taken_apart(meeting)
    signed = manifest.to_bytes()
    made = meeting.identities["trust"].sign("text/plain", signed)

    path = encrypted(meeting, envelope_of(signed, made) + payload)

    assert refusal(meeting, path) == "signature-ed25519"


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("manifest", lambda text: text.replace(b'"rows":40', b'"rows":9223372036854775808')),
        ("manifest", lambda text: text.replace(b'"rows":40', b'"rows":-1')),
        ("manifest", lambda text: text.replace(b'"rows":40', b'"rows":NaN')),
        ("manifest", lambda text: text.replace(b'"rows":40', b'"rows":1e400')),
        ("manifest", lambda text: text.replace(b'"rows":40', b'"rows":"40"')),
        ("manifest", lambda text: text.replace(b'"rows":40', b'"rows": 40')),
        ("manifest", lambda text: text.replace(b'"rows":40', b'"rows":40,"rows":40')),
        ("manifest", lambda text: text.replace(b'"rows":40', b'"critical":true,"rows":40')),
        ("manifest", lambda text: text.replace(b'"epoch":', b'"epoch":' + b"[" * 20000)),
        ("manifest", lambda text: text.replace(b'"project":"', b'"project":"\\u001b')),
        ("manifest", lambda text: text.replace(b'"sender":"trust"', b'"sender":"../trust"')),
        ("manifest", lambda text: text + b" "),
        ("manifest", lambda text: text[:-1]),
        ("manifest", lambda _text: b""),
        ("manifest", lambda _text: b"[]"),
        ("manifest", lambda _text: b"\xff"),
        ("manifest", lambda text: text.ljust(MAX_MANIFEST_BYTES + 1)),
        ("sealed-version", lambda text: text.replace(b'"version":1', b'"version":2,"word":[]')),
    ],
)
def test_a_manifest_has_one_spelling(meeting, code, change):
    """Whatever this software would not have written so is refused, however well it is signed."""
    manifest, payload = taken_apart(meeting)

    assert refusal(meeting, put_together(meeting, change(manifest.to_bytes()), payload)) == code


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("envelope", lambda _plain: b""),
        ("envelope", lambda plain: plain[:20]),
        ("envelope", lambda plain: plain[:100]),
        ("envelope", lambda _plain: b"pprl-package 1 0000000002"),
        ("envelope", lambda plain: plain.replace(b"pprl-sealed 1 0", b"pprl-sealed 1 9", 1)),
        ("envelope", lambda plain: plain.replace(b"pprl-sealed 1 ", b"pprl-sealed 1 0000000000\n", 1)),
        ("envelope", lambda plain: plain.replace(b'"payloadType"', b'"payloadtype"', 1)),
        ("envelope", lambda plain: plain.replace(b"application/vnd.pprl.p", b"application/vnd.pprl.P", 1)),
        ("sealed-version", lambda plain: plain.replace(b"pprl-sealed 1", b"pprl-sealed 2", 1)),
        ("wrong-length", lambda plain: plain + b"\0"),
        ("wrong-length", lambda plain: plain[:-1]),
        ("altered", lambda plain: plain[:-1] + bytes([plain[-1] ^ 1])),
        ("wrong-digest", lambda plain: plain.replace(b'"software":"test 1"', b'"software":"test 2"', 1)),
    ],
)
def test_what_was_encrypted_must_be_a_sealed_package(meeting, code, change):
    """Whoever can encrypt to a party cannot thereby make it believe anything."""
    plain = plaintext(meeting, sealed_before(meeting))

    assert refusal(meeting, encrypted(meeting, change(plain))) == code


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("not-sealed", b""),
        ("not-sealed", b"rec_id,surname\n1,smith\n"),
        ("not-sealed", b"pprl-package 1 0000000002 "),
        ("not-sealed", bytes(range(256)) * 20),
        ("age-truncated", b"age-encryption.org/v1\n"),
        ("age-version", b"age-encryption.org/v2\n-> X25519 abc\n"),
        ("age-header", b"age-encryption.org/v1\n" + b"-> x\nAAAA\n" * 10_000),
        ("age-header", b"age-encryption.org/v1\n-> " + b"x" * (1 << 24)),
    ],
)
def test_what_is_not_sealed_is_not_opened(meeting, code, content):
    """Files of other kinds, and headers without end."""
    path = meeting.folder / "hostile.age"
    path.write_bytes(content)

    assert refusal(meeting, path) == code


def test_a_file_that_is_too_large_is_not_read(meeting):
    """A length that no package has is refused at once."""
    path = meeting.folder / "hostile.age"
    with path.open("wb") as stream:
        stream.write(b"age-encryption.org/v1\n")
        stream.truncate((1 << 40) + (1 << 30))

    assert refusal(meeting, path) == "too-large"


def test_a_classical_recipient_is_not_accepted_beside_a_post_quantum_one(meeting):
    """Two recipients are one too many; ours write one stanza."""
    plain = plaintext(meeting, sealed_before(meeting))
    path = meeting.folder / "hostile.age"
    sealed, classical = io.BytesIO(), io.BytesIO()
    with encrypt_stream(sealed, [meeting.identities["unit"].opener.recipient]) as age:
        age.write(plain)
    with encrypt_stream(classical, [X25519Identity.generate().recipient]) as age:
        age.write(plain)
    stanza = classical.getvalue().split(b"\n---")[0].partition(b"\n")[2]
    path.write_bytes(sealed.getvalue().replace(b"\n---", b"\n" + stanza + b"\n---", 1))

    assert refusal(meeting, path) == "age-header"


def test_other_secrets_are_named_with_check_and_parties(meeting):
    """Two custodians with different secrets, or other software, do not get to be compared."""
    meeting.open(meeting.seal("hospital", seed=2).path)
    other_key = dataclasses.replace(TAGS, key="c" * 32)
    other_encoder = dataclasses.replace(TAGS, encoder="c" * 32)

    with pytest.raises(PprlError, match="the key tag of trust is not that of hospital") as key:
        meeting.open(meeting.seal(check_tags=other_key).path, out="one")
    with pytest.raises(PprlError, match="the encoder tag of trust is not that of hospital") as encoder:
        meeting.open(meeting.seal(check_tags=other_encoder).path, out="two")

    assert (key.value.code, encoder.value.code) == ("policy/other-secret", "policy/other-encoder")


def test_a_sender_may_correct_its_own_secret(meeting):
    """What is compared is the last package of each other sender."""
    meeting.open(meeting.seal(check_tags=dataclasses.replace(TAGS, key="c" * 32)).path, out="one")
    meeting.open(meeting.seal(seed=3).path, out="two")

    opened = meeting.open(meeting.seal("hospital", seed=2).path, out="three")

    assert opened.manifest.sender == "hospital"


def test_one_table_under_two_names_is_noticed(meeting):
    """The same rows in another order, under other ids, from another sender."""
    meeting.open(meeting.seal("trust").path)
    path = meeting.seal("hospital").path

    assert refusal(meeting, path, out="second") == "same-rows"


def test_a_few_rows_may_be_the_same(meeting):
    """One person in both tables is what linkage is for."""
    meeting.open(meeting.seal("trust", n_records=1).path)

    opened = meeting.open(meeting.seal("hospital", n_records=1).path, out="second")

    assert opened.manifest.rows == 1


def test_a_package_without_rows_is_opened(meeting):
    """An empty table is a table."""
    assert meeting.open(meeting.seal(n_records=0).path).manifest.rows == 0


def test_an_output_that_is_there_is_not_replaced(meeting):
    """And the package can still be opened elsewhere."""
    path = meeting.seal().path
    (meeting.folder / "opened").write_text("mine")

    assert refusal(meeting, path) == "output-exists"
    assert (meeting.folder / "opened").read_text() == "mine"
    assert meeting.open(path, force=True).manifest.rows == 40


def test_an_output_in_a_synced_folder_is_refused(meeting):
    """What was sealed with care would be on the machines of a provider."""
    path = meeting.seal().path
    (meeting.folder / "Dropbox").mkdir()

    assert refusal(meeting, path, out="Dropbox/opened") == "in-synced-folder"


def test_a_clock_that_cannot_be_right_opens_nothing(meeting):
    """1970 is before this software was released."""
    path = meeting.seal().path

    assert refusal(meeting, path, now=clock.from_text("1970-01-01T00:00:00Z")) == "clock-implausible"


def test_a_party_with_other_keys_than_agreed_opens_nothing(meeting):
    """Somebody's folder is not the one that the agreement lists."""
    path = meeting.seal().path
    meeting.stores["unit"] = dataclasses.replace(
        meeting.stores["unit"], identity=Identity.generate("unit", "linkage-unit")
    )

    assert refusal(meeting, path) == "other-keys"


# Each fault belongs to a later step than the one before it, so of several the first is told.
IN_ORDER = (
    ("unknown-sender", {"sender": "nobody"}),
    ("signature-ed25519", None),
    ("wrong-project", {"project": "other"}),
    ("wrong-epoch", {"epoch": 7}),
    ("wrong-purpose", {"purpose": "report"}),
    ("wrong-recipient", {"recipient": "hospital"}),
    ("wrong-version", {"agreement_version": 2}),
    ("wrong-agreement", {"fingerprint": "0" * 64}),
    ("expired", LATER),
    ("opt-out-missing", {"opt_out": None}),
    ("replayed", {"package_id": "0" * 32}),
    ("out-of-sequence", {"sequence": 1}),
    ("wrong-length", {"length": 5}),
    ("wrong-digest", {"sha256": "0" * 64}),
    ("other-secret", {"key_tag": "0" * 32}),
    ("row-stated", {"rows": 7}),
)


@pytest.mark.parametrize("first", range(len(IN_ORDER)))
def test_steps_are_taken_in_their_order(meeting, first):
    """With all faults from one step on, the one of that step is told."""
    manifest, payload = taken_apart(meeting)
    before = msgspec.structs.replace(manifest, package_id="0" * 32)
    meeting.open(put_together(meeting, before, payload), out="before")
    meeting.open(meeting.seal("hospital", seed=5).path, out="theirs")
    code, faults = IN_ORDER[first][0], [changes for _, changes in IN_ORDER[first:]]
    manifest = msgspec.structs.replace(manifest, sequence=2)
    changes = {name: value for one in faults if one for name, value in one.items()}
    changes.pop("purpose", None)
    signer = "hospital" if None in faults else "trust"

    path = put_together(meeting, msgspec.structs.replace(manifest, **changes), payload, by=signer)
    expected = "report" if any(one and "purpose" in one for one in faults) else "encodings"

    assert refusal(meeting, path, out="third", purpose=expected) == code


def test_the_agreement_says_whether_opt_outs_need_a_statement(meeting):
    """Where they are not applicable, none is asked for."""
    manifest, payload = taken_apart(meeting)
    path = put_together(meeting, msgspec.structs.replace(manifest, opt_out=None), payload)

    assert open_as(meeting, path, "encodings", opt_outs=False).manifest.opt_out is None


def deletion_record(meeting, content, sender="trust"):
    """Seal whatever as a deletion record, to the linkage unit."""
    manifest, _ = taken_apart(meeting)
    manifest = msgspec.structs.replace(
        manifest,
        purpose="deletion-record",
        layout="json",
        rows=1,
        length=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        key_tag="",
        encoder_tag="",
        opt_out=None,
        sender=sender,
    )
    return put_together(meeting, manifest, content, by=sender)


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("deletion-record", lambda _meeting: b'{"links": [["trust-1", "hospital-1"]]}'),
        ("signature-ed25519", lambda meeting: signed_record(GONE, meeting.identities["hospital"])),
        (
            "deletion-record",
            lambda meeting: signed_record(
                msgspec.structs.replace(GONE, party="hospital"), meeting.identities["trust"]
            ),
        ),
    ],
)
def test_a_deletion_record_is_the_senders_own_word(meeting, code, content):
    """A record of somebody else, or any other JSON, is refused however it is sealed."""
    path = deletion_record(meeting, content(meeting))

    assert refusal(meeting, path, purpose="deletion-record") == code


def test_a_deletion_record_is_opened(meeting):
    """Signed by its sender twice: as a record, and as what is sealed."""
    content = signed_record(GONE, meeting.identities["trust"])

    opened = meeting.open(deletion_record(meeting, content), purpose="deletion-record")

    assert opened.path.read_bytes() == content


def test_a_share_is_opened_by_the_ceremony_alone(meeting):
    """A secret never becomes a file that somebody may send on."""
    path = forged(meeting, purpose="key-share", layout="binary", opt_out=None)

    assert refusal(meeting, path, purpose="key-share") == "ceremony-only"


def meanwhile(monkeypatch, act):
    """Let something happen while a payload is being checked."""
    real, calls = opening.check_apart, []

    def checked(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 1:
            act()
        return real(*arguments, **options)

    monkeypatch.setattr(opening, "check_apart", checked)


def test_two_packages_that_are_opened_at_once_are_held_against_each_other(meeting, monkeypatch):
    """What another run opened meanwhile counts: secrets and rows."""
    theirs = meeting.seal("hospital", seed=2).path
    ours = meeting.seal(check_tags=dataclasses.replace(TAGS, key="c" * 32)).path
    meanwhile(monkeypatch, lambda: meeting.open(theirs, out="theirs"))

    assert codes_of(lambda: meeting.open(ours)) == "other-secret"


def test_one_table_that_is_opened_twice_at_once_is_noticed(meeting, monkeypatch):
    """The same rows, from two senders, in two runs."""
    theirs, ours = meeting.seal("hospital").path, meeting.seal("trust").path
    meanwhile(monkeypatch, lambda: meeting.open(theirs, out="theirs"))

    assert codes_of(lambda: meeting.open(ours)) == "same-rows"


def test_a_package_that_is_opened_twice_at_once_is_opened_once(meeting, monkeypatch):
    """The second run finds the entry of the first."""
    path = meeting.seal().path
    meanwhile(monkeypatch, lambda: meeting.open(path, out="first"))

    assert codes_of(lambda: meeting.open(path)) == "replayed"


def codes_of(act):
    with pytest.raises(PprlError) as refused:
        act()
    return refused.value.code.partition("/")[2]


def test_a_package_that_was_refused_is_no_peer(meeting, monkeypatch):
    """It must not make those that follow look wrong."""
    wrong = meeting.seal("hospital", check_tags=dataclasses.replace(TAGS, key="c" * 32)).path
    with monkeypatch.context() as patched:
        patched.setattr(opening, "give_name", disk_full)
        assert codes_of(lambda: meeting.open(wrong)) == "disk-full"

    assert meeting.open(meeting.seal(seed=2).path).manifest.sender == "trust"


def disk_full(*_arguments, **_options):
    raise ResourceError("output: no space left", code="disk-full")


def test_what_gets_no_name_is_in_the_ledger_and_can_be_opened_again(meeting, monkeypatch):
    """The entry comes first; then it is taken back, once, and says why."""
    path = meeting.seal().path
    with monkeypatch.context() as patched:
        patched.setattr(opening, "give_name", disk_full)
        assert codes_of(lambda: meeting.open(path)) == "disk-full"

    entries = meeting.stores["unit"].ledger.entries()
    opened = meeting.open(path)

    assert [(one.outcome, one.code) for one in entries[-2:]] == [
        ("done", ""),
        ("refused", "resource/disk-full"),
    ]
    assert opened.manifest.rows == 40
    assert codes_of(lambda: meeting.open(path, out="again")) == "replayed"
    assert codes_of(lambda: meeting.open(path, out="again")) == "replayed"


def test_an_interrupt_at_the_last_moment_leaves_nothing(meeting, monkeypatch):
    """The name is taken away again, and the ledger says so."""
    path = meeting.seal().path
    real = opening.give_name

    def interrupted(*arguments, **options):
        real(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(opening, "give_name", interrupted)
        meeting.open(path)

    assert not (meeting.folder / "opened").exists()
    assert meeting.stores["unit"].ledger.entries()[-1].code == "error/interrupted"
    assert meeting.open(path).manifest.rows == 40


def test_a_ledger_that_fails_does_not_hide_the_first_error(meeting, monkeypatch):
    """Whoever reads the message learns what was wrong with the package."""
    path = forged(meeting, project="other")

    def broken(*_arguments, **_options):
        raise ResourceError("ledger: no space left", code="disk-full")

    monkeypatch.setattr(Ledger, "append", broken)

    assert codes_of(lambda: meeting.open(path)) == "wrong-project"


def test_no_envelope_holds_more_than_its_parts():
    """An unknown part of an envelope is refused by its type."""
    content = envelope_of(b"{}", ())[PRELUDE_BYTES:]

    assert set(msgspec.json.decode(content)) == {"payload", "payloadType", "signatures"}
    assert msgspec.json.decode(content, type=Envelope).content == b"{}"
