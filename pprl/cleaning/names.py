"""
Names of people: the parts of a name, without titles, or a placeholder for one.

No list of real names is used, and nothing is corrected: whoever is called Null, Test-Smith
or X is called so.
"""

import re

from pprl.cleaning.outcome import PLACEHOLDER, Outcome
from pprl.cleaning.text import is_placeholder, simplify, without_value

_BARE_TITLES = frozenset(
    {"mr", "mrs", "ms", "miss", "mx", "mstr", "dr", "prof", "professor", "rev", "revd", "reverend"}
)
_TITLES_BEFORE = _BARE_TITLES | {"sir", "dame"}  # these two are surnames as well
_TITLES_AFTER = _BARE_TITLES | {"esq"}

# O, Mac and Mc are written apart and joined by the same people; a letter with an
# apostrophe was joined before.  All other particles (van der, de, al, bin, ap, ferch,
# ní, nic, ...) remain parts of their own.
_JOINED_PREFIX = re.compile(r"(?<!\S)(o|mac|mc) (?=\S)")

_PLACEHOLDERS = frozenset({
    "test", "testing", "test patient", "test test", "testpatient", "dummy", "dummy patient", "do not use",
    "no name", "noname", "no forename", "no first name", "no given name", "no surname", "no last name",
    "no middle name", "name unknown", "name not known", "unknown name", "first name unknown",
    "surname unknown", "unknown male", "unknown female", "unknown person", "unidentified", "unnamed",
    "anonymous", "fnu", "lnu", "xx", "xxx", "xxxx", "zz", "zzz", "zzzz",
    "baby", "newborn", "new born", "infant", "male infant", "female infant", "male baby", "female baby",
    "twin", "twin one", "twin two", "twin a", "twin b", "twin i", "twin ii", "triplet",
})  # fmt: skip
_PLACEHOLDER_STARTS = (
    "baby of ", "baby boy ", "baby girl ", "infant of ", "newborn of ", "twin of ", "son of ",
    "daughter of ", "zztest", "xxtest", "zzz test", "test patient ",
)  # fmt: skip

_BABY_OF = re.compile(r"\s*b/o\b", re.IGNORECASE)  # with the stroke only: "B O" may be initials


def clean_name(value: str) -> Outcome:
    """Make a name canonical: its parts in lower-case letters, with single spaces.

    A hyphen parts ("Smith-Jones" is "smith jones") and an apostrophe joins ("O'Brien" is
    "obrien").  O, Mac and Mc join the next part; other particles stay.  Titles are dropped
    at either end.  Placeholders ("Baby of Jane", "Unknown", "Test") count as missing;
    Null, None, NA, Nan, True and Inf are names.  Digits are removed.

    Examples
    --------
    >>> clean_name("Dr. Siân O'Brien-MacDonald")
    Outcome(text='sian obrien macdonald', reason='', flags=())
    >>> clean_name("Baby of Jane").reason
    'placeholder'
    >>> clean_name("Null").text
    'null'
    """
    simple = simplify(value, digits=False)
    if not simple.text:
        return without_value(value)
    name = _without_titles(_JOINED_PREFIX.sub(r"\1", simple.text))
    if is_placeholder(value, name) or _is_nobody(name) or _BABY_OF.match(value):
        return PLACEHOLDER
    return Outcome(name, flags=simple.flags)


def _without_titles(name: str) -> str:
    parts = name.split()
    first, last = 0, len(parts)
    while last - first > 1 and parts[first] in _TITLES_BEFORE:
        first += 1
    while last - first > 1 and parts[last - 1] in _TITLES_AFTER:
        last -= 1
    return " ".join(parts[first:last])


def _is_nobody(name: str) -> bool:
    return name in _BARE_TITLES or name in _PLACEHOLDERS or f"{name} ".startswith(_PLACEHOLDER_STARTS)
