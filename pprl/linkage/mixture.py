"""
Mixture: probabilities where no decoy tells them, from what the pairs exclude.

Candidate pairs are a mixture of matches and of non-matches.  That alone does not say which
is which: where non-matches are extreme, so are matches.  But a record that has its one
partner has no other, so all its other pairs are non-matches; and pairs within a source that
holds each person once are non-matches too.  Both show how heavy non-matches get, families
and namesakes included, and need no shape assumed for the tail.

The likelihood ratio rises with the weight; its prior and the matches that exclude one
another enter by expectation and maximisation (after Fellegi & Sunter 1969, JASA 64:1183).
What comes out is a model's estimate and no measurement.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pprl.errors import PolicyError, UsageError
from pprl.linkage.evidence import Evidence, gather
from pprl.linkage.parts import CandidatesName, PassRule, Progress
from pprl.linkage.separating import Fit, Records, log_ratio_of
from pprl.model import EncodedDataset
from pprl.model.arrays import Rows, Scores

_ROUNDS = 12
_LEARNING = frozenset({2, 4, 6})  # rounds after which the evidence of the passes is weighed anew
_DRAWS = 60  # of records, for the intervals
_HALF = 0.5  # of a non-match added to each level (prior of Jeffreys)
_TAILS = 0.025, 0.975
_LEAST = 1e-9  # probability, and its distance from one
_MOST = 20.0  # logarithm of odds that a draw adds


@dataclass(frozen=True, slots=True, eq=False)
class Strangers:
    """Pairs of which it is known that none is one person.

    Parameters
    ----------
    evidence : Evidence
        Those worth a look.
    n_pairs : float
        How many there are with those that are not.
    """

    evidence: Evidence
    n_pairs: float


def strangers_within(
    dataset: EncodedDataset,
    rules: Sequence[PassRule],
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    candidates: CandidatesName = "all-pairs",
    largest_block: int | None = None,
) -> Strangers:
    """Compare a source that holds each person once with itself.

    Parameters are those of `gather`.  Decoys and spike-ins must not be in the dataset.

    Returns
    -------
    Strangers
        Each pair once, none of a record with itself.
    """
    evidence = gather(
        dataset,
        dataset,
        rules,
        workers=workers,
        progress=progress,
        candidates=candidates,
        largest_block=largest_block,
    )
    once = np.flatnonzero(evidence.left < evidence.right)
    return Strangers(evidence.take(once), len(dataset) * (len(dataset) - 1) / 2)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a model expects of links; not measured.

    Parameters
    ----------
    weight : float
        Least weight of a link.
    n_links : int
        Links.
    n_false : float
        How many of them are false, as expected.
    precision, low, high : float
        Share of the links that are true, and its 95 % interval; 1 without links.
    recall : float
        Of the matches that the evidence shows, the share that are links.  Matches
        that look like strangers are seen by no model, so the true recall is lower: no
        interval is given.
    """

    weight: float
    n_links: int
    n_false: float
    precision: float
    low: float
    high: float
    recall: float


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Mixture:
    """Weights and probabilities of candidate pairs by a model.

    Parameters
    ----------
    weight : ndarray of float64, shape (pairs,)
        The evidence of all passes in one number; pairs of a record are ranked by it.
    log_odds : ndarray of float64, shape (pairs,)
        Logarithm of the odds that a pair is one person, if it had no rivals.
    probability : ndarray of float64, shape (pairs,)
        The chance that it is, against its rivals.
    n_matches : float
        How many candidate pairs are one person, as expected.
    level : ndarray of int64, shape (pairs,)
        Stretch of weights to which a pair belongs.
    drawn : ndarray of float64, shape (draws, levels)
        For other draws of as many records, what is added to the log odds of each level.
    """

    weight: Scores
    log_odds: Scores
    probability: Scores
    n_matches: float
    level: Rows = field(repr=False)
    drawn: Scores = field(default_factory=lambda: np.zeros((1, 1)))

    def __len__(self) -> int:
        return int(self.weight.size)

    def __repr__(self) -> str:
        return f"Mixture({len(self)} pairs, about {self.n_matches:.0f} matches by a model)"

    def in_order(self, links: Rows) -> Rows:
        """Put links in order, the most likely first."""
        return links[np.lexsort((-self.weight[links], -self.probability[links]))]

    def expected_precision(self, links: Rows) -> Scores:
        """Give for each place in an order of links the precision expected of those up to it."""
        precision: Scores = np.cumsum(self.probability[links]) / np.arange(1, links.size + 1)
        return precision

    def n_reaching(self, links: Rows, precision: float) -> int:
        """Say how many links, from the first, reach an expected precision."""
        reached = np.flatnonzero(self.expected_precision(links) >= precision)
        return int(reached[-1]) + 1 if reached.size else 0

    def expect(self, links: Rows) -> Expected:
        """Say what is expected of links.

        The interval is that of other draws of as many records (a bootstrap over records),
        with the chance of each link added.  The model itself it takes for true.
        """
        probability = np.clip(self.probability[links], _LEAST, 1 - _LEAST)
        log_odds = np.log(probability / (1 - probability))
        n_links, n_false = int(links.size), float((1 - self.probability[links]).sum())
        false = np.array(
            [(1 / (1 + np.exp(log_odds + draw[self.level[links]]))).sum() for draw in self.drawn]
        )
        false = np.minimum(np.random.default_rng(0).poisson(false), n_links).astype(np.float64)
        precision = _share(n_links - n_false, n_links)
        recall = _share(n_links - n_false, self.n_matches)
        low, high = _ends([_share(n_links - one, n_links) for one in false.tolist()], precision)
        least = float(self.weight[links].min()) if n_links else np.inf
        return Expected(least, n_links, n_false, precision, low, high, recall)


def mixture_weights(
    evidence: Evidence,
    chance: Evidence,
    n_left: int,
    n_right: int,
    *,
    left_once: bool,
    right_once: bool,
    within: Sequence[Strangers] = (),
) -> Mixture:
    """Tell matches from non-matches by a model, without decoys and without truth.

    Parameters
    ----------
    evidence : Evidence
        Candidate pairs.
    chance : Evidence
        Pairs drawn by chance: their spread is the unit of likeness.
    n_left, n_right : int
        Records of both sides.
    left_once, right_once : bool
        Whether a record of that side has at most one partner.
    within : sequence of Strangers
        Pairs of known strangers, as within a source that holds each person once: the left one
        does if a right record has at most one partner.  Where few records have a partner at
        all, give them: without them little tells how heavy non-matches get.

    Returns
    -------
    Mixture
        A weight and a probability for each candidate pair.

    Raises
    ------
    UsageError
        If a side has fewer records than the pairs name.
    PolicyError
        If no record has at most one partner, and no strangers are known.

    Notes
    -----
    Features of a pair are, for each pass, its likeness in units of unrelated pairs, bent and
    squared, whether it is compared at all, and whether exact values are equal or differ.  A
    logistic model with soft labels weighs them together, so passes that share fields are not
    counted twice and an absent pass says nothing.  Equal values get what they are worth
    among these pairs and are never proof.  Along that weight the ratio of matches to known
    non-matches is made to rise (isotonic regression), and a pair's odds are

        ratio(weight) * matches / (free left records * free right records),

    which rivals lower (`free_of_rivals`).  Non-matches are counted only where something
    else tells that they are: the partner that a record has already, or the source it shares.
    If neither is known, any share of matches would do, so nothing is told.

    Examples
    --------
    >>> likeness = np.concatenate([np.linspace(0.8, 0.9, 50), np.linspace(0.5, 0.6, 150)])
    >>> rows = np.concatenate([np.arange(50), np.arange(150) % 50])
    >>> partners = np.concatenate([np.arange(50), (np.arange(150) % 50 + np.arange(150) // 50 + 1) % 50])
    >>> evidence = Evidence(rows, partners, {"names": likeness}, {}, ())
    >>> unrelated = Evidence(rows[50:], partners[50:], {"names": likeness[50:] - 0.1}, {}, ())
    >>> model = mixture_weights(evidence, unrelated, 60, 60, left_once=True, right_once=True)
    >>> bool(model.probability[:50].min() > model.probability[50:].max())
    True
    """
    records = Records(n_left, n_right, (left_once, right_once))
    _require_sizes(evidence, records)
    if not (left_once or right_once or within):
        raise PolicyError(
            "evidence: nothing tells a match from a non-match: no source holds each person once",
            code="nothing-known",
            hint="declare `decoys` in the agreement and encode again, or link by thresholds",
        )
    if not len(evidence):
        nothing = np.zeros(0)
        return Mixture(nothing, nothing, nothing, 0.0, np.zeros(0, dtype=np.int64))
    known = [one.evidence for one in within]
    fit = Fit.begun(evidence, chance, records, known, sum(one.n_pairs for one in within))
    for turn in range(_ROUNDS):
        fit = fit.again()
        if turn in _LEARNING:
            fit = fit.learned()
    size = len(evidence)
    drawn = _drawn(fit, known)
    return Mixture(fit.weight[:size], fit.log_odds, fit.match, fit.n_matches, fit.level[:size], drawn)


def _drawn(fit: Fit, known: Sequence[Evidence]) -> Scores:
    """Draw records anew, and give what that does to the log odds of each level.

    A pair counts as often as both its records were drawn.  Non-matches of a level are drawn
    besides (a gamma distribution, prior of Jeffreys), so that none seen is not none for certain.
    """
    generator = np.random.default_rng(0)
    matches, others = fit.masses()
    told = log_ratio_of(fit.level, matches, others)
    shifts = np.empty((_DRAWS, told.size))
    for draw in range(_DRAWS):
        often = _drawn_times(fit, known, generator)
        of_matches = np.bincount(fit.level, matches * often)
        of_others = np.maximum(generator.gamma(np.bincount(fit.level, others * often) + _HALF), _LEAST)
        ratio = np.maximum.accumulate(np.log((of_matches + _LEAST) / of_others))
        shifts[draw] = np.clip(np.where(told > -_MOST, ratio - told, 0), -_MOST, _MOST)
    return shifts


def _drawn_times(fit: Fit, known: Sequence[Evidence], generator: np.random.Generator) -> Scores:
    """Say how often each pair is there if records are drawn anew."""
    left, right = (generator.poisson(1.0, size=n) for n in (fit.records.n_left, fit.records.n_right))
    times = [left[fit.left] * right[fit.right]]
    for one in known:
        inside = generator.poisson(1.0, size=_n_rows(one))
        times.append(inside[one.left] * inside[one.right])
    return np.concatenate(times).astype(np.float64)


def _n_rows(evidence: Evidence) -> int:
    return int(max(evidence.left.max(initial=-1), evidence.right.max(initial=-1))) + 1


def _share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if whole > 0 else 1.0


def _ends(drawn: list[float], value: float) -> tuple[float, float]:
    """Give the middle 95 % of what was drawn, the value itself included."""
    low, high = np.quantile(drawn, _TAILS)
    return min(float(low), value), max(float(high), value)


def _require_sizes(evidence: Evidence, records: Records) -> None:
    for side, rows, n_records in (
        ("left", evidence.left, records.n_left),
        ("right", evidence.right, records.n_right),
    ):
        if n_records <= int(rows.max(initial=-1)):
            raise UsageError(
                f"n_{side}: got {n_records}, and the pairs name record {int(rows.max())}", code="n-records"
            )
