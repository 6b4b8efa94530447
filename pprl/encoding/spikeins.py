"""
Spike-ins: people who do not exist, by whom missed links are counted.

All custodians draw the same people from the linkage secret, and nothing is exchanged for it.
Each adds a copy of them to its own records, with errors of its own, and says in its package
which record is which of them.  The share that is found again tells, stratum by stratum, what
a linkage finds of people who are in both files.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import msgspec
import numpy as np
import numpy.typing as npt

from pprl.cleaning.fields import Field
from pprl.encoding.errormodel import Columns, ErrorModel, corrupt
from pprl.encoding.passes import Pass, own_numbers
from pprl.errors import AgreementError
from pprl.model import TextColumn
from pprl.model.arrays import Codes, Mask
from pprl.model.columns import MISSING

if TYPE_CHECKING:
    from pprl.encoding.invented import Invented

Change = Literal["address", "family-name", "spelling", "typing"]
Stratum = tuple[Change, ...]  # what a spike-in is prone to; nothing but the ordinary errors if empty
Strata = npt.NDArray[np.bool_]  # (n, changes): to which each spike-in is prone

CHANGES: tuple[Change, ...] = get_args(Change)
FEWEST = 200  # in a small file
_EITHER = 0.5  # chance that a copy is changed so: three pairs in four are on one side at least
_MISSING = 0.5  # of addresses that are changed: there is none; the others are another's
_MANY = 8.0  # times the rates of errors, in "typing"
_TURNS = (8, 2)  # of strata with no change, and with one, for each of those with several
_LIVES = frozenset({"place_changed", "surname_changed_women", "surname_changed_men", "no_fixed_abode"})
_SHARES = frozenset({"date_swapped", "missing"})  # of the error model: no rates of error


class SpikeIns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """How many people who do not exist each custodian adds a copy of, and what is hard about them.

    All have the errors of the agreement.  Besides, each is prone to none, one or several of
    the changes, in turn by its number; every combination occurs.

    Parameters
    ----------
    number : int
        How many; in a file with fewer records as many as it has, but at least 200.
    changes : tuple of str
        "address": another one or none.  "family-name": another person's.  "spelling": a
        nickname, another romanisation, a letter wrong.  Each of these happens to a copy with a
        chance of one half, so to one copy at least in three pairs out of four.  "typing":
        errors in all fields, eight times as often.

    Raises
    ------
    AgreementError
        If a change is named twice.

    Examples
    --------
    >>> spike_ins = SpikeIns(number=500)
    >>> spike_ins.number_for(300), spike_ins.number_for(20), spike_ins.number_for(90_000)
    (300, 200, 500)
    >>> len(spike_ins.strata), spike_ins.strata[0], spike_ins.strata[-1]
    (27, (), ('address', 'family-name', 'spelling', 'typing'))
    """

    number: Annotated[int, msgspec.Meta(ge=10, le=100_000)] = 1_000
    changes: tuple[Change, ...] = CHANGES

    def __post_init__(self) -> None:
        """Check the changes, and give the default one spelling."""
        if len(set(self.changes)) < len(self.changes):
            raise AgreementError("agreement: spike_ins.changes: one is named twice", code="spike-ins")
        if self.changes == CHANGES:
            msgspec.structs.force_setattr(self, "changes", CHANGES)

    def number_for(self, n_records: int) -> int:
        """Give the number of spike-ins for a file; none where it is empty."""
        return min(self.number, max(n_records, FEWEST)) if n_records else 0

    @property
    def strata(self) -> tuple[Stratum, ...]:
        """The strata in turn: spike-in i, from 1, is of number i - 1 modulo their number."""
        return tuple(
            stratum
            for size in range(len(self.changes) + 1)
            for stratum in combinations(self.changes, size)
            for _ in range(_TURNS[size] if size < len(_TURNS) else 1)
        )


def with_spike_ins(
    columns: Columns,
    real: Mask,
    rules: Sequence[Field],
    passes: Sequence[Pass],
    spike_ins: SpikeIns,
    errors: ErrorModel,
    seed: int,
    generator: np.random.Generator,
) -> tuple[dict[str, TextColumn], Codes]:
    """Add a copy of each spike-in to cleaned records.

    Parameters
    ----------
    columns : mapping of str to TextColumn
        Cleaned columns of equal length by name of field.
    real : ndarray of bool, shape (n,)
        Which are the custodian's records, and no decoys.
    rules : sequence of Field
        The rules of the fields.
    passes : sequence of Pass
        Their exact passes say which fields are numbers that one person alone has.
    spike_ins : SpikeIns
        How many, and of which strata.
    errors : ErrorModel
        How two records of one person differ; a copy has half of it.
    seed : int
        Who the people are: the same for every custodian.
    generator : numpy.random.Generator
        What becomes of this custodian's copy.

    Returns
    -------
    dict of str to TextColumn, ndarray of int32
        The records, spike-ins after all others; and for each 0 or the number of its spike-in.

    Examples
    --------
    >>> from pprl.cleaning.fields import NameField
    >>> names = TextColumn.from_texts(["ann", "bob"])
    >>> both, numbers = with_spike_ins({"given_name": names}, np.ones(2, dtype=bool),
    ...     [NameField(name="given_name")], [], SpikeIns(number=10), ErrorModel(), 7,
    ...     np.random.default_rng(1))
    >>> len(both["given_name"]), numbers.tolist()
    (12, [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    """
    # Imported here: whoever reads an agreement should not wait for a population and pandas.
    from pprl.encoding.invented import Invented, columns_of

    number = spike_ins.number_for(int(real.sum()))
    people = Invented.draw(spike_ins.number, seed)
    turns = np.array([[change in stratum for change in CHANGES] for stratum in spike_ins.strata])
    strata = turns[np.arange(len(people)) % len(turns)]
    known = columns_of(people, rules, passes)
    copies = columns_of(_lived(people, strata, generator), rules, passes)
    ordinary, many = (corrupt(copies, rules, _of_a_copy(errors, times), generator) for times in (1.0, _MANY))
    own = own_numbers(rules, passes)
    added: dict[str, TextColumn] = {}
    for rule in rules:
        name = rule.name
        written = _either(ordinary[name], many[name], _prone(strata, "typing"))
        share = None if name in own else errors.missing
        gone = _gaps(columns[name].present()[real], known[name].present(), share)
        added[name] = _with_gaps(written, gone, number, generator)
    numbers = np.concatenate([np.zeros(real.size, dtype=np.int32), np.arange(1, number + 1, dtype=np.int32)])
    return {rule.name: _below(columns[rule.name], added[rule.name]) for rule in rules}, numbers


def _lived(people: "Invented", strata: Strata, generator: np.random.Generator) -> "Invented":
    """Let happen to some of the people what they are prone to."""
    moved, renamed, respelt = generator.random((3, len(people))) < _EITHER
    people = people.renamed(renamed & _prone(strata, "family-name"), generator)
    people = people.respelt(respelt & _prone(strata, "spelling"), generator)
    moved &= _prone(strata, "address")
    gone = generator.random(len(people)) < _MISSING
    return people.moved(moved & ~gone, generator).without_address(moved & gone)


def _prone(strata: Strata, change: Change) -> Mask:
    prone: Mask = strata[:, CHANGES.index(change)]
    return prone


def _of_a_copy(errors: ErrorModel, times: float) -> ErrorModel:
    """Give rates at which a copy differs from the person, so that two differ at about the whole rates."""
    rates = {name: getattr(errors, name) for name in errors.__struct_fields__ if name not in _SHARES}
    halves = {name: 1 - (1 - rate) ** (0.5 if name in _LIVES else times / 2) for name, rate in rates.items()}
    return msgspec.structs.replace(errors, **halves, missing=0.0)


def _gaps(real: Mask, known: Mask, missing: float | None) -> float:
    """Give the chance that a value is lost: so that as many lack it as records do, if that is more."""
    if missing is not None:
        return float(1 - np.sqrt(1 - missing))
    return max(0.0, 1 - float(real.mean()) / max(float(known.mean()), 1e-9))


def _with_gaps(column: TextColumn, share: float, number: int, generator: np.random.Generator) -> TextColumn:
    """Lose a share of the values, and keep the first of the copies."""
    lost = generator.random(len(column)) < share
    return TextColumn(np.where(lost, MISSING, column.codes).astype(np.int32)[:number], column.values)


def _either(one: TextColumn, other: TextColumn, second: Mask) -> TextColumn:
    texts = zip(one.to_texts(), other.to_texts(), second.tolist(), strict=True)
    return TextColumn.from_texts(theirs if is_second else ours for ours, theirs, is_second in texts)


def _below(column: TextColumn, added: TextColumn) -> TextColumn:
    """Put one column below another; equal values of both may be listed twice."""
    shifted = np.where(added.codes == MISSING, MISSING, added.codes + len(column.values)).astype(np.int32)
    return TextColumn(np.concatenate([column.codes, shifted]), (*column.values, *added.values))
