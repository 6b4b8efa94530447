"""
Quality and leakage of encodings of two tables whose true pairs are known.

Quality is the best F1 that any threshold gives, leakage how closely the similarity of
encodings follows that of the plaintext.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pprl import BitMatrix, compare
from pprl.evaluation import LinkageQuality
from pprl.linkage.resolving import symmetric_best_match

# Pairs less alike than this share of random pairs are not looked at: no good threshold lies there.
_RANDOM_SHARE = 0.98

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RandomPairs:
    """Pairs of a left and a right record, drawn at random, that are not the same person."""

    left: Integers
    right: Integers

    @classmethod
    def draw(cls, n_pairs: int, partner: Integers, rng: np.random.Generator) -> "RandomPairs":
        """Draw about `n_pairs`; `partner` gives the true right row of each left row."""
        left, right = rng.integers(len(partner), size=(2, n_pairs))
        different = partner[left] != right
        return cls(left[different], right[different])

    def dice(self, left: BitMatrix, right: BitMatrix) -> Floats:
        """Give the Dice similarity of each pair."""
        overlap = np.bitwise_count(left.words[self.left] & right.words[self.right]).sum(
            axis=1, dtype=np.int64
        )
        return 2 * overlap / np.maximum(left.popcounts()[self.left] + right.popcounts()[self.right], 1)


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found for one variant under one key."""

    bits_out: int
    fill_in: float
    fill: float
    f1: float
    threshold: float
    rho: float

    @property
    def bias(self) -> float:
        """How far the bits sent are from fair coins, taken all together."""
        return abs(1 - 2 * self.fill)


def measure(
    hardened: Sequence[BitMatrix],
    *,
    fill_in: float,
    plain: Floats,
    pairs: RandomPairs,
    partner: Integers,
) -> Measured:
    """Measure encodings of the two tables; `plain` is the plaintext similarity of the random pairs."""
    left, right = hardened
    encoded = pairs.dice(left, right)
    f1, threshold = best_f1(left, right, partner, least=float(np.quantile(encoded, _RANDOM_SHARE)))
    return Measured(
        bits_out=left.n_bits,
        fill_in=fill_in,
        fill=fill(hardened),
        f1=f1,
        threshold=threshold,
        rho=float(np.corrcoef(plain, encoded)[0, 1]),
    )


def fill(sides: Sequence[BitMatrix]) -> float:
    """Give the share of bits set in the two tables."""
    return float(np.mean([side.popcounts().mean() / side.n_bits for side in sides]))


def best_f1(left: BitMatrix, right: BitMatrix, partner: Integers, *, least: float) -> tuple[float, float]:
    """Link by symmetric best match; give the best F1 of all thresholds from `least` up, and that threshold.

    A pair's match does not depend on the threshold, as long as the pair reaches it.
    """
    scored = compare(left, right, threshold=least)
    links = symmetric_best_match(scored).linked
    score, is_true = scored.score[links], partner[scored.left[links]] == scored.right[links]
    last_of_its_score = np.append(score[1:] != score[:-1], True)
    n_links = np.flatnonzero(last_of_its_score) + 1
    n_right = np.cumsum(is_true)[n_links - 1]
    best = int(np.argmax(2 * n_right / (n_links + len(partner))))
    found, right_ones = int(n_links[best]), int(n_right[best])
    quality = LinkageQuality(right_ones, found - right_ones, len(partner) - right_ones)
    return quality.f1 or 0.0, float(score[found - 1])
