"""
The linkage schema as it is written: JSON of versions 1, 2 and 3.

Each version has its own shape and is checked against it, so a path in a message is a path
in the file.  All become the shape of version 3.
"""

from typing import Annotated, ClassVar, Generic, TypeVar

import msgspec

from pprl.exchange.clkhash.comparisons import Comparison, NgramComparison
from pprl.exchange.clkhash.formats import Format
from pprl.exchange.clkhash.hashes import MAX_INSERTIONS, BlakeHash, Hash, Insertions, Kdf, Strategy

MAX_BITS = 1 << 20
MAX_FOLDS = 10

FilterBits = Annotated[int, msgspec.Meta(ge=1, le=MAX_BITS)]
Folds = Annotated[int, msgspec.Meta(ge=0, le=MAX_FOLDS)]
Weight = Annotated[int, msgspec.Meta(ge=0)] | Annotated[float, msgspec.Meta(ge=0)]


class MissingValue(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A text that means nothing is known, and the text that is hashed instead."""

    sentinel: str
    replace_with: str | None = None

    @property
    def hashed(self) -> str:
        """The text that is hashed for a missing value."""
        return self.sentinel if self.replace_with is None else self.replace_with


class Hashing(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a feature is hashed."""

    closed: ClassVar[bool] = True

    comparison: Comparison
    strategy: Strategy
    hash: Hash = BlakeHash()
    missing_value: MissingValue | None = None


class Strategy2(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Version 2 of the insertions of tokens."""

    closed: ClassVar[bool] = True

    k: Insertions | None = None
    num_bits: Insertions | None = None

    def __post_init__(self) -> None:
        if (self.k is None) == (self.num_bits is None):
            raise ValueError("wanted one of `k` and `numBits`")


class Hashing2(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Version 2 of how a feature is hashed: n-grams only."""

    closed: ClassVar[bool] = True

    ngram: Annotated[int, msgspec.Meta(ge=1)]
    strategy: Strategy2
    positional: bool = False
    hash: Hash = BlakeHash()
    missing_value: MissingValue | None = None


class Hashing1(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Version 1 of how a feature is hashed: one hash and one k, weighted by feature."""

    ngram: Annotated[int, msgspec.Meta(ge=1)]
    positional: bool = False
    weight: Weight = 1
    missing_value: MissingValue | None = None


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """What is common to all features."""

    n_bits: FilterBits = msgspec.field(name="l")
    kdf: Kdf
    folds: Folds = msgspec.field(name="xor_folds", default=0)
    documented_folds: Folds | None = msgspec.field(name="xorFolds", default=None)


class Config1(Config, frozen=True, kw_only=True):
    """Version 1 of what is common to all features."""

    k: Insertions
    hash: Hash


AnyConfig = TypeVar("AnyConfig", Config, Config1)
AnyHashing = TypeVar("AnyHashing", Hashing, Hashing1, Hashing2)


class Entry(msgspec.Struct, Generic[AnyHashing], frozen=True, kw_only=True):
    """A column of the table: how it is hashed, or that it is ignored."""

    identifier: str
    description: str | None = None
    ignored: bool = False
    format: Format | None = None
    hashing: AnyHashing | None = None

    def __post_init__(self) -> None:
        if not self.ignored and (self.format is None or self.hashing is None):
            raise ValueError("wanted `format` and `hashing`, or `ignored` true")


class Document(msgspec.Struct, Generic[AnyConfig, AnyHashing], frozen=True, kw_only=True):
    """A linkage schema."""

    version: float
    config: AnyConfig = msgspec.field(name="clkConfig")
    features: tuple[Entry[AnyHashing], ...]


Document1 = Document[Config1, Hashing1]
Document2 = Document[Config, Hashing2]
Document3 = Document[Config, Hashing]


def latest_of_3(hashing: Hashing, _config: Config) -> Hashing:
    """Give it as it is."""
    return hashing


def latest_of_2(old: Hashing2, _config: Config) -> Hashing:
    """Say in the words of version 3 what version 2 says."""
    return Hashing(
        comparison=NgramComparison(n=old.ngram, positional=old.positional),
        strategy=Strategy(bits_per_token=old.strategy.k, bits_per_feature=old.strategy.num_bits),
        hash=old.hash,
        missing_value=old.missing_value,
    )


def latest_of_1(old: Hashing1, config: Config1) -> Hashing | None:
    """Say in the words of version 3 what version 1 says; None if the weight is nothing.

    Raises
    ------
    ValueError
        If a weight is so small, or so large, that no number of insertions is left.
    """
    if old.weight == 0:
        return None
    insertions = round(old.weight * config.k)
    if not 1 <= insertions <= MAX_INSERTIONS:
        raise ValueError(f"`weight` times `k` is not from 1 to {MAX_INSERTIONS} insertions")
    return Hashing(
        comparison=NgramComparison(n=old.ngram, positional=old.positional),
        strategy=Strategy(bits_per_token=insertions),
        hash=config.hash,
        missing_value=old.missing_value,
    )
