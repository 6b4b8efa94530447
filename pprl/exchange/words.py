"""
A fingerprint as eight words, to read over a telephone.

A word stands for 16 bits: consonant, vowel, consonant, vowel, consonant (proquints,
Wilkerson 2009).  Two people who read the same eight words hold the same 128 bits.
"""

import re

from pprl.errors import UsageError

_CONSONANTS = "bdfghjklmnprstvz"  # four bits each
_VOWELS = "aiou"  # two bits each
_N_WORDS = 8
_DIGITS = 4  # hexadecimal, in a word


def words_of(fingerprint: str) -> tuple[str, ...]:
    """Give the first 128 bits of a fingerprint as eight words that can be said aloud.

    Parameters
    ----------
    fingerprint : str
        At least 32 hexadecimal digits, in lower case.

    Raises
    ------
    UsageError
        If it is not a fingerprint.

    Examples
    --------
    >>> words_of("7f000001" * 8)
    ('lusab', 'babad', 'lusab', 'babad', 'lusab', 'babad', 'lusab', 'babad')
    """
    if not re.fullmatch(r"[0-9a-f]{32,}", fingerprint):
        raise UsageError("fingerprint: wanted 32 hexadecimal digits or more", code="fingerprint")
    return tuple(_word(int(fingerprint[i * _DIGITS : (i + 1) * _DIGITS], 16)) for i in range(_N_WORDS))


def _word(bits: int) -> str:
    """Spell 16 bits, the highest first."""
    return (
        _CONSONANTS[bits >> 12]
        + _VOWELS[bits >> 10 & 3]
        + _CONSONANTS[bits >> 6 & 15]
        + _VOWELS[bits >> 4 & 3]
        + _CONSONANTS[bits & 15]
    )
