"""Alignment: rotations, soft and hard assignments, and scores by anchors."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.auditing.alignment import (
    Twins,
    aligned,
    anchored_scores,
    best_partners,
    invariant_distances,
    leads,
    rotation,
    soft_assignment,
    squared_distances,
)


def _points(seed, n, d):
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def _turn(seed, d):
    return np.linalg.qr(_points(seed, d, d))[0]


@given(seed=st.integers(0, 1000), d=st.integers(1, 6))
def test_a_rotation_is_found_again(seed, d):
    """Points that were turned are turned back exactly."""
    points, turn = _points(seed, 40, d), _turn(seed + 1, d)

    assert np.allclose(turn, rotation(points, points @ turn), atol=1e-3)


@given(seed=st.integers(0, 1000))
def test_no_rotation_by_hand_is_nearer(seed):
    """In the plane, the best of all angles and mirrored angles is the one that is found."""
    left, right = _points(seed, 10, 2), _points(seed + 1, 10, 2)

    found = float(((left @ rotation(left, right) - right) ** 2).sum())
    angles = np.linspace(0, 2 * np.pi, 721)
    turns = [
        np.array([[np.cos(a), -s * np.sin(a)], [np.sin(a), s * np.cos(a)]]) for a in angles for s in (1, -1)
    ]
    slow = min(float(((left @ turn - right) ** 2).sum()) for turn in turns)
    assert found <= slow + 1e-3
    assert slow <= found + 0.01


@given(seed=st.integers(0, 1000), n=st.integers(1, 5), m=st.integers(1, 5))
def test_squared_distances_are_those_of_each_pair(seed, n, m):
    """The slow twin computes each pair by itself."""
    left, right = _points(seed, n, 3), _points(seed + 1, m, 3)
    slow = [[float(((one - two) ** 2).sum()) for two in right] for one in left]

    assert np.allclose(slow, squared_distances(left, right), atol=1e-4)


@given(seed=st.integers(0, 1000), n=st.integers(1, 6), m=st.integers(1, 6))
def test_shares_are_shared_out(seed, n, m):
    """Each left record is shared out once, and each right record gets as much as any other."""
    shares = soft_assignment(_points(seed, n, m), sweeps=300)

    assert np.allclose(1, shares.sum(axis=1), atol=1e-3)
    assert np.allclose(n / m, shares.sum(axis=0), atol=1e-2)


def test_pairs_that_cannot_be_get_no_share_and_no_nan():
    """Scores far below the others do not spoil a row or a column."""
    score = np.full((3, 3), -1e6, dtype=np.float32)
    score[0, 0] = score[1, 0] = 0

    assert np.isfinite(soft_assignment(score)).all()


@given(seed=st.integers(0, 1000), n=st.integers(2, 6), m=st.integers(2, 6))
def test_leads_are_those_of_a_search(seed, n, m):
    """The slow twin sorts each row and column."""
    score = _points(seed, n, m)
    found = leads(score)

    for i in range(n):
        j = int(np.argmax(score[i]))
        rest_of_row = max(score[i, k] for k in range(m) if k != j)
        rest_of_column = max(score[k, j] for k in range(n) if k != i)
        assert j == found.best[i]
        assert (score[i, j] > rest_of_column) == found.mutual[i]
        assert np.isclose(score[i, j] - max(rest_of_row, rest_of_column), found.lead[i], atol=1e-5)


def test_the_strongest_are_mutual_and_furthest_ahead():
    """A record that has lost its partner to another is never among the strongest."""
    found = leads(np.array([[9, 1, 0], [8, 0, 0], [0, 0, 3]], dtype=np.float32))

    assert [0, 2] == found.strongest(1.0).tolist()
    assert [2] == found.strongest(0.5).tolist()


@given(seed=st.integers(0, 1000))
def test_anchored_scores_are_correlations(seed):
    """The slow twin correlates the similarities of each pair to the anchors."""
    left, right = _points(seed, 6, 6), _points(seed + 1, 5, 5)
    anchors, partners = np.array([0, 2, 3, 5]), np.array([1, 0, 4, 2])
    slow = [[2 * np.corrcoef(left[i, anchors], right[j, partners])[0, 1] for j in range(5)] for i in range(6)]

    assert np.allclose(slow, anchored_scores(left, right, anchors, partners), atol=1e-3)


@given(seed=st.integers(0, 1000), n=st.integers(2, 5))
def test_the_assignment_is_the_best_of_all(seed, n):
    """No other permutation has a higher total."""
    score = _points(seed, n, n)
    slow = max(sum(float(score[i, one[i]]) for i in range(n)) for one in permutations(range(n)))

    partner = best_partners(score)
    assert np.isclose(slow, score[np.arange(n), partner].sum(), atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 5), (5, 3)])
def test_nobody_is_assigned_twice(shape):
    """With fewer on one side, the others have none."""
    partner = best_partners(_points(1, *shape))

    given_out = partner[partner >= 0]
    assert 3 == given_out.size == np.unique(given_out).size


def test_invariants_are_weighed_by_what_survives():
    """An invariant that the rehearsal shows to be noise does not hide one that is not."""
    generator = np.random.default_rng(1)
    truth = generator.standard_normal((300, 2))
    right = np.column_stack([truth, generator.standard_normal((300, 8))]).astype(np.float32)
    rehearsed, left = (
        np.column_stack(
            [truth + 0.05 * generator.standard_normal((300, 2)), generator.standard_normal((300, 8))]
        ).astype(np.float32)
        for _ in range(2)
    )

    apart = invariant_distances(left, right, rehearsed)
    n_before = (apart < apart.diagonal()[:, None]).sum(axis=1)
    assert np.median(n_before) < 10


def test_a_turned_cloud_is_aligned_from_a_weak_hint():
    """From invariants that leave many candidates, rotations find all."""
    generator = np.random.default_rng(3)
    scale = np.linspace(3, 1, 12)
    points = (generator.standard_normal((200, 12)) * scale).astype(np.float32)
    order = generator.permutation(200)
    noisy = [points + 0.2 * generator.standard_normal(points.shape).astype(np.float32) for _ in range(2)]
    twins = Twins((noisy[0] @ _turn(4, 12))[order], points, noisy[1] @ _turn(5, 12))
    hint = points[:, :2] + 0.5 * generator.standard_normal((200, 2)).astype(np.float32)
    apart = squared_distances(hint[order] * 2, points[:, :2] * 2)

    shares = aligned(twins, apart, warmth=10.0, n_dims=12, n_rounds=30)
    assert np.mean(shares.argmax(axis=1) == order) > 0.95
