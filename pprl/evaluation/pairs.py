"""
Pairs of record ids as columns, so that a million of them are counted in seconds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pprl.errors import UsageError
from pprl.model.arrays import Rows

Pair = tuple[str, str]
Texts = npt.NDArray[np.object_]  # (n,) of str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class IdPairs:
    """Pairs of a left and a right record id.

    Parameters
    ----------
    left, right : ndarray of str objects, shape (n,)
        The ids.

    Examples
    --------
    >>> pairs = IdPairs.of([("a", "1"), ("b", "2")])
    >>> pairs, pairs.right.tolist()
    (IdPairs(2 pairs), ['1', '2'])
    """

    left: Texts
    right: Texts

    def __post_init__(self) -> None:
        if self.left.ndim != 1 or self.left.shape != self.right.shape:
            raise UsageError("pairs: wanted as many left ids as right ids", code="not-pairs")

    @classmethod
    def of(cls, pairs: Iterable[Pair]) -> "IdPairs":
        """Make columns of pairs; columns stay as they are."""
        if isinstance(pairs, IdPairs):
            return pairs
        listed = list(pairs)
        return cls(id_array(pair[0] for pair in listed), id_array(pair[1] for pair in listed))

    def side(self, name: str) -> Texts:
        """Give the ids of one side, "left" or "right"."""
        return {"left": self.left, "right": self.right}[name]

    def __iter__(self) -> Iterator[Pair]:
        return zip(self.left.tolist(), self.right.tolist(), strict=True)

    def __len__(self) -> int:
        return int(self.left.size)

    def __repr__(self) -> str:
        return f"IdPairs({len(self)} pairs)"


def id_array(ids: Iterable[str]) -> Texts:
    """Make an array of ids; numpy would otherwise copy each to the width of the longest."""
    listed = list(ids)
    made = np.empty(len(listed), dtype=object)
    made[:] = listed
    return made


def number_pairs(*tables: IdPairs) -> list[Rows]:
    """Give each pair a number that it has in every table, and no other pair has.

    Examples
    --------
    >>> one, two = IdPairs.of([("a", "1"), ("b", "2")]), IdPairs.of([("b", "2")])
    >>> [numbers.tolist() for numbers in number_pairs(one, two)]
    [[0, 3], [3]]
    """
    lefts, _ = numbered(*(table.left for table in tables))
    rights, n_right = numbered(*(table.right for table in tables))
    return [left * max(1, n_right) + right for left, right in zip(lefts, rights, strict=True)]


def numbered(*columns: Texts) -> tuple[list[Rows], int]:
    """Give each distinct id of several columns a number; say how many there are."""
    # Not pandas.factorize, which takes two texts for one that agree up to a NUL.
    index: dict[str, int] = {}
    numbers = [
        np.fromiter((index.setdefault(one, len(index)) for one in column.tolist()), np.int64, column.size)
        for column in columns
    ]
    return numbers, len(index)
