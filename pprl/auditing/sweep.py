"""
The sweep: which attack succeeds under which conditions, and which never had a chance.

Every attack first runs on the same people as plain CLKs, under the best conditions that it can
have: its *positive control*.  An attack that finds less than 90 % there is too weak for these
people, and its failure elsewhere says nothing.  Then it runs on the passes as agreed, and on the
pass that it does best on under harder conditions too.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pprl.auditing.attacks import AttackKind
from pprl.auditing.knownpairs import FEWEST_PAIRS
from pprl.auditing.scenes import Finding, plain_twin, rows_of, scene_of
from pprl.cleaning.fields import Field
from pprl.encoding.encoder import Columns, present_in
from pprl.encoding.errormodel import ErrorModel
from pprl.encoding.passes import FuzzyPass
from pprl.keys import ProjectKey

CONTROL = 0.9  # share of plain CLKs that an attack must find
FEWEST_PEOPLE = 40
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
    leaks: tuple[int, ...] = (100, 500)
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
        possible = (one for one in map(_within, (best, *harder)) if _is_possible(one, needs_leak=needs_leak))
        return tuple(dict.fromkeys(possible))


@dataclass(frozen=True, slots=True)
class Trial:
    """What an attack found under some conditions."""

    setting: Setting
    finding: Finding


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attack on one pass.

    Parameters
    ----------
    kind : AttackKind
        The attack.
    pass_name : str
        The pass.
    control : Finding
        On the same people as plain CLKs, under the conditions of the first trial.
    trials : tuple of Trial
        On the pass as agreed, the best conditions first.
    """

    kind: AttackKind
    pass_name: str
    control: Finding
    trials: tuple[Trial, ...]

    @property
    def too_weak(self) -> bool:
        """Whether it fails on plain CLKs too, so that its failure here says nothing."""
        return self.control.share < CONTROL

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
    key : ProjectKey
        A key that is thrown away, never the project's.
    errors : ErrorModel
        How an attacker's copies may differ.
    seed : int
        The same seed gives the same scenes and guesses.
    """

    columns: Columns
    rules: Sequence[Field]
    key: ProjectKey
    errors: ErrorModel
    seed: int

    @property
    def n_records(self) -> int:
        """How many there are."""
        return len(next(iter(self.columns.values())))


def taking_part(people: People, one: FuzzyPass) -> People:
    """Leave out who is absent from a pass.

    Parameters
    ----------
    people : People
        Everybody.
    one : FuzzyPass
        The pass.
    """
    return replace(people, columns=rows_of(people.columns, np.flatnonzero(present_in(people.columns, one))))


def attempt(people: People, one: FuzzyPass, kind: AttackKind, setting: Setting) -> Finding:
    """Carry out an attack on a pass under some conditions.

    Parameters
    ----------
    people : People
        Who is attacked; all take part in the pass.
    one : FuzzyPass
        The pass, as agreed or otherwise.
    kind : AttackKind
        The attack.
    setting : Setting
        The conditions.
    """
    columns = people.columns
    if setting.n_records < people.n_records:
        columns = rows_of(columns, np.arange(setting.n_records))
    scene = scene_of(
        columns,
        people.rules,
        one,
        people.key,
        overlap=setting.overlap,
        noise=people.errors if setting.noisy else None,
        leaked=setting.n_leaked,
        seed=people.seed,
    )
    return kind.carried_out(kind.made_for(one), scene, people.seed)


def sweep(
    people: People,
    passes: Sequence[FuzzyPass],
    kinds: Sequence[AttackKind],
    grid: Grid,
    *,
    tick: Callable[[], None] = lambda: None,
) -> tuple[Outcome, ...]:
    """Carry out attacks on passes, and under harder conditions on the pass that fares worst.

    Parameters
    ----------
    people : People
        Who is attacked.
    passes : sequence of FuzzyPass
        Those as agreed in which there are enough people.
    kinds : sequence of AttackKind
        The attacks.
    grid : Grid
        The conditions.
    tick : callable
        Called after every attack.

    Returns
    -------
    tuple of Outcome
        By pass and attack.  An attack that is too weak is tried under its best conditions alone.
    """
    here = {one.name: taking_part(people, one) for one in passes}
    first = [_first(here[one.name], one, kind, grid, tick) for one in passes for kind in kinds]
    name = worst_pass(first)
    found = []
    for outcome in first:
        one = next(each for each in passes if each.name == outcome.pass_name)
        is_swept = one.name == name and not outcome.too_weak
        found.append(_further(here[name], one, outcome, grid, tick) if is_swept else outcome)
    return tuple(found)


def worst_pass(outcomes: Iterable[Outcome]) -> str:
    """Name the pass on which an attack that is not too weak finds most; the first of equal ones.

    If all attacks are too weak, it is still the pass on which one finds most.
    """
    return max(outcomes, key=lambda one: (not one.too_weak, one.trials[0].finding.share)).pass_name


def n_attempts(n_passes: int, kinds: Sequence[AttackKind], grid: Grid, n_records: int) -> int:
    """Say how many attacks a sweep makes at most."""
    settings = [len(grid.settings(n_records, needs_leak=kind.needs_leak)) for kind in kinds]
    return 2 * n_passes * len(kinds) + sum(settings) - len(kinds)


def _first(people: People, one: FuzzyPass, kind: AttackKind, grid: Grid, tick: Callable[[], None]) -> Outcome:
    setting = grid.best(people.n_records, needs_leak=kind.needs_leak)
    found = []
    for each in (plain_twin(one), one):
        found.append(attempt(people, each, kind, setting))
        tick()
    return Outcome(kind, one.name, found[0], (Trial(setting, found[1]),))


def _further(
    people: People, one: FuzzyPass, outcome: Outcome, grid: Grid, tick: Callable[[], None]
) -> Outcome:
    trials = list(outcome.trials)
    for setting in grid.settings(people.n_records, needs_leak=outcome.kind.needs_leak)[1:]:
        trials.append(Trial(setting, attempt(people, one, outcome.kind, setting)))
        tick()
    return replace(outcome, trials=tuple(trials))


def _within(one: Setting) -> Setting:
    """Let the attacker be told no more than a quarter of the people whom it holds."""
    held = one.overlap * one.n_records / (2 - one.overlap)
    return replace(one, n_leaked=min(one.n_leaked, int(_MOST_TOLD * held)))


def _is_possible(one: Setting, *, needs_leak: bool) -> bool:
    return one.n_records >= FEWEST_PEOPLE and (not needs_leak or one.n_leaked >= FEWEST_PAIRS)
