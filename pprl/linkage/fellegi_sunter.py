"""
Fellegi-Sunter: what each field says of a pair, where each pass holds one field.

The likeness of a field falls into levels.  A level has two rates: `m` among matches and `u`
among non-matches; the logarithm of their ratio is what it weighs, and fields are taken for
independent, so weights add up (Fellegi & Sunter 1969, JASA 64:1183).  `u` is counted on
pairs drawn by chance, `m` found by expectation and maximisation (Winkler 1988).  A missing
value weighs nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, starmap
from typing import TYPE_CHECKING

import numpy as np

from pprl.errors import UsageError
from pprl.linkage.evidence import Evidence
from pprl.linkage.rivals import free_of_rivals
from pprl.linkage.separating import Records
from pprl.model.arrays import Rows, Scores

if TYPE_CHECKING:
    import pandas as pd

LEVELS = (0.7, 0.8, 0.9, 1.0)  # least likeness of each level but the lowest

_ROUNDS = 200
_CONVERGED = 1e-4  # change of any probability
_LARGEST = 30.0  # logarithm of odds
_PRIOR = 0.5  # of a pair, added to each level
_FIRST_DECAY = 4.0  # times that a level is rarer than the next among matches, to begin with
_ABSENT = -1


@dataclass(frozen=True, slots=True, eq=False)
class FieldRates:
    """How often each level of a field is met.

    Parameters
    ----------
    name : str
        Name of the field's pass.
    least : tuple of float
        Least likeness of each level but the lowest, rising; for an exact pass 1 alone.
    m, u : ndarray of float64, shape (levels,)
        Share of matches, and of non-matches, on each level; the lowest level first.
    """

    name: str
    least: tuple[float, ...]
    m: Scores
    u: Scores

    def weights(self) -> Scores:
        """Give the natural logarithm of m / u for each level."""
        weights: Scores = np.log(self.m / self.u)
        return weights


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FellegiSunter:
    """Rates of all fields, and what they make of the pairs.

    Parameters
    ----------
    fields : tuple of FieldRates
        In the order of the passes, fuzzy ones first.
    n_matches : float
        Matches among the candidate pairs, as expected.
    prior : float
        The chance that a pair of all is a match: n_matches / (n_left * n_right).
    weight : ndarray of float64, shape (pairs,)
        Sum of the fields' weights: the natural logarithm of the likelihood ratio.
    probability : ndarray of float64, shape (pairs,)
        The chance that a pair is one person, against its rivals where records have one partner.
    """

    fields: tuple[FieldRates, ...]
    n_matches: float
    prior: float
    weight: Scores
    probability: Scores

    def weigh(self, evidence: Evidence) -> Scores:
        """Give the weight of any pairs with the same passes."""
        codes = [_levels_of(evidence, one.name, one.least) for one in self.fields]
        return _summed(codes, [one.m for one in self.fields], [one.u for one in self.fields])

    def to_pandas(self) -> "pd.DataFrame":
        """Give a pandas frame: field, level, least, m, u, weight (binary logarithm of m / u)."""
        import pandas as pd

        rows = [
            (one.name, level, least, m, u, float(np.log2(m / u)))
            for one in self.fields
            for level, (least, m, u) in enumerate(
                zip((0.0, *one.least), one.m.tolist(), one.u.tolist(), strict=True)
            )
        ]
        return pd.DataFrame(rows, columns=["field", "level", "least", "m", "u", "weight"])

    def __repr__(self) -> str:
        return f"FellegiSunter({len(self.fields)} fields, about {self.n_matches:.0f} matches by a model)"


def fellegi_sunter(
    evidence: Evidence,
    chance: Evidence,
    n_left: int,
    n_right: int,
    *,
    left_once: bool,
    right_once: bool,
    levels: Sequence[float] | Mapping[str, Sequence[float]] = LEVELS,
) -> FellegiSunter:
    """Estimate how much each field says, where each pass holds one field.

    Parameters
    ----------
    evidence : Evidence
        Candidate pairs.  All other pairs are taken for non-matches.
    chance : Evidence
        Pairs drawn by chance, on which `u` is counted.
    n_left, n_right : int
        Records of both sides.
    left_once, right_once : bool
        Whether a record of that side has at most one partner.
    levels : sequence of float, or mapping of str to sequence of float
        Least likeness of each level but the lowest, rising, above 0; by field, if they differ.

    Returns
    -------
    FellegiSunter
        Rates, weights and probabilities.

    Raises
    ------
    UsageError
        If levels do not rise, or a field has none.

    Notes
    -----
    Fields are taken for independent among matches and among non-matches.  Families share name
    and address, so the probabilities are hopeful where they are common; `mixture_weights`
    corrects for that, and is the better choice for passes that hold several fields.  How rare
    a value is does not count: the linkage unit does not know.

    Examples
    --------
    >>> likeness = np.array([1.0, 1.0, 0.9, 0.2, 0.1, 0.3])
    >>> pairs = Evidence(np.arange(6), np.arange(6), {"surname": likeness, "suburb": likeness}, {}, ())
    >>> low = np.full(1000, 0.2)
    >>> rows = np.arange(1000)
    >>> unrelated = Evidence(rows, rows, {"surname": low, "suburb": low}, {}, ())
    >>> model = fellegi_sunter(pairs, unrelated, 6, 6, left_once=True, right_once=True, levels=(0.85, 1.0))
    >>> (model.probability > 0.5).tolist()
    [True, True, True, False, False, False]
    >>> model.to_pandas().columns.tolist()
    ['field', 'level', 'least', 'm', 'u', 'weight']
    """
    records = Records(n_left, n_right, (left_once, right_once))
    names = (*evidence.likeness, *evidence.equality)
    least = {name: _least_of(evidence, name, levels) for name in names}
    codes = [_levels_of(evidence, name, least[name]) for name in names]
    u = [_rates(_levels_of(chance, name, least[name]), None, len(least[name]) + 1) for name in names]
    m = [_first_rates(len(one)) for one in u]
    n_matches = min(n_left, n_right) / 2
    match = np.zeros(len(evidence))
    for _ in range(_ROUNDS):
        before, match = match, _matches(evidence, _summed(codes, m, u), n_matches, records)
        m = [_rates(one, match, len(rates)) for one, rates in zip(codes, u, strict=True)]
        n_matches = min(float(match.sum()), records.most_matches())
        if np.abs(match - before).max(initial=0) < _CONVERGED:
            break
    fields = tuple(starmap(FieldRates, zip(names, least.values(), m, u, strict=True)))
    return FellegiSunter(
        fields, n_matches, n_matches / max(records.n_pairs, 1.0), _summed(codes, m, u), match
    )


def _least_of(
    evidence: Evidence, name: str, levels: Sequence[float] | Mapping[str, Sequence[float]]
) -> tuple[float, ...]:
    """Give the levels of a field; those of an exact pass are equal or not."""
    if name in evidence.equality:
        return (1.0,)
    least = tuple(levels.get(name, ()) if isinstance(levels, Mapping) else levels)
    if not least or least[0] <= 0 or any(low >= high for low, high in pairwise(least)):
        raise UsageError(
            f"levels of {name}: wanted numbers above 0, rising", code="levels", hint="such as 0.8, 0.9, 1.0"
        )
    return least


def _levels_of(evidence: Evidence, name: str, least: tuple[float, ...]) -> Rows:
    """Give the level of each pair, -1 where a record lacks the field."""
    if name in evidence.equality:
        equality = evidence.equality[name]
        return np.where(equality == 0, _ABSENT, equality > 0).astype(np.int64)
    likeness = evidence.likeness[name]
    level = np.searchsorted(least, np.nan_to_num(likeness), side="right")
    return np.where(np.isnan(likeness), _ABSENT, level).astype(np.int64)


def _rates(level: Rows, share: Scores | None, n_levels: int) -> Scores:
    """Give the share of each level among pairs that have one; all the same if there are none."""
    known = level != _ABSENT
    counts = np.bincount(level[known], None if share is None else share[known], minlength=n_levels) + _PRIOR
    rates: Scores = counts / counts.sum()
    return rates


def _first_rates(n_levels: int) -> Scores:
    """Begin with matches that are mostly on the highest level."""
    rates = _FIRST_DECAY ** np.arange(n_levels)
    first: Scores = rates / rates.sum()
    return first


def _summed(codes: Sequence[Rows], m: Sequence[Scores], u: Sequence[Scores]) -> Scores:
    """Add up the weights of the levels; a field that is not known of both adds nothing."""
    weight: Scores = np.zeros(codes[0].size if codes else 0)
    for level, of_matches, of_others in zip(codes, m, u, strict=True):
        weight += np.append(np.log(of_matches / of_others), 0.0)[level]
    return weight


def _matches(evidence: Evidence, weight: Scores, n_matches: float, records: Records) -> Scores:
    """Give each pair its chance to be a match, against its rivals."""
    prior = np.log(max(n_matches, _PRIOR) / records.free_pairs(n_matches))
    odds = np.exp(np.clip(weight + prior, -_LARGEST, _LARGEST))
    odds *= free_of_rivals(evidence.left, evidence.right, odds, once=records.once)
    match: Scores = odds / (1 + odds)
    return match
