"""What looks like an identifier is seen by its heading or by its values."""

import datetime as dt

import pandas as pd
import pyarrow as pa
import pytest

from pprl.exchange.identifying import suspects
from pprl.exchange.payloads import read_payload


def looks(columns, *, fields=(), ids=None):
    """What each column looks like."""
    n_rows = len(next(iter(columns.values())))
    table = pa.table({"key": ids or [f"r{n}" for n in range(n_rows)], **columns})
    return suspects(read_payload(table, id_column="key"), list(columns), fields=fields)


def like(values):
    """What one column of these values looks like."""
    return looks({"x": values}).get("x", "")


HEADINGS = {
    "a name": "surname Forename FirstName first_name GIVEN-NAME maiden-name name PatientName initials",
    "a date of birth": "dob DOB DateOfBirth date_of_birth dateofbirth birth-date BirthDate pat_dob",
    "a postcode": "postcode PostCode post_code postal-code ZIP_code zip home_postcode_2",
    "an address": "address Address1 addr HomeAddress street house-number uprn",
    "a health number": "nhs NHSNumber nhs_no CHI-number hcn",
    "an e-mail address": "email e-mail EMail contact_email",
    "a telephone number": "telephone mobile home-phone Tel fax",
    "a number of a person": "mrn HospitalNumber patient_id PatientID upn national_insurance id",
}


@pytest.mark.parametrize(
    ("said", "heading"), [(said, name) for said, names in HEADINGS.items() for name in names.split()]
)
def test_headings_of_identifiers_are_known_however_written(said, heading):
    """Capitals, underlines, numbers at the end."""
    assert {heading: said} == looks({heading: ["1"]})


HARMLESS = (
    "drug_name ward diagnosis icd10_code admission_date birth_weight age ethnicity score hotel "
    "nhs_trust_code female height telemetry episode_id discharge-method imd_decile mobility"
)


@pytest.mark.parametrize("heading", HARMLESS.split())
def test_headings_of_results_are_left_in_peace(heading):
    """A warning that always comes is read by nobody."""
    assert {} == looks({heading: ["a", "b"]})


def test_a_field_of_the_agreement_in_other_letters_is_seen():
    """The column is read under one name, and stands there under another."""
    assert {"Sex": "a field of the agreement"} == looks({"Sex": ["f"]}, fields=["sex"])


VALUES = {
    "a health number": [
        ["943 476 5919", None, "4010232137"],
        pa.array([9434765919, None]),
        pa.array([9434765919.0, None]),
        ["9434765919.0"],
        ["x", "y", "z", "4010232137"],
    ],
    "a pupil number": [["H801200001001"]],
    "a postcode": [["SW1A 1AA", "m11ae", "?"]],
    "an e-mail address": [["ann.lee@example.org"]],
    "a telephone number": [["020 7946 0018", "+44 7700 900123", "(01632) 960001"]],
    "a national insurance number": [["QQ 12 34 56 C".replace("QQ", "AB")]],
    "a date of birth": [
        ["1950-02-03", "1961-11-30", "1983-05-09"],
        ["03/02/1950", "30/11/1961", "09/05/1983"],
        ["02/13/1950", "11/30/1961", "05/09/1983"],
        pa.array([dt.date(1931, 1, 1), dt.date(1999, 1, 1)]),
        pa.array([dt.datetime(1931, 1, 1), dt.datetime(1999, 1, 1)], pa.timestamp("ns")),  # noqa: DTZ001 - no zone is meant
        pa.array([19310101, 19990101]),
    ],
    "free text": [["Patient was seen by the crisis team at home. " * 5]],
    "": [
        [None, None],
        ["F20.1", "E11.9"],
        pa.array([0.5, 12.25]),
        pa.array([1, 2, 3]),
        [True, False],
        ["2019-01-03", "2020-11-30", "2018-05-09"],
        pa.array([dt.date(2011, 1, 1), dt.date(2019, 1, 1)]),
        [str(1_000_000_000 + 7919 * n) for n in range(300)],
    ],
}


@pytest.mark.parametrize(("said", "values"), [(said, one) for said, many in VALUES.items() for one in many])
def test_values_of_the_form_of_an_identifier_are_seen(said, values):
    """Whatever the heading; and other values are left in peace."""
    assert said == like(values)


def test_a_column_that_repeats_the_ids_is_seen():
    """Also as numbers."""
    assert {"x": "the ids again"} == looks({"x": ["7", "8", None], "y": [1, 2, 3]}, ids=["7", "8", "9"])
    assert {"y": "the ids again"} == looks({"y": [7, 8, 3]}, ids=["7", "8", "9"])


def test_an_empty_table_has_nothing_to_see():
    """No values, no suspicion; but headings count."""
    empty = pd.DataFrame(
        {"key": pd.Series(dtype=str), "x": pd.Series(dtype=str), "dob": pd.Series(dtype=str)}
    )

    assert {"dob": "a date of birth"} == suspects(read_payload(empty, id_column="key"), ["x", "dob"])


def test_what_is_said_holds_no_value():
    """Neither a heading nor a cell."""
    found = looks({"Zzyzx surname": ["Zzyzx"], "x": ["SW1A 1AA"]})

    assert {"a name", "a postcode"} == set(found.values())
