"""What cleaning makes of a value: its canonical text, or the reason why there is none."""

from dataclasses import dataclass
from typing import Literal

Reason = Literal[
    "",
    "empty",
    "placeholder",
    "invalid",
    "impossible-letter",
    "no-such-day",
    "not-issued",
    "pseudo-postcode",
    "repeated-digits",
    "temporary-upn",
    "wrong-check-digit",
    "wrong-check-letter",
]
Flag = Literal["characters-removed", "shortened", "test-number", "zero-restored"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The canonical text of a value, or a reason.

    Parameters
    ----------
    text : str or None
        The canonical text; None if the value counts as missing.
    reason : str
        Why it is missing; empty if it is not.
    flags : tuple of str
        What a custodian should know of a value that is kept.
    """

    text: str | None
    reason: Reason = ""
    flags: tuple[Flag, ...] = ()


EMPTY = Outcome(None, "empty")
INVALID = Outcome(None, "invalid")
PLACEHOLDER = Outcome(None, "placeholder")
PSEUDO_POSTCODE = Outcome(None, "pseudo-postcode")
REPEATED_DIGITS = Outcome(None, "repeated-digits")
NOT_ISSUED = Outcome(None, "not-issued")
NO_SUCH_DAY = Outcome(None, "no-such-day")
WRONG_CHECK_DIGIT = Outcome(None, "wrong-check-digit")
WRONG_CHECK_LETTER = Outcome(None, "wrong-check-letter")
IMPOSSIBLE_LETTER = Outcome(None, "impossible-letter")
TEMPORARY_UPN = Outcome(None, "temporary-upn")


class ValueRefused(Exception):  # noqa: N818 - it is caught in this room and named by its place
    """A value that shows the whole column to be damaged; holds advice, never the value."""

    def __init__(self, found: str, *, hint: str) -> None:
        super().__init__(found)
        self.found = found
        self.hint = hint
