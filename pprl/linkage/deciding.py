"""
Deciding: from the evidence of all passes to links with probabilities.

Pairs get a weight (`rescoring`), exclude one another (`resolving`), and what the links are
worth is told by decoys (`precision`).  The agreement's target sets the threshold.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pprl.errors import PolicyError
from pprl.linkage.evidence import Evidence, gather, unrelated
from pprl.linkage.parts import CandidatesName, PassRule, Progress
from pprl.linkage.precision import Population, PrecisionCurve, probabilities
from pprl.linkage.rescoring import equality_of, rescored
from pprl.linkage.resolving import Cardinality, Method, resolve
from pprl.linkage.results import Judgement, LinkageResult, WeightCounts
from pprl.model import Conflicts, EncodedDataset, Links, Provenance
from pprl.model.arrays import Ids, Mask, Rows, Scores

_EVEN = 0.5
_BINS = 60
_FIRST = 100.0  # added to the weight of pairs with equal exact values, of which decoys say nothing


@dataclass(frozen=True, slots=True)
class Target:
    """What a linkage aims at.

    Parameters
    ----------
    precision : float or None
        Share of links that are to be true; None for all links that are more likely true
        than not.
    cardinality : str
        Whether the sources hold each person once.
    method : str
        How pairs that exclude one another are resolved.
    lead : float
        By what factor the odds of the best pair must exceed those of the second best.
    """

    precision: float | None
    cardinality: Cardinality = "one-to-one"
    method: Method = "symmetric-best-match"
    lead: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class _Contest:
    """What resolving made of the pairs.

    Parameters
    ----------
    rank : ndarray of float64, shape (pairs,)
        Weights by which links are ranked: first all that have an equal exact value.
    won : ndarray of int64, shape (n,)
        Pairs that won, without those of two decoys.
    real : ndarray of bool, shape (n,)
        Which of these are of two real records.
    doubt : ndarray of float64, shape (n,)
        For those with an equal exact value the chance that they are false, else 0.
    conflicting, contradicting : ndarray of int64
        Pairs of real records that exclude one another and are equally good, and pairs of which
        an exact value is equal and nothing else alike.
    """

    rank: Scores
    won: Rows
    real: Mask
    doubt: Scores
    conflicting: Rows
    contradicting: Rows


def decide(
    left: EncodedDataset,
    right: EncodedDataset,
    rules: Sequence[PassRule],
    target: Target,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    candidates: CandidatesName = "all-pairs",
    largest_block: int | None = None,
    checkpoint: Path | None = None,
) -> LinkageResult:
    """Link two datasets by the evidence of all passes together.

    Parameters are those of `link_datasets`; thresholds of the rules are not used.

    Raises
    ------
    PolicyError
        If neither dataset has decoys.
    """
    if not left.n_decoys + right.n_decoys:
        raise PolicyError(
            "packages: have no decoys, so false links cannot be counted",
            code="no-decoys",
            hint="declare `decoys` in the agreement and encode again, or link by thresholds",
        )
    evidence = gather(
        left,
        right,
        rules,
        workers=workers,
        progress=progress,
        candidates=candidates,
        largest_block=largest_block,
        checkpoint=checkpoint,
    )
    population = Population(
        n_left=len(left) - left.n_decoys,
        n_right=len(right) - right.n_decoys,
        left_decoys=left.n_decoys,
        right_decoys=right.n_decoys,
        left_once=target.cardinality in {"one-to-one", "many-to-one"},
        right_once=target.cardinality in {"one-to-one", "one-to-many"},
    )
    contest = _contest(evidence, left, right, rules, population, target)
    curve = PrecisionCurve.of(contest.rank[contest.won], contest.real, contest.doubt, population)
    chance, end, judgement = _judged(curve, target)
    chosen = curve.order[:end][contest.real[curve.order[:end]]]
    probability = np.zeros(contest.won.size)
    probability[curve.order] = chance
    probability *= 1 - contest.doubt
    least = float(curve.weight[end - 1]) if end else math.inf
    rivals = contest.conflicting[contest.rank[contest.conflicting] >= least]
    links = _columns(left, right, evidence, rules, contest.won[chosen], probability[chosen])
    conflicts = np.concatenate([rivals, contest.contradicting])
    unknown = np.full(conflicts.size, np.nan)
    decided_by = links[5]
    return LinkageResult(
        links=Links(*links, left_once=population.left_once, right_once=population.right_once),
        conflicts=Conflicts(*_columns(left, right, evidence, rules, conflicts, unknown)),
        counts=tuple(replace(one, n_links=decided_by.count(one.name)) for one in evidence.counts),
        n_left=population.n_left,
        n_right=population.n_right,
        fingerprint=left.fingerprint,
        provenance=Provenance.current(),
        judgement=judgement,
    )


def _contest(
    evidence: Evidence,
    left: EncodedDataset,
    right: EncodedDataset,
    rules: Sequence[PassRule],
    population: Population,
    target: Target,
) -> _Contest:
    real: Mask = ~(left.decoy[evidence.left] | right.decoy[evidence.right])
    decoy: Mask = left.decoy[evidence.left] ^ right.decoy[evidence.right]
    by_chance = unrelated(left, right, rules, np.random.default_rng(0))
    scale = float(population.scale(np.zeros(1))[0])
    learned = rescored(evidence, by_chance, real, decoy, scale)
    equality = equality_of(evidence, by_chance)
    weight = learned + equality.added
    open_to = np.flatnonzero(~equality.contradicts)
    resolution = resolve(
        evidence.left[open_to],
        evidence.right[open_to],
        weight[open_to],
        method=target.method,
        cardinality=target.cardinality,
        margin=math.log(target.lead),
    )
    linked, conflicting = open_to[resolution.linked], open_to[resolution.conflicting]
    won = linked[real[linked] | decoy[linked]]
    return _Contest(
        rank=np.where(equality.equal, weight + _FIRST, weight),
        won=won,
        real=real[won],
        doubt=np.where(equality.equal & real, equality.error, 0.0)[won],
        conflicting=conflicting[real[conflicting]],
        contradicting=np.flatnonzero(equality.contradicts & real),
    )


def _judged(curve: PrecisionCurve, target: Target) -> tuple[Scores, int, Judgement]:
    """Give each link its chance to be true, how many to keep by the target, and what these are worth."""
    if not len(curve):
        return np.zeros(0), 0, Judgement(target.precision, supported=target.precision is None)
    place = _likelier_than_not(curve) if target.precision is None else curve.place_for(target.precision)
    kept = _strictest(curve) if place is None else place
    judgement = Judgement(
        target.precision,
        supported=place is not None,
        estimate=curve.estimate(kept),
        curve=curve.thinned(),
        weights=_weight_counts(curve),
    )
    return probabilities(curve, float(curve.scale[kept])), kept + 1, judgement


def _likelier_than_not(curve: PrecisionCurve) -> int | None:
    """Give the last place at which links are more likely true than false."""
    likely = np.flatnonzero(probabilities(curve, float(curve.scale[-1])) >= _EVEN)
    return int(likely[-1]) if likely.size else None


def _strictest(curve: PrecisionCurve) -> int:
    """Give the last place before any link to a decoy; the first place where there is none."""
    before = np.flatnonzero(curve.n_decoy_links == 0)
    return int(before[-1]) if before.size else 0


def _columns(
    left: EncodedDataset,
    right: EncodedDataset,
    evidence: Evidence,
    rules: Sequence[PassRule],
    chosen: Rows,
    probability: Scores,
) -> tuple[Rows, Rows, Ids, Ids, Scores, tuple[str, ...], Scores]:
    rows, partners = evidence.left[chosen], evidence.right[chosen]
    score, decided_by = _strongest(evidence, chosen, rules)
    return rows, partners, left.record_ids[rows], right.record_ids[partners], score, decided_by, probability


def _strongest(evidence: Evidence, chosen: Rows, rules: Sequence[PassRule]) -> tuple[Scores, tuple[str, ...]]:
    """Name for each pair the pass in which it is most alike, and its similarity there."""
    held = {name: np.nan_to_num(values[chosen], nan=-1.0) for name, values in evidence.likeness.items()}
    held |= {name: values[chosen].astype(np.float64) for name, values in evidence.equality.items()}
    names = [rule.name for rule in rules]
    scores = np.column_stack([held[name] for name in names])
    best = scores.argmax(axis=1) if chosen.size else np.zeros(0, dtype=np.int64)
    return scores[np.arange(chosen.size), best], tuple(names[place] for place in best.tolist())


def _weight_counts(curve: PrecisionCurve) -> WeightCounts:
    """Count links and links to decoys by weight, for a picture; those by an equal value apart."""
    decoy = np.diff(curve.n_decoy_links, prepend=0) > 0
    learned = curve.weight < _FIRST / 2
    edges = np.histogram_bin_edges(curve.weight[learned], bins=_BINS)
    links, _ = np.histogram(curve.weight[learned & ~decoy], edges)
    decoys, _ = np.histogram(curve.weight[learned & decoy], edges)
    by_equality = int((~learned).sum())
    return WeightCounts(
        tuple(edges.tolist()), tuple(links.tolist()), tuple(decoys.tolist()), by_equality=by_equality
    )
