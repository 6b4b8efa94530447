"""
The error model: how two records of one person come to differ.

It takes one custodian's cleaned records and writes them again as another custodian might
hold them.  Nothing here knows a real second record; the rates come from a study of two
English health systems, and those that it does not give are said to be assumed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

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
from pprl.cleaning.multiple import alternatives, joined
from pprl.encoding.slips import misread_date, mistyped, swapped_date
from pprl.errors import AgreementError
from pprl.model import TextColumn
from pprl.model.arrays import Mask

Columns = Mapping[str, TextColumn]  # by name of field, cleaned
Texts = Sequence[str | None]

SURNAME_WORDS = ("surname", "family", "last")  # in the name of a field
FORMER_WORDS = ("previous", "former", "birth", "maiden", "other")
PLACE_WORDS = ("state", "county", "region", "district", "country", "area")
_OTHER_SEX = {"f": "m", "m": "f"}


class ErrorModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Rates at which two records of one person differ.

    The defaults marked (C) were measured between two English health systems for the same
    people: Cardinal et al. 2023, BMC Medical Informatics and Decision Making.  Those marked
    (A) are assumed.

    Parameters
    ----------
    name_typing : float
        A typing error in a name: 1.7 % of forenames (C), and of surnames alike (A).
    surname_changed_women, surname_changed_men : float
        A wholly different surname: 5.67 % and 1.34 % (C).  Where sex is not known, half of
        their sum.
    date_wrong : float
        A date of birth that is not a full match: 0.49 % (C).
    date_swapped : float
        Share of wrong dates whose day and month are swapped, where that is a date; in the
        others one digit is wrong: 25 % (A).
    sex_wrong : float
        Sex differs: 0.33 % (C).
    place_changed : float
        The postcode differs, and with it all of the address: 30 % (C).
    no_fixed_abode : float
        A pseudo-postcode, so no address: 0.2 % (C).
    place_typing : float
        A typing error in a part of an address, or a code: 1.7 %, as in names (A).
    number_mistyped : float
        A wrong digit in a health or pupil number, which then fails its check digit and
        counts as missing: 1.7 % (A).
    missing : float, optional
        Any other value is missing in the second record.  By default as often as the field
        is missing in the custodian's own records (A).

    Raises
    ------
    AgreementError
        If a rate is not from 0 to 1.

    Examples
    --------
    >>> ErrorModel().place_changed
    0.3
    >>> ErrorModel(place_changed=0.1).name_typing
    0.017
    """

    name_typing: float = 0.017
    surname_changed_women: float = 0.0567
    surname_changed_men: float = 0.0134
    date_wrong: float = 0.0049
    date_swapped: float = 0.25
    sex_wrong: float = 0.0033
    place_changed: float = 0.30
    no_fixed_abode: float = 0.002
    place_typing: float = 0.017
    number_mistyped: float = 0.017
    missing: float | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            rate = getattr(self, name)
            if rate is not None and not 0 <= rate <= 1:
                raise AgreementError(f"agreement: errors.{name}: wanted a rate from 0 to 1", code="rate")
            if rate is not None:
                msgspec.structs.force_setattr(self, name, float(rate))


@dataclass(frozen=True, slots=True)
class _Lives:
    """What happened to each person between the two records."""

    donor: npt.NDArray[np.int64]  # another person, whose surname or address is taken
    renamed: Mask
    moved: Mask
    homeless: Mask


_Edit = Callable[[str], str | None]
_Change = Callable[[Texts, Field, _Lives, ErrorModel, np.random.Generator], Texts]


def corrupt(
    columns: Columns, rules: Sequence[Field], errors: ErrorModel, generator: np.random.Generator
) -> dict[str, TextColumn]:
    """Write records again as another custodian might hold them.

    Parameters
    ----------
    columns : mapping of str to TextColumn
        Cleaned columns of equal length, at least 2, by name of field.
    rules : sequence of Field
        The rules of the fields.
    errors : ErrorModel
        The rates.
    generator : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    dict of str to TextColumn
        Record i is of the same person as record i of `columns`.  A changed surname and a
        new address are another record's.

    Examples
    --------
    >>> rules = [NameField(name="surname"), SexField(name="sex")]
    >>> columns = {"surname": TextColumn.from_texts(["lee", "orr"]), "sex": TextColumn.from_texts(["f", "m"])}
    >>> always = ErrorModel(name_typing=0, surname_changed_women=1, surname_changed_men=0, sex_wrong=0)
    >>> corrupt(columns, rules, always, np.random.default_rng(1))["surname"].to_texts()
    ['orr', 'orr']
    """
    lives = _lives(columns, rules, errors, generator)
    written = {}
    for rule in rules:
        column = columns[rule.name]
        changed = _CHANGES[type(rule)](column.to_texts(), rule, lives, errors, generator)
        own = 1 - column.present().mean()
        chance = float(own) if errors.missing is None else errors.missing
        written[rule.name] = TextColumn.from_texts(_where(changed, _happens(chance, lives, generator), _gone))
    return written


def _lives(
    columns: Columns, rules: Sequence[Field], errors: ErrorModel, generator: np.random.Generator
) -> _Lives:
    n_records = len(columns[rules[0].name])
    order = generator.permutation(n_records)
    donor = np.empty(n_records, dtype=np.int64)
    donor[order] = np.roll(order, 1)  # in a ring: nobody is their own donor
    uniform = generator.random((3, n_records))
    return _Lives(
        donor=donor,
        renamed=uniform[0] < _rename_rates(columns, rules, errors, n_records),
        moved=uniform[1] < errors.place_changed,
        homeless=uniform[2] < errors.no_fixed_abode,
    )


def _rename_rates(
    columns: Columns, rules: Sequence[Field], errors: ErrorModel, n_records: int
) -> npt.NDArray[np.float64]:
    women, men = errors.surname_changed_women, errors.surname_changed_men
    known = {"f": women, "m": men}
    sexes = next((columns[rule.name].to_texts() for rule in rules if isinstance(rule, SexField)), None)
    unknown = (women + men) / 2
    return np.array([known.get(sex or "", unknown) for sex in sexes or [None] * n_records])


def _happens(chance: float, lives: _Lives, generator: np.random.Generator) -> Mask:
    happens: Mask = generator.random(lives.donor.size) < chance
    return happens


def _where(texts: Texts, happens: Mask, change: _Edit) -> list[str | None]:
    """Change the values to which something happens; a missing one stays missing."""
    return [
        change(text) if hit and text is not None else text
        for text, hit in zip(texts, happens.tolist(), strict=True)
    ]


def _gone(_value: str) -> None:
    return None


def _in_one(
    change: Callable[[str, np.random.Generator], str], generator: np.random.Generator
) -> Callable[[str], str]:
    """Change one of the values of a field that has several."""

    def changed(value: str) -> str:
        several = alternatives(value)
        place = int(generator.integers(len(several)))
        return joined([*several[:place], change(several[place], generator), *several[place + 1 :]])

    return changed


def _with_typing_errors(
    texts: Texts, rule: Field, rate: float, lives: _Lives, generator: np.random.Generator
) -> list[str | None]:
    """Mistype values and clean them anew: what has become invalid, or a placeholder, is missing."""
    mistype = _in_one(mistyped, generator)
    return _where(texts, _happens(rate, lives, generator), lambda value: _clean_each(mistype(value), rule))


def _clean_each(text: str, rule: Field) -> str | None:
    kept = [clean for value in alternatives(text) if (clean := rule.clean(value).text) is not None]
    return joined(kept) if kept else None


def _from_donor(texts: Texts, happens: Mask, lives: _Lives) -> list[str | None]:
    others = lives.donor.tolist()
    return [
        texts[other] if hit and text is not None else text
        for text, other, hit in zip(texts, others, happens.tolist(), strict=True)
    ]


def _name(
    texts: Texts, rule: Field, lives: _Lives, errors: ErrorModel, generator: np.random.Generator
) -> Texts:
    if is_surname(rule.name):
        texts = _from_donor(texts, lives.renamed, lives)
    return _with_typing_errors(texts, rule, errors.name_typing, lives, generator)


def _place(
    texts: Texts, rule: Field, lives: _Lives, errors: ErrorModel, generator: np.random.Generator
) -> Texts:
    texts = _where(_from_donor(texts, lives.moved, lives), lives.homeless, _gone)
    return _typed(texts, rule, lives, errors, generator)


def _typed(
    texts: Texts, rule: Field, lives: _Lives, errors: ErrorModel, generator: np.random.Generator
) -> Texts:
    return _with_typing_errors(texts, rule, errors.place_typing, lives, generator)


def _code(
    texts: Texts, rule: Field, lives: _Lives, errors: ErrorModel, generator: np.random.Generator
) -> Texts:
    is_place = any(word in rule.name for word in PLACE_WORDS)
    return (_place if is_place else _typed)(texts, rule, lives, errors, generator)


def _date(
    texts: Texts, _rule: Field, lives: _Lives, errors: ErrorModel, generator: np.random.Generator
) -> Texts:
    def wrong(value: str, generator: np.random.Generator) -> str:
        swapped = swapped_date(value) if generator.random() < errors.date_swapped else None
        return swapped or misread_date(value, generator)

    return _where(texts, _happens(errors.date_wrong, lives, generator), _in_one(wrong, generator))


def _sex(
    texts: Texts, _rule: Field, lives: _Lives, errors: ErrorModel, generator: np.random.Generator
) -> Texts:
    hit = _happens(errors.sex_wrong, lives, generator)
    return _where(texts, hit, lambda value: _OTHER_SEX.get(value, "f"))


def _identifier(
    texts: Texts, _rule: Field, lives: _Lives, errors: ErrorModel, generator: np.random.Generator
) -> Texts:
    return _where(texts, _happens(errors.number_mistyped, lives, generator), _gone)


_CHANGES: Mapping[type[Field], _Change] = {
    NameField: _name,
    TextField: _place,
    PostcodeField: _place,
    DateField: _date,
    SexField: _sex,
    HealthNumberField: _identifier,
    UpnField: _identifier,
    NumberField: _typed,
    PlaceField: _place,
    CodeField: _code,
}


def is_surname(field: str) -> bool:
    """Say whether a field holds the present surname, by its name.

    Examples
    --------
    >>> [is_surname(name) for name in ("family_name", "given_name", "previous_family_name")]
    [True, False, False]
    """
    return any(word in field for word in SURNAME_WORDS) and not any(word in field for word in FORMER_WORDS)
