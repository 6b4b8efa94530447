"""
Text as it is compared: one spelling for what people type in many.

Accents, case, width, apostrophes and hyphens differ between two records of one
person far more often than they tell two persons apart.
"""

import re
import string
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from pprl.cleaning.folds import FOLDS
from pprl.cleaning.outcome import EMPTY, INVALID, PLACEHOLDER, Flag, Outcome, ValueRefused
from pprl.cleaning.unicode14 import UNASSIGNED

LONGEST = 128  # characters of a canonical text; what follows is cut off
LONGEST_INPUT = 1_000  # a longer value is no name or address: composing it takes quadratic time

_REMOVED = "\0"  # stands for a character that was taken out, until it is counted
_DIGITS = str.maketrans(dict.fromkeys(string.digits, _REMOVED))
_HALF_CHARACTER = re.compile(r"[\ud800-\udfff]")
_ELISION = re.compile(r"(?<!\S)(\w)'\s+")  # the O' of "O' Brien"
_APOSTROPHES = (
    "`\u00b4"  # grave and acute accent, typed for want of an apostrophe
    "\u02b9\u02ba\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u02ca\u02cb"  # primes, okina, hamza and ayn
    "\u0384\u055a\u05f3\u1fbd\u1fbf\u1fef\u1ffd"  # Greek, Armenian and Hebrew signs
    "\u2018\u2019\u201a\u201b\u2032\u2035\ua78b\ua78c\uff07"  # quotes, primes, saltillo, full width
)
_ONE_APOSTROPHE = str.maketrans(dict.fromkeys(_APOSTROPHES, "'"))
_HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"))

_DROPPED = frozenset("·\u0640" + "".join(map(chr, range(0x02B0, 0x0300))))  # middle dot, tatweel, modifiers

# Marks that carry a vowel or make another letter keep their place: by canonical combining
# class, vowel signs (0), kana voicing (8), virama (9) and the vowels of Telugu, Thai, Lao and
# Tibetan.  All others (accents, harakat, Hebrew points, nukta) are left out in writing as often
# as not.  Variation selectors and their like are of class 0 and invisible.
_KEPT_CLASSES = frozenset({0, 8, 9, 84, 91, 103, 118, 129, 130, 132})
_INVISIBLE_MARKS = re.compile(r"[\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")


@dataclass(frozen=True, slots=True)
class Simplified:
    """A text in its one spelling, and whether characters were taken out of it."""

    text: str
    flags: tuple[Flag, ...]


def simplify(value: str, *, digits: bool) -> Simplified:
    """Spell a text in the one way in which it is compared.

    Compatibility forms and case are folded (NFKC, casefold, NFKD), accents dropped and
    letters without a decomposition folded by a table.  Apostrophes are dropped, and a
    letter with one joins the next word ("O' Brien" is "obrien"); hyphens and other
    punctuation become a space.  Emoji, control, zero-width and bidirectional characters
    and code points that Unicode 14.0 does not know are removed and flagged.  Letters of
    other scripts are kept.  The text is composed (NFC), has single spaces, and is cut to
    128 characters.

    Parameters
    ----------
    value : str
        What was typed.
    digits : bool
        Keep decimal digits, as ASCII; otherwise they are removed and flagged.

    Returns
    -------
    Simplified
        Text is empty if no letter (or digit) is left, or if the value is longer than
        1,000 characters.

    Raises
    ------
    ValueRefused
        If the value holds half a character (a lone surrogate).

    Examples
    --------
    >>> simplify("  O'BRIEN-Łukasz ", digits=False).text
    'obrien lukasz'
    >>> simplify("Flat 2, 10 High St.", digits=True).text
    'flat 2 10 high st'
    """
    refuse_half_characters(value)
    if len(value) > LONGEST_INPUT:
        return Simplified("", ())
    spelled = value.translate(_ASCII) if value.isascii() else _spell(value)
    if not digits:
        spelled = spelled.translate(_DIGITS)
    joined = _ELISION.sub(r"\1", spelled.replace(_REMOVED, "")).replace("'", "")
    text = unicodedata.normalize("NFC", " ".join(joined.split()))
    if not any(map(str.isalnum, text)):
        return Simplified("", ())
    short = text[:LONGEST].rstrip()
    noted = {"characters-removed": _REMOVED in spelled, "shortened": short != text}
    return Simplified(short, tuple(flag for flag in _FLAGS if noted[flag]))


_FLAGS: tuple[Flag, ...] = ("characters-removed", "shortened")


def _spell(value: str) -> str:
    known, n_unknown = UNASSIGNED.subn("", value.translate(_ONE_APOSTROPHE))
    folded = unicodedata.normalize("NFKC", known).casefold()
    spelled = "".join(map(_spell_character, unicodedata.normalize("NFKD", folded)))
    return spelled + _REMOVED * bool(n_unknown)


def _spell_character(char: str) -> str:
    if char.isspace() or char == "'":
        return "'" if char == "'" else " "
    return _BY_CATEGORY[unicodedata.category(char)[0]](char)


def _letter(char: str) -> str:
    return "" if char in _DROPPED else FOLDS.get(char, char)


def _mark(char: str) -> str:
    kept = unicodedata.combining(char) in _KEPT_CLASSES and unicodedata.category(char) != "Me"
    return char if kept and not _INVISIBLE_MARKS.match(char) else ""


def _number(char: str) -> str:
    digit = unicodedata.decimal(char, None)
    return _REMOVED if digit is None else str(digit)


def _punctuation(char: str) -> str:
    return "" if char in _DROPPED else " "


def _symbol(char: str) -> str:
    if char in _DROPPED:
        return ""
    return _REMOVED if unicodedata.category(char) in {"So", "Sk"} else " "


def _other(_: str) -> str:
    return _REMOVED


# By the first letter of the general category: the second was revised for a few characters.
_BY_CATEGORY: dict[str, Callable[[str], str]] = {
    "L": _letter,
    "M": _mark,
    "N": _number,
    "P": _punctuation,
    "S": _symbol,
    "Z": _punctuation,
    "C": _other,
}
_ASCII = {code: _spell(chr(code)) for code in range(128)}


def refuse_half_characters(value: str) -> None:
    """Refuse a value with a lone surrogate: the column was not decoded as it was written."""
    if _HALF_CHARACTER.search(value):
        raise ValueRefused(
            "half a character (a lone surrogate)",
            hint="the column was decoded wrongly; read the file again with its true encoding",
        )


def tidy(value: str) -> str:
    r"""Trim a value that is a code or a number: visible characters, single spaces, one hyphen.

    Invisible format characters (zero-width space, byte order mark, direction marks) come
    with what is pasted and are dropped; digits and letters stay as they are.

    Raises
    ------
    ValueRefused
        If the value holds half a character (a lone surrogate).

    Examples
    --------
    >>> tidy(" 943\u200b  476-5919 ")
    '943 476-5919'
    """
    refuse_half_characters(value)
    if not value.isascii():
        value = "".join(char for char in value.translate(_HYPHENS) if _category(char) != "Cf")
    return " ".join(value.split())


def _category(char: str) -> str:
    return "Cn" if UNASSIGNED.match(char) else unicodedata.category(char)


# What is typed where nothing is known, of whatever kind the field is.
_NOT_KNOWN = frozenset({
    "unknown", "unk", "unkown", "unknwon", "not known", "not stated", "not given", "not provided",
    "not recorded", "not specified", "not disclosed", "not available", "not applicable", "not supplied",
    "missing", "blank", "refused", "declined", "withheld", "tbc", "tba", "to be confirmed", "dont know",
    "do not know", "information not available", "data missing", "see notes",
})  # fmt: skip
_SLASHED = frozenset({"n/a", "n/k", "d/k", "n/s", "u/k"})  # "na" and "n a" may be people


def is_placeholder(value: str, canonical: str) -> bool:
    """Say whether a value is a placeholder of any field, given also its canonical text.

    Examples
    --------
    >>> is_placeholder("Not known.", "not known"), is_placeholder("N/A", "n a"), is_placeholder("NA", "na")
    (True, True, False)
    """
    return canonical in _NOT_KNOWN or ("/" in value and tidy(value).casefold() in _SLASHED)


def stands_for_nothing(value: str) -> bool:
    """Say whether a value is a placeholder of any field: "not known", "n/a", "--".

    Examples
    --------
    >>> [stands_for_nothing(text) for text in ("Not known", "N/A", "?", "Null", "NA")]
    [True, True, True, False, False]
    """
    tidied = tidy(value)
    if is_placeholder(value, simplify(tidied, digits=True).text):
        return True
    return bool(tidied) and all(_category(char)[0] in "PZ" for char in tidied)


def without_value(value: str) -> Outcome:
    """Say why a value has no canonical text: it is empty, a placeholder or invalid.

    Examples
    --------
    >>> [without_value(text).reason for text in (" ", "not known", "12x")]
    ['empty', 'placeholder', 'invalid']
    """
    if not tidy(value):
        return EMPTY
    return PLACEHOLDER if stands_for_nothing(value) else INVALID


_NO_ADDRESS = frozenset({"no fixed abode", "no fixed address", "nfa", "of no fixed abode", "no address"})


def clean_text(value: str) -> Outcome:
    """Make an address, a suburb or other free text canonical: words of letters and digits.

    Examples
    --------
    >>> clean_text("Tŷ Gwyn, 12 Heol-y-Bont").text
    'ty gwyn 12 heol y bont'
    >>> clean_text("No fixed abode").reason
    'placeholder'
    """
    simple = simplify(value, digits=True)
    if not simple.text:
        return without_value(value)
    if simple.text in _NO_ADDRESS or is_placeholder(value, simple.text):
        return PLACEHOLDER
    return Outcome(simple.text, flags=simple.flags)
