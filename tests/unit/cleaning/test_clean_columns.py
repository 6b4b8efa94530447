import logging

import numpy as np
import pytest

from pprl.cleaning import DateField, HealthNumberField, NameField, PostcodeField, clean_column, clean_columns
from pprl.errors import DataError
from pprl.model.columns import TextColumn

SURNAME = NameField(name="surname", weight=200)
BORN = DateField(name="born", weight=200, order="dmy")
CANARY = "17/03/61"


def test_records_keep_their_places():
    """A cleaned column has a text or nothing for each record, in order."""
    column = TextColumn.from_texts(["Siân", None, "SIAN", "unknown", "O'Brien"])

    cleaned = clean_column(column, SURNAME)

    assert cleaned.column.to_texts() == ["sian", None, "sian", None, "obrien"]


def test_equal_canonical_texts_become_one_value():
    """Work downstream is done once for each distinct canonical text."""
    column = TextColumn.from_texts(["Siân", "SIAN", "sian"])

    cleaned = clean_column(column, SURNAME)

    assert cleaned.column.values == ("sian",)


def test_reasons_are_counted_in_records():
    """Counts are of records, not of distinct values; empty counts records without a value too."""
    column = TextColumn.from_texts(["unknown", "unknown", None, " ", "123", "Ann"])

    cleaned = clean_column(column, SURNAME)

    assert cleaned.reasons == {"empty": 2, "invalid": 1, "placeholder": 2}


def test_flags_are_counted_in_records():
    """Kept values of which a custodian should know are counted by kind."""
    column = TextColumn.from_texts(["9990000018", "9990000018", "4010232137", "101011237"])

    cleaned = clean_column(column, HealthNumberField(name="number", weight=1))

    assert cleaned.flags == {"test-number": 2, "zero-restored": 1}


def test_pseudo_postcodes_are_counted():
    """How many people have no fixed abode matters to the reader of a report."""
    column = TextColumn.from_texts(["ZZ99 3VZ", "SW1A 1AA"])

    cleaned = clean_column(column, PostcodeField(name="postcode", weight=1))

    assert cleaned.reasons == {"pseudo-postcode": 1}


def test_counts_cannot_be_changed():
    """A cleaned column is a value."""
    cleaned = clean_column(TextColumn.from_texts(["Ann", None]), SURNAME)

    with pytest.raises(TypeError):
        cleaned.reasons["empty"] = 0


@pytest.mark.parametrize("texts", [[], [None, None]])
def test_columns_without_values_are_columns(texts):
    """No record, or no value, is no error."""
    cleaned = clean_column(TextColumn.from_texts(texts), SURNAME)

    assert cleaned.column.to_texts() == texts
    assert sum(cleaned.reasons.values()) == len(texts)


def test_a_damaged_value_is_named_by_its_first_row():
    """The error names the field, the first such row from 1, and what to do."""
    column = TextColumn.from_texts(["01/02/1990", None, "32874", CANARY, "32874"])

    with pytest.raises(DataError) as caught:
        clean_column(column, BORN)

    assert caught.value.message == "born, row 3: a day number, as spreadsheets store dates"
    assert caught.value.code == "data/value-refused"
    assert caught.value.hint


def test_the_first_row_counts_not_the_first_value():
    """Values may be listed in another order than records hold them."""
    column = TextColumn(np.array([1, 0], dtype=np.int32), ("32874", CANARY))

    with pytest.raises(DataError, match="row 1: a two-digit year"):
        clean_column(column, BORN)


def test_a_damaged_value_of_no_record_is_no_error():
    """A part of a table is judged by its own records."""
    column = TextColumn(np.array([1, -1], dtype=np.int32), (CANARY, "01/02/1990"))

    cleaned = clean_column(column, BORN)

    assert cleaned.column.to_texts() == ["1990-02-01", None]
    assert cleaned.reasons == {"empty": 1}


def test_no_value_leaves_with_an_error(caplog, capfd):
    """An error is shown and logged by others: nothing in it or behind it holds a value."""
    caplog.set_level(logging.DEBUG)

    with pytest.raises(DataError) as caught:
        clean_column(TextColumn.from_texts([CANARY]), BORN)

    error = caught.value
    assert (error.__cause__, error.__context__) == (None, None)
    assert not hasattr(error, "__notes__")
    shown = [repr(error), str(error), error.hint, str(vars(error)), caplog.text, *capfd.readouterr()]
    assert not [text for text in shown if CANARY in text]


def test_a_repr_has_counts_only():
    """What is printed by accident holds no value."""
    cleaned = clean_column(TextColumn.from_texts(["Xanthippe", None, "unknown"]), SURNAME)

    assert repr(cleaned) == "CleanedColumn(surname: 3 records, 1 present, 1 empty, 1 placeholder)"


def test_columns_are_by_the_names_of_fields():
    """The custodian's own names have been left behind by the reader."""
    columns = {"surname": TextColumn.from_texts(["Siân"]), "born": TextColumn.from_texts(["01/02/1990"])}

    cleaned = clean_columns(columns, [BORN, SURNAME])

    assert {name: one.column.to_texts() for name, one in cleaned.items()} == {
        "born": ["1990-02-01"],
        "surname": ["sian"],
    }
    assert list(cleaned) == ["born", "surname"]


def test_an_absent_column_is_named_without_the_others():
    """Other columns may have telling names."""
    with pytest.raises(DataError) as caught:
        clean_columns({"diagnosis": TextColumn.from_texts(["F20"])}, [SURNAME])

    assert "surname" in caught.value.message
    assert "diagnosis" not in f"{caught.value} {caught.value.hint}"


def test_columns_have_one_length():
    """Columns of different tables cannot be put side by side."""
    columns = {"surname": TextColumn.from_texts(["Ann"]), "born": TextColumn.from_texts([])}

    with pytest.raises(DataError, match="differ"):
        clean_columns(columns, [SURNAME, BORN])
