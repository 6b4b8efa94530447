"""Blocking against a known truth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import UsageError
from pprl.evaluation import blocking_quality
from pprl.workflow import evaluate_candidates

pairs = st.sets(st.tuples(st.sampled_from("abcd"), st.sampled_from("12345")))


@given(pairs, pairs)
def test_measures_are_what_sets_say(candidates, truth):
    """Of 4 by 5 records."""
    quality = evaluate_candidates(candidates, truth, n_left=4, n_right=5)
    both = len(candidates & truth)

    assert quality.pairs_completeness == (both / len(truth) if truth else None)
    assert quality.pairs_quality == (both / len(candidates) if candidates else None)
    assert quality.reduction_ratio == 1 - len(candidates) / 20
    for name, told in quality.rates().items():
        assert getattr(quality, name) == (None if told is None else told.value)


def test_nothing_has_no_measures():
    """Neither 0 nor 1."""
    quality = blocking_quality(0, 0, 0, 0)

    assert [None] * 3 == [quality.pairs_completeness, quality.pairs_quality, quality.reduction_ratio]
    assert {"n_candidates": 0, "pairs_quality": None}.items() <= quality.to_dict().items()


@pytest.mark.parametrize(
    "counts", [(1, 2, 3, 10), (5, 4, 3, 10), (5, -1, 3, 10), (8, 1, 3, 9), (5, 1, 11, 10)]
)
def test_counts_that_contradict_each_other_are_refused(counts):
    """More true candidates than candidates or true pairs, fewer than none, more pairs than there are."""
    with pytest.raises(UsageError) as caught:
        blocking_quality(*counts)
    assert "usage/bad-counts" == caught.value.code
