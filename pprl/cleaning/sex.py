"""
Sex as recorded: one of three codes, or missing.

A custodian's own codes are mapped by the agreement.
"""

from collections.abc import Mapping
from typing import Literal

from pprl.cleaning.damage import refuse_spreadsheet_number
from pprl.cleaning.outcome import PLACEHOLDER, Outcome
from pprl.cleaning.text import tidy, without_value

SexCode = Literal["f", "m", "x", "unknown"]

# 1, 2, 9 and 0 as in the NHS data dictionary and ISO 5218.  X is "other" here and in
# passports; a source in which X means "not known" maps it itself.
DEFAULT_CODES: dict[str, SexCode] = {
    "1": "m", "m": "m", "male": "m", "man": "m", "boy": "m",
    "2": "f", "f": "f", "female": "f", "woman": "f", "girl": "f",
    "x": "x", "i": "x", "other": "x", "o": "x", "indeterminate": "x", "intersex": "x", "non-binary": "x",
    "nonbinary": "x", "non binary": "x",
    "0": "unknown", "9": "unknown", "u": "unknown",
}  # fmt: skip


def clean_sex(value: str, *, codes: Mapping[str, SexCode] | None = None) -> Outcome:
    """Make a recorded sex canonical: "f", "m" or "x".

    Parameters
    ----------
    value : str
        What was recorded; case does not matter.
    codes : mapping, optional
        What a custodian's codes mean: "f", "m", "x" or "unknown".  They replace the
        default ones: 1 and 2 mean the opposite in some systems.

    Raises
    ------
    ValueRefused
        If the value is a number with a decimal part, as data frames write them, and no code.

    Examples
    --------
    >>> [clean_sex(text).text for text in ("1", "Female", "X", "9")]
    ['m', 'f', 'x', None]
    >>> clean_sex("0", codes={"0": "m", "1": "f"}).text
    'm'
    """
    tidied = tidy(value).casefold()
    known = {tidy(code).casefold(): sex for code, sex in codes.items()} if codes else DEFAULT_CODES
    sex = known.get(tidied)
    if sex is None:
        refuse_spreadsheet_number(tidied)
        return without_value(value)
    return PLACEHOLDER if sex == "unknown" else Outcome(sex)
