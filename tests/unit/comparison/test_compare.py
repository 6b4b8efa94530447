"""The engine: what a call gives, refuses and survives."""

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pprl.comparison import compare, engine, rectangles
from pprl.comparison.candidates import AllPairs
from pprl.comparison.guards import PairBudget
from pprl.comparison.jobs import NONE_FOUND, Found, Job, Task
from pprl.comparison.kernels.loading import load_kernel
from pprl.comparison.kernels.types import Kernel
from pprl.comparison.measures import Dice
from pprl.comparison.thresholds import parse_threshold
from pprl.errors import DataError, ResourceError, UsageError
from pprl.model import BitMatrix

KERNELS = ("reference", "numba")


def random_bits(n_records, n_bits=128, *, seed=0, share=0.3):
    return BitMatrix.from_bools(np.random.default_rng(seed).random((n_records, n_bits)) < share)


def dice_job(left, right, threshold):
    return Job.of(left, right, Dice().needed_overlap(left.n_bits, parse_threshold(threshold)))


def columns(pairs):
    return [column.tolist() for column in (pairs.left, pairs.right, pairs.overlap, pairs.score)]


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_tie_with_the_threshold_is_in(kernel):
    """Dice 4/5 reaches "0.8"; no float decides."""
    left = BitMatrix.from_bools([[1, 1, 1, 0], [1, 0, 0, 0]])
    right = BitMatrix.from_bools([[1, 1, 0, 0]])

    pairs = compare(left, right, threshold="0.8", kernel=kernel)

    assert columns(pairs) == [[0], [0], [2], [0.8]]


@pytest.mark.parametrize("kernel", KERNELS)
def test_at_threshold_0_all_pairs_qualify_but_those_of_two_empty_rows(kernel):
    """Two absent records are no pair; an absent and a present one have similarity 0."""
    left = right = [[0, 0, 0], [1, 0, 1]]

    pairs = compare(BitMatrix.from_bools(left), BitMatrix.from_bools(right), threshold=0, kernel=kernel)

    assert columns(pairs) == [[1, 0, 1], [1, 1, 0], [2, 0, 0], [1.0, 0.0, 0.0]]


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_self_join_gives_each_pair_of_rows_once(kernel):
    """Left is the smaller row number, and no row meets itself, however popcounts are sorted."""
    bits = BitMatrix.from_bools([[1, 1, 1, 1], [1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]])

    pairs = compare(bits, bits, threshold="0.8", kernel=kernel)

    assert columns(pairs)[:3] == [[0, 0, 1], [3, 1, 3], [4, 3, 3]]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n_bits", [64, 1100])
def test_a_self_join_loses_no_pair_at_the_edges_of_blocks_and_tasks(kernel, n_bits):
    """Among equal rows every pair qualifies, so one that is left out is missed."""
    bits = BitMatrix.from_bools(np.ones((600, n_bits), dtype=bool))

    pairs = compare(bits, bits, threshold=1, kernel=kernel)

    left, right = np.triu_indices(600, 1)
    assert (pairs.left.tolist(), pairs.right.tolist()) == (left.tolist(), right.tolist())


def test_equal_tables_that_are_two_objects_are_no_self_join():
    """Only one object given twice is one table."""
    bits = random_bits(3)

    pairs = compare(bits, BitMatrix.from_words(bits.words, n_bits=128), threshold=1)

    assert columns(pairs)[:2] == [[0, 1, 2], [0, 1, 2]]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("n_left", "n_right"), [(0, 0), (0, 3), (3, 0)])
def test_an_empty_side_gives_no_pairs_and_no_progress(kernel, n_left, n_right):
    """Nothing to do is not an error."""
    calls = []
    left, right = random_bits(n_left), random_bits(n_right)

    pairs = compare(left, right, threshold=0, kernel=kernel, progress=lambda *call: calls.append(call))

    assert (columns(pairs), calls) == ([[], [], [], []], [])


@pytest.mark.parametrize("is_self_join", [False, True])
@pytest.mark.parametrize("n_bits", [64, 300, 1024, 2100])
def test_kernels_and_threads_agree_over_many_tasks_and_blocks(n_bits, is_self_join):
    """Rows beyond one task and blocks that are left out change nothing."""
    left = random_bits(1100, n_bits, seed=1)
    right = left if is_self_join else random_bits(700, n_bits, seed=2)
    threshold = {64: "0.6", 300: "0.45", 1024: "0.37", 2100: "0.36"}[n_bits]

    one, two, three, slow = (
        columns(compare(left, right, threshold=threshold, kernel=kernel, workers=workers))
        for kernel, workers in (("numba", 1), ("numba", 2), ("numba", 3), ("reference", 2))
    )

    assert len(slow[0]) > 100
    assert one == two == three == slow


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("is_self_join", [False, True])
def test_tasks_may_share_out_the_right_side_too(monkeypatch, kernel, is_self_join):
    """A task ends soon, so a long right side is cut as well, and no pair is lost at a cut."""
    left = random_bits(900, seed=1)
    right = left if is_self_join else random_bits(1000, seed=2)
    whole = compare(left, right, threshold="0.5", kernel=kernel)
    monkeypatch.setattr(rectangles, "RIGHT_WORDS", 1)
    cuts = {piece.right_start for piece in rectangles.rectangles(dice_job(left, right, 1))}

    cut = compare(left, right, threshold="0.5", kernel=kernel, workers=2)

    assert cuts == set(range(0, len(right), rectangles.BLOCK))
    assert columns(cut) == columns(whole)
    assert len(cut) > 100


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("room", [0, 1, 7, 100_000])
def test_a_task_that_overflows_its_room_is_run_again_with_room_for_all(kernel, room):
    """The room is a guess about memory, never about the answer."""
    left, right = random_bits(300, seed=1), random_bits(200, seed=2)
    work = AllPairs().work(dice_job(left, right, "0.3"), load_kernel(kernel, n_pairs=0))
    (task,) = work.tasks()

    found = engine.run_task(task, None, PairBudget(10**6), room=room)

    rows = sorted(zip(found.left.tolist(), found.right.tolist(), found.overlap.tolist(), strict=True))
    wanted = [
        (i, j, int(np.bitwise_count(a & b).sum()))
        for i, a in enumerate(left.words)
        for j, b in enumerate(right.words)
    ]
    sizes = left.popcounts(), right.popcounts()
    assert rows == [(i, j, c) for i, j, c in wanted if 20 * c >= 3 * (sizes[0][i] + sizes[1][j])]
    assert found.n_pairs == len(rows)


@pytest.mark.parametrize("kernel", KERNELS)
def test_too_many_pairs_are_counted_and_not_stored(kernel):
    """The bound is on what is kept, and the answer says what to do."""
    bits = random_bits(60)

    with pytest.raises(ResourceError, match=r"more than 1,000 pairs qualify") as caught:
        compare(bits, random_bits(60, seed=1), threshold=0, max_pairs=1000, kernel=kernel)

    assert (caught.value.code, "raise the threshold" in caught.value.hint) == (
        "resource/too-many-pairs",
        True,
    )


def test_a_task_over_the_budget_is_not_run_again():
    """Pairs over the budget are never given room."""
    rooms = []

    def scan(room):
        rooms.append(room)
        return NONE_FOUND._replace(n_pairs=50)

    with pytest.raises(ResourceError):
        engine.run_task(Task(0, 100, scan), None, PairBudget(49), room=5)

    assert rooms == [5]


def test_as_many_pairs_as_allowed_are_allowed():
    """The bound itself is within it."""
    bits = BitMatrix.from_bools(np.ones((5, 8), dtype=bool))

    pairs = compare(bits, bits, threshold=1, max_pairs=10)

    assert len(pairs) == 10


@pytest.mark.parametrize("is_self_join", [False, True])
def test_progress_is_told_in_the_calling_thread_and_ends_at_the_total(is_self_join):
    """Done never falls, and the last call says that all is done."""
    calls = []
    left = random_bits(1500)
    right = left if is_self_join else random_bits(100)
    total = 1500 * 1499 // 2 if is_self_join else 1500 * 100

    compare(
        left,
        right,
        threshold=1,
        workers=2,
        progress=lambda *n: calls.append((*n, threading.current_thread())),
    )

    done = [call[0] for call in calls]
    assert done == sorted(done)
    assert {call[1:] for call in calls} == {(total, threading.main_thread())}
    assert done[-1] == total


class Endless:
    """Work without an end; all tasks but the first wait until the engine has given up."""

    size = 10**9

    def __init__(self):
        self.begun = []
        self.given_up = threading.Event()

    def tasks(self):
        return (Task(number, 1, lambda room, number=number: self._scan(number)) for number in range(10**9))

    def _scan(self, number) -> Found:
        self.begun.append(number)
        if number:
            self.given_up.wait(60)
        return NONE_FOUND


@pytest.mark.parametrize("workers", [1, 3])
def test_an_interrupt_stops_the_work_that_has_not_begun(monkeypatch, request, workers):
    """The queue is dropped; no thread goes on after the call."""
    work = Endless()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, *, wait, cancel_futures):
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            work.given_up.set()
            super().shutdown(wait=wait)

    monkeypatch.setattr(engine, "ThreadPoolExecutor", Pool)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    with pytest.raises(KeyboardInterrupt):
        engine.run(
            work,
            None,
            workers=workers,
            budget=PairBudget(1),
            progress=lambda *_: signal.raise_signal(signal.SIGINT),
        )

    assert len(work.begun) <= workers + 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pprl-compare")]


@pytest.mark.parametrize("workers", [1, 3])
def test_few_tasks_are_handed_out_ahead(workers):
    """Not a million at once: each holds memory, and an interrupt must drop it."""
    handed_out, done = [], []

    class Counted(Endless):
        def tasks(self):
            for number in range(200):
                handed_out.append(number - len(done))
                yield Task(number, 1, lambda room: NONE_FOUND)

    engine.run(
        Counted(), None, workers=workers, budget=PairBudget(1), progress=lambda *told: done.append(told)
    )

    assert len(done) == 200
    assert max(handed_out) <= engine._AHEAD * workers


def test_an_error_in_a_thread_reaches_the_caller(monkeypatch):
    """It is raised as it is, not lost and not waited for."""

    class TornError(Exception):
        pass

    def scan(_piece, _room):
        raise TornError

    broken = Kernel("broken", lambda _job, _prune: scan, lambda *_: scan)
    monkeypatch.setattr(engine, "load_kernel", lambda *_, **__: broken)

    with pytest.raises(TornError):
        compare(random_bits(2000), random_bits(2000), threshold=1, workers=2)

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pprl-compare")]


def test_rows_of_unequal_length_are_refused():
    """Encodings of two kinds cannot be alike."""
    with pytest.raises(DataError, match="rows of 64 bits on the left and of 65 on the right") as caught:
        compare(random_bits(2, 64), random_bits(2, 65), threshold=1)

    assert caught.value.code == "data/row-length"


@pytest.mark.parametrize(
    ("option", "message", "hint"),
    [
        ({"kernel": "numbra"}, "kernel: 'numbra' is not one", "did you mean 'numba'?"),
        ({"kernel": "cuda"}, "kernel: 'cuda' is not one", "legal here: auto, numba, reference"),
        ({"measure": "dise"}, "measure: 'dise' is not one", "did you mean 'dice'?"),
        (
            {"measure": "tversky"},
            "measure: 'tversky' is not one",
            "legal here: corrected-dice, cosine, dice, hamming, jaccard, overlap",
        ),
        ({"workers": 0}, "workers: got 0, wanted a whole number from 1", ""),
        ({"workers": 1.5}, "workers: got 1.5, wanted a whole number from 1", ""),
        ({"workers": True}, "workers: got True, wanted a whole number from 1", ""),
        ({"top_k": 0}, "top_k: got 0, wanted a whole number from 1", ""),
        ({"top_k": "best"}, "top_k: got str, wanted a whole number from 1", ""),
        ({"max_pairs": -1}, "max_pairs: got -1, wanted a whole number from 0", ""),
        ({"max_pairs": "many"}, "max_pairs: got str, wanted a whole number from 0", ""),
        ({"checkpoint": 5}, "checkpoint: got int, wanted a path", ""),
        ({"checkpoint": ""}, "checkpoint: names nothing", "wanted the name of a folder"),
        ({"candidates": "all-pairs"}, "candidates: got str, wanted AllPairs() or SharedTags(...)", ""),
        ({"candidates": AllPairs}, "candidates: got type, wanted AllPairs() or SharedTags(...)", ""),
        ({"left": [[1]]}, "left: got list, wanted a BitMatrix", ""),
        ({"right": None}, "right: got NoneType, wanted a BitMatrix", ""),
    ],
)
def test_an_impossible_call_names_the_place_and_what_was_wanted(option, message, hint):
    """Whoever calls learns where, what was found and what is legal."""
    call = {"left": random_bits(1), "right": random_bits(1), "threshold": "0.8", **option}

    with pytest.raises(UsageError) as caught:
        compare(call.pop("left"), call.pop("right"), **call)

    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_importing_the_package_does_not_load_a_compiler():
    """Half a second that most calls need not pay."""
    code = "import sys, pprl.comparison; sys.exit('numba' in sys.modules)"

    status = subprocess.run([sys.executable, "-c", code], check=False).returncode

    assert status == 0
