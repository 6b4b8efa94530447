"""
Linking by several passes, in the order of the agreement.

The first pass that finds a link decides it.  Records that are linked leave; all others go
on to the next pass, also those in conflict, for which another pass may hold the evidence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from html import escape

import numpy as np

from pprl.comparison import compare, crowded_rows, equal_pairs
from pprl.errors import DataError
from pprl.linkage.resolving import symmetric_best_match
from pprl.model import Conflicts, EncodedDataset, Links, Provenance, ScoredPairs
from pprl.model.arrays import Ids, Mask, Rows, Scores

Progress = Callable[[str, int, int], None]
MOST_PAIRS_OF_A_VALUE = 100  # ten records a side with one number: a placeholder, not a person


@dataclass(frozen=True, slots=True)
class PassRule:
    """How one pass decides.

    Parameters
    ----------
    name : str
        Name of the pass.
    threshold : Decimal or None
        Least Dice similarity of a link; None if the pass asks for equality.
    refuses : bool
        Whether two records that both take part in this exact pass and are not equal are
        kept from being linked by another.
    """

    name: str
    threshold: Decimal | None
    refuses: bool = False


@dataclass(frozen=True, slots=True)
class PassCount:
    """What one pass did.

    Parameters
    ----------
    name : str
        Name of the pass.
    n_left, n_right : int
        Records that took part.
    n_crowded : int
        Records of both sides left out of an exact pass, because so many share their value
        that it says nothing of a person.
    n_pairs : int
        Pairs that are equal, or at or above the threshold.
    n_links : int
        Links.
    """

    name: str
    n_left: int
    n_right: int
    n_crowded: int
    n_pairs: int
    n_links: int


@dataclass(frozen=True, slots=True, repr=False)
class LinkageResult:
    """Links between two datasets, what could not be told, and how it came about.

    Parameters
    ----------
    links : Links
        One-to-one links.
    conflicts : Conflicts
        Pairs equally good for a record that no pass could decide.
    counts : tuple of PassCount
        What each pass did.
    n_left, n_right : int
        Records in the two datasets.
    fingerprint : str
        SHA-256 of the agreement.
    provenance : Provenance
        What made the links.
    """

    links: Links
    conflicts: Conflicts
    counts: tuple[PassCount, ...]
    n_left: int
    n_right: int
    fingerprint: str
    provenance: Provenance

    def __repr__(self) -> str:
        sides = f"{self.n_left} x {self.n_right} records"
        return f"LinkageResult({sides}, {len(self.links)} links, {len(self.conflicts)} conflicting pairs)"

    def _repr_html_(self) -> str:
        names = [field.name for field in fields(PassCount)]
        head = "".join(f"<th>{name}</th>" for name in names)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(str(getattr(count, name)))}</td>" for name in names) + "</tr>"
            for count in self.counts
        )
        caption = f"{len(self.links)} links, {len(self.conflicts)} conflicting pairs"
        return f"<table><caption>{caption}</caption><tr>{head}</tr>{rows}</table>"


@dataclass(frozen=True, slots=True)
class _Found:
    """Pairs that one pass found: rows of the whole datasets."""

    left: Rows
    right: Rows
    score: Scores
    name: str


def link_datasets(
    left: EncodedDataset,
    right: EncodedDataset,
    rules: Sequence[PassRule],
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> LinkageResult:
    """Link two datasets, pass by pass.

    Parameters
    ----------
    left, right : EncodedDataset
        Two parties' records, made under one agreement.
    rules : sequence of PassRule
        The passes in the order in which they decide.
    workers : int, optional
        Threads to compare with; by default one for each core.
    progress : callable, optional
        Called with the name of the pass, pairs compared and pairs to compare.

    Raises
    ------
    PolicyError
        If the datasets were not made alike under one agreement.
    DataError
        If a dataset lacks a pass.
    ResourceError
        If far too many pairs reach a threshold.
    """
    left.require_same_agreement(right)
    free_left, free_right = np.ones(len(left), dtype=np.bool_), np.ones(len(right), dtype=np.bool_)
    refusing = [rule.name for rule in rules if rule.refuses]
    links: list[_Found] = []
    conflicts: list[_Found] = []
    counts: list[PassCount] = []
    for rule in rules:
        left_rows, right_rows = _rows(left, rule, free_left), _rows(right, rule, free_right)
        n_rows = left_rows.size + right_rows.size
        if rule.threshold is None:
            left_rows, right_rows = _uncrowded(left, right, left_rows, right_rows, rule)
        n_crowded = n_rows - left_rows.size - right_rows.size
        pairs = _compare(left, right, left_rows, right_rows, rule, workers=workers, progress=progress)
        pairs = _unrefused(pairs, left, right, left_rows, right_rows, refusing)
        resolution = symmetric_best_match(pairs)
        found = _found(pairs, resolution.linked, left_rows, right_rows, rule)
        free_left[found.left] = False
        free_right[found.right] = False
        links.append(found)
        conflicts.append(_found(pairs, resolution.conflicting, left_rows, right_rows, rule))
        counts.append(
            PassCount(rule.name, left_rows.size, right_rows.size, n_crowded, len(pairs), found.left.size)
        )
    return LinkageResult(
        links=Links(*_columns(left, right, links)),
        conflicts=Conflicts(*_columns(left, right, _undecided(conflicts, free_left, free_right))),
        counts=tuple(counts),
        n_left=len(left),
        n_right=len(right),
        fingerprint=left.fingerprint,
        provenance=Provenance.current(),
    )


def _rows(dataset: EncodedDataset, rule: PassRule, free: Mask) -> Rows:
    if rule.name not in dataset.passes:
        raise DataError(
            f"package: has no pass {rule.name}", code="no-pass", hint="was it made under this agreement?"
        )
    return np.flatnonzero(dataset.present[rule.name] & free)


def _uncrowded(
    left: EncodedDataset, right: EncodedDataset, left_rows: Rows, right_rows: Rows, rule: PassRule
) -> tuple[Rows, Rows]:
    """Leave out records that share an exact value with so many that it can decide nothing."""
    sides = left.passes[rule.name].take(left_rows), right.passes[rule.name].take(right_rows)
    left_crowded, right_crowded = crowded_rows(*sides, most=MOST_PAIRS_OF_A_VALUE)
    return left_rows[~left_crowded], right_rows[~right_crowded]


def _compare(
    left: EncodedDataset,
    right: EncodedDataset,
    left_rows: Rows,
    right_rows: Rows,
    rule: PassRule,
    *,
    workers: int | None,
    progress: Progress | None,
) -> ScoredPairs:
    chosen_left = left.passes[rule.name].take(left_rows)
    chosen_right = right.passes[rule.name].take(right_rows)
    if rule.threshold is None:
        return equal_pairs(chosen_left, chosen_right)
    report = None if progress is None else lambda done, total: progress(rule.name, done, total)
    return compare(chosen_left, chosen_right, threshold=rule.threshold, workers=workers, progress=report)


def _unrefused(
    pairs: ScoredPairs,
    left: EncodedDataset,
    right: EncodedDataset,
    left_rows: Rows,
    right_rows: Rows,
    refusing: Sequence[str],
) -> ScoredPairs:
    """Leave out pairs whose exact values are both known and differ."""
    a, b = left_rows[pairs.left], right_rows[pairs.right]
    kept = np.ones(len(pairs), dtype=np.bool_)
    for name in refusing:
        known = left.present[name][a] & right.present[name][b]
        kept &= ~(known & (left.passes[name].words[a] != right.passes[name].words[b]).any(axis=1))
    if kept.all():
        return pairs
    return ScoredPairs(pairs.left[kept], pairs.right[kept], pairs.overlap[kept], pairs.score[kept])


def _found(pairs: ScoredPairs, chosen: Rows, left_rows: Rows, right_rows: Rows, rule: PassRule) -> _Found:
    return _Found(
        left_rows[pairs.left[chosen]], right_rows[pairs.right[chosen]], pairs.score[chosen], rule.name
    )


def _undecided(conflicts: Sequence[_Found], free_left: Mask, free_right: Mask) -> list[_Found]:
    """Keep the conflicts of records that no pass has linked."""
    kept = []
    for one in conflicts:
        still = free_left[one.left] & free_right[one.right]
        kept.append(_Found(one.left[still], one.right[still], one.score[still], one.name))
    return kept


def _columns(
    left: EncodedDataset, right: EncodedDataset, found: Sequence[_Found]
) -> tuple[Rows, Rows, Ids, Ids, Scores, tuple[str, ...]]:
    left_rows = np.concatenate([one.left for one in found])
    right_rows = np.concatenate([one.right for one in found])
    return (
        left_rows,
        right_rows,
        left.record_ids[left_rows],
        right.record_ids[right_rows],
        np.concatenate([one.score for one in found]),
        tuple(one.name for one in found for _ in range(one.left.size)),
    )
