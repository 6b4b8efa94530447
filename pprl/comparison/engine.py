"""
The engine: all pairs of two bit matrices whose similarity reaches a threshold.

Work is cut into tasks and shared out to threads; kernels run outside Python's global
lock.  The answer does not depend on the kernel or on the number of threads.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import numpy as np

from pprl.comparison.guards import MAX_PAIRS, PairBudget, require_comparable, require_whole
from pprl.comparison.kernels.loading import KernelName, load_kernel
from pprl.comparison.measures import Measure, Threshold, measure_named, parse_threshold
from pprl.comparison.tasks import BLOCK, Found, Job, Scan, Side, Task
from pprl.errors import ResourceError
from pprl.machine import processors
from pprl.model import BitMatrix, ScoredPairs
from pprl.model.arrays import Counts

Progress = Callable[[int, int], None]

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
    workers: int | None = None,
    kernel: KernelName = "auto",
    progress: Progress | None = None,
    max_pairs: int = MAX_PAIRS,
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
    workers : int, optional
        Number of threads; by default one for each processor that this process may use.
    kernel : {"auto", "numba", "reference"}
        "auto" takes the reference for fewer than 10 million pairs, so that small inputs do
        not wait for a compiler, and where numba cannot be imported; otherwise numba.
    progress : callable, optional
        Called in the calling thread as ``progress(pairs_done, pairs_in_all)`` when tasks
        end; the last time with both equal.  Not called where there are no pairs.
    max_pairs : int
        The most pairs that the result may hold.

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

    Notes
    -----
    The test for a threshold p/q and an overlap c is ``2 * q * c >= p * (|A| + |B|)``.

    Examples
    --------
    >>> left = BitMatrix.from_bools([[1, 1, 1, 0], [0, 0, 0, 0]])
    >>> right = BitMatrix.from_bools([[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1]])
    >>> pairs = compare(left, right, threshold="0.8")
    >>> pairs.left.tolist(), pairs.right.tolist(), pairs.score.tolist()
    ([0], [0], [0.8])
    """
    require_comparable(left, right)
    similarity = measure_named(measure)
    need = similarity.needed_overlap(left.n_bits, parse_threshold(threshold))
    n_threads = processors() if workers is None else require_whole("workers", workers, least=1)
    budget = PairBudget(max_pairs)
    job = _job(left, right, need)
    chosen = load_kernel(kernel, n_pairs=job.n_pairs)
    if not job.n_pairs:
        return _scored(job, similarity, [])
    per_task = max(1, chosen.task_words // (left.words.shape[1] * BLOCK)) * BLOCK
    found = _run(
        chosen.prepare(job), job, right_rows=per_task, workers=n_threads, budget=budget, progress=progress
    )
    return _scored(job, similarity, found)


def _job(left: BitMatrix, right: BitMatrix, need: Counts) -> Job:
    if max(len(left), len(right)) > _MOST_ROWS:
        raise ResourceError(f"comparison: a side has more than {_MOST_ROWS:,} rows", code="too-many-rows")
    side = Side.of(left)
    return Job(side, side if left is right else Side.of(right), need)


def _run(
    scan: Scan, job: Job, *, right_rows: int, workers: int, budget: PairBudget, progress: Progress | None
) -> list[Found]:
    """Run all tasks on threads; at an error or an interrupt drop those not yet begun."""
    found: list[Found] = []
    n_done = 0
    pool = ThreadPoolExecutor(workers, thread_name_prefix="pprl-compare")
    try:
        for task, result in _finished(pool, scan, job.tasks(right_rows), budget, ahead=_AHEAD * workers):
            found.append(result)
            n_done += job.n_pairs_in(task)
            if progress is not None:
                progress(n_done, job.n_pairs)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return found


def _finished(
    pool: ThreadPoolExecutor, scan: Scan, tasks: Iterator[Task], budget: PairBudget, *, ahead: int
) -> Iterator[tuple[Task, Found]]:
    """Hand tasks out, at most `ahead` at a time, and give each with its result as it ends."""
    under_way: dict[Future[Found], Task] = {}
    for task in tasks:
        under_way[pool.submit(run_task, scan, task, budget)] = task
        while len(under_way) >= ahead:
            yield from _ended(under_way)
    while under_way:
        yield from _ended(under_way)


def _ended(under_way: dict[Future[Found], Task]) -> Iterator[tuple[Task, Found]]:
    ended, _ = wait(under_way, timeout=_GLANCE, return_when=FIRST_COMPLETED)
    for future in ended:
        yield under_way.pop(future), future.result()


def run_task(scan: Scan, task: Task, budget: PairBudget, room: int = ROOM) -> Found:
    """Scan one task; where it found more than there was room for, once more at that size.

    Raises
    ------
    ResourceError
        If the pairs found are more than the budget; before they are stored.
    """
    found = scan(task, room)
    budget.spend(found.n_pairs)
    return found if found.n_pairs <= room else scan(task, found.n_pairs)


def _scored(job: Job, measure: Measure, found: list[Found]) -> ScoredPairs:
    none = np.empty(0, dtype=np.int32)
    columns = zip((none, none, none), *((part.left, part.right, part.overlap) for part in found), strict=True)
    left, right, overlap = (np.concatenate(column) for column in columns)
    found.clear()
    score = measure.score(overlap, job.left.counts[left], job.right.counts[right])
    return ScoredPairs.in_order(*job.to_rows(left, right), overlap, score)
