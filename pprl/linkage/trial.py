"""
Trials: which spike-ins win, and what the passes say of them, for `recall` to count.

Real people are told from spike-ins by nothing but the evidence of the passes, so the same is
taken of both: who wins by likeness alone, with what weight, and to which change the passes
point.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pprl.linkage.evidence import Evidence
from pprl.linkage.recall import Trial
from pprl.linkage.weighing import SPREAD, logistic, units_of
from pprl.model import EncodedDataset
from pprl.model.arrays import Mask, Rows, Scores

Strata = Sequence[tuple[str, ...]]  # of spike-ins in turn: the changes that they are prone to

_LEAST_PAIRS = 20  # of spike-ins that are alike, to tell anything


class Spiked(NamedTuple):
    """Which pairs are two copies of one spike-in, and of how many one could be found.

    Parameters
    ----------
    number : ndarray of int64, shape (pairs,)
        The number of the spike-in, 0 for other pairs.
    both : ndarray of int64
        Numbers of the spike-ins that are in both files.
    strata : sequence of tuple of str
        What they are prone to, in turn by their number.
    """

    number: Rows
    both: Rows
    strata: Strata

    @classmethod
    def of(cls, left: EncodedDataset, right: EncodedDataset, evidence: Evidence, strata: Strata) -> "Spiked":
        """Find the pairs of two copies of one spike-in."""
        one, other = left.spike_in[evidence.left], right.spike_in[evidence.right]
        both = np.intersect1d(left.spike_in[left.spike_in > 0], right.spike_in[right.spike_in > 0])
        return cls(np.where(one == other, one, 0).astype(np.int64), both.astype(np.int64), strata)


def trial_of(
    evidence: Evidence,
    chance: Evidence,
    spiked: Spiked,
    real: Mask,
    decoy: Mask,
    weight: Scores,
    alone: Rows,
    rank: Scores,
    won: Rows,
    *,
    n_equal: int,
) -> Trial | None:
    """Take what recall can be estimated from.

    Parameters
    ----------
    evidence, chance : Evidence
        Candidate pairs, and pairs drawn by chance.
    spiked : Spiked
        Which pairs are of spike-ins.
    real, decoy : ndarray of bool, shape (pairs,)
        Pairs of two real records without an equal exact value, and of one with a decoy.
    weight : ndarray of float64, shape (pairs,)
        Weights by likeness alone.
    alone : ndarray of int64
        Pairs that win by likeness alone.
    rank : ndarray of float64, shape (pairs,)
        Weights by which links are ranked.
    won : ndarray of int64
        Pairs that win.
    n_equal : int
        Links of real records with an equal exact value.

    Returns
    -------
    Trial or None
        None if too few spike-ins are in both files, or are alike in any pass.
    """
    kept = alone[real[alone] | decoy[alone] | (spiked.number[alone] > 0)]
    held = np.flatnonzero(spiked.number[kept] > 0)
    if held.size < _LEAST_PAIRS:
        return None
    distinct = list(dict.fromkeys(spiked.strata))
    changes = tuple(dict.fromkeys(change for stratum in distinct for change in stratum))
    place = np.array([distinct.index(stratum) for stratum in spiked.strata])
    prone = np.array([[change in one for change in changes] for one in distinct]).reshape(len(distinct), -1)
    stratum = np.where(spiked.number[kept] > 0, place[(spiked.number[kept] - 1) % place.size], 0)
    linked = won[spiked.number[won] > 0]
    return Trial(
        weight=weight[kept],
        pointer=_pointers(_described(evidence.take(kept), chance), held, prone[stratum[held]]),
        real=real[kept],
        decoy=decoy[kept],
        stratum=stratum,
        prone=prone,
        changes=changes,
        sizes=np.bincount(place[(spiked.both - 1) % place.size], minlength=len(distinct)),
        linked=rank[linked],
        linked_stratum=place[(spiked.number[linked] - 1) % place.size],
        n_equal=n_equal,
    )


def _described(evidence: Evidence, chance: Evidence) -> npt.NDArray[np.float64]:
    """Describe pairs by their similarities, in the spread of unrelated ones."""
    columns = [np.ones(len(evidence))]
    for values in units_of(evidence, chance).values():
        unit = np.nan_to_num(values / SPREAD)
        columns += [(~np.isnan(values)).astype(np.float64), unit, unit**2]
    return np.column_stack(columns)


def _pointers(described: npt.NDArray[np.float64], spike_ins: Rows, prone: Mask) -> Rows:
    """Say which changes the passes point to, learned from the spike-ins."""
    pointer = np.zeros(len(described), dtype=np.int64)
    for change in range(prone.shape[1]):
        line = logistic(described[spike_ins], prone[:, change])
        pointer += (described @ line > 0).astype(np.int64) << change
    return pointer
