"""
Scenes: one victim's file, and what an attacker holds beside it.

The truth of who is who stands in the scene for judging alone; no attack reads it.  A scene is
made of fictitious people, or by a custodian of its own records, which it then attacks itself.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import numpy as np

from pprl.auditing.tokentables import TokenTable, token_table
from pprl.auditing.values import distinct_values
from pprl.auditing.views import in_all
from pprl.cleaning.fields import Field
from pprl.comparison.sampling import wilson
from pprl.encoding.encoder import Columns, encode_passes
from pprl.encoding.errormodel import ErrorModel, corrupt
from pprl.encoding.passes import FuzzyPass
from pprl.errors import UsageError
from pprl.keys import ProjectKey
from pprl.model import BitMatrix, TextColumn
from pprl.model.arrays import Mask, Rows, frozen

NOBODY = -1

Guess = Rows  # (n_encoded,): for each filter a row of `known`, or -1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Layer:
    """One pass of a scene.

    Parameters
    ----------
    one : FuzzyPass
        As the agreement has it, which is no secret.
    encoded : BitMatrix
        The victim's filters.
    known_tokens : TokenTable
        The tokens of each known record.
    """

    one: FuzzyPass
    encoded: BitMatrix
    known_tokens: TokenTable


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Scene:
    """A victim's file, and what an attacker holds.

    Parameters
    ----------
    layers : tuple of Layer
        Passes; the records of all are in one random order.
    known : mapping of str to TextColumn
        The attacker's own cleaned records in clear.
    partner : ndarray of int64, shape (n_encoded,)
        For each record the row in `known` of the same person, or -1.  For judging only.
    leaked : ndarray of int64
        Rows of `encoded` whose partner the attacker knows.

    Examples
    --------
    >>> from pprl.cleaning.fields import NameField
    >>> from pprl.encoding.passes import PassField
    >>> from pprl.keys import LinkageKey
    >>> people = {"name": TextColumn.from_texts(["ann", "bob", "cid", "dora"])}
    >>> use = PassField(field="name", bits=20, required=True)
    >>> one = FuzzyPass(name="all", fields=(use,), n_bits=64, hardening=())
    >>> key = LinkageKey.generate().for_project("audit", epoch=1)
    >>> scene_of(people, [NameField(name="name")], [one], key, overlap=1, noise=None, leaked=0, seed=1)
    Scene(4 filters of 64 bits, 4 known records, 4 targets, 0 leaked)
    """

    layers: tuple[Layer, ...]
    known: Mapping[str, TextColumn]
    partner: Rows
    leaked: Rows

    def __post_init__(self) -> None:
        frozen(self.partner)
        frozen(self.leaked)

    @property
    def encoded(self) -> BitMatrix:
        """The filters of the first pass."""
        return self.layers[0].encoded

    @property
    def known_tokens(self) -> TokenTable:
        """The tokens of the first pass."""
        return self.layers[0].known_tokens

    def targets(self) -> Rows:
        """List the rows of `encoded` whose person the attacker holds, and was not told."""
        has_partner = self.partner != NOBODY
        has_partner[self.leaked] = False
        return np.flatnonzero(has_partner)

    def values(self) -> Rows:
        """Give known records a number each, the same for those whose tokens are the same in every pass."""
        return distinct_values([one.known_tokens for one in self.layers]).value

    def __repr__(self) -> str:
        return (
            f"Scene({len(self.encoded)} filters of {'+'.join(str(one.encoded.n_bits) for one in self.layers)}"
            f" bits, {len(self.known_tokens)} known records, {self.targets().size} targets,"
            f" {self.leaked.size} leaked)"
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """How often an attack was right.

    Parameters
    ----------
    attack : str
        Its name.
    n_encoded : int
        Filters in the victim's file.
    n_targets : int
        Records whose person the attacker holds and was not told.
    n_right, n_guessed : int
        Targets that were given to the right person, or to one whom the passes do not tell from it;
        records, leaked ones aside, for which a guess was made at all.
    share, low, high : float
        ``n_right / n_targets``, and its 95 % interval after Wilson; from 0 to 1 without a target.
    blind : float
        The share that is right if for every target one person is named whose tokens most people have.
    cpu_seconds : float
        Processor time of the attack, all threads together.
    assumptions : tuple of str
        What the attacker must have.
    extra : mapping of str to float
        Further figures of this attack.
    """

    attack: str
    n_encoded: int
    n_targets: int
    n_right: int
    n_guessed: int
    share: float
    low: float
    high: float
    blind: float
    cpu_seconds: float
    assumptions: tuple[str, ...]
    extra: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


class Attack(Protocol):
    """What every attack that says who is who has: its configuration, and a call that guesses."""

    @property
    def name(self) -> str:
        """Short name, as in tables."""
        ...

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the attacker must have."""
        ...

    @property
    def needs_leak(self) -> bool:
        """Whether it learns from pairs that the attacker was told."""
        ...

    def __call__(self, scene: Scene, generator: np.random.Generator) -> Guess:
        """Guess for each filter the row of `known`, or -1."""
        ...


def scene_of(
    columns: Columns,
    rules: Sequence[Field],
    passes: Sequence[FuzzyPass],
    key: ProjectKey,
    *,
    overlap: float,
    noise: ErrorModel | None,
    leaked: int,
    seed: int,
    strangers: bool = True,
) -> Scene:
    """Make a scene of people: some encoded, some known to the attacker, some both.

    Parameters
    ----------
    columns : mapping of str to TextColumn
        Cleaned columns by name of field, each person once.
    rules : sequence of Field
        The agreement's fields.
    passes : sequence of FuzzyPass
        What the victim encoded and the attacker has; people who are absent from any of them are in
        neither file.
    key : ProjectKey
        The victim's key, or one that is thrown away.
    overlap : float
        Share of the encoded people whom the attacker holds, from 0 to 1.
    noise : ErrorModel or None
        Errors of the attacker's copies; None if they are the same as the victim's.  A copy that
        is absent from a pass because of them is left out, and is then nobody's partner.
    leaked : int
        How many pairs the attacker was told.
    seed : int
        The same seed gives the same people in the same order.  Noise of a step such as `Flip`
        comes from the operating system all the same.
    strangers : bool
        Whether the attacker also holds people who are not in the file: as many as it lacks, so
        that both files have ``n / (2 - overlap)`` people, as in Schaefer et al. 2024.  Otherwise
        all people are encoded and the attacker holds a share of them.

    Raises
    ------
    UsageError
        If the overlap is no share, or more pairs are to be leaked than there are.
    """
    if not 0 <= overlap <= 1:
        raise UsageError("overlap: wanted a share from 0 to 1", code="bad-option")
    generator = np.random.default_rng(seed)
    people = generator.permutation(np.flatnonzero(in_all(columns, passes)))
    n_encoded = round(people.size / (2 - overlap)) if strangers else people.size
    n_both = round(overlap * n_encoded)
    encoded = generator.permutation(people[:n_encoded])
    held = people[n_encoded - n_both : people.size if strangers else n_encoded]
    known = rows_of(columns, held)
    if noise is not None:
        known = corrupt(known, rules, noise, generator)
    order = generator.permutation(np.flatnonzero(in_all(known, passes)))
    known, held = rows_of(known, order), held[order]
    partner = _partners(encoded, held)
    filters = encode_passes(rows_of(columns, encoded), rules, passes, key)
    return Scene(
        layers=tuple(Layer(one, filters[one.name].bits, token_table(known, rules, one)) for one in passes),
        known=MappingProxyType(known),
        partner=partner,
        leaked=_leaked(partner, leaked, generator),
    )


def carry_out(attack: Attack, scene: Scene, *, seed: int) -> Finding:
    """Run an attack and count how often it is right.

    Parameters
    ----------
    attack : Attack
        What guesses.
    scene : Scene
        What it is given.
    seed : int
        The same seed gives the same guesses.

    Raises
    ------
    UsageError
        If the attack learns from leaked pairs and there are none.
    """
    if attack.needs_leak and not scene.leaked.size:
        raise UsageError(f"attack {attack.name}: needs leaked pairs, and the scene has none", code="no-leak")
    start = time.process_time()
    guess = attack(scene, np.random.default_rng(seed))
    return judge(attack, scene, guess, cpu_seconds=time.process_time() - start)


def judge(
    attack: Attack,
    scene: Scene,
    guess: Guess,
    *,
    cpu_seconds: float,
    extra: Mapping[str, float] | None = None,
) -> Finding:
    """Hold guesses against the truth.

    Leaked pairs are no success: they count neither as targets nor as guesses.
    """
    targets = scene.targets()
    n_right = int(right_guesses(scene, guess)[targets].sum())
    share = n_right / targets.size if targets.size else 0.0
    low, high = wilson(share, targets.size) if targets.size else (0.0, 1.0)
    return Finding(
        attack=attack.name,
        n_encoded=len(scene.encoded),
        n_targets=targets.size,
        n_right=n_right,
        n_guessed=int((np.delete(guess, scene.leaked) != NOBODY).sum()),
        share=share,
        low=low,
        high=high,
        blind=_blind(scene, targets),
        cpu_seconds=cpu_seconds,
        assumptions=attack.assumptions,
        extra=MappingProxyType(dict(extra or {})),
    )


def right_guesses(scene: Scene, guess: Guess) -> Mask:
    """Say which guesses name the right person, or one whose tokens are the same in every pass.

    Whom a pass does not tell apart no attack can; whoever names one of several people of one name
    has told the name.

    Parameters
    ----------
    scene : Scene
        What was attacked.
    guess : ndarray of int64, shape (n_encoded,)
        Rows of `known`, or -1.
    """
    value = np.append(scene.values(), NOBODY)
    right: Mask = (guess != NOBODY) & (scene.partner != NOBODY) & (value[guess] == value[scene.partner])
    return right


def _blind(scene: Scene, targets: Rows) -> float:
    counts = np.bincount(scene.values()[scene.partner[targets]])
    return int(counts.max(initial=0)) / max(targets.size, 1)


def rows_of(columns: Columns, rows: Rows) -> dict[str, TextColumn]:
    """Give some records of columns, without the values that only others have.

    Examples
    --------
    >>> rows_of({"name": TextColumn.from_texts(["ann", None, "bob"])}, np.array([2, 1]))["name"].values
    ('bob',)
    """
    return {name: _some(column, rows) for name, column in columns.items()}


def _some(column: TextColumn, rows: Rows) -> TextColumn:
    values = (*column.values, None)  # code -1 reads the last
    return TextColumn.from_texts(values[code] for code in column.codes[rows].tolist())


def _partners(encoded: Rows, held: Rows) -> Rows:
    """Give for each encoded person the place in `held`, or -1."""
    place = np.full(max(encoded.max(initial=-1), held.max(initial=-1)) + 1, NOBODY, dtype=np.int64)
    place[held] = np.arange(held.size)
    return place[encoded]


def _leaked(partner: Rows, n_leaked: int, generator: np.random.Generator) -> Rows:
    targets = np.flatnonzero(partner != NOBODY)
    if not 0 <= n_leaked <= targets.size:
        raise UsageError(
            f"leaked: wanted from 0 to {targets.size} pairs, got {n_leaked}",
            code="bad-option",
            hint="the attacker can be told of people only whom it holds",
        )
    return np.sort(generator.choice(targets, size=n_leaked, replace=False))
