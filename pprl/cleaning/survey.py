"""
How good a table is, in numbers: what is filled in, what repeats, what contradicts itself.

A *survey* is made of cleaned columns, before any key is there.  It holds counts and names
of fields, and nothing that anybody typed.  Which passes a record reaches is told to it.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from pprl.cleaning.columns import CleanedColumn
from pprl.cleaning.fields import DateField, Field, HealthNumberField, SexField, UpnField
from pprl.cleaning.identifiers import chi_parts
from pprl.model.arrays import Mask, Rows
from pprl.model.columns import TextColumn

IDENTIFIERS = (HealthNumberField, UpnField)  # fields that should name one person
BIRTH = "date_of_birth"  # the date that a CHI number is held against, where there are several

Cleaned = Mapping[str, CleanedColumn]  # by name of field


@dataclasses.dataclass(frozen=True, slots=True)
class FieldSurvey:
    """One field: how many records have a value, why others have none, and what was noticed."""

    name: str
    kind: str
    column: str
    n_present: int
    reasons: Mapping[str, int]
    flags: Mapping[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class SharedIdentifier:
    """An identifier that stands on more than one record.

    Parameters
    ----------
    field : str
        The field.
    n_values : int
        Identifiers that more than one record has.
    n_records : int
        Records that have one of these.
    n_most : int
        Records that share the most frequent one.
    """

    field: str
    n_values: int
    n_records: int
    n_most: int


@dataclasses.dataclass(frozen=True, slots=True)
class Contradiction:
    """Two fields of one record that say different things.

    Parameters
    ----------
    identifier, field : str
        The CHI number, and the date of birth or sex that it is held against.
    n_compared : int
        Records that have both.
    n_differ : int
        Records in which they differ.
    """

    identifier: str
    field: str
    n_compared: int
    n_differ: int


@dataclasses.dataclass(frozen=True, slots=True)
class Pattern:
    """Records that have the same fields, and the passes that they therefore reach."""

    present: tuple[str, ...]
    passes: tuple[str, ...]
    n_records: int


@dataclasses.dataclass(frozen=True, slots=True)
class PassSurvey:
    """How many records take part in a pass."""

    name: str
    n_present: int


@dataclasses.dataclass(frozen=True, slots=True)
class Survey:
    """How good a table is before it is encoded: counts only.

    Parameters
    ----------
    n_records : int
        Rows of the table.
    fields : tuple of FieldSurvey
        In the order of the agreement.
    n_repeated : int
        Records that equal another in every field, among those that have any value.
    shared : tuple of SharedIdentifier
        One for each field that should name one person.
    contradictions : tuple of Contradiction
        CHI numbers against date of birth and sex.
    passes : tuple of PassSurvey
        In the order of the agreement.
    reached : tuple of int
        Place k counts the records that are present in exactly k passes.
    patterns : tuple of Pattern
        Most frequent first.
    """

    n_records: int
    fields: tuple[FieldSurvey, ...]
    n_repeated: int
    shared: tuple[SharedIdentifier, ...]
    contradictions: tuple[Contradiction, ...]
    passes: tuple[PassSurvey, ...]
    reached: tuple[int, ...]
    patterns: tuple[Pattern, ...]


def survey_columns(cleaned: Cleaned, rules: Sequence[Field], reached: Mapping[str, Mask]) -> Survey:
    """Count how good cleaned columns are.

    Parameters
    ----------
    cleaned : mapping of str to CleanedColumn
        By name of field.
    rules : sequence of Field
        The agreement's fields.
    reached : mapping of str to ndarray of bool, shape (n,)
        For each pass, which records take part in it.

    Returns
    -------
    Survey
        Counts only.

    Examples
    --------
    >>> from pprl.cleaning import NameField, clean_columns
    >>> rules = [NameField(name="surname", weight=100)]
    >>> cleaned = clean_columns({"surname": TextColumn.from_texts(["Lee", "LEE", None])}, rules)
    >>> found = survey_columns(cleaned, rules, {"names": cleaned["surname"].column.present()})
    >>> found.fields[0].n_present, found.n_repeated, found.reached
    (2, 2, (1, 2))
    """
    columns = {rule.name: cleaned[rule.name].column for rule in rules}
    n_records = len(next(iter(columns.values())))
    return Survey(
        n_records=n_records,
        fields=tuple(_field(cleaned[rule.name], rule) for rule in rules),
        n_repeated=_n_repeated(list(columns.values())),
        shared=tuple(
            _shared(columns[rule.name], rule.name) for rule in rules if isinstance(rule, IDENTIFIERS)
        ),
        contradictions=tuple(_contradictions(columns, rules)),
        passes=tuple(PassSurvey(name, int(mask.sum())) for name, mask in reached.items()),
        reached=_n_reached(n_records, reached),
        patterns=_patterns(columns, reached),
    )


def _field(one: CleanedColumn, rule: Field) -> FieldSurvey:
    kind = str(rule.__struct_config__.tag)
    n_present = int(one.column.present().sum())
    return FieldSurvey(rule.name, kind, rule.source, n_present, one.reasons, one.flags)


def _n_repeated(columns: Sequence[TextColumn]) -> int:
    known = np.logical_or.reduce([column.present() for column in columns])
    groups = _groups([column.codes[known] for column in columns])
    return int((np.bincount(groups)[groups] > 1).sum()) if groups.size else 0


def _groups(codes: Sequence[np.ndarray]) -> Rows:
    """Give equal rows of several columns of codes one number."""
    groups: Rows = np.zeros(codes[0].size, dtype=np.int64)
    for column in codes:
        # Below n_records * (n_values + 1), so two columns always fit in 64 bits.
        paired = groups * (int(column.max(initial=0)) + 2) + column + 1
        groups = np.unique(paired, return_inverse=True)[1].reshape(-1)
    return groups


def _shared(column: TextColumn, field: str) -> SharedIdentifier:
    n_uses = np.bincount(column.codes[column.present()], minlength=1)
    several = n_uses[n_uses > 1]
    return SharedIdentifier(field, int(several.size), int(several.sum()), int(several.max(initial=0)))


def _contradictions(columns: Mapping[str, TextColumn], rules: Sequence[Field]) -> Iterable[Contradiction]:
    against: list[tuple[str, Callable[[str], str | None], Callable[[str], str | None]]] = [
        *((name, _birthday_of_chi, _ddmmyy) for name in _birth_fields(rules)),
        *((rule.name, _sex_of_chi, _told_sex) for rule in rules if isinstance(rule, SexField)),
    ]
    for rule in rules:
        if isinstance(rule, HealthNumberField):
            for name, of_chi, of_field in against:
                yield _contradiction(
                    rule.name, columns[rule.name].map(of_chi), name, columns[name].map(of_field)
                )


def _birth_fields(rules: Sequence[Field]) -> list[str]:
    dates = [rule.name for rule in rules if isinstance(rule, DateField)]
    return dates if len(dates) == 1 else [name for name in dates if name == BIRTH]


def _birthday_of_chi(number: str) -> str | None:
    parts = chi_parts(number)
    return parts.ddmmyy if parts else None


def _sex_of_chi(number: str) -> str | None:
    parts = chi_parts(number)
    return parts.sex if parts else None


def _ddmmyy(iso: str) -> str:
    return iso[8:10] + iso[5:7] + iso[2:4]


def _told_sex(sex: str) -> str | None:
    return None if sex == "x" else sex  # a CHI number knows two


def _contradiction(identifier: str, said: TextColumn, field: str, recorded: TextColumn) -> Contradiction:
    both = said.present() & recorded.present()
    number = {text: code for code, text in enumerate(recorded.values)}
    as_recorded = np.array([number.get(text, -1) for text in said.values] + [-1], dtype=np.int64)[said.codes]
    differ = both & (as_recorded != recorded.codes)
    return Contradiction(identifier, field, int(both.sum()), int(differ.sum()))


def _n_reached(n_records: int, reached: Mapping[str, Mask]) -> tuple[int, ...]:
    n_passes = np.zeros(n_records, dtype=np.int64)
    for mask in reached.values():
        n_passes += mask
    return tuple(np.bincount(n_passes, minlength=len(reached) + 1).tolist())


def _patterns(columns: Mapping[str, TextColumn], reached: Mapping[str, Mask]) -> tuple[Pattern, ...]:
    named = {("field", name): column.present() for name, column in columns.items()}
    named |= {("pass", name): mask for name, mask in reached.items()}
    if not len(next(iter(named.values()))):
        return ()
    groups = _groups([mask.astype(np.int64) for mask in named.values()])
    _, first, n_records = np.unique(groups, return_index=True, return_counts=True)
    found = [
        Pattern(_names(named, "field", int(row)), _names(named, "pass", int(row)), int(n))
        for row, n in zip(first, n_records, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (-one.n_records, one.present)))


def _names(named: Mapping[tuple[str, str], Mask], what: str, row: int) -> tuple[str, ...]:
    return tuple(name for (kind, name), mask in named.items() if kind == what and mask[row])
