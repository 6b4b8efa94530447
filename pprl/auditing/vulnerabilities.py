"""
The five vulnerabilities of Vidanage et al. 2023 (ACM TOPS 26(4), article 36).

Frequency, length, co-occurrence, similarity and similarity neighbourhood are properties that a
record has in clear and that its filter has too.  Where both rank alike, the property alone leads
to the person.  The paper speaks of values of one field and of candidates within a tolerance;
here records are looked at, and instead of a tolerance the share of records is given whose own
clear text is among the `k` that the property points to.  What the paper calls co-occurrence of
values in several fields is, within one filter, the co-occurrence of pairs of its parts.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from pprl.auditing.similarities import (
    average_ranks,
    each_pair,
    filter_dice,
    nearest_profiles,
    value_counts,
)
from pprl.auditing.tokentables import TokenTable
from pprl.auditing.values import distinct_values
from pprl.model import BitMatrix
from pprl.model.arrays import Matrix

Properties = Mapping[str, npt.NDArray[np.float64]]

KINDS = ("frequency", "length", "co-occurrence", "similarity", "neighbourhood")
N_NEIGHBOURS = 10
EDGES = 0.01  # share of the pairs, the most alike, that are edges of the graph
_CHUNK = 128


def vulnerabilities(
    table: TokenTable,
    bits: BitMatrix,
    *,
    k: int = 10,
    in_clear: Matrix | None = None,
    encoded: Matrix | None = None,
) -> Mapping[str, float]:
    """Give for each property the share of records that it leads to.

    Parameters
    ----------
    table : TokenTable
        The records in clear.
    bits : BitMatrix
        The filters of the same records in the same order.
    k : int
        A record counts where its clear text is among the `k` nearest by the property; records
        that are equally near count against it.  By chance alone the share is at most ``k / n``.
    in_clear, encoded : ndarray of float32, optional
        Their similarities, where they have been made already.

    Returns
    -------
    mapping of str to float
        By the names in `KINDS`.

    Examples
    --------
    >>> from pprl.auditing.tokentables import token_table
    >>> from pprl.cleaning.fields import NameField
    >>> from pprl.encoding.passes import FuzzyPass, PassField
    >>> from pprl.model import TextColumn
    >>> one = FuzzyPass(name="p", fields=(PassField(field="a", bits=9),), n_bits=64, hardening=())
    >>> table = token_table({"a": TextColumn.from_texts(["ann", "al"])}, [NameField(name="a")], one)
    >>> alike = vulnerabilities(table, BitMatrix.from_bools([[1, 1, 1, 1], [1, 1, 1, 0]]), k=1)
    >>> sorted(alike)
    ['co-occurrence', 'frequency', 'length', 'neighbourhood', 'similarity']
    """
    clear = _properties_in_clear(table, table.dice() if in_clear is None else in_clear)
    hidden = _properties_encoded(bits, filter_dice(bits) if encoded is None else encoded)
    return MappingProxyType({kind: led_to(clear[kind], hidden[kind], k=k) for kind in KINDS})


def led_to(in_clear: npt.NDArray[np.float64], encoded: npt.NDArray[np.float64], *, k: int) -> float:
    """Give the share of records whose own row is among the k nearest of the other side.

    Parameters
    ----------
    in_clear, encoded : ndarray of float64, shape (n, d)
        Properties of the same records.  Each column is ranked, so that the sides' scales do not
        matter, and distances are Euclidean.
    k : int
        How many rows may be as near as the own one, itself among them.

    Examples
    --------
    >>> led_to(np.array([[1.0], [2.0]]), np.array([[10.0], [20.0]]), k=1)
    1.0
    >>> led_to(np.array([[1.0], [2.0]]), np.array([[5.0], [5.0]]), k=1)
    0.0
    """
    left, right = (_ranked(side) for side in (in_clear, encoded))
    n_right = 0
    for start in range(0, len(right), _CHUNK):
        part = right[start : start + _CHUNK]
        distance = ((part[:, None, :] - left[None, :, :]) ** 2).sum(axis=2)
        own = distance[np.arange(len(part)), start + np.arange(len(part))]
        n_right += int(((distance <= own[:, None] + 1e-12).sum(axis=1) <= k).sum())
    return n_right / max(len(right), 1)


def _ranked(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.column_stack([average_ranks(column) for column in values.T])


def _properties_in_clear(table: TokenTable, alike: Matrix) -> Properties:
    sets = table.to_csr()
    dense = (sets @ sets.T).toarray()
    values = distinct_values([table])
    return _properties(values.counts[values.value], table.lengths(), dense, alike)


def _properties_encoded(bits: BitMatrix, alike: Matrix) -> Properties:
    unpacked = bits.to_bools().astype(np.float32)
    return _properties(value_counts(bits.words), bits.popcounts(), unpacked @ unpacked.T, alike)


def _properties(frequency: npt.ArrayLike, length: npt.ArrayLike, shared: Matrix, alike: Matrix) -> Properties:
    pairs = shared.astype(np.float64)
    np.fill_diagonal(pairs, 0)
    return {
        "frequency": np.asarray(frequency, dtype=np.float64)[:, None],
        "length": np.asarray(length, dtype=np.float64)[:, None],
        "co-occurrence": (pairs * (pairs - 1) / 2).sum(axis=1)[:, None],
        "similarity": nearest_profiles(alike, N_NEIGHBOURS).astype(np.float64),
        "neighbourhood": neighbourhood(alike),
    }


def neighbourhood(alike: Matrix) -> npt.NDArray[np.float64]:
    """Describe each record's place in the graph of the most similar 1 % of pairs.

    Returns
    -------
    ndarray of float64, shape (n, 4)
        Number of neighbours, their mean similarity, their mean number of neighbours, and the
        number of edges among them.

    Examples
    --------
    >>> alike = np.array([[1, 0.9, 0.1], [0.9, 1, 0.2], [0.1, 0.2, 1]], dtype=np.float32)
    >>> neighbourhood(alike)[:, 0].tolist()
    [1.0, 1.0, 0.0]
    """
    pairs = each_pair(alike)
    if not pairs.size:
        return np.zeros((len(alike), 4))
    place = pairs.size - max(int(EDGES * pairs.size), 1)
    edges = alike >= np.partition(pairs, place)[place]
    np.fill_diagonal(edges, val=False)
    graph = edges.astype(np.float32)
    degree = graph.sum(axis=1)
    some = np.maximum(degree, 1)
    mean_alike = (alike * graph).sum(axis=1) / some
    among = ((graph @ graph) * graph).sum(axis=1) / 2
    return np.column_stack([degree, mean_alike, graph @ degree / some, among]).astype(np.float64)
