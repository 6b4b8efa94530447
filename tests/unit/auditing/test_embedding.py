"""Embeddings: kernels of both files, what a rehearsal shows, and what each record has by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pprl.auditing.embedding import (
    agreements,
    centred,
    expected_agreements,
    expected_fills,
    invariants,
    rehearsed_filters,
    spectral_embedding,
    told_stretch,
)
from pprl.auditing.tokentables import TokenTable, token_table
from pprl.model import BitMatrix


@pytest.fixture
def table(people, rules, fuzzy):
    """Tokens of 60 people."""
    return token_table(people(60), rules, fuzzy())


@given(arrays(np.bool_, (5, 70)))
def test_agreements_count_equal_and_differing_bits(bits):
    """The agreement is the share of equal bits less that of differing ones."""
    slow = [[float(np.mean(one == two) - np.mean(one != two)) for two in bits] for one in bits]

    assert np.allclose(slow, agreements(BitMatrix.from_bools(bits)), atol=1e-6)


@pytest.mark.parametrize("stretch", [1, 2, 3])
def test_expected_agreements_are_the_mean_over_keys(table, stretch):
    """Over many keys, the agreements of rehearsed filters have the mean that is expected."""
    expected = expected_agreements(table, 1024, stretch)

    keys = [np.random.default_rng(seed) for seed in range(60)]
    mean = np.mean([agreements(rehearsed_filters(table, 1024, stretch, 1024, key)) for key in keys], axis=0)
    assert np.abs(mean - expected).max() < 0.06
    assert abs(float((mean - expected).mean())) < 0.005


def test_rehearsed_filters_have_the_expected_fill(table):
    """A rehearsal sets as many bits as chance has it."""
    filters = rehearsed_filters(table, 1024, 1, 1024, np.random.default_rng(1))

    assert np.allclose(expected_fills(table, 1024), filters.popcounts() / 1024, atol=0.04)


def test_rehearsed_filters_may_be_longer_than_before_hardening(table):
    """Diffusion to another length is rehearsed to that length, and repeats nothing."""
    bits = rehearsed_filters(table, 512, 2, 1500, np.random.default_rng(1)).to_bools()

    assert (60, 1500) == bits.shape
    assert not np.array_equal(bits[:, :512], bits[:, 512:1024])


@pytest.mark.parametrize("stretch", [1, 2, 3])
def test_the_stretch_is_told_from_the_filters(people, rules, fuzzy, stretch):
    """An attacker who is not told how many bits are XORed sees it, if by some other people's filters."""
    victims, known = (token_table(people(n), rules, fuzzy()) for n in (400, 300))
    filters = rehearsed_filters(victims, 1024, stretch, 1024, np.random.default_rng(1))

    assert stretch == told_stretch(known, filters, 1024, np.random.default_rng(2))


@given(st.integers(2, 6), st.integers(0, 1000))
def test_centring_takes_the_means_beside_the_diagonal(n, seed):
    """The slow twin computes each cell by itself."""
    kernel = np.random.default_rng(seed).random((n, n))
    kernel = (kernel + kernel.T).astype(np.float32)
    mean = [np.mean([kernel[i, j] for j in range(n) if j != i]) for i in range(n)]
    slow = [
        [(mean[i] if i == j else kernel[i, j]) - mean[i] - mean[j] + np.mean(mean) for j in range(n)]
        for i in range(n)
    ]

    assert np.allclose(slow, centred(kernel), atol=1e-5)


def test_an_embedding_is_that_of_all_eigenvectors():
    """The randomised iteration finds what a full decomposition finds."""
    points = np.random.default_rng(1).standard_normal((80, 5)) * [9, 7, 5, 3, 1]
    kernel = (points @ points.T).astype(np.float32)

    embedded = spectral_embedding(kernel, 5, np.random.default_rng(2))
    assert np.allclose(embedded @ embedded.T, kernel, atol=0.01)
    assert np.allclose(np.linalg.eigvalsh(kernel)[:-6:-1], (embedded**2).sum(axis=0), rtol=1e-3)


def test_an_embedding_has_no_dimension_without_weight():
    """Eigenvalues that are not above 0 give none."""
    kernel = np.diag([4, 1, 0, -9]).astype(np.float32)

    assert (4, 2) == spectral_embedding(kernel, 4, np.random.default_rng(1)).shape


@given(st.integers(0, 1000))
def test_invariants_go_with_their_records(seed):
    """In another order of the records each has the same invariants."""
    generator = np.random.default_rng(seed)
    kernel = generator.random((30, 30)).astype(np.float32)
    kernel += kernel.T
    sizes = generator.random(30)
    order = generator.permutation(30)

    shuffled = invariants(kernel[np.ix_(order, order)], sizes[order])
    expected = invariants(kernel, sizes)[order]
    # Ranks of sums that are nearly equal may swap by rounding, so a few cells differ by a step.
    assert np.mean(np.abs(shuffled - expected) < 0.01) > 0.95


@given(st.lists(st.tuples(st.sets(st.integers(0, 5)), st.sets(st.integers(6, 9))), min_size=2, max_size=6))
def test_tokens_in_common_ask_for_the_fewer_positions_of_two_records(records):
    """The twin counts for each pair and token; the share of a field is split evenly over its tokens."""
    budgets = {"a": 60, "b": 12}
    held = [(("a", sorted(a)), ("b", sorted(b))) for a, b in records]
    asked = [
        {t: budgets[f] // len(ts) for f, ts in one for t in ts if len(ts) in {1, 2, 3, 4}} for one in held
    ]
    ends = np.cumsum([0, *map(len, asked)])
    table = TokenTable(
        ends,
        np.array([t for one in asked for t in sorted(one)], dtype=np.int64),
        np.array([one[t] for one in asked for t in sorted(one)], dtype=np.int64),
        tuple(("a" if t < 6 else "b", str(t)) for t in range(10)),
    )
    n_bits = 256

    found = expected_agreements(table, n_bits, 1)

    for i, one in enumerate(asked):
        for j, other in enumerate(asked):
            shared = sum(min(one[t], other[t]) for t in one if t in other)
            union = sum(one.values()) + sum(other.values()) - shared
            unset = [np.exp(-sum(each.values()) / n_bits) for each in (one, other)]
            differing = sum(unset) - 2 * np.exp(-union / n_bits)
            assert abs(found[i, j] - (1 - 2 * differing)) < 1e-5
