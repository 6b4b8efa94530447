"""Kernels: how they are chosen, laid out and compiled."""

import sys

import numpy as np
import pytest

from pprl.comparison import compare, engine, kernels, tasks
from pprl.comparison.kernels import loading, tiles
from pprl.comparison.measures import Dice, parse_threshold
from pprl.comparison.tasks import Side
from pprl.errors import ResourceError
from pprl.model import BitMatrix


def random_bits(n_records, n_bits, *, seed=0):
    return BitMatrix.from_bools(np.random.default_rng(seed).random((n_records, n_bits)) < 0.3)


@pytest.fixture
def without_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "pprl.comparison.kernels.tiles", raising=False)
    monkeypatch.delattr(kernels, "tiles", raising=False)


@pytest.mark.parametrize(
    ("n_pairs", "expected"),
    [(0, "reference"), (9_999_999, "reference"), (10_000_000, "numba"), (10**12, "numba")],
)
def test_auto_chooses_by_the_number_of_pairs(n_pairs, expected):
    """Small inputs do not wait for a compiler."""
    kernel = loading.load_kernel("auto", n_pairs=n_pairs)

    assert kernel.name == expected


@pytest.mark.usefixtures("without_numba")
def test_auto_falls_back_to_the_reference_without_numba():
    """A library that is missing costs speed, not the answer."""
    kernel = loading.load_kernel("auto", n_pairs=10**12)

    assert kernel.name == "reference"


@pytest.mark.usefixtures("without_numba")
def test_a_kernel_that_was_asked_for_and_is_missing_is_an_error():
    """Who names a kernel is not given another."""
    bits = random_bits(2, 64)

    with pytest.raises(ResourceError, match="numba cannot be imported") as caught:
        compare(bits, bits, threshold=1, kernel="numba")

    assert caught.value.code == "resource/no-numba"


@pytest.mark.parametrize("n_words", [*range(1, 20), 24, 64, 65])
def test_a_tile_shape_divides_what_it_must(n_words):
    """Lanes divide a block, unrolled parts divide a row, and padding is less than a part."""
    shape = tiles.Shape.fit(n_words)

    assert (tasks.BLOCK % shape.n_lanes, shape.n_words % shape.part) == (0, 0)
    assert n_words <= shape.n_words < n_words + max(shape.part, 1)


@pytest.mark.parametrize("n_bits", [64, 500, 1024, 1100])
def test_a_tile_holds_its_rows_word_by_word(n_bits):
    """Lane l of word k is word k of row l; what is beyond the rows is zero; lines are whole."""
    side = Side.of(random_bits(200, n_bits))
    shape = tiles.Shape.fit(side.words.shape[1])

    tiled = tiles._tiled(side, shape)

    n_words = side.words.shape[1]
    back = tiled.reshape(-1, shape.n_words, shape.n_lanes).transpose(0, 2, 1).reshape(-1, shape.n_words)
    assert (back[:200, :n_words] == side.rows(0, 200)).all()
    assert not back[200:].any()
    assert not back[:, n_words:].any()
    assert tiled.ctypes.data % 64 == 0


def test_blocks_are_left_out_only_where_no_pair_can_qualify():
    """All popcounts from 0 to all, every threshold: the same pairs as without leaving out."""
    bits = BitMatrix.from_bools(np.tri(301, 300, -1, dtype=bool))
    other = BitMatrix.from_words(bits.words, n_bits=300)
    thresholds = ["0", "1/600", "0.3", "0.8", "0.99", "1"]

    fast, slow = (
        [compare(bits, other, threshold=threshold, kernel=kernel).to_arrow() for threshold in thresholds]
        for kernel in ("numba", "reference")
    )

    assert fast == slow


def test_a_side_is_sorted_by_popcount_and_remembers_its_rows():
    """Equal popcounts stay in the order of rows."""
    side = Side.of(BitMatrix.from_bools([[1, 1], [0, 1], [0, 0], [1, 0]]))

    assert (side.order.tolist(), side.counts.tolist()) == ([2, 1, 3, 0], [0, 1, 1, 2])


@pytest.mark.parametrize("is_self_join", [False, True])
@pytest.mark.parametrize(("n_left", "n_right"), [(1, 1), (1, 700), (513, 5), (1300, 1300)])
def test_tasks_share_out_every_pair_once(n_left, n_right, is_self_join):
    """Their sizes add up to all pairs, also below the diagonal's edge."""
    left = random_bits(n_left, 64)
    job = engine._job(
        left,
        left if is_self_join else random_bits(n_right, 64),
        Dice().needed_overlap(64, parse_threshold(1)),
    )

    sizes = [job.n_pairs_in(task) for task in job.tasks(256)]

    assert sum(sizes) == job.n_pairs
    assert 0 not in sizes


def test_without_a_folder_to_write_the_kernel_is_compiled_all_the_same(monkeypatch):
    """The compiler refuses to decorate where it can write nowhere."""
    from numba.core import caching

    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="no locator available"):
        tiles._from_cache()

    kernel = tiles._compiled.__wrapped__(tiles.Shape.fit(2))

    assert callable(kernel)


def test_a_cache_that_cannot_be_read_costs_a_compilation_and_nothing_else(monkeypatch, tmp_path):
    """A file cut short in numba's folder must not stop a linkage."""
    monkeypatch.setattr(tiles.numba.config, "CACHE_DIR", str(tmp_path))
    shape = tiles.Shape.fit(2)
    tiles._compiled.__wrapped__(shape)
    cached = [path for path in tmp_path.rglob("*") if path.suffix in {".nbi", ".nbc"}]
    for path in cached:
        path.write_bytes(b"torn")

    kernel = tiles._compiled.__wrapped__(shape)

    assert cached
    assert callable(kernel)


def test_a_fault_of_the_kernel_itself_is_not_hidden(monkeypatch):
    """Only the cache is forgiven."""

    def broken():
        raise ZeroDivisionError

    monkeypatch.setattr(tiles, "_from_cache", broken)
    monkeypatch.setattr(tiles, "_without_cache", broken)

    with pytest.raises(ZeroDivisionError):
        tiles._compiled.__wrapped__(tiles.Shape.fit(2))
