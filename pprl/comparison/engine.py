"""
The engine: all candidate pairs of two bit matrices whose similarity reaches a threshold.

Work is cut into tasks and shared out to threads; kernels run outside Python's global
lock.  The answer does not depend on the kernel or on the number of threads.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from fractions import Fraction

import numpy as np

from pprl.comparison.candidates import AllPairs, Candidates
from pprl.comparison.checkpoint import Checkpoint, digest_of
from pprl.comparison.guards import MAX_PAIRS, PairBudget, require_comparable, require_path, require_whole
from pprl.comparison.jobs import NONE_FOUND, PAIRS_AT_ONCE, Found, Job, Positions, Task, Work
from pprl.comparison.kernels.loading import load_kernel
from pprl.comparison.kernels.types import KernelName
from pprl.comparison.measures import Measure, measure_named
from pprl.comparison.thresholds import Threshold, parse_threshold
from pprl.comparison.topk import best_of_each
from pprl.errors import ResourceError, UsageError
from pprl.machine import processors
from pprl.model import BitMatrix, Provenance, ScoredPairs

Progress = Callable[[int, int], None]
Reduce = Callable[[Found], Found]

_NO_END = 1 << 62
_REDUCED_AT_ONCE = 1 << 21  # pairs of a task that are then reduced: all of them may qualify
_REDUCED_FROM = 1 << 22  # pairs held; then only those that are wanted are kept
ROOM = 1 << 16  # pairs that a task may find before it is run again with room for all
_MOST_ROWS = (1 << 31) - 1  # positions are kept in 32 bits
_AHEAD = 4  # tasks handed out for each thread, so that an interrupt finds a short queue
_GLANCE = 0.2  # seconds; a wait without end cannot be interrupted everywhere


def compare(
    left: BitMatrix,
    right: BitMatrix,
    *,
    threshold: Threshold,
    measure: str = "dice",
    candidates: Candidates = AllPairs(),  # noqa: B008 - it is frozen
    top_k: int | None = None,
    workers: int | None = None,
    kernel: KernelName = "auto",
    progress: Progress | None = None,
    max_pairs: int = MAX_PAIRS,
    checkpoint: str | os.PathLike[str] | None = None,
) -> ScoredPairs:
    """Find all pairs of rows whose similarity reaches a threshold.

    The test is made in whole numbers: a pair with Dice similarity 4/5 reaches "0.8".  Two
    rows without a bit (absent records) never form a pair, whatever the threshold.

    Parameters
    ----------
    left, right : BitMatrix
        Rows of equal length.  One object given twice is compared with itself: each pair
        of rows once, the smaller row number on the left, no row with itself.
    threshold : str, int, float, Decimal or Fraction
        From 0 to 1, best as text: "0.8" or "4/5".  A float means its shortest text.
    measure : str
        Name of the similarity measure.
    candidates : Candidates
        Which pairs are looked at: `AllPairs` or `SharedTags`.
    top_k : int, optional
        Keep at most so many partners of each left row, the best, and among equals those
        with the smaller row number; in a self-join, the best of each of its two rows.
    workers : int, optional
        Number of threads; by default one for each processor that this process may use.
    kernel : {"auto", "numba", "reference"}
        "auto" takes the reference for fewer than 10 million pairs, so that small inputs do
        not wait for a compiler, and where numba cannot be imported; otherwise numba.
    progress : callable, optional
        Called in the calling thread as ``progress(done, in_all)`` when tasks end; the last
        time with both equal.  It counts pairs, with `SharedTags` records looked up.  Not
        called where there are no pairs.
    max_pairs : int
        The most pairs that the result may hold.
    checkpoint : path, optional
        Folder for what has been found so far.  The same call goes on from there after an
        interrupt, a crash or a kill, and gives the same result.

    Returns
    -------
    ScoredPairs
        The same to the bit whatever the kernel and the number of threads.

    Raises
    ------
    UsageError
        If the threshold, the measure, the kernel or a number is not a legal one.
    DataError
        If the rows of the two sides differ in length.
    ResourceError
        If more than `max_pairs` pairs qualify, or the kernel named cannot be loaded.
    PolicyError
        If the checkpoint belongs to another comparison.
    AuthenticationError
        If the checkpoint is damaged.

    Notes
    -----
    For Dice, the test for a threshold p/q and an overlap c is
    ``2 * q * c >= p * (|A| + |B|)``.

    Examples
    --------
    >>> left = BitMatrix.from_bools([[1, 1, 1, 0], [0, 0, 0, 0]])
    >>> right = BitMatrix.from_bools([[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1]])
    >>> pairs = compare(left, right, threshold="0.8")
    >>> pairs.left.tolist(), pairs.right.tolist(), pairs.score.tolist()
    ([0], [0], [0.8])
    """
    require_comparable(left, right)
    if max(len(left), len(right)) > _MOST_ROWS:
        raise ResourceError(f"comparison: a side has more than {_MOST_ROWS:,} rows", code="too-many-rows")
    similarity, least = measure_named(measure), parse_threshold(threshold)
    n_threads = processors() if workers is None else require_whole("workers", workers, least=1)
    budget = PairBudget(max_pairs)
    needed = similarity.needed_overlap(left.n_bits, least)
    job = Job.of(left, right, needed, pairs_at_once=PAIRS_AT_ONCE if top_k is None else _REDUCED_AT_ONCE)
    if isinstance(candidates, type) or not hasattr(candidates, "work"):
        given = type(candidates).__name__
        raise UsageError(f"candidates: got {given}, wanted AllPairs() or SharedTags(...)", code="candidates")
    work = candidates.work(job, load_kernel(kernel, n_pairs=job.n_pairs))
    reduce = _reducer(job, similarity, top_k)
    kept = None
    if checkpoint is not None:
        kept = Checkpoint(
            require_path("checkpoint", checkpoint), _identity(left, right, least, measure, top_k, candidates)
        )
    found = run(work, reduce, workers=n_threads, budget=budget, progress=progress, checkpoint=kept)
    return scored(job, similarity, found)


def _identity(
    left: BitMatrix,
    right: BitMatrix,
    threshold: Fraction,
    measure: str,
    top_k: int | None,
    candidates: Candidates,
) -> dict[str, str]:
    """Say what a comparison is, so that its checkpoints are never taken for another's."""
    return {
        "software": Provenance.current().software,
        "left": digest_of(left),
        "right": "left" if left is right else digest_of(right),
        "threshold": str(threshold),
        "measure": measure,
        "top_k": str(top_k),
        "candidates": candidates.fingerprint(),
    }


def _reducer(job: Job, measure: Measure, top_k: int | None) -> Reduce | None:
    """Give what leaves of found pairs those that are wanted; None where all are."""
    if top_k is None:
        return None
    require_whole("top_k", top_k, least=1)
    counts = job.left.row_counts(), job.right.row_counts()

    def reduce(found: Found) -> Found:
        _, left, right, overlap = found
        score = measure.score(job.n_bits, overlap, counts[0][left], counts[1][right])
        return best_of_each(found, score, top_k, both_sides=job.is_self_join)

    return reduce


def run(
    work: Work,
    reduce: Reduce | None,
    *,
    workers: int,
    budget: PairBudget,
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> Found:
    """Run all tasks on threads; at an error or an interrupt drop those not yet begun.

    Pairs are taken from the budget before they are stored; those that are reduced later are
    taken from it at the end.
    """
    before = checkpoint.found if checkpoint else {}
    while_found = budget if reduce is None else PairBudget(_NO_END)
    collected = _Collected(reduce)
    tell = _Telling(progress, work.size)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="pprl-compare")
    try:
        for one in before.values():
            while_found.spend(one.n_pairs)
            collected.add(one)
        tasks = _remaining(work, before, tell)
        for task, result in _finished(pool, tasks, reduce, while_found, ahead=_AHEAD * workers):
            collected.add(result)
            if checkpoint:
                checkpoint.keep(task.number, result)
            tell(task.size)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        if checkpoint:
            checkpoint.close()
    found = collected.joined()
    if reduce is not None:
        budget.spend(found.n_pairs)
    return found


class _Collected:
    """What tasks found; reduced now and then, so that no more is held than twice what is wanted."""

    def __init__(self, reduce: Reduce | None) -> None:
        self._reduce = reduce
        self._parts: list[Found] = []
        self._n_pairs = 0
        self._most = _REDUCED_FROM

    def add(self, found: Found) -> None:
        if found.n_pairs:
            self._parts.append(found)
            self._n_pairs += found.n_pairs
        if self._reduce is not None and self._n_pairs > self._most:
            self._parts = [self.joined()]
            self._n_pairs = self._parts[0].n_pairs
            self._most = max(_REDUCED_FROM, 2 * self._n_pairs)

    def joined(self) -> Found:
        """Give all in one, and forget the parts."""
        columns = [np.concatenate(column) for column in zip(*_columns_of(self._parts), strict=True)]
        self._parts = []
        found = Found(columns[0].size, *columns)
        return found if self._reduce is None else self._reduce(found)


def _columns_of(parts: list[Found]) -> list[tuple[Positions, ...]]:
    return [one[1:] for one in (NONE_FOUND, *parts)]


class _Telling:
    """How much is done, told to whoever asked."""

    def __init__(self, progress: Progress | None, in_all: int) -> None:
        self._progress = progress
        self._in_all = in_all
        self._done = 0

    def __call__(self, size: int) -> None:
        self._done += size
        if self._progress is not None:
            self._progress(self._done, self._in_all)


def _remaining(work: Work, done: Mapping[int, Found], tell: Callable[[int], None]) -> Iterator[Task]:
    """Give the tasks that are not done yet; tell of the others."""
    for task in work.tasks():
        if task.number in done:
            tell(task.size)
        else:
            yield task


def _finished(
    pool: ThreadPoolExecutor, tasks: Iterable[Task], reduce: Reduce | None, budget: PairBudget, *, ahead: int
) -> Iterator[tuple[Task, Found]]:
    """Hand tasks out, at most `ahead` at a time, and give each with its result as it ends."""
    under_way: dict[Future[Found], Task] = {}
    for task in tasks:
        under_way[pool.submit(run_task, task, reduce, budget)] = task
        while len(under_way) >= ahead:
            yield from _ended(under_way)
    while under_way:
        yield from _ended(under_way)


def _ended(under_way: dict[Future[Found], Task]) -> Iterator[tuple[Task, Found]]:
    ended, _ = wait(under_way, timeout=_GLANCE, return_when=FIRST_COMPLETED)
    for future in ended:
        yield under_way.pop(future), future.result()


def run_task(task: Task, reduce: Reduce | None, budget: PairBudget, room: int = ROOM) -> Found:
    """Scan one task; where it found more than there was room for, once more at that size.

    Raises
    ------
    ResourceError
        If the pairs found are more than the budget; before they are stored.
    """
    found = task.scan(room)
    budget.spend(found.n_pairs)
    if found.n_pairs > room:
        found = task.scan(found.n_pairs)
    return found if reduce is None else reduce(found)


def scored(job: Job, measure: Measure, found: Found) -> ScoredPairs:
    """Give what was found with scores, in the total order."""
    _, left, right, overlap = found
    if job.is_self_join:
        left, right = np.minimum(left, right), np.maximum(left, right)
    score = measure.score(job.n_bits, overlap, job.left.row_counts()[left], job.right.row_counts()[right])
    return ScoredPairs.in_order(left, right, overlap, score)
