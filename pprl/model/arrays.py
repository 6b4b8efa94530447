"""Names for the arrays that the tables are made of."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]  # (n, w): bit j of a row is bit j % 64 of word j // 64
Counts = npt.NDArray[np.int32]  # (n,): numbers of bits
Rows = npt.NDArray[np.int64]  # (n,): row numbers of a table, from 0
Codes = npt.NDArray[np.int32]  # (n,): indices into a table of distinct values, -1 for missing
Scores = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.float32]  # (n, k)
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]  # (n, k)
Tags = npt.NDArray[np.uint32]  # (n, tables): block tags, 0 where a record has none
Ids = npt.NDArray[np.bytes_]  # (n,): UTF-8, of fixed width

AnyArray = TypeVar("AnyArray", bound=npt.NDArray[Any])


def texts(ids: Ids) -> list[str]:
    """Give ids as text."""
    return [value.decode("utf-8") for value in ids.tolist()]


def counting(lengths: Rows) -> Rows:
    """Count 0, 1, ... anew for each length.

    Examples
    --------
    >>> counting(np.array([2, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if ends.size else 0) - np.repeat(ends - lengths, lengths)


def frozen(array: AnyArray) -> AnyArray:
    """Make an array read-only and give it back."""
    array.flags.writeable = False
    return array
