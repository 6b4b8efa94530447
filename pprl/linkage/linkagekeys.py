"""
Linkage keys of records, and the crosswalk that says which of them are one person.

A *linkage key* is a random pseudonym of one record, made for every record, matched or not.
A custodian is told the keys of its own records.  The keys of two custodians have nothing in
common: only the *crosswalk*, which goes to the research environment, joins them.  (The
secret that custodians share is `pprl.keys.LinkageKey`, another thing; no secret is here.)
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pprl.errors import DataError, ResourceError, UsageError
from pprl.model import Clusters
from pprl.model.arrays import Codes, Ids, Rows, Scores, frozen

KEY_BYTES = 16
HEX_DIGITS = 2 * KEY_BYTES
_ID_TYPE = np.dtype(f"S{HEX_DIGITS}")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RecordKeys:
    """The linkage keys of one custodian's records.

    Parameters
    ----------
    source : str
        Name of the custodian.
    row : ndarray of int64, shape (n,)
        Rows of the custodian's dataset, ascending; a decoy's is not among them.
    linkage_key : ndarray of bytes, shape (n,)
        For each of these rows a key, 32 hexadecimal digits.

    Raises
    ------
    DataError
        If columns differ in length, a row is not above the one before, or a key occurs twice.
    """

    source: str
    row: Rows
    linkage_key: Ids

    def __post_init__(self) -> None:
        _require_keys("record keys", self.linkage_key, self.row)
        if bool((np.diff(self.row) <= 0).any()):
            raise DataError("record keys: rows are not in their order, each once", code="record-keys")

    def __len__(self) -> int:
        return int(self.row.size)

    def __repr__(self) -> str:
        return f"RecordKeys({len(self)} records)"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Crosswalk:
    """Which linkage keys are one person.

    Parameters
    ----------
    sources : tuple of str
        Names of the custodians, each once.
    person : ndarray of bytes, shape (n,)
        For each record its person, 32 random hexadecimal digits.
    source : ndarray of int32, shape (n,)
        The record's custodian, as an index into `sources`.
    linkage_key : ndarray of bytes, shape (n,)
        The record's key.
    probability : ndarray of float64, shape (n,)
        How sure it is that the record is of that person; NaN where that is not known, and for
        a record that is its person's only one.

    Raises
    ------
    DataError
        If columns differ in length, a key occurs twice, there is no such custodian, or a
        probability is outside 0 to 1.
    """

    sources: tuple[str, ...]
    person: Ids
    source: Codes
    linkage_key: Ids
    probability: Scores

    def __post_init__(self) -> None:
        _require_keys("crosswalk", self.linkage_key, self.person, self.source, self.probability)
        if len(set(self.sources)) < len(self.sources):
            raise DataError("crosswalk: two sources have one name", code="crosswalk")
        if self.source.size and not 0 <= self.source.min() <= self.source.max() < len(self.sources):
            raise DataError("crosswalk: a record is of a source that there is not", code="crosswalk")
        if bool(((self.probability < 0) | (self.probability > 1)).any()):
            raise DataError("crosswalk: a probability is outside 0 to 1", code="crosswalk")

    def __len__(self) -> int:
        return int(self.person.size)

    def __repr__(self) -> str:
        return f"Crosswalk({len(self)} records of {len(self.sources)} sources)"


def assign_record_keys(
    clusters: Clusters, *, probability: Scores | None = None
) -> tuple[tuple[RecordKeys, ...], Crosswalk]:
    """Draw a linkage key for every record, and say in a crosswalk which are one person.

    All keys are independent draws of 128 bits from the operating system, in one piece, so
    neither their form nor the time it takes depends on who was matched.

    Parameters
    ----------
    clusters : Clusters
        Which records are one person.  Decoys are in no cluster, and get no key.
    probability : ndarray of float64, shape (n,), optional
        For each record of `clusters`, in that order, how sure its place is: the probability
        of its link into the cluster, or of the cluster's weakest link.  NaN where unknown;
        of records alone it is not looked at.

    Returns
    -------
    tuple of RecordKeys, one for each party, and Crosswalk
        The crosswalk's rows are in the order of its random persons, then of sources and keys.

    Raises
    ------
    DataError
        If probabilities differ in number from the records, or one is outside 0 to 1.
    ResourceError
        If the operating system has no randomness to give.

    Examples
    --------
    >>> party, row = np.array([0, 0, 1], dtype=np.int32), np.array([0, 1, 0])
    >>> clusters = Clusters(("a", "b"), party, row, np.array([0, 1, 1]), (True, True))
    >>> keys, crosswalk = assign_record_keys(clusters)
    >>> keys
    (RecordKeys(2 records), RecordKeys(1 records))
    >>> len(keys[0].linkage_key[0]), np.unique(crosswalk.person).size
    (32, 2)
    """
    return _assigned(clusters, _drawn(len(clusters)), _drawn(clusters.n_clusters), probability)


def extend_record_keys(
    clusters: Clusters, known: Sequence[RecordKeys], persons: Ids, *, probability: Scores | None = None
) -> tuple[tuple[RecordKeys, ...], Crosswalk]:
    """Draw linkage keys for the records of parties that joined; all others keep keys and persons.

    Parameters
    ----------
    clusters : Clusters
        With the parties that joined after all others, as `extend` gives them.
    known : sequence of RecordKeys
        The keys of the parties so far, in their order.
    persons : ndarray of bytes, shape (m,)
        The persons of the first m clusters, which those parties had.
    probability : ndarray of float64, shape (n,), optional
        As for `assign_record_keys`.

    Raises
    ------
    DataError
        If parties, rows or persons are not those of the clusters.

    Examples
    --------
    >>> party, row = np.array([0, 1], dtype=np.int32), np.array([0, 0])
    >>> old, crosswalk = assign_record_keys(
    ...     Clusters(("a",), party[:1], row[:1], np.array([0]), (True,)))
    >>> both = Clusters(("a", "b"), party, row, np.array([0, 0]), (True, True))
    >>> keys, longer = extend_record_keys(both, old, crosswalk.person)
    >>> bool((keys[0].linkage_key == old[0].linkage_key).all()), len(longer)
    (True, 2)
    >>> bool((longer.person == crosswalk.person).all())
    True
    """
    if tuple(one.source for one in known) != clusters.names[: len(known)] or (
        persons.size > clusters.n_clusters
    ):
        raise DataError("record keys: are not of these clusters", code="record-keys")
    keys, drawn = _drawn(len(clusters)).copy(), _drawn(clusters.n_clusters).copy()
    drawn[: persons.size] = persons
    for party, one in enumerate(known):
        mine = np.flatnonzero(clusters.party == party)
        mine = mine[np.argsort(clusters.row[mine], kind="stable")]
        if not np.array_equal(clusters.row[mine], one.row):
            raise DataError("record keys: rows are not those of the clusters", code="record-keys")
        keys[mine] = one.linkage_key
    return _assigned(clusters, keys, drawn, probability)


def _assigned(
    clusters: Clusters, keys: Ids, persons: Ids, probability: Scores | None
) -> tuple[tuple[RecordKeys, ...], Crosswalk]:
    given = np.full(len(clusters), np.nan) if probability is None else probability
    if given.shape != (len(clusters),):
        raise DataError("probabilities: wanted one for each record of the clusters", code="crosswalk")
    recordwise = (
        RecordKeys(name, *_by_row(clusters.row[mine], keys[mine]))
        for name, mine in ((name, clusters.party == party) for party, name in enumerate(clusters.names))
    )
    crosswalk = _in_order(clusters.names, persons[clusters.label], clusters.party, keys, given)
    return tuple(recordwise), crosswalk


def tightened(crosswalk: Crosswalk, *, at_least: float) -> Crosswalk:
    """Take records that are not sure enough out of their persons; each then stands alone.

    The new person of such a record is a hash of the old one and its key, so that the same
    crosswalk gives the same persons again.

    Parameters
    ----------
    crosswalk : Crosswalk
        With a probability for each record that is not alone.
    at_least : float
        The least probability at which a record stays.

    Raises
    ------
    UsageError
        If `at_least` is outside 0 to 1.
    DataError
        If a record that is not alone has no probability.
    """
    if not 0 <= at_least <= 1:
        raise UsageError("at-least: wanted a probability from 0 to 1", code="probability")
    unknown = int((np.isnan(crosswalk.probability) & (_company(crosswalk.person) > 1)).sum())
    if unknown:
        raise DataError(
            f"crosswalk: {unknown} records that are linked have no probability",
            code="no-probability",
            hint="join without --at-least, or ask the linkage unit for probabilities",
        )
    person = crosswalk.person.copy()
    leaving = np.flatnonzero(crosswalk.probability < at_least)
    pairs = zip(person[leaving].tolist(), crosswalk.linkage_key[leaving].tolist(), strict=True)
    person[leaving] = [hashlib.sha256(old + key).hexdigest()[:HEX_DIGITS].encode() for old, key in pairs]
    return _in_order(
        crosswalk.sources, person, crosswalk.source, crosswalk.linkage_key, crosswalk.probability
    )


def _drawn(n: int) -> Ids:
    try:
        drawn = os.urandom(KEY_BYTES * n)
    except (OSError, NotImplementedError):
        raise ResourceError("the operating system gives no random bytes", code="no-randomness") from None
    return np.frombuffer(drawn.hex().encode("ascii"), dtype=_ID_TYPE)


def _by_row(rows: Rows, keys: Ids) -> tuple[Rows, Ids]:
    order = np.argsort(rows, kind="stable")
    return rows[order], keys[order]


def _in_order(
    sources: tuple[str, ...], person: Ids, source: Codes, keys: Ids, probability: Scores
) -> Crosswalk:
    """Sort by what the rows say, so that their order says nothing more."""
    order = np.lexsort((keys, source, person))
    known = np.where(_company(person) > 1, probability, np.nan)
    return Crosswalk(sources, person[order], source[order], keys[order], known[order])


def _company(person: Ids) -> Rows:
    """Count, for each record, the records of its person."""
    _, inverse, counts = np.unique(person, return_inverse=True, return_counts=True)
    company: Rows = counts[inverse]
    return company


def _require_keys(what: str, keys: Ids, *beside: Ids | Rows | Codes | Scores) -> None:
    for column in (keys, *beside):
        if column.shape != (keys.size,):
            raise DataError(f"{what}: columns differ in length", code="linkage-keys")
        frozen(column)
    if keys.dtype != _ID_TYPE:
        raise DataError(f"{what}: wanted keys of {HEX_DIGITS} hexadecimal digits", code="linkage-keys")
    if np.unique(keys).size < keys.size:
        raise DataError(f"{what}: a linkage key occurs twice", code="linkage-keys")
