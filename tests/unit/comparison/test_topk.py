"""The best few partners of each record."""

from collections import defaultdict
from functools import partial
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pprl.comparison import compare, engine, rectangles
from pprl.comparison.candidates import SharedTags
from pprl.comparison.measures import MEASURES
from pprl.errors import ResourceError, UsageError
from pprl.model import BitMatrix

KERNELS = ("reference", "numba")


def random_bits(n_records, n_bits=64, *, seed=0, share=0.3):
    return BitMatrix.from_bools(np.random.default_rng(seed).random((n_records, n_bits)) < share)


def listed(pairs):
    columns = (pairs.left, pairs.right, pairs.overlap, pairs.score)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def slow_best(pairs, top_k, *, both_sides):
    """Sort the partners of each record by score and row, and keep those at the head."""
    partners = defaultdict(list)
    for left, right, overlap, score in pairs:
        partners["left", left].append((-score, right, (left, right, overlap, score)))
        if both_sides:
            partners["left", right].append((-score, left, (left, right, overlap, score)))
    kept = {pair for ranked in partners.values() for _, _, pair in sorted(ranked)[:top_k]}
    return [pair for pair in pairs if pair in kept]


@given(
    rows=st.tuples(st.integers(0, 40), st.integers(0, 200)),
    n_bits=st.sampled_from([3, 8, 64]),
    seed=st.integers(0, 99),
    top_k=st.sampled_from([1, 2, 3, 10, 1000]),
    threshold=st.sampled_from(["0", "0.3", "1/2", "1"]),
    measure=st.sampled_from([*MEASURES]),
    is_self_join=st.booleans(),
    workers=st.integers(1, 3),
    room=st.sampled_from([0, 5, engine.ROOM]),
    left_rows=st.sampled_from([3, 16, 512]),
)
@example(
    rows=(0, 130),
    n_bits=3,
    seed=0,
    top_k=1,
    threshold="0",
    measure="cosine",
    is_self_join=True,
    workers=2,
    room=0,
    left_rows=3,
)
@settings(max_examples=80, deadline=None)
def test_the_best_of_each_record_are_kept(
    rows, n_bits, seed, top_k, threshold, measure, is_self_join, workers, room, left_rows
):
    """By score, then by row; however the work is shared out, and with short rows full of ties."""
    right = random_bits(rows[1], n_bits, seed=seed)
    left = right if is_self_join else random_bits(rows[0], n_bits, seed=seed + 1)
    every = listed(compare(left, right, threshold=threshold, measure=measure))

    with (
        mock.patch.multiple(rectangles, LEFT_ROWS=left_rows, RIGHT_WORDS=1),
        mock.patch.object(engine, "run_task", partial(engine.run_task, room=room)),
    ):
        found = [
            listed(
                compare(
                    left,
                    right,
                    threshold=threshold,
                    measure=measure,
                    top_k=top_k,
                    kernel=kernel,
                    workers=workers,
                )
            )
            for kernel in KERNELS
        ]

    expected = slow_best(every, top_k, both_sides=is_self_join)
    assert found == [expected, expected]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("is_self_join", [False, True])
def test_the_best_are_chosen_among_those_that_share_a_tag(kernel, is_self_join):
    """The best of all may be no candidate."""
    rng = np.random.default_rng(1)
    right = random_bits(150, 16)
    left = right if is_self_join else random_bits(100, 16, seed=1)
    right_tags = rng.integers(0, 6, size=(150, 3), dtype=np.uint32)
    tags = SharedTags(
        right_tags if is_self_join else rng.integers(0, 6, size=(100, 3), dtype=np.uint32), right_tags
    )
    every = listed(compare(left, right, threshold="0.2", candidates=tags))

    best = compare(left, right, threshold="0.2", candidates=tags, top_k=2, kernel=kernel)

    assert listed(best) == slow_best(every, 2, both_sides=is_self_join)
    assert 0 < len(best) < len(every)


def test_among_equals_the_smaller_row_number_is_kept():
    """One left row, four like it."""
    left, right = (BitMatrix.from_bools(np.ones((n, 8), dtype=bool)) for n in (1, 4))

    best = compare(left, right, threshold=1, top_k=2)

    assert best.right.tolist() == [0, 1]


def test_in_a_self_join_a_pair_is_kept_if_it_is_the_best_of_either_row():
    """Row 2 is nobody's best, but has a best of its own."""
    bits = BitMatrix.from_bools([[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 0]])

    best = compare(bits, bits, threshold="0.5", top_k=1)

    assert listed(best) == [(0, 1, 4, 1.0), (0, 2, 3, 6 / 7)]


def test_the_bound_on_pairs_is_on_those_that_are_kept():
    """A hundred qualify, ten are wanted."""
    bits = BitMatrix.from_bools(np.ones((10, 8), dtype=bool))
    other = BitMatrix.from_words(bits.words, n_bits=8)

    best = compare(bits, other, threshold=1, top_k=1, max_pairs=10)

    assert len(best) == 10
    with pytest.raises(ResourceError, match="more than 9 pairs qualify"):
        compare(bits, other, threshold=1, top_k=1, max_pairs=9)


@pytest.mark.parametrize("top_k", [0, -1, 1.0, True, "2"])
def test_what_is_no_whole_number_from_1_is_refused(top_k):
    """None means all; there is no other word for it."""
    with pytest.raises(UsageError, match=r"top_k: got .*, wanted a whole number from 1") as caught:
        compare(random_bits(2), random_bits(2), threshold=0, top_k=top_k)

    assert caught.value.code == "usage/whole-number"


def test_the_bound_on_pairs_is_on_what_is_left():
    """A row that meets many as good partners, in many tasks, keeps one; and one is allowed."""
    ones = BitMatrix.from_bools(np.ones((1, 1024), dtype=bool))
    many = BitMatrix(np.repeat(ones.words, 70_000, axis=0), 1024)

    pairs = compare(ones, many, threshold=1, top_k=1, max_pairs=1, kernel="numba")

    assert (pairs.left.tolist(), pairs.right.tolist()) == ([0], [0])


def test_what_is_found_is_reduced_while_it_grows(monkeypatch):
    """Memory is bounded by what is wanted, not by what qualifies."""
    monkeypatch.setattr(engine, "_REDUCED_FROM", 10)
    bits = BitMatrix.from_bools(np.random.default_rng(3).random((1500, 64)) < 0.3)
    whole = compare(bits, bits, threshold="0.2", max_pairs=10**7)

    few = compare(bits, bits, threshold="0.2", top_k=2, workers=2)

    rank = np.minimum(_rank(whole.left, whole.right, whole), _rank(whole.right, whole.left, whole))
    kept = rank < 2
    assert few.left.tolist() == whole.left[kept].tolist()
    assert few.right.tolist() == whole.right[kept].tolist()


def _rank(rows, partners, pairs):
    """Place of each pair among those of its row on either side."""
    both = np.concatenate([pairs.left, pairs.right])
    others = np.concatenate([pairs.right, pairs.left])
    order = np.lexsort((others, -np.tile(pairs.score, 2), both))
    place = np.empty(both.size, dtype=np.int64)
    place[order] = np.arange(both.size) - np.searchsorted(both[order], both[order])
    first = place[: len(pairs)]
    return first if rows is pairs.left else place[len(pairs) :]
