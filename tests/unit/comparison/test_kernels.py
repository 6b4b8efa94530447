"""Kernels: how they are chosen, laid out and compiled."""

import sys

import numpy as np
import pytest
from numba import config, types
from numba.core import caching

from pprl.comparison import compare, kernels, rectangles
from pprl.comparison.heads import Head
from pprl.comparison.jobs import Job, Side
from pprl.comparison.kernels import compiling, loading, tiles
from pprl.comparison.measures import MEASURES, Dice
from pprl.comparison.thresholds import parse_threshold
from pprl.errors import ResourceError
from pprl.model import BitMatrix

COMPILED = ("buckets", "compiling", "tiles", "vectors")
SIGNATURE = types.int64(types.int64)


def random_bits(n_records, n_bits, *, seed=0):
    return BitMatrix.from_bools(np.random.default_rng(seed).random((n_records, n_bits)) < 0.3)


def doubled(number):
    return 2 * number


@pytest.fixture
def not_loaded(monkeypatch):
    for name in COMPILED:
        monkeypatch.delitem(sys.modules, f"pprl.comparison.kernels.{name}", raising=False)
        monkeypatch.delattr(kernels, name, raising=False)


@pytest.fixture
def without_numba(monkeypatch, not_loaded):
    monkeypatch.setitem(sys.modules, "numba", None)


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


@pytest.mark.usefixtures("not_loaded")
def test_numba_that_is_told_not_to_compile_is_as_good_as_missing(monkeypatch):
    """Interpreted, a kernel would run for days."""
    monkeypatch.setattr(config, "DISABLE_JIT", 1)

    kernel = loading.load_kernel("auto", n_pairs=10**12)

    assert kernel.name == "reference"


@pytest.mark.parametrize("width", [128, 256])
@pytest.mark.parametrize("n_bits", [64, 500, 1024, 1100])
def test_a_tile_holds_its_rows_word_by_word(n_bits, width):
    """Lane l of word k is word k of row l; what is beyond the rows is zero; lines are whole."""
    side = Side.of(random_bits(200, n_bits))

    tiled = tiles._tiled(side, tiles._Rows.of(side, None), width)

    n_words = side.words.shape[1]
    lanes = tiled.words.reshape(-1, n_words, tiles.LANES)
    back = lanes.transpose(0, 2, 1).reshape(-1, n_words)
    assert len(back) == 256
    assert (back[:200] == side.words[tiled.rows]).all()
    assert not back[200:].any()
    assert tiled.words.ctypes.data % 64 == 0


@pytest.mark.parametrize("with_head", [False, True])
def test_tiles_know_the_row_the_position_and_the_greatest_counts_of_each_block(with_head):
    """Rows keep to their rectangle, popcounts never fall, and a tail is what the head has not."""
    bits = random_bits(300, 400)
    side = Side.of(bits)
    head = Head(np.random.default_rng(1).permutation(400)[:128]) if with_head else None

    tiled = tiles._tiled(side, tiles._Rows.of(side, head), 128)

    tails = np.delete(bits.to_bools(), head.columns, axis=1).sum(axis=1) if with_head else np.zeros(300, int)
    blocks = [slice(start, start + 128) for start in (0, 128, 256)]
    assert (tiled.rows == side.order[tiled.positions]).all()
    assert (tiled.counts == side.counts).all()
    assert [sorted(tiled.positions[block]) for block in blocks] == [
        list(range(300))[block] for block in blocks
    ]
    assert tiled.block_tail.tolist() == [tails[tiled.rows[block]].max() for block in blocks]
    assert tiled.block_head.tolist() == [(tiled.counts - tails[tiled.rows])[block].max() for block in blocks]
    assert tiled.block_last.tolist() == [127, 255, 299]


@pytest.mark.parametrize(("n_rows", "n_bits"), [(0, 64), (1, 64), (64, 100), (65, 1024), (200, 1100)])
def test_gathered_columns_are_the_bits_of_each_row(n_rows, n_bits):
    """Bit j of a head is the bit of its column, in whatever order the columns are."""
    bits = random_bits(n_rows, n_bits)
    chosen = np.random.default_rng(n_bits).permutation(n_bits)[: 64 * (n_bits // 64)]

    gathered = tiles.gathered(bits.words, chosen)

    assert (BitMatrix(gathered, chosen.size).to_bools() == bits.to_bools()[:, chosen]).all()


@pytest.mark.parametrize("measure", MEASURES)
def test_blocks_are_left_out_only_where_no_pair_can_qualify(measure):
    """All popcounts from 0 to all, every threshold: the same pairs as without leaving out."""
    bits = BitMatrix.from_bools(np.tri(301, 300, -1, dtype=bool))
    other = BitMatrix.from_words(bits.words, n_bits=300)
    thresholds = ["0", "1/600", "0.3", "0.8", "0.99", "1"]

    fast, slow = (
        [
            compare(bits, other, threshold=threshold, measure=measure, kernel=kernel).to_arrow()
            for threshold in thresholds
        ]
        for kernel in ("numba", "reference")
    )

    assert fast == slow


def test_blocks_are_left_out_where_no_pair_can_qualify(monkeypatch):
    """Rows of few bits never meet rows of many in the loop: it is not even called."""
    few = BitMatrix.from_bools(np.tri(200, 600, dtype=bool)[:, ::-1][:50])
    many = BitMatrix.from_bools(np.ones((200, 600), dtype=bool))
    job = Job.of(few, many, Dice().needed_overlap(600, parse_threshold("0.8")))
    (piece,) = rectangles.rectangles(job)
    monkeypatch.setattr(tiles, "compiled", lambda *_: pytest.fail)

    found = tiles.prepare_rectangles(job, prune=False)(piece, 10)

    assert found.n_pairs == 0


def test_a_side_is_sorted_by_popcount_and_remembers_its_rows():
    """Equal popcounts stay in the order of rows."""
    side = Side.of(BitMatrix.from_bools([[1, 1], [0, 1], [0, 0], [1, 0]]))

    assert (side.order.tolist(), side.counts.tolist()) == ([2, 1, 3, 0], [0, 1, 1, 2])
    assert side.row_counts().tolist() == [2, 1, 0, 1]


@pytest.mark.parametrize("is_self_join", [False, True])
@pytest.mark.parametrize(("n_left", "n_right"), [(1, 1), (1, 700), (513, 5), (1300, 1300)])
def test_tasks_share_out_every_pair_once(monkeypatch, n_left, n_right, is_self_join):
    """Each pair is in one rectangle, also at the diagonal's edge, and the sizes count them."""
    monkeypatch.setattr(rectangles, "RIGHT_WORDS", 256)
    left = random_bits(n_left, 64)
    right = left if is_self_join else random_bits(n_right, 64)
    job = Job.of(left, right, Dice().needed_overlap(64, parse_threshold(1)))
    met = np.zeros((len(left), len(right)), dtype=int)

    pieces = list(rectangles.rectangles(job))

    for piece in pieces:
        met[piece.left_start : piece.left_stop, piece.right_start : piece.right_stop] += 1
    met = np.triu(met, 1) if is_self_join else met
    sizes = [rectangles.n_pairs_in(job, piece) for piece in pieces]
    assert met.sum() == job.n_pairs
    assert met.max() <= 1
    assert sum(sizes) == job.n_pairs
    assert 0 not in sizes


def test_without_a_folder_to_write_the_kernel_is_compiled_all_the_same(monkeypatch):
    """The compiler refuses to decorate where it can write nowhere."""
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="no locator available"):
        compiling._from_cache(doubled, SIGNATURE)

    kernel = compiling.compiled.__wrapped__(doubled, SIGNATURE)

    assert kernel(21) == 42


def test_a_cache_that_cannot_be_read_costs_a_compilation_and_nothing_else(monkeypatch, tmp_path):
    """A file cut short in numba's folder must not stop a linkage."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    compiling.compiled.__wrapped__(doubled, SIGNATURE)
    cached = [path for path in tmp_path.rglob("*") if path.suffix in {".nbi", ".nbc"}]
    for path in cached:
        path.write_bytes(b"torn")

    kernel = compiling.compiled.__wrapped__(doubled, SIGNATURE)

    assert cached
    assert kernel(21) == 42


def test_a_fault_of_the_kernel_itself_is_not_hidden(monkeypatch):
    """Only the cache is forgiven."""

    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(compiling, "_from_cache", broken)
    monkeypatch.setattr(compiling, "_without_cache", broken)

    with pytest.raises(ZeroDivisionError):
        compiling.compiled.__wrapped__(doubled, SIGNATURE)


def test_a_loop_is_compiled_once_for_a_signature():
    """Threads and calls share it."""
    first, second = (compiling.compiled(doubled, SIGNATURE) for _ in range(2))

    assert first is second
