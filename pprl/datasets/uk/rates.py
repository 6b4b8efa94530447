"""
Rates of error: how often a source has somebody otherwise than they are.

Rates are of one source.  What was measured is how often two sources differ; each of the
two has half of that, or 1 - sqrt(1 - d) where a difference d is large.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from pprl.datasets.uk.tables import Bools, Floats

_AT_MOST = 0.9  # nobody is hopeless


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How often a record of one source is wrong, by what is wrong.

    Parameters
    ----------
    renamed : float
        Former family name, of people who changed it.
    other_name : float
        A wholly different family name, of other people.
    given_typed, family_typed : float
        One typing error in a name.
    nickname, respelt : float
        A nickname, and another romanisation, where the tables know one.
    swapped : float
        Given and family name in each other's place.
    date : float
        Wrong date of birth: day and month swapped, day or year off, or 1900-01-01.
    sex : float
        The other sex.
    moved : float
        A former postcode.
    postcode_typed, number_typed : float
        One wrong character; the check digit of the number is then wrong.
    no_given, no_family, no_date, no_sex, no_postcode, no_number : float
        Nothing recorded.
    repeated : float
        A second record of the same person.
    worse : mapping of str to float
        By how much all rates are higher in a group; people in several have the product.
    """

    renamed: float
    other_name: float
    given_typed: float
    family_typed: float
    nickname: float
    respelt: float
    swapped: float
    date: float
    sex: float
    moved: float
    postcode_typed: float
    number_typed: float
    no_given: float
    no_family: float
    no_date: float
    no_sex: float
    no_postcode: float
    no_number: float
    repeated: float
    worse: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def factor(self, groups: Mapping[str, Bools], n: int) -> Floats:
        """Give for each record by how much its rates are higher."""
        factor = np.ones(n)
        for name, times in self.worse.items():
            factor[groups[name]] *= times
        return factor


def happens(rate: float, factor: Floats, rng: np.random.Generator) -> Bools:
    """Draw to whom something happens.

    Examples
    --------
    >>> happens(0.0, np.ones(3), np.random.default_rng(1)).any()
    np.False_
    """
    return rng.random(len(factor)) < np.minimum(rate * factor, _AT_MOST)


MEASURED = Rates(
    renamed=0.055,  # with other_name and swapped: for 5.67 % of women two family names wholly differ
    other_name=0.0047,  # ... and for 1.34 % of men (Cardinal et al. 2023)
    given_typed=0.0085,  # two sources: 1.7 %
    family_typed=0.0085,  # taken to be as given names
    nickname=0.01,  # chosen
    respelt=0.03,  # chosen
    swapped=0.002,  # chosen
    date=0.00245,  # two sources: 0.49 %
    sex=0.00165,  # two sources: 0.33 %
    moved=0.16,  # two sources, with typing errors: 30 %
    postcode_typed=0.003,
    number_typed=0.001,  # chosen, as all that follow
    no_given=0.0005,
    no_family=0.0005,
    no_date=0.001,
    no_sex=0.002,
    no_postcode=0.01,
    no_number=0.03,
    repeated=0.01,
)
HARD = Rates(
    renamed=0.25,
    other_name=0.02,
    given_typed=0.04,
    family_typed=0.04,
    nickname=0.06,
    respelt=0.15,
    swapped=0.01,
    date=0.015,
    sex=0.006,
    moved=0.3,
    postcode_typed=0.02,
    number_typed=0.01,
    no_given=0.002,
    no_family=0.002,
    no_date=0.01,
    no_sex=0.01,
    no_postcode=0.04,
    no_number=0.15,
    repeated=0.04,
    worse=MappingProxyType({"no_fixed_abode": 3.0, "migrant": 2.0, "renamed": 1.5}),
)
PRESETS: Mapping[str, Rates] = MappingProxyType({"measured": MEASURED, "hard": HARD})
