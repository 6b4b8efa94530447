"""
Dates of birth: ISO 8601 text, or missing.

The order of day and month cannot be seen in most dates, so the agreement states it.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Literal

from pprl.cleaning.damage import refuse_spreadsheet_number
from pprl.cleaning.outcome import INVALID, PLACEHOLDER, Outcome, ValueRefused
from pprl.cleaning.text import tidy, without_value

DateOrder = Literal["ymd", "dmy", "mdy"]
PLACEHOLDER_DATES = frozenset({"1900-01-01", "1901-01-01", "9999-12-31"})
EARLIEST_YEAR, LATEST_YEAR = 1800, 2100  # no clock is read, so that cleaning repeats

_YEAR_FIRST = re.compile(r"([0-9]{4})([-/. ])([0-9]{1,2})\2([0-9]{1,2})")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/. ])([0-9]{1,2})\2([0-9]{4})")
_MONTH_NAMED = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?[-/. ]?([a-z]{3,9})[-/., ]*([0-9]{4})")
_SHORT_YEAR = re.compile(
    r"[0-9]{1,2}([-/. ])[0-9]{1,2}\1[0-9]{2}|[0-9]{1,2}[-/. ]?[a-z]{3,9}[-/., ]+[0-9]{2}|[0-9]{6}",
)
_SERIAL = re.compile(r"[0-9]{5}(?:\.[0-9]+)?")
_TIMED = re.compile(
    r"(?P<day>\S.*?)[t ](?P<time>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[ap]m)?)"
    r" ?(?P<zone>[a-z+\[(-].*)?",
)
_ZONED_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} ?(?:z|[+-][0-9]{2}:[0-9]{2})")
_MIDNIGHT = re.compile(r"0{1,2}:00(?::00(?:[.,]0+)?)?(?: ?am)?|12:00(?::00(?:[.,]0+)?)? ?am")
_MONTHS = {
    name[:n]: month
    for month, name in enumerate(
        ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
         "november", "december"),
        start=1,
    )
    for n in (3, 4, len(name))
}  # fmt: skip

YearMonthDay = tuple[int, int, int]


def clean_date(value: str, *, order: DateOrder, placeholders: tuple[str, ...] = ()) -> Outcome:
    """Make a date canonical: ``yyyy-mm-dd``.

    A date with the year first is read so whatever the order; with the year last, or as
    eight digits, it is read in the order.  A named month may stand in the middle
    ("1 Feb 1990").  A time of midnight is dropped.

    Parameters
    ----------
    value : str
        What was typed.
    order : "ymd", "dmy" or "mdy"
        Which part of a numeric date is which.
    placeholders : tuple of str
        ISO dates that mean "unknown" besides 1900-01-01, 1901-01-01 and 9999-12-31.

    Returns
    -------
    Outcome
        Invalid if there is no such day, or the year is not in 1800 to 2100.

    Raises
    ------
    ValueRefused
        If the year has two digits, the value is a spreadsheet's day number, or it has a
        time zone or a time other than midnight: then days may be lost or shifted.

    Examples
    --------
    >>> clean_date("1/2/1990", order="dmy").text
    '1990-02-01'
    >>> clean_date("30/02/1990", order="dmy").reason
    'invalid'
    """
    text = _without_time(tidy(value).casefold())
    _refuse_damage(text)
    found = _parts(text, order)
    if found is None:
        return without_value(value)
    written = "{:04}-{:02}-{:02}".format(*found)
    if written in PLACEHOLDER_DATES or written in placeholders:
        return PLACEHOLDER
    return Outcome(written) if _is_day(found) else INVALID


def is_iso_date(text: str) -> bool:
    """Say whether a text is a day that exists, as ``yyyy-mm-dd``.

    Examples
    --------
    >>> is_iso_date("1990-02-01"), is_iso_date("1990-02-30")
    (True, False)
    """
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
    return match is not None and _exists((int(match[1]), int(match[2]), int(match[3])))


def _without_time(text: str) -> str:
    match = _TIMED.fullmatch(text)
    if _ZONED_DAY.fullmatch(text) or (match and match["zone"]):
        raise ValueRefused(
            "a time zone", hint="export dates of birth as plain dates: a zone may shift the day"
        )
    if match and not _MIDNIGHT.fullmatch(match["time"]):
        raise ValueRefused(
            "a time of day", hint="export dates of birth as plain dates: a time shows a shifted day"
        )
    return match["day"] if match else text


def _refuse_damage(text: str) -> None:
    if _SHORT_YEAR.fullmatch(text):
        raise ValueRefused("a two-digit year", hint="export the column again with four-digit years")
    if _SERIAL.fullmatch(text):
        raise ValueRefused(
            "a day number, as spreadsheets store dates",
            hint="format the column as a date, yyyy-mm-dd, and export it again",
        )
    refuse_spreadsheet_number(text)


def _parts(text: str, order: DateOrder) -> YearMonthDay | None:
    if match := _YEAR_FIRST.fullmatch(text):
        return int(match[1]), int(match[3]), int(match[4])
    if match := _YEAR_LAST.fullmatch(text):
        return _year_last(int(match[1]), int(match[3]), int(match[4]), order)
    if match := _MONTH_NAMED.fullmatch(text):
        return int(match[3]), _MONTHS.get(match[2], 0), int(match[1])
    return _COMPACT[order](text) if re.fullmatch(r"[0-9]{8}", text) else None


def _year_last(first: int, second: int, year: int, order: DateOrder) -> YearMonthDay | None:
    choices = {"dmy": (year, second, first), "mdy": (year, first, second)}
    return choices.get(order)


_COMPACT: dict[DateOrder, Callable[[str], YearMonthDay]] = {
    "ymd": lambda text: (int(text[:4]), int(text[4:6]), int(text[6:])),
    "dmy": lambda text: (int(text[4:]), int(text[2:4]), int(text[:2])),
    "mdy": lambda text: (int(text[4:]), int(text[:2]), int(text[2:4])),
}


def _is_day(found: YearMonthDay) -> bool:
    return EARLIEST_YEAR <= found[0] <= LATEST_YEAR and _exists(found)


def _exists(found: YearMonthDay) -> bool:
    try:
        date(*found)
    except ValueError:
        return False
    return True
