"""
Target: what a linkage aims at, and how pairs that exclude one another are resolved.
"""

from dataclasses import dataclass

from pprl.linkage.trial import Strata
from pprl.model.links import ONE_PARTNER, Cardinality, Method


@dataclass(frozen=True, slots=True)
class Target:
    """What a linkage aims at.

    Parameters
    ----------
    precision : float or None
        Share of links that are to be true; None for all links that are more likely true
        than not.
    cardinality : str
        Whether the sources hold each person once.
    method : str
        How pairs that exclude one another are resolved.
    lead : float
        By what factor the odds of the best pair must exceed those of the second best.
    strata : sequence of tuple of str
        Strata of the spike-ins in turn, by which recall is estimated; none if there are none.
    """

    precision: float | None
    cardinality: Cardinality = "one-to-one"
    method: Method = "symmetric-best-match"
    lead: float = 1.0
    strata: Strata = ()

    @property
    def left_once(self) -> bool:
        """Whether a left record has at most one partner."""
        return ONE_PARTNER[self.cardinality][0]

    @property
    def right_once(self) -> bool:
        """Whether a right record has at most one partner."""
        return ONE_PARTNER[self.cardinality][1]
