"""Known-pair learning: who is found from leaked pairs, and how well tokens are told."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.auditing.knownpairs import (
    KnownPairs,
    TokenPrediction,
    best_threshold,
    known_pairs,
    nearest_by_tokens,
    token_quality,
)
from pprl.auditing.learners import Network, Ridge
from pprl.auditing.nearest import most_alike, signs
from pprl.auditing.predictedfilters import PredictedFilters, kernel_weights, left_out_errors
from pprl.auditing.scenes import carry_out, scene_of
from pprl.encoding.hardening import Diffuse
from pprl.errors import UsageError

SMALL = Network(n_hidden=64, n_epochs=40, patience=8)


@pytest.fixture
def scene(people, rules, key, fuzzy):
    """A function that makes a scene with leaked pairs."""

    def make(*hardening, n_people=500, leaked=200, overlap=1.0):
        return scene_of(
            people(n_people),
            rules,
            [fuzzy(*hardening)],
            key,
            overlap=overlap,
            noise=None,
            leaked=leaked,
            seed=3,
        )

    return make


@pytest.mark.parametrize("attack", [KnownPairs(Ridge()), PredictedFilters()])
def test_plain_filters_give_nearly_everybody_away(scene, attack):
    """The positive control: two in five are known, and the rest follow."""
    assert 0.95 < carry_out(attack, scene(), seed=1).share


def test_the_network_finds_people_too(scene):
    """It needs more pairs than a line does; far above chance it is."""
    assert 0.5 < carry_out(KnownPairs(SMALL), scene(n_people=600, leaked=400), seed=1).share


def test_much_diffusion_leaves_little(scene):
    """Eight bits in each: hardly more than one in the three hundred others."""
    hardened = scene(Diffuse(t=8, n_bits=1024))

    assert 0.1 > max(
        carry_out(one, hardened, seed=1).share for one in (KnownPairs(Ridge()), PredictedFilters())
    )


def test_predicted_filters_find_more_than_predicted_tokens(scene):
    """Who holds people in clear learns better from them to the filters than back."""
    hardened = scene(Diffuse(t=3, n_bits=1024))

    tokens, filters = (
        carry_out(one, hardened, seed=1).share for one in (KnownPairs(Ridge()), PredictedFilters())
    )

    assert tokens < filters


@pytest.mark.parametrize("attack", [KnownPairs(Ridge()), KnownPairs(SMALL), PredictedFilters()])
def test_one_seed_gives_one_answer_that_no_truth_enters(scene, attack):
    """The partners of filters that were not leaked are never read."""
    one = scene(n_people=120, leaked=40)
    blinded = one.partner.copy()
    blinded[one.targets()] = -1
    other = replace(one, partner=blinded)

    first, again = (attack(which, np.random.default_rng(5)) for which in (one, other))

    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("attack", [KnownPairs(Ridge()), PredictedFilters()])
def test_people_in_leaked_pairs_are_nobody_elses_guess(scene, attack):
    """Each person is once in the file, and what was told is repeated."""
    one = scene(n_people=120, leaked=40, overlap=0.6)

    guess = attack(one, np.random.default_rng(5))

    np.testing.assert_array_equal(one.partner[one.leaked], guess[one.leaked])
    assert not np.isin(np.delete(guess, one.leaked), one.partner[one.leaked]).any()


@pytest.mark.parametrize("attack", [KnownPairs(Ridge()), PredictedFilters()])
def test_if_all_known_people_are_leaked_nobody_is_guessed(people, rules, key, fuzzy, attack):
    """There is nobody left to be taken."""
    one = scene_of(
        people(60), rules, [fuzzy()], key, overlap=0.5, noise=None, leaked=30, seed=3, strangers=False
    )

    assert 0 == carry_out(attack, one, seed=1).n_guessed


@pytest.mark.parametrize("attack", [KnownPairs(Ridge()), PredictedFilters()])
def test_a_handful_of_pairs_is_refused(scene, attack):
    """From nine pairs nothing is learned."""
    with pytest.raises(UsageError, match="at least 10 leaked pairs, got 9"):
        carry_out(attack, scene(n_people=60, leaked=9), seed=1)


def test_the_finding_tells_how_well_tokens_were_predicted(scene):
    """Beside the same for naming frequent tokens, which takes no attack; the guesses are the attack's."""
    one = scene()

    finding = known_pairs(one, Ridge(), seed=1)

    assert ["f1", "f1_blind", "precision", "recall", "threshold"] == sorted(finding.extra)
    assert 0.3 > finding.extra["f1_blind"]
    assert 0.6 < finding.extra["f1"]
    assert carry_out(KnownPairs(Ridge()), one, seed=1).n_right == finding.n_right


def test_quality_is_that_of_sets_averaged_over_filters(scene):
    """Against Python's sets."""
    one = scene(n_people=60, leaked=20, overlap=0.7)
    rng = np.random.default_rng(1)
    rows = np.delete(np.arange(len(one.encoded)), one.leaked)
    n_tokens = len(one.known_tokens.vocabulary)
    predicted = rng.random((rows.size, n_tokens), dtype=np.float32)
    prediction = TokenPrediction(rows, predicted, np.full(n_tokens, 0.1, dtype=np.float32), 0.9)
    figures = []
    for row, numbers in zip(rows, predicted, strict=True):
        if one.partner[row] == -1:
            continue
        begin, end = one.known_tokens.indptr[one.partner[row] : one.partner[row] + 2]
        truth, named = (
            set(one.known_tokens.indices[begin:end].tolist()),
            set(np.flatnonzero(numbers > 0.9).tolist()),
        )
        right = len(truth & named)
        figures.append((right / len(named), right / len(truth), 2 * right / (len(truth) + len(named))))

    found = token_quality(one, prediction)

    np.testing.assert_allclose(np.mean(figures, axis=0), [found.precision, found.recall, found.f1])


def test_nearest_by_tokens_is_the_greatest_cosine(scene):
    """Against a dense table, one filter after another."""
    one = scene(n_people=60, leaked=20)
    rng = np.random.default_rng(1)
    rows = np.delete(np.arange(len(one.encoded)), one.leaked)
    table = one.known_tokens.to_csr().toarray()
    base = table.mean(axis=0)
    predicted = rng.random((rows.size, table.shape[1]), dtype=np.float32)
    expected = one.partner.copy()
    for row, numbers in zip(rows, predicted, strict=True):
        scores = {
            known: float((numbers - base) @ (table[known] - base) / np.linalg.norm(table[known] - base))
            for known in range(len(table))
            if known not in one.partner[one.leaked]
        }
        expected[row] = max(scores, key=lambda known: scores[known])

    np.testing.assert_array_equal(
        expected, nearest_by_tokens(one, TokenPrediction(rows, predicted, base, 0.5))
    )


def test_the_threshold_is_the_best_of_the_grid():
    """What lies above it is what was held."""
    tokens = np.array([[1, 1, 0, 0], [0, 1, 1, 0]], dtype=np.float32)

    assert 0.4 == pytest.approx(best_threshold(tokens * 0.42 + 0.38 * (1 - tokens), tokens))


@given(seed=st.integers(0, 1000), penalty=st.floats(0.05, 5))
def test_left_out_errors_are_those_of_a_fit_without_the_row(seed, penalty):
    """The short cut equals one solution for each row left out."""
    rng = np.random.default_rng(seed)
    points, targets = rng.standard_normal((9, 3)), rng.standard_normal((9, 2)).astype(np.float32)
    kernel = np.exp(-((points[:, None] - points) ** 2).sum(axis=2)).astype(np.float32)
    errors = []
    for row in range(9):
        others = np.delete(np.arange(9), row)
        weights = np.linalg.solve(kernel[np.ix_(others, others)] + penalty * np.eye(8), targets[others])
        errors.append(targets[row] - kernel[row, others] @ weights)

    (found,) = left_out_errors(kernel, targets, [penalty])

    assert pytest.approx(float((np.array(errors) ** 2).mean()), rel=1e-3) == found


def test_kernel_weights_solve_their_equation():
    """Put back, they give the targets."""
    rng = np.random.default_rng(1)
    points, targets = rng.standard_normal((9, 3)), rng.standard_normal((9, 2)).astype(np.float32)
    kernel = (points @ points.T).astype(np.float32)

    np.testing.assert_allclose(
        (kernel + 0.3 * np.eye(9)) @ kernel_weights(kernel, targets, 0.3), targets, atol=1e-4
    )


@given(seed=st.integers(0, 1000))
def test_most_alike_is_the_greatest_cosine(seed):
    """Against one pair after another; the first of equals."""
    rng = np.random.default_rng(seed)
    filters, candidates = (rng.standard_normal((n, 6)).astype(np.float32) for n in (7, 5))
    scores = [[float(a @ b / np.linalg.norm(b)) for b in candidates] for a in filters]

    assert [int(np.argmax(row)) for row in scores] == most_alike(filters, candidates).tolist()


def test_bits_become_signs(scene):
    """XOR of bits is then a product, but for the sign."""
    bits = scene(n_people=20, leaked=10).encoded
    written = signs(bits)

    np.testing.assert_array_equal(bits.to_bools()[0] ^ bits.to_bools()[1], written[0] * written[1] < 0)
