"""
De-duplication: which records of one source are one person.

The source is compared with itself, each pair of records once.  Nobody competes: a person may
be there any number of times, so every pair stands for itself.

A record is as likely to be as alike to a decoy as to the record of somebody else.  Of n real
records and d decoys there are n (n - 1) / 2 pairs of real records and n d pairs of a real one
and a decoy.  So above any weight, for each pair with a decoy,

    (n (n - 1) / 2) / (n d) = (n - 1) / (2 d)

false pairs of real records are to be expected, if decoys are as alike to real records as these are
to one another.  Here they are more so: a decoy is made of records of this very source, and nobody
else takes these from it, as a true partner does between two sources.  The more alike, the more of
the pairs with decoys are with their own models.  But where next to no pair is true, it can be seen
by how much there are too many: no more real pairs can be false than there are.  So pairs with
decoys are thinned out (see `fair_share`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from pprl.comparison import drop_large_blocks
from pprl.linkage.deciding import FIRST, Contest, concluded, require_decoys
from pprl.linkage.evidence import Evidence, asked, floor_of, unrelated
from pprl.linkage.parts import (
    ComparisonOptions,
    Part,
    PassRule,
    compare_part,
    folders_of,
    require_candidates,
    rows_of,
    uncrowded,
)
from pprl.linkage.precision import Population
from pprl.linkage.rescoring import equality_of, rescored
from pprl.linkage.results import LinkageResult, PassCount
from pprl.linkage.target import Target
from pprl.linkage.weighing import scale_of
from pprl.model import BitMatrix, Conflicts, EncodedDataset, Links, Provenance
from pprl.model.arrays import Mask, Rows, Scores

_HEAVIEST = 30.0  # weight, far below that of an equal exact value
_FALSE = 0.05  # share of false pairs at which two ways to weigh are compared
_FEWEST_PAIRS = 100  # with decoys, in the block of the most alike pairs


@dataclass(frozen=True, slots=True, eq=False)
class _Proposed:
    """Pairs that one pass proposes: rows of the dataset, left before right."""

    left: Rows
    right: Rows
    score: Scores
    count: PassCount


def decide_within(
    dataset: EncodedDataset, rules: Sequence[PassRule], target: Target, how: ComparisonOptions
) -> LinkageResult:
    """Find the pairs of one dataset that are one person, by the evidence of all passes together.

    Parameters
    ----------
    dataset : EncodedDataset
        With decoys.
    rules : sequence of PassRule
        The passes; their thresholds are not used.
    target : Target
        What precision is asked for; sides and resolving are not used.
    how : ComparisonOptions
        How it is compared with itself.

    Returns
    -------
    LinkageResult
        Many-to-many links between the dataset and itself, the smaller row on the left.

    Raises
    ------
    PolicyError
        If the dataset has no decoys.
    """
    require_decoys(dataset)
    evidence = self_evidence(dataset, rules, how)
    n_real = int(dataset.real.sum())
    # Nobody has at most one partner, so `scale` is half of this number over that of the decoys.
    others = max(n_real - 1, 1)
    population = Population(
        n_left=others,
        n_right=others,
        left_decoys=dataset.n_decoys,
        right_decoys=dataset.n_decoys,
        left_once=False,
        right_once=False,
    )
    contest = _all_pairs(dataset, evidence, rules, population)
    result = concluded(dataset, dataset, evidence, rules, contest, population, target)
    return replace(result, n_left=n_real, n_right=n_real)


def link_within(dataset: EncodedDataset, rules: Sequence[PassRule], how: ComparisonOptions) -> LinkageResult:
    """Find the pairs of one dataset that reach the threshold of a pass; the first such pass is named.

    Parameters and what is returned are those of `decide_within`; decoys are not needed.
    """
    require_candidates(how.candidates, dataset, rules, how.largest_block)
    proposed = list(_proposed(dataset, rules, how, at_thresholds=True))
    left = np.concatenate([one.left for one in proposed])
    right = np.concatenate([one.right for one in proposed])
    score = np.concatenate([one.score for one in proposed])
    passed = np.repeat(np.arange(len(proposed)), [one.left.size for one in proposed])
    first = np.unique(left * len(dataset) + right, return_index=True)[1]
    first = first[_open(asked(dataset, dataset, rules, left[first], right[first]), rules)]
    first = np.sort(first[dataset.real[left[first]] & dataset.real[right[first]]])
    names = [one.count.name for one in proposed]
    n_links = np.bincount(passed[first], minlength=len(names)).tolist()
    n_real = int(dataset.real.sum())
    return LinkageResult(
        links=Links(
            left[first],
            right[first],
            dataset.record_ids[left[first]],
            dataset.record_ids[right[first]],
            score[first],
            tuple(names[place] for place in passed[first].tolist()),
            np.full(first.size, np.nan),
            left_once=False,
            right_once=False,
        ),
        conflicts=_no_conflicts(dataset),
        counts=tuple(replace(one.count, n_links=n) for one, n in zip(proposed, n_links, strict=True)),
        n_left=n_real,
        n_right=n_real,
        fingerprint=dataset.fingerprint,
        provenance=Provenance.current(),
    )


def self_evidence(dataset: EncodedDataset, rules: Sequence[PassRule], how: ComparisonOptions) -> Evidence:
    """Find the pairs of a dataset that are worth a look, and ask every pass.

    Returns
    -------
    Evidence
        Each pair once, left before right.  Those that an exact pass refuses are left out.
    """
    require_candidates(how.candidates, dataset, rules, how.largest_block)
    proposed = list(_proposed(dataset, rules, how, at_thresholds=False))
    numbers = np.unique(np.concatenate([one.left * len(dataset) + one.right for one in proposed]))
    left, right = np.divmod(numbers, max(1, len(dataset)))
    evidence = asked(dataset, dataset, rules, left, right)
    return replace(evidence.take(_open(evidence, rules)), counts=tuple(one.count for one in proposed))


def _proposed(
    dataset: EncodedDataset, rules: Sequence[PassRule], how: ComparisonOptions, *, at_thresholds: bool
) -> Iterator[_Proposed]:
    folders = folders_of(how.checkpoint, rules)
    everyone = np.ones(len(dataset), dtype=np.bool_)
    for rule, folder in zip(rules, folders, strict=True):
        present = rows_of(dataset, rule, everyone)
        rows = present
        if rule.threshold is None:
            rows, _ = uncrowded(dataset, dataset, present, present, rule)
        part = _part(dataset, rows, rule, how)
        if rule.threshold is not None and not at_thresholds:
            part = replace(part, rule=replace(rule, threshold=_floor_within(part.left, how.workers)))
        pairs = compare_part(part, workers=how.workers, progress=how.progress, checkpoint=folder)
        count = PassCount(
            name=rule.name,
            n_left=int(dataset.real[rows].sum()),
            n_right=int(dataset.real[rows].sum()),
            n_crowded=present.size - rows.size,
            n_pairs=int((dataset.real[rows[pairs.left]] & dataset.real[rows[pairs.right]]).sum()),
            n_links=0,
            candidates=part.candidates,
            dropped=part.dropped,
        )
        yield _Proposed(rows[pairs.left], rows[pairs.right], pairs.score, count)


def _part(dataset: EncodedDataset, rows: Rows, rule: PassRule, how: ComparisonOptions) -> Part:
    """Take the rows of a pass: one object for both sides, so that it is compared with itself."""
    bits = dataset.passes[rule.name].take(rows)
    tags = dropped = None
    if how.candidates == "shared-tags" and rule.name in dataset.tags:
        tags = np.ascontiguousarray(dataset.tags[rule.name][rows])
        if how.largest_block is not None:
            tags, _, dropped = drop_large_blocks(tags, tags, most=how.largest_block)
    return Part(rule, rows, rows, bits, bits, None if tags is None else (tags, tags), dropped)


def _floor_within(bits: BitMatrix, workers: int | None) -> Decimal:
    """Give the floor between two halves drawn by chance: there no record meets itself."""
    shuffled = np.random.default_rng(0).permutation(len(bits))
    half = len(bits) // 2
    return floor_of(bits.take(np.sort(shuffled[:half])), bits.take(np.sort(shuffled[half:])), workers)


def _open(evidence: Evidence, rules: Sequence[PassRule]) -> Rows:
    """Give the pairs that no exact pass refuses."""
    refused = [evidence.equality[rule.name] < 0 for rule in rules if rule.refuses]
    return np.flatnonzero(~np.logical_or.reduce([np.zeros(len(evidence), dtype=np.bool_), *refused]))


def _all_pairs(
    dataset: EncodedDataset, evidence: Evidence, rules: Sequence[PassRule], population: Population
) -> Contest:
    """Weigh all pairs; none excludes another."""
    left, right = dataset.real[evidence.left], dataset.real[evidence.right]
    real = left & right
    decoy = (left & dataset.decoy[evidence.right]) | (dataset.decoy[evidence.left] & right)
    by_chance = _strangers(dataset, rules)
    scale = float(population.scale(np.zeros(1))[0])
    whole = filled(evidence, by_chance)
    learned = max(
        (_learned(whole, by_chance, real, decoy, scale), _sum_of_passes(whole, by_chance)),
        key=lambda weight: _n_likely(weight, real, decoy, scale),
    )
    equality = equality_of(evidence, by_chance, real)
    weight = learned + equality.added
    rank = np.where(equality.equal, weight + FIRST, weight)
    won = np.flatnonzero((real | decoy) & ~equality.contradicts)
    won = won[_fair(rank[won], real[won], scale)]
    return Contest(
        rank=rank,
        won=won,
        real=real[won],
        doubt=np.where(equality.equal & real, equality.error, 0.0),
        displaced=np.empty(0, dtype=np.int64),
        conflicting=np.empty(0, dtype=np.int64),
        contradicting=np.flatnonzero(equality.contradicts & real),
    )


def _learned(evidence: Evidence, chance: Evidence, real: Mask, decoy: Mask, scale: float) -> Scores:
    """Weigh each pair both ways, so that a record meets all its partners; the mean of two models."""
    weight = rescored(_both_ways(evidence), chance, np.tile(real, 2), np.tile(decoy, 2), scale)
    mean: Scores = weight.reshape(2, -1).mean(axis=0)
    return mean


def _sum_of_passes(evidence: Evidence, chance: Evidence) -> Scores:
    """Weigh pairs as if all passes were alike: where few are true, there is little to learn from."""
    total = np.zeros(len(evidence))
    for name, values in evidence.likeness.items():
        middle, spread = scale_of(chance.likeness[name])
        total += (values - middle) / spread
    return total * (_HEAVIEST / max(float(np.abs(total).max(initial=0.0)), 1.0))


def _n_likely(weight: Scores, real: Mask, decoy: Mask, scale: float) -> int:
    """Count the real pairs that a weight puts before too many false ones."""
    among = np.flatnonzero(real | decoy)
    order = among[np.lexsort((real[among], -weight[among]))]
    n_real = np.cumsum(real[order])
    n_false = np.cumsum(fair_share(real[order], scale) * ~real[order]) * scale
    return int(n_real[n_false <= _FALSE * n_real].max(initial=0))


def fair_share(real: Mask, scale: float) -> Scores:
    """Say what share of the pairs with decoys is as it would be if they had no models in the source.

    From the least alike pairs upwards, in blocks that hold ever fewer pairs with decoys, real pairs
    are held against those expected.  Real pairs are false or true, so the share is no larger than
    that, and it does not rise with likeness; the smallest so far is taken.

    Parameters
    ----------
    real : ndarray of bool, shape (n,)
        Pairs in falling order of weight: of two real records, or of one and a decoy.
    scale : float
        False pairs of real records for each pair with a decoy.

    Returns
    -------
    ndarray of float64, shape (n,)
        From 0 to 1, not rising with the weight.

    Examples
    --------
    >>> real = np.array([True] * 80 + [False] * 101 + [True] * 9 + [False] * 199)
    >>> fair_share(real, 0.5)[[0, 200]].round(2).tolist()
    [0.1, 0.1]
    """
    n_decoys = np.cumsum(~real)
    block = np.floor(np.log2(np.maximum(n_decoys - 1, 0) / _FEWEST_PAIRS + 1)).astype(np.int64)
    # A real pair belongs to the block of the decoy before it, so the first block has those above any.
    n_real = np.bincount(block, weights=real)
    expected = scale * np.bincount(block, weights=~real)
    share = np.minimum(1.0, (n_real + 1) / np.maximum(expected, scale))
    upwards = np.minimum.accumulate(share[::-1])[::-1]
    shares: Scores = upwards[block]
    return shares


def _fair(weight: Scores, real: Mask, scale: float) -> Rows:
    """Give all pairs of real records, and of those with decoys as many as are fair."""
    order = np.lexsort((real, -weight))
    kept = real[order].copy()
    decoys = np.flatnonzero(~kept)
    counted = np.floor(np.cumsum(fair_share(kept, scale)[decoys]) + 0.5)
    kept[decoys[np.diff(counted, prepend=0.0) > 0]] = True
    return np.sort(order[kept])


def filled(evidence: Evidence, chance: Evidence) -> Evidence:
    """Let a pass from which a record is absent say what the others say on average, a little less.

    In a source with few pairs of one person hardly any of those that are learned from lacks a
    pass, and a model takes absence for a sign against.  Similarities are measured in standard
    deviations of unrelated pairs; the mean of k passes out of m counts with sqrt(k / m), as a sum
    of k that is held against a sum of m.
    """
    scales = {name: scale_of(values) for name, values in chance.likeness.items()}
    units = np.column_stack(
        [(values - scales[name][0]) / scales[name][1] for name, values in evidence.likeness.items()]
        or [np.empty((len(evidence), 0))]
    )
    known = ~np.isnan(units)
    n_known = known.sum(axis=1)
    mean = np.where(known, units, 0).sum(axis=1) / np.maximum(n_known, 1)
    mean *= np.sqrt(n_known / max(1, units.shape[1]))
    likeness = {
        name: np.where(np.isnan(values), scales[name][0] + scales[name][1] * mean, values)
        for name, values in evidence.likeness.items()
    }
    return replace(evidence, likeness=likeness)


def _strangers(dataset: EncodedDataset, rules: Sequence[PassRule]) -> Evidence:
    drawn = unrelated(dataset, dataset, rules, np.random.default_rng(0))
    return drawn.take(np.flatnonzero(drawn.left != drawn.right))


def _both_ways(evidence: Evidence) -> Evidence:
    twice = evidence.take(np.tile(np.arange(len(evidence)), 2))
    left, right = (
        np.concatenate(sides) for sides in ((evidence.left, evidence.right), (evidence.right, evidence.left))
    )
    return replace(twice, left=left, right=right)


def _no_conflicts(dataset: EncodedDataset) -> Conflicts:
    rows, scores = np.empty(0, dtype=np.int64), np.empty(0)
    ids = dataset.record_ids[:0]
    return Conflicts(rows, rows, ids, ids, scores, (), scores)
