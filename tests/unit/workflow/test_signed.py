"""An agreement is believed if every party signed it, as it is, and its last day is not over."""

import shutil
from datetime import UTC, datetime

import msgspec
import pytest

from pprl.agreement import Agreement, preset_text
from pprl.errors import AuthenticationError, PolicyError, PprlError, UsageError, VersionError
from pprl.exchange import clock
from pprl.exchange.identities import Identity
from pprl.exchange.parties import party_toml
from pprl.exchange.store import Store
from pprl.workflow.signed import SignedAgreement, require_latest, sign_agreement, sign_as, signature_path

ROLES = {"trust": "custodian", "hospital": "custodian", "unit": "linkage-unit"}
EVERYBODY = {name: Identity.generate(name, role) for name, role in ROLES.items()}
TEXT = (
    "expires = 2030-01-31\n"
    + preset_text("uk-health")
    + "".join(party_toml(one.party) for one in EVERYBODY.values())
)
NOW = datetime(2029, 6, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    """An agreement that all have signed."""
    place = tmp_path / "agreement.toml"
    place.write_text(TEXT, encoding="utf-8")
    for one in EVERYBODY.values():
        sign_agreement(place, one, now=NOW)
    return place


def code_of(path, now=NOW):
    """With which code it is refused, or nothing."""
    try:
        SignedAgreement.load(path, now=now)
    except PprlError as error:
        return error.code
    return ""


def rewritten(path, name, **changes):
    """A party's signature with something changed in its file."""
    file = signature_path(path, name)
    file.write_bytes(msgspec.json.encode(msgspec.json.decode(file.read_bytes()) | changes))


def test_what_all_signed_is_believed(path):
    """Also with another comment, which is no choice."""
    path.write_text("# read by everybody\n" + TEXT, encoding="utf-8")

    agreement = SignedAgreement.load(path, now=NOW).agreement

    assert list(ROLES) == [one.name for one in agreement.parties]


def test_who_has_not_signed_is_named(path):
    """All of them at once."""
    for name in ("trust", "unit"):
        signature_path(path, name).unlink()

    with pytest.raises(AuthenticationError, match="not signed by trust, unit") as caught:
        SignedAgreement.load(path, now=NOW)
    assert "authentication/signature-missing" == caught.value.code


def test_a_choice_that_was_changed_after_it_was_signed_is_refused(path):
    """Whatever it is."""
    path.write_text(TEXT.replace("precision = 0.99", "precision = 0.98"), encoding="utf-8")

    assert "authentication/signed-another" == code_of(path)


def test_a_signature_that_only_names_this_agreement_is_refused(path):
    """The fingerprint in the file is for people; the signature is over the agreement."""
    path.write_text(TEXT.replace("precision = 0.99", "precision = 0.98"), encoding="utf-8")
    for name in ROLES:
        rewritten(path, name, fingerprint=_fingerprint(path))

    assert "authentication/signature-ed25519" == code_of(path)


def _fingerprint(path):
    from pprl.agreement import Agreement

    return Agreement.load(path).fingerprint


def test_one_signature_of_two_is_refused(path):
    """With a code for each."""
    signatures = msgspec.json.decode(signature_path(path, "unit").read_bytes())["signatures"]
    theirs = msgspec.json.decode(signature_path(path, "trust").read_bytes())["signatures"]
    codes = []

    for wrong in ([signatures[0]], [signatures[1]], [theirs[0], signatures[1]], [signatures[0], theirs[1]]):
        rewritten(path, "unit", signatures=wrong)
        codes.append(code_of(path).removeprefix("authentication/"))

    assert ["signature-missing", "signature-missing", "signature-ed25519", "signature-ml-dsa-65"] == codes


def test_a_party_does_not_sign_for_another(path):
    """Neither under its own name nor under the other's."""
    shutil.copy(signature_path(path, "trust"), signature_path(path, "hospital"))
    copied = code_of(path)
    rewritten(path, "hospital", party="hospital")

    assert ("authentication/signed-another", "authentication/signature-ed25519") == (copied, code_of(path))


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 5000, b"null", b"x" * 20_000])
def test_a_damaged_signature_is_refused(path, content):
    """With an error of ours."""
    signature_path(path, "trust").write_bytes(content)

    assert code_of(path) in {"authentication/signature-file", "data/too-long"}


def test_a_signature_of_a_later_version_is_refused(path):
    """Exit status 7."""
    rewritten(path, "trust", version=2, more="of it")

    with pytest.raises(VersionError):
        SignedAgreement.load(path, now=NOW)


def test_after_its_last_day_it_is_neither_believed_nor_signed(path):
    """By the clock that is given."""
    late = datetime(2030, 2, 1, tzinfo=UTC)

    assert "policy/agreement-expired" == code_of(path, late)
    with pytest.raises(PolicyError, match="expired"):
        sign_agreement(path, EVERYBODY["trust"], now=late, force=True)


def test_without_parties_there_is_nothing_to_sign(tmp_path):
    """And nobody to believe."""
    place = tmp_path / "agreement.toml"
    place.write_text(preset_text("uk-health"), encoding="utf-8")

    assert "policy/no-parties" == code_of(place)
    with pytest.raises(PolicyError, match="lists no parties"):
        sign_agreement(place, EVERYBODY["trust"])


@pytest.mark.parametrize(
    ("identity", "code"),
    [
        (Identity.generate("trust", "custodian"), "other-keys"),
        (Identity.generate("charity", "custodian"), "unknown-party"),
    ],
)
def test_only_keys_that_the_agreement_lists_sign_it(path, identity, code):
    """Others would be believed by nobody."""
    with pytest.raises(PolicyError) as caught:
        sign_agreement(path, identity, now=NOW, force=True)

    assert f"policy/{code}" == caught.value.code


def test_a_signature_is_replaced_only_if_asked(path):
    """After a change it must be."""
    with pytest.raises(UsageError, match="exists already"):
        sign_agreement(path, EVERYBODY["trust"], now=NOW)
    sign_agreement(path, EVERYBODY["trust"], now=NOW, force=True)

    assert "" == code_of(path)


def test_what_was_signed_or_refused_is_in_the_ledger(path, tmp_path, monkeypatch):
    """With the fingerprint and the code, and a wrong clock is a refusal."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    store = Store.create(tmp_path / "trust", EVERYBODY["trust"], passphrase=None)
    signed = sign_as(path, store, force=True)
    with pytest.raises(UsageError):
        sign_as(path, store)
    monkeypatch.setattr(clock, "now", lambda: datetime(1970, 1, 1, tzinfo=UTC))
    with pytest.raises(PolicyError, match="clock implausible"):
        sign_as(path, store, force=True)

    entries = [(one.event, one.outcome, one.code, one.fingerprint) for one in store.ledger.entries()]

    assert [
        ("sign", "done", "", signed.fingerprint),
        ("sign", "refused", "usage/output-exists", signed.fingerprint),
        ("sign", "refused", "policy/clock-implausible", ""),
    ] == entries


def test_after_a_newer_version_an_older_one_is_refused(tmp_path):
    """In each project by itself; it may list a party that was removed since."""
    store = Store.create(tmp_path / "trust", EVERYBODY["trust"], passphrase=None)
    agreed = Agreement.preset("febrl")
    third, second = (msgspec.structs.replace(agreed, version=version) for version in (3, 2))
    other = msgspec.structs.replace(second, project="other")
    for one in (second, third, third, other):
        require_latest(one, store)

    with pytest.raises(PolicyError) as caught:
        require_latest(second, Store(store.folder, store.identity))
    assert "policy/older-agreement" == caught.value.code


def test_an_older_version_is_not_signed_either(path, tmp_path):
    """It would be believed by whoever has not seen the newer one."""
    store = Store.create(tmp_path / "trust", EVERYBODY["trust"], passphrase=None)
    agreed = Agreement.load(path)
    require_latest(msgspec.structs.replace(agreed, version=agreed.version + 1), store)

    with pytest.raises(PolicyError) as caught:
        sign_as(path, store, force=True)
    assert "policy/older-agreement" == caught.value.code


def test_remembered_versions_that_were_altered_are_refused(tmp_path):
    """An old agreement would be believed again."""
    store = Store.create(tmp_path / "trust", EVERYBODY["trust"], passphrase=None)
    store.ledger.append(event="party", outcome="done")
    (store.folder / "agreements.json").write_bytes(b'{"febrl":0}')

    with pytest.raises(AuthenticationError) as caught:
        require_latest(Agreement.preset("febrl"), store)
    assert "authentication/agreements-broken" == caught.value.code
