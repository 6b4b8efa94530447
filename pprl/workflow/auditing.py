"""
Before release, at a custodian: what an attacker would learn from its encodings.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pprl.agreement import Agreement
from pprl.auditing.attacks import ATTACKS, AttackKind, attacks_named
from pprl.auditing.dictionary import Dictionary
from pprl.auditing.frontier import N_CHAINS, Frontier, Point, frontier
from pprl.auditing.measures import joint_leakage, pass_leakage
from pprl.auditing.noise import NoiseFinding, check_noise
from pprl.auditing.results import AuditResult
from pprl.auditing.scenes import Finding, carry_out, rows_of, scene_of
from pprl.auditing.served import Served, served
from pprl.auditing.sweep import Grid, Outcome, People, Trial, exposed, n_attempts, sweep
from pprl.auditing.views import View, in_all, views_of
from pprl.cleaning.columns import clean_columns
from pprl.encoding.encoder import Columns, present_in
from pprl.encoding.errormodel import ErrorModel, corrupt
from pprl.encoding.passes import FuzzyPass
from pprl.encoding.prediction import Aim
from pprl.encoding.suggestion import LEAST_RECORDS
from pprl.errors import DataError, UsageError
from pprl.keys import LinkageKey, ProjectKey
from pprl.workflow.calls import require_type
from pprl.workflow.tables import all_of, columns_of, raw_columns, require_own_column, sources_of

MOST_ATTACKED = 5_000  # records: tables of all pairs stand in memory
DEFAULT_ATTACKED, QUICK_ATTACKED = 1_000, 500
_QUICK = Grid(overlaps=(1.0, 0.5), noisy=(False,), leaks=(100,), parts=(1.0,))
_HALF = 0.5
_MOST_KEYS = max(one.n_keys for one in ATTACKS.values())
FALSE_SHARE = 0.001  # of records with a wrong partner, which predicted recall allows, as in `suggest`


def audit(
    source: object,
    agreement: Agreement,
    *,
    id: str | None = None,  # noqa: A002 - as in `encode`
    columns: Mapping[str, str | Sequence[str]] | None = None,
    seed: int = 1,
    n_records: int | None = None,
    attacks: Sequence[str] = tuple(ATTACKS),
    quick: bool = False,
    errors: ErrorModel | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> AuditResult:
    """Attack a custodian's own encodings before they are released.

    No project key is needed: a sample is encoded under keys that are made for the purpose and
    thrown away.  The attacker is never given them, except in the reminder of what the key does.

    Parameters
    ----------
    source : path, DataFrame or Arrow stream
        A table as for `encode`, each person once.
    agreement : Agreement
        Its fuzzy passes are attacked as they are.
    id : str, optional
        Name of the column with record ids, to check that they are there and all different.
    columns : mapping of str to str or sequence of str, optional
        For fields whose columns have other names here: field to column, or to all columns.
    seed : int
        Of the sample, the keys, the scenes and the guesses.  Graph matching, whose outcome depends
        on the key, is tried under three where it has its best chance; other seeds are other keys.
    n_records : int, optional
        Records that are attacked, 100 to 5,000; by default 1,000, or 500 if it is to be quick.
        More records give an attacker more to go by, and take longer: twice as many five times as long.
    attacks : sequence of str
        Names of attacks, as in `pprl.auditing.attacks.ATTACKS`; by default all.
    quick : bool
        Whether to try fewer conditions, as a first look.
    errors : ErrorModel, optional
        How an attacker's copies, and those of another custodian, differ; by default as the
        agreement says, or else at rates measured in England.
    progress : callable, optional
        Called with attacks made and attacks planned.

    Returns
    -------
    AuditResult
        Numbers alone.

    Raises
    ------
    DataError
        If `encode` would refuse the table, or no pass has 100 records.
    UsageError
        If an option is out of range, an attack is unknown, or the agreement has no fuzzy pass.

    Examples
    --------
    >>> from pprl.datasets.uk import population
    >>> people = population(300, seed=7).people
    >>> agreement = Agreement.preset("uk-health")
    >>> found = audit(people, agreement, n_records=200, attacks=["predicted-filters"], quick=True)
    >>> found.n_records, found.outcomes[-1].view.name
    (200, 'all passes together')
    """
    start = time.process_time()
    require_type("agreement", agreement, Agreement)
    kinds = attacks_named(tuple(attacks))
    wanted = (QUICK_ATTACKED if quick else DEFAULT_ATTACKED) if n_records is None else n_records
    _require_options(agreement, wanted, seed)
    everybody = _cleaned(source, agreement, id, columns or {})
    rows = np.random.default_rng(seed).permutation(len(next(iter(everybody.values()))))[:wanted]
    people = People(
        columns=rows_of(everybody, rows),
        rules=agreement.fields,
        keys=tuple(_throwaway_key(seed, place) for place in range(_MOST_KEYS)),
        errors=errors or agreement.errors or ErrorModel(),
        seed=seed,
    )
    found = _audited(people, everybody, agreement, kinds, _QUICK if quick else Grid(), progress)
    return replace(found, cpu_seconds=time.process_time() - start)


def _throwaway_key(seed: int, place: int) -> ProjectKey:
    """Make a key that an audit can be repeated with; nothing that is encoded under it is kept."""
    secret = LinkageKey(hashlib.sha256(f"pprl audit {seed} {place}".encode("ascii")).digest())
    return secret.for_project("audit", epoch=1)


def _audited(
    people: People,
    everybody: Columns,
    agreement: Agreement,
    kinds: Sequence[AttackKind],
    grid: Grid,
    progress: Callable[[int, int], None] | None,
) -> AuditResult:
    passes = _large_enough(people, agreement)
    views = [one for one in views_of(passes) if in_all(people.columns, one.passes).sum() >= LEAST_RECORDS]
    planned = n_attempts(views, kinds, grid, people.n_records) + N_CHAINS * sum(
        1 + (kind.joins and len(views) > 1) for kind in kinds
    )
    count = _Count(progress, planned)
    outcomes = sweep(people, views, kinds, grid, tick=count.tick)
    swept = exposed(outcomes, kinds)
    compared = _frontier(people, everybody, passes, swept, grid, count)
    key = people.keys[0]
    return AuditResult(
        fingerprint=agreement.fingerprint,
        n_table=_length(everybody),
        n_records=people.n_records,
        seed=people.seed,
        outcomes=outcomes,
        leakage=tuple(pass_leakage(people.columns, people.rules, one, key) for one in passes),
        joint=joint_leakage(people.columns, people.rules, passes, key) if views[-1].is_joint else None,
        noise=_noise(people, passes),
        dictionary=_with_the_key(people, passes[0]),
        frontier=compared,
        served=_served(people, everybody, swept, next(one for one in compared.points if one.agreed)),
        left_out=(
            *_sampled(people.n_records, _length(everybody), quick=grid == _QUICK),
            *_unused(kinds, views),
            *_not_attacked(agreement, passes),
        ),
        cpu_seconds=0.0,
    )


def _frontier(
    people: People,
    everybody: Columns,
    passes: Sequence[FuzzyPass],
    swept: Sequence[Outcome],
    grid: Grid,
    count: "_Count",
) -> Frontier:
    second = corrupt(people.columns, people.rules, people.errors, np.random.default_rng(people.seed))
    aim = Aim(bias=0.1, n_records=max(_length(everybody), 2), false_share=FALSE_SHARE)
    found = frontier(people, second, passes, swept, grid, aim=aim, tick=count.tick)
    count.finish()
    return found


def _length(columns: Columns) -> int:
    return len(next(iter(columns.values())))


@dataclass(slots=True)
class _Count:
    """Counts attacks for whoever watches."""

    progress: Callable[[int, int], None] | None
    planned: int
    done: int = field(default=0)

    def tick(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, max(self.planned, self.done))

    def finish(self) -> None:
        if self.progress is not None:
            self.progress(self.done, self.done)


def _require_options(agreement: Agreement, n_records: int, seed: int) -> None:
    if not any(isinstance(one, FuzzyPass) for one in agreement.passes):
        raise UsageError("agreement: has no fuzzy pass, so there is nothing to attack", code="no-fuzzy-pass")
    if not LEAST_RECORDS <= n_records <= MOST_ATTACKED:
        raise UsageError(f"records: wanted {LEAST_RECORDS} to {MOST_ATTACKED}", code="bad-option")
    if seed < 0:
        raise UsageError("seed: wanted a number that is not negative", code="bad-option")


def _cleaned(
    source: object, agreement: Agreement, id_column: str | None, columns: Mapping[str, str | Sequence[str]]
) -> Columns:
    sources = sources_of(agreement, columns)
    if id_column is not None:
        require_own_column(id_column, sources)
    raw = raw_columns(columns_of(source, all_of(sources), id_column), sources)
    return {name: one.column for name, one in clean_columns(raw, agreement.fields).items()}


def _large_enough(people: People, agreement: Agreement) -> list[FuzzyPass]:
    fuzzy = [one for one in agreement.passes if isinstance(one, FuzzyPass)]
    passes = [one for one in fuzzy if present_in(people.columns, one).sum() >= LEAST_RECORDS]
    if not passes:
        raise DataError(
            f"table: no pass has {LEAST_RECORDS} records to attack",
            code="too-few-records",
            hint="fewer would be described one by one; pprl check shows how many each pass has",
        )
    return passes


def _noise(people: People, passes: Sequence[FuzzyPass]) -> tuple[tuple[str, NoiseFinding], ...]:
    noisy = [one for one in passes if any(step.noisy for step in one.hardening)]
    return tuple((one.name, check_noise(people.columns, people.rules, one, people.keys[0])) for one in noisy)


def _with_the_key(people: People, one: FuzzyPass) -> Finding:
    key = people.keys[0]
    scene = scene_of(
        people.columns, people.rules, [one], key, overlap=1, noise=None, leaked=0, seed=people.seed
    )
    return carry_out(Dictionary(people.rules, one, key), scene, seed=people.seed)


def _served(people: People, everybody: Columns, swept: Sequence[Outcome], agreed: Point) -> Served | None:
    if not swept:
        return None
    # Where an attack finds everybody or nobody, no kind of people is served worse than another.
    outcome, trial = min(
        ((one, trial) for one in swept for trial in one.trials if _is_easy(trial, one)),
        key=lambda found: abs(found[1].finding.share - _HALF),
    )
    thresholds = {one.pass_name: one.threshold for one in agreed.predicted if one.threshold is not None}
    return served(people, everybody, outcome, trial, thresholds=thresholds)


def _is_easy(trial: Trial, outcome: Outcome) -> bool:
    """Say whether a trial differs from the best conditions in nothing but the pairs that were told."""
    best = outcome.trials[0].setting
    return replace(trial.setting, n_leaked=best.n_leaked) == best


def _sampled(n_records: int, n_table: int, *, quick: bool) -> list[str]:
    told = []
    if n_records < n_table:
        told.append("records: a sample was attacked, and larger files give an attacker more to go by")
    if quick:
        told.append("a quick look: the attacker holds half the people at least, without errors")
    return told


def _unused(kinds: Sequence[AttackKind], views: Sequence[View]) -> list[str]:
    unused = [name for name in ATTACKS if name not in [one.name for one in kinds]]
    told = [f"attacks not carried out: {', '.join(unused)}"] if unused else []
    if len(views) > 1:
        told.append("harder conditions: tried where each attack has most to go by")
    if len(views) > 1 and not views[-1].is_joint:
        told.append("all passes together: too few records of the sample take part in all")
    return told


def _not_attacked(agreement: Agreement, passes: Sequence[FuzzyPass]) -> list[str]:
    fuzzy = [one for one in agreement.passes if isinstance(one, FuzzyPass)]
    told = (
        ("passes with too few records in the sample", [one.name for one in fuzzy if one not in passes]),
        (
            "passes for equality, in which equal values are equal tokens",
            [one.name for one in agreement.passes if not isinstance(one, FuzzyPass)],
        ),
        ("block tags, which tell the linkage unit more, of", [one.name for one in fuzzy if one.blocks]),
    )
    return [f"{said}: {', '.join(names)}" for said, names in told if names]
