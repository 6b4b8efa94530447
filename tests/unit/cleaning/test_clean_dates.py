import pytest

from pprl.cleaning.dates import clean_date, is_iso_date
from pprl.cleaning.outcome import Outcome, ValueRefused


@pytest.mark.parametrize(
    ("order", "typed"),
    [
        ("dmy", "01/02/1990"),
        ("dmy", "1.2.1990"),
        ("dmy", "01021990"),
        ("dmy", "1-2-1990"),
        ("mdy", "02/01/1990"),
        ("mdy", "02011990"),
        ("ymd", "1990/02/01"),
        ("ymd", "19900201"),
        ("mdy", "1990-02-01"),
        ("dmy", "1990-02-01"),
        ("dmy", " 1990-02-01\n"),
        ("dmy", "1990-02-01 00:00:00"),
        ("dmy", "1990-02-01T00:00:00.000"),
        ("mdy", "2/1/1990 12:00:00 AM"),
        ("ymd", "01-FEB-1990"),
        ("mdy", "1st February 1990"),
        ("dmy", "1990\u20112\u20111"),
    ],
)
def test_dates_are_read_in_the_stated_order(order, typed):
    """The first of February 1990, in the ways that systems write it."""
    assert clean_date(typed, order=order) == Outcome("1990-02-01")


@pytest.mark.parametrize(
    "typed",
    ["30/02/1990", "02/13/1990", "00/00/0000", "29/02/1900", "1990", "02/1990", "0000-00-00", "01/02-1990",
     "31 Foo 1990", "not a date", "01/02/1790", "01/02/2101", "\u0661\u0669\u0669\u0660-02-01", "1990.02"],
)  # fmt: skip
def test_days_that_do_not_exist_are_invalid(typed):
    """Nothing is guessed: no day, no date."""
    assert clean_date(typed, order="dmy") == Outcome(None, "invalid")


@pytest.mark.parametrize("typed", ["01/02/1990", "19903112"])
def test_the_year_first_order_does_not_guess(typed):
    """With the year first, a date that ends with the year is invalid."""
    assert clean_date(typed, order="ymd") == Outcome(None, "invalid")


def test_the_leap_day_of_2000_exists():
    """2000 was a leap year, 1900 was not."""
    assert clean_date("29/02/2000", order="dmy") == Outcome("2000-02-29")


@pytest.mark.parametrize(
    "typed", ["01/02/90", "1-2-90", "90-02-01", "1 Feb 90", "01-FEB-90", "010290", "00/00/00"]
)
def test_two_digit_years_are_refused(typed):
    """The century cannot be known, for no record of the column."""
    with pytest.raises(ValueRefused, match="two-digit year"):
        clean_date(typed, order="dmy")


@pytest.mark.parametrize("typed", ["32874", "32874.0", "32874.5"])
def test_spreadsheet_day_numbers_are_refused(typed):
    """A day number shows that a spreadsheet rewrote the column."""
    with pytest.raises(ValueRefused, match="day number"):
        clean_date(typed, order="dmy")


@pytest.mark.parametrize("typed", ["19900201.0", "1.9900201E7"])
def test_numbers_are_refused(typed):
    """A decimal point shows that the column was read as numbers."""
    with pytest.raises(ValueRefused, match="decimal point"):
        clean_date(typed, order="ymd")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("1990-02-01T00:00:00Z", "zone"),
        ("1990-02-01T00:00:00+01:00", "zone"),
        ("1990-02-01 00:00 UTC", "zone"),
        ("1990-02-01 00:00:00 Europe/London", "zone"),
        ("1990-02-01Z", "zone"),
        ("1990-02-01+01:00", "zone"),
        ("1990-02-01T23:00:00", "time of day"),
        ("01/02/1990 12:00", "time of day"),
        ("01/02/1990 12:00:00 PM", "time of day"),
    ],
)
def test_zones_and_times_are_refused(typed, found):
    """A zone or a time other than midnight shows that days may have shifted."""
    with pytest.raises(ValueRefused, match=found):
        clean_date(typed, order="dmy")


@pytest.mark.parametrize(
    "typed", ["01/01/1900", "1901-01-01", "31/12/9999", "01011900", "unknown", "N/A", "-"]
)
def test_placeholders_are_missing(typed):
    """Two unknown dates of birth do not agree."""
    assert clean_date(typed, order="dmy") == Outcome(None, "placeholder")


def test_a_custodian_adds_placeholders():
    """Every system has its own impossible date."""
    cleaned = clean_date("02/01/1753", order="dmy", placeholders=("1753-01-02",))

    assert cleaned == Outcome(None, "placeholder")


def test_blank_is_empty():
    """Nothing was typed."""
    assert clean_date(" ", order="dmy") == Outcome(None, "empty")


@pytest.mark.parametrize("text", ["1990-2-1", "1990-02-30", "01/02/1990", ""])
def test_only_full_iso_dates_are_iso(text):
    """A placeholder is written in one way."""
    assert not is_iso_date(text)
