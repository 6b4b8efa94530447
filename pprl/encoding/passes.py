"""
Passes: which fields are encoded together, and how.

One filter for all fields makes a record that lacks a field look unlike itself, and it is
the homeless, the newly arrived and the renamed who lose.  So there are several passes; a
record that lacks what a pass requires is absent from it, and is found by another.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from pprl.cleaning.fields import (
    Bits,
    CodeField,
    Field,
    HealthNumberField,
    Name,
    NumberField,
    TextField,
    UpnField,
)
from pprl.encoding.blocks import Block
from pprl.encoding.hardening import Step, one_spelling
from pprl.encoding.schemes import CLK, Encoding
from pprl.encoding.tokens import Tokens

EXACT_BITS = 128


class PassField(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A field as one pass uses it.

    Parameters
    ----------
    field : str
        Name of the field.
    required : bool
        Whether a record without this field is absent from the pass.
    bits : int, optional
        Bits that the field sets, shared out over its tokens; by default the field's weight.
    bits_per_token : int, optional
        Bits for each token instead of a fixed number for the field; longer values then set
        more.  Fields in one bag have the same.
    bag : str, optional
        Fields with the same bag pool their tokens under one key, so that swapped, moved
        and added parts of a name still agree.
    tokens : Tokens, optional
        How the value is cut; by default as suits the kind of field.
    expected_tokens : int, optional
        How many tokens a record is expected to have in the field; an encoding by RBF makes
        the field's filter so long that these fill half of it.
    """

    field: Name
    required: bool = False
    bits: Bits | None = None
    bits_per_token: Annotated[int, msgspec.Meta(ge=1, le=200)] | None = None
    bag: Name | None = None
    tokens: Tokens | None = None
    expected_tokens: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None


class Salt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A stable field that every token of a pass is hashed with (Niedermeyer et al. 2014).

    The same name then sets other bits in people born in other years, so frequencies tell
    less; but any error in the salt loses the match.  A record without it is absent.

    Parameters
    ----------
    field : str
        Name of the field.
    part : {"all", "year"}
        The whole value, or the year of a date.
    """

    field: Name
    part: Literal["all", "year"] = "all"


class FuzzyPass(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="fuzzy",
):
    """A pass that compares filters by their Dice similarity.

    Parameters
    ----------
    name : str
        Name of the pass; keys are derived from it.
    fields : tuple of PassField
        What is encoded.
    n_bits : int
        Length of the filter before hardening, a power of two.
    hardening : tuple of Step
        Steps applied one after another, each under a key of its own.
    threshold : Decimal, optional
        Least Dice similarity of a link, from 0 to 1, exact.  Needed where the agreement's target
        is thresholds; elsewhere used for files too small to have decoys.
    salt : Salt, optional
        A field that every token is hashed with.
    encoding : Encoding
        How the tokens become bits; by default CLKs.
    blocks : tuple of Block
        Rules for block tags, by which the linkage unit need not compare all pairs; none by
        default.
    """

    name: Name
    fields: tuple[PassField, ...]
    n_bits: Annotated[int, msgspec.Meta(ge=64, le=65536)]
    hardening: tuple[Step, ...]
    threshold: Decimal | None = None
    salt: Salt | None = None
    encoding: Encoding = CLK
    blocks: tuple[Block, ...] = ()

    def __post_init__(self) -> None:
        """Give 0.60 and 0.6, and a default that is written out, one spelling and so one fingerprint."""
        if self.threshold is not None:
            msgspec.structs.force_setattr(self, "threshold", one_spelling(self.threshold))
        if self.encoding == CLK:
            # A default is left out of the canonical text only if it is this very object.
            msgspec.structs.force_setattr(self, "encoding", CLK)

    @property
    def field_names(self) -> tuple[str, ...]:
        """Names of the fields that the pass reads."""
        return tuple(use.field for use in self.fields)

    @property
    def required_names(self) -> tuple[str, ...]:
        """Names of the fields without which a record is absent."""
        salted = (self.salt.field,) if self.salt else ()
        return (*(use.field for use in self.fields if use.required), *salted)

    @property
    def n_tables(self) -> int:
        """Number of block tags that a record gets."""
        return sum(rule.n_tables for rule in self.blocks)

    def out_bits(self) -> int:
        """Give the length of the filter after hardening.

        Raises
        ------
        AgreementError
            If a step cannot take what the step before it gives.
        """
        n_bits = self.n_bits
        for step in self.hardening:
            n_bits = step.out_bits(n_bits)
        return n_bits


class ExactPass(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
    tag="exact",
):
    """A pass that compares keyed 128-bit tokens for equality, as for a national identifier.

    Parameters
    ----------
    name : str
        Name of the pass; keys are derived from it.
    fields : tuple of str
        Fields that must all be present and all be equal.
    differing : {"refuses", "says-nothing"}
        Whether two records that both take part and are not equal may be linked by another
        pass.
    """

    name: Name
    fields: tuple[Name, ...]
    differing: Literal["refuses", "says-nothing"]

    @property
    def field_names(self) -> tuple[str, ...]:
        """Names of the fields that the pass reads."""
        return self.fields

    @property
    def required_names(self) -> tuple[str, ...]:
        """Names of the fields without which a record is absent: all of them."""
        return self.fields

    def out_bits(self) -> int:
        """Give the length of a token in bits."""
        return EXACT_BITS


Pass = FuzzyPass | ExactPass


def own_numbers(rules: Sequence[Field], passes: Sequence[Pass]) -> frozenset[str]:
    """Name the fields that are a number which one person alone has.

    Health and pupil numbers are; so is a code, a number or a text that by itself makes an
    exact pass.

    Parameters
    ----------
    rules : sequence of Field
        The rules of the fields.
    passes : sequence of Pass
        The passes that they are in.

    Examples
    --------
    >>> rules = [CodeField(name="member"), CodeField(name="state"), HealthNumberField(name="nhs")]
    >>> exact = ExactPass(name="number", fields=("member",), differing="refuses")
    >>> sorted(own_numbers(rules, [exact]))
    ['member', 'nhs']
    """
    alone = {one.fields[0] for one in passes if isinstance(one, ExactPass) and len(one.fields) == 1}
    return frozenset(
        rule.name
        for rule in rules
        if isinstance(rule, HealthNumberField | UpnField)
        or (rule.name in alone and isinstance(rule, CodeField | NumberField | TextField))
    )
