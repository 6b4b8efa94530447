"""
At the linkage unit, before a long linkage: what it will cost, and whether it is sensible.
"""

import os
import shutil
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np

from pprl.agreement import Agreement
from pprl.comparison.guards import MAX_PAIRS, require_whole
from pprl.comparison.plan import PassPlan, Way, plan_pass
from pprl.comparison.sampling import BlockTags
from pprl.comparison.thresholds import Threshold, parse_threshold
from pprl.encoding.passes import FuzzyPass, Pass
from pprl.errors import DataError, ResourceError
from pprl.linkage.evidence import floor_of
from pprl.machine import processors
from pprl.model import EncodedDataset
from pprl.model.arrays import Rows
from pprl.workflow.unit import require_linkable, target_of

LONGEST = 7 * 24 * 3600.0  # seconds; who plans for longer has not seen the plan
_SEED = 0  # the same rows are drawn again for the same packages


@dataclass(frozen=True, slots=True)
class Plan:
    """What a linkage will cost, pass by pass.

    Parameters
    ----------
    passes : tuple of PassPlan
        The passes in the order of the agreement.
    threads : int
        Threads that the times are for.
    """

    passes: tuple[PassPlan, ...]
    threads: int

    @property
    def recommended(self) -> tuple[Way, ...]:
        """The recommended way of each fuzzy pass."""
        return tuple(one.best for one in self.passes if one.best is not None)

    @property
    def seconds(self) -> float:
        """Time of all recommended ways, one after another."""
        return sum(way.seconds for way in self.recommended)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine has.

    Parameters
    ----------
    memory, disk : int or None
        Bytes of memory, and free bytes of the disk; None where that is not known.
    """

    memory: int | None
    disk: int | None

    @classmethod
    def here(cls, folder: Path) -> "Machine":
        """Look at this machine, and at the disk that a folder is on."""
        try:
            memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        except (AttributeError, ValueError, OSError):
            memory = 0
        try:
            disk = shutil.disk_usage(folder).free
        except OSError:
            disk = None
        return cls(memory if memory > 0 else None, disk)


def plan(
    left: EncodedDataset,
    right: EncodedDataset,
    *,
    agreement: Agreement,
    at: Threshold | None = None,
    workers: int | None = None,
) -> Plan:
    """Tell what linking two parties' records will cost, and what it will find.

    Where the target of the agreement is not thresholds, a pass compares down to the similarity
    at which it proposes four pairs for each record.  What is found is told from a sample of
    these records, what it costs from a test of this machine that takes some tenths of a second.
    All records present in a pass are counted, also those that an earlier pass will have linked.

    Parameters
    ----------
    left, right : EncodedDataset
        Packages made under the agreement, with one secret.
    agreement : Agreement
        Its passes are planned, in their order.
    at : str, int, float, Decimal or Fraction, optional
        The Dice similarity that recall is told for; by default, and at least, the threshold
        of each pass.
    workers : int, optional
        Threads to compare with; by default one for each core, and never counted as more.

    Returns
    -------
    Plan
        Counts only.

    Raises
    ------
    UsageError
        If `at` or `workers` is not a legal number.
    PolicyError
        If a package was not made under this agreement, or not with the same secret.
    DataError
        If a package lacks a pass.

    Examples
    --------
    >>> import pandas as pd
    >>> from pprl import LinkageKey, encode
    >>> people = pd.DataFrame({"rec_id": ["1"], "given_name": ["ann"], "surname": ["lee"],
    ...     "address_1": ["1 hay st"], "suburb": ["perth"], "postcode": ["6000"], "state": ["wa"],
    ...     "date_of_birth": ["19500203"]})
    >>> agreement, key = Agreement.preset("febrl"), LinkageKey.generate()
    >>> encoded = encode(people, agreement, key, id="rec_id")
    >>> planned = plan(encoded, encoded, agreement=agreement)
    >>> planned.passes[0].name, planned.passes[0].recommended
    ('everything', 'all pairs')
    """
    require_linkable(left, right, agreement)
    asked = None if at is None else parse_threshold(at)
    threads = min(
        processors(), processors() if workers is None else require_whole("workers", workers, least=1)
    )
    rng = np.random.default_rng(_SEED)
    by_thresholds = target_of(agreement, left, right) is None
    passes = (
        _planned(left, right, one if by_thresholds else _without_threshold(one), asked, threads, rng)
        for one in agreement.passes
    )
    return Plan(tuple(passes), threads)


def _planned(
    left: EncodedDataset,
    right: EncodedDataset,
    one: Pass,
    asked: Fraction | None,
    threads: int,
    rng: np.random.Generator,
) -> PassPlan:
    left_rows, right_rows = _rows(left, one), _rows(right, one)
    if not isinstance(one, FuzzyPass):
        return PassPlan(one.name, left_rows.size, right_rows.size)
    sides = left.passes[one.name].take(left_rows), right.passes[one.name].take(right_rows)
    least = floor_of(*sides, threads) if one.threshold is None else one.threshold
    threshold = parse_threshold(least)
    return plan_pass(
        one.name,
        *sides,
        threshold=threshold,
        at=threshold if asked is None else asked,
        tags=_tags(left, right, one, left_rows, right_rows),
        threads=threads,
        rng=rng,
    )


def _without_threshold(one: Pass) -> Pass:
    """Leave out a threshold that the agreement's target does not use."""
    return msgspec.structs.replace(one, threshold=None) if isinstance(one, FuzzyPass) else one


def _rows(dataset: EncodedDataset, one: Pass) -> Rows:
    if one.name not in dataset.passes:
        raise DataError(
            f"package: has no pass {one.name}", code="no-pass", hint="was it made under this agreement?"
        )
    return np.flatnonzero(dataset.present[one.name])


def _tags(
    left: EncodedDataset, right: EncodedDataset, one: FuzzyPass, left_rows: Rows, right_rows: Rows
) -> BlockTags | None:
    tags = left.tags.get(one.name), right.tags.get(one.name)
    if tags[0] is None or tags[1] is None:
        return None
    return BlockTags(tags[0][left_rows], tags[1][right_rows], [rule.n_tables for rule in one.blocks])


def require_sensible(planned: Plan, machine: Machine) -> None:
    """Raise if the recommended ways are beyond a machine, or beyond reason.

    Raises
    ------
    ResourceError
        Naming all that is too much, and what to change.
    """
    ways = planned.recommended
    memory, disk = max((way.memory for way in ways), default=0), sum(way.disk for way in ways)
    most = max((way.pairs.value for way in ways), default=0.0)
    checks = (
        (
            planned.seconds > LONGEST,
            f"takes {planned.seconds / 86400:,.0f} days",
            "declare `blocks` in the agreement, or more tables; take a machine with more cores",
        ),
        (
            machine.memory is not None and memory > machine.memory,
            f"needs {memory / 1e9:,.1f} GB of memory, which this machine has not",
            "split the tables, for example by year of birth; raise the threshold; or add memory",
        ),
        (
            most > MAX_PAIRS,
            f"finds about {most:,.0f} pairs in a pass, at most {MAX_PAIRS:,} can be held",
            "raise the threshold",
        ),
        (
            machine.disk is not None and disk > machine.disk,
            f"fills the disk: a checkpoint of {disk / 1e9:,.1f} GB",
            "raise the threshold, or free the disk",
        ),
    )
    found = [(what, hint) for fails, what, hint in checks if fails]
    if found:
        raise ResourceError(
            f"plan: the linkage {'; it '.join(what for what, _ in found)}",
            code="absurd-plan",
            hint="; ".join(dict.fromkeys(hint for _, hint in found)),
        )
