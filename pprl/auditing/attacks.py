"""
The attacks of an audit by name, and the scenario that each belongs to.

A scenario is who the attacker is and what it holds; an attack is a way to use that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pprl.auditing.frequency import FrequencyAlignment
from pprl.auditing.graphs import GraphMatching
from pprl.auditing.knownpairs import KnownPairs
from pprl.auditing.learners import Network, Ridge
from pprl.auditing.patterns import PatternMining
from pprl.auditing.predictedfilters import PredictedFilters
from pprl.auditing.scenes import Attack
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
    variants : tuple of Attack
        The attack, set up in one or several ways; the most successful counts.
    joins : bool
        Whether it can lay all passes of a record side by side.
    n_keys : int
        Keys under which it is tried where it has its best chance, for its outcome depends on the
        key; the worst for people counts.
    """

    name: str
    scenario: Scenario
    source: str
    variants: tuple[Attack, ...]
    joins: bool = False
    n_keys: int = 1

    @property
    def title(self) -> str:
        """As the attack calls itself."""
        return self.variants[0].name

    @property
    def needs_leak(self) -> bool:
        """Whether it learns from pairs that the attacker was told."""
        return self.variants[0].needs_leak


_KINDS = (
    AttackKind(
        "graph",
        "register",
        "Vidanage et al. 2020; Schaefer et al. 2024",
        (GraphMatching(),),
        joins=True,
        n_keys=3,
    ),
    AttackKind("patterns", "stolen file", "Christen et al. 2018; Vidanage et al. 2019", (PatternMining(),)),
    AttackKind(
        "frequency",
        "stolen file",
        "Christen et al. 2017",
        (FrequencyAlignment(), FrequencyAlignment(tolerance=2)),
    ),
    AttackKind(
        "known-pairs", "known patients", "Mildenberger et al. 2025, linear baseline", (KnownPairs(Ridge()),)
    ),
    AttackKind("network", "known patients", "Mildenberger et al. 2025", (KnownPairs(Network()),)),
    AttackKind("predicted-filters", "known patients", "our own", (PredictedFilters(),), joins=True),
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
