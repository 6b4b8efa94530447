"""An agreement may say who takes part; what it said before is as it was."""

import tomllib
from datetime import UTC, date, datetime, timedelta, timezone

import jsonschema
import msgspec
import pytest

from pprl.agreement import Agreement, json_schema, preset_names, preset_text
from pprl.errors import AgreementError, PolicyError
from pprl.exchange.identities import Identity
from pprl.exchange.parties import party_toml
from pprl.reporting.text import describe_agreement

ROLES = {"trust": "custodian", "hospital": "custodian", "unit": "linkage-unit", "safe": "research"}
PARTIES = {name: Identity.generate(name, role).party for name, role in ROLES.items()}
TABLES = "".join(party_toml(party) for party in PARTIES.values())
UK = preset_text("uk-health")


def read(head="", tables=TABLES, text=UK):
    """The preset with something said at its top and tables at its end."""
    return Agreement.from_toml((head + "\n" + text + tables).encode())


def test_parties_are_read_as_they_were_pasted():
    """In their order, and by name and role."""
    agreement = read()

    assert tuple(PARTIES.values()) == agreement.parties
    assert PARTIES["unit"] == agreement.party("unit")
    assert (PARTIES["trust"], PARTIES["hospital"]) == agreement.with_role("custodian")
    assert "Agreement(project='uk-health', epoch=1, fields=7, passes=6, parties=4)" == repr(
        agreement
    ).replace(f"passes={len(agreement.passes)}", "passes=6")


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize(
    "written",
    ["version = 1", "removed = []", 'dealer = "ceremony"', 'opt_outs = "required"', "parties = []"],
)
def test_what_is_left_at_its_default_changes_no_fingerprint(name, written):
    """Agreements without parties stay what they were."""
    assert Agreement.preset(name).fingerprint == read(written, tables="", text=preset_text(name)).fingerprint


@pytest.mark.parametrize(
    "written",
    [
        "version = 2",
        "expires = 2030-01-31",
        'dealer = "single"',
        'opt_outs = "not-applicable"',
        'version = 2\nremoved = ["charity"]',
    ],
)
def test_everything_between_parties_is_in_the_fingerprint_and_nothing_of_it_in_the_keys(written):
    """So it is signed, and encodings made before stay comparable."""
    reference, changed = read(), read(written)

    assert reference.fingerprint != changed.fingerprint
    assert reference.words != changed.words
    assert Agreement.preset("uk-health").project_fingerprint == changed.project_fingerprint


def test_who_takes_part_is_in_the_fingerprint():
    """Another key is another agreement."""
    tables = TABLES.replace(PARTIES["trust"].ed25519, Identity.generate("trust", "custodian").party.ed25519)

    assert read().fingerprint != read(tables=tables).fingerprint


def test_canonical_json_with_parties_reads_back():
    """Dates are text there."""
    agreement = read('version = 3\nexpires = 2030-01-31\nremoved = ["charity"]\ndealer = "single"')

    text = agreement.canonical_json()

    assert agreement == msgspec.json.decode(text, type=Agreement)
    assert msgspec.json.encode(msgspec.json.decode(text), order="sorted") == text


def test_a_date_may_be_text_or_a_date_of_toml():
    """One fingerprint for both spellings."""
    plain, quoted = read("expires = 2030-01-31"), read('expires = "2030-01-31"')

    assert date(2030, 1, 31) == plain.expires
    assert plain.fingerprint == quoted.fingerprint


@pytest.mark.parametrize(
    ("head", "path", "hint"),
    [
        ("expires = 2030-01-31T10:00:00", "expires", ""),
        ('expires = "31/01/2030"', "expires", ""),
        ("expires = 2030", "expires", ""),
        ("version = 0", "version", ""),
        ('version = "two"', "version", ""),
        ('dealer = "singel"', "dealer", "'single'"),
        ('opt_outs = "yes"', "opt_outs", "required"),
        ('removed = ["charity"]', "removed", "raise the version"),
        ('version = 2\nremoved = ["trust"]', "removed[0]", "delete its table"),
        ('version = 2\nremoved = ["The Trust"]', "removed[0]", ""),
        ("version = 2\nremoved = [1]", "removed[0]", ""),
        ('partys = "trust"', "top level", "'parties'"),
    ],
)
def test_a_mistake_is_named_by_its_path(head, path, hint):
    """As everywhere in an agreement."""
    with pytest.raises(AgreementError) as caught:
        read(head)

    assert f"agreement: {path}:" in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "path", "hint"),
    [
        ('role = "linkage-unit"', 'role = "linkage unit"', "parties[2].role", "did you mean 'linkage-unit'?"),
        ("mldsa65 = ", "mldsa = ", "parties[0]", "did you mean 'mldsa65'?"),
        ('name = "safe"', 'name = "Safe"', "parties[3].name", ""),
        ('name = "safe"', 'name = "trust"', "parties[3].name", ""),
        ('role = "linkage-unit"', 'role = "custodian"', "parties", ""),
        ('role = "research"', 'role = "linkage-unit"', "parties", ""),
    ],
)
def test_a_mistake_in_a_party_is_named_by_its_path(old, new, path, hint):
    """Unknown words, names and roles that do not fit together."""
    assert old in TABLES

    with pytest.raises(AgreementError) as caught:
        read(tables=TABLES.replace(old, new, 1))
    assert f"agreement: {path}:" in caught.value.message
    assert hint in caught.value.hint


def test_a_wrong_key_is_told_by_the_name_of_its_party():
    """The agreement of which it is part is not read."""
    with pytest.raises(AgreementError, match="party hospital: ed25519: wanted 32 bytes"):
        read(tables=TABLES.replace(PARTIES["hospital"].ed25519, "AAAA"))


def test_one_custodian_is_enough_for_fictitious_people():
    """And for nobody else."""
    tables = "".join(party_toml(PARTIES[name]) for name in ("trust", "unit"))

    assert 2 == len(read("research = true", tables=tables).parties)
    with pytest.raises(AgreementError, match="2 at least of the role custodian"):
        read(tables=tables)


@pytest.mark.parametrize(
    ("head", "name", "code"),
    [
        ("", "hospitl", "unknown-party"),
        ("", "", "unknown-party"),
        ('version = 2\nremoved = ["charity"]', "charity", "removed-party"),
    ],
)
def test_who_is_unknown_or_removed_is_no_party(head, name, code):
    """Two codes: a misspelt name is told from a breach of trust."""
    with pytest.raises(PolicyError) as caught:
        read(head).party(name)

    assert f"policy/{code}" == caught.value.code


def test_an_agreement_without_parties_knows_nobody():
    """And says so."""
    with pytest.raises(PolicyError) as caught:
        Agreement.preset("febrl").party("trust")

    assert "it lists no parties" == caught.value.hint


def test_an_agreement_expires_after_its_last_day():
    """In UTC, wherever one is; and loading it asks no clock."""
    agreement = read("expires = 2020-02-29")
    tokyo = timezone(timedelta(hours=9))
    agreement.refuse_expired(datetime(2020, 2, 29, 23, 59, tzinfo=UTC))
    agreement.refuse_expired(datetime(2020, 3, 1, 8, 59, tzinfo=tokyo))
    read().refuse_expired(datetime(9999, 1, 1, tzinfo=UTC))

    for late in (datetime(2020, 3, 1, tzinfo=UTC), datetime(2020, 3, 1, 9, tzinfo=tokyo)):
        with pytest.raises(PolicyError, match="its last day was 2020-02-29"):
            agreement.refuse_expired(late)


def test_an_agreement_with_parties_satisfies_the_schema():
    """Dates as text, as an editor has them; a misspelt word does not."""
    head = 'version = 2\nexpires = "2030-01-31"\nremoved = ["charity"]\n'
    document = tomllib.loads(head + UK + TABLES)
    jsonschema.validate(document, json_schema())

    document["parties"][0]["ed25591"] = document["parties"][0].pop("ed25519")

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json_schema())


def test_a_private_key_in_an_agreement_is_refused():
    """By its value, whatever it stands for."""
    secret = Identity.generate("trust", "custodian").opener.to_text()

    with pytest.raises(PolicyError) as caught:
        read(tables=TABLES.replace(PARTIES["trust"].age, secret))
    assert secret not in f"{caught.value} {caught.value.hint}"


def test_people_see_who_takes_part():
    """With the words of the agreement and of each party's keys."""
    agreement = read('version = 2\nexpires = 2030-01-31\nremoved = ["charity"]\ndealer = "single"')

    told = describe_agreement(agreement)

    assert " ".join(agreement.words) in told
    assert all(name in told and role in told for name, role in ROLES.items())
    assert all(word in told for word in ("2030-01-31", "charity", "made by one custodian"))
    assert "parties" not in describe_agreement(Agreement.preset("uk-health"))
