"""
The attacks of an audit by name, and the scenario that each belongs to.

A scenario is who the attacker is and what it holds; an attack is a way to use that.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from pprl.auditing.frequency import FrequencyAlignment, judge_values
from pprl.auditing.graphs import GraphMatching
from pprl.auditing.knownpairs import KnownPairs
from pprl.auditing.learners import Network, Ridge
from pprl.auditing.patterns import PatternMining
from pprl.auditing.predictedfilters import PredictedFilters
from pprl.auditing.scenes import Attack, Finding, Scene, carry_out
from pprl.encoding.hardening import Diffuse, Step, XorFold
from pprl.encoding.passes import FuzzyPass
from pprl.encoding.schemes import CLK
from pprl.errors import UsageError, nearest

Scenario = Literal["register", "stolen file", "known patients"]


@dataclass(frozen=True, slots=True)
class AttackKind:
    """An attack that an audit may carry out.

    Parameters
    ----------
    name : str
        As it is chosen by.
    scenario : str
        Whose attack it is.
    source : str
        The paper.
    needs_leak : bool
        Whether it learns from pairs that the attacker was told.
    made_for : callable
        Gives the attack on a pass, set up as the agreement, which the attacker has, says.
    carried_out : callable
        Runs it on a scene with a seed, and counts how often it is right.
    """

    name: str
    scenario: Scenario
    source: str
    needs_leak: bool
    made_for: Callable[[FuzzyPass], Attack]
    carried_out: Callable[[Attack, Scene, int], Finding]


def stretch_of(hardening: tuple[Step, ...]) -> int | None:
    """Say how many bits a chain XORs into one; None if it does anything else.

    Examples
    --------
    >>> stretch_of(()), stretch_of((Diffuse(t=3, n_bits=1024),)), stretch_of((XorFold(), XorFold()))
    (1, 3, 4)
    """
    stretch = 1
    for step in hardening:
        if not isinstance(step, Diffuse | XorFold):
            return None
        stretch *= step.t if isinstance(step, Diffuse) else 2
    return stretch


def _by_person(attack: Attack, scene: Scene, seed: int) -> Finding:
    return carry_out(attack, scene, seed=seed)


def _by_value(attack: Attack, scene: Scene, seed: int) -> Finding:
    """Carry out frequency alignment: right is who names the value, for people of one value look alike."""
    start = time.process_time()
    guess = attack(scene, np.random.default_rng(seed))
    return judge_values(FrequencyAlignment(), scene, guess, cpu_seconds=time.process_time() - start)


def _graph_matching(one: FuzzyPass) -> Attack:
    if one.encoding != CLK:
        return GraphMatching()  # what the filters tell by themselves
    return GraphMatching(n_bits=one.n_bits, stretch=stretch_of(one.hardening))


_KINDS = (
    AttackKind(
        "graph",
        "register",
        "Vidanage et al. 2020; Schaefer et al. 2024",
        needs_leak=False,
        made_for=_graph_matching,
        carried_out=_by_person,
    ),
    AttackKind(
        "patterns",
        "stolen file",
        "Christen et al. 2018; Vidanage et al. 2019",
        needs_leak=False,
        made_for=lambda _: PatternMining(),
        carried_out=_by_person,
    ),
    AttackKind(
        "frequency",
        "stolen file",
        "Christen et al. 2017",
        needs_leak=False,
        made_for=lambda _: FrequencyAlignment(),
        carried_out=_by_value,
    ),
    AttackKind(
        "known-pairs",
        "known patients",
        "Mildenberger et al. 2025, linear baseline",
        needs_leak=True,
        made_for=lambda _: KnownPairs(Ridge()),
        carried_out=_by_person,
    ),
    AttackKind(
        "network",
        "known patients",
        "Mildenberger et al. 2025",
        needs_leak=True,
        made_for=lambda _: KnownPairs(Network()),
        carried_out=_by_person,
    ),
    AttackKind(
        "predicted-filters",
        "known patients",
        "our own",
        needs_leak=True,
        made_for=lambda _: PredictedFilters(),
        carried_out=_by_person,
    ),
)
ATTACKS: Mapping[str, AttackKind] = MappingProxyType({one.name: one for one in _KINDS})


def attacks_named(names: tuple[str, ...]) -> tuple[AttackKind, ...]:
    """Give attacks by name, each once.

    Raises
    ------
    UsageError
        If there is no such attack, or none was named.

    Examples
    --------
    >>> [one.scenario for one in attacks_named(("graph", "frequency"))]
    ['register', 'stolen file']
    """
    if not names:
        raise UsageError(
            "attacks: wanted at least one", code="bad-option", hint=f"legal: {', '.join(ATTACKS)}"
        )
    for name in names:
        if name not in ATTACKS:
            raise UsageError(
                "attacks: there is no such attack", code="bad-option", hint=nearest(name, ATTACKS)
            )
    return tuple(ATTACKS[name] for name in dict.fromkeys(names))
