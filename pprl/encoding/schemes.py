"""
Encodings: how the tokens of a record become bits.

An encoding is its own configuration: a frozen struct whose call gives the bits of all
records.  It gets bags whose keys are derived by name, and a key of its own.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import msgspec

from pprl.encoding.filters import clk
from pprl.encoding.minhash import min_hash
from pprl.encoding.rbf import filter_length, rbf
from pprl.encoding.twostep import two_step
from pprl.encoding.vocabulary import LabelledBag
from pprl.keys import Subkey
from pprl.model import BitMatrix

Bags = Sequence[LabelledBag]
Option = Literal["bits", "bits_per_token", "expected_tokens"]  # of a field in a pass


class _Encoding(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="type",
):
    """What every encoding has."""

    research: ClassVar[bool] = False  # whether it is there for comparison only
    weighted: ClassVar[bool] = True  # whether fields have weights
    reads: ClassVar[frozenset[Option]]  # what a field in a pass may say


class Clk(_Encoding, frozen=True, kw_only=True, tag="clk"):
    """A Bloom filter that holds the tokens of all fields (Schnell, Bachteler & Reiher 2011).

    Examples
    --------
    >>> sorted(Clk.reads)
    ['bits', 'bits_per_token']
    """

    reads: ClassVar[frozenset[Option]] = frozenset({"bits", "bits_per_token"})

    def __call__(
        self, bags: Bags, _key: Subkey, *, n_records: int, n_bits: int, workers: int = 1
    ) -> BitMatrix:
        """Encode records."""
        return clk([one.bag for one in bags], n_records=n_records, n_bits=n_bits, workers=workers)


class Rbf(_Encoding, frozen=True, kw_only=True, tag="rbf"):
    """Field filters that are half full, sampled by weight into one filter (Durham 2012).

    Every field in the pass says how many tokens it is expected to have; its weight (or its
    bits) is its share of the record's filter.

    Parameters
    ----------
    k : int
        Positions for each token in its field's filter.

    Examples
    --------
    >>> Rbf(k=15).filter_length(7)
    152
    """

    reads: ClassVar[frozenset[Option]] = frozenset({"bits", "expected_tokens"})

    k: Annotated[int, msgspec.Meta(ge=1, le=200)]

    def filter_length(self, expected_tokens: int) -> int:
        """Give the length of the filter of a field."""
        return filter_length(self.k, expected_tokens)

    def __call__(
        self, bags: Bags, key: Subkey, *, n_records: int, n_bits: int, workers: int = 1
    ) -> BitMatrix:
        """Encode records."""
        return rbf(bags, key, k=self.k, n_records=n_records, n_bits=n_bits, workers=workers)


class TabulationMinHash(_Encoding, frozen=True, kw_only=True, tag="min-hash"):
    """One bit of the least hash of a record's tokens, for each of many functions (Smith 2017).

    For research comparison.  A field's weight is not used; its tokens count `bits_per_token`
    times, by default once.

    Examples
    --------
    >>> TabulationMinHash.research
    True
    """

    research: ClassVar[bool] = True
    weighted: ClassVar[bool] = False
    reads: ClassVar[frozenset[Option]] = frozenset({"bits_per_token"})

    def __call__(
        self, bags: Bags, key: Subkey, *, n_records: int, n_bits: int, workers: int = 1
    ) -> BitMatrix:
        """Encode records."""
        return min_hash(bags, key, n_records=n_records, n_bits=n_bits, workers=workers)


class TwoStepHash(_Encoding, frozen=True, kw_only=True, tag="two-step"):
    """Columns of several bit arrays, hashed to positions (Ranbaduge, Christen & Schnell 2020).

    For research comparison.  All tokens count alike: a field's weight is not used.

    Parameters
    ----------
    k : int
        Number of bit arrays.
    length : int
        Bits of each.

    Examples
    --------
    >>> TwoStepHash(k=16, length=512).research
    True
    """

    research: ClassVar[bool] = True
    weighted: ClassVar[bool] = False
    reads: ClassVar[frozenset[Option]] = frozenset()

    k: Annotated[int, msgspec.Meta(ge=2, le=64)]
    length: Annotated[int, msgspec.Meta(ge=16, le=8192)]

    def __call__(
        self, bags: Bags, key: Subkey, *, n_records: int, n_bits: int, workers: int = 1
    ) -> BitMatrix:
        """Encode records."""
        return two_step(
            bags, key, k=self.k, length=self.length, n_records=n_records, n_bits=n_bits, workers=workers
        )


Encoding = Clk | Rbf | TabulationMinHash | TwoStepHash
CLK = Clk()
