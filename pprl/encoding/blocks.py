"""
Block tags: keyed words by which a linkage unit finds the pairs that are worth comparing.

A block rule has tables, and gives a record a *tag* in each: a pseudo-random function of a
sample of its filter before hardening (Hamming LSH), or of parts of its fields.  Whoever has
no key sees of two tags whether they are equal, and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from pprl.cleaning.fields import DateField, Field, Name, NameField, PostcodeField, TextField
from pprl.cleaning.multiple import alternatives
from pprl.cleaning.postcodes import postcode_parts
from pprl.encoding import vocabulary
from pprl.encoding.hashing import token_positions
from pprl.encoding.loading import load_loops
from pprl.encoding.loops import Loops, in_chunks
from pprl.encoding.tokens import Phonetic
from pprl.keys import BLOCK_BYTES, Subkey, length_prefixed
from pprl.machine import processors
from pprl.model import BitMatrix, TextColumn
from pprl.model.arrays import Mask, Tags, Words
from pprl.model.bits import WORD_BITS
from pprl.model.encoded import MAX_TABLES

Columns = Mapping[str, TextColumn]  # by name of field, cleaned
KeyOf = Callable[..., Subkey]  # the key of a rule's purpose, by the rest of its label
Part = Literal["all", "soundex", "first-letter", "year", "month", "day", "district"]

# About how many values each part has in a population; "all" of a field with many.
VALUES: Mapping[Part, int] = {
    "all": 10_000,
    "soundex": 1_000,
    "first-letter": 20,
    "year": 100,
    "month": 12,
    "day": 30,
    "district": 2_800,
}
TAG_BYTES = 4  # of what the pseudo-random function gives


class BlockPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A part of a field, as a block of fields uses it.

    Of a field with several values the first is used, in the order of their text: an alias
    that sorts before a record's own name takes its place.

    Parameters
    ----------
    field : str
        Name of the field.
    part : str
        "all", the canonical value; "soundex" or "first-letter" of the first word of a name
        or text; "year", "month" or "day" of a date; "district" of a British postcode.

    Examples
    --------
    >>> BlockPart(field="family_name", part="soundex").cut("smith jones")
    'S530'
    >>> BlockPart(field="postcode", part="district").cut("SW1A 1AA")
    'SW1A'
    """

    field: Name
    part: Part

    def cut(self, value: str) -> str:
        """Give the part of a cleaned value."""
        return _CUTS[self.part](alternatives(value)[0])

    def suits(self, rule: Field) -> bool:
        """Say whether fields of a kind have the part."""
        if self.part == "district":
            return isinstance(rule, PostcodeField) and rule.country == "uk"
        return isinstance(rule, _HAVING.get(self.part, (object,)))


class _Block(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="kind",
):
    """What every block rule has."""


class HammingLsh(_Block, frozen=True, kw_only=True, tag="hamming-lsh"):
    """Tags of samples of the filter before hardening, a sample for each table.

    Locality-sensitive hashing for the Hamming distance (Indyk & Motwani 1998), as in Durham
    2012 and in Karapiperis & Verykios 2015, with secret positions and keyed tags.  Two
    records that agree in a share p of their bits have the same tag in a table with a
    probability of about ``p ** bits``, and in at least one with
    ``1 - (1 - p ** bits) ** tables``.

    Parameters
    ----------
    tables : int
        How many samples.
    bits : int
        Distinct positions in a sample.
    """

    tables: Annotated[int, msgspec.Meta(ge=1, le=MAX_TABLES)]
    bits: Annotated[int, msgspec.Meta(ge=16, le=WORD_BITS)]

    @property
    def n_tables(self) -> int:
        """Number of tags that a record gets."""
        return self.tables

    @property
    def field_names(self) -> tuple[str, ...]:
        """Names of the fields that the rule reads itself: none."""
        return ()

    def same_as(self, another: "Block") -> bool:
        """Say whether another rule would block alike; more tables are one rule with more."""
        return self == another

    def positions(self, key: Subkey, *, n_bits: int) -> npt.NDArray[np.int64]:
        """Draw the distinct positions of each table, shape (tables, bits)."""
        drawn = [
            token_positions(key, f"table {table}", k=self.bits, n_bits=n_bits) for table in range(self.tables)
        ]
        return np.array(drawn, dtype=np.int64)

    def fill(self, out: Tags, _columns: Columns, filters: BitMatrix, present: Mask, key_of: KeyOf) -> None:
        """Write the tags of all records, shape (n, tables)."""
        positions = self.positions(key_of("positions"), n_bits=filters.n_bits)
        keys = [key_of(str(table)) for table in range(self.tables)]
        loops = load_loops(len(filters))

        def fill_some(part: slice) -> None:
            # Where the loops are not compiled, bits lie unpacked: 64 bytes for each table.
            for rows in vocabulary.blocks(part, len(filters), width=self.tables * WORD_BITS // 8):
                samples = _sampled(loops, filters.words[rows], positions)
                for table, key in enumerate(keys):
                    out[rows, table] = _tags_of_samples(key, samples[:, table])

        in_chunks(len(filters), fill_some, workers=processors())
        out[~present] = 0


class FieldBlock(_Block, frozen=True, kw_only=True, tag="fields"):
    """One table, whose tag is of parts of fields: a keyed phonetic block, for one.

    A record that lacks one of the parts has no tag.

    Parameters
    ----------
    parts : tuple of BlockPart
        The parts that must all be equal.
    """

    parts: Annotated[tuple[BlockPart, ...], msgspec.Meta(min_length=1, max_length=8)]

    @property
    def n_tables(self) -> int:
        """Number of tags that a record gets: one."""
        return 1

    @property
    def field_names(self) -> tuple[str, ...]:
        """Names of the fields that the rule reads."""
        return tuple(part.field for part in self.parts)

    def same_as(self, another: "Block") -> bool:
        """Say whether another rule would block alike: the same parts, in any order."""
        return isinstance(another, FieldBlock) and set(self.parts) == set(another.parts)

    def fill(self, out: Tags, columns: Columns, _filters: BitMatrix, present: Mask, key_of: KeyOf) -> None:
        """Write the tags of all records, shape (n, 1)."""
        used = [columns[part.field].map(part.cut) for part in self.parts]
        held = np.logical_and.reduce([present, *(column.present() for column in used)])
        codes = np.column_stack([column.codes for column in used])[held]
        distinct, inverse = np.unique(codes, axis=0, return_inverse=True)
        key = key_of("0")
        drawn = b"".join(
            key.mac(length_prefixed(*(column.values[code] for column, code in zip(used, row, strict=True))))[
                :TAG_BYTES
            ]
            for row in distinct.tolist()
        )
        out[:] = 0
        out[held, 0] = _without_zero(np.frombuffer(drawn, dtype="<u4"))[inverse.reshape(-1)]


Block = HammingLsh | FieldBlock


def block_tags(
    rules: Sequence[Block], columns: Columns, filters: BitMatrix, present: Mask, key_of: KeyOf
) -> Tags:
    """Make the tags of all records under the block rules of a pass.

    Parameters
    ----------
    rules : sequence of Block
        The rules; their tables stand side by side, in their order.
    columns : mapping of str to TextColumn
        Cleaned columns by name of field.
    filters : BitMatrix
        The filters of the pass before hardening.
    present : ndarray of bool, shape (n,)
        Which records take part in the pass.
    key_of : callable
        Gives the key for a label: place of the rule, then what it asks for.

    Returns
    -------
    ndarray of uint32, shape (n, tables)
        The tags; 0 where a record has none.
    """
    tags = np.empty((present.size, sum(rule.n_tables for rule in rules)), dtype=np.uint32)
    begin = 0
    for place, rule in enumerate(rules):
        out = tags[:, begin : begin + rule.n_tables]
        rule.fill(out, columns, filters, present, partial(key_of, str(place)))
        begin += rule.n_tables
    return tags


def _sampled(loops: Loops, words: Words, positions: npt.NDArray[np.int64]) -> Words:
    """Gather the bits of each table into a word, the bit of its first position lowest."""
    n_tables, n_sampled = positions.shape
    # A table is a word, so the bits beyond a sample are asked for too, and taken away again.
    sets = np.zeros((n_tables, WORD_BITS), dtype=np.int64)
    sets[:, :n_sampled] = positions
    samples = np.zeros((len(words), n_tables), dtype=np.uint64)
    loops.xor_columns(words, sets.reshape(-1, 1), samples)
    return samples & np.uint64((1 << n_sampled) - 1)


def _tags_of_samples(key: Subkey, samples: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint32]:
    messages = np.zeros((samples.size, BLOCK_BYTES // 8), dtype="<u8")
    messages[:, 0] = samples
    drawn = np.frombuffer(key.prf_blocks(messages.tobytes()), dtype="<u4")
    return _without_zero(drawn[:: BLOCK_BYTES // TAG_BYTES])


def _without_zero(tags: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Give the tag 1 to those that would have 0, which says that there is none."""
    return np.maximum(tags, np.uint32(1))


_SOUNDEX = Phonetic(algorithm="soundex")

# Parts that only some kinds of field have.
_HAVING: Mapping[Part, tuple[type[Field], ...]] = {
    "soundex": (NameField, TextField),
    "first-letter": (NameField, TextField),
    "year": (DateField,),
    "month": (DateField,),
    "day": (DateField,),
    "district": (PostcodeField,),
}

# What a part is of one canonical value.
_CUTS: Mapping[Part, Callable[[str], str]] = {
    "all": lambda value: value,
    "soundex": lambda value: _SOUNDEX(value.split()[0])[0],
    "first-letter": lambda value: value[0],
    "year": lambda value: value[:4],
    "month": lambda value: value[5:7],
    "day": lambda value: value[8:10],
    "district": lambda value: postcode_parts(value)[2],
}
