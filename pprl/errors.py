"""
Everything that pprl raises on purpose.

An error has a code that never changes, a message that names the place, what was
found and what was wanted, and a hint.  It never holds a value from the data, a
token or key material, so it may be shown, logged and sent to a help desk.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class PprlError(Exception):
    """Base of all errors raised on purpose.

    Parameters
    ----------
    message : str
        The place, what was found and what was wanted; no value from the data.
    code : str, optional
        A short stable name of the mistake, such as ``"no-header"``.
    hint : str, optional
        What to do about it.

    Attributes
    ----------
    exit_status : int
        The status with which the command line ends.
    """

    exit_status: ClassVar[int] = 1
    kind: ClassVar[str] = "error"

    def __init__(self, message: str, *, code: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = f"{self.kind}/{code}" if code else self.kind
        self.hint = hint


class UsageError(PprlError):
    """The call cannot be carried out as it was made."""

    exit_status = 2
    kind = "usage"


class DataError(PprlError):
    """A table, a package or a truth file is not what it must be."""

    exit_status = 3
    kind = "data"


class AgreementError(DataError):
    """An agreement is not well formed, or contradicts itself."""

    kind = "agreement"


class PolicyError(PprlError):
    """The step is possible, and would break a rule that protects people."""

    exit_status = 4
    kind = "policy"


class AuthenticationError(PprlError):
    """Something is not what it was when it was made: altered, or not by whom it says."""

    exit_status = 5
    kind = "authentication"


class ResourceError(PprlError):
    """The machine cannot do it: memory, disk, permission, a missing library."""

    exit_status = 6
    kind = "resource"


class VersionError(PprlError):
    """A file or a library is of a version that this software cannot use."""

    exit_status = 7
    kind = "version"


def nearest(word: str, legal: Iterable[str]) -> str:
    """Say the legal word nearest to a mistaken one, as a hint.

    Examples
    --------
    >>> nearest("surnam", ["surname", "suburb"])
    "did you mean 'surname'?"
    >>> nearest("x", ["left", "right"])
    'legal here: left, right'
    """
    choices = sorted(legal)
    close = get_close_matches(word, choices, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"legal here: {', '.join(choices)}"
