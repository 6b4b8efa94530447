"""Similarities of all pairs, and what those of filters tell of those in clear."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from pprl.auditing.similarities import (
    average_ranks,
    correlation,
    each_pair,
    filter_dice,
    nearest_profiles,
    rho,
    value_counts,
)
from pprl.model import BitMatrix

SHAPES = some.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)
SIMILARITIES = st.integers(3, 9).flatmap(
    lambda n: some.arrays(np.int64, (n, n), elements=st.integers(0, 8)).map(
        lambda values: ((values + values.T) / 16).astype(np.float32)
    )
)


@given(some.arrays(np.bool_, SHAPES))
def test_filter_dice_is_that_of_sets(bits):
    """The matrix is that of the sets of bits, pair by pair."""
    found = filter_dice(BitMatrix.from_bools(bits))

    sets = [set(np.flatnonzero(row).tolist()) for row in bits]
    expected = [[2 * len(a & b) / (len(a) + len(b)) if a or b else 0 for b in sets] for a in sets]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@given(SIMILARITIES, st.integers(1, 10))
def test_a_profile_is_the_nearest_others(similarity, n_neighbours):
    """The twin sorts each row without the record itself."""
    found = nearest_profiles(similarity, n_neighbours)

    expected = [
        sorted((row[j] for j in range(len(row)) if j != i), reverse=True)[:n_neighbours]
        for i, row in enumerate(similarity.tolist())
    ]
    assert expected == found.tolist()


@given(SIMILARITIES, SIMILARITIES, st.sampled_from([1.0, 0.5, 0.1]))
def test_rho_is_pearsons_over_the_pairs_most_alike_in_clear(one, other, top):
    """The twin lists pairs, keeps the share most alike with all ties, and asks numpy."""
    n = min(len(one), len(other))
    left, right = one[:n, :n], other[:n, :n]

    found = rho(left, right, top=top)

    pairs = [(float(left[i, j]), float(right[i, j])) for i in range(n) for j in range(i + 1, n)]
    least = sorted((pair[0] for pair in pairs), reverse=True)[max(int(top * len(pairs)), 1) - 1]
    kept = np.array([pair for pair in pairs if top == 1 or pair[0] >= least])
    varies = len(kept) > 1 and (kept.std(axis=0) > 0).all()
    expected = np.corrcoef(kept.T)[0, 1] if varies else 0.0
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_each_pair_comes_once():
    """The diagonal and the lower half are left out."""
    assert [1.0, 2.0, 5.0] == each_pair(np.arange(9, dtype=np.float32).reshape(3, 3)).tolist()


def test_what_does_not_vary_correlates_with_nothing():
    """A constant side gives 0, and not a division by zero."""
    assert 0 == correlation([1, 1, 1], [1, 2, 3])
    assert 0 == correlation([1], [2])


@given(some.arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 5)))
def test_equal_values_share_their_mean_rank(values):
    """The twin counts who is below and who is equal."""
    expected = [((values < one).sum() + (values == one).sum() / 2) / values.size for one in values]

    np.testing.assert_allclose(average_ranks(values), expected)


@given(some.arrays(np.int64, SHAPES, elements=st.integers(0, 2)))
def test_values_are_counted_by_row(rows):
    """The twin compares each row with each."""
    expected = [sum((one == other).all() for other in rows) for one in rows]

    assert expected == value_counts(rows).tolist()
