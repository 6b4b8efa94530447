"""
Recall without truth: how many people who are in both files were found, told by spike-ins.

Spike-ins are found more or less often than real people, whose errors nobody knows.  But real
people are a mixture: of those with an address changed, a name, several of these things, or
none.  The links show the mixture, by what the passes say of them.  And the spike-ins of each
stratum show how many of that stratum do not become links, and so are not seen.

Links are counted in cells, by their weight and by the change that the passes point to.  With
the links to decoys as false ones, a cell is expected to hold

    sum over strata of (people of the stratum) * (share of its spike-ins in the cell) + false,

and the people of the strata are fitted by maximum likelihood (EM, Dempster et al. 1977).
Changes are taken to befall people independently, unless the links say otherwise; else a
stratum that looks like false links could be as large as it liked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pprl.model.arrays import Mask, Rows, Scores

_BINS = 6  # of weights
_SMOOTHING = 1.0  # spike-ins of all strata together that are added to each
_TOGETHER = 100.0  # pairs for which it stands that changes are independent
_USUAL = (0.5, 1.5)  # people with and without a change, before any is seen
_ROUNDS, _ROUNDS_AGAIN = 200, 40  # of EM, and of EM from where it ended
_DRAWS = 200  # of the bootstrap
_HARDER, _EASIER = 0.6, 1.0  # standard deviations of a logarithm: misses of people beside those of spike-ins
_MOST = 1e9  # people
_TAIL = 0.025  # of a 95 % interval, on each side


@dataclass(frozen=True, slots=True)
class StratumRecall:
    """What became of the spike-ins of a stratum.

    Parameters
    ----------
    name : str
        What they are prone to.
    n, n_found : int
        How many there are in both files, and of these found again.
    rate, low, high : float
        The share, and its 95 % interval.
    """

    name: str
    n: int
    n_found: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RecallEstimate:
    """How many of the people who are in both files are among the links.

    Parameters
    ----------
    recall, low, high : float
        The share, and its 95 % interval.
    strata : tuple of StratumRecall
        The spike-ins, by what they are prone to: these are their rates, and no real people's.
    """

    recall: float
    low: float
    high: float
    strata: tuple[StratumRecall, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Who won by likeness alone, exact values left aside: what recall is estimated from.

    Parameters
    ----------
    weight : ndarray of float64, shape (n,)
        Weights of the pairs that won.
    pointer : ndarray of int64, shape (n,)
        The changes that the passes point to, as a number.
    real, decoy : ndarray of bool, shape (n,)
        Pairs of two real records without an equal exact value, and of one with a decoy; all
        others are two copies of one spike-in.
    stratum : ndarray of int64, shape (n,)
        The stratum of a spike-in; 0 for other pairs.
    prone : ndarray of bool, shape (strata, changes)
        To which changes each stratum is prone.
    changes : tuple of str
        Their names.
    sizes : ndarray of int64, shape (strata,)
        How many spike-ins of each stratum are in both files.
    linked : ndarray of float64, shape (k,)
        Ranks of the spike-ins that won, exact values included.
    linked_stratum : ndarray of int64, shape (k,)
        Their strata.
    n_equal : int
        Links of real records with an equal exact value.
    """

    weight: Scores
    pointer: Rows
    real: Mask
    decoy: Mask
    stratum: Rows
    prone: Mask
    changes: tuple[str, ...]
    sizes: Rows
    linked: Scores
    linked_stratum: Rows
    n_equal: int

    def estimate(self, least: float, least_rank: float, scale: float) -> RecallEstimate:
        """Estimate recall of the links at or above a weight.

        Parameters
        ----------
        least : float
            Least weight of a link; infinite if only equal exact values make one.
        least_rank : float
            The same among ranks, of which equal exact values come first.
        scale : float
            False links for each link to a decoy.
        """
        counted = _counted(self, least)
        recall, low, high = _overall(counted, self.prone, self.n_equal, scale)
        return RecallEstimate(recall, low, high, self._by_stratum(least_rank))

    def _by_stratum(self, least: float) -> tuple[StratumRecall, ...]:
        names = [_title(self.changes, prone) for prone in self.prone]
        found = np.bincount(self.linked_stratum[self.linked >= least], minlength=len(names))
        groups = dict.fromkeys(names)
        members = {name: np.array([one == name for one in names]) for name in groups}
        return tuple(
            _rate(name, int(self.sizes[held].sum()), int(found[held].sum())) for name, held in members.items()
        )


class Counted(NamedTuple):
    """Pairs by cell.

    Parameters
    ----------
    real, decoys : ndarray of float64, shape (cells,)
        Pairs that won.
    spike_ins : ndarray of float64, shape (strata, cells + 1)
        Of each stratum in each cell, and in the last place those that did not win.
    above : ndarray of bool, shape (cells,)
        Which cells hold links.
    """

    real: Scores
    decoys: Scores
    spike_ins: npt.NDArray[np.float64]
    above: Mask


def _counted(trial: Trial, least: float) -> Counted:
    spike_in = ~trial.real & ~trial.decoy
    inner = np.quantile(trial.weight[spike_in], np.linspace(0, 1, _BINS + 1)[1:-1])
    edges = np.unique([*inner, least])
    n_pointers = 1 << len(trial.changes)
    cell = np.searchsorted(edges, trial.weight, "right") * n_pointers + trial.pointer
    occupied, cell = np.unique(cell, return_inverse=True)
    cell = cell.reshape(-1)
    n_cells, n_strata = occupied.size, trial.sizes.size
    place = trial.stratum[spike_in] * (n_cells + 1) + cell[spike_in]
    spike_ins = (
        np.bincount(place, minlength=n_strata * (n_cells + 1)).reshape(n_strata, -1).astype(np.float64)
    )
    spike_ins[:, -1] = np.maximum(trial.sizes - spike_ins.sum(axis=1), 0)
    lower = np.concatenate([[-np.inf], edges])[occupied // n_pointers]
    return Counted(
        real=np.bincount(cell[trial.real], minlength=n_cells).astype(np.float64),
        decoys=np.bincount(cell[trial.decoy], minlength=n_cells).astype(np.float64),
        spike_ins=spike_ins,
        above=lower >= least,
    )


def _overall(counted: Counted, prone: Mask, n_equal: int, scale: float) -> tuple[float, float, float]:
    """Give recall and its interval."""
    everyone = counted.spike_ins.sum(axis=0)
    smooth = counted.spike_ins + _SMOOTHING * everyone / everyone.sum()
    shares = (smooth / smooth.sum(axis=1, keepdims=True))[None, :, :-1]
    people = fitted(counted.real[None], counted.decoys[None], shares, prone, scale)
    missed = float(_missed(people, shares, counted.above)[0])
    found = float(_found(counted, counted.decoys[None], n_equal, scale)[0])
    recall = found / (found + missed) if found + missed else 0.0
    low, high = _interval(counted, smooth, people, prone, n_equal, scale)
    return recall, min(low, recall), max(high, recall)


def _interval(
    counted: Counted,
    smooth: npt.NDArray[np.float64],
    people: npt.NDArray[np.float64],
    prone: Mask,
    n_equal: int,
    scale: float,
) -> tuple[float, float]:
    """Draw all counts again, fit again, and draw those who are missed."""
    generator = np.random.default_rng(0)
    drawn = generator.gamma(np.broadcast_to(smooth + 1e-3, (_DRAWS, *smooth.shape)))
    shares = (drawn / drawn.sum(axis=-1, keepdims=True))[..., :-1]
    real, decoys = (generator.poisson(one, (_DRAWS, one.size)).astype(np.float64) for one in counted[:2])
    start = np.broadcast_to(people, (_DRAWS, people.shape[1]))
    again = fitted(real, decoys, shares, prone, scale, start=start)
    missed = np.minimum(_missed(again, shares, counted.above), _MOST)
    found = _found(counted, decoys, n_equal, scale)
    normal = generator.normal(size=_DRAWS)
    more, fewer = (generator.poisson(missed * np.exp(sd * normal)) for sd in (_HARDER, _EASIER))
    # Nobody may be missed in all draws, and yet somebody be: one more is counted for the lower end.
    low = float(np.quantile(found / (found + more + 1), _TAIL))
    high = float(np.quantile((found + 1e-9) / (found + fewer + 1e-9), 1 - _TAIL))
    return low, high


def fitted(
    real: npt.NDArray[np.float64],
    decoys: npt.NDArray[np.float64],
    shares: npt.NDArray[np.float64],
    prone: Mask,
    scale: float,
    *,
    start: npt.NDArray[np.float64] | None = None,
) -> npt.NDArray[np.float64]:
    """Fit how many people of each stratum are in both files.

    Parameters
    ----------
    real, decoys : ndarray of float64, shape (draws, cells)
        Pairs of real records, and of one with a decoy.
    shares : ndarray of float64, shape (draws, strata, cells)
        Share of each stratum that wins in each cell.
    prone : ndarray of bool, shape (strata, changes)
        To which changes each stratum is prone.
    scale : float
        False links for each link to a decoy.
    start : ndarray of float64, shape (draws, strata), optional
        Where to begin.

    Returns
    -------
    ndarray of float64, shape (draws, strata)
        People, also those who win in no cell.

    Examples
    --------
    >>> shares = np.array([[[0.9, 0.0], [0.0, 0.5]]])
    >>> people = fitted(np.array([[90.0, 20.0]]), np.zeros((1, 2)), shares, np.array([[False], [True]]), 1.0)
    >>> people.round(-1).tolist()
    [[100.0, 40.0]]
    """
    unseen = np.maximum(1 - shares.sum(axis=-1), 0)
    false = np.maximum((real / scale + decoys) / 2, 0.25)
    people = start
    if people is None:
        number = np.maximum((real - scale * decoys).sum(axis=-1), 5.0)
        people = number[:, None] * _independent(np.full((len(real), prone.shape[1]), 0.25), prone)
    for _ in range(_ROUNDS if start is None else _ROUNDS_AGAIN):
        expected = np.einsum("dk,dkc->dc", people, shares) + scale * false + 1e-12
        ratio = real / expected
        likely = people * (np.einsum("dkc,dc->dk", shares, ratio) + unseen)
        number = likely.sum(axis=-1)
        rate = (likely @ prone + _USUAL[0]) / (number[:, None] + sum(_USUAL))
        likely += _TOGETHER * _independent(rate, prone)
        people = likely * (number / (number + _TOGETHER))[:, None]
        false = (ratio * scale * false + decoys) / (scale + 1)
    return people


def _independent(rate: npt.NDArray[np.float64], prone: Mask) -> npt.NDArray[np.float64]:
    """Give the share of each stratum if changes befall people independently."""
    each: npt.NDArray[np.float64] = np.where(prone, rate[:, None, :], 1 - rate[:, None, :]).prod(axis=-1)
    return each


def _found(counted: Counted, decoys: npt.NDArray[np.float64], n_equal: int, scale: float) -> Scores:
    true = (counted.real - scale * decoys)[:, counted.above].sum(axis=1)
    found: Scores = n_equal + np.maximum(true, 0.0)
    return found


def _missed(
    people: npt.NDArray[np.float64], shares: npt.NDArray[np.float64], above: Mask
) -> npt.NDArray[np.float64]:
    elsewhere = np.maximum(1 - shares[..., above].sum(axis=-1), 0)  # not below it by a rounding error
    missed: npt.NDArray[np.float64] = (people * elsewhere).sum(axis=-1)
    return missed


def _title(changes: Sequence[str], prone: Mask) -> str:
    held = [change for change, is_prone in zip(changes, prone.tolist(), strict=True) if is_prone]
    return "ordinary" if not held else held[0] if len(held) == 1 else f"{len(held)} changes"


def _rate(name: str, n: int, n_found: int) -> StratumRecall:
    """Give the share with the interval of Jeffreys."""
    from scipy.stats import beta

    low = float(beta.ppf(_TAIL, n_found + 0.5, n - n_found + 0.5)) if n_found else 0.0
    high = float(beta.ppf(1 - _TAIL, n_found + 0.5, n - n_found + 0.5)) if n_found < n else 1.0
    return StratumRecall(name, n, n_found, n_found / n if n else 0.0, low, high)
