"""
Resolving: from scored pairs to links.

Three methods: symmetric best match (Franke, Sehili & Rahm 2018), greedy by score, and the
assignment with the best total.  Equal bests (twins, one address) are conflicts to report,
not coins to toss.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np

from pprl.errors import DataError, UsageError, nearest
from pprl.linkage.assigning import best_assignment, first_of_each, in_all_and_in_some
from pprl.model import ScoredPairs
from pprl.model.arrays import Mask, Rows, Scores
from pprl.model.links import ONE_PARTNER, Cardinality, Method

_SLOW_ROUND = 0.02  # share of the pairs; a round that decides fewer is no gain on a plain loop
_STEP = 1e-6  # what the lowest pair is worth, where the span of all scores is 1


@dataclass(frozen=True, slots=True)
class Resolution:
    """Which pairs are linked and which are in conflict, as indices into the pairs given."""

    linked: Rows
    conflicting: Rows


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Pairs in the total order: the ends that may have one partner, numbered from 0."""

    ends: tuple[Rows, ...]
    sizes: tuple[int, ...]
    score: Scores

    @classmethod
    def of(cls, sides: tuple[Rows, ...], score: Scores) -> "_Pairs":
        numbered = [np.unique(side, return_inverse=True) for side in sides]
        ends = tuple(codes.astype(np.int64, copy=False) for _, codes in numbered)
        return cls(ends, tuple(values.size for values, _ in numbered), score)


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """What a method says of each pair."""

    linked: Mask
    conflicting: Mask


def resolve(
    left: Rows,
    right: Rows,
    score: Scores,
    *,
    method: Method = "symmetric-best-match",
    cardinality: Cardinality = "one-to-one",
    margin: float = 0.0,
) -> Resolution:
    """Choose which of the pairs between two datasets are links.

    Parameters
    ----------
    left, right : ndarray of int64, shape (n,)
        Rows of each pair, in any order; no pair twice.
    score : ndarray of float64, shape (n,)
        How alike they are; any scale on which higher is better, such as log-odds.
    method : {"symmetric-best-match", "greedy", "optimal"}
        "symmetric-best-match" links a pair that is the best of both its records.
        "greedy" goes from the best pair down and links what is still free.
        "optimal" links the pairs with the highest total; a record may stay alone, and each
        score counts from the lowest one given, so a link never costs.
    cardinality : {"one-to-one", "one-to-many", "many-to-one", "many-to-many"}
        "one-to-many": a left record may have many partners, a right record one.
    margin : float
        How far a pair must be ahead of the others of a record that may have one partner;
        always by more than nothing.

    Returns
    -------
    Resolution
        Indices of pairs, in the total order (score down, left up, right up).

    Raises
    ------
    UsageError
        If an option is not one, or the optimal method is asked for more than one partner.
    DataError
        If columns differ in length, a score is not finite, or a pair occurs twice.

    Notes
    -----
    A pair is in conflict:

    - symmetric best match: if it is within the margin of the best of both its records, and
      one of them has another such pair.
    - greedy: if at its turn one of its records has another open pair within the margin, or
      if such a pair was in conflict before.  A record in conflict gets no worse partner.
    - optimal: if it belongs to some of the best assignments and not to all; and, with a
      margin, if a chosen pair is not ahead of another by the margin at either end of that
      other.  Pairs chosen are then not replaced.

    Totals that differ by a billionth of the span of the scores are equal.  The optimal method
    takes time with the square of the largest component: a million pairs of which most hang
    together took 77 s on two cores, where the others took one.

    Examples
    --------
    >>> left, right = np.array([0, 0, 1]), np.array([0, 1, 1])
    >>> score = np.array([0.8, 0.9, 0.85])
    >>> resolve(left, right, score).linked.tolist()
    [1]
    >>> resolve(left, right, score, method="optimal").linked.tolist()
    [1]
    >>> resolve(left, right, score, cardinality="one-to-many").linked.tolist()
    [1, 0]
    >>> resolve(left, right, score, margin=0.06).conflicting.tolist()
    [1, 2]
    """
    _require_options(method, cardinality, margin)
    _require_pairs(left, right, score)
    order = np.lexsort((right, left, -score))
    sides = tuple(
        side[order] for side, one in zip((left, right), ONE_PARTNER[cardinality], strict=True) if one
    )
    answer = _METHODS[method](_Pairs.of(sides, score[order]), margin)
    return Resolution(linked=order[answer.linked], conflicting=order[answer.conflicting])


def symmetric_best_match(pairs: ScoredPairs) -> Resolution:
    """Link each pair in which both records are each other's only best partner.

    Parameters
    ----------
    pairs : ScoredPairs
        All pairs that may be links.

    Returns
    -------
    Resolution
        Pairs that are best on both sides: those whose records have no other such pair are
        linked, the others are in conflict.

    Examples
    --------
    >>> left, right = np.array([0, 0, 1]), np.array([0, 1, 1])
    >>> pairs = ScoredPairs.in_order(left, right, np.array([9, 8, 9]), np.array([0.9, 0.8, 0.9]))
    >>> symmetric_best_match(pairs).linked.tolist()
    [0, 1]
    """
    answer = _best_matches(_Pairs.of((pairs.left, pairs.right), pairs.score), 0.0)
    return Resolution(linked=np.flatnonzero(answer.linked), conflicting=np.flatnonzero(answer.conflicting))


def _require_options(method: str, cardinality: str, margin: float) -> None:
    for name, value, legal in (
        ("method", method, get_args(Method)),
        ("cardinality", cardinality, get_args(Cardinality)),
    ):
        if value not in legal:
            raise UsageError(f"{name}: {value!r} is not one", code=name, hint=nearest(str(value), legal))
    if not 0 <= margin < np.inf:
        raise UsageError(f"margin: got {margin}, wanted a number from 0", code="margin")
    if method == "optimal" and cardinality != "one-to-one":
        raise UsageError(
            f"method: optimal is one-to-one, got {cardinality}",
            code="optimal-cardinality",
            hint="choose greedy or symmetric-best-match",
        )


def _require_pairs(left: Rows, right: Rows, score: Scores) -> None:
    if not left.shape == right.shape == score.shape == (score.size,):
        raise DataError("pairs: columns differ in length", code="pairs")
    if not np.isfinite(score).all():
        raise DataError("pairs: a score is not a finite number", code="pairs-score")
    order = np.lexsort((right, left))
    again = (np.diff(left[order]) == 0) & (np.diff(right[order]) == 0)
    if again.any():
        raise DataError(
            f"pairs: {int(again.sum())} occur more than once",
            code="pairs-twice",
            hint="give each pair once, with one score",
        )


def _best_matches(pairs: _Pairs, margin: float) -> _Answer:
    """Link pairs that are best at each end, if no other pair there is near the best of both."""
    best, near, alone = (np.ones(pairs.score.size, dtype=np.bool_) for _ in range(3))
    for end, size in zip(pairs.ends, pairs.sizes, strict=True):
        behind = first_of_each(end, pairs.score, size, 0.0)[end] - pairs.score
        best &= behind == 0
        near &= (behind == 0) | (behind < margin)
    for end, size in zip(pairs.ends, pairs.sizes, strict=True):
        alone &= np.bincount(end[near], minlength=size)[end] == 1
    return _Answer(linked=best & alone, conflicting=near & ~alone)


def _greedy(pairs: _Pairs, margin: float) -> _Answer:
    """Go from the best pair down, in rounds: all pairs whose turn depends on no other's at once.

    A pair has its turn when it is the best that is left at its ends, and each rival there
    is sure to be open: the rival's other end has nothing better left that could close it.
    """
    if len(pairs.ends) < 2:
        return _best_matches(pairs, margin)
    linked, listed = (np.zeros(pairs.score.size, dtype=np.bool_) for _ in range(2))
    free = [np.ones(size, dtype=np.bool_) for size in pairs.sizes]
    left = np.arange(pairs.score.size)
    while left.size:
        before = left.size
        left = _round(pairs, left, free, linked, listed, margin)
        if before - left.size < _SLOW_ROUND * before:
            _one_by_one(pairs, left, free, linked, listed, margin)
            break
    return _Answer(linked=linked, conflicting=listed)


def _round(pairs: _Pairs, left: Rows, free: list[Mask], linked: Mask, listed: Mask, margin: float) -> Rows:
    """Decide all pairs whose turn it is, and give those that are left."""
    ends, score = [end[left] for end in pairs.ends], pairs.score[left]
    views = [
        _View.of(end, free_there[end], score, margin) for end, free_there in zip(ends, free, strict=True)
    ]
    one, two = views
    turn = one.is_best & two.is_best
    clear = turn & ~one.has_rivals() & ~two.has_rivals() & ~listed[left]
    clash = turn & ~clear & one.is_sure(two) & two.is_sure(one)
    linked[left[clear]] = True
    listed[left[clash]] = True
    for view, free_there in zip(views, free, strict=True):
        listed[left[view.near_to(clash)]] = True
        free_there[view.end[clear | clash]] = False
    is_open = [free_there[end] for free_there, end in zip(free, ends, strict=True)]
    return left[np.where(listed[left], is_open[0] | is_open[1], is_open[0] & is_open[1])]


def _one_by_one(
    pairs: _Pairs, left: Rows, free: list[Mask], linked: Mask, listed: Mask, margin: float
) -> None:
    """Do the rest of the greedy method in a loop: long chains in which each pair waits for the next.

    A record is settled at its first turn, so the pairs of each record are looked at once.
    """
    score, is_listed = pairs.score[left].tolist(), listed[left].tolist()
    ends = [end[left].tolist() for end in pairs.ends]
    is_free = [dict.fromkeys(end, True) for end in ends]
    of_record: list[dict[int, list[int]]] = [{}, {}]
    for side, end in enumerate(ends):
        for place, record in enumerate(end):
            of_record[side].setdefault(record, []).append(place)
            is_free[side][record] = bool(free[side][record])
    for place, here in enumerate(score):
        open_sides = [side for side in (0, 1) if is_free[side][ends[side][place]]]
        if len(open_sides) < 2 - is_listed[place]:
            continue
        rivals = [
            other
            for side in open_sides
            for other in of_record[side][ends[side][place]]
            if other != place
            and (here == score[other] or here - score[other] < margin)
            and (is_listed[other] or is_free[1 - side][ends[1 - side][other]])
        ]
        if rivals or is_listed[place]:
            for other in (place, *rivals):
                is_listed[other] = True
        else:
            linked[left[place]] = True
        for side in open_sides:
            is_free[side][ends[side][place]] = False
    listed[left] = is_listed


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """How the pairs that are left stand among those of their records on one side."""

    end: Rows
    is_open: Mask
    score: Scores
    best: Scores  # for each record, not for each pair
    is_best: Mask  # or the record is settled, and has no say
    near: Mask

    @classmethod
    def of(cls, end: Rows, is_open: Mask, score: Scores, margin: float) -> "_View":
        size = int(end.max(initial=-1)) + 1
        best = first_of_each(end[is_open], score[is_open], size, -np.inf)
        behind = best[end] - score
        near = is_open & ((behind == 0) | (behind < margin))
        return cls(end, is_open, score, best, (behind == 0) | ~is_open, near)

    def has_rivals(self) -> Mask:
        """Say of each pair whether its record has several near the best."""
        crowd = np.bincount(self.end[self.near], minlength=self.best.size)
        return self.is_open & (crowd[self.end] > 1)

    def is_sure(self, other: "_View") -> Mask:
        """Say whether no pair near a record's best has at its other end something better."""
        most = np.full(self.best.size, -np.inf)
        np.maximum.at(most, self.end[self.near], other.best[other.end[self.near]])
        return ~self.is_open | (most[self.end] <= self.score)

    def near_to(self, chosen: Mask) -> Mask:
        """Say which pairs are near the best of a record that a chosen pair has here."""
        hit = np.zeros(self.best.size, dtype=np.bool_)
        hit[self.end[chosen & self.is_open]] = True
        return self.near & hit[self.end]


def _optimal(pairs: _Pairs, margin: float) -> _Answer:
    """Link what belongs to every assignment with the best total."""
    if not pairs.score.size:
        return _best_matches(pairs, margin)
    lowest = pairs.score[-1]
    span = float(pairs.score[0] - lowest) or 1.0
    weight = (pairs.score - lowest) / span + _STEP
    left, right = pairs.ends
    ends, sizes = (left, right), (pairs.sizes[0], pairs.sizes[1])
    sure, tied = in_all_and_in_some(ends, sizes, weight, best_assignment(ends, sizes, weight))
    near, struck = ~sure, np.zeros_like(sure)
    beside = np.zeros_like(sure)
    for end, size in zip(pairs.ends, pairs.sizes, strict=True):
        partner = first_of_each(end[sure], pairs.score[sure], size, -np.inf)[end]
        near &= partner - pairs.score < margin
        beside |= np.isfinite(partner)
    near &= beside & (margin > 0)
    for end, size in zip(pairs.ends, pairs.sizes, strict=True):
        struck |= sure & (np.bincount(end[near], minlength=size)[end] > 0)
    return _Answer(linked=sure & ~struck, conflicting=tied | near | struck)


_METHODS: dict[Method, Callable[[_Pairs, float], _Answer]] = {
    "symmetric-best-match": _best_matches,
    "greedy": _greedy,
    "optimal": _optimal,
}
