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
Ids = npt.NDArray[np.bytes_]  # (n,): UTF-8, of fixed width

AnyArray = TypeVar("AnyArray", bound=npt.NDArray[Any])


def frozen(array: AnyArray) -> AnyArray:
    """Make an array read-only and give it back."""
    array.flags.writeable = False
    return array
