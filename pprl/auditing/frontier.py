"""
The frontier: what hardening costs in recall, against what attacks still find.

Recall is predicted by formulas from the custodian's own records, as a suggestion does; success is
measured, by the attacks that passed their control, on the same people.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pprl.auditing.scenes import Finding
from pprl.auditing.sweep import CONTROL, Grid, Outcome, People, Setting, attempt, taking_part
from pprl.auditing.views import Hardening, View, bare
from pprl.encoding.encoder import Columns, encode_passes
from pprl.encoding.hardening import MAX_BITS, Balance, Diffuse, Flip, XorFold
from pprl.encoding.passes import FuzzyPass
from pprl.encoding.prediction import Aim, Pairs, allowed_tail, harden_pairs, least_threshold
from pprl.encoding.suggestion import different_pairs, matching_pairs

TRIED = ((2, 1), (3, 1), (4, 1), (4, 2), (5, 1))  # bits that are XORed, and bits sent for each of the pass
N_CHAINS = len(TRIED) + 2  # at most: none, and the agreement's
_TOLD = 0.1  # of the people: of so many an insider is told at most
LIMIT = 0.05  # share that an attack may find under a chain that is recommended
_WITH_FORMULA = (Diffuse, XorFold, Balance, Flip)  # steps, each alone
RULE = (
    "Of the chains under which every attack that passed its control finds less than 5 % of the people, by "
    "the upper end of its 95 % interval, the one with the highest predicted recall; of equal ones the first. "
    "An insider is told of a tenth of the people at most; an attack that then finds less than 90 % without "
    "hardening is left out. If there is no such chain, none is recommended. What an attack finds is the most "
    "that it finds under any key with which it was tried, of all passes together or of one."
)


@dataclass(frozen=True, slots=True)
class PassRecall:
    """What a pass would find of the people.

    Parameters
    ----------
    pass_name : str
        The pass.
    threshold, recall : float or None
        The least threshold that keeps to the share of records with a wrong partner, and the share
        of people found at it.  None where there is none, or no formula.
    """

    pass_name: str
    threshold: float | None
    recall: float | None


@dataclass(frozen=True, slots=True)
class Point:
    """One hardening chain: what it costs, and what it hides.

    Parameters
    ----------
    hardenings : tuple of tuple of Step
        The chain of each pass; empty for none.
    agreed : bool
        Whether the agreement has it.
    predicted : tuple of PassRecall
        By pass.
    findings : tuple of Finding
        Of the attacks that passed their control, each under its best conditions, and that find nearly
        everybody where nothing is hardened.
    """

    hardenings: tuple[Hardening, ...]
    agreed: bool
    predicted: tuple[PassRecall, ...]
    findings: tuple[Finding, ...]

    @property
    def best_pass(self) -> PassRecall | None:
        """The pass that would find most people, which is no more than all passes find; None without any."""
        told = [one for one in self.predicted if one.recall is not None]
        return max(told, key=lambda one: one.recall or 0.0, default=None)

    @property
    def recall(self) -> float | None:
        """The share of people that the best pass would find."""
        return self.best_pass.recall if self.best_pass else None

    @property
    def worst(self) -> Finding | None:
        """What the best of the attacks found; None if none passed its control."""
        return max(self.findings, key=lambda one: (one.share, one.high), default=None)


@dataclass(frozen=True, slots=True)
class Frontier:
    """Chains beside each other, each on every pass.

    Parameters
    ----------
    views : tuple of View
        What was attacked: all passes together, or a pass on which an attack finds more, or which it
        cannot join with others.
    false_share : float
        Share of records that may be left with a wrong partner.
    n_told : int
        Pairs that insiders were told.
    points : tuple of Point
        No hardening first.
    """

    views: tuple[View, ...]
    false_share: float
    n_told: int
    points: tuple[Point, ...]

    @property
    def recommended(self) -> Point | None:
        """The chain that `RULE` chooses."""
        kept = [one for one in self.points if one.recall is not None and _keeps(one)]
        return max(kept, key=lambda one: one.recall or 0.0, default=None)


def frontier(
    people: People,
    second: Columns,
    passes: Sequence[FuzzyPass],
    swept: Sequence[Outcome],
    grid: Grid,
    *,
    aim: Aim,
    tick: Callable[[], None] = lambda: None,
) -> Frontier:
    """Predict the recall of some chains, and attack each.

    Parameters
    ----------
    people : People
        Who is attacked.
    second : mapping of str to TextColumn
        A second copy of them, row by row, that an error model has made.
    passes : sequence of FuzzyPass
        The passes; their hardening is one of the chains.
    swept : sequence of Outcome
        The attacks that passed their control, where each has most to go by.
    grid : Grid
        The conditions; the best of each attack are taken.
    aim : Aim
        How many wrong partners recall allows.
    tick : callable
        Called after every attack.
    """
    predictors = {one.name: _predictor(people, second, one, aim) for one in passes}
    targets = [(one, taking_part(people, one.view)) for one in swept]
    best = [_told(grid.best(here.n_records, needs_leak=one.kind.needs_leak)) for one, here in targets]
    places = {one.name: place for place, one in enumerate(passes)}
    agreed, points = tuple(one.hardening for one in passes), []
    for chains in chains_of(passes):
        findings: dict[str, Finding] = {}
        for (one, here), setting in zip(targets, best, strict=True):
            view = one.view.hardened([chains[places[each.name]] for each in one.view.passes])
            found = attempt(here, view, one.kind, setting, n_keys=one.kind.n_keys).finding
            findings[found.attack] = max(found, findings.get(found.attack, found), key=lambda it: it.share)
            tick()
        predicted = tuple(
            PassRecall(one.name, *predictors[one.name](steps))
            for one, steps in zip(passes, chains, strict=True)
        )
        points.append(Point(chains, chains == agreed, predicted, tuple(findings.values())))
    strong = {found.attack for found in points[0].findings if found.share >= CONTROL}
    points = [
        replace(one, findings=tuple(found for found in one.findings if found.attack in strong))
        for one in points
    ]
    n_told = max((setting.n_leaked for setting in best), default=0)
    views = tuple(dict.fromkeys(one.view for one in swept if one.kind.title in strong))
    return Frontier(views, aim.false_share, n_told, tuple(points))


def _told(setting: Setting) -> Setting:
    return replace(setting, n_leaked=min(setting.n_leaked, int(_TOLD * setting.n_records)))


def chains_of(passes: Sequence[FuzzyPass]) -> tuple[tuple[Hardening, ...], ...]:
    """List the chains that are compared: none, diffusions with t = 2 to 5, and the agreement's.

    Returns
    -------
    tuple
        Of each the hardening of every pass.

    Examples
    --------
    >>> len(chains_of([FuzzyPass(name="all", fields=(), n_bits=512, hardening=(Diffuse(t=2, n_bits=1024),))]))
    7
    """
    longest = max(one.n_bits for one in passes)
    diffusions = [
        tuple((Diffuse(t=t, n_bits=times * one.n_bits),) for one in passes)
        for t, times in TRIED
        if times * longest <= MAX_BITS
    ]
    nothing: tuple[Hardening, ...] = ((),) * len(passes)
    return tuple(dict.fromkeys([nothing, *diffusions, tuple(one.hardening for one in passes)]))


def _predictor(
    people: People, second: Columns, one: FuzzyPass, aim: Aim
) -> Callable[[Hardening], tuple[float | None, float | None]]:
    left, right = (
        encode_passes(each, people.rules, [bare(one)], people.keys[0])[one.name]
        for each in (people.columns, second)
    )
    matches: Pairs = matching_pairs(left, right)
    others: Pairs = different_pairs(left, np.random.default_rng(people.seed))
    n_bits = left.bits.n_bits

    def predicted(steps: Hardening) -> tuple[float | None, float | None]:
        if (
            len(steps) > 1
            or not all(isinstance(step, _WITH_FORMULA) for step in steps)
            or not matches.weight.size
        ):
            return None, None
        chain = (steps[0],) if steps else ()
        threshold = least_threshold(harden_pairs(chain, others, n_bits), allowed_tail(aim))
        if threshold is None:
            return None, None
        return threshold, harden_pairs(chain, matches, n_bits).share_from(threshold)

    return predicted


def _keeps(one: Point) -> bool:
    return bool(one.findings) and all(each.high < LIMIT for each in one.findings)
