"""
Distinct values of a file: equal filters, equal sets of tokens, and how many records have each.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from pprl.auditing.tokentables import TokenTable
from pprl.model import BitMatrix
from pprl.model.arrays import Rows


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Values:
    """The distinct values of some rows, most frequent first.

    Parameters
    ----------
    first : ndarray of int64, shape (values,)
        A row that has each value.
    counts : ndarray of int64, shape (values,)
        How many rows have it, falling.
    value : ndarray of int64, shape (n,)
        For each row its value.
    """

    first: Rows
    counts: Rows
    value: Rows


def distinct_filters(bits: BitMatrix) -> Values:
    """List the distinct filters, most frequent first.

    Examples
    --------
    >>> distinct_filters(BitMatrix.from_bools([[0, 1], [1, 1], [1, 1]])).counts.tolist()
    [2, 1]
    """
    return _distinct([row.tobytes() for row in bits.words])


def distinct_values(tables: Sequence[TokenTable]) -> Values:
    """List the distinct sets of tokens, most frequent first.

    Parameters
    ----------
    tables : sequence of TokenTable
        Of the same records; two are alike if they have the same tokens in every table.

    Examples
    --------
    >>> ends, tokens = np.array([0, 1, 2, 3]), np.array([0, 1, 0])
    >>> table = TokenTable(ends, tokens, tokens + 9, (("field a", "x"), ("field a", "y")))
    >>> distinct_values([table]).counts.tolist()
    [2, 1]
    """
    sets = zip(*(_sets(table) for table in tables), strict=True)
    return _distinct(list(sets))


def _sets(table: TokenTable) -> list[bytes]:
    ends = zip(table.indptr[:-1].tolist(), table.indptr[1:].tolist(), strict=True)
    return [table.indices[start:stop].tobytes() for start, stop in ends]


def _distinct(rows: Sequence[Hashable]) -> Values:
    number: dict[Hashable, int] = {}
    met = np.array([number.setdefault(row, len(number)) for row in rows], dtype=np.int64)
    counts = np.bincount(met, minlength=len(number))
    order = np.argsort(-counts, kind="stable")  # of equally frequent ones the first met comes first
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    first = np.full(len(number), met.size, dtype=np.int64)
    np.minimum.at(first, met, np.arange(met.size))
    return Values(first=first[order], counts=counts[order].astype(np.int64), value=rank[met])
