"""
The encoder: cleaned columns, passes and a key become one bit matrix for each pass.

Keys are derived by the names of pass and field, never by position, so the order of
columns and columns that nobody asked for change nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from pprl.cleaning.fields import (
    CodeField,
    DateField,
    Field,
    HealthNumberField,
    NameField,
    NumberField,
    PlaceField,
    PostcodeField,
    SexField,
    TextField,
    UpnField,
)
from pprl.encoding.blocks import block_tags
from pprl.encoding.filters import Bag, Member, salted
from pprl.encoding.passes import EXACT_BITS, ExactPass, FuzzyPass, Pass, PassField
from pprl.encoding.tokens import DateParts, Exact, PlaceNeighbourhood, QGrams, Tokens, cut
from pprl.encoding.vocabulary import LabelledBag
from pprl.keys import ProjectKey, length_prefixed
from pprl.machine import processors
from pprl.model import BitMatrix, TextColumn
from pprl.model.arrays import Mask, Tags

Columns = Mapping[str, TextColumn]  # by name of field, cleaned
Progress = Callable[[int, int], None]

DEFAULT_TOKENS: Mapping[type[Field], Tokens] = {
    NameField: QGrams(q=2),
    TextField: QGrams(q=2),
    PostcodeField: QGrams(q=2, positional=True),
    DateField: DateParts(),
    SexField: Exact(),
    CodeField: Exact(),
    HealthNumberField: Exact(),
    UpnField: Exact(),
    NumberField: Exact(),
    PlaceField: PlaceNeighbourhood(step=1000, reach=1),
}


@dataclass(frozen=True, slots=True)
class EncodedPass:
    """The bits of one pass, which records take part in it, and their block tags if it has rules for any."""

    bits: BitMatrix
    present: Mask
    tags: Tags | None = None


def encode_passes(
    columns: Columns,
    fields: Sequence[Field],
    passes: Sequence[Pass],
    key: ProjectKey,
    *,
    progress: Progress | None = None,
) -> dict[str, EncodedPass]:
    """Encode cleaned columns under every pass.

    Parameters
    ----------
    columns : mapping of str to TextColumn
        Cleaned columns of equal length by name of field.
    fields : sequence of Field
        The field rules, for their kinds and weights.
    passes : sequence of Pass
        What to encode.
    key : ProjectKey
        The secret, bound to project and epoch.
    progress : callable, optional
        Called after each pass with the number of records encoded and to encode; a record
        counts once for each pass.
    """
    rules = {rule.name: rule for rule in fields}
    encoded: dict[str, EncodedPass] = {}
    for done, one in enumerate(passes):
        encoded[one.name] = _ENCODERS[type(one)](columns, rules, one, key)
        if progress:
            n_records = len(encoded[one.name].bits)
            progress((done + 1) * n_records, len(passes) * n_records)
    return encoded


def _encode_fuzzy(
    columns: Columns, rules: Mapping[str, Field], one: FuzzyPass, key: ProjectKey
) -> EncodedPass:
    present = present_in(columns, one)
    bits = one.encoding(
        _bags(columns, rules, one, key),
        key.derive("encoding", one.name, str(one.encoding.__struct_config__.tag)),
        n_records=present.size,
        n_bits=one.n_bits,
        workers=processors(),
    )
    tags = None
    if one.blocks:
        tags = block_tags(one.blocks, columns, bits, present, partial(key.derive, "block", one.name))
    for place, step in enumerate(one.hardening):
        bits = step(bits, key.derive("hardening", one.name, str(place), str(step.__struct_config__.tag)))
    return EncodedPass(_without_absent(bits, present), present, tags)


def _encode_exact(
    columns: Columns, _rules: Mapping[str, Field], one: ExactPass, key: ProjectKey
) -> EncodedPass:
    used = [columns[name] for name in one.fields]
    present = present_in(columns, one)
    subkey = key.derive("exact", one.name, *one.fields)
    codes = np.column_stack([column.codes for column in used])[present]
    distinct, inverse = np.unique(codes, axis=0, return_inverse=True)
    tokens = b"".join(
        subkey.mac(length_prefixed(*(column.values[code] for column, code in zip(used, row, strict=True))))[
            : EXACT_BITS // 8
        ]
        for row in distinct.tolist()
    )
    words = np.zeros((present.size, EXACT_BITS // 64), dtype=np.uint64)
    words[present] = np.frombuffer(tokens, dtype="<u8").reshape(-1, EXACT_BITS // 64)[inverse.reshape(-1)]
    return EncodedPass(BitMatrix(words, EXACT_BITS), present)


_ENCODERS: Mapping[type[Pass], Callable[..., EncodedPass]] = {
    FuzzyPass: _encode_fuzzy,
    ExactPass: _encode_exact,
}


def present_in(columns: Columns, one: Pass) -> Mask:
    """Say which records take part in a pass: those with all that it requires, and anything at all."""
    held = [columns[name].present() for name in one.field_names]
    required = [columns[name].present() for name in one.required_names]
    present: Mask = np.logical_and.reduce([np.logical_or.reduce(held), *required])
    return present


def _bags(columns: Columns, rules: Mapping[str, Field], one: FuzzyPass, key: ProjectKey) -> list[LabelledBag]:
    grouped: dict[tuple[str, str], list[PassField]] = {}
    for use in one.fields:
        label = ("bag", use.bag) if use.bag else ("field", use.field)
        grouped.setdefault(label, []).append(use)
    salt = _salt(columns, one)
    return [
        LabelledBag(
            label=(kind, name),
            bag=Bag(
                key=key.derive(kind, one.name, name),
                members=tuple(_member(columns, rules, use, salt) for use in uses),
                per_token=uses[0].bits_per_token or 0,
            ),
            expected_tokens=sum(use.expected_tokens or 0 for use in uses),
        )
        for (kind, name), uses in grouped.items()
    ]


def _member(columns: Columns, rules: Mapping[str, Field], use: PassField, salt: TextColumn | None) -> Member:
    rule = rules[use.field]
    tokens = use.tokens or DEFAULT_TOKENS[type(rule)]
    member = Member(
        column=columns[use.field],
        cut=partial(cut, tokens),
        bits=bits_of(use, rule),
        q_grams=tokens if isinstance(tokens, QGrams) else None,
    )
    return member if salt is None else salted(member, salt)


def _salt(columns: Columns, one: FuzzyPass) -> TextColumn | None:
    if one.salt is None:
        return None
    column = columns[one.salt.field]
    return column.map(lambda value: value[:4]) if one.salt.part == "year" else column


def bits_of(use: PassField, rule: Field) -> int:
    """Give the bits that a field sets in a pass; 0 if neither the pass nor the field says."""
    return use.bits or rule.weight or 0


def _without_absent(bits: BitMatrix, present: Mask) -> BitMatrix:
    # Hardening sets bits even where there was nothing, and absence must not look like a person.
    if present.all():
        return bits
    words = bits.words.copy()
    words[~present] = 0
    return BitMatrix(words, bits.n_bits)
