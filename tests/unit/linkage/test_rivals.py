"""Rivals: the chance that both records of a pair are free, from all matchings of the pairs."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.linkage.rivals import free_of_rivals

odds_of_pairs = st.sampled_from([0.01, 0.5, 2.0, 50.0])


def by_all_matchings(left, right, odds, once):
    """The slow twin: go through all sets of pairs that the records allow."""
    total, with_pair = 0.0, np.zeros(len(odds))
    for chosen in itertools.product([False, True], repeat=len(odds)):
        ends = [[side[i] for i in range(len(odds)) if chosen[i]] for side in (left, right)]
        if any(single and len(set(end)) < len(end) for end, single in zip(ends, once, strict=True)):
            continue
        product = np.prod(np.array(odds)[list(chosen)])
        total += product
        with_pair[list(chosen)] += product
    return with_pair / total


def probabilities(left, right, odds, once):
    """As the library gives them."""
    rows = np.array(left, dtype=np.int64), np.array(right, dtype=np.int64)
    against = np.array(odds) * free_of_rivals(*rows, np.array(odds), once=once)
    return against / (1 + against)


@st.composite
def trees(draw):
    """Pairs that form a tree: each new one has one end that is there and one that is not."""
    left, right = [0], [0]
    for _ in range(draw(st.integers(0, 5))):
        place = draw(st.integers(0, len(left) - 1))
        if draw(st.booleans()):
            left.append(left[place])
            right.append(max(right) + 1)
        else:
            left.append(max(left) + 1)
            right.append(right[place])
    odds = draw(st.lists(odds_of_pairs, min_size=len(left), max_size=len(left)))
    return left, right, odds


@given(trees(), st.tuples(st.booleans(), st.booleans()))
def test_on_trees_the_chances_are_exact(tree, once):
    """For both sides, one, or none that has one partner."""
    left, right, odds = tree

    assert by_all_matchings(left, right, odds, once) == pytest.approx(
        probabilities(left, right, odds, once), abs=1e-3
    )


@given(st.dictionaries(st.tuples(st.integers(0, 3), st.integers(0, 3)), odds_of_pairs, min_size=1))
def test_a_record_has_no_more_than_one_partner_in_all(drawn):
    """Chances of a record's pairs add up to one at most, also where pairs go in circles."""
    left, right = (list(side) for side in zip(*drawn, strict=True))

    chance = probabilities(left, right, list(drawn.values()), (True, True))

    for side in (left, right):
        assert np.bincount(side, chance).max() <= 1 + 1e-3


def test_a_pair_that_is_no_rival_changes_nothing():
    """Odds next to nothing are passed over."""
    rows = np.array([0, 0]), np.array([0, 1])

    alone = free_of_rivals(*rows, np.array([3.0, 0.0]), once=(True, True))

    assert [1.0, 0.25] == alone.tolist()


def test_no_pairs():
    """Nothing in, nothing out."""
    nothing = np.zeros(0, dtype=np.int64)

    assert 0 == free_of_rivals(nothing, nothing, np.zeros(0), once=(True, True)).size
