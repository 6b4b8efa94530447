import string

import numpy as np
import pytest

from pprl.cleaning import DateField, HealthNumberField, NameField, SexField, UpnField, clean_columns
from pprl.cleaning.survey import Contradiction, Pattern, SharedIdentifier, survey_columns
from pprl.model import TextColumn

SURNAME = NameField(name="surname", weight=100)
BORN = DateField(name="date_of_birth", weight=100, order="dmy")
SEX = SexField(name="sex", weight=20)
NUMBER = HealthNumberField(name="number")
UPN = UpnField(name="upn", legal_basis="Education Act 1996 s. 537A")


def survey(rules, **texts):
    """A survey of columns, with one pass for each field."""
    cleaned = clean_columns({name: TextColumn.from_texts(column) for name, column in texts.items()}, rules)
    return survey_columns(cleaned, rules, {name: one.column.present() for name, one in cleaned.items()})


def test_a_field_is_counted():
    """How many have a value, why others have none, and what was noticed."""
    (field,) = survey([SURNAME], surname=["Lee", "unknown", None, "Orr 2", "7"]).fields

    assert (field.name, field.kind, field.column, field.n_present) == ("surname", "name", "surname", 2)
    assert field.reasons == {"empty": 1, "placeholder": 1, "invalid": 1}
    assert field.flags == {"characters-removed": 1}


def test_rows_that_are_equal_in_every_field_are_counted():
    """After cleaning; a missing value equals a missing one, but a row of nothing repeats nobody."""
    found = survey(
        [SURNAME, SEX],
        surname=["Lee", "LEE", "Lee", "Orr", None, None, "Roe", "Roe"],
        sex=["m", "1", "f", "m", None, "9", None, "u"],
    )

    assert found.n_repeated == 4


def test_an_identifier_on_several_records_is_counted():
    """However it is grouped; a missing one is shared by nobody."""
    found = survey(
        [NUMBER, UPN],
        number=["4010232137", "401 023 2137", "9876543210", None, None, "4010232137"],
        upn=["H801200001001", "A123456789012", None, None, "", None],
    )

    assert found.shared == (SharedIdentifier("number", 1, 3, 3), SharedIdentifier("upn", 0, 0, 0))


def test_a_chi_number_is_held_against_birthday_and_sex():
    """Of those that have both; an NHS number says nothing, and x is not compared."""
    found = survey(
        [NUMBER, BORN, SEX],
        number=["0101336489", "0101336489", "0101336489", "0101336489", "4010232137", None],
        date_of_birth=["01/01/1933", "01/02/1933", None, "01/01/2033", "05/05/1955", "01/01/1933"],
        sex=["f", "m", "x", "2", "m", "f"],
    )

    assert found.contradictions == (
        Contradiction("number", "date_of_birth", n_compared=3, n_differ=1),
        Contradiction("number", "sex", n_compared=3, n_differ=1),
    )


@pytest.mark.parametrize(
    ("names", "compared"),
    [(["born"], ["born"]), (["died", "date_of_birth"], ["date_of_birth"]), (["born", "died"], [])],
)
def test_of_several_dates_the_date_of_birth_is_compared(names, compared):
    """A date of death would contradict every CHI number."""
    dates = [DateField(name=name, weight=1, order="dmy") for name in names]

    found = survey([NUMBER, *dates], number=["0101336489"], **{name: ["01/01/1933"] for name in names})

    assert [one.field for one in found.contradictions] == compared


def test_patterns_say_which_fields_are_missing_together():
    """Most frequent first, with the passes that such records reach."""
    found = survey([SURNAME, SEX], surname=["a", "b", None, "c", None], sex=["m", "f", None, None, None])

    assert found.patterns == (
        Pattern((), (), 2),
        Pattern(("surname", "sex"), ("surname", "sex"), 2),
        Pattern(("surname",), ("surname",), 1),
    )
    assert found.reached == (2, 1, 2)


def test_many_columns_of_many_values_do_not_overflow():
    """Groups are numbered anew after every column."""
    rng = np.random.default_rng(1)
    rules = [NameField(name=f"n{k}", weight=1) for k in range(12)]
    letters = np.array(list(string.ascii_lowercase))
    columns = {rule.name: ["".join(word) for word in rng.choice(letters, (500, 3))] for rule in rules}
    doubled = {name: [*column, *column] for name, column in columns.items()}

    assert survey(rules, **doubled).n_repeated == 1000


def test_nothing_that_was_typed_is_in_a_survey():
    """Also not in what it prints of itself."""
    found = survey([SURNAME, NUMBER], surname=["Featherstonehaugh"], number=["4010232137"])

    assert "eather" not in repr(found)
    assert "4010232137" not in repr(found)
