"""
Linking by several passes, in the order of the agreement.

The first pass that finds a link decides it.  Records that are linked leave; all others go
on to the next pass, also those in conflict, for which another pass may hold the evidence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

import numpy as np

from pprl.comparison import compare, equal_pairs
from pprl.errors import DataError
from pprl.linkage.resolving import symmetric_best_match
from pprl.model import Conflicts, EncodedDataset, Links, Provenance, ScoredPairs
from pprl.model.arrays import Ids, Mask, Rows, Scores

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class PassRule:
    """How one pass decides.

    Parameters
    ----------
    name : str
        Name of the pass.
    threshold : Decimal or None
        Least Dice similarity of a link; None if the pass asks for equality.
    """

    name: str
    threshold: Decimal | None


@dataclass(frozen=True, slots=True)
class PassCount:
    """What one pass did: records that took part, pairs at or above the threshold, links."""

    name: str
    n_left: int
    n_right: int
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
            "<tr>" + "".join(f"<td>{getattr(count, name)}</td>" for name in names) + "</tr>"
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
    links: list[_Found] = []
    conflicts: list[_Found] = []
    counts: list[PassCount] = []
    for rule in rules:
        left_rows, right_rows = _rows(left, rule, free_left), _rows(right, rule, free_right)
        pairs = _compare(left, right, left_rows, right_rows, rule, workers=workers, progress=progress)
        resolution = symmetric_best_match(pairs)
        found = _found(pairs, resolution.linked, left_rows, right_rows, rule)
        free_left[found.left] = False
        free_right[found.right] = False
        links.append(found)
        conflicts.append(_found(pairs, resolution.conflicting, left_rows, right_rows, rule))
        counts.append(PassCount(rule.name, left_rows.size, right_rows.size, len(pairs), found.left.size))
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
