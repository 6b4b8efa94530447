"""Opening a sealed package: every reason to refuse has its code, and nothing is left behind."""

import dataclasses
import io
from datetime import timedelta

import msgspec
import pytest

from pprl.errors import PprlError
from pprl.exchange import clock
from pprl.exchange.age import X25519Identity, decrypt_stream, encrypt_stream
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
from pprl.exchange.opening import open_sealed
from pprl.model import CheckTags

TAGS = CheckTags(key="a" * 32, encoder="b" * 32)
SEALED: list[bytes] = []
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
    ledger = meeting.folder / by / "ledger.jsonl"

    assert (last.event, last.outcome, last.code) == ("open", "refused", refused.value.code)
    assert sorted(meeting.folder.rglob("*")) == sorted({*before, ledger})
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
        ("wrong-role", {"purpose": "linkage-keys"}),
        ("wrong-role", {"purpose": "id-map"}),
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

    assert refusal(meeting, put_together(meeting, manifest, payload, by="unit", to="trust"), "trust") == (
        "wrong-role"
    )


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
        ("wrong-digest", lambda plain: plain[:-1] + bytes([plain[-1] ^ 1])),
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
    """And the package can still be opened elsewhere: nothing was written into the ledger."""
    path = meeting.seal().path
    (meeting.folder / "opened").write_text("mine")

    with pytest.raises(PprlError, match="exists already"):
        meeting.open(path)

    assert (meeting.folder / "opened").read_text() == "mine"
    assert meeting.open(path, force=True).manifest.rows == 40


def test_an_output_in_a_synced_folder_is_refused(meeting):
    """What was sealed with care would be on the machines of a provider."""
    path = meeting.seal().path
    (meeting.folder / "Dropbox").mkdir()

    with pytest.raises(PprlError, match="copies to other machines"):
        meeting.open(path, out="Dropbox/opened")


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

    with pytest.raises(PprlError) as refused:
        meeting.open(path)

    assert refused.value.code == "policy/other-keys"


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
    expected = "report" if any(one and "purpose" in one for one in faults) else None

    assert refusal(meeting, path, out="third", purpose=expected) == code


def test_the_agreement_says_whether_opt_outs_need_a_statement(meeting):
    """Where they are not applicable, none is asked for."""
    manifest, payload = taken_apart(meeting)
    path = put_together(meeting, msgspec.structs.replace(manifest, opt_out=None), payload)

    opened = open_sealed(
        path,
        meeting.folder / "opened",
        store=meeting.stores["unit"],
        terms=dataclasses.replace(meeting.terms, opt_outs=False),
        party=meeting.agreement.party,
        expected=None,
        now=clock.now(),
    )

    assert opened.manifest.opt_out is None


def test_no_envelope_holds_more_than_its_parts():
    """An unknown part of an envelope is refused by its type."""
    content = envelope_of(b"{}", ())[PRELUDE_BYTES:]

    assert set(msgspec.json.decode(content)) == {"payload", "payloadType", "signatures"}
    assert msgspec.json.decode(content, type=Envelope).content == b"{}"
