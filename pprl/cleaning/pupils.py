"""
Unique Pupil Numbers of England: a check letter, eleven digits, and a last digit or letter.

The check letter and the letters that are never used are those of the Department for
Education's guide to UPNs.  A UPN is a *blind* number: it may be used for a purpose that the
law allows and for no other, so the agreement names the legal basis.
"""

import re

from pprl.cleaning.damage import refuse_spreadsheet_number
from pprl.cleaning.outcome import IMPOSSIBLE_LETTER, PLACEHOLDER, TEMPORARY_UPN, WRONG_CHECK_LETTER, Outcome
from pprl.cleaning.text import tidy, without_value

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"  # by value, 0 to 22; I, O and S look like 1, 0 and 5

_UNKNOWN = re.compile(r"[Uu][Nn][1-5]")  # why there is none, in returns about children
_SHAPE = re.compile(r"[A-Za-z][0-9]{11}[0-9A-Za-z]")


def clean_upn(value: str) -> Outcome:
    """Make a Unique Pupil Number canonical: thirteen characters, letters in upper case.

    Spaces and hyphens are allowed.  The number is missing, with the reason, if it has a
    letter that no UPN has (I, O, S), if it is a temporary one (the last character is a
    letter: a school gives it until the pupil's own is known, so it changes), or if its
    check letter is wrong.  UN1 to UN5 are placeholders.

    Raises
    ------
    ValueRefused
        If the value is a number with a decimal part, as data frames write them.

    Examples
    --------
    >>> clean_upn("h801 2000 01001").text
    'H801200001001'
    >>> [clean_upn(text).reason for text in ("A801200001001", "H80120000100A", "I801200001001")]
    ['wrong-check-letter', 'temporary-upn', 'impossible-letter']
    """
    tidied = tidy(value)
    refuse_spreadsheet_number(tidied)
    compact = tidied.replace(" ", "").replace("-", "")
    if _UNKNOWN.fullmatch(compact):
        return PLACEHOLDER
    if not _SHAPE.fullmatch(compact):
        return without_value(value)
    number = compact.upper()
    if any(char.isalpha() and char not in LETTERS for char in number):
        return IMPOSSIBLE_LETTER
    if number[-1].isalpha():
        return TEMPORARY_UPN
    return Outcome(number) if check_letter(number[1:]) == number[0] else WRONG_CHECK_LETTER


def check_letter(last_twelve: str) -> str:
    """Compute the check letter of the twelve digits after it: weights 2 to 13, modulus 23.

    Examples
    --------
    >>> check_letter("801200001001")
    'H'
    """
    weighted = sum(int(digit) * weight for weight, digit in enumerate(last_twelve, start=2))
    return LETTERS[weighted % 23]
