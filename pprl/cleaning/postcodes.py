"""
Postcodes: the code of a place, or missing where a pseudo-postcode stands for none.

The health service gives ZZ99 codes to people of no fixed abode, from abroad or of unknown
address.  Two such people do not live together, so a ZZ99 code never counts as agreement.
"""

import re
import unicodedata
from typing import Literal

from pprl.cleaning.damage import refuse_spreadsheet_number
from pprl.cleaning.outcome import INVALID, PSEUDO_POSTCODE, Outcome
from pprl.cleaning.text import stands_for_nothing, tidy, without_value
from pprl.errors import DataError

Country = Literal["uk", "any"]

_OUTWARD, _INWARD = r"([A-Z]{1,2}[0-9][A-Z0-9]?|GIR)", r"([0-9][ABD-HJLNP-UW-Z]{2})"
_UK = re.compile(_OUTWARD + _INWARD)
_CANONICAL = re.compile(f"{_OUTWARD} {_INWARD}")
_AREA = re.compile(r"[0-9].*")  # what follows the area
_PSEUDO = re.compile(r"ZZ99(?:[0-9][A-Z]{2})?")
_ANY = re.compile(r"(?=.*[0-9])[A-Z0-9]{2,10}")


def clean_postcode(value: str, *, country: Country = "uk") -> Outcome:
    """Make a postcode canonical: upper case, and for the UK one space before the inward part.

    Parameters
    ----------
    value : str
        What was typed; spaces and hyphens may stand anywhere.
    country : "uk" or "any"
        "any" takes 2 to 10 letters and digits, at least one of them a digit.

    Returns
    -------
    Outcome
        Pseudo-postcodes (ZZ99 ...) are missing with a reason of their own.

    Raises
    ------
    ValueRefused
        If the value is a number with a decimal part, as data frames write them.

    Examples
    --------
    >>> clean_postcode("sw1a1aa").text
    'SW1A 1AA'
    >>> clean_postcode("ZZ99 3VZ").reason
    'pseudo-postcode'
    >>> clean_postcode("K1A 0B1", country="any").text
    'K1A0B1'
    """
    tidied = tidy(value)
    refuse_spreadsheet_number(tidied)
    if not tidied or stands_for_nothing(value):
        return without_value(value)
    code = _wide(tidied).upper().replace(" ", "").replace("-", "")
    if _PSEUDO.fullmatch(code):
        return PSEUDO_POSTCODE
    return _uk(code) if country == "uk" else _any(code)


def postcode_parts(canonical: str) -> tuple[str, str, str, str]:
    """Give unit, sector, district and area of a canonical British postcode: from near to wide.

    Raises
    ------
    DataError
        If it is not a postcode as `clean_postcode` writes it; the message does not repeat it.

    Examples
    --------
    >>> postcode_parts("SW1A 1AA")
    ('SW1A 1AA', 'SW1A 1', 'SW1A', 'SW')
    """
    match = _CANONICAL.fullmatch(canonical)
    if match is None:
        raise DataError("postcode: wanted a canonical British one", code="not-canonical")
    district, inward = match[1], match[2]
    return canonical, f"{district} {inward[0]}", district, _AREA.sub("", district)


def _wide(text: str) -> str:
    """Fold full-width letters and digits; another character would only look like one."""
    return text if text.isascii() else "".join(_narrow(char) for char in text)


def _narrow(char: str) -> str:
    return unicodedata.normalize("NFKC", char) if "\uff01" <= char <= "\uff5e" else char


def _uk(code: str) -> Outcome:
    match = _UK.fullmatch(code)
    return INVALID if match is None else Outcome(f"{match[1]} {match[2]}")


def _any(code: str) -> Outcome:
    return Outcome(code) if _ANY.fullmatch(code) else INVALID
