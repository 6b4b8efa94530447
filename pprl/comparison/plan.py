"""
Plans: what a comparison will cost and find, told before it is begun.

A *way* is a choice of candidate pairs.  What a way finds is told from a sample of the two
sides, what it costs from a test of this machine that takes some tenths of a second.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np

from pprl.comparison.candidates import PRUNED_FROM
from pprl.comparison.engine import ROOM
from pprl.comparison.guards import require_comparable
from pprl.comparison.jobs import Job
from pprl.comparison.kernels.loading import load_kernel
from pprl.comparison.kernels.types import Kernel
from pprl.comparison.measures import NeededOverlap, measure_named
from pprl.comparison.rectangles import n_pairs_in, rectangles
from pprl.comparison.sampling import BlockTags, Estimate, Sample, some
from pprl.comparison.tags import Table, pieces, require_tags, sorted_table
from pprl.model import BitMatrix

ALL_PAIRS, SHARED_TAGS = "all pairs", "shared tags"
SOON = 600.0  # seconds; all pairs are looked at where that takes no longer
GOOD_RECALL = 0.98  # with less, what tags miss is worth the wait for all pairs

# Pairs of the sample: about a second of work for a thread.
SAMPLED_PAIRS = {"numba": 500_000_000, "reference": 50_000_000}
_SELF_TEST = 0.2  # seconds
_TEST_WORDS, _TEST_ROWS = 1 << 18, (256, 1 << 14)  # of a side in the test of all pairs
_TEST_PIECE = 1 << 18  # candidates that share a tag, timed at once
_TABLES = 4  # of a rule, looked at
_FEW_TAGS = 1 << 21  # so few are looked at all

_PROCESS = 150_000_000  # bytes of Python, NumPy and the compiler
_BYTES_OF_A_ROW = 64  # for orders, popcounts, and numbers that are sorted
_BYTES_OF_A_FIND = 100  # while pairs are put in order
_BYTES_KEPT = 12  # of a pair in a checkpoint


@dataclass(frozen=True, slots=True)
class Way:
    """One way to choose candidate pairs, with what it costs and finds.

    Parameters
    ----------
    name : str
        "all pairs" or "shared tags".
    n_candidates : int
        Pairs that are looked at; those that share several tags count as often.
    seconds : float
        Time for all threads together, if they do not hold each other up.
    memory : int
        Bytes at the peak.
    disk : int
        Bytes of a checkpoint.
    pairs : Estimate
        Pairs found at or above the threshold.
    recall : Estimate or None
        Share that is found of all pairs at or above the similarity asked for; None where
        the sample has too few to tell.
    """

    name: str
    n_candidates: int
    seconds: float
    memory: int
    disk: int
    pairs: Estimate
    recall: Estimate | None


@dataclass(frozen=True, slots=True)
class PassPlan:
    """What one pass will cost and find.

    Parameters
    ----------
    name : str
        Name of the pass.
    n_left, n_right : int
        Records present.
    threshold : Fraction or None
        Least similarity of a pair; None if the pass asks for equality, which costs little.
    at : Fraction or None
        The similarity that recall is told for.
    kernel : str
        The kernel that would be used; empty for an exact pass.
    ways : tuple of Way
        The ways that there are; none for an exact pass.
    recommended : str
        Name of the best; empty for an exact pass.
    note : str
        Why it is the best, or what to know about it.
    """

    name: str
    n_left: int
    n_right: int
    threshold: Fraction | None = None
    at: Fraction | None = None
    kernel: str = ""
    ways: tuple[Way, ...] = ()
    recommended: str = ""
    note: str = ""

    @property
    def best(self) -> Way | None:
        """The recommended way; None for an exact pass."""
        return next((way for way in self.ways if way.name == self.recommended), None)


def plan_pass(
    name: str,
    left: BitMatrix,
    right: BitMatrix,
    *,
    threshold: Fraction,
    at: Fraction,
    tags: BlockTags | None,
    threads: int,
    rng: np.random.Generator,
) -> PassPlan:
    """Tell what comparing two bit matrices by their Dice similarity will cost and find.

    Parameters
    ----------
    name : str
        Name of the pass.
    left, right : BitMatrix
        Rows of equal length, shapes (n, bits) and (m, bits).
    threshold : Fraction
        Least similarity of a pair.
    at : Fraction
        The similarity that recall is told for; the threshold if that is greater.
    tags : BlockTags or None
        Block tags of both sides, if they have any.
    threads : int
        Threads that will compare.
    rng : numpy.random.Generator
        Draws the samples.

    Raises
    ------
    DataError
        If rows differ in length, or tags do not fit the rows.

    Examples
    --------
    >>> bits = BitMatrix.from_bools(np.eye(30, 64, dtype=bool))
    >>> plan = plan_pass("names", bits, bits, threshold=Fraction(4, 5), at=Fraction(9, 10),
    ...     tags=None, threads=1, rng=np.random.default_rng(0))
    >>> plan.recommended, plan.best.n_candidates, plan.best.pairs.value
    ('all pairs', 900, 30)
    """
    require_comparable(left, right)
    at = max(at, threshold)
    needed = measure_named("dice").needed_overlap
    kernel = load_kernel("auto", n_pairs=len(left) * len(right))
    most = SAMPLED_PAIRS[kernel.name]
    sample = Sample.of(left, right, threshold, most, rng, threads)
    need = needed(left.n_bits, threshold)
    ways = [_all_pairs(left, right, need, kernel, sample, threads, rng)]
    if tags is not None:
        asked = sample if at == threshold else Sample.of(left, right, at, most, rng, threads)
        ways.append(_shared_tags(left, right, need, kernel, sample, asked, tags, threads, rng))
    recommended, note = recommend(ways)
    return PassPlan(
        name,
        len(left),
        len(right),
        threshold,
        at,
        kernel.name,
        tuple(ways),
        recommended=recommended,
        note=note,
    )


def recommend(ways: Sequence[Way]) -> tuple[str, str]:
    """Choose a way: all pairs unless that takes long and tags miss little.

    Returns
    -------
    tuple of str
        Name of the way, and why.
    """
    by_name = {way.name: way for way in ways}
    tagged = by_name.get(SHARED_TAGS)
    if by_name[ALL_PAIRS].seconds <= SOON:
        return ALL_PAIRS, "takes ten minutes at most, and misses none"
    if tagged is None:
        return ALL_PAIRS, "there are no block tags in both packages"
    if tagged.recall is None:
        return ALL_PAIRS, "too few pairs to tell what tags would miss"
    if tagged.recall.high < GOOD_RECALL:
        return ALL_PAIRS, "tags would miss too many; more tables, or fewer bits, would miss fewer"
    if tagged.recall.value < GOOD_RECALL:
        return SHARED_TAGS, "may miss more than 2 % of the pairs: the sample cannot tell"
    return SHARED_TAGS, "misses little, and all pairs take long"


def _rate(scans: Iterable[tuple[int, Callable[[], object]]], *, seconds: float) -> float:
    """Run scans until a time has gone by; give the pairs a second."""
    begin, done, gone = time.perf_counter(), 0, 0.0
    for n_pairs, scan in scans:
        scan()
        done += n_pairs
        gone = time.perf_counter() - begin
        if gone >= seconds:
            break
    return done / max(gone, 1e-9)


def _all_pairs(
    left: BitMatrix,
    right: BitMatrix,
    need: NeededOverlap,
    kernel: Kernel,
    sample: Sample,
    threads: int,
    rng: np.random.Generator,
) -> Way:
    n_pairs = len(left) * len(right)
    pairs = sample.number(np.ones(len(sample.pairs), dtype=np.bool_))
    seconds = 0.0
    if n_pairs:
        rate = _rate_of_all_pairs(left, right, need, kernel, rng, prune=n_pairs >= PRUNED_FROM)
        seconds = n_pairs / (rate * threads)
    memory = _memory(left, right, pairs, copied=left.words.shape[1] * 8)
    return Way(
        ALL_PAIRS, n_pairs, seconds, memory, _disk(pairs), pairs, Estimate(1.0, 1.0, 1.0, pairs.n_seen)
    )


def _rate_of_all_pairs(
    left: BitMatrix,
    right: BitMatrix,
    need: NeededOverlap,
    kernel: Kernel,
    rng: np.random.Generator,
    *,
    prune: bool,
) -> float:
    """Time one thread on rectangles of some rows, drawn from all popcounts; laid out and compiled before."""
    least, most = _TEST_ROWS
    n_rows = min(most, max(least, _TEST_WORDS // left.words.shape[1]))
    chosen = [side.take(some(len(side), n_rows, rng)) for side in (left, right)]
    job = Job.of(chosen[0], chosen[1], need)
    scan = kernel.rectangles(job, prune)
    cut = list(rectangles(job))
    in_turn = (cut[place] for place in rng.permutation(len(cut)))
    return _rate(
        ((n_pairs_in(job, piece), partial(scan, piece, ROOM)) for piece in in_turn), seconds=_SELF_TEST
    )


def _shared_tags(
    left: BitMatrix,
    right: BitMatrix,
    need: NeededOverlap,
    kernel: Kernel,
    sample: Sample,
    asked: Sample,
    tags: BlockTags,
    threads: int,
    rng: np.random.Generator,
) -> Way:
    require_tags(tags.left, len(left), side="left")
    require_tags(tags.right, len(right), side="right")
    pairs = sample.number(sample.sharing(tags))
    n_candidates, seconds = 0, 0.0
    if len(left) and len(right):
        n_candidates, seconds = _cost_of_tags(Job.of(left, right, need), kernel, tags, threads, rng)
    memory = _memory(left, right, pairs, copied=2 * 4 * tags.left.shape[1])
    recall = asked.share(asked.sharing(tags))
    return Way(SHARED_TAGS, n_candidates, seconds, memory, _disk(pairs), pairs, recall)


def _cost_of_tags(
    job: Job, kernel: Kernel, tags: BlockTags, threads: int, rng: np.random.Generator
) -> tuple[int, float]:
    """Count the candidates of some tables of each rule and time them; scale to all.

    How blocks are filled is as unequal as names are, so candidates are counted and not
    told from a formula.  Tables are sorted one at a time, by one thread.
    """
    scan = kernel.runs(job, tags.left, tags.right)
    n_candidates, sorting, scanning = 0.0, 0.0, 0.0
    for tables, chosen in _tables(tags, rng):
        scale = len(tables) / len(chosen)
        for number in chosen:
            begin = time.perf_counter()
            table = sorted_table(tags.left, tags.right, number)
            sorting += scale * (time.perf_counter() - begin)
            n_pairs = int(table.runs.n_pairs().sum())
            n_candidates += scale * n_pairs
            if n_pairs:
                scanning += scale * n_pairs / _rate_of_table(table, scan, rng, _SELF_TEST / len(chosen))
    return round(n_candidates), sorting + scanning / threads


def _tables(tags: BlockTags, rng: np.random.Generator) -> Iterator[tuple[range, list[int]]]:
    """Give the tables of each rule, and those of them that are looked at."""
    n_tables = tags.left.shape[1]
    rules = tags.n_tables if sum(tags.n_tables) == n_tables else [n_tables]
    most = n_tables if tags.left.size + tags.right.size <= _FEW_TAGS else _TABLES
    first = 0
    for length in rules:
        yield range(first, first + length), (first + some(length, most, rng)).tolist()
        first += length


def _rate_of_table(
    table: Table, scan: Callable[..., object], rng: np.random.Generator, seconds: float
) -> float:
    cut = list(pieces(table.runs, most=_TEST_PIECE))
    in_turn = (cut[place] for place in rng.permutation(len(cut)))
    return _rate(
        ((int(piece.n_pairs().sum()), partial(scan, table, piece, ROOM)) for piece in in_turn),
        seconds=seconds,
    )


def _memory(left: BitMatrix, right: BitMatrix, pairs: Estimate, *, copied: int) -> int:
    """Give the bytes at the peak.

    Each row is there twice, in its package and as chosen for the pass; besides, `copied`
    bytes (all pairs: its place in the tiles; tags: those of its package and those chosen),
    and some numbers.  Pairs that are found are put in order at the end.
    """
    of_a_row: int = 2 * 8 * left.words.shape[1] + copied + _BYTES_OF_A_ROW
    return _PROCESS + (len(left) + len(right)) * of_a_row + round(_BYTES_OF_A_FIND * pairs.value)


def _disk(pairs: Estimate) -> int:
    return round(_BYTES_KEPT * pairs.value)
