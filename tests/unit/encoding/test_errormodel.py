"""The error model: what may happen to a record between two custodians."""

import numpy as np
import pytest

from pprl.cleaning.fields import (
    DateField,
    HealthNumberField,
    NameField,
    PostcodeField,
    SexField,
    TextField,
)
from pprl.cleaning.multiple import alternatives, joined
from pprl.encoding.errormodel import ErrorModel, corrupt
from pprl.encoding.slips import misread_date, mistyped, swapped_date
from pprl.errors import AgreementError
from pprl.model import TextColumn

N = 20_000
RULES = (
    NameField(name="given_name"),
    NameField(name="family_name"),
    DateField(name="born", order="ymd"),
    SexField(name="sex"),
    PostcodeField(name="postcode"),
    TextField(name="street"),
    HealthNumberField(name="number"),
)
NOTHING = dict.fromkeys(ErrorModel.__slots__, 0.0)


@pytest.fixture(scope="module")
def columns():
    """Records that all differ in every field, as far as a field can; half of them are women."""
    letters = [chr(97 + k // 676 % 26) + chr(97 + k // 26 % 26) + chr(97 + k % 26) for k in range(N)]
    texts = {
        "given_name": [f"x{word}" for word in letters],
        "family_name": [f"{word}{letters[-k - 1]}" for k, word in enumerate(letters)],
        "born": [f"{1930 + k // 336 % 60}-{1 + k % 12:02}-{1 + k // 12 % 28:02}" for k in range(N)],
        "sex": ["f", "m"] * (N // 2),
        "postcode": [
            f"AB{1 + k % 9} {k // 9 % 10}{'ABDEFGH'[k // 90 % 7]}{'ABDEFGHJLN'[k // 630 % 10]}"
            for k in range(N)
        ],
        "street": [f"{k} high street" for k in range(N)],
        "number": [f"nhs:{k:010}" for k in range(N)],
    }
    return {name: TextColumn.from_texts(values) for name, values in texts.items()}


def second(columns, **rates):
    """Write the records again with these rates, and no other errors."""
    return corrupt(columns, RULES, ErrorModel(**{**NOTHING, **rates}), np.random.default_rng(1))


def differing(columns, other, field):
    """Say which records differ in a field."""
    return np.array(columns[field].to_texts(), dtype=object) != np.array(
        other[field].to_texts(), dtype=object
    )


def test_without_rates_nothing_differs(columns):
    """The copy is the original."""
    copied = second(columns)

    assert all(columns[name].to_texts() == copied[name].to_texts() for name in columns)


def test_one_seed_gives_one_copy(columns):
    """Chance comes from the generator alone."""
    one, two = (corrupt(columns, RULES, ErrorModel(), np.random.default_rng(5)) for _ in range(2))

    assert all(one[name].to_texts() == two[name].to_texts() for name in columns)


@pytest.mark.parametrize(
    ("field", "rate", "share"),
    [
        ("given_name", "name_typing", 0.1),
        ("born", "date_wrong", 0.1),
        ("sex", "sex_wrong", 0.1),
        ("street", "place_changed", 0.1),
        ("street", "no_fixed_abode", 0.1),
        ("street", "place_typing", 0.1),
        ("number", "number_mistyped", 0.1),
        ("given_name", "missing", 0.1),
    ],
)
def test_a_rate_is_met_within_sampling_error(columns, field, rate, share):
    """Five standard errors of a share of 20,000 records."""
    found = differing(columns, second(columns, **{rate: share}), field).mean()

    assert abs(found - share) < 5 * np.sqrt(share * (1 - share) / N)


def test_women_change_their_surname_and_given_names_stay(columns):
    """The rates are those of women and of men."""
    copied = second(columns, surname_changed_women=1.0)

    changed = differing(columns, copied, "family_name")

    assert [True, False] == [bool(changed[::2].all()), bool(changed[1::2].any())]
    assert not differing(columns, copied, "given_name").any()


def test_a_mover_takes_all_of_another_address(columns):
    """Postcode and street are from one other record."""
    copied = second(columns, place_changed=1.0)
    postcode_of = dict(zip(columns["street"].to_texts(), columns["postcode"].to_texts(), strict=True))

    moved = zip(copied["street"].to_texts(), copied["postcode"].to_texts(), strict=True)

    assert all(postcode_of[street] == postcode for street, postcode in moved)


def test_what_is_missing_stays_missing(columns):
    """An error does not invent a value."""
    gaps = columns | {"given_name": TextColumn.from_texts([None] * N)}

    copied = corrupt(gaps, RULES, ErrorModel(name_typing=1.0), np.random.default_rng(1))

    assert not copied["given_name"].present().any()


def test_a_copy_is_as_clean_as_the_original(columns):
    """Cleaning the copy changes nothing, whatever the errors."""
    copied = second(columns, name_typing=1.0, date_wrong=1.0, place_typing=1.0)
    rules = [rule for rule in RULES if rule.name != "number"]

    unclean = [
        rule.name
        for rule in rules
        if any(rule.clean(value).text != value for value in copied[rule.name].values)
    ]

    assert [] == unclean


def test_one_of_several_values_is_mistyped(columns):
    """The others of a field with several values stay."""
    both = columns | {"given_name": TextColumn.from_texts([joined(["ann", "beatrice"])] * N)}

    copied = corrupt(both, RULES, ErrorModel(name_typing=1.0, missing=0.0), np.random.default_rng(1))
    kept = {len({"ann", "beatrice"} & set(alternatives(value))) for value in copied["given_name"].values}

    assert {1} == kept


@pytest.mark.parametrize("value", ["a", "aa", "j smith", "SW1A 1AA", "12 high st", "łęg"])
def test_a_typing_error_changes_a_value_and_leaves_something(value):
    """Even of one letter, or of equal ones."""
    found = {mistyped(value, np.random.default_rng(seed)) for seed in range(200)}

    assert not found & {value, ""}
    assert all(text == " ".join(text.split()) for text in found)


def test_only_another_date_is_a_swap():
    """Day above twelve, or equal to the month: no swap."""
    assert ["1990-11-02", None, None] == [
        swapped_date(value) for value in ("1990-02-11", "1990-02-13", "1990-02-02")
    ]


def test_a_misread_date_is_a_date_with_one_other_digit():
    """The century is kept, and the 29th of February is not invented."""
    found = {misread_date("2001-02-28", np.random.default_rng(seed)) for seed in range(300)}

    assert "2001-02-29" not in found
    assert {1} == {sum(a != b for a, b in zip("2001-02-28", other, strict=True)) for other in found}
    assert {"20"} == {other[:2] for other in found}


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_that_is_none_is_refused(rate):
    """By name."""
    with pytest.raises(AgreementError, match="sex_wrong"):
        ErrorModel(sex_wrong=rate)
