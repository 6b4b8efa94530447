"""Columns of filters: how evenly they are set, and which are set together."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from pprl.auditing import columns
from pprl.auditing.columns import bit_spread, cooccurrence, divergence_from_flat, gini
from pprl.model import BitMatrix

WEIGHTS = some.arrays(np.int64, st.integers(1, 25), elements=st.integers(0, 9))
BITS = some.arrays(np.bool_, some.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=12))


@given(WEIGHTS)
def test_gini_is_the_mean_difference_of_all_pairs(weights):
    """The twin: the mean absolute difference, over twice the mean."""
    differences = [abs(one - other) for one in weights.tolist() for other in weights.tolist()]
    expected = sum(differences) / len(differences) / (2 * weights.mean()) if weights.any() else 0

    np.testing.assert_allclose(gini(weights), expected, atol=1e-12)


@given(WEIGHTS)
def test_divergence_is_the_entropy_of_the_mixture_less_that_of_the_parts(weights):
    """The twin: Lin's definition by entropies."""

    def entropy(shares):
        return -sum(share * math.log2(share) for share in shares if share > 0)

    n, total = weights.size, int(weights.sum())
    shares = [weight / total for weight in weights.tolist()] if total else [1 / n] * n
    mixture = entropy([(share + 1 / n) / 2 for share in shares])
    expected = mixture - (entropy(shares) + math.log2(n)) / 2

    np.testing.assert_allclose(divergence_from_flat(weights), expected, atol=1e-9)


@given(BITS)
def test_spread_is_that_of_the_columns(bits):
    """The twin counts each column."""
    found = bit_spread(BitMatrix.from_bools(bits))

    shares = [float(column.mean()) for column in bits.T]
    fill = sum(shares) / len(shares)
    deviation = math.sqrt(sum((share - fill) ** 2 for share in shares) / len(shares))
    entropies = [0 if p in {0, 1} else -p * math.log2(p) - (1 - p) * math.log2(1 - p) for p in shares]
    np.testing.assert_allclose(
        [found.fill, found.deviation, found.entropy], [fill, deviation, np.mean(entropies)], atol=1e-9
    )


@given(BITS)
def test_cooccurrence_is_the_correlation_of_columns(bits):
    """The twin asks numpy for each pair; a constant column goes with none."""
    found = cooccurrence(BitMatrix.from_bools(bits))

    n = bits.shape[1]
    pairs = [(bits[:, i], bits[:, j]) for i in range(n) for j in range(i + 1, n)]
    phi = [
        abs(np.corrcoef(one, other)[0, 1]) if 0 < one.mean() < 1 and 0 < other.mean() < 1 else 0
        for one, other in pairs
    ]
    np.testing.assert_allclose(found.mean, np.mean(phi), atol=1e-5)
    assert min(np.mean(np.array(phi) >= bound) for bound in (0.49999, 0.50001)) <= found.strong
    assert found.strong <= max(np.mean(np.array(phi) >= bound) for bound in (0.49999, 0.50001))


def test_independent_bits_are_as_chance_has_it():
    """The values by chance are those of fair coins."""
    coins = BitMatrix.from_bools(np.random.default_rng(1).random((1000, 512)) < 0.5)

    spread, together = bit_spread(coins), cooccurrence(coins)

    np.testing.assert_allclose(spread.deviation, spread.deviation_by_chance, rtol=0.15)
    np.testing.assert_allclose(together.mean, together.mean_by_chance, rtol=0.02)
    assert 0 == together.strong


def test_of_very_many_columns_some_are_compared(monkeypatch):
    """A filter of 65,536 bits has too many pairs of columns."""
    monkeypatch.setattr(columns, "MOST_COLUMNS", 8)
    bits = np.zeros((4, 64), dtype=bool)
    bits[:2] = True

    assert 1.0 == cooccurrence(BitMatrix.from_bools(bits)).strong
