"""
Slips of the pen: a value with one typing error, a date misread.
"""

import string
from datetime import date

import numpy as np

_ALPHABETS = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
_CENTURY = 2  # digits of a date that are not mistyped: a wrong century is refused on entry


def mistyped(value: str, generator: np.random.Generator) -> str:
    """Give a value with one letter or digit wrong, left out, too many or out of place.

    The result is as clean as the value was: a letter is put in for a letter, a digit for a
    digit, and spaces stay.

    Examples
    --------
    >>> mistyped("smith", np.random.default_rng(3)) == "smith"
    False
    """
    places = [place for place, char in enumerate(value) if not char.isspace()]
    place = int(generator.choice(places))
    edit = _EDITS[int(generator.integers(len(_EDITS)))]
    edited = " ".join(edit(value, place, generator).split())
    return edited if edited not in {"", value} else _substituted(value, place, generator)


def swapped_date(value: str) -> str | None:
    """Give an ISO date with day and month swapped; None if that is no other date.

    Examples
    --------
    >>> swapped_date("1990-02-11"), swapped_date("1990-02-13"), swapped_date("1990-02-02")
    ('1990-11-02', None, None)
    """
    year, month, day = value.split("-")
    return f"{year}-{day}-{month}" if int(day) <= 12 and day != month else None


def misread_date(value: str, generator: np.random.Generator) -> str:
    """Give another date that differs from an ISO date in one digit, the century aside.

    Examples
    --------
    >>> one, other = "1990-02-11", misread_date("1990-02-11", np.random.default_rng(1))
    >>> sum(left != right for left, right in zip(one, other, strict=True))
    1
    """
    others = [
        changed
        for place in range(_CENTURY, len(value))
        for digit in _ALPHABETS[2]
        if value[place] not in {"-", digit} and _is_date(changed := _with(value, place, digit))
    ]
    return others[int(generator.integers(len(others)))]


def _substituted(value: str, place: int, generator: np.random.Generator) -> str:
    return _with(value, place, _another(value[place], generator))


def _inserted(value: str, place: int, generator: np.random.Generator) -> str:
    return value[:place] + _another(value[place], generator) + value[place:]


def _left_out(value: str, place: int, _generator: np.random.Generator) -> str:
    return value[:place] + value[place + 1 :]


def _transposed(value: str, place: int, _generator: np.random.Generator) -> str:
    pair = value[place : place + 2]
    return value if " " in pair else value[:place] + pair[::-1] + value[place + 2 :]


_EDITS = (_substituted, _inserted, _left_out, _transposed)


def _another(char: str, generator: np.random.Generator) -> str:
    """Give another character of the same kind; a letter that is in no list counts as lower case."""
    alphabet = next((letters for letters in _ALPHABETS if char in letters), _ALPHABETS[0])
    return str(generator.choice([letter for letter in alphabet if letter != char]))


def _with(value: str, place: int, char: str) -> str:
    return value[:place] + char + value[place + 1 :]


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
