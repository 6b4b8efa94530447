"""
Heads: the bit columns that tell most pairs apart, looked at first.

The overlap of a pair within the *head* and the lesser of the two popcounts outside it, in
the *tail*, bound its whole overlap from above; where the bound is out of reach, so is the
pair.  Which columns make the head changes only the time, never the pairs found.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pprl.comparison.jobs import Job, Side
from pprl.model.arrays import Counts, Rows, Words

_LEAST_WORDS = 4  # of a row
_PAIRS = 1 << 21  # times bits of a row: to learn the order of columns from
_LEFT, _RIGHT = 256, 1024  # rows whose pairs measure how many survive
_DEVIATIONS = 2.5  # how far below its mean the loss of a pair may lie
_MOST_WORDS = 40  # of a head that is considered
_MOST_COLUMNS = 4096  # of which covariances are computed: 64 MB
_MOST_SHARE = 0.7  # of the bits; where random columns decide so late, learned ones gain next to nothing
_GAIN = 0.93  # a head must save as much, or it is left alone
# Cycles of a core with 512-bit vectors, for eight pairs; only their ratios matter.
_CYCLES_OF_A_WORD = 1.5
_CYCLES_OF_A_TILE = 4.5
_CYCLES_OF_A_SURVIVOR = 280.0

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The columns of a head.

    Parameters
    ----------
    columns : ndarray of int64, shape (64 * n_words,)
        Which bit of a row is bit ``j`` of its head.
    """

    columns: Rows

    @property
    def n_words(self) -> int:
        """Length of a head in words."""
        return self.columns.size // 64


def choose_head(job: Job) -> Head | None:
    """Learn a head from a sample of pairs; None where looking at all words is as fast.

    Columns are taken greedily: the next is the one with which the loss of random pairs,
    the bits that a left row has and its partner lacks, is greatest at the lower end
    (mean less 2.5 deviations).  Its length minimises the expected cycles a pair.
    """
    n_words = job.left.words.shape[1]
    if n_words < _LEAST_WORDS:
        return None
    rng = np.random.default_rng(0)
    left, right = _sample(job.left, _LEFT, rng), _sample(job.right, _RIGHT, rng)
    if _share_that_decides(job, left, rng.permutation(right)[:_LEFT]) > _MOST_SHARE:
        return None
    considered = rng.permutation(job.n_bits)[:_MOST_COLUMNS]
    columns = considered[_order(_losses(job, considered, rng), 64 * min(_MOST_WORDS, n_words - 1))]
    costs = _costs(
        job, _bits(left, job.n_bits)[:, columns], _bits(right, job.n_bits)[:, columns], left, right
    )
    best = int(np.argmin(costs))
    whole = _CYCLES_OF_A_TILE + _CYCLES_OF_A_WORD * n_words
    return Head(columns[: 64 * (best + 1)]) if costs[best] < _GAIN * whole else None


def _sample(side: Side, n_rows: int, rng: np.random.Generator) -> Words:
    return side.words[np.sort(rng.integers(len(side), size=n_rows))]


def _bits(words: Words, n_bits: int) -> npt.NDArray[np.uint8]:
    octets = words.astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(octets, axis=1, count=n_bits, bitorder="little")


def _share_that_decides(job: Job, left: Words, right: Words) -> float:
    """Give the share of random columns after which half of the pairs are known to be out of reach."""
    overlap = _popcounts(left & right)
    left_counts, right_counts = _popcounts(left), _popcounts(right)
    least = np.minimum(left_counts, right_counts)
    need = np.minimum(job.needed(left_counts, right_counts), least)
    return float(np.median((least - need) / np.maximum(least - overlap, 1)))


def _losses(job: Job, considered: Rows, rng: np.random.Generator) -> Floats:
    """Give for random pairs which of the bits considered the left has and the right lacks."""
    n_pairs = max(512, min(2048, _PAIRS // job.n_bits))
    left = job.left.words[rng.integers(len(job.left), size=n_pairs)]
    right = job.right.words[rng.integers(len(job.right), size=n_pairs)]
    return _bits(left & ~right, job.n_bits)[:, considered].astype(np.float32)


def _order(losses: Floats, n_columns: int) -> Rows:
    """Put columns in a greedy order by mean and covariance of their losses."""
    mean = losses.mean(axis=0)
    centred = losses - mean
    covariance = centred.T @ centred / np.float32(len(losses))
    own = covariance.diagonal().copy()
    free = mean.copy()
    shared = np.zeros_like(mean)  # covariance of each column with the sum of those chosen
    total = variance = np.float32(0)
    chosen = np.empty(n_columns, dtype=np.int64)
    for place in range(n_columns):
        spread = np.sqrt(np.maximum(variance + 2 * shared + own, 0))
        best = int(np.argmax(total + free - np.float32(_DEVIATIONS) * spread))
        chosen[place] = best
        variance += 2 * shared[best] + own[best]
        total += mean[best]
        shared += covariance[best]
        free[best] = -np.inf
    return chosen


def _costs(
    job: Job, left_bits: npt.NDArray[np.uint8], right_bits: npt.NDArray[np.uint8], left: Words, right: Words
) -> npt.NDArray[np.float64]:
    """Give the expected cycles of eight pairs for heads of 1, 2, ... words."""
    left_counts, right_counts = _popcounts(left), _popcounts(right)
    left_heads, right_heads = _packed(left_bits), _packed(right_bits)
    distinct, which = np.unique(left_counts, return_inverse=True)
    others, partners = np.unique(right_counts, return_inverse=True)
    need = job.need_table(distinct, others)[which[:, None], partners[None, :]]
    overlap = np.zeros(need.shape, dtype=np.int32)
    left_tail, right_tail = left_counts.copy(), right_counts.copy()
    costs = np.empty(left_heads.shape[1])
    for word in range(costs.size):
        overlap += np.bitwise_count(left_heads[:, word, None] & right_heads[None, :, word])
        left_tail -= np.bitwise_count(left_heads[:, word])
        right_tail -= np.bitwise_count(right_heads[:, word])
        bound = overlap + np.minimum(left_tail[:, None], right_tail[None, :])
        surviving = float((bound >= need).mean())
        costs[word] = (
            _CYCLES_OF_A_TILE + _CYCLES_OF_A_WORD * (word + 1) + 8 * surviving * _CYCLES_OF_A_SURVIVOR
        )
    return costs


def _popcounts(words: Words) -> Counts:
    counts: Counts = np.bitwise_count(words).sum(axis=1, dtype=np.int32)
    return counts


def _packed(bits: npt.NDArray[np.uint8]) -> Words:
    return (
        np.ascontiguousarray(np.packbits(bits, axis=1, bitorder="little"))
        .view("<u8")
        .astype(np.uint64, copy=False)
    )
