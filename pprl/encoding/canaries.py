"""
Check tags: how parties see that they encode alike, without showing anything.

The key tag says "same secret".  The encoder tag says "same cleaning, same Unicode data,
same parameters": it is made from the encodings of 64 fixed fictitious records, the
*canaries*, which are never rows of anybody's table.
"""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import cycle, islice

import msgspec

from pprl.cleaning.columns import clean_columns
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
from pprl.encoding.encoder import encode_passes
from pprl.encoding.passes import FuzzyPass, Pass
from pprl.keys import ProjectKey
from pprl.model import CheckTags, TextColumn
from pprl.model.encoded import TAG_BYTES

N_CANARIES = 64

# Values that take the paths on which software differs: marks, folds, case, gaps.
_VALUES: Mapping[type[Field], tuple[str | None, ...]] = {
    NameField: (
        "Siân",
        "Sia\u0302n",
        "O\u2019Brien-Smythe",
        "Łukasz",
        "Đorđević",
        "ØDEGÅRD",
        "van der Meer",
        "Ìyábọ̀",
        "\uff33mith",
        "Straße",
        None,
    ),
    TextField: (
        "12 High Street",
        "Flat 3, The Grove",
        "Llanfairpwll",
        "  unit\t7 ",
        "St. Mary\u2019s",
        None,
        "Ynys Môn",
    ),
    DateField: ("1990-02-11", "2001-12-31", None, "1948-07-05", "1976-02-29"),
    SexField: ("f", "M", None),
    PostcodeField: ("AB10 1XG", "zz1 1zz", "EH991SP", None, "2600"),
    HealthNumberField: ("943 476 5919", None, "4010232137"),
    UpnField: ("A123456789012", None, "H801200001001"),
    NumberField: ("1", "2.50", None, "-007"),
    PlaceField: ("530047, 180422", None, "-12 7.9"),
    CodeField: ("nsw", "VIC ", None, "A1"),
}


def check_tags(fields: Sequence[Field], passes: Sequence[Pass], key: ProjectKey) -> CheckTags:
    """Make both check tags for a key and an agreement's fields and passes.

    Steps that add noise are left out of the encoder tag, which would otherwise never be
    the same twice.
    """
    tagging = key.derive("check tags")
    return CheckTags(
        key=tagging.mac(b"key tag")[:TAG_BYTES].hex(),
        encoder=tagging.mac(b"encoder tag" + _digest_of_canaries(fields, passes, key))[:TAG_BYTES].hex(),
    )


def _digest_of_canaries(fields: Sequence[Field], passes: Sequence[Pass], key: ProjectKey) -> bytes:
    raw = {
        rule.name: _canary_column(rule, place)
        for place, rule in enumerate(sorted(fields, key=lambda f: f.name))
    }
    columns = {name: cleaned.column for name, cleaned in clean_columns(raw, fields).items()}
    encoded = encode_passes(columns, fields, [_without_noise(one) for one in passes], key)
    digest = hashlib.sha256()
    for name, one in sorted(encoded.items()):
        digest.update(name.encode() + b"\0" + one.bits.to_bytes() + one.present.tobytes())
        if one.tags is not None:
            digest.update(one.tags.astype("<u4", copy=False).tobytes())
    return digest.digest()


def _canary_column(rule: Field, place: int) -> TextColumn:
    values = _VALUES[type(rule)]
    return TextColumn.from_texts(islice(cycle(values), place, place + N_CANARIES))


def _without_noise(one: Pass) -> Pass:
    if not isinstance(one, FuzzyPass):
        return one
    return msgspec.structs.replace(one, hardening=tuple(step for step in one.hardening if not step.noisy))
