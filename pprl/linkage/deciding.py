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
from pprl.linkage.modelling import model_decision
from pprl.linkage.pairings import columns_of
from pprl.linkage.parts import CandidatesName, PassRule, Progress
from pprl.linkage.precision import Population, PrecisionCurve, probabilities
from pprl.linkage.recall import Trial
from pprl.linkage.rescoring import equality_of, rescored
from pprl.linkage.resolving import Resolution, resolve
from pprl.linkage.results import Judgement, LinkageResult, WeightCounts
from pprl.linkage.target import Target
from pprl.linkage.trial import Spiked, trial_of
from pprl.model import Conflicts, EncodedDataset, Links, Provenance
from pprl.model.arrays import Mask, Rows, Scores

_EVEN = 0.5
_GIVEN_BACK = 0.95
_ROUNDS = 10  # to find the place whose own scale leads to it
_BINS = 60
FIRST = 100.0  # added to the weight of pairs with equal exact values, of which decoys say nothing


@dataclass(frozen=True, slots=True, eq=False)
class Contest:
    """What was made of the pairs before any threshold.

    Parameters
    ----------
    rank : ndarray of float64, shape (pairs,)
        Weights by which links are ranked: first all that have an equal exact value.
    won : ndarray of int64, shape (n,)
        Pairs that won, without those of two decoys.
    real : ndarray of bool, shape (n,)
        Which of these are of two real records.
    doubt : ndarray of float64, shape (pairs,)
        For pairs of real records with an equal exact value the chance that they are false, else 0.
    displaced : ndarray of int64
        Pairs of real records that are left over, the best first: whose better partners are decoys or
        spike-ins, or linked to others.
    conflicting, contradicting : ndarray of int64
        Pairs of real records that exclude one another and are equally good, and pairs of which
        an exact value is equal and nothing else alike.
    trial : Trial, optional
        What recall is estimated from; None where there are no spike-ins.
    """

    rank: Scores
    won: Rows
    real: Mask
    doubt: Scores
    displaced: Rows
    conflicting: Rows
    contradicting: Rows
    trial: Trial | None = None

    def curve(self, population: Population) -> PrecisionCurve:
        """Say how many of the pairs that won are false, at every weight."""
        return PrecisionCurve.of(self.rank[self.won], self.real, self.doubt[self.won], population)


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

    Where neither dataset has decoys, a model of all pairs takes their place, whose estimates
    are no measurements.
    """
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
    if not left.n_decoys + right.n_decoys:
        return model_decision(left, right, rules, evidence, target)
    population = Population(
        n_left=int(left.real.sum()),
        n_right=int(right.real.sum()),
        left_decoys=left.n_decoys,
        right_decoys=right.n_decoys,
        left_once=target.left_once,
        right_once=target.right_once,
    )
    contest = _contest(evidence, left, right, rules, population, target)
    return concluded(left, right, evidence, rules, contest, population, target)


def concluded(
    left: EncodedDataset,
    right: EncodedDataset,
    evidence: Evidence,
    rules: Sequence[PassRule],
    contest: Contest,
    population: Population,
    target: Target,
) -> LinkageResult:
    """Keep as many links as the target asks for, each with its probability."""
    curve = contest.curve(population)
    chance, end, judgement = _judged(curve, target)
    chosen = curve.order[:end][contest.real[curve.order[:end]]]
    probability = np.zeros(contest.won.size)
    probability[curve.order] = chance
    probability *= 1 - contest.doubt[contest.won]
    least = float(curve.weight[end - 1]) if end else math.inf
    back, back_chance = _given_back(
        contest, curve, chance, least if end < len(curve) else -math.inf, target.precision or 0.0
    )
    judgement = _with_given_back(judgement, back_chance)
    chosen = chosen[~np.isin(contest.won[chosen], contest.conflicting)]
    linked = np.concatenate([contest.won[chosen], back])
    probability = np.concatenate([probability[chosen], back_chance])
    judgement = _with_recall(judgement, contest, curve, least)
    rivals = contest.conflicting[contest.rank[contest.conflicting] >= least]
    links = columns_of(left, right, evidence, rules, linked, probability)
    conflicts = np.concatenate([rivals, contest.contradicting])
    unknown = np.full(conflicts.size, np.nan)
    decided_by = links[5]
    return LinkageResult(
        links=Links(*links, left_once=population.left_once, right_once=population.right_once),
        conflicts=Conflicts(*columns_of(left, right, evidence, rules, conflicts, unknown)),
        counts=tuple(replace(one, n_links=decided_by.count(one.name)) for one in evidence.counts),
        n_left=population.n_left,
        n_right=population.n_right,
        fingerprint=left.fingerprint,
        provenance=Provenance.current(),
        judgement=judgement,
    )


def _given_back(
    contest: Contest, curve: PrecisionCurve, chance: Scores, least: float, precision: float
) -> tuple[Rows, Scores]:
    """Give back links that decoys took away, where nearly all records have found their partner.

    Their chance to be true is that of links of their weight.
    """
    rank = contest.rank[contest.displaced]
    place = np.minimum(np.searchsorted(-curve.weight, -rank, "right"), max(len(curve), 1)) - 1
    at_place = chance[np.maximum(place, 0)] if len(curve) else np.zeros(rank.size)
    known = at_place * (1 - contest.doubt[contest.displaced])
    kept = (rank >= least) & (known >= max(_GIVEN_BACK, precision))
    return contest.displaced[kept], known[kept]


def _with_given_back(judgement: Judgement, chance: Scores) -> Judgement:
    if judgement.estimate is None or not chance.size:
        return judgement
    return replace(judgement, estimate=judgement.estimate.with_more(chance.size, float((1 - chance).sum())))


def _with_recall(judgement: Judgement, contest: Contest, curve: PrecisionCurve, least: float) -> Judgement:
    if contest.trial is None or not len(curve):
        return judgement
    by_likeness = least if least < FIRST / 2 else math.inf
    return replace(judgement, recall=contest.trial.estimate(by_likeness, least, float(curve.scale[-1])))


def require_decoys(*datasets: EncodedDataset) -> None:
    """Raise if no dataset has decoys.

    Raises
    ------
    PolicyError
        If none has any.
    """
    if not any(one.n_decoys for one in datasets):
        raise PolicyError(
            "packages: have no decoys, so false links cannot be counted",
            code="no-decoys",
            hint="declare `decoys` in the agreement and encode again, or link by thresholds",
        )


def _contest(
    evidence: Evidence,
    left: EncodedDataset,
    right: EncodedDataset,
    rules: Sequence[PassRule],
    population: Population,
    target: Target,
) -> Contest:
    left_real, right_real = left.real[evidence.left], right.real[evidence.right]
    real: Mask = left_real & right_real
    decoy: Mask = left.decoy[evidence.left] & right_real | left_real & right.decoy[evidence.right]
    by_chance = unrelated(left, right, rules, np.random.default_rng(0))
    scale = float(population.scale(np.zeros(1))[0])
    learned = rescored(evidence, by_chance, real, decoy, scale)
    equality = equality_of(evidence, by_chance, real)
    weight = learned + equality.added
    open_to = ~equality.contradicts
    among_real = _resolved(evidence, weight, np.flatnonzero(open_to & real), target)
    # What decoys tell must not depend on a lead: one that comes close would be a conflict, and not counted.
    among_all = _resolved(evidence, weight, np.flatnonzero(open_to), replace(target, lead=1.0)).linked
    greedily = _resolved(
        evidence, weight, np.flatnonzero(open_to & real), replace(target, method="greedy")
    ).linked
    won = among_all[real[among_all] | decoy[among_all]]
    rank = np.where(equality.equal, weight + FIRST, weight)
    return Contest(
        rank=rank,
        won=won,
        real=real[won],
        doubt=np.where(equality.equal & real, equality.error, 0.0),
        displaced=_free_of(evidence, np.setdiff1d(greedily, among_all), won[real[won]], population),
        conflicting=among_real.conflicting,
        contradicting=np.flatnonzero(equality.contradicts & real),
        trial=trial_of(
            evidence,
            by_chance,
            Spiked.of(left, right, evidence, target.strata),
            real & ~equality.equal,
            decoy,
            learned,
            _resolved(evidence, learned, np.flatnonzero(open_to & evidence.by_likeness), target).linked,
            rank,
            among_all,
            n_equal=int(equality.equal[among_real.linked].sum()),
        )
        if target.strata
        else None,
    )


def _free_of(evidence: Evidence, pairs: Rows, linked: Rows, population: Population) -> Rows:
    """Leave out pairs of which a record has a link already, and may have one only."""
    free = np.ones(pairs.size, dtype=np.bool_)
    for rows, once in ((evidence.left, population.left_once), (evidence.right, population.right_once)):
        if once:
            free &= ~np.isin(rows[pairs], rows[linked])
    return pairs[free]


def _resolved(evidence: Evidence, weight: Scores, among: Rows, target: Target) -> Resolution:
    """Resolve some of the pairs."""
    resolution = resolve(
        evidence.left[among],
        evidence.right[among],
        weight[among],
        method=target.method,
        cardinality=target.cardinality,
        margin=math.log(target.lead),
    )
    return Resolution(among[resolution.linked], among[resolution.conflicting])


def _judged(curve: PrecisionCurve, target: Target) -> tuple[Scores, int, Judgement]:
    """Give each link its chance to be true, how many to keep by the target, and what these are worth."""
    if not len(curve):
        return np.zeros(0), 0, Judgement(target.precision, supported=target.precision is None)
    place = _likelier_than_not(curve) if target.precision is None else curve.place_for(target.precision)
    kept = curve.last_link(_strictest(curve) if place is None else place)
    judgement = Judgement(
        target.precision,
        supported=place is not None,
        estimate=curve.estimate(kept) if curve.n_links[kept] else None,
        curve=curve.thinned(),
        weights=_weight_counts(curve),
    )
    return probabilities(curve, float(curve.scale[kept])), kept + 1, judgement


def _likelier_than_not(curve: PrecisionCurve) -> int | None:
    """Give the last place at which links are more likely true than false, by the scale of that very place."""
    place = len(curve) - 1
    for _ in range(_ROUNDS):
        likely = np.flatnonzero(probabilities(curve, float(curve.scale[place])) >= _EVEN)
        if not likely.size:
            return None
        place, before = int(likely[-1]), place
        if place == before:
            break
    return place


def _strictest(curve: PrecisionCurve) -> int:
    """Give the last place before any link to a decoy; the first place where there is none."""
    before = np.flatnonzero(curve.n_decoy_links == 0)
    return int(before[-1]) if before.size else 0


def _weight_counts(curve: PrecisionCurve) -> WeightCounts:
    """Count links and links to decoys by weight, for a picture; those by an equal value apart."""
    decoy = np.diff(curve.n_decoy_links, prepend=0) > 0
    learned = curve.weight < FIRST / 2
    edges = np.histogram_bin_edges(curve.weight[learned], bins=_BINS)
    links, _ = np.histogram(curve.weight[learned & ~decoy], edges)
    decoys, _ = np.histogram(curve.weight[learned & decoy], edges)
    by_equality = int((~learned).sum())
    return WeightCounts(
        tuple(edges.tolist()), tuple(links.tolist()), tuple(decoys.tolist()), by_equality=by_equality
    )
