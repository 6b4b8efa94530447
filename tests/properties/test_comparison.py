"""Comparison: all kernels find what fractions of whole numbers find."""

import functools
import math
from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
from bitarray import bitarray
from bitarray.util import count_and
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pprl.comparison import candidates, compare, engine, equal_pairs, measures, rectangles
from pprl.comparison.candidates import AllPairs
from pprl.comparison.guards import PairBudget
from pprl.comparison.heads import Head
from pprl.comparison.jobs import Job
from pprl.comparison.kernels import tiles
from pprl.comparison.kernels.loading import load_kernel
from pprl.comparison.measures import MEASURES, measure_named
from pprl.comparison.thresholds import parse_threshold
from pprl.model import BitMatrix

KERNELS = ("reference", "numba")
FEW = settings(max_examples=50, deadline=None)

widths = st.one_of(st.integers(64, 400), st.sampled_from([512, 1000, 1024, 1088, 2048, 4096]))
any_width = st.one_of(st.integers(1, 63), widths)
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
def sides(draw, n_bits=any_width, most=40):
    """Two lists of rows out of one small store, so that many are equal, empty, full or alike."""
    width = draw(n_bits)
    full = (1 << width) - 1
    seeds = draw(st.lists(st.integers(0, full), min_size=1, max_size=4))
    near = [seed ^ (1 << draw(st.integers(0, width - 1))) for seed in seeds]
    store = st.sampled_from([0, full, *seeds, *near, *(seed & full >> width // 2 for seed in seeds)])
    return width, draw(st.lists(store, max_size=20)), draw(st.lists(store, max_size=most))


@functools.cache
def similarity(name, n_bits, c, a, b):
    """Give a measure as its formula stands, the cosine squared, and as the double that is shown."""
    over, under = {
        "dice": (2 * c, a + b),
        "jaccard": (c, a + b - c),
        "hamming": (n_bits - (a + b - 2 * c), n_bits),
        "cosine": (c**2, a * b),
        "overlap": (c, min(a, b)),
        "corrected-dice": corrected(n_bits, c, a, b) if name == "corrected-dice" else None,
    }[name]
    exact = Fraction(over, under) if under else Fraction(0)
    return exact, c / math.sqrt(under) if name == "cosine" and under else float(exact)


def corrected(n_bits, c, a, b):
    # Estimates are logarithms, held against floating point in tests/unit/comparison/test_measures.py.
    one, two, union = (int(measures._estimates(n_bits)[bits]) for bits in (a, b, a + b - c))
    return max(0, 2 * (one + two - union)), one + two


def bits_of(rows, n_bits):
    found = []
    for row in rows:
        bits = bitarray(endian="little")
        bits.frombytes(row.to_bytes(-(-n_bits // 8), "little"))
        found.append(bits)
    return found


def oracle(name, n_bits, left, right, threshold, *, is_self_join=False):
    """Every pair, one by one, with bitarray and fractions, in the total order."""
    wanted = threshold**2 if name == "cosine" else threshold
    one, two = bits_of(left, n_bits), bits_of(right, n_bits)
    left_counts, right_counts = ([bits.count() for bits in side] for side in (one, two))
    found = []
    for i, (a_bits, a) in enumerate(zip(one, left_counts, strict=True)):
        start = i + 1 if is_self_join else 0
        for j, (b_bits, b) in enumerate(zip(two[start:], right_counts[start:], strict=True), start):
            c = count_and(a_bits, b_bits)
            exact, score = similarity(name, n_bits, c, a, b)
            if a + b and exact >= wanted:
                found.append((i, j, c, score))
    return sorted(found, key=lambda pair: (-pair[3], pair[0], pair[1]))


def listed(pairs):
    columns = (pairs.left, pairs.right, pairs.overlap, pairs.score)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def small_tasks(left_rows):
    """Cut work into rectangles of few rows."""
    return mock.patch.multiple(rectangles, LEFT_ROWS=left_rows, RIGHT_WORDS=1)


@pytest.mark.parametrize("measure", MEASURES)
@given(rows=sides(), threshold=thresholds)
@example(rows=(1, [], []), threshold=Fraction(0))
@example(rows=(64, [2**64 - 1, 0], [2**64 - 1, 0] * 65), threshold=Fraction(1))
@example(rows=(4096, [2**4096 - 1, 0], [2**4096 - 1, 0] * 65), threshold=Fraction(0))
@settings(max_examples=100, deadline=None)
def test_kernels_find_what_fractions_find(measure, rows, threshold):
    """Any measure, width and threshold, empty and full rows, ties."""
    n_bits, left, right = rows
    one, two = matrix(left, n_bits), matrix(right, n_bits)

    found = [
        listed(compare(one, two, measure=measure, threshold=threshold, kernel=kernel)) for kernel in KERNELS
    ]

    expected = oracle(measure, n_bits, left, right, threshold)
    assert found == [expected, expected]


@pytest.mark.parametrize("measure", MEASURES)
@given(rows=sides(), threshold=thresholds)
@FEW
def test_a_self_join_finds_the_pairs_above_the_diagonal(measure, rows, threshold):
    """Each pair once, the smaller row number on the left."""
    n_bits, _, records = rows
    bits = matrix(records, n_bits)

    found = [
        listed(compare(bits, bits, measure=measure, threshold=threshold, kernel=kernel)) for kernel in KERNELS
    ]

    expected = oracle(measure, n_bits, records, records, threshold, is_self_join=True)
    assert found == [expected, expected]


def root(square):
    """Give the square root of a fraction, or where there is none a fraction near it."""
    return Fraction(math.isqrt(square.numerator), math.isqrt(square.denominator))


@pytest.mark.parametrize("measure", MEASURES)
@given(rows=sides(), aside=st.sampled_from([-1, 0, 1]), place=st.integers(0, 99))
@FEW
def test_a_threshold_at_the_similarity_of_a_pair_decides_to_the_bit(measure, rows, aside, place):
    """A pair reaches its own similarity, and not one greater by a hair."""
    n_bits, left, right = rows
    left, right = left or [1], right or [1]
    a, b = left[place % len(left)], right[place % len(right)]
    own, _ = similarity(measure, n_bits, (a & b).bit_count(), a.bit_count(), b.bit_count())
    own = root(own) if measure == "cosine" else own
    threshold = min(max(own + aside * Fraction(1, 10**40), Fraction(0)), Fraction(1))
    one, two = matrix(left, n_bits), matrix(right, n_bits)

    found = [
        listed(compare(one, two, measure=measure, threshold=threshold, kernel=kernel)) for kernel in KERNELS
    ]

    expected = oracle(measure, n_bits, left, right, threshold)
    assert found == [expected, expected]


@pytest.mark.parametrize("measure", MEASURES)
@given(
    rows=sides(n_bits=st.one_of(st.integers(193, 400), st.sampled_from([1024, 1100]))),
    times=st.integers(1, 8),
    threshold=thresholds,
    is_self_join=st.booleans(),
)
@example(
    rows=(4096, [2**4000 - 1, 0, 5], [2**4096 - 1, 0, 2**4000 - 2]),
    times=100,
    threshold=Fraction(9, 10),
    is_self_join=False,
)
@settings(max_examples=25, deadline=None)
def test_a_head_that_was_learned_changes_nothing(measure, rows, times, threshold, is_self_join):
    """Rows are left out only where the rest of their bits cannot make a pair."""
    n_bits, left, right = rows
    right = [*right] * (3 if is_self_join else times)
    left = right if is_self_join else left
    two = matrix(right, n_bits)
    one = two if is_self_join else matrix(left, n_bits)

    with mock.patch.object(candidates, "PRUNED_FROM", 0):
        pairs = compare(one, two, measure=measure, threshold=threshold, kernel="numba", candidates=AllPairs())

    assert listed(pairs) == oracle(measure, n_bits, left, right, threshold, is_self_join=is_self_join)


@pytest.mark.parametrize("measure", MEASURES)
@given(
    rows=sides(n_bits=widths),
    times=st.integers(1, 8),
    threshold=thresholds,
    is_self_join=st.booleans(),
    data=st.data(),
)
@FEW
def test_any_head_gives_the_same_pairs(measure, rows, times, threshold, is_self_join, data):
    """Which columns are looked at first changes the time, never the answer."""
    n_bits, left, right = rows
    right = [*right] * (3 if is_self_join else times)
    left = right if is_self_join else left
    n_words = data.draw(st.integers(1, min(n_bits // 64, 20)))
    columns = np.random.default_rng(data.draw(st.integers(0, 99))).permutation(n_bits)[: 64 * n_words]
    two = matrix(right, n_bits)
    one = two if is_self_join else matrix(left, n_bits)

    with (
        mock.patch.object(candidates, "PRUNED_FROM", 0),
        mock.patch.object(tiles, "choose_head", return_value=Head(columns)),
        small_tasks(7),
    ):
        pairs = compare(one, two, measure=measure, threshold=threshold, kernel="numba")

    assert listed(pairs) == oracle(measure, n_bits, left, right, threshold, is_self_join=is_self_join)


@given(
    rows=sides(),
    threshold=thresholds,
    workers=st.integers(1, 3),
    left_rows=st.integers(1, 100),
    is_self_join=st.booleans(),
)
@settings(deadline=None)
def test_sharing_out_the_work_changes_nothing(rows, threshold, workers, left_rows, is_self_join):
    """Small tasks on several threads give what one task gives."""
    n_bits, left, records = rows
    right = matrix(records * 5, n_bits)
    left = right if is_self_join else matrix(left, n_bits)
    whole = compare(left, right, threshold=threshold, kernel="numba", workers=1)

    with small_tasks(left_rows):
        found = [
            compare(left, right, threshold=threshold, kernel=kernel, workers=workers) for kernel in KERNELS
        ]

    assert [listed(pairs) for pairs in found] == [listed(whole)] * 2


@pytest.mark.parametrize("kernel", KERNELS)
@given(rows=sides(), threshold=thresholds, room=st.integers(0, 50), measure=st.sampled_from([*MEASURES]))
@settings(deadline=None)
def test_any_room_gives_the_same_pairs(kernel, rows, threshold, room, measure):
    """A task that overflows is run again at the size that it counted."""
    n_bits, left, right = rows
    left, right = left or [1], right or [1]
    similar = measure_named(measure)
    job = Job.of(matrix(left, n_bits), matrix(right, n_bits), similar.needed_overlap(n_bits, threshold))
    work = AllPairs().work(job, load_kernel(kernel, n_pairs=0))

    collected = engine._Collected(None)
    for task in work.tasks():
        collected.add(engine.run_task(task, None, PairBudget(10**6), room=room))

    found = engine.scored(job, similar, collected.joined())
    assert listed(found) == oracle(measure, n_bits, left, right, threshold)


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

    assert between == oracle("dice", n_bits, left, right, Fraction(1))
    assert within == oracle("dice", n_bits, right, right, Fraction(1), is_self_join=True)
