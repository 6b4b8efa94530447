"""Fields with several values: each is cleaned by itself."""

import pytest

from pprl.cleaning.columns import clean_column
from pprl.cleaning.fields import DateField, NameField, NumberField, PlaceField, PostcodeField
from pprl.cleaning.multiple import alternatives, beside, joined
from pprl.errors import DataError
from pprl.model import TextColumn

ALIAS = NameField(name="name", weight=100, more_columns=("alias",), separator=";")


def values(column: TextColumn) -> list[list[str] | None]:
    """Give the values of each record."""
    return [text and alternatives(text) for text in column.to_texts()]


def test_columns_stand_beside_one_another():
    """Blank and missing cells add nothing, and order does not matter."""
    first = TextColumn.from_texts(["a", None, "b", " "])
    second = TextColumn.from_texts(["b", "c", "a", None])

    assert [["a", "b"], ["c"], ["a", "b"], None] == values(beside([first, second]))


def test_each_value_is_cleaned_by_itself():
    """Two spellings of one name become one."""
    raw = beside(
        [TextColumn.from_texts(["Siân; O'Brien", "unknown", ""]), TextColumn.from_texts(["SIAN", "", ""])]
    )

    cleaned = clean_column(raw, ALIAS)

    assert [["obrien", "sian"], None, None] == values(cleaned.column)
    assert {"placeholder": 1, "empty": 1} == dict(cleaned.reasons)


def test_one_good_value_is_enough():
    """Beside a placeholder and a pseudo-postcode."""
    rule = PostcodeField(name="postcode", weight=90, more_columns=("former",))
    raw = beside([TextColumn.from_texts(["ZZ99 3VZ"]), TextColumn.from_texts(["ab10 1xg"])])

    assert [["AB10 1XG"]] == values(clean_column(raw, rule).column)


def test_a_damaged_value_among_several_stops_the_run():
    """As it would alone, with its row."""
    rule = DateField(name="born", weight=90, order="dmy", separator=";")

    with pytest.raises(DataError, match="born, row 2"):
        clean_column(TextColumn.from_texts(["01/02/1990", "01/02/1990; 32874"]), rule)


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [(" 0012.50", "12.5"), ("-0.0", "0"), ("+7", "7"), ("1e3", None), ("1,5", None), ("", None), ("٣", None)],
)
def test_numbers_become_decimals(typed, canonical):
    """Of ASCII digits, without needless zeros."""
    assert canonical == NumberField(name="n", weight=1).clean(typed).text


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [("530047, 180422.6", "530047 180422"), ("-5.5 7", "-6 7"), ("5", None), ("", None), ("a b", None)],
)
def test_places_become_two_whole_numbers(typed, canonical):
    """The greatest that are not above."""
    assert canonical == PlaceField(name="p", weight=1).clean(typed).text


def test_joined_values_come_apart():
    """Each once, in order."""
    assert ["a", "b"] == alternatives(joined(["b", "a", "b"]))
