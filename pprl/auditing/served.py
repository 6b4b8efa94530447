"""
Who is served worst: for kinds of people, how many an attack finds and how many a linkage finds.

Averages hide people.  Whoever is unlike everybody else is found first by an attacker, and whoever
moved or changed a name is missed first by a linkage; so both stand beside each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pprl.auditing.scenes import NOBODY, Scene, right_guesses, scene_of
from pprl.auditing.sweep import Outcome, People, Trial, taking_part
from pprl.cleaning.fields import NameField, SexField
from pprl.comparison.sampling import wilson
from pprl.encoding.encoder import Columns, encode_passes
from pprl.encoding.errormodel import corrupt
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
        How many of them a linkage would find; None where no threshold was predicted, or fewer than
        50 have a second copy that takes part.
    """

    name: str
    found_by_attack: Rate
    found_by_linkage: Rate | None


@dataclass(frozen=True, slots=True)
class Served:
    """How kinds of people are served.

    Parameters
    ----------
    view_name, attack : str
        The pass or passes, and the attack.
    n_leaked : int
        Pairs that the attacker was told.
    thresholds : mapping of str to float
        By pass the predicted threshold at which the linkage links.
    groups : tuple of Group
        Everybody first.
    n_small : int
        Kinds of people that are left out because there are fewer than 50 of them.
    """

    view_name: str
    attack: str
    n_leaked: int
    thresholds: Mapping[str, float]
    groups: tuple[Group, ...]
    n_small: int


def served(
    people: People,
    everybody: Columns,
    outcome: Outcome,
    trial: Trial,
    *,
    thresholds: Mapping[str, float],
) -> Served:
    """Carry out an attack, link with a second copy made by the error model, and look at kinds of people.

    Parameters
    ----------
    people : People
        Who is attacked.
    everybody : mapping of str to TextColumn
        The whole table, by which a name is rare or common.
    outcome : Outcome
        The attack, and what it attacks.
    trial : Trial
        Under which conditions, and by which key and variant most were found.
    thresholds : mapping of str to float
        By pass at which similarity the linkage links; a person is linked who is by any of them.
    """
    view = outcome.view
    people = taking_part(people, view)
    scene = scene_of(
        people.columns,
        people.rules,
        view.passes,
        people.keys[trial.key],
        overlap=1,
        noise=None,
        leaked=trial.setting.n_leaked,
        seed=people.seed,
    )
    attack = outcome.kind.variants[trial.variant]
    guess = attack(scene, np.random.default_rng(people.seed))
    targets = scene.targets()
    person = scene.partner[targets]
    found = right_guesses(scene, guess)[targets]
    thresholds = {one.name: thresholds[one.name] for one in view.passes if one.name in thresholds}
    linked = _linked(people, scene, thresholds)
    kinds = kinds_of_people(scene, people, everybody)
    large = {name: mask for name, mask in kinds.items() if mask[person].sum() >= FEWEST_OF_GROUP}
    return Served(
        view_name=view.name,
        attack=attack.name,
        n_leaked=trial.setting.n_leaked,
        thresholds=thresholds,
        groups=tuple(
            Group(name, _rate(found[mask[person]]), _rate_of_linked(linked, mask))
            for name, mask in large.items()
        ),
        n_small=len(kinds) - len(large),
    )


def kinds_of_people(scene: Scene, people: People, everybody: Columns) -> Mapping[str, Mask]:
    """Say of each known record of which kinds its person is.

    Parameters
    ----------
    scene : Scene
        Whose known records are looked at, by the fields of its passes.
    people : People
        Whose rules say which fields are names.
    everybody : mapping of str to TextColumn
        The whole table.
    """
    used = {use.field for layer in scene.layers for use in layer.one.fields}
    names = [rule.name for rule in people.rules if rule.name in used and isinstance(rule, NameField)]
    sexes = [rule.name for rule in people.rules if rule.name in used and isinstance(rule, SexField)]
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
    lengths = np.sum([one.known_tokens.lengths() for one in scene.layers], axis=0)
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
    alike = np.mean([one.known_tokens.dice() for one in scene.layers], axis=0)
    np.fill_diagonal(alike, 0)
    nearest: npt.NDArray[np.float32] = alike.max(axis=1)
    return nearest


def _linked(people: People, scene: Scene, thresholds: Mapping[str, float]) -> npt.NDArray[np.int64] | None:
    """Say of each known record whether a pass links it to its second copy; -1 where none has both."""
    passes = [one.one for one in scene.layers if one.one.name in thresholds]
    if not passes:
        return None
    second = corrupt(scene.known, people.rules, people.errors, np.random.default_rng(people.seed))
    left, right = (
        encode_passes(each, people.rules, passes, people.keys[0]) for each in (scene.known, second)
    )
    linked = np.full(len(scene.known_tokens), NOBODY, dtype=np.int64)
    for name in left:
        both = left[name].present & right[name].present
        alike = _row_dice(left[name].bits, right[name].bits)
        linked = np.maximum(linked, np.where(both, alike >= thresholds[name], NOBODY))
    return linked


def _rate_of_linked(linked: npt.NDArray[np.int64] | None, kind: Mask) -> Rate | None:
    """Give how many of a kind were linked; None where too few have both copies in a pass."""
    counted = np.empty(0, dtype=np.int64) if linked is None else linked[kind & (linked >= 0)]
    return _rate(counted) if counted.size >= FEWEST_OF_GROUP else None


def _row_dice(left: BitMatrix, right: BitMatrix) -> npt.NDArray[np.float64]:
    both = np.bitwise_count(left.words & right.words).sum(axis=1, dtype=np.int64)
    total = left.popcounts() + right.popcounts()
    dice: npt.NDArray[np.float64] = 2 * both / np.maximum(total, 1)
    return dice


def _rate(found: npt.NDArray[np.generic]) -> Rate:
    share = float(found.astype(np.float64).mean())
    return Rate(found.size, share, *wilson(share, found.size))
