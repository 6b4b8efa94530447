"""Pairs as columns: counted as sets would count them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import UsageError
from pprl.evaluation import IdPairs, LinkageQuality, linkage_quality
from pprl.evaluation.pairs import id_array, number_pairs

# Ids that a careless reader would take for missing, for numbers or for each other.
ids = st.one_of(
    st.sampled_from(["nan", "None", "NA", "1", "01", "1.0", "a", "A", "\ud800"]), st.text(max_size=2)
)
pairs = st.lists(st.tuples(ids, ids), max_size=20)


@given(pairs, pairs)
def test_counts_are_those_of_sets(links, truth):
    """Whatever the ids look like."""
    found, true = set(links), set(truth)

    assert LinkageQuality(len(found & true), len(found - true), len(true - found)) == linkage_quality(
        links, truth
    )


@given(pairs, pairs)
def test_equal_numbers_are_equal_pairs(one, other):
    """Within a table and between tables."""
    numbers = np.concatenate(number_pairs(IdPairs.of(one), IdPairs.of(other))).tolist()

    assert [a == b for a in one + other for b in one + other] == [a == b for a in numbers for b in numbers]


@given(pairs)
def test_pairs_come_back_as_they_went_in(listed):
    """In their order."""
    made = IdPairs.of(iter(listed))

    assert listed == list(made)
    assert len(listed) == len(made)
    assert made is IdPairs.of(made)


def test_columns_of_other_lengths_are_no_pairs():
    """A left id without a right one."""
    with pytest.raises(UsageError):
        IdPairs(id_array("ab"), id_array("a"))


def test_no_id_is_in_a_repr():
    """It may end in a log."""
    assert "IdPairs(1 pairs)" == repr(IdPairs.of([("ann", "bob")]))
