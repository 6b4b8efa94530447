"""Symmetric best match: links that both sides prefer, conflicts where there is a tie."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import DataError, UsageError
from pprl.linkage import symmetric_best_match
from pprl.linkage.resolving import resolve
from pprl.model import ScoredPairs


def pairs(*entries: tuple[int, int, float]) -> ScoredPairs:
    """Make scored pairs of (left, right, score)."""
    left, right, score = (
        (np.array(column) for column in zip(*entries, strict=True)) if entries else ([], [], [])
    )
    return ScoredPairs.in_order(
        np.array(left, dtype=np.int64),
        np.array(right, dtype=np.int64),
        np.zeros(len(entries), dtype=np.int32),
        np.array(score, dtype=np.float64),
    )


def resolved(*entries: tuple[int, int, float]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """Give linked and conflicting (left, right)."""
    scored = pairs(*entries)
    resolution = symmetric_best_match(scored)
    named = [
        set(zip(scored.left[chosen].tolist(), scored.right[chosen].tolist(), strict=True))
        for chosen in (resolution.linked, resolution.conflicting)
    ]
    return named[0], named[1]


def resolved_by_hand(entries):
    """The slow twin: look at every other pair of both records."""
    best = [
        (a, b)
        for a, b, score in entries
        if all(score >= other for x, y, other in entries if x == a or y == b)
    ]
    tied = {(a, b) for a, b in best if any((x == a) != (y == b) for x, y in best)}
    return set(best) - tied, tied


scores = st.sampled_from([0.5, 0.6, 0.75, 1.0])
entries = st.dictionaries(st.tuples(st.integers(0, 5), st.integers(0, 5)), scores, max_size=20)


@given(entries)
def test_resolving_equals_the_slow_twin(drawn):
    """For any pairs, with many ties."""
    listed = [(left, right, score) for (left, right), score in drawn.items()]

    assert resolved_by_hand(listed) == resolved(*listed)


def test_a_better_partner_wins():
    """Record 0 prefers 1, record 1 on the right prefers 0."""
    assert ({(0, 1)}, set()) == resolved((0, 0, 0.8), (0, 1, 0.9), (1, 1, 0.85))


def test_twins_are_a_conflict():
    """Two records on the right are equally good, so none is linked."""
    assert (set(), {(0, 0), (0, 1)}) == resolved((0, 0, 0.9), (0, 1, 0.9))


def test_a_tie_that_another_partner_settles_is_none():
    """Record 1 on the right has a better partner, so 0 is free for the other."""
    assert ({(0, 0), (1, 1)}, set()) == resolved((0, 0, 0.9), (0, 1, 0.9), (1, 1, 0.95))


def test_no_pairs_give_no_links():
    """Nothing to resolve."""
    assert (set(), set()) == resolved()


def resolved_with(entries, **options):
    """Give linked and conflicting (left, right) of `resolve`."""
    left, right, score = (np.array(column) for column in zip(*entries, strict=True))
    answer = resolve(left, right, score, **options)
    return [{entries[i][:2] for i in chosen} for chosen in (answer.linked, answer.conflicting)]


@given(entries)
def test_resolve_does_as_symmetric_best_match(drawn):
    """By default, down to the order of the indices."""
    scored = pairs(*[(left, right, score) for (left, right), score in drawn.items()])
    expected = symmetric_best_match(scored)

    found = resolve(scored.left, scored.right, scored.score)

    assert expected.linked.tolist() == found.linked.tolist()
    assert expected.conflicting.tolist() == found.conflicting.tolist()


def test_greedy_goes_on_where_the_best_partner_is_taken():
    """Record 1 on the left prefers 0, which is taken; its second best is free."""
    chain = [(0, 0, 0.9), (1, 0, 0.8), (1, 1, 0.7)]

    assert [{(0, 0)}, set()] == resolved_with(chain)
    assert [{(0, 0), (1, 1)}, set()] == resolved_with(chain, method="greedy")


def test_a_record_in_conflict_gets_no_worse_partner():
    """Record 0 cannot be told between twins, and is not given to a third."""
    twins = [(0, 0, 0.9), (0, 1, 0.9), (0, 2, 0.8), (1, 1, 0.7), (1, 3, 0.6)]

    assert [{(1, 3)}, {(0, 0), (0, 1)}] == resolved_with(twins, method="greedy")


def test_the_best_total_moves_a_record_to_its_second_best():
    """Two good pairs are worth more than the best one and the worst."""
    square = [(0, 0, 0.9), (0, 1, 0.85), (1, 0, 0.85), (1, 1, 0.5)]

    assert [{(0, 0), (1, 1)}, set()] == resolved_with(square, method="greedy")
    assert [{(0, 1), (1, 0)}, set()] == resolved_with(square, method="optimal")


def test_log_odds_below_nothing_are_pairs_like_others():
    """Who gives a pair holds it for possible; only the differences count."""
    unlikely = [(0, 0, -1.0), (0, 1, -3.0), (1, 1, -2.0)]

    for method in ("symmetric-best-match", "greedy", "optimal"):
        assert [{(0, 0), (1, 1)}, set()] == resolved_with(unlikely, method=method)


def test_a_left_record_may_have_many_partners():
    """The right table holds a person many times; each of its records has one partner."""
    doubles = [(0, 0, 0.9), (0, 1, 0.8), (1, 1, 0.7), (1, 2, 0.9), (0, 2, 0.9)]

    assert [{(0, 0), (0, 1)}, {(0, 2), (1, 2)}] == resolved_with(doubles, cardinality="one-to-many")
    assert [{pair[:2] for pair in doubles}, set()] == resolved_with(doubles, cardinality="many-to-many")


@pytest.mark.parametrize("method", ["symmetric-best-match", "greedy", "optimal"])
def test_a_lead_smaller_than_the_margin_is_a_conflict(method):
    """A lead of the margin itself is enough."""
    close = [(0, 0, 4.0), (0, 1, 3.0)]

    assert [{(0, 0)}, set()] == resolved_with(close, method=method, margin=1.0)
    assert [set(), {(0, 0), (0, 1)}] == resolved_with(close, method=method, margin=1.5)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"method": "best"}, "usage/method"),
        ({"cardinality": "one"}, "usage/cardinality"),
        ({"margin": -0.1}, "usage/margin"),
        ({"margin": float("nan")}, "usage/margin"),
        ({"method": "optimal", "cardinality": "one-to-many"}, "usage/optimal-cardinality"),
    ],
)
def test_a_choice_that_there_is_not_is_refused(options, code):
    """With the name of the option."""
    with pytest.raises(UsageError) as raised:
        resolved_with([(0, 0, 0.9)], **options)

    assert code == raised.value.code


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([(0, 0, 0.9), (0, 0, 0.8)], "data/pairs-twice"),
        ([(0, 0, float("nan"))], "data/pairs-score"),
        ([(0, 0, float("inf"))], "data/pairs-score"),
    ],
)
def test_pairs_that_cannot_be_ordered_are_refused(entries, code):
    """Repeated, or without a finite score."""
    with pytest.raises(DataError) as raised:
        resolved_with(entries)

    assert code == raised.value.code
