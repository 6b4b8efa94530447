"""Shared tags: only pairs of records that share a block are looked at, and all of those."""

import functools
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pprl.comparison import candidates, compare
from pprl.comparison.candidates import SharedTags
from pprl.comparison.kernels import buckets, reference
from pprl.comparison.measures import MEASURES
from pprl.comparison.tags import Dropped, Runs, drop_large_blocks, pieces, sorted_table
from pprl.errors import DataError
from pprl.model import BitMatrix

KERNELS = ("reference", "numba")


def random_bits(n_records, n_bits=64, *, seed=0, share=0.4):
    return BitMatrix.from_bools(np.random.default_rng(seed).random((n_records, n_bits)) < share)


def random_tags(n_records, n_tables, *, greatest=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, greatest + 1, size=(n_records, n_tables), dtype=np.uint32)


def listed(pairs):
    columns = (pairs.left, pairs.right, pairs.overlap, pairs.score)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def share_a_tag(left, right):
    """Whether two rows of tags share one that is not 0, table by table."""
    return any(a == b != 0 for a, b in zip(left.tolist(), right.tolist(), strict=True))


def pairs_of(runs):
    """Give the places that the pairs of runs join, one by one."""
    return sorted(
        (i, j)
        for left, left_stop, right, right_stop in zip(*(column.tolist() for column in runs), strict=True)
        for i in range(left, left_stop)
        for j in range(right, right_stop)
    )


@given(
    n_rows=st.tuples(st.integers(0, 40), st.integers(0, 60)),
    n_tables=st.integers(0, 4),
    greatest=st.sampled_from([1, 5, 100, 2**32 - 1]),
    seed=st.integers(0, 999),
    n_bits=st.sampled_from([5, 64, 200, 1024]),
    measure=st.sampled_from([*MEASURES]),
    threshold=st.sampled_from(["0", "0.4", "1/2", "1"]),
    is_self_join=st.booleans(),
    most=st.integers(1, 200),
    workers=st.integers(1, 3),
)
@settings(max_examples=120, deadline=None)
def test_pairs_that_share_a_tag_are_found_once(
    n_rows, n_tables, greatest, seed, n_bits, measure, threshold, is_self_join, most, workers
):
    """The same pairs as among all, less those that share no tag in any table; 0 is no tag."""
    right = random_bits(n_rows[1], n_bits, seed=seed)
    right_tags = random_tags(n_rows[1], n_tables, greatest=greatest, seed=seed)
    left = right if is_self_join else random_bits(n_rows[0], n_bits, seed=seed + 1)
    left_tags = (
        right_tags if is_self_join else random_tags(n_rows[0], n_tables, greatest=greatest, seed=seed + 1)
    )
    every = listed(compare(left, right, threshold=threshold, measure=measure))

    with (
        mock.patch.object(candidates, "pieces", functools.partial(pieces, most=most)),
        mock.patch.object(reference, "_PAIRS_AT_ONCE", most),
    ):
        found = [
            listed(
                compare(
                    left,
                    right,
                    threshold=threshold,
                    measure=measure,
                    candidates=SharedTags(left_tags, right_tags),
                    kernel=kernel,
                    workers=workers,
                )
            )
            for kernel in KERNELS
        ]

    expected = [pair for pair in every if share_a_tag(left_tags[pair[0]], right_tags[pair[1]])]
    assert found == [expected, expected]


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_pair_that_agrees_in_many_tables_is_found_in_the_first(kernel):
    """Also where a table before has no tag, or a tag that differs."""
    bits = BitMatrix.from_bools(np.ones((2, 8), dtype=bool))
    tags = np.array([[0, 3, 7, 7], [0, 4, 7, 7]], dtype=np.uint32)

    pairs = compare(bits, bits, threshold=1, candidates=SharedTags(tags, tags), kernel=kernel)

    assert listed(pairs) == [(0, 1, 8, 1.0)]


@pytest.mark.parametrize("kernel", KERNELS)
def test_two_records_without_tags_share_nothing(kernel):
    """0 is the absence of a tag."""
    bits = BitMatrix.from_bools(np.ones((3, 8), dtype=bool))
    tags = np.zeros((3, 2), dtype=np.uint32)

    pairs = compare(bits, bits, threshold=0, candidates=SharedTags(tags, tags), kernel=kernel)

    assert len(pairs) == 0


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_monster_block_over_many_tasks_loses_no_pair(monkeypatch, kernel):
    """Every record in one block: all pairs, in pieces."""
    bits = random_bits(700)
    tags = np.ones((700, 2), dtype=np.uint32)
    monkeypatch.setattr(candidates, "pieces", functools.partial(pieces, most=10_000))

    pairs = compare(bits, bits, threshold="0.5", candidates=SharedTags(tags, tags), kernel=kernel, workers=2)

    assert pairs.to_arrow() == compare(bits, bits, threshold="0.5").to_arrow()


run_lengths = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=12)


@given(lengths=run_lengths, most=st.integers(1, 300))
@example(lengths=[(30, 30)], most=1)
@example(lengths=[], most=5)
def test_pieces_hold_every_pair_of_the_runs_once(lengths, most):
    """None is lost at a cut, and none is in two pieces."""
    ends = np.cumsum(np.array(lengths, dtype=np.int64).reshape(-1, 2), axis=0)
    starts = np.vstack([np.zeros((1, 2), dtype=np.int64), ends])[: len(ends)]
    runs = Runs(starts[:, 0], ends[:, 0], starts[:, 1], ends[:, 1])

    parts = list(pieces(runs, most=most))

    assert sorted(pair for part in parts for pair in pairs_of(part)) == pairs_of(runs)
    assert sum(int(part.n_pairs().sum()) for part in parts) == sum(a * b for a, b in lengths)


@given(lengths=run_lengths, most=st.integers(1, 300))
def test_a_piece_has_at_most_the_pairs_allowed_or_one_row(lengths, most):
    """A row with many partners is not split further, and no piece is empty."""
    ends = np.cumsum(np.array(lengths, dtype=np.int64).reshape(-1, 2), axis=0)
    starts = np.vstack([np.zeros((1, 2), dtype=np.int64), ends])[: len(ends)]

    parts = list(pieces(Runs(starts[:, 0], ends[:, 0], starts[:, 1], ends[:, 1]), most=most))

    for part in parts:
        one_row = part.left_start.size == 1 and part.left_stop[0] - part.left_start[0] == 1
        assert 1 <= part.n_pairs().sum() <= most or one_row


def test_a_monster_run_is_split_between_rows():
    """A thousand by a thousand in pieces of ten thousand pairs."""
    run = Runs(*(np.array([place]) for place in (5, 1005, 7, 1007)))

    parts = list(pieces(run, most=10_000))

    assert [int(part.n_pairs().sum()) for part in parts] == [10_000] * 100
    assert [int(part.left_start[0]) for part in parts] == list(range(5, 1005, 10))


def test_a_table_is_sorted_by_tag_and_then_by_row():
    """The greatest tag sorts last, also in 32 bits without a sign."""
    left = np.array([[2**32 - 1], [7], [0], [7]], dtype=np.uint32)
    right = np.array([[7], [2**31], [2**32 - 1]], dtype=np.uint32)

    table = sorted_table(left, right, 0)

    assert (table.left.tolist(), table.right.tolist()) == ([1, 3, 0], [0, 1, 2])
    assert pairs_of(table.runs) == [(0, 0), (1, 0), (2, 2)]


@given(
    n_rows=st.tuples(st.integers(0, 40), st.integers(0, 40)),
    n_tables=st.integers(0, 3),
    seed=st.integers(0, 999),
    most=st.integers(0, 150),
    is_self_join=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_only_blocks_of_too_many_pairs_are_dropped(n_rows, n_tables, seed, most, is_self_join):
    """What is dropped is counted, everything else stays, and the tags given stay as they are."""
    left = random_tags(n_rows[0], n_tables, greatest=8, seed=seed)
    right = left if is_self_join else random_tags(n_rows[1], n_tables, greatest=8, seed=seed + 1)
    before = left.copy(), right.copy()

    kept_left, kept_right, dropped = drop_large_blocks(left, right, most=most)

    expected_left, expected_right, n_blocks, n_pairs = left.copy(), right.copy(), 0, 0
    for table in range(n_tables):
        for tag in range(1, 9):
            n_left, n_right = (int((side[:, table] == tag).sum()) for side in (left, right))
            pairs = n_left * (n_left - 1) // 2 if is_self_join else n_left * n_right
            if pairs > most:
                expected_left[left[:, table] == tag, table] = 0
                expected_right[right[:, table] == tag, table] = 0
                n_blocks, n_pairs = n_blocks + 1, n_pairs + pairs
    assert kept_left.tolist() == expected_left.tolist()
    assert kept_right.tolist() == expected_right.tolist()
    assert dropped == Dropped(n_blocks, n_pairs)
    assert (kept_left is kept_right) == is_self_join
    assert ((left == before[0]).all(), (right == before[1]).all()) == (True, True)


def test_tags_of_dropped_blocks_serve_a_self_join():
    """What is given back is one array, as a self-join asks."""
    bits = BitMatrix.from_bools(np.ones((6, 8), dtype=bool))
    tags = np.array([[1, 0], [1, 0], [1, 0], [1, 2], [3, 2], [3, 0]], dtype=np.uint32)

    left, right, dropped = drop_large_blocks(tags, tags, most=5)
    pairs = compare(bits, bits, threshold=1, candidates=SharedTags(left, right))

    assert dropped == Dropped(n_blocks=1, n_pairs=6)
    assert [pair[:2] for pair in listed(pairs)] == [(3, 4), (4, 5)]


@pytest.mark.parametrize(
    ("side", "tags"),
    [
        ("left", [[1], [2], [3]]),
        ("left", np.ones((3, 2), dtype=np.int64)),
        ("left", np.ones((2, 2), dtype=np.uint32)),
        ("left", np.ones(3, dtype=np.uint32)),
        ("left", np.ones((3, 2), dtype=np.uint32, order="F")),
        ("left", None),
        ("right", np.ones((4, 2), dtype=np.uint64)),
        ("right", np.ones((5, 2), dtype=np.uint32)),
    ],
)
@pytest.mark.parametrize("kernel", KERNELS)
def test_tags_of_another_shape_type_or_order_are_refused(kernel, side, tags):
    """The side is named, and no tag; no kernel takes what another refuses."""
    given_tags = {"left": np.ones((3, 2), np.uint32), "right": np.ones((4, 2), np.uint32), side: tags}
    left, right = random_bits(3), random_bits(4)

    with pytest.raises(DataError, match=f"{side} tags: wanted .*array of uint32") as caught:
        compare(left, right, threshold=1, candidates=SharedTags(**given_tags), kernel=kernel)

    assert caught.value.code == "data/tags"


def test_sides_with_unequal_numbers_of_tables_are_refused():
    """Table 2 of one side has no partner."""
    tags = SharedTags(np.ones((3, 1), dtype=np.uint32), np.ones((4, 2), dtype=np.uint32))

    with pytest.raises(DataError, match="tags: 1 tables on the left and 2 on the right") as caught:
        compare(random_bits(3), random_bits(4), threshold=1, candidates=tags)

    assert caught.value.code == "data/tags"


def test_a_self_join_with_two_arrays_of_tags_is_refused():
    """One record cannot have two tags in a table."""
    bits = random_bits(3)
    tags = SharedTags(np.ones((3, 1), dtype=np.uint32), np.ones((3, 1), dtype=np.uint32))

    with pytest.raises(DataError, match="has one array of tags") as caught:
        compare(bits, bits, threshold=1, candidates=tags)

    assert caught.value.code == "data/tags"


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("n_left", "n_right"), [(0, 0), (0, 3), (3, 0)])
def test_an_empty_side_gives_no_pairs_and_no_progress(kernel, n_left, n_right):
    """Nothing to do is not an error."""
    calls = []
    tags = SharedTags(np.ones((n_left, 2), dtype=np.uint32), np.ones((n_right, 2), dtype=np.uint32))

    pairs = compare(
        random_bits(n_left),
        random_bits(n_right),
        threshold=0,
        candidates=tags,
        kernel=kernel,
        progress=lambda *call: calls.append(call),
    )

    assert (len(pairs), calls) == (0, [])


@pytest.mark.parametrize("kernel", KERNELS)
def test_without_tables_there_are_no_candidates(kernel):
    """No table, no pair, no progress."""
    calls = []
    tags = SharedTags(np.ones((3, 0), dtype=np.uint32), np.ones((4, 0), dtype=np.uint32))

    pairs = compare(
        random_bits(3),
        random_bits(4),
        threshold=0,
        candidates=tags,
        kernel=kernel,
        progress=lambda *call: calls.append(call),
    )

    assert (len(pairs), calls) == (0, [])


@pytest.mark.parametrize("is_self_join", [False, True])
@pytest.mark.parametrize("most", [1, 50, 10**6])
def test_progress_counts_records_looked_up_and_ends_at_the_total(monkeypatch, is_self_join, most):
    """Done never falls, also where a table is cut into more pieces than it has records."""
    calls = []
    monkeypatch.setattr(candidates, "pieces", functools.partial(pieces, most=most))
    right = random_bits(40)
    right_tags = random_tags(40, 3)
    left = right if is_self_join else random_bits(30, seed=1)
    left_tags = right_tags if is_self_join else random_tags(30, 3, seed=1)

    compare(
        left,
        right,
        threshold="0.5",
        candidates=SharedTags(left_tags, right_tags),
        workers=2,
        progress=lambda *call: calls.append(call),
    )

    done, totals = zip(*calls, strict=True)
    assert list(done) == sorted(done)
    assert set(totals) == {3 * (len(left) + len(right))}
    assert done[-1] == totals[-1]


def test_equal_tags_have_equal_fingerprints_and_others_have_not():
    """Sides, tables and rows are told apart."""
    tags = random_tags(6, 2)
    other = random_tags(6, 2, seed=1)
    folded = tags.reshape(4, 3)

    prints = [
        SharedTags(*sides).fingerprint()
        for sides in ((tags, other), (other, tags), (tags, tags), (folded, folded), (tags, other.copy()))
    ]

    assert prints[0] == prints[4]
    assert len(set(prints)) == 4


@pytest.mark.parametrize("measure", ["dice", "hamming", "cosine", "overlap"])
def test_many_popcounts_are_sorted_into_levels_without_losing_or_adding_a_pair(monkeypatch, measure):
    """A level is a bound that never excludes; what it lets through is tested exactly."""
    monkeypatch.setattr(buckets, "_MOST_LEVELS", 3)
    rng = np.random.default_rng(5)
    rows = rng.random((300, 64)) < rng.random((300, 1))
    rows[::50] = False
    bits, tags = BitMatrix.from_bools(rows), rng.integers(0, 9, size=(300, 4), dtype=np.uint32)

    for threshold in ("0", "0.3", "0.5", "0.9"):
        fast, slow = (
            compare(
                bits,
                bits,
                threshold=threshold,
                measure=measure,
                candidates=SharedTags(tags, tags),
                kernel=kernel,
            ).to_arrow()
            for kernel in ("numba", "reference")
        )
        assert fast == slow
