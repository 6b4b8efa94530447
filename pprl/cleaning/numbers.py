"""Numbers and places: digits as people write them become canonical decimals."""

import math
import re

from pprl.cleaning.outcome import EMPTY, INVALID, Outcome

_NUMBER = re.compile(r"([+-]?)(\d{1,12})(?:\.(\d{1,9}))?", re.ASCII)
_PLACE = re.compile(r"(-?\d{1,9}(?:\.\d{1,9})?)\s*[, ]\s*(-?\d{1,9}(?:\.\d{1,9})?)", re.ASCII)


def clean_number(value: str) -> Outcome:
    """Make a number canonical: no needless zeros, no plus sign.

    Examples
    --------
    >>> clean_number("+007.50").text, clean_number("-0").text, clean_number("7a").reason
    ('7.5', '0', 'invalid')
    """
    text = value.strip()
    if not text:
        return EMPTY
    found = _NUMBER.fullmatch(text)
    if found is None:
        return INVALID
    sign, whole, decimals = found.groups()
    number = whole.lstrip("0") or "0"
    rest = (decimals or "").rstrip("0")
    is_zero = number == "0" and not rest
    return Outcome(("-" if sign == "-" and not is_zero else "") + number + (f".{rest}" if rest else ""))


def clean_place(value: str) -> Outcome:
    """Make a place canonical: two whole numbers, each the greatest that is not above.

    Examples
    --------
    >>> clean_place("530047.9,180422").text, clean_place("London").reason
    ('530047 180422', 'invalid')
    """
    text = value.strip()
    if not text:
        return EMPTY
    found = _PLACE.fullmatch(text)
    return (
        INVALID
        if found is None
        else Outcome(" ".join(str(math.floor(float(part))) for part in found.groups()))
    )
