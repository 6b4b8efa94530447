"""
National health numbers: NHS (England, Wales, Isle of Man), CHI (Scotland), H&C (Northern Ireland).

All three have ten digits, the last a check digit (Modulus 11), and disjoint ranges; so a
number names its scheme.  The scheme is part of the canonical text, and a CHI number
never meets an NHS number.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from typing import Literal

from pprl.cleaning.damage import refuse_spreadsheet_number
from pprl.cleaning.outcome import (
    NO_SUCH_DAY,
    NOT_ISSUED,
    REPEATED_DIGITS,
    WRONG_CHECK_DIGIT,
    Flag,
    Outcome,
)
from pprl.cleaning.text import tidy, without_value

_DIGITS = re.compile(r"[0-9]{9,10}")


@dataclass(frozen=True, slots=True)
class _Range:
    scheme: str
    first: str
    last: str
    flags: tuple[Flag, ...] = ()


# Ranges between these (31 13 ..., 5, 8) were not issued by any of the three schemes.
_RANGES = (
    _Range("chi", "0101000000", "3112999999"),
    _Range("hc", "3200000001", "3999999999"),
    _Range("nhs", "4000000000", "4999999999"),
    _Range("nhs", "6000000000", "7999999999"),
    _Range("nhs", "9000000000", "9999999999", ("test-number",)),  # synthetic, and 999: never issued
)


def clean_health_number(value: str) -> Outcome:
    """Make a health number canonical: its scheme, a colon and ten ASCII digits.

    Spaces and hyphens are allowed.  Nine digits are taken for a CHI number that lost its
    leading zero, and flagged.  The number is missing, with the reason, if all its digits
    are the same, if no scheme issues its range, if a CHI number does not begin with a date
    (ddmmyy), or if its check digit is wrong.  Test numbers (beginning with 9) are kept and
    flagged.

    Raises
    ------
    ValueRefused
        If the value has a decimal point or an exponent: digits may be lost.

    Examples
    --------
    >>> clean_health_number("943 476 5919")
    Outcome(text='nhs:9434765919', reason='', flags=('test-number',))
    >>> clean_health_number("0101011237").text
    'chi:0101011237'
    >>> clean_health_number("943 476 5918").reason
    'wrong-check-digit'
    """
    tidied = tidy(value)
    refuse_spreadsheet_number(tidied.replace(" ", ""))
    compact = tidied.replace(" ", "").replace("-", "")
    if not _DIGITS.fullmatch(compact):
        return without_value(value)
    number = compact.zfill(10)
    if len(set(number)) == 1:
        return REPEATED_DIGITS
    found = next((known for known in _RANGES if known.first <= number <= known.last), None)
    if found is None:
        return NOT_ISSUED
    if found.scheme == "chi" and not _begins_with_date(number):
        return NO_SUCH_DAY
    if check_digit(number[:9]) != int(number[9]):
        return WRONG_CHECK_DIGIT
    restored: tuple[Flag, ...] = ("zero-restored",) if len(compact) < 10 else ()
    return Outcome(f"{found.scheme}:{number}", flags=(*found.flags, *restored))


def check_digit(first_nine: str) -> int:
    """Compute the check digit of nine digits by Modulus 11; 10 means that there is none.

    Examples
    --------
    >>> check_digit("943476591")
    9
    """
    weighted = sum(int(digit) * weight for digit, weight in zip(first_nine, range(10, 1, -1), strict=True))
    return -weighted % 11


@dataclass(frozen=True, slots=True)
class ChiParts:
    """What a CHI number says of a person: a birthday without its century, and a sex."""

    ddmmyy: str
    sex: Literal["f", "m"]


def chi_parts(canonical: str) -> ChiParts | None:
    """Read a canonical health number's date of birth and sex, if it is a CHI number.

    The first six digits are the date of birth (ddmmyy); the ninth is odd for a man.

    Examples
    --------
    >>> chi_parts("chi:0101336489")
    ChiParts(ddmmyy='010133', sex='f')
    >>> chi_parts("nhs:4010232137") is None
    True
    """
    scheme, _, number = canonical.partition(":")
    if scheme != "chi":
        return None
    return ChiParts(number[:6], "m" if int(number[8]) % 2 else "f")


def _begins_with_date(number: str) -> bool:
    day, month, year = int(number[:2]), int(number[2:4]), int(number[4:6])
    if not 1 <= month <= 12:
        return False
    # The century is not written: 2000 has a 29 February in every year that any century has.
    return 1 <= day <= monthrange(2000 + year, month)[1]
