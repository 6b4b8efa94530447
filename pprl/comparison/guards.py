"""What every comparison asks before it starts, and the bound on what it may find."""

import os
import threading
from pathlib import Path

from pprl.errors import DataError, ResourceError, UsageError
from pprl.model import BitMatrix

MAX_PAIRS = 20_000_000  # at about 100 bytes a pair while they are put in order: 2 GB


class PairBudget:
    """The number of pairs that may still be stored; shared by threads.

    Parameters
    ----------
    max_pairs : int
        The most pairs that a result may hold.

    Raises
    ------
    UsageError
        If `max_pairs` is not a whole number from 0.
    """

    def __init__(self, max_pairs: int) -> None:
        self.max_pairs = require_whole("max_pairs", max_pairs, least=0)
        self._left = self.max_pairs
        self._lock = threading.Lock()

    def spend(self, n_pairs: int) -> None:
        """Take pairs from the budget, before they are stored.

        Raises
        ------
        ResourceError
            If there are more than were left.
        """
        with self._lock:
            self._left -= n_pairs
            spent = self._left < 0
        if spent:
            raise ResourceError(
                f"comparison: more than {self.max_pairs:,} pairs qualify",
                code="too-many-pairs",
                hint="are many records alike? Otherwise raise the threshold, or max_pairs (100 bytes each)",
            )


def require_comparable(left: BitMatrix, right: BitMatrix) -> None:
    """Raise unless both sides are bit matrices of one length.

    Raises
    ------
    UsageError
        If a side is something else.
    DataError
        If rows differ in length.
    """
    for side, bits in (("left", left), ("right", right)):
        if not isinstance(bits, BitMatrix):
            raise UsageError(f"{side}: got {type(bits).__name__}, wanted a BitMatrix", code="bit-matrix")
    if left.n_bits != right.n_bits:
        raise DataError(
            f"comparison: rows of {left.n_bits} bits on the left and of {right.n_bits} on the right",
            code="row-length",
            hint="compare encodings that were made under one agreement, pass by pass",
        )


def require_path(name: str, path: str | os.PathLike[str]) -> Path:
    """Give a path, or raise.

    Raises
    ------
    UsageError
        If it is not a path, or names nothing.
    """
    if not isinstance(path, str | os.PathLike):
        raise UsageError(f"{name}: got {type(path).__name__}, wanted a path", code="path")
    if not os.fspath(path):
        raise UsageError(f"{name}: names nothing", code="path", hint="wanted the name of a folder")
    return Path(path)


def require_whole(name: str, number: int, *, least: int) -> int:
    """Give a whole number back, or raise.

    Raises
    ------
    UsageError
        If it is not a whole number, or less than `least`.
    """
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        found = number if isinstance(number, int | float) else type(number).__name__
        raise UsageError(f"{name}: got {found}, wanted a whole number from {least}", code="whole-number")
    return number
