"""
Views: what of a record an attacker looks at, the filters of one pass or those of all side by side.

A linkage unit holds every pass of a record, each under a key of its own, so what one blurs another
may tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from pprl.encoding.encoder import Columns, present_in
from pprl.encoding.hardening import Step
from pprl.encoding.passes import FuzzyPass, PassField
from pprl.encoding.schemes import CLK
from pprl.model.arrays import Mask

TOGETHER = "all passes together"
PLAIN_BITS, PLAIN_K = 1024, 10  # of a plain CLK

Hardening = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class View:
    """Passes that are attacked side by side.

    Parameters
    ----------
    name : str
        Of the pass, or `TOGETHER`.
    passes : tuple of FuzzyPass
        One, or several.
    """

    name: str
    passes: tuple[FuzzyPass, ...]

    @property
    def is_joint(self) -> bool:
        """Whether there are several passes."""
        return len(self.passes) > 1

    @property
    def hardenings(self) -> tuple[Hardening, ...]:
        """The hardening of each pass."""
        return tuple(one.hardening for one in self.passes)

    def plain(self) -> "View":
        """Give the same passes as plain CLKs."""
        return replace(self, passes=tuple(map(plain_twin, self.passes)))

    def hardened(self, hardenings: Sequence[Hardening]) -> "View":
        """Give the same passes with other hardening, a chain for each, and without block tags."""
        return replace(
            self,
            passes=tuple(
                msgspec.structs.replace(one, hardening=steps, blocks=())
                for one, steps in zip(self.passes, hardenings, strict=True)
            ),
        )


def views_of(passes: Sequence[FuzzyPass]) -> tuple[View, ...]:
    """Give each pass alone, and then all together if there are several.

    Examples
    --------
    >>> one, other = (FuzzyPass(name=name, fields=(), n_bits=64, hardening=()) for name in "ab")
    >>> [view.name for view in views_of([one, other])]
    ['a', 'b', 'all passes together']
    """
    alone = tuple(View(one.name, (one,)) for one in passes)
    return (*alone, View(TOGETHER, tuple(passes))) if len(passes) > 1 else alone


def plain_twin(one: FuzzyPass) -> FuzzyPass:
    """Give the same pass as a plain CLK: 1,024 bits, k = 10 for each token, nothing hardened.

    It is the positive control: an attack that fails here proves nothing elsewhere.

    Parameters
    ----------
    one : FuzzyPass
        The pass.  Where it states a number of bits for each token, the twin has that number; its
        salt, block tags, weights and encoding are dropped.

    Examples
    --------
    >>> one = FuzzyPass(name="all", fields=(PassField(field="name", bits=200),), n_bits=2048, hardening=())
    >>> twin = plain_twin(one)
    >>> twin.n_bits, twin.fields[0].bits_per_token
    (1024, 10)
    """
    return msgspec.structs.replace(
        one,
        fields=tuple(_plain_use(use) for use in one.fields),
        n_bits=PLAIN_BITS,
        hardening=(),
        salt=None,
        encoding=CLK,
        blocks=(),
    )


def bare(one: FuzzyPass) -> FuzzyPass:
    """Give the same pass without hardening and block tags."""
    return msgspec.structs.replace(one, hardening=(), blocks=())


def in_all(columns: Columns, passes: Sequence[FuzzyPass]) -> Mask:
    """Say who takes part in every one of some passes, shape (n,)."""
    present: Mask = np.logical_and.reduce([present_in(columns, one) for one in passes])
    return present


def _plain_use(use: PassField) -> PassField:
    return msgspec.structs.replace(
        use, bits=None, bits_per_token=use.bits_per_token or PLAIN_K, expected_tokens=None
    )
