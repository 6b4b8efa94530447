"""
The sweep: which attack succeeds under which conditions, and which never had a chance.

Every attack first runs on the same people as plain CLKs, under the best conditions that it can
have: its *positive control*.  An attack that finds less than 90 % there is too weak for these
people, and its failure elsewhere says nothing.  Then it runs on the passes as agreed, each alone,
and all together if it can lay them side by side; and where it has most to go by under harder
conditions too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pprl.auditing.attacks import AttackKind
from pprl.auditing.knownpairs import FEWEST_PAIRS
from pprl.auditing.scenes import Finding, carry_out, rows_of, scene_of
from pprl.auditing.views import View, in_all
from pprl.cleaning.fields import Field
from pprl.encoding.encoder import Columns
from pprl.encoding.errormodel import ErrorModel
from pprl.keys import ProjectKey

CONTROL = 0.9  # share of plain CLKs that an attack must find
MOST_BLIND = 0.5  # share that naming one value for everybody may find, or success says nothing
FEWEST_TARGETS = 50  # of fewer a share would count people
_MOST_TOLD = 0.25  # of the people whom the attacker holds: the others are left to be found
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Setting:
    """The conditions of one attack.

    Parameters
    ----------
    n_records : int
        People that there are, in either file or both.
    overlap : float
        Share of the encoded people whom the attacker holds.
    noisy : bool
        Whether the attacker's copies have errors.
    n_leaked : int
        Pairs that it was told.
    """

    n_records: int
    overlap: float
    noisy: bool
    n_leaked: int


@dataclass(frozen=True, slots=True)
class Grid:
    """The conditions that are tried.

    Parameters
    ----------
    overlaps : tuple of float
        Shares of the encoded people whom the attacker holds, the largest first.
    noisy : tuple of bool
        Whether its copies have errors.
    leaks : tuple of int
        Pairs that an insider was told; never more than a quarter of the people whom it holds.
    parts : tuple of float
        Shares of the people, to see what a smaller file would change.

    Examples
    --------
    >>> grid = Grid(overlaps=(1.0, 0.5), noisy=(False,), leaks=(100,), parts=(1.0,))
    >>> [one.n_leaked for one in grid.settings(1000, needs_leak=True)]
    [100, 83]
    """

    overlaps: tuple[float, ...] = (1.0, 0.5, 0.25, 0.1)
    noisy: tuple[bool, ...] = (False, True)
    leaks: tuple[int, ...] = (100, 500, 2000)
    parts: tuple[float, ...] = (1.0, 0.5, 0.25)

    def best(self, n_records: int, *, needs_leak: bool) -> Setting:
        """Give the conditions under which an attack has its best chance."""
        best = Setting(n_records, self.overlaps[0], noisy=False, n_leaked=max(self.leaks, default=0))
        return _within(best) if needs_leak else replace(best, n_leaked=0)

    def settings(self, n_records: int, *, needs_leak: bool) -> tuple[Setting, ...]:
        """Give all conditions, the best first; those that leave too few people are left out."""
        best = self.best(n_records, needs_leak=needs_leak)
        harder = [
            *(
                replace(best, overlap=overlap, noisy=noisy)
                for noisy in self.noisy
                for overlap in self.overlaps
            ),
            *(replace(best, n_records=round(part * n_records)) for part in self.parts),
            *(replace(best, n_leaked=n) for n in self.leaks if needs_leak),
        ]
        possible = (one for one in map(_within, harder) if _is_possible(one, needs_leak=needs_leak))
        return tuple(dict.fromkeys((best, *possible)))


@dataclass(frozen=True, slots=True)
class Trial:
    """What an attack found under some conditions.

    Parameters
    ----------
    setting : Setting
        The conditions.
    finding : Finding
        Of the key, and the variant of the attack, by which most were found; its processor time is
        that of all.
    n_keys : int
        Keys that were tried.
    key, variant : int
        Their places.
    """

    setting: Setting
    finding: Finding
    n_keys: int = 1
    key: int = 0
    variant: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attack on one pass, or on all together.

    Parameters
    ----------
    kind : AttackKind
        The attack.
    view : View
        What was attacked, as agreed.
    control : Finding
        On the same people as plain CLKs, under the conditions of the first trial.
    trials : tuple of Trial
        On the passes as agreed, the best conditions first.
    """

    kind: AttackKind
    view: View
    control: Finding
    trials: tuple[Trial, ...]

    @property
    def place(self) -> tuple[str, str]:
        """What tells it from others: the name of the attack, and of what it attacked."""
        return self.kind.name, self.view.name

    @property
    def too_weak(self) -> bool:
        """Whether it fails on plain CLKs too, or cannot fail, so that what it finds says nothing."""
        return self.control.share < CONTROL or self.control.blind > MOST_BLIND

    @property
    def worst(self) -> Trial:
        """The trial in which it found most; of equal ones the surest."""
        return max(self.trials, key=lambda one: (one.finding.share, one.finding.low))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class People:
    """Who is attacked, and by which rules.

    Parameters
    ----------
    columns : mapping of str to TextColumn
        Cleaned columns by name of field, each person once.
    rules : sequence of Field
        The agreement's fields.
    keys : tuple of ProjectKey
        Keys that are thrown away, never the project's; an attack whose outcome depends on the key
        is tried under several.
    errors : ErrorModel
        How an attacker's copies may differ.
    seed : int
        The same seed gives the same scenes and guesses.
    """

    columns: Columns
    rules: Sequence[Field]
    keys: tuple[ProjectKey, ...]
    errors: ErrorModel
    seed: int

    @property
    def n_records(self) -> int:
        """How many there are."""
        return len(next(iter(self.columns.values())))


def taking_part(people: People, view: View) -> People:
    """Leave out who is absent from any pass.

    Parameters
    ----------
    people : People
        Everybody.
    view : View
        The passes.
    """
    here = np.flatnonzero(in_all(people.columns, view.passes))
    return replace(people, columns=rows_of(people.columns, here))


def attempt(people: People, view: View, kind: AttackKind, setting: Setting, *, n_keys: int = 1) -> Trial:
    """Carry out an attack under some conditions.

    Parameters
    ----------
    people : People
        Who is attacked; all take part in every pass.
    view : View
        The passes, as agreed or otherwise.
    kind : AttackKind
        The attack.
    setting : Setting
        The conditions.
    n_keys : int
        Keys under which it is tried, until it finds nearly everybody.
    """
    columns = people.columns
    if setting.n_records < people.n_records:
        columns = rows_of(columns, np.arange(setting.n_records))
    trials: list[Trial] = []
    for place, key in enumerate(people.keys[:n_keys]):
        scene = scene_of(
            columns,
            people.rules,
            view.passes,
            key,
            overlap=setting.overlap,
            noise=people.errors if setting.noisy else None,
            leaked=setting.n_leaked,
            seed=people.seed,
        )
        for variant, attack in enumerate(kind.variants):
            trials.append(Trial(setting, carry_out(attack, scene, seed=people.seed), 1, place, variant))
        if max(one.finding.share for one in trials) >= CONTROL:
            break
    worst = max(trials, key=lambda one: one.finding.share)
    spent = sum(one.finding.cpu_seconds for one in trials)
    return replace(worst, finding=replace(worst.finding, cpu_seconds=spent), n_keys=place + 1)


def sweep(
    people: People,
    views: Sequence[View],
    kinds: Sequence[AttackKind],
    grid: Grid,
    *,
    tick: Callable[[], None] = lambda: None,
) -> tuple[Outcome, ...]:
    """Carry out attacks on passes, and under harder conditions where each has most to go by.

    Parameters
    ----------
    people : People
        Who is attacked.
    views : sequence of View
        Passes as agreed, alone and together, in which there are enough people.  An attack whose
        outcome depends on the key is tried under several on all together, or without that on each.
    kinds : sequence of AttackKind
        The attacks; one that cannot join passes is tried on each alone.
    grid : Grid
        The conditions.
    tick : callable
        Called after every attack.

    Returns
    -------
    tuple of Outcome
        By view and attack.  An attack that is too weak is tried under its best conditions alone.
    """
    here = {view.name: taking_part(people, view) for view in views}
    pairs = [(view, kind) for view in views for kind in kinds if _can_attack(kind, view)]
    is_joint = any(view.is_joint for view in views)
    first = [
        _first(
            here[view.name], view, kind, grid, tick, n_keys=kind.n_keys if view.is_joint == is_joint else 1
        )
        for view, kind in pairs
    ]
    swept = {one.place for one in exposed(first, kinds)}
    return tuple(
        _further(here[one.view.name], one, grid, tick) if one.place in swept else one for one in first
    )


def exposed(outcomes: Sequence[Outcome], kinds: Sequence[AttackKind]) -> tuple[Outcome, ...]:
    """Choose where each attack has most to go by, of those that passed their control.

    That is all passes together; and the pass on which it finds most, if it finds clearly more there
    than on all together, or cannot join passes.

    Parameters
    ----------
    outcomes : sequence of Outcome
        What a sweep found.
    kinds : sequence of AttackKind
        The attacks.

    Returns
    -------
    tuple of Outcome
        None, one or two of each attack.
    """
    chosen = []
    for kind in kinds:
        strong = [one for one in outcomes if one.kind is kind and not one.too_weak]
        joint = [one for one in strong if one.view.is_joint]
        alone = max((one for one in strong if not one.view.is_joint), key=_first_share, default=None)
        chosen += joint
        if alone and all(alone.trials[0].finding.low > one.trials[0].finding.share for one in joint):
            chosen.append(alone)
    return tuple(chosen)


def _first_share(one: Outcome) -> float:
    return one.trials[0].finding.share


def n_attempts(views: Sequence[View], kinds: Sequence[AttackKind], grid: Grid, n_records: int) -> int:
    """Say how many attacks a sweep makes at most."""
    n_first = sum(_can_attack(kind, view) for view in views for kind in kinds)
    n_further = [len(grid.settings(n_records, needs_leak=kind.needs_leak)) - 1 for kind in kinds]
    n_swept = [1 + (kind.joins and len(views) > 1) for kind in kinds]  # all together, and one alone
    return 2 * n_first + sum(n * several for n, several in zip(n_further, n_swept, strict=True))


def _can_attack(kind: AttackKind, view: View) -> bool:
    return kind.joins or not view.is_joint


def _first(
    people: People, view: View, kind: AttackKind, grid: Grid, tick: Callable[[], None], *, n_keys: int
) -> Outcome:
    setting = grid.best(people.n_records, needs_leak=kind.needs_leak)
    found = []
    for each in (view.plain(), view):
        found.append(attempt(people, each, kind, setting, n_keys=n_keys))
        tick()
    return Outcome(kind, view, found[0].finding, (found[1],))


def _further(people: People, outcome: Outcome, grid: Grid, tick: Callable[[], None]) -> Outcome:
    trials = list(outcome.trials)
    for setting in grid.settings(people.n_records, needs_leak=outcome.kind.needs_leak)[1:]:
        trial = attempt(people, outcome.view, outcome.kind, setting)
        tick()
        if trial.finding.n_targets >= FEWEST_TARGETS:  # copies with errors may be absent from a pass
            trials.append(trial)
    return replace(outcome, trials=tuple(trials))


def _within(one: Setting) -> Setting:
    """Let the attacker be told no more than a quarter of the people whom it holds."""
    held = one.overlap * one.n_records / (2 - one.overlap)
    return replace(one, n_leaked=min(one.n_leaked, int(_MOST_TOLD * held)))


def _is_possible(one: Setting, *, needs_leak: bool) -> bool:
    n_targets = one.overlap * one.n_records / (2 - one.overlap) - one.n_leaked
    return n_targets >= FEWEST_TARGETS and (not needs_leak or one.n_leaked >= FEWEST_PAIRS)
