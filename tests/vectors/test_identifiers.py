import csv
from pathlib import Path

import pytest

from pprl.cleaning.identifiers import check_digit, clean_health_number
from pprl.cleaning.outcome import Outcome
from pprl.cleaning.postcodes import clean_postcode

with (Path(__file__).parent / "identifiers.csv").open(encoding="utf-8", newline="") as lines:
    VECTORS = list(csv.DictReader(lines))

REASONS_OF_NUMBERS = {"invalid", "no-such-day", "not-issued", "repeated-digits", "wrong-check-digit"}
SCHEMES = {"nhs": "nhs", "chi": "chi", "hcn": "hc"}
NUMBERS = [row for row in VECTORS if row["kind"] in SCHEMES]
VALID = [row for row in NUMBERS if row["expected"].startswith(("valid", "check with mod 11"))]
PADDED = [row for row in NUMBERS if row["expected"].startswith("pads")]
INVALID = [row for row in NUMBERS if row not in VALID and row not in PADDED]
POSTCODES = [row for row in VECTORS if row["kind"] == "postcode"]


def ids(rows):
    return [f"{row['kind']}-{row['expected']}" for row in rows]


@pytest.mark.parametrize("row", VALID, ids=ids(VALID))
def test_valid_numbers_carry_their_scheme(row):
    """A valid number is canonical text of its scheme and ten digits."""
    digits = row["value"].replace(" ", "")

    cleaned = clean_health_number(row["value"])

    assert cleaned.text == f"{SCHEMES[row['kind']]}:{digits}"


@pytest.mark.parametrize("row", INVALID, ids=ids(INVALID))
def test_invalid_numbers_are_missing(row):
    """A wrong check digit, date, length or character makes a number invalid."""
    cleaned = clean_health_number(row["value"])

    assert (cleaned.text, cleaned.reason in REASONS_OF_NUMBERS) == (None, True)


@pytest.mark.parametrize("row", PADDED, ids=ids(PADDED))
def test_nine_digits_are_padded_and_then_checked(row):
    """Padding gives 0123456789, which does not begin with a date."""
    padded = row["value"].zfill(10)

    cleaned = clean_health_number(row["value"])

    assert row["expected"] == f"pads to {padded}"
    assert cleaned == clean_health_number(padded) == Outcome(None, "no-such-day")


@pytest.mark.parametrize("row", POSTCODES, ids=ids(POSTCODES))
@pytest.mark.parametrize("country", ["uk", "any"])
def test_pseudo_postcodes_are_missing_with_their_reason(row, country):
    """A pseudo-postcode is never agreement."""
    cleaned = clean_postcode(row["value"], country=country)

    assert cleaned == Outcome(None, "pseudo-postcode")


def test_every_vector_is_used():
    """No line of the table is passed over."""
    assert len(VALID) + len(INVALID) + len(PADDED) + len(POSTCODES) == len(VECTORS)


def test_check_digit_of_the_documentation_example():
    """943 476 5919 is the example of the NHS data dictionary."""
    assert check_digit("943476591") == 9
