"""
Linking by several passes, in the order of the agreement.

The first pass that finds a link decides it.  Records that are linked leave; all others go
on to the next pass, also those in conflict, for which another pass may hold the evidence.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np

from pprl.comparison import (
    AllPairs,
    Candidates,
    SharedTags,
    compare,
    crowded_rows,
    drop_large_blocks,
    equal_pairs,
)
from pprl.comparison.checkpoint import remove_checkpoints
from pprl.comparison.guards import require_whole
from pprl.comparison.sampling import BlockTags, Estimate, Sample
from pprl.comparison.tags import Dropped
from pprl.errors import DataError, PolicyError, UsageError, nearest
from pprl.files import make_folder
from pprl.linkage.resolving import symmetric_best_match
from pprl.linkage.results import LinkageResult, PassCount
from pprl.machine import processors
from pprl.model import BitMatrix, Conflicts, EncodedDataset, Links, Provenance, ScoredPairs
from pprl.model.arrays import AnyArray, Ids, Mask, Rows, Scores, Tags

Progress = Callable[[str, int, int], None]
CandidatesName = Literal["all-pairs", "shared-tags"]

_SAMPLED_ROWS = 2000  # compared with all rows, to measure what pairs without a tag in common are missed
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


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The records that one pass compares: of each side the rows, their bits and their tags."""

    rule: PassRule
    left_rows: Rows
    right_rows: Rows
    left: BitMatrix
    right: BitMatrix
    tags: tuple[Tags, Tags] | None
    dropped: Dropped | None = None

    @classmethod
    def of(
        cls,
        left: EncodedDataset,
        right: EncodedDataset,
        left_rows: Rows,
        right_rows: Rows,
        rule: PassRule,
        candidates: CandidatesName,
        largest_block: int | None,
    ) -> "_Part":
        tags = dropped = None
        if candidates == "shared-tags" and rule.name in left.tags:
            tags = _chosen(left.tags[rule.name], left_rows), _chosen(right.tags[rule.name], right_rows)
        if tags is not None and largest_block is not None:
            *kept, dropped = drop_large_blocks(*tags, most=largest_block)
            tags = kept[0], kept[1]
        left_bits, right_bits = left.passes[rule.name], right.passes[rule.name]
        return cls(
            rule,
            left_rows,
            right_rows,
            BitMatrix(_chosen(left_bits.words, left_rows), left_bits.n_bits),
            BitMatrix(_chosen(right_bits.words, right_rows), right_bits.n_bits),
            tags,
            dropped,
        )

    @property
    def candidates(self) -> str:
        if self.rule.threshold is None:
            return "equal"
        return "all-pairs" if self.tags is None else "shared-tags"


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
    _require_candidates(candidates, left, rules, largest_block)
    folders = _folders(checkpoint, rules)
    free_left, free_right = np.ones(len(left), dtype=np.bool_), np.ones(len(right), dtype=np.bool_)
    refusing = [rule.name for rule in rules if rule.refuses]
    links: list[_Found] = []
    conflicts: list[_Found] = []
    counts: list[PassCount] = []
    for place, rule in enumerate(rules):
        left_rows, right_rows = _rows(left, rule, free_left), _rows(right, rule, free_right)
        n_rows = left_rows.size + right_rows.size
        if rule.threshold is None:
            left_rows, right_rows = _uncrowded(left, right, left_rows, right_rows, rule)
        n_crowded = n_rows - left_rows.size - right_rows.size
        part = _Part.of(left, right, left_rows, right_rows, rule, candidates, largest_block)
        pairs = _compare(part, workers=workers, progress=progress, checkpoint=folders[place])
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
                n_left=left_rows.size,
                n_right=right_rows.size,
                n_crowded=n_crowded,
                n_pairs=len(pairs),
                n_links=found.left.size,
                candidates=part.candidates,
                recall=_recall(part, workers),
                dropped=part.dropped,
            )
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


def checkpoint_folders(checkpoint: Path, names: Sequence[str]) -> list[Path]:
    """Give the folder in which each pass keeps what it has found so far."""
    return [checkpoint / f"{place:02d}-{name}" for place, name in enumerate(names)]


def _folders(checkpoint: Path | None, rules: Sequence[PassRule]) -> Sequence[Path | None]:
    if checkpoint is None:
        return [None] * len(rules)
    make_folder(checkpoint)
    folders = checkpoint_folders(checkpoint, [rule.name for rule in rules])
    others = [place for place in checkpoint.glob("[0-9][0-9]-*") if place not in folders]
    if others:
        raise PolicyError(
            "checkpoint: belongs to another linkage: it has other passes",
            code="other-job",
            hint="give the agreement that it was begun with, or another folder",
        )
    return folders


def forget_checkpoint(checkpoint: Path, names: Sequence[str]) -> None:
    """Delete what the passes kept, and the folder if nothing else is in it."""
    for folder in checkpoint_folders(checkpoint, names):
        remove_checkpoints(folder)
    with contextlib.suppress(OSError):
        checkpoint.rmdir()


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


def _require_candidates(
    candidates: str, left: EncodedDataset, rules: Sequence[PassRule], largest_block: int | None
) -> None:
    legal = get_args(CandidatesName)
    if candidates not in legal:
        raise UsageError(
            f"candidates: {candidates!r} is not one", code="candidates", hint=nearest(str(candidates), legal)
        )
    if largest_block is not None:
        require_whole("largest_block", largest_block, least=1)
        if candidates != "shared-tags":
            raise UsageError(
                "largest_block: where all pairs are compared there are no blocks",
                code="no-blocks",
                hint="choose the candidates shared-tags, or leave it out",
            )
    if candidates == "shared-tags" and not any(rule.name in left.tags for rule in rules):
        raise UsageError(
            "candidates: no pass of these packages has block tags",
            code="no-tags",
            hint="declare `blocks` for a pass in the agreement and encode again, or compare all pairs",
        )


def _chosen(array: AnyArray, rows: Rows) -> AnyArray:
    """Give some rows of an array; without a copy if they are all."""
    if rows.size == len(array):
        return array
    chosen: Any = array[rows]
    return cast("AnyArray", chosen)


def _compare(
    part: _Part, *, workers: int | None, progress: Progress | None, checkpoint: Path | None
) -> ScoredPairs:
    rule = part.rule
    if rule.threshold is None:
        return equal_pairs(part.left, part.right)
    candidates: Candidates = AllPairs() if part.tags is None else SharedTags(*part.tags)
    return compare(
        part.left,
        part.right,
        threshold=rule.threshold,
        candidates=candidates,
        workers=workers,
        progress=None if progress is None else lambda done, total: progress(rule.name, done, total),
        checkpoint=checkpoint,
    )


def _recall(part: _Part, workers: int | None) -> Estimate | None:
    """Measure on a sample of records what share of the wanted pairs have a tag in common."""
    if part.tags is None or part.rule.threshold is None or not min(len(part.left), len(part.right)):
        return None
    rng = np.random.default_rng(0)
    n_pairs = _SAMPLED_ROWS * len(part.right)
    threshold = Fraction(part.rule.threshold)
    sample = Sample.of(part.left, part.right, threshold, n_pairs, rng, workers or processors())
    return sample.share(sample.sharing(BlockTags(*part.tags, (part.tags[0].shape[1],))))


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
