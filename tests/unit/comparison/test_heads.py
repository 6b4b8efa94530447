"""Heads: which columns are looked at first."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pprl.comparison import candidates, compare
from pprl.comparison.heads import choose_head
from pprl.comparison.jobs import Job
from pprl.comparison.kernels import tiles
from pprl.comparison.kernels.loading import load_kernel
from pprl.comparison.measures import MEASURES, measure_named
from pprl.comparison.thresholds import parse_threshold
from pprl.model import BitMatrix


def job_of(left, right, threshold, measure="dice"):
    return Job.of(left, right, measure_named(measure).needed_overlap(left.n_bits, parse_threshold(threshold)))


def clustered(n_records, n_bits=1024, *, seed=0):
    """Rows as CLKs are: some columns nearly always set, families of rows that differ in few bits."""
    rng = np.random.default_rng(seed)
    chances = rng.beta(0.8, 1.2, size=n_bits)
    families = rng.random((n_records // 2 + 1, n_bits)) < chances
    members = families[rng.integers(len(families), size=n_records)]
    return BitMatrix.from_bools(members ^ (rng.random((n_records, n_bits)) < 0.02))


@given(
    n_bits=st.integers(193, 1100),
    n_rows=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    share=st.sampled_from([0.0, 0.02, 0.3, 0.9, 1.0]),
    threshold=st.fractions(0, 1, max_denominator=100),
    measure=st.sampled_from([*MEASURES]),
    is_self_join=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_a_head_has_distinct_columns_and_fewer_words_than_a_row(
    n_bits, n_rows, share, threshold, measure, is_self_join
):
    """Whatever the rows are, empty and full ones too."""
    rng = np.random.default_rng(n_bits)
    left, right = (BitMatrix.from_bools(rng.random((n, n_bits)) < share) for n in n_rows)

    head = choose_head(job_of(left, left if is_self_join else right, threshold, measure))

    assert head is None or 1 <= head.n_words < left.words.shape[1]
    assert head is None or np.unique(head.columns).size == head.columns.size == 64 * head.n_words
    assert head is None or 0 <= head.columns.min() <= head.columns.max() < n_bits


@pytest.mark.parametrize("n_bits", [1, 64, 128, 192])
def test_narrow_rows_have_no_head(n_bits):
    """A row of three words is soon looked at whole."""
    bits = clustered(100, n_bits)

    head = choose_head(job_of(bits, bits, "0.9"))

    assert head is None


@pytest.mark.parametrize("measure", ["dice", "jaccard", "cosine", "hamming"])
@pytest.mark.parametrize("is_self_join", [False, True])
def test_clustered_rows_get_a_head_at_a_high_threshold(is_self_join, measure):
    """Most pairs can be left after a few words."""
    left = clustered(2000)
    right = left if is_self_join else clustered(2000, seed=1)

    head = choose_head(job_of(left, right, Fraction(9, 10), measure))

    assert head is not None
    assert 1 <= head.n_words <= 8


def test_where_every_pair_qualifies_there_is_no_head():
    """Nothing can be left early."""
    bits = clustered(500)

    head = choose_head(job_of(bits, bits, 0))

    assert head is None


def test_the_same_job_gets_the_same_head():
    """The sample is drawn alike, so a run can be repeated."""
    bits = clustered(2000)

    one, two = (choose_head(job_of(bits, bits, "0.9")) for _ in range(2))

    assert (one.columns == two.columns).all()


@pytest.mark.parametrize("n_bits", [300, 1024, 1100])
@pytest.mark.parametrize("threshold", ["0.6", "0.8", "0.95", "1"])
@pytest.mark.parametrize("is_self_join", [False, True])
def test_pruning_loses_no_pair_of_clustered_rows(monkeypatch, n_bits, threshold, is_self_join):
    """Families make many pairs near each other, over several blocks."""
    left = clustered(700, n_bits)
    right = left if is_self_join else BitMatrix.from_words(left.words[::-1], n_bits=n_bits)
    slow = compare(left, right, threshold=threshold, kernel="reference")
    monkeypatch.setattr(candidates, "PRUNED_FROM", 0)

    fast = compare(left, right, threshold=threshold, kernel="numba")

    assert fast.to_arrow() == slow.to_arrow()
    assert len(fast) > 100 or threshold == "1"


@pytest.mark.parametrize(
    ("n_pairs_from", "prune", "chosen"), [(0, True, 1), (0, False, 0), (50 * 49 // 2 + 1, True, 0)]
)
def test_a_head_is_learned_where_it_pays_and_is_wanted(monkeypatch, n_pairs_from, prune, chosen):
    """Few pairs are done before an order of columns is known."""
    asked = []
    monkeypatch.setattr(tiles, "choose_head", asked.append)
    monkeypatch.setattr(candidates, "PRUNED_FROM", n_pairs_from)
    job = job_of(bits := clustered(50), bits, "0.8")

    list(candidates.AllPairs(prune=prune).work(job, load_kernel("numba", n_pairs=0)).tasks())

    assert len(asked) == chosen


def test_rows_of_the_greatest_length_have_a_head_without_a_square_of_it():
    """Covariances of 65,536 columns would be 16 GB; 4,096 of them are looked at."""
    rng = np.random.default_rng(2)
    bits = BitMatrix.from_words(rng.integers(0, 2**64, size=(300, 1024), dtype=np.uint64), n_bits=65_536)

    head = choose_head(job_of(bits, bits, "0.99"))

    assert head.n_words <= 40
    assert np.unique(head.columns).size == head.columns.size
    assert head.columns.max() > 4096
