"""An agreement chooses the encoding of a pass, and refuses what is fit for research only."""

import gc

import jsonschema
import msgspec
import numpy as np
import pytest

from pprl.agreement import Agreement, json_schema
from pprl.encoding.canaries import check_tags
from pprl.encoding.encoder import encode_passes
from pprl.encoding.schemes import Clk
from pprl.encoding.tokens import QGrams
from pprl.errors import AgreementError
from pprl.keys import LinkageKey
from pprl.model import TextColumn

PROJECT = LinkageKey(bytes(32)).for_project("test", epoch=1)
DIFFUSE = [{"step": "diffuse", "t": 2, "n_bits": 256}]
ENCODINGS = {
    "clk": {"type": "clk"},
    "rbf": {"type": "rbf", "k": 10},
    "min-hash": {"type": "min-hash"},
    "two-step": {"type": "two-step", "k": 8, "length": 64},
}
USES = {
    "clk": {},
    "rbf": {"expected_tokens": 7},
    "min-hash": {"bits_per_token": 2},
    "two-step": {},
}


def document(kind: str = "clk", *, uses=None, research: bool = True, **options) -> dict:
    """An agreement with one pass over given name, family name, date of birth and sex."""
    fields = [
        {"kind": "name", "name": "given_name", "weight": 60},
        {"kind": "name", "name": "family_name", "weight": 60},
        {"kind": "date", "name": "born", "weight": 60, "order": "ymd"},
        {"kind": "sex", "name": "sex", "weight": 10},
    ]
    names = uses or [rule["name"] for rule in fields]
    one = {
        "kind": "fuzzy",
        "name": "all",
        "n_bits": 256,
        "threshold": 0.8,
        "encoding": ENCODINGS[kind],
        "hardening": DIFFUSE,
        "fields": [{"field": name, "required": name == names[0], **USES[kind]} for name in names],
    }
    return {
        "project": "test",
        "epoch": 1,
        "research": research,
        "fields": [rule for rule in fields if rule["name"] in names],
        "matching": {"target": "thresholds", "cardinality": "one-to-one"},
        "passes": [one | options],
    }


def loaded(*arguments, **options) -> Agreement:
    """The same, checked."""
    return msgspec.convert(document(*arguments, **options), Agreement)


PEOPLE = {
    "given_name": TextColumn.from_texts(["anna", "anna", "bo", None]),
    "family_name": TextColumn.from_texts(["smith", "smith", "jones", "smith"]),
    "born": TextColumn.from_texts(["1990-02-11", "1990-02-11", "1960-12-03", "1990-02-11"]),
    "sex": TextColumn.from_texts(["f", None, "m", "f"]),
}


def rows(agreement: Agreement) -> np.ndarray:
    """The bits of four people: two of them alike but for sex, one absent."""
    return encode_passes(PEOPLE, agreement.fields, agreement.passes, PROJECT)["all"].bits.to_bools()


@pytest.mark.parametrize("kind", ENCODINGS)
def test_records_that_are_alike_have_bits_alike(kind):
    """And a record that lacks a required field has none, with every encoding."""
    one, like, other, absent = rows(loaded(kind, hardening=[]))

    assert (one != like).sum() < (one != other).sum()
    assert 0 == absent.sum()


@pytest.mark.parametrize("kind", ENCODINGS)
def test_hardening_follows_any_encoding(kind):
    """With the length that it says, and absent records still empty."""
    steps = [{"step": "diffuse", "t": 3, "n_bits": 320}]

    bits = rows(loaded(kind, hardening=steps))

    assert (4, 320) == bits.shape
    assert 0 == bits[3].sum()


@pytest.mark.parametrize("kind", ENCODINGS)
def test_the_order_of_fields_changes_nothing(kind):
    """Keys go by name, and so does the layout."""
    agreement = loaded(kind)
    one = agreement.passes[0]
    backwards = msgspec.structs.replace(one, fields=one.fields[::-1])

    there, back = (
        encode_passes(PEOPLE, agreement.fields, [some], PROJECT)["all"] for some in (one, backwards)
    )

    assert there.bits.to_bytes() == back.bits.to_bytes()


@pytest.mark.parametrize("kind", ENCODINGS)
def test_two_passes_do_not_share_bits(kind):
    """The same fields in two passes have two keys."""
    agreement = loaded(kind, hardening=[])
    again = msgspec.structs.replace(agreement.passes[0], name="again")

    encoded = encode_passes(PEOPLE, agreement.fields, (*agreement.passes, again), PROJECT)

    one, two = (item.bits.to_bools()[0] for item in encoded.values())
    assert (one & two).sum() / one.sum() == pytest.approx(two.mean(), abs=0.2)


@pytest.mark.parametrize("kind", ENCODINGS)
def test_a_salt_changes_every_token(kind):
    """The same names in people born in other years have nothing in common but chance."""
    agreement = loaded(
        kind, uses=["given_name", "family_name", "born"], hardening=[], salt={"field": "born", "part": "year"}
    )
    people = PEOPLE | {"born": TextColumn.from_texts(["1990-02-11", "1991-02-11", None, None])}

    encoded = encode_passes(people, agreement.fields, agreement.passes, PROJECT)["all"]

    one, two, *rest = encoded.bits.to_bools()
    assert (one & two).sum() / one.sum() == pytest.approx(two.mean(), abs=0.2)
    assert 0 == np.sum(rest)


BACKWARDS = "vjqx"  # a token of the name below, which nothing else in this process holds


def reachable() -> bool:
    """Whether any object holds the token."""
    gc.collect()
    # A weak proxy whose object is gone cannot be asked for its class, but for its type.
    held = (found for one in gc.get_objects() for found in gc.get_referents(one) if type(found) is str)
    return any(found[::-1] == BACKWARDS for found in held)


@pytest.mark.parametrize("kind", ENCODINGS)
def test_no_token_outlives_the_call(kind):
    """There is no cache of tokens; the search would find a list that holds one."""
    agreement = loaded(kind)
    uses = tuple(
        msgspec.structs.replace(use, tokens=QGrams(q=4) if "name" in use.field else None)
        for use in agreement.passes[0].fields
    )
    one = msgspec.structs.replace(agreement.passes[0], fields=uses)
    people = PEOPLE | {"given_name": TextColumn.from_texts([BACKWARDS[::-1] + "thleigh", "bo", None, None])}

    encoded = encode_passes(people, agreement.fields, [one], PROJECT)["all"]

    assert 0 < encoded.bits.popcounts()[0]
    assert not reachable()
    cache = [BACKWARDS[::-1]]
    assert reachable(), cache


def test_encodings_have_different_bits_and_different_tags():
    """The encoder tag sees which one was used."""
    agreements = [loaded(kind) for kind in ENCODINGS]

    tags = {check_tags(one.fields, one.passes, PROJECT).encoder for one in agreements}

    assert len(ENCODINGS) == len(tags)
    assert len(ENCODINGS) == len({rows(one).tobytes() for one in agreements})


def test_a_clk_that_is_written_out_changes_nothing():
    """Neither the fingerprint nor the text of which it is made."""
    plain = document()
    del plain["passes"][0]["encoding"], plain["research"]
    agreement = msgspec.convert(plain, Agreement)

    assert Clk() == agreement.passes[0].encoding
    assert agreement.fingerprint == loaded(research=False).fingerprint
    assert b"encoding" not in agreement.canonical_json()
    assert b"research" not in agreement.canonical_json()


@pytest.mark.parametrize("kind", ENCODINGS)
def test_canonical_json_reads_back(kind):
    """To the same agreement, and it satisfies the schema."""
    agreement = loaded(kind)

    assert agreement == msgspec.json.decode(agreement.canonical_json(), type=Agreement)
    jsonschema.validate(msgspec.json.decode(agreement.canonical_json()), json_schema())


def test_keys_follow_the_encoding_and_not_the_word_research():
    """What shapes the bits, and nothing else."""
    fingerprints = {loaded(kind).project_fingerprint for kind in ENCODINGS}

    assert len(ENCODINGS) == len(fingerprints)
    assert loaded(research=False).project_fingerprint == loaded(research=True).project_fingerprint
    assert loaded(research=False).fingerprint != loaded(research=True).fingerprint


NAME = {"uses": ["given_name"]}
REFUSED = [
    (("min-hash",), {}, "research", "passes[0].encoding: min-hash"),
    (("two-step",), {}, "research", "passes[0].encoding: two-step"),
    (("clk",), {"uses": ["sex"]}, "low-entropy", "passes[0].fields:"),
    (("rbf",), {"uses": ["sex"]}, "low-entropy", "passes[0].fields:"),
    (("clk",), NAME | {"hardening": []}, "research", "passes[0].fields:"),
    (("rbf",), NAME | {"hardening": []}, "research", "passes[0].fields:"),
    (("clk",), NAME | {"hardening": [{"step": "permute"}, {"step": "balance"}]}, "research", ".fields:"),
]


@pytest.mark.parametrize(("arguments", "options", "code", "path"), REFUSED)
def test_what_is_for_research_is_refused(arguments, options, code, path):
    """By name of the place, with a way out."""
    with pytest.raises(AgreementError) as caught:
        loaded(*arguments, research=False, **options)

    assert f"agreement/{code}" == caught.value.code
    assert path in caught.value.message
    assert "research = true" in caught.value.hint


@pytest.mark.parametrize(("arguments", "options", "code", "path"), REFUSED)
def test_research_allows_it(arguments, options, code, path):
    """For fictitious people, if the agreement says so."""
    assert loaded(*arguments, research=True, **options).research


@pytest.mark.parametrize("kind", ["clk", "rbf"])
def test_hardening_does_not_make_a_filter_of_one_field_fit_to_send(kind):
    """Diffusion hides similarity, not how often a value occurs; for research it may be made."""
    with pytest.raises(AgreementError, match="one field alone"):
        loaded(kind, research=False, **NAME)

    assert loaded(kind, research=True, **NAME).research


def with_uses(kind: str, **options) -> dict:
    """An agreement whose uses of fields have other options."""
    made = document(kind)
    for use in made["passes"][0]["fields"]:
        use.pop("expected_tokens", None)
        use.pop("bits_per_token", None)
        use.update(options)
    return made


@pytest.mark.parametrize(
    ("made", "path"),
    [
        (with_uses("clk", expected_tokens=7), "passes[0].fields[0].expected_tokens: means nothing"),
        (with_uses("rbf"), "passes[0].fields[0]: rbf needs expected_tokens"),
        (with_uses("rbf", expected_tokens=7, bits_per_token=3), "fields[0].bits_per_token: means nothing"),
        (with_uses("min-hash", bits=30), "fields[0].bits: means nothing"),
        (with_uses("min-hash", expected_tokens=3), "fields[0].expected_tokens: means nothing"),
        (with_uses("two-step", bits_per_token=3), "fields[0].bits_per_token: means nothing"),
        (document("rbf", encoding={"type": "rbf", "k": 0}), "passes[0].encoding.k"),
        (document("two-step", encoding={"type": "two-step", "k": 65, "length": 64}), "passes[0].encoding.k"),
    ],
)
def test_an_option_that_does_nothing_is_refused(made, path):
    """Otherwise somebody would believe in it."""
    with pytest.raises(AgreementError) as caught:
        Agreement.from_toml(toml(made))

    assert path in caught.value.message


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"encoding": {"type": "rbf", "k": 200}, "expected": 1000}, "passes[0].encoding: the filter of a"),
        ({"weights": 4096}, "passes[0].fields: a weight is too small"),
    ],
)
def test_field_filters_of_impossible_length_are_refused(change, path):
    """Too long to be made, or without a bit in the record's filter."""
    made = document("rbf")
    made["passes"][0]["encoding"] = change.get("encoding", ENCODINGS["rbf"])
    made["passes"][0]["fields"][0]["expected_tokens"] = change.get("expected", 7)
    made["passes"][0]["fields"][0]["bits"] = change.get("weights", 60)
    made["passes"][0]["fields"][3]["bits"] = 1

    with pytest.raises(AgreementError) as caught:
        msgspec.convert(made, Agreement)

    assert path in caught.value.message


def test_a_misspelt_encoding_is_named_with_the_nearest():
    """As every word of an agreement."""
    with pytest.raises(AgreementError) as caught:
        Agreement.from_toml(toml(document("rbf", encoding={"type": "rfb", "k": 10})))

    assert "passes[0].encoding.type" in caught.value.message
    assert "did you mean 'rbf'?" in caught.value.hint


def toml(value: object) -> bytes:
    """A document as TOML: JSON is nearly it."""
    return "\n".join(f"{name} = {_inline(below)}" for name, below in value.items()).encode()


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_inline(below)}" for name, below in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return msgspec.json.encode(value).decode()
