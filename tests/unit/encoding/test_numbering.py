"""Numbering: q-grams of many values at once are those of each by itself."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.cleaning.multiple import joined
from pprl.encoding.numbering import numbered, numbered_q_grams
from pprl.encoding.tokens import QGrams, cut

words = st.text(alphabet="abnż\U00010428 ", max_size=8).map(lambda text: " ".join(text.split()))
values = st.lists(st.one_of(words, st.lists(words, min_size=1, max_size=3).map(joined)), max_size=8)
FITTING = [QGrams(q=1), QGrams(q=2), QGrams(q=3), QGrams(q=2, positional=True)]


@pytest.mark.parametrize("how", FITTING, ids=str)
@given(values)
def test_cutting_at_once_equals_the_slow_twin(how, texts):
    """Vocabulary, order and numbers; also of several values, of empty ones and beyond 16 bits."""
    slow = numbered(texts, partial(cut, how))

    fast = numbered_q_grams(texts, how)

    if not texts:
        assert fast is None
        return
    assert slow.vocabulary == fast.vocabulary
    assert slow.starts.tolist() == fast.starts.tolist()
    assert slow.tokens.tolist() == fast.tokens.tolist()


@pytest.mark.parametrize(
    ("texts", "how"),
    [
        (["a"], QGrams(q=4)),
        (["a"], QGrams(q=3, positional=True)),
        (["a"], QGrams(q=2, padded=False)),
        (["a\tb"], QGrams(q=2)),
        (["a\nb"], QGrams(q=2)),
        (["a" * 2000], QGrams(q=2, positional=True)),
        ([], QGrams(q=2)),
    ],
)
def test_what_does_not_fit_is_cut_one_by_one(texts, how):
    """Long q-grams, unpadded ones, unusual spaces, long words."""
    assert numbered_q_grams(texts, how) is None


def test_a_letter_that_occurs_twice_is_one_token():
    """As sets have it."""
    found = numbered_q_grams(["aaaa", "aa"], QGrams(q=2))

    assert [" a", "a ", "aa"] == found.vocabulary
    assert [[0, 1, 2], [0, 1, 2]] == [part.tolist() for part in np.split(found.tokens, found.starts[1:-1])]
