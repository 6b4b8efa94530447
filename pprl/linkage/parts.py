"""
Passes as they are compared: of each side the records that take part, their bits and tags.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from pprl.machine import processors
from pprl.model import BitMatrix, EncodedDataset, ScoredPairs
from pprl.model.arrays import AnyArray, Mask, Rows, Tags

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


@dataclass(frozen=True, slots=True)
class ComparisonOptions:
    """How packages are compared: what `link` and `deduplicate` are told besides the agreement."""

    workers: int | None = None
    progress: Progress | None = None
    candidates: CandidatesName = "all-pairs"
    largest_block: int | None = None
    checkpoint: Path | None = None

    def within(self, folder: str) -> "ComparisonOptions":
        """Keep what is found in a folder of the checkpoint."""
        return self if self.checkpoint is None else replace(self, checkpoint=self.checkpoint / folder)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
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
    ) -> "Part":
        """Take the rows that a pass compares, without copying where they are all."""
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
        """Which pairs are looked at: "equal", "all-pairs" or "shared-tags"."""
        if self.rule.threshold is None:
            return "equal"
        return "all-pairs" if self.tags is None else "shared-tags"


def checkpoint_folders(checkpoint: Path, names: Sequence[str]) -> list[Path]:
    """Give the folder in which each pass keeps what it has found so far."""
    return [checkpoint / f"{place:02d}-{name}" for place, name in enumerate(names)]


def folders_of(checkpoint: Path | None, rules: Sequence[PassRule]) -> Sequence[Path | None]:
    """Make the folder of a checkpoint, and name the one of each pass.

    Raises
    ------
    PolicyError
        If the checkpoint has other passes.
    """
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


def rows_of(dataset: EncodedDataset, rule: PassRule, free: Mask) -> Rows:
    """Give the rows that take part in a pass and are still free.

    Raises
    ------
    DataError
        If the dataset lacks the pass.
    """
    if rule.name not in dataset.passes:
        raise DataError(
            f"package: has no pass {rule.name}", code="no-pass", hint="was it made under this agreement?"
        )
    return np.flatnonzero(dataset.present[rule.name] & free)


def uncrowded(
    left: EncodedDataset, right: EncodedDataset, left_rows: Rows, right_rows: Rows, rule: PassRule
) -> tuple[Rows, Rows]:
    """Leave out records that share an exact value with so many that it can decide nothing."""
    sides = left.passes[rule.name].take(left_rows), right.passes[rule.name].take(right_rows)
    left_crowded, right_crowded = crowded_rows(*sides, most=MOST_PAIRS_OF_A_VALUE)
    return left_rows[~left_crowded], right_rows[~right_crowded]


def telling(left: EncodedDataset, right: EncodedDataset, rule: PassRule) -> tuple[Mask, Mask]:
    """Say which records have a value in an exact pass that tells something: present, and not crowded.

    A value that many share, such as a placeholder, neither proves nor refuses anything.
    """
    left_rows, right_rows = (np.flatnonzero(side.present[rule.name]) for side in (left, right))
    kept = uncrowded(left, right, left_rows, right_rows, rule)
    masks = np.zeros(len(left), dtype=np.bool_), np.zeros(len(right), dtype=np.bool_)
    for mask, chosen in zip(masks, kept, strict=True):
        mask[chosen] = True
    return masks


def require_candidates(
    candidates: str, left: EncodedDataset, rules: Sequence[PassRule], largest_block: int | None
) -> None:
    """Raise unless the candidates asked for can be had.

    Raises
    ------
    UsageError
        If there are none of that name, or no pass has tags.
    """
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


def compare_part(
    part: Part, *, workers: int | None, progress: Progress | None, checkpoint: Path | None
) -> ScoredPairs:
    """Find the pairs of a pass that are equal, or reach its threshold."""
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


def recall_of(part: Part, workers: int | None) -> Estimate | None:
    """Measure on a sample of records what share of the wanted pairs have a tag in common."""
    if part.tags is None or part.rule.threshold is None or not min(len(part.left), len(part.right)):
        return None
    rng = np.random.default_rng(0)
    n_pairs = _SAMPLED_ROWS * len(part.right)
    threshold = Fraction(part.rule.threshold)
    sample = Sample.of(part.left, part.right, threshold, n_pairs, rng, workers or processors())
    return sample.share(sample.sharing(BlockTags(*part.tags, (part.tags[0].shape[1],))))
