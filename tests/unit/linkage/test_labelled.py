"""Labelled pairs: weights become probabilities by pairs of which the truth is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import DataError, UsageError
from pprl.linkage.labelled import Labelled, calibrated, precision_above


def truth_of(rng, weight, *, slope=1.0):
    """Matches by a logistic curve."""
    return rng.random(weight.size) < 1 / (1 + np.exp(-slope * weight))


def drawn_by_weight(seed, n_pairs=20_000):
    """All pairs, and those that clerks looked at: few where all is clear, many in between."""
    rng = np.random.default_rng(seed)
    weight = np.concatenate([rng.normal(-6, 3, n_pairs // 2), rng.normal(6, 3, n_pairs // 2)])
    match = truth_of(rng, weight)
    share = np.where(np.abs(weight) < 2, 0.5, 0.1)
    seen = rng.random(weight.size) < share
    return weight, match, Labelled(weight[seen], match[seen], share[seen])


labelled_rows = st.lists(
    st.tuples(st.integers(-4, 4), st.booleans(), st.sampled_from([0.1, 0.5, 1.0])), min_size=1, max_size=30
)


def labelled_of(rows):
    """Make labelled pairs, five sure ones of each kind among them."""
    rows = [*rows, *[(-5, False, 1.0)] * 5, *[(5, True, 1.0)] * 5]
    weight, match, share = zip(*rows, strict=True)
    return Labelled(np.array(weight, float), np.array(match), np.array(share))


@given(labelled_rows, st.sampled_from(["isotonic", "logistic", None]))
def test_a_curve_rises_between_0_and_1(rows, method):
    """Whatever the labels, and beyond the weights that were labelled."""
    curve = calibrated(labelled_of(rows), method=method)

    chance = curve(np.linspace(-20, 20, 101))

    assert (np.diff(chance) >= -1e-12).all()
    assert ((chance > 0) & (chance < 1)).all()


@pytest.mark.parametrize("method", ["isotonic", "logistic", None])
def test_probabilities_hold_for_all_pairs(method):
    """Though clerks saw the doubtful ones five times as often."""
    weight, match, labelled = drawn_by_weight(1)

    chance = calibrated(labelled, method=method)(weight)

    assert chance.sum() == pytest.approx(match.sum(), rel=0.03)
    for low in (-4, -2, 0, 2):
        here = (weight >= low) & (weight < low + 2)
        assert chance[here].mean() == pytest.approx(match[here].mean(), abs=0.06)


def test_a_curve_that_is_no_line_wants_the_isotonic_one():
    """Matches begin at a step: by default the better curve is taken."""
    rng = np.random.default_rng(2)
    weight = rng.uniform(-5, 5, 3000)
    match = rng.random(3000) < np.where(weight > 3, 0.99, 0.3)
    labelled = Labelled(weight, match, np.ones(3000))

    curve = calibrated(labelled)

    assert "isotonic" == curve.method
    assert curve.log_loss < calibrated(labelled, method="logistic").log_loss


def test_few_pairs_on_a_line_mostly_want_the_logistic_one():
    """Fifty pairs are few for a curve of any shape."""
    methods = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        weight = rng.uniform(-3, 3, 50)
        methods.append(calibrated(Labelled(weight, truth_of(rng, weight), np.ones(50))).method)

    assert methods.count("logistic") > 12


def test_weights_that_say_nothing_give_one_probability():
    """And never a falling curve."""
    weight = np.tile([0.0, 1.0, 2.0, 3.0], 10)
    against = Labelled(weight, weight < 1.5, np.ones(40))

    chance = calibrated(against, method="logistic")(np.array([0.0, 3.0]))

    assert chance == pytest.approx([0.5, 0.5])


def precision_by_copies(labelled, weight):
    """The slow twin: write each pair as often as it stands for others."""
    copies = [
        match
        for one, match, share in zip(labelled.weight, labelled.is_match, labelled.sampled_share, strict=True)
        for _ in range(round(1 / share))
        if one >= weight
    ]
    return sum(copies) / len(copies)


@given(labelled_rows, st.integers(-4, 4))
def test_precision_is_that_of_as_many_copies(rows, weight):
    """Of pairs with unequal shares; and the interval holds it."""
    labelled = labelled_of(rows)

    found = precision_above(labelled, weight)

    assert precision_by_copies(labelled, weight) == pytest.approx(found.value)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_pairs_drawn_alike_have_the_interval_of_wilson():
    """As in a textbook: 90 of 100."""
    labelled = Labelled(np.zeros(100), np.arange(100) < 90, np.full(100, 0.25))

    found = precision_above(labelled, 0.0)

    assert (0.826, 0.945) == (round(found.low, 3), round(found.high, 3))


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """Of 200 samples drawn by weight, at least 180."""
    held = 0
    for seed in range(200):
        weight, match, labelled = drawn_by_weight(seed, 4000)
        found = precision_above(labelled, 1.0)
        held += found.low <= match[weight >= 1].mean() <= found.high

    assert held >= 180


def test_too_few_labels_are_refused():
    """Four matches are too few, and no pair above a weight tells nothing."""
    few = Labelled(np.arange(20.0), np.arange(20) >= 16, np.ones(20))

    with pytest.raises(DataError, match="4 matches, wanted at least 5"):
        calibrated(few)
    with pytest.raises(DataError, match="none is at or above"):
        precision_above(few, 99.0)


def test_mistaken_labels_are_refused():
    """Lengths, weights and shares that cannot be; a method that there is not."""
    three = np.ones(3)
    known = np.array([True, False, True])

    for columns, said in (
        ((three, known, np.ones(2)), "differ in length"),
        ((three, three, three), "true or false"),
        ((np.array([1.0, np.nan, 2.0]), known, three), "not a finite number"),
        ((three, known, np.array([1.0, 0.0, 1.0])), "not above 0"),
    ):
        with pytest.raises(DataError, match=said):
            Labelled(*columns)
    with pytest.raises(UsageError, match="none of that name"):
        calibrated(labelled_of([]), method="platt")
