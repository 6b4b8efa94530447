"""Pairs of equal rows, without looking at every pair."""

import numpy as np
import pytest

from pprl.comparison import equal_pairs
from pprl.errors import DataError, ResourceError
from pprl.model import BitMatrix


def tokens(*values):
    words = np.array([[value, value * 7] for value in values], dtype=np.uint64).reshape(-1, 2)
    return BitMatrix(words, 128)


def test_every_pair_of_equal_rows_is_found():
    """Several on both sides make all their pairs, in the total order."""
    pairs = equal_pairs(tokens(5, 6, 5, 8), tokens(9, 5, 8, 5))

    assert list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)) == [
        (0, 1),
        (0, 3),
        (2, 1),
        (2, 3),
        (3, 2),
    ]


def test_score_is_one_and_overlap_the_popcount():
    """Equal rows have all bits in common."""
    pairs = equal_pairs(tokens(1, 3), tokens(3))

    assert (pairs.overlap.tolist(), pairs.score.tolist()) == ([2 + 3], [1.0])


def test_absent_records_are_in_no_pair():
    """Two tokens that are missing are not two that agree."""
    pairs = equal_pairs(tokens(0, 0, 4), tokens(0, 4))

    assert (pairs.left.tolist(), pairs.right.tolist()) == ([2], [1])


def test_rows_that_differ_in_one_word_are_not_equal():
    """The whole row is compared."""
    left = BitMatrix(np.array([[1, 2]], dtype=np.uint64), 128)
    right = BitMatrix(np.array([[1, 3], [2, 2], [2, 1]], dtype=np.uint64), 128)

    pairs = equal_pairs(left, right)

    assert len(pairs) == 0


def test_a_self_join_gives_each_pair_once():
    """Left is the smaller row number."""
    bits = tokens(7, 0, 7, 9, 7, 0)

    pairs = equal_pairs(bits, bits)

    assert (pairs.left.tolist(), pairs.right.tolist()) == ([0, 0, 2], [2, 4, 4])


@pytest.mark.parametrize(("left", "right"), [((), ()), ((), (1,)), ((1,), ()), ((0,), (0,))])
def test_nothing_to_pair_gives_no_pairs(left, right):
    """Empty sides are not an error."""
    pairs = equal_pairs(tokens(*left), tokens(*right))

    assert len(pairs) == 0


def test_too_many_pairs_are_refused_before_they_are_stored():
    """Two constant columns of a hundred thousand rows would make ten thousand million pairs."""
    constant = BitMatrix(np.ones((100_000, 2), dtype=np.uint64), 128)
    other = BitMatrix.from_words(constant.words, n_bits=128)

    with pytest.raises(ResourceError, match="more than 20,000,000 pairs") as caught:
        equal_pairs(constant, other)

    assert caught.value.code == "resource/too-many-pairs"


def test_as_many_pairs_as_allowed_are_allowed():
    """The bound itself is within it."""
    pairs = equal_pairs(tokens(1, 1), tokens(1, 1), max_pairs=4)

    assert len(pairs) == 4


def test_tokens_of_unequal_length_are_refused():
    """Tokens of two kinds cannot be equal."""
    with pytest.raises(DataError, match="rows of 128 bits on the left and of 64 on the right"):
        equal_pairs(tokens(1), BitMatrix(np.ones((1, 1), dtype=np.uint64), 64))
