"""
Who is served worst: for kinds of people, how many an attack finds and how many a linkage finds.

Averages hide people.  Whoever is unlike everybody else is found first by an attacker, and whoever
moved or changed a name is missed first by a linkage; so both stand beside each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pprl.auditing.attacks import AttackKind
from pprl.auditing.scenes import NOBODY, Scene, scene_of
from pprl.auditing.sweep import People, Setting, taking_part
from pprl.cleaning.fields import Field, NameField, SexField
from pprl.comparison.sampling import wilson
from pprl.encoding.encoder import Columns, encode_passes
from pprl.encoding.errormodel import corrupt
from pprl.encoding.passes import FuzzyPass
from pprl.model import BitMatrix, TextColumn
from pprl.model.arrays import Mask, Rows

FEWEST_OF_GROUP = 50  # people: of fewer an interval tells nothing, and they might be pointed at
COMMON = 10  # people who share a name that is not called rare
_QUARTER = 0.25


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of some people, and its 95 % interval after Wilson."""

    n: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Group:
    """How one kind of people is served.

    Parameters
    ----------
    name : str
        Who they are.
    found_by_attack : Rate
        How many of them the attack found.
    found_by_linkage : Rate or None
        How many of them a linkage would find; None where no threshold was predicted.
    """

    name: str
    found_by_attack: Rate
    found_by_linkage: Rate | None


@dataclass(frozen=True, slots=True)
class Served:
    """How kinds of people are served by one pass.

    Parameters
    ----------
    pass_name, attack : str
        The pass, and the attack.
    n_leaked : int
        Pairs that the attacker was told.
    threshold : float or None
        The predicted threshold that the linkage uses.
    groups : tuple of Group
        Everybody first.
    n_small : int
        Kinds of people that are left out because there are fewer than 50 of them.
    """

    pass_name: str
    attack: str
    n_leaked: int
    threshold: float | None
    groups: tuple[Group, ...]
    n_small: int


def served(
    people: People,
    everybody: Columns,
    one: FuzzyPass,
    kind: AttackKind,
    setting: Setting,
    *,
    threshold: float | None,
) -> Served:
    """Attack a pass, link it with a second copy made by the error model, and look at kinds of people.

    Parameters
    ----------
    people : People
        Who is attacked.
    everybody : mapping of str to TextColumn
        The whole table, by which a name is rare or common.
    one : FuzzyPass
        The pass.
    kind : AttackKind
        The attack.
    setting : Setting
        Its best conditions.
    threshold : float or None
        At which the linkage links.
    """
    people = taking_part(people, one)
    scene = scene_of(
        people.columns,
        people.rules,
        one,
        people.key,
        overlap=1,
        noise=None,
        leaked=setting.n_leaked,
        seed=people.seed,
    )
    guess = kind.made_for(one)(scene, np.random.default_rng(people.seed))
    targets = scene.targets()
    person = scene.partner[targets]
    found = guess[targets] == person
    linked = _linked(people, scene, one, threshold)
    kinds = kinds_of_people(scene, people.rules, one, everybody)
    large = {name: mask for name, mask in kinds.items() if mask[person].sum() >= FEWEST_OF_GROUP}
    return Served(
        pass_name=one.name,
        attack=kind.made_for(one).name,
        n_leaked=setting.n_leaked,
        threshold=threshold,
        groups=tuple(
            Group(
                name,
                _rate(found[mask[person]]),
                None if linked is None else _rate(linked[mask & (linked >= 0)]),
            )
            for name, mask in large.items()
        ),
        n_small=len(kinds) - len(large),
    )


def kinds_of_people(
    scene: Scene, rules: Sequence[Field], one: FuzzyPass, everybody: Columns
) -> Mapping[str, Mask]:
    """Say of each known record of which kinds its person is.

    Parameters
    ----------
    scene : Scene
        Whose known records are looked at.
    rules : sequence of Field
        The agreement's fields.
    one : FuzzyPass
        The pass, whose fields are looked at.
    everybody : mapping of str to TextColumn
        The whole table.
    """
    used = {use.field for use in one.fields}
    names = [rule.name for rule in rules if rule.name in used and isinstance(rule, NameField)]
    sexes = [rule.name for rule in rules if rule.name in used and isinstance(rule, SexField)]
    n_known = len(scene.known_tokens)
    found: dict[str, Mask] = {"everybody": np.ones(n_known, dtype=np.bool_)}
    if names:
        rarest = np.min([_how_many_share(scene.known[name], everybody[name]) for name in names], axis=0)
        found["a name that nobody else in the table has"] = rarest == 1
        found[f"only names that {COMMON} people or more have"] = rarest >= COMMON
    nearest = _nearest(scene)
    low, high = np.quantile(nearest, [_QUARTER, 1 - _QUARTER])
    found["least like anybody else: a quarter"] = nearest <= low
    found["most like somebody else, as relatives are: a quarter"] = nearest >= high
    lengths = scene.known_tokens.lengths()
    short, long = np.quantile(lengths, [_QUARTER, 1 - _QUARTER])
    found["little is recorded: the shortest quarter"] = lengths <= short
    found["much is recorded: the longest quarter"] = lengths >= long
    for name in sexes:
        texts = np.array([text or "" for text in scene.known[name].to_texts()])
        found |= {f"{name}: {value}": texts == value for value in sorted(set(texts.tolist()) - {""})}
    for name in sorted(used):
        missing = ~scene.known[name].present()
        if missing.any() and not missing.all():
            found[f"without {name}"] = missing
    return found


def _how_many_share(column: TextColumn, everybody: TextColumn) -> Rows:
    """Count for each record how many of the table have its value; without a value it is as common as any."""
    counts = np.bincount(everybody.codes[everybody.codes >= 0], minlength=len(everybody.values))
    of_value = dict(zip(everybody.values, counts.tolist(), strict=True))
    many = len(everybody)
    shared = np.array([*(of_value.get(value, 0) for value in column.values), many], dtype=np.int64)
    how_many: Rows = shared[column.codes]
    return how_many


def _nearest(scene: Scene) -> npt.NDArray[np.float32]:
    alike = scene.known_tokens.dice()
    np.fill_diagonal(alike, 0)
    nearest: npt.NDArray[np.float32] = alike.max(axis=1)
    return nearest


def _linked(
    people: People, scene: Scene, one: FuzzyPass, threshold: float | None
) -> npt.NDArray[np.int64] | None:
    """Say of each known record whether it is linked to its second copy; -1 where one is absent."""
    if threshold is None:
        return None
    generator = np.random.default_rng(people.seed)
    second = corrupt(scene.known, people.rules, people.errors, generator)
    left, right = (
        encode_passes(each, people.rules, [one], people.key)[one.name] for each in (scene.known, second)
    )
    alike = _row_dice(left.bits, right.bits)
    both = left.present & right.present
    linked: npt.NDArray[np.int64] = np.where(both, alike >= threshold, NOBODY).astype(np.int64)
    return linked


def _row_dice(left: BitMatrix, right: BitMatrix) -> npt.NDArray[np.float64]:
    both = np.bitwise_count(left.words & right.words).sum(axis=1, dtype=np.int64)
    total = left.popcounts() + right.popcounts()
    dice: npt.NDArray[np.float64] = 2 * both / np.maximum(total, 1)
    return dice


def _rate(found: npt.NDArray[np.generic]) -> Rate:
    n = found.size
    share = float(found.astype(np.float64).mean()) if n else 0.0
    low, high = wilson(share, n) if n else (0.0, 1.0)
    return Rate(n, share, low, high)
