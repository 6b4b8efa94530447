"""
Modelling: links with probabilities where there are no decoys, as in other tools' packages.

What the links are worth is then a model's estimate and no measurement; see `mixture`.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pprl.linkage.evidence import Evidence, unrelated
from pprl.linkage.mixture import Expected, Mixture, Strangers, mixture_weights, strangers_within
from pprl.linkage.pairings import columns_of
from pprl.linkage.parts import PassRule
from pprl.linkage.precision import PrecisionEstimate
from pprl.linkage.resolving import resolve
from pprl.linkage.results import Judgement, LinkageResult
from pprl.linkage.target import Target
from pprl.model import Conflicts, EncodedDataset, Links, Provenance
from pprl.model.arrays import Rows

_EVEN = 0.5
_GRID = 200  # thresholds that a curve is thinned to


def model_decision(
    left: EncodedDataset,
    right: EncodedDataset,
    rules: Sequence[PassRule],
    evidence: Evidence,
    target: Target,
) -> LinkageResult:
    """Keep as many links as a model expects to reach the target.

    Parameters
    ----------
    left, right : EncodedDataset
        Two parties' records, without decoys.
    rules : sequence of PassRule
        The passes.
    evidence : Evidence
        Candidate pairs.
    target : Target
        What the linkage aims at.

    Raises
    ------
    PolicyError
        If no source holds each person once: then nothing tells matches from non-matches.
    """
    evidence = evidence.take(np.flatnonzero(left.real[evidence.left] & right.real[evidence.right]))
    n_left, n_right = int(left.real.sum()), int(right.real.sum())
    model = mixture_weights(
        evidence,
        unrelated(left, right, rules, np.random.default_rng(0)),
        n_left,
        n_right,
        left_once=target.left_once,
        right_once=target.right_once,
        within=_within(left, right, rules, target),
    )
    resolution = resolve(
        evidence.left,
        evidence.right,
        model.weight,
        method=target.method,
        cardinality=target.cardinality,
        margin=math.log(target.lead),
    )
    linked = model.in_order(resolution.linked)
    end = _end(model, linked, target)
    kept = linked[:end]
    least = float(model.weight[kept].min()) if kept.size else math.inf
    rivals = resolution.conflicting[model.weight[resolution.conflicting] >= least]
    links = columns_of(left, right, evidence, rules, kept, model.probability[kept])
    unknown = np.full(rivals.size, np.nan)
    return LinkageResult(
        links=Links(*links, left_once=target.left_once, right_once=target.right_once),
        conflicts=Conflicts(*columns_of(left, right, evidence, rules, rivals, unknown)),
        counts=tuple(replace(one, n_links=links[5].count(one.name)) for one in evidence.counts),
        n_left=n_left,
        n_right=n_right,
        fingerprint=left.fingerprint,
        provenance=Provenance.current(),
        judgement=Judgement(
            target.precision,
            supported=target.precision is None or bool(end),
            estimate=_estimate(model.expect(kept)) if kept.size else None,
            curve=_curve(model, linked),
            measured=False,
        ),
    )


def _within(
    left: EncodedDataset, right: EncodedDataset, rules: Sequence[PassRule], target: Target
) -> list[Strangers]:
    """Compare each source that holds a person once with itself; its spike-ins would be doubles."""
    # A left record has one partner at most where the right source holds each person once.
    sides = ((left, target.right_once), (right, target.left_once))
    return [strangers_within(one, rules) for one, once in sides if once and one.real.all() and len(one) > 1]


def _end(model: Mixture, linked: Rows, target: Target) -> int:
    if target.precision is not None:
        return model.n_reaching(linked, target.precision)
    likely = np.flatnonzero(model.probability[linked] >= _EVEN)
    return int(likely[-1]) + 1 if likely.size else 0


def _estimate(expected: Expected) -> PrecisionEstimate:
    return PrecisionEstimate(
        weight=expected.weight,
        n_links=expected.n_links,
        n_decoy_links=0,
        n_false=expected.n_false,
        precision=expected.precision,
        low=expected.low,
        high=expected.high,
    )


def _curve(model: Mixture, linked: Rows) -> tuple[PrecisionEstimate, ...]:
    if not linked.size:
        return ()
    ends = np.unique(np.linspace(1, linked.size, min(linked.size, _GRID)).round().astype(np.int64))
    return tuple(_estimate(model.expect(linked[:end])) for end in ends.tolist())
