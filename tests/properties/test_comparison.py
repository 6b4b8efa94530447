"""Comparison: all kernels find what whole numbers of Python find."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pprl.comparison import compare, engine, equal_pairs
from pprl.comparison.guards import PairBudget
from pprl.comparison.kernels.loading import load_kernel
from pprl.comparison.measures import Dice, parse_threshold
from pprl.model import BitMatrix

KERNELS = ("reference", "numba")

widths = st.one_of(st.integers(1, 300), st.sampled_from([512, 1000, 1024, 1088, 2048, 4096]))
thresholds = st.one_of(
    st.sampled_from([Fraction(0), Fraction(1), Fraction(4, 5), Fraction(2, 3), Fraction(1, 2)]),
    st.fractions(0, 1, max_denominator=10_000),
)


def matrix(rows, n_bits):
    size = 8 * -(-n_bits // 64)
    buffer = b"".join(row.to_bytes(size, "little") for row in rows)
    return BitMatrix.from_words(
        np.frombuffer(buffer, dtype="<u8").reshape(len(rows), -1 if rows else size // 8), n_bits=n_bits
    )


@st.composite
def sides(draw, n_bits=widths):
    """Two lists of rows out of one small store, so that many are equal, empty, full or alike."""
    width = draw(n_bits)
    full = (1 << width) - 1
    seeds = draw(st.lists(st.integers(0, full), min_size=1, max_size=4))
    near = [seed ^ (1 << draw(st.integers(0, width - 1))) for seed in seeds]
    store = st.sampled_from([0, full, *seeds, *near, *(seed & full >> width // 2 for seed in seeds)])
    return width, draw(st.lists(store, max_size=20)), draw(st.lists(store, max_size=40))


def dice_oracle(left, right, threshold, *, is_self_join=False):
    """Every pair, one by one, in Python's integers, in the total order."""
    found = []
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            total, overlap = a.bit_count() + b.bit_count(), (a & b).bit_count()
            if total and (not is_self_join or i < j) and Fraction(2 * overlap, total) >= threshold:
                found.append((i, j, overlap, 2 * overlap / total))
    return sorted(found, key=lambda pair: (-pair[3], pair[0], pair[1]))


def listed(pairs):
    columns = (pairs.left, pairs.right, pairs.overlap, pairs.score)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("kernel", KERNELS)
@given(rows=sides(), threshold=thresholds)
@example(rows=(1, [], []), threshold=Fraction(0))
@example(rows=(64, [2**64 - 1, 0], [2**64 - 1] * 130), threshold=Fraction(1))
@settings(deadline=None)
def test_a_kernel_finds_what_python_finds(kernel, rows, threshold):
    """Any width, any threshold, empty and full rows, ties."""
    n_bits, left, right = rows

    pairs = compare(matrix(left, n_bits), matrix(right, n_bits), threshold=threshold, kernel=kernel)

    assert listed(pairs) == dice_oracle(left, right, threshold)


@pytest.mark.parametrize("kernel", KERNELS)
@given(rows=sides(), threshold=thresholds)
@settings(deadline=None)
def test_a_self_join_finds_the_pairs_above_the_diagonal(kernel, rows, threshold):
    """Each pair once, the smaller row number on the left."""
    n_bits, _, records = rows
    bits = matrix(records, n_bits)

    pairs = compare(bits, bits, threshold=threshold, kernel=kernel)

    assert listed(pairs) == dice_oracle(records, records, threshold, is_self_join=True)


@given(rows=sides(), threshold=thresholds, workers=st.integers(1, 3))
@settings(deadline=None)
def test_sharing_out_the_work_changes_nothing(rows, threshold, workers):
    """Small tasks on several threads give what one task gives."""
    n_bits, _, records = rows
    bits = matrix(records * 15, n_bits)
    need = Dice().needed_overlap(n_bits, threshold)
    job = engine._job(bits, bits, need)
    scan = load_kernel("numba", n_pairs=0).prepare(job)

    found = engine._run(scan, job, right_rows=128, workers=workers, budget=PairBudget(10**7), progress=None)

    expected = compare(bits, bits, threshold=threshold, kernel="numba", workers=1)
    assert listed(engine._scored(job, Dice(), found)) == listed(expected)


@pytest.mark.parametrize("kernel", KERNELS)
@given(rows=sides(), threshold=thresholds, room=st.integers(0, 50))
@settings(deadline=None)
def test_any_room_gives_the_same_pairs(kernel, rows, threshold, room):
    """A task that overflows is run again at the size that it counted."""
    n_bits, left, right = rows
    need = Dice().needed_overlap(n_bits, threshold)
    job = engine._job(matrix(left or [1], n_bits), matrix(right or [1], n_bits), need)
    scan = load_kernel(kernel, n_pairs=0).prepare(job)

    found = [engine.run_task(scan, task, PairBudget(10**6), room=room) for task in job.tasks(1024)]

    assert listed(engine._scored(job, Dice(), found)) == dice_oracle(left or [1], right or [1], threshold)


@given(n_bits=st.integers(1, 200), threshold=thresholds)
def test_the_needed_overlap_is_the_least_that_reaches_the_threshold(n_bits, threshold):
    """It reaches, one less does not; and no step of the table is more than one bit."""
    need = Dice().needed_overlap(n_bits, threshold).tolist()

    reaches = [Fraction(2 * c, s) >= threshold for s, c in enumerate(need) if s]
    one_less = [Fraction(2 * (c - 1), s) >= threshold for s, c in enumerate(need) if s and c]
    assert (all(reaches), any(one_less)) == (True, False)
    assert {after - before for before, after in pairwise(need[1:])} <= {0, 1}


@given(st.integers(0, 10**6))
def test_a_float_is_read_as_its_shortest_text(millionths):
    """What a person types is what is meant."""
    text = f"{millionths / 10**6:.6f}"

    assert parse_threshold(float(text)) == parse_threshold(text) == Fraction(millionths, 10**6)


@given(rows=sides(n_bits=st.sampled_from([1, 64, 100, 128, 300])))
@settings(deadline=None)
def test_equal_pairs_are_the_pairs_of_dice_one(rows):
    """Without the square of the work."""
    n_bits, left, right = rows
    one, two = matrix(left, n_bits), matrix(right, n_bits)

    between, within = listed(equal_pairs(one, two)), listed(equal_pairs(two, two))

    assert between == dice_oracle(left, right, Fraction(1))
    assert within == dice_oracle(right, right, Fraction(1), is_self_join=True)
