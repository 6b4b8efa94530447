"""The encoder: keys by name, absence where something is missing, tags that tell."""

import msgspec
import numpy as np
import pytest

from pprl.agreement import Agreement
from pprl.encoding.canaries import check_tags
from pprl.encoding.encoder import encode_passes
from pprl.encoding.hardening import Permute
from pprl.encoding.passes import ExactPass
from pprl.keys import LinkageKey
from pprl.model import TextColumn

UK = Agreement.preset("uk-health")
PROJECT = LinkageKey(bytes(32)).for_project("uk-health", epoch=1)


def columns(**texts) -> dict[str, TextColumn]:
    """One record with these cleaned values, the rest missing."""
    return {rule.name: TextColumn.from_texts([texts.get(rule.name)]) for rule in UK.fields}


def presence(**texts) -> set[str]:
    """Names of the passes in which the record takes part."""
    encoded = encode_passes(columns(**texts), UK.fields, UK.passes, PROJECT)
    return {name for name, one in encoded.items() if one.present[0]}


SIAN = {"given_name": "sian", "family_name": "obrien", "date_of_birth": "1990-02-11", "sex": "f"}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (SIAN, {"names_in_a_bag", "names_by_part", "without_address"}),
        (
            {**SIAN, "family_name": None, "postcode": "ab101xg"},
            {"names_in_a_bag", "without_family_name"},
        ),
        ({"health_number": "nhs:9434765919"}, {"health_number"}),
        ({"sex": "f"}, set()),
        ({}, set()),
    ],
)
def test_a_record_is_absent_where_a_required_field_is_missing(texts, expected):
    """No fixed abode, no family name, only a number, almost nothing, nothing."""
    assert expected == presence(**texts)


def test_absent_records_have_no_bit_set():
    """Also after hardening, and for equality as for similarity."""
    encoded = encode_passes(columns(), UK.fields, UK.passes, PROJECT)

    assert [0] * len(UK.passes) == [int(one.bits.popcounts()[0]) for one in encoded.values()]


def test_order_of_columns_and_fields_changes_nothing():
    """Keys go by name."""
    texts = columns(**SIAN)
    backwards = dict(reversed(texts.items()))

    one = encode_passes(texts, UK.fields, UK.passes, PROJECT)
    two = encode_passes(backwards, UK.fields[::-1], UK.passes[::-1], PROJECT)

    assert {name: item.bits.to_bytes() for name, item in one.items()} == {
        name: item.bits.to_bytes() for name, item in two.items()
    }


def test_two_passes_do_not_share_bits():
    """The same bag in two passes has two keys, so what was sent for one pass is no help with another."""
    first = msgspec.structs.replace(UK.passes[1], hardening=())
    second = msgspec.structs.replace(first, name="again")

    encoded = encode_passes(columns(**SIAN), UK.fields, (first, second), PROJECT)

    one, two = (item.bits.to_bools()[0] for item in encoded.values())
    assert (one & two).sum() / one.sum() == pytest.approx(two.mean(), abs=0.15)


def test_exact_tokens_are_equal_for_equal_values_only():
    """Keyed, 128 bits."""
    texts = columns()
    texts["health_number"] = TextColumn.from_texts(["nhs:1", "nhs:2", None, "nhs:1"])

    encoded = encode_passes(texts, UK.fields, UK.passes[:1], PROJECT)["health_number"]

    words = encoded.bits.words
    assert 128 == encoded.bits.n_bits
    assert [True, True, False, True] == encoded.present.tolist()
    assert words[0].tolist() == words[3].tolist() != words[1].tolist()


def test_fields_of_an_exact_pass_do_not_run_together():
    """("ab", "c") and ("a", "bc") are different people."""
    one = ExactPass(name="both", fields=("given_name", "family_name"), differing="says-nothing")
    texts = columns()
    texts["given_name"] = TextColumn.from_texts(["ab", "a"])
    texts["family_name"] = TextColumn.from_texts(["c", "bc"])

    words = encode_passes(texts, UK.fields, (one,), PROJECT)["both"].bits.words

    assert words[0].tolist() != words[1].tolist()


def test_two_exact_passes_have_two_keys():
    """What is equal in one cannot be looked up in the other."""
    passes = tuple(
        ExactPass(name=name, fields=("health_number",), differing="refuses") for name in ("one", "two")
    )

    encoded = encode_passes(columns(health_number="nhs:1"), UK.fields, passes, PROJECT)

    assert encoded["one"].bits.to_bytes() != encoded["two"].bits.to_bytes()


def test_a_step_at_another_place_has_another_key():
    """Permuting twice is not permuting by the square of one order."""
    once = msgspec.structs.replace(UK.passes[1], hardening=(Permute(),))
    twice = msgspec.structs.replace(once, hardening=(Permute(), Permute()))
    bare = msgspec.structs.replace(once, hardening=())

    filters = [encode_passes(columns(**SIAN), UK.fields, (one,), PROJECT) for one in (bare, once, twice)]

    start, first, second = (item["names_in_a_bag"].bits for item in filters)
    subkey = PROJECT.derive("hardening", "names_in_a_bag", "0", "permute")
    assert Permute()(start, subkey).to_bytes() == first.to_bytes()
    assert Permute()(first, subkey).to_bytes() != second.to_bytes()


def test_the_key_tag_tells_secrets_apart():
    """And so does the encoder tag."""
    other = LinkageKey(bytes([1] * 32)).for_project("uk-health", epoch=1)

    one, two = (check_tags(UK.fields, UK.passes, key) for key in (PROJECT, other))

    assert one.key != two.key
    assert one.encoder != two.encoder


def test_the_encoder_tag_sees_a_change_of_cleaning(monkeypatch):
    """As another version of the software would make."""
    before = check_tags(UK.fields, UK.passes, PROJECT)

    monkeypatch.setattr("pprl.encoding.canaries.clean_columns", _careless)
    after = check_tags(UK.fields, UK.passes, PROJECT)

    assert before.key == after.key
    assert before.encoder != after.encoder


def _careless(raw, rules):
    """Cleaning that cleans nothing but dates."""
    from pprl.cleaning.columns import clean_columns

    cleaned = clean_columns(raw, rules)
    texts = {name: one if name == "date_of_birth" else _Raw(raw[name]) for name, one in cleaned.items()}
    return dict(texts)


class _Raw:
    def __init__(self, column: TextColumn) -> None:
        self.column = column


def test_noise_does_not_change_the_encoder_tag():
    """Otherwise no two packages would ever fit."""
    from decimal import Decimal

    from pprl.encoding.hardening import Flip

    noisy = [
        msgspec.structs.replace(one, hardening=(*one.hardening, Flip(probability=Decimal("0.1"))))
        for one in UK.passes[1:]
    ]

    assert check_tags(UK.fields, noisy, PROJECT) == check_tags(UK.fields, noisy, PROJECT)


def test_hardened_bits_are_about_half_set():
    """Diffusion leaves hardly any bias."""
    full = SIAN | {"postcode": "AB10 1XG", "previous_family_name": "smythe"}

    encoded = encode_passes(columns(**full), UK.fields, UK.passes[1:2], PROJECT)["names_in_a_bag"]

    assert np.mean(encoded.bits.popcounts()) / encoded.bits.n_bits == pytest.approx(0.5, abs=0.06)
