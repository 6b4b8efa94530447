"""
Values that a spreadsheet or a data frame has damaged.

One such value means that the column was changed on its way, so the others cannot be
trusted either: the column is refused, with advice.
"""

import re

from pprl.cleaning.outcome import ValueRefused

_EXPONENT = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]*[eE][+-]?|[eE][+-])[0-9]+")  # 2E5 may be a code
_DECIMAL = re.compile(r"[0-9]{5,}\.[0-9]*|[0-9]+\.0+")


def refuse_spreadsheet_number(value: str) -> None:
    """Refuse a number with a decimal part or an exponent, where digits were wanted.

    Raises
    ------
    ValueRefused
        If the value is written as ``9434765919.0`` or ``9.434765919E9``.

    Examples
    --------
    >>> refuse_spreadsheet_number("943 476 5919")
    """
    if _EXPONENT.fullmatch(value) or _DECIMAL.fullmatch(value):
        raise ValueRefused(
            "a number with a decimal point or an exponent, as spreadsheets and data frames write them",
            hint="export the column again as text; digits may be lost where it was read as numbers",
        )
