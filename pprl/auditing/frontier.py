"""
The frontier: what hardening costs in recall, against what attacks still find.

Recall is predicted by formulas from the custodian's own records, as a suggestion does; success is
measured, by the attacks that passed their control, on the same people.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from pprl.auditing.attacks import AttackKind
from pprl.auditing.scenes import Finding
from pprl.auditing.sweep import CONTROL, Grid, People, Setting, attempt, taking_part
from pprl.encoding.encoder import Columns, encode_passes
from pprl.encoding.hardening import MAX_BITS, Balance, Diffuse, Flip, Step, XorFold
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
    "hardening is left out. If there is no such chain, none is recommended."
)


@dataclass(frozen=True, slots=True)
class Point:
    """One hardening chain: what it costs, and what it hides.

    Parameters
    ----------
    steps : tuple of Step
        The chain; empty for none.
    agreed : bool
        Whether the agreement has it.
    threshold, recall : float or None
        As predicted: the least threshold that keeps to the share of records with a wrong partner,
        and the share of people found at it.  None where there is none, or no formula.
    findings : tuple of Finding
        Of the attacks that passed their control, each under its best conditions, and that find nearly
        everybody where nothing is hardened.
    """

    steps: tuple[Step, ...]
    agreed: bool
    threshold: float | None
    recall: float | None
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Finding | None:
        """What the best of the attacks found; None if none passed its control."""
        return max(self.findings, key=lambda one: (one.share, one.high), default=None)


@dataclass(frozen=True, slots=True)
class Frontier:
    """Chains of one pass beside each other.

    Parameters
    ----------
    pass_name : str
        The pass.
    false_share : float
        Share of records that may be left with a wrong partner.
    n_told : int
        Pairs that insiders were told.
    points : tuple of Point
        No hardening first.
    """

    pass_name: str
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
    one: FuzzyPass,
    kinds: Sequence[AttackKind],
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
    one : FuzzyPass
        The pass; its hardening is one of the chains.
    kinds : sequence of AttackKind
        The attacks that passed their control.
    grid : Grid
        The conditions; the best of each attack are taken.
    aim : Aim
        How many wrong partners recall allows.
    tick : callable
        Called after every attack.
    """
    predicted = _predictor(people, second, one, aim)
    here, points = taking_part(people, one), []
    best = {kind.name: _told(grid.best(here.n_records, needs_leak=kind.needs_leak)) for kind in kinds}
    for steps in chains_of(one):
        hardened = msgspec.structs.replace(one, hardening=steps, blocks=())
        findings = []
        for kind in kinds:
            findings.append(attempt(here, hardened, kind, best[kind.name]))
            tick()
        points.append(Point(steps, steps == one.hardening, *predicted(steps), tuple(findings)))
    bare = {found.attack for found in points[0].findings if found.share >= CONTROL}
    points = [
        replace(one, findings=tuple(found for found in one.findings if found.attack in bare))
        for one in points
    ]
    n_told = max((setting.n_leaked for setting in best.values()), default=0)
    return Frontier(one.name, aim.false_share, n_told, tuple(points))


def _told(setting: Setting) -> Setting:
    return replace(setting, n_leaked=min(setting.n_leaked, int(_TOLD * setting.n_records)))


def chains_of(one: FuzzyPass) -> tuple[tuple[Step, ...], ...]:
    """List the chains that are compared: none, diffusions with t = 2 to 5, and the agreement's.

    Examples
    --------
    >>> len(chains_of(FuzzyPass(name="all", fields=(), n_bits=512, hardening=(Diffuse(t=2, n_bits=1024),))))
    7
    """
    diffusions = [
        (Diffuse(t=t, n_bits=times * one.n_bits),) for t, times in TRIED if times * one.n_bits <= MAX_BITS
    ]
    return tuple(dict.fromkeys([(), *diffusions, one.hardening]))


def _predictor(
    people: People, second: Columns, one: FuzzyPass, aim: Aim
) -> Callable[[tuple[Step, ...]], tuple[float | None, float | None]]:
    bare = msgspec.structs.replace(one, hardening=(), blocks=())
    left, right = (
        encode_passes(each, people.rules, [bare], people.key)[one.name] for each in (people.columns, second)
    )
    matches: Pairs = matching_pairs(left, right)
    others: Pairs = different_pairs(left, np.random.default_rng(people.seed))
    n_bits = left.bits.n_bits

    def predicted(steps: tuple[Step, ...]) -> tuple[float | None, float | None]:
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
