"""
Linking by several passes, in the order of the agreement.

The first pass that finds a link decides it.  Records that are linked leave; all others go
on to the next pass, also those in conflict, for which another pass may hold the evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pprl.linkage.parts import (
    CandidatesName,
    Part,
    PassRule,
    Progress,
    compare_part,
    folders_of,
    recall_of,
    require_candidates,
    rows_of,
    telling,
    uncrowded,
)
from pprl.linkage.resolving import symmetric_best_match
from pprl.linkage.results import LinkageResult, PassCount
from pprl.model import Conflicts, EncodedDataset, Links, Provenance, ScoredPairs
from pprl.model.arrays import Ids, Mask, Rows, Scores


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
    candidates: CandidatesName = "all-pairs",
    largest_block: int | None = None,
    checkpoint: Path | None = None,
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
    candidates : {"all-pairs", "shared-tags"}
        Which pairs the passes look at.  With "shared-tags" a pass that has no block tags
        still looks at all.
    largest_block : int, optional
        Drop tags that make more pairs than this; by default none is dropped.
    checkpoint : Path, optional
        Folder for what has been found so far; the same call goes on from there.

    Raises
    ------
    PolicyError
        If the datasets were not made alike under one agreement, or the checkpoint belongs
        to another linkage.
    DataError
        If a dataset lacks a pass.
    ResourceError
        If far too many pairs reach a threshold.
    UsageError
        If tags are asked for and no pass has any.
    """
    left.require_same_agreement(right)
    require_candidates(candidates, left, rules, largest_block)
    folders = folders_of(checkpoint, rules)
    free_left, free_right = left.spike_in == 0, right.spike_in == 0
    refusing = {rule.name: telling(left, right, rule) for rule in rules if rule.refuses}
    links: list[_Found] = []
    conflicts: list[_Found] = []
    counts: list[PassCount] = []
    for place, rule in enumerate(rules):
        left_rows, right_rows = rows_of(left, rule, free_left), rows_of(right, rule, free_right)
        n_rows = left_rows.size + right_rows.size
        if rule.threshold is None:
            left_rows, right_rows = uncrowded(left, right, left_rows, right_rows, rule)
        n_crowded = n_rows - left_rows.size - right_rows.size
        part = Part.of(left, right, left_rows, right_rows, rule, candidates, largest_block)
        pairs = compare_part(part, workers=workers, progress=progress, checkpoint=folders[place])
        pairs = _unrefused(pairs, left, right, left_rows, right_rows, refusing)
        resolution = symmetric_best_match(pairs)
        found = _found(pairs, resolution.linked, left_rows, right_rows, rule)
        free_left[found.left] = False
        free_right[found.right] = False
        links.append(found)
        conflicts.append(_found(pairs, resolution.conflicting, left_rows, right_rows, rule))
        counts.append(
            PassCount(
                name=rule.name,
                n_left=int(left.real[left_rows].sum()),
                n_right=int(right.real[right_rows].sum()),
                n_crowded=n_crowded,
                n_pairs=int((left.real[left_rows[pairs.left]] & right.real[right_rows[pairs.right]]).sum()),
                n_links=found.left.size,
                candidates=part.candidates,
                recall=recall_of(part, workers),
                dropped=part.dropped,
            )
        )
    return LinkageResult(
        links=Links(*_columns(left, right, _real(left, right, links))),
        conflicts=Conflicts(
            *_columns(left, right, _real(left, right, _undecided(conflicts, free_left, free_right)))
        ),
        counts=tuple(counts),
        n_left=int(left.real.sum()),
        n_right=int(right.real.sum()),
        fingerprint=left.fingerprint,
        provenance=Provenance.current(),
    )


def _unrefused(
    pairs: ScoredPairs,
    left: EncodedDataset,
    right: EncodedDataset,
    left_rows: Rows,
    right_rows: Rows,
    refusing: Mapping[str, tuple[Mask, Mask]],
) -> ScoredPairs:
    """Leave out pairs whose exact values are both known and differ."""
    a, b = left_rows[pairs.left], right_rows[pairs.right]
    kept = np.ones(len(pairs), dtype=np.bool_)
    for name, (left_known, right_known) in refusing.items():
        known = left_known[a] & right_known[b]
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


def _real(left: EncodedDataset, right: EncodedDataset, found: Sequence[_Found]) -> list[_Found]:
    """Leave out pairs with a decoy."""
    kept = []
    for one in found:
        real = left.real[one.left] & right.real[one.right]
        kept.append(_Found(one.left[real], one.right[real], one.score[real], one.name))
    return kept


def _columns(
    left: EncodedDataset, right: EncodedDataset, found: Sequence[_Found]
) -> tuple[Rows, Rows, Ids, Ids, Scores, tuple[str, ...], Scores]:
    left_rows = np.concatenate([one.left for one in found])
    right_rows = np.concatenate([one.right for one in found])
    return (
        left_rows,
        right_rows,
        left.record_ids[left_rows],
        right.record_ids[right_rows],
        np.concatenate([one.score for one in found]),
        tuple(one.name for one in found for _ in range(one.left.size)),
        np.full(left_rows.size, np.nan),
    )
