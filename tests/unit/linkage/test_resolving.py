"""Symmetric best match: links that both sides prefer, conflicts where there is a tie."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pprl.linkage import symmetric_best_match
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
