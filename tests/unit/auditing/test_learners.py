"""Learners: the closed form and the gradient against slow, obvious twins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.auditing.learners import Network, Ridge, first_weights, likeness, loss_and_slopes


def pairs_of(seed, n_pairs=40, n_bits=12, n_tokens=5):
    """Random filters of signs, and tokens that hang on them and on chance."""
    rng = np.random.default_rng(seed)
    filters = rng.choice(np.array([-1, 1], dtype=np.float32), (n_pairs, n_bits))
    tokens = (filters @ rng.standard_normal((n_bits, n_tokens)) + rng.standard_normal(n_tokens) > 0.5).astype(
        np.float32
    )
    return filters, tokens


def ridge_by_rows(filters, tokens, unseen, penalty):
    """The slow twin: least squares with one more row for each bit, and an offset that is not shrunk."""
    n_pairs, n_bits = filters.shape
    rows = np.vstack(
        [
            np.column_stack([np.ones(n_pairs), filters]),
            np.column_stack([np.zeros(n_bits), np.sqrt(penalty) * np.eye(n_bits)]),
        ]
    )
    wanted = np.vstack([tokens, np.zeros((n_bits, tokens.shape[1]))])
    found = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    return found[0] + unseen @ found[1:]


def mean_square(filters):
    """The mean square of the singular values that are not nothing."""
    sizes = np.linalg.svd(filters - filters.mean(axis=0), compute_uv=False)
    return float((sizes[sizes > 1e-5 * sizes.max()] ** 2).mean())


@given(seed=st.integers(0, 10_000), n_pairs=st.integers(5, 40), penalty=st.floats(0.01, 10))
def test_ridge_equals_least_squares_with_more_rows(seed, n_pairs, penalty):
    """Also with fewer pairs than bits."""
    filters, tokens = pairs_of(seed, n_pairs + 7)
    learned = Ridge(penalties=(penalty,))(filters[7:], tokens[7:], filters[:7], np.random.default_rng(0))

    expected = ridge_by_rows(filters[7:], tokens[7:], filters[:7], penalty * mean_square(filters[7:]))

    np.testing.assert_allclose(learned.predicted, expected, atol=1e-3)


@given(seed=st.integers(0, 10_000))
def test_what_ridge_says_of_left_out_filters_is_what_it_says_without_them(seed):
    """The short cut equals one fit for each filter left out."""
    filters, tokens = pairs_of(seed, 15)
    penalty = 0.5 * mean_square(filters)
    learned = Ridge(penalties=(0.5,))(filters, tokens, filters[:0], np.random.default_rng(0))

    expected = np.vstack(
        [
            ridge_by_rows(
                np.delete(filters, row, 0), np.delete(tokens, row, 0), filters[row : row + 1], penalty
            )
            for row in range(15)
        ]
    )

    np.testing.assert_allclose(learned.held_out, expected, atol=2e-3)
    assert list(range(15)) == learned.checked.tolist()


def test_ridge_takes_the_penalty_that_predicts_best():
    """Of pure chance, the greatest; of certainty, the least."""
    filters, tokens = pairs_of(3, 200)
    noise = np.random.default_rng(4).integers(0, 2, tokens.shape).astype(np.float32)
    penalties = (0.001, 1000.0)

    def chosen(wanted):
        both, one, other = (
            Ridge(penalties=some)(filters, wanted, filters, np.random.default_rng(0)).predicted
            for some in (penalties, penalties[:1], penalties[1:])
        )
        return [np.array_equal(both, one), np.array_equal(both, other)]

    assert [True, False] == chosen((filters[:, :5] > 0).astype(np.float32))
    assert [False, True] == chosen(noise)


def test_filters_that_are_all_equal_teach_nothing_but_frequencies():
    """No bit varies, so each token is predicted by its share."""
    filters, tokens = np.ones((20, 8), dtype=np.float32), pairs_of(1, 20)[1]

    learned = Ridge()(filters, tokens, filters[:3], np.random.default_rng(0))

    np.testing.assert_allclose(learned.predicted, np.tile(tokens.mean(axis=0), (3, 1)), atol=1e-6)


@given(seed=st.integers(0, 1000))
def test_the_slopes_of_the_network_are_those_of_its_loss(seed):
    """Each weight moved a little either way moves the loss by its slope."""
    rng = np.random.default_rng(seed)
    filters, tokens = (part.astype(np.float64) for part in pairs_of(seed, 6, 5, 3))
    weights = tuple(rng.standard_normal(shape) for shape in ((5, 4), (4,), (4, 3), (3,)))
    _, slopes = loss_and_slopes(weights, filters, tokens)
    step = 1e-6

    for place, layer in enumerate(weights):
        for index in np.ndindex(layer.shape):
            ends = []
            for sign in (1, -1):
                moved = [one.copy() for one in weights]
                moved[place][index] += sign * step
                ends.append(loss_and_slopes(tuple(moved), filters, tokens)[0])
            assert pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-4) == slopes[place][index]


def test_the_loss_is_the_cross_entropy_of_each_token():
    """Against a loop over records and tokens."""
    filters, tokens = pairs_of(5, 4, 5, 3)
    rng = np.random.default_rng(6)
    first, first_offset, last, last_offset = (
        rng.standard_normal(shape) for shape in ((5, 4), (4,), (4, 3), (3,))
    )
    expected = 0.0
    for row, wanted in zip(filters, tokens, strict=True):
        hidden = np.maximum(row @ first + first_offset, 0)
        for place, has in enumerate(wanted):
            chance = 1 / (1 + np.exp(-(hidden @ last[:, place] + last_offset[place])))
            expected -= np.log(chance if has else 1 - chance) / len(filters)

    assert (
        pytest.approx(expected)
        == loss_and_slopes((first, first_offset, last, last_offset), filters, tokens)[0]
    )


def test_a_network_begins_with_the_frequencies():
    """Before it has learned it says of every filter how frequent each token is."""
    tokens = pairs_of(2, 4000)[1]
    *_, last, offsets = first_weights(12, 8, tokens, np.random.default_rng(0))

    np.testing.assert_allclose(1 / (1 + np.exp(-offsets)), tokens.mean(axis=0), atol=1e-3)
    assert not last.any()


def test_a_network_learns_what_no_line_can_tell():
    """A token that is the XOR of two bits: the linear baseline stays at chance."""
    rng = np.random.default_rng(8)
    filters = rng.choice(np.array([-1, 1], dtype=np.float32), (1200, 8))
    tokens = np.column_stack([filters[:, 0] * filters[:, 1] > 0, filters[:, 2] > 0]).astype(np.float32)
    network = Network(n_hidden=32, rate=0.01, dropout=0, n_epochs=30)

    shares = [
        ((learner(filters[:900], tokens[:900], filters[900:], rng).predicted > 0.5) == tokens[900:]).mean(
            axis=0
        )
        for learner in (network, Ridge())
    ]

    assert [True, False] == [share[0] > 0.95 for share in shares]


def test_one_seed_one_network():
    """Weights, batches and what is hidden come from the generator alone."""
    filters, tokens = pairs_of(9, 60)

    one, same, other = (
        Network(n_hidden=8, n_epochs=3)(filters, tokens, filters, np.random.default_rng(seed)).predicted
        for seed in (1, 1, 2)
    )

    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_tokens_that_no_leaked_record_has_are_never_predicted():
    """Of what was never met nothing can be learned."""
    filters, tokens = pairs_of(10, 60)
    tokens[:, 2] = 0

    learned = Network(n_hidden=8, n_epochs=2)(filters, tokens, filters, np.random.default_rng(1))

    assert not learned.predicted[:, 2].any()
    assert (12, 5) == learned.held_out.shape


def test_likeness_is_a_cosine_with_the_frequencies_off():
    """One for the same direction, zero for a prediction of nothing but frequencies."""
    base = np.array([0.5, 0.2], dtype=np.float32)
    truth = np.array([[1, 0], [1, 0]], dtype=np.float32)

    np.testing.assert_allclose(likeness(np.stack([base + (truth[0] - base) / 2, base]), truth, base), [1, 0])
