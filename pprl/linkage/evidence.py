"""
Evidence: for each pair worth a look, what every pass says of it.

A pair is worth a look if its values in an exact pass are equal, or if its similarity in any
pass is among the highest: far below what makes a link, so that false links can be counted
too.  Of such a pair all passes are asked.  A pass from which a record is absent says nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pprl.comparison import compare
from pprl.comparison.kernels.loading import load_kernel
from pprl.comparison.pairwise import dice_of
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
from pprl.linkage.results import PassCount
from pprl.model import BitMatrix, EncodedDataset
from pprl.model.arrays import Mask, Rows, Scores

Agreement = npt.NDArray[np.int8]  # (pairs,): 1 equal, -1 both known and different, 0 not known of both

PAIRS_OF_A_RECORD = 4.0  # that a pass proposes, on average
_SAMPLED_PAIRS = 4_000_000  # compared to find where a pass has so many
_FEWEST_ROWS = 200  # of the left in that sample
_STEP = Decimal("0.05")
_EXACTLY = Decimal("0.0001")
_UNRELATED_PAIRS = 20_000  # drawn by chance, to see how alike strangers are


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evidence:
    """Candidate pairs, and what each pass says of them.

    Parameters
    ----------
    left, right : ndarray of int64, shape (pairs,)
        Rows of the two datasets, in the order of left and right.
    likeness : mapping of str to ndarray of float64, shape (pairs,)
        For each fuzzy pass the similarity, NaN where a record is absent.
    equality : mapping of str to ndarray of int8, shape (pairs,)
        For each exact pass 1 where both are equal, -1 where they differ, else 0: also where so many
        records share a value that it tells nothing.
    counts : tuple of PassCount
        What each pass proposed.
    by_likeness : ndarray of bool, shape (pairs,), optional
        Which pairs a fuzzy pass proposed; the others are there for an equal exact value alone.
    """

    left: Rows
    right: Rows
    likeness: dict[str, Scores]
    equality: dict[str, Agreement]
    counts: tuple[PassCount, ...]
    by_likeness: Mask = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))

    def __len__(self) -> int:
        return int(self.left.size)

    def take(self, chosen: Rows) -> "Evidence":
        """Give some of the pairs."""
        return Evidence(
            self.left[chosen],
            self.right[chosen],
            {name: values[chosen] for name, values in self.likeness.items()},
            {name: values[chosen] for name, values in self.equality.items()},
            self.counts,
            self.by_likeness[chosen] if self.by_likeness.size else self.by_likeness,
        )

    def __repr__(self) -> str:
        return f"Evidence({len(self)} pairs, {len(self.likeness) + len(self.equality)} passes)"


def gather(
    left: EncodedDataset,
    right: EncodedDataset,
    rules: Sequence[PassRule],
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    candidates: CandidatesName = "all-pairs",
    largest_block: int | None = None,
    checkpoint: Path | None = None,
) -> Evidence:
    """Find the pairs worth a look, and ask every pass.

    Parameters and errors are those of `link_datasets`; thresholds of the rules are not used.

    Returns
    -------
    Evidence
        The pairs.  Those that an exact pass refuses are left out.
    """
    left.require_same_agreement(right)
    require_candidates(candidates, left, rules, largest_block)
    folders = folders_of(checkpoint, rules)
    proposed: list[Rows] = [np.empty(0, dtype=np.int64)]
    counts: list[PassCount] = []
    for rule, folder in zip(rules, folders, strict=True):
        everyone = (np.ones(len(side), dtype=np.bool_) for side in (left, right))
        rows = [rows_of(side, rule, free) for side, free in zip((left, right), everyone, strict=True)]
        n_rows = sum(one.size for one in rows)
        if rule.threshold is None:
            rows = list(uncrowded(left, right, rows[0], rows[1], rule))
        part = Part.of(left, right, rows[0], rows[1], rule, candidates, largest_block)
        if rule.threshold is not None:
            part = replace(part, rule=replace(rule, threshold=floor_of(part.left, part.right, workers)))
        pairs = compare_part(part, workers=workers, progress=progress, checkpoint=folder)
        proposed.append(rows[0][pairs.left] * len(right) + rows[1][pairs.right])
        counts.append(
            PassCount(
                name=rule.name,
                n_left=int(left.real[rows[0]].sum()),
                n_right=int(right.real[rows[1]].sum()),
                n_crowded=n_rows - rows[0].size - rows[1].size,
                n_pairs=int((left.real[rows[0][pairs.left]] & right.real[rows[1][pairs.right]]).sum()),
                n_links=0,
                candidates=part.candidates,
                recall=recall_of(part, workers),
                dropped=part.dropped,
            )
        )
    numbers = np.unique(np.concatenate(proposed))
    evidence = asked(left, right, rules, numbers // max(1, len(right)), numbers % max(1, len(right)))
    refused = [evidence.equality[rule.name] < 0 for rule in rules if rule.refuses]
    fuzzy = [one for one, rule in zip(proposed[1:], rules, strict=True) if rule.threshold is not None]
    by_likeness = np.isin(numbers, np.concatenate([proposed[0], *fuzzy]))
    evidence = replace(evidence, by_likeness=by_likeness)
    kept = ~np.logical_or.reduce(refused) if refused else np.ones(len(evidence), dtype=np.bool_)
    return replace(evidence.take(np.flatnonzero(kept)), counts=tuple(counts))


def asked(
    left: EncodedDataset, right: EncodedDataset, rules: Sequence[PassRule], left_rows: Rows, right_rows: Rows
) -> Evidence:
    """Ask every pass about given pairs."""
    likeness: dict[str, Scores] = {}
    equality: dict[str, Agreement] = {}
    for rule in rules:
        known = left.present[rule.name], right.present[rule.name]
        if rule.threshold is None:
            known = telling(left, right, rule)
        both: Mask = known[0][left_rows] & known[1][right_rows]
        one, other = left.passes[rule.name], right.passes[rule.name]
        if rule.threshold is None:
            same = (one.words[left_rows] == other.words[right_rows]).all(axis=1)
            equality[rule.name] = np.where(both, np.where(same, 1, -1), 0).astype(np.int8)
        else:
            likeness[rule.name] = np.where(both, dice_of(one, other, left_rows, right_rows), np.nan)
    return Evidence(left_rows, right_rows, likeness, equality, ())


def unrelated(
    left: EncodedDataset, right: EncodedDataset, rules: Sequence[PassRule], generator: np.random.Generator
) -> Evidence:
    """Ask every pass about pairs drawn by chance, of which hardly any is one person."""
    n_pairs = _UNRELATED_PAIRS if len(left) and len(right) else 0
    rows = (generator.integers(max(1, len(side)), size=n_pairs) for side in (left, right))
    return asked(left, right, rules, *rows)


def floor_of(left: BitMatrix, right: BitMatrix, workers: int | None = None) -> Decimal:
    """Give the similarity that a pass's proposals must reach: so that a record has four on average.

    Some rows of the left are compared with all of the right, at ever lower thresholds until
    there are enough pairs.
    """
    if not len(left) or not len(right):
        return Decimal(1)
    n_rows = min(len(left), max(_FEWEST_ROWS, _SAMPLED_PAIRS // len(right)))
    generator = np.random.default_rng(0)
    some = left.take(np.sort(generator.choice(len(left), n_rows, replace=False)))
    per_row = PAIRS_OF_A_RECORD * (len(left) + len(right)) / 2 / len(left)
    wanted = max(1, min(round(per_row * n_rows), n_rows * len(right)))
    threshold = 1 - _STEP
    # All of both are compared next, so what that is done with is no longer waited for.
    kernel = load_kernel("auto", n_pairs=len(left) * len(right)).name
    while True:
        pairs = compare(some, right, threshold=threshold, workers=workers, kernel=kernel)
        if len(pairs) >= wanted:
            return Decimal(str(pairs.score[wanted - 1])).quantize(_EXACTLY, rounding=ROUND_DOWN)
        if threshold <= _STEP:
            return _STEP
        threshold -= _STEP
