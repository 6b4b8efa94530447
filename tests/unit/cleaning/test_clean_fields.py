from typing import get_args

import msgspec
import pytest

from pprl.cleaning import (
    CodeField,
    DateField,
    Field,
    HealthNumberField,
    NameField,
    NumberField,
    PlaceField,
    PostcodeField,
    SexField,
    TextField,
    UpnField,
    ValueRefused,
)
from pprl.cleaning.outcome import Outcome
from pprl.errors import AgreementError

KINDS = {
    "name": NameField,
    "text": TextField,
    "date": DateField,
    "sex": SexField,
    "postcode": PostcodeField,
    "health-number": HealthNumberField,
    "upn": UpnField,
    "code": CodeField,
    "number": NumberField,
    "place": PlaceField,
}
NEEDED = {"date": {"order": "dmy"}, "upn": {"legal_basis": "Education Act 1996 s. 537A"}}


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_is_read_by_its_kind(kind):
    """An agreement states the kind of a field, and gets its rule."""
    stated = {"kind": kind, "name": "a_field", "weight": 20} | NEEDED.get(kind, {})

    rule = msgspec.convert(stated, Field)

    assert type(rule) is KINDS[kind]


def test_the_union_is_complete():
    """Every rule can be stated in an agreement."""
    assert set(get_args(Field)) == set(KINDS.values())


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"ordre": "dmy"}, "ordre"),
        ({"order": "ydm"}, r"\$\.order"),
        ({"weight": 0}, r"\$\.weight"),
        ({"name": "Date of birth"}, r"\$\.name"),
        ({"placeholders": ["1/1/1800"]}, r"\$\.placeholders"),
    ],
)
def test_mistakes_are_named_by_their_path(change, path):
    """A mistyped option is an error, not a default."""
    stated = {"kind": "date", "name": "born", "weight": 20, "order": "dmy"} | change

    with pytest.raises(msgspec.ValidationError, match=path):
        msgspec.convert(stated, Field)


def test_the_order_of_dates_must_be_stated():
    """No default reads 01/02 as a day of January or February."""
    with pytest.raises(msgspec.ValidationError, match="order"):
        msgspec.convert({"kind": "date", "name": "born", "weight": 20}, Field)


@pytest.mark.parametrize("basis", [None, "", "   ", "two\nlines", "\x00"])
def test_a_upn_needs_a_legal_basis(basis):
    """It may be used only where the law allows it, and the parties say which law."""
    stated = {"kind": "upn", "name": "upn"} | ({} if basis is None else {"legal_basis": basis})

    with pytest.raises(msgspec.ValidationError, match="legal_basis"):
        msgspec.convert(stated, Field)


def test_placeholders_are_days():
    """A placeholder that can never be met is a mistake."""
    with pytest.raises(AgreementError, match="placeholder 2"):
        DateField(name="born", weight=1, order="dmy", placeholders=("1800-01-01", "1800-02-30"))


def test_sex_codes_mean_known_things():
    """A code means f, m, x or unknown."""
    with pytest.raises(msgspec.ValidationError, match="codes"):
        msgspec.convert({"kind": "sex", "name": "sex", "weight": 20, "codes": {"1": "male"}}, Field)


def test_rules_with_equal_options_are_equal():
    """Rules are values."""
    one, two = (SexField(name="sex", weight=20) for _ in range(2))

    assert one == two


@pytest.mark.parametrize(("column", "source"), [("", "surname"), ("SURNAME_1", "SURNAME_1")])
def test_a_field_is_read_from_its_column(column, source):
    """The custodian's column has the field's name unless it says otherwise."""
    rule = NameField(name="surname", weight=200, column=column)

    assert rule.source == source


def test_rules_round_trip():
    """A rule is written as it is read."""
    rule = DateField(name="born", weight=20, order="mdy", placeholders=("1753-01-01",))

    assert msgspec.json.decode(msgspec.json.encode(rule), type=Field) == rule


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_says_what_its_text_looks_like(kind):
    """People can read what a field becomes."""
    assert KINDS[kind].canonical


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("NSW", Outcome("nsw")),
        (" n.s.w ", Outcome("n s w")),
        ("2E5", Outcome("2e5")),
        ("", Outcome(None, "empty")),
        ("n/a", Outcome(None, "placeholder")),
        ("+", Outcome(None, "invalid")),
    ],
)
def test_codes_are_casefolded(typed, expected):
    """A short code is compared as it stands, but for case and punctuation."""
    assert CodeField(name="state", weight=20).clean(typed) == expected


def test_a_code_that_became_a_number_is_refused():
    """1.0 shows that a data frame read the column as numbers."""
    with pytest.raises(ValueRefused, match="data frames"):
        CodeField(name="state", weight=20).clean("1.0")
