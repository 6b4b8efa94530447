"""An agreement is checked whole when it is loaded, and says where a mistake is."""

import decimal
import subprocess
import sys
import tomllib

import jsonschema
import msgspec
import pytest

from pprl.agreement import Agreement, json_schema, preset_names, preset_text
from pprl.errors import AgreementError, DataError, PolicyError

FEBRL = preset_text("febrl")
UK = preset_text("uk-health")


def changed(text: str, old: str, new: str) -> bytes:
    """A preset with one thing changed; the change must hit something."""
    assert old in text
    return text.replace(old, new, 1).encode()


def test_presets_load():
    """All that ship with the package."""
    assert {"febrl", "uk-health"} <= set(preset_names())
    assert all(len(Agreement.preset(name).fingerprint) == 64 for name in preset_names())


def test_an_agreement_does_not_wait_for_the_linkage_or_for_people_who_do_not_exist():
    """Custodians load one, and link nothing."""
    code = """
import sys, pprl.agreement
sys.exit(", ".join({"pprl.linkage", "pprl.datasets", "pandas", "scipy"} & set(sys.modules)) or 0)
"""

    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)

    assert ("", 0) == (done.stderr.strip(), done.returncode)


def test_the_fingerprint_of_a_preset_has_not_moved():
    """Packages carry it, so a change is a new agreement and not a refactoring."""
    stored = {name: Agreement.preset(name).fingerprint for name in preset_names()}

    assert FINGERPRINTS == stored


FINGERPRINTS = {
    "febrl": "67d8907fb071fb22c807ec4d22ce8f95818b11d6ea9acf097d3e5350f3078a66",
    "uk-health": "41ec09c0fe38fce2c99d8216c7790b288d011c790db3cdaebe13b348d30d5701",
}


def test_the_febrl_preset_does_not_use_the_social_security_number():
    """It would make linking trivial."""
    assert "soc_sec_id" not in FEBRL


def test_comments_spaces_and_spellings_of_a_number_do_not_change_the_fingerprint():
    """The choices do."""
    same = changed(FEBRL, "threshold = 0.60", "threshold = 0.6   # six tenths")
    other = changed(FEBRL, "threshold = 0.60", "threshold = 0.61")

    assert Agreement.preset("febrl").fingerprint == Agreement.from_toml(same).fingerprint
    assert Agreement.preset("febrl").fingerprint != Agreement.from_toml(other).fingerprint


@pytest.mark.parametrize(
    ("content", "path", "hint"),
    [
        (changed(FEBRL, 'kind = "name"', 'kind = "nmae"'), "fields[0].kind", "did you mean 'name'?"),
        (changed(FEBRL, "weight = 100", "wieght = 100"), "fields[0]", "did you mean 'weight'?"),
        (changed(FEBRL, 'order = "ymd"', 'order = "ydm"'), "fields[2].order", "did you mean 'ymd'?"),
        (changed(FEBRL, 'step = "diffuse"', 'step = "difuse"'), "passes[0].hardening[0].step", "'diffuse'"),
        (changed(FEBRL, "t = 2,", "t = 2, bits = 3,"), "passes[0].hardening[0]", "did you mean 'n_bits'?"),
        (changed(FEBRL, "t = 2,", "t = 99,"), "passes[0].hardening[0].t", ""),
        (changed(FEBRL, "epoch = 1 ", 'epoch = "1" '), "epoch", ""),
        (changed(FEBRL, "epoch = 1 ", "ephoc = 1 "), "top level", "did you mean 'epoch'?"),
        (changed(FEBRL, 'target = "balance"', 'target = "balence"'), "matching.target", "'balance'"),
        (changed(FEBRL, '{ field = "suburb" }', '{ field = "subrub" }'), "passes[0].fields[4]", "'suburb'"),
        (changed(FEBRL, '{ field = "suburb" }', '{ field = "address" }'), "passes[0].fields", ""),
        (changed(FEBRL, "n_bits = 1024\n", "n_bits = 1000\n"), "passes[0].n_bits", "choose n_bits = 1024"),
        (changed(FEBRL, "n_bits = 1024\n", "n_bits = 512\n"), "passes[0]", "lower the weights"),
        (changed(FEBRL, "threshold = 0.60", "threshold = 1.5"), "passes[0].threshold", ""),
        (changed(FEBRL, "threshold = 0.60", "threshold = 0"), "passes[0].threshold", ""),
        (changed(FEBRL, "threshold = 0.60", "threshold = nan"), "passes[0].threshold", ""),
        (changed(FEBRL, 'name = "suburb"', 'name = "surname"'), "fields", ""),
        (changed(FEBRL, 'name = "without_names"', 'name = "everything"'), "passes", ""),
        (changed(FEBRL, 'name = "given_name"', 'name = "Given Name"'), "fields[0].name", ""),
        (
            changed(FEBRL, '{ field = "state" }', '{ field = "state", tokens = { type = "date-parts" } }'),
            "passes[0].fields[6].tokens",
            "",
        ),
        (
            changed(FEBRL, '{ field = "state" }', '{ field = "state", tokens = { type = "qgrams" } }'),
            "passes[0].fields[6].tokens.type",
            "did you mean 'q-grams'?",
        ),
        (changed(UK, 'fields = ["health_number"]', "fields = []"), "passes[0].fields", ""),
        (
            changed(UK, 'fields = ["health_number"]', 'fields = ["helth_number"]'),
            "passes[0].fields[0]",
            "'health_number'",
        ),
        (changed(UK, 'fields = ["health_number"]', 'fields = ["sex"]'), "passes[0].fields", "identifier"),
        (
            changed(UK, 'fields = ["health_number"]', 'fields = ["sex", "date_of_birth"]'),
            "passes[0].fields",
            "identifier",
        ),
        (
            changed(UK, 'fields = ["health_number"]', 'fields = ["family_name", "date_of_birth"]'),
            "fields[6]",
            "remove it",
        ),
        (changed(FEBRL, 'project = "febrl"', r'project = "febrl\n"'), "project", ""),
        (changed(FEBRL, 'name = "without_names"', r'name = "without_names\n"'), "passes[3].name", ""),
    ],
)
def test_a_mistake_is_named_by_its_path_and_the_nearest_legal_word(content, path, hint):
    """Unknown words, wrong types, illegal values, and parts that contradict each other."""
    with pytest.raises(AgreementError) as caught:
        Agreement.from_toml(content)

    assert f"agreement: {path}:" in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (
            '{ field = "suburb" }',
            '{ field = "suburb", tokens = { type = "postcode-parts" } }',
            "fields[4].tokens",
        ),
        (
            '{ field = "postcode" }',
            '{ field = "postcode", tokens = { type = "postcode-parts" } }',
            "fields[5].tokens",
        ),
        ('{ field = "suburb" }', '{ field = "suburb", bits = 10, bits_per_token = 5 }', "fields[4]"),
        (
            '{ field = "given_name", bag = "names" }',
            '{ field = "given_name", bag = "names", bits_per_token = 5 }',
            "fields",
        ),
        ("n_bits = 1024\n", 'n_bits = 1024\nsalt = { field = "state", part = "year" }\n', "salt.part"),
        ("n_bits = 1024\n", 'n_bits = 1024\nsalt = { field = "stat" }\n', "salt.field"),
    ],
)
def test_options_that_do_not_fit_are_refused(old, new, path):
    """Tokens for another kind of field, two ways to count bits, a salt that is none."""
    with pytest.raises(AgreementError) as caught:
        Agreement.from_toml(changed(FEBRL, old, new))

    assert f"agreement: passes[0].{path}:" in caught.value.message


SEVERAL = 'kind = "name"\nseparator = ";"'
STEP = '{ step = "diffuse", t = 2, n_bits = 1024 }'
SHORT = '{ step = "diffuse", t = 2, n_bits = 64 }'
EXACT = b'["given_name", "date_of_birth"]'


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (changed(FEBRL, 'kind = "date"', 'kind = "date"\nmore_columns = ["other"]'), "fields[2]"),
        (changed(UK, 'kind = "health-number"', 'kind = "health-number"\nseparator = ";"'), "fields[6]"),
        (changed(FEBRL, 'kind = "name"', 'kind = "name"\nseparator = "-"'), "fields[0].separator"),
        (changed(UK, 'kind = "name"', SEVERAL).replace(b'["health_number"]', EXACT), "passes[0].fields[0]"),
        (
            changed(FEBRL, 'kind = "name"', SEVERAL).replace(
                b"n_bits = 1024\n", b'n_bits = 1024\nsalt = { field = "given_name" }\n', 1
            ),
            "passes[0].salt.field",
        ),
        (
            changed(FEBRL, STEP, f'{{ step = "rule-90", rounds = 16 }}, {SHORT}, {{ step = "rule-90" }}'),
            "passes[0].hardening[2]",
        ),
        (changed(FEBRL, STEP, SHORT + ', { step = "xor-fold" }'), "passes[0].hardening[1]"),
    ],
)
def test_what_cannot_work_is_refused(content, path):
    """Several values where one is needed, and chains that leave nothing."""
    with pytest.raises(AgreementError) as caught:
        Agreement.from_toml(content)

    assert f"agreement: {path}:" in caught.value.message


def test_errors_as_measured_are_the_default():
    """However they are spelt, the fingerprint is that of an agreement that says nothing."""
    content = changed(FEBRL, "[[fields]]", "[errors]\nplace_changed = 0.30\n\n[[fields]]")

    assert Agreement.preset("febrl").fingerprint == Agreement.from_toml(content).fingerprint


def test_a_pass_must_require_something():
    """Otherwise people of whom nothing is known would all agree."""
    content = FEBRL.replace(r", required = true", "").encode()

    with pytest.raises(AgreementError, match=r"passes\[0\]\.fields: none is required"):
        Agreement.from_toml(content)


def test_sizes_are_followed_through_every_hardening_step():
    """The second fold gets an odd length."""
    steps = '[{ step = "diffuse", t = 2, n_bits = 65 }, { step = "xor-fold" }]'
    content = changed(FEBRL, '[{ step = "diffuse", t = 2, n_bits = 1024 }]', steps)

    with pytest.raises(
        AgreementError, match=r"passes\[0\]\.hardening\[1\]: xor-fold needs an even row length, got 65"
    ):
        Agreement.from_toml(content)


@pytest.mark.parametrize("word", ["secret", "key", "linkage_key", "passphrase", "PrivateKey", "hmac-key"])
@pytest.mark.parametrize("place", ["epoch = 1", 'target = "balance"'])
def test_a_secret_in_an_agreement_is_refused(word, place):
    """Exit status 4, wherever it stands, and without repeating it."""
    content = changed(FEBRL, place, f'{place}\n"{word}" = "hunter2"')

    with pytest.raises(PolicyError) as caught:
        Agreement.from_toml(content)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    "content",
    [b"", b"project = ", b"\xff\xfe", b"[[fields]", b"a = [" * 5000, b'project = "a"\nproject = "b"'],
)
def test_what_is_not_toml_is_refused(content):
    """Empty, cut, binary, nested beyond reason, repeated."""
    with pytest.raises(AgreementError):
        Agreement.from_toml(content)


def test_a_missing_file_is_named(tmp_path):
    """As what it should be."""
    with pytest.raises(DataError, match="agreement: does not exist"):
        Agreement.load(tmp_path / "no.toml")


@pytest.mark.parametrize("name", preset_names())
def test_presets_satisfy_the_schema(name):
    """As an editor reads them: TOML with numbers."""
    jsonschema.validate(tomllib.loads(preset_text(name)), json_schema())


def test_a_mistake_does_not_satisfy_the_schema():
    """An unknown word, for one."""
    document = tomllib.loads(FEBRL)
    document["passes"][0]["treshold"] = document["passes"][0].pop("threshold")

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json_schema())


def test_keys_follow_what_shapes_the_bits_and_nothing_else():
    """Columns and thresholds may change; weights, hardening and epoch may not."""
    reference = Agreement.preset("febrl").project_fingerprint
    same = [
        changed(FEBRL, 'column = "address_1"', 'column = "street"'),
        changed(FEBRL, 'column = "address_1"', 'more_columns = ["address_2"]'),
        changed(FEBRL, "threshold = 0.60", "threshold = 0.61"),
    ]
    other = [
        changed(FEBRL, "weight = 100", "weight = 101"),
        changed(FEBRL, "t = 2,", "t = 3,"),
        changed(FEBRL, "epoch = 1 ", "epoch = 2 "),
        changed(FEBRL, 'project = "febrl"', 'project = "x"'),
    ]

    assert {reference} == {Agreement.from_toml(text).project_fingerprint for text in same}
    assert reference not in {Agreement.from_toml(text).project_fingerprint for text in other}


def test_the_fingerprint_does_not_depend_on_the_decimal_context():
    """Somebody else's program may round to two digits."""
    content = changed(FEBRL, "threshold = 0.60", "threshold = 0.605")
    expected = Agreement.from_toml(content).fingerprint

    with decimal.localcontext(prec=2):
        actual = Agreement.from_toml(content).fingerprint

    assert expected == actual


def test_a_default_that_is_written_out_changes_nothing():
    """So a new option, left at its default, will keep old fingerprints."""
    content = changed(FEBRL, '{ field = "suburb" }', '{ field = "suburb", required = false }')

    assert Agreement.preset("febrl").fingerprint == Agreement.from_toml(content).fingerprint


def test_canonical_json_is_canonical():
    """Sorted keys, no spaces, and it reads back to the same agreement."""
    agreement = Agreement.preset("febrl")
    text = agreement.canonical_json()

    assert agreement == msgspec.json.decode(text, type=Agreement)
    assert msgspec.json.encode(msgspec.json.decode(text), order="sorted") == text


def test_bits_of_a_pass_override_the_weight():
    """A pass without the address gives its bits to the rest."""
    agreement = Agreement.preset("febrl")

    uses = {use.field: use.bits for use in agreement.passes[1].fields}

    assert 110 == uses["suburb"] != agreement.fields[4].weight
