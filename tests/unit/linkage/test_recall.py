"""Recall without truth, told by spike-ins."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pprl.linkage import recall
from pprl.linkage.recall import Trial, fitted

PRONE = np.array([[False, False], [True, False], [False, True], [True, True]])
MEANS = np.array([6.0, 3.0, 2.0, -2.0])  # of weights, by stratum
SEEN = np.array([1.0, 0.97, 0.95, 0.8])  # share that wins at all


def slow_fitted(real, decoys, shares, prone, scale):
    """One table, in loops over strata and cells."""
    n_strata, n_cells = shares.shape
    changes = range(prone.shape[1])
    false = [max((real[c] / scale + decoys[c]) / 2, 0.25) for c in range(n_cells)]

    def independent(rate, stratum):
        return math.prod(rate[j] if prone[stratum, j] else 1 - rate[j] for j in changes)

    number = max(sum(real) - scale * sum(decoys), 5.0)
    people = [number * independent([0.25] * prone.shape[1], k) for k in range(n_strata)]
    for _ in range(recall._ROUNDS):
        likely = [0.0] * n_strata
        for k in range(n_strata):
            likely[k] = people[k] * (1 - sum(shares[k]))
        ratio = [0.0] * n_cells
        for c in range(n_cells):
            expected = sum(people[k] * shares[k, c] for k in range(n_strata)) + scale * false[c] + 1e-12
            ratio[c] = real[c] / expected
            for k in range(n_strata):
                likely[k] += people[k] * shares[k, c] * ratio[c]
        number = sum(likely)
        few, many = recall._USUAL
        rate = [
            (sum(likely[k] for k in range(n_strata) if prone[k, j]) + few) / (number + few + many)
            for j in changes
        ]
        share = recall._TOGETHER / (number + recall._TOGETHER)
        people = [(1 - share) * likely[k] + share * number * independent(rate, k) for k in range(n_strata)]
        false = [(ratio[c] * scale * false[c] + decoys[c]) / (scale + 1) for c in range(n_cells)]
    return people


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_fit_equals_its_slow_twin(seed):
    """For any counts."""
    rng = np.random.default_rng(seed)
    real, decoys = (rng.poisson(rng.choice([0.5, 30.0], size=6)).astype(float) for _ in range(2))
    shares = rng.dirichlet(np.ones(7), size=4)[:, :6]
    scale = float(rng.uniform(0.2, 3))

    fast = fitted(real[None], decoys[None], shares[None], PRONE, scale)[0]

    assert slow_fitted(real, decoys, shares, PRONE, scale) == pytest.approx(fast.tolist(), rel=1e-6, abs=1e-9)


def trial(
    seed: int, *, mixture: list[float], n_people: int = 1500, n_false: int = 300
) -> tuple[Trial, Trial]:
    """Draw people of a mixture of strata, spike-ins 200 of each, and false links; also those of truth."""
    rng = np.random.default_rng(seed)

    def drawn(stratum):
        weight = rng.normal(MEANS[stratum], 1.0)
        return weight, rng.random(stratum.size) < SEEN[stratum]

    people = rng.choice(4, size=n_people, p=mixture)
    weight, seen = drawn(people)
    spike_ins = np.repeat(np.arange(4), 200)
    spike_weight, spike_seen = drawn(spike_ins)
    false = rng.normal(-4, 1, size=(2, n_false))
    parts = (weight[seen], false[0], false[1], spike_weight[spike_seen])
    kind = np.repeat(np.arange(4), [part.size for part in parts])
    stratum = np.zeros(kind.size, dtype=np.int64)
    stratum[kind == 3] = spike_ins[spike_seen]
    told = np.concatenate([people[seen], rng.integers(4, size=2 * n_false), spike_ins[spike_seen]])
    held = Trial(
        weight=np.concatenate(parts),
        pointer=told.astype(np.int64),
        real=kind <= 1,
        decoy=kind == 2,
        stratum=stratum,
        prone=PRONE,
        changes=("address", "typing"),
        sizes=np.full(4, 200),
        linked=spike_weight[spike_seen],
        linked_stratum=spike_ins[spike_seen],
        n_equal=0,
    )
    return held, np.where(seen, weight, -np.inf)


@pytest.mark.parametrize("mixture", [[1, 0, 0, 0], [0.7, 0.1, 0.1, 0.1], [0.1, 0.2, 0.2, 0.5]])
@pytest.mark.parametrize("least", [-3.0, 0.0])
def test_recall_is_that_of_the_people_and_not_of_the_spike_ins(mixture, least):
    """Whatever they are a mixture of."""
    held, weights = trial(1, mixture=mixture)

    estimate = held.estimate(least, least, 1.0)

    true = float((weights >= least).mean())
    assert true == pytest.approx(estimate.recall, abs=0.04)
    assert estimate.low <= true <= estimate.high


def test_the_interval_covers():
    """In nine draws out of ten at least."""
    covered = []
    for seed in range(20):
        held, weights = trial(seed, mixture=[0.7, 0.1, 0.1, 0.1], n_people=300)
        estimate = held.estimate(0.0, 0.0, 1.0)
        covered.append(estimate.low <= (weights >= 0).mean() <= estimate.high)

    assert sum(covered) >= 18


def test_a_stricter_threshold_finds_fewer():
    """Of people and of spike-ins."""
    held, _ = trial(1, mixture=[0.4, 0.2, 0.2, 0.2])

    loose, strict = held.estimate(-3.0, -3.0, 1.0), held.estimate(3.0, 3.0, 1.0)

    assert strict.recall < loose.recall
    assert sum(one.n_found for one in strict.strata) < sum(one.n_found for one in loose.strata)


def test_strata_are_counted_as_they_are():
    """By what they are prone to; their share lies in its interval."""
    held, _ = trial(1, mixture=[0.4, 0.2, 0.2, 0.2])

    strata = held.estimate(0.0, 0.0, 1.0).strata

    assert ["ordinary", "address", "typing", "2 changes"] == [one.name for one in strata]
    assert [200] * 4 == [one.n for one in strata]
    found = [int((held.linked[held.linked_stratum == place] >= 0).sum()) for place in range(4)]
    assert found == [one.n_found for one in strata]
    assert all(one.low <= one.rate == one.n_found / 200 <= one.high for one in strata)


def test_links_by_equal_values_alone():
    """Where nothing else makes a link, whoever has no such value is missed."""
    held, weights = trial(1, mixture=[0.7, 0.1, 0.1, 0.1])

    estimate = dataclasses.replace(held, n_equal=1000).estimate(math.inf, math.inf, 1.0)

    assert 1000 / (1000 + weights.size) == pytest.approx(estimate.recall, abs=0.03)


def test_nobody_is_missed_where_everybody_is_found():
    """Shares add up to one, or a rounding error more; the number of people missed is never below zero."""
    shares = np.array([[[0.1] * 3 + [0.7 + 1e-15]]])

    missed = recall._missed(np.full((1, 1), 100.0), shares, np.ones(4, dtype=bool))

    assert missed.tolist() == [0.0]
