"""
Decoys: people who do not exist, by whom false links are counted.

A custodian recombines its own cleaned records into *strangers* (family name, given name and
sex, date, and address each lent by another record) and *relatives* (family name and address
of one record, with another given name, and a date as far off as relatives in this very file
are).  They are encoded like everyone, compete for links, and a link to one is false for
certain.  The idea is target-decoy competition (Elias & Gygi 2007, Nature Methods 4:207).

What decoys tell is right as far as they are as alike to real people as other real people
are.  So values that belong together stay together; see `donors`.
"""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import starmap
from typing import Annotated

import msgspec
import numpy as np

from pprl.cleaning.fields import DateField, Field, NameField, SexField
from pprl.cleaning.multiple import alternatives
from pprl.encoding.donors import NOBODY, Keys, at_home, born_near, relatives
from pprl.encoding.errormodel import FORMER_WORDS, SURNAME_WORDS
from pprl.encoding.passes import Pass, own_numbers
from pprl.errors import AgreementError
from pprl.model import TextColumn
from pprl.model.arrays import Mask, Rows
from pprl.model.columns import MISSING

Columns = Mapping[str, TextColumn]  # by name of field, cleaned

FEWEST_RECORDS = 50  # of which people can be made up that are nobody
_FEWEST_RELATIVES = 10  # pairs of relatives in a file that tell how they differ
_TWINS = 0.03  # share of relatives born on one day, where the file does not tell
_YEARS_APART = 12.0  # standard deviation of the others
_IN_NO_NUMBER = "*"


class Decoys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """How many people who do not exist each custodian adds.

    As many as it has records, but at least `least`, so that a small file can tell a small
    share of false links, and at most `most`, which is enough for a large one.

    Parameters
    ----------
    least, most : int
        Bounds of their number.
    relatives : float
        Share of them that are made as relatives of real people; the others are strangers.

    Raises
    ------
    AgreementError
        If the bounds or the share are out of range.

    Examples
    --------
    >>> Decoys().number(500), Decoys().number(5_000), Decoys().number(1_000_000)
    (2000, 5000, 20000)
    """

    least: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 2_000
    most: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 20_000
    relatives: float = 0.2

    def __post_init__(self) -> None:
        """Check the bounds."""
        if self.least > self.most:
            raise AgreementError("agreement: decoys.least: is more than decoys.most", code="decoys")
        if not 0 <= self.relatives <= 1:
            raise AgreementError("agreement: decoys.relatives: wanted a share from 0 to 1", code="decoys")

    def number(self, n_records: int) -> int:
        """Give the number of decoys for a file; none where it is too small to make any."""
        if n_records < FEWEST_RECORDS:
            return 0
        return max(self.least, min(self.most, n_records))


@dataclass(frozen=True, slots=True)
class _Parts:
    """Names of the fields that a record's parts consist of."""

    family: tuple[str, ...]
    given: tuple[str, ...]
    dates: tuple[str, ...]
    place: tuple[str, ...]
    own: tuple[str, ...]  # numbers that one person alone has

    @classmethod
    def of(cls, rules: Sequence[Field], passes: Sequence[Pass]) -> "_Parts":
        own = own_numbers(rules, passes)
        parts: dict[str, list[str]] = {name: [] for name in ("family", "given", "dates", "place", "own")}
        for rule in rules:
            parts["own" if rule.name in own else _part_of(rule)].append(rule.name)
        return cls(**{name: tuple(fields) for name, fields in parts.items()})


def _part_of(rule: Field) -> str:
    if isinstance(rule, NameField):
        return "family" if any(word in rule.name for word in SURNAME_WORDS + FORMER_WORDS) else "given"
    return {DateField: "dates", SexField: "given"}.get(type(rule), "place")


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What is known of all records, as numbers."""

    family: Keys
    given: Keys
    sex: Keys
    place: Keys
    days: Keys

    @classmethod
    def of(cls, columns: Columns, rules: Sequence[Field], parts: _Parts) -> "_Known":
        n_records = len(columns[rules[0].name])
        sex = next((columns[rule.name] for rule in rules if isinstance(rule, SexField)), None)
        names = [rule.name for rule in rules if isinstance(rule, NameField)]
        none = np.full(n_records, MISSING, dtype=np.int64)
        return cls(
            family=_keys(columns, parts.family[:1], none),
            given=_keys(columns, [name for name in parts.given if name in names][:1], none),
            sex=none if sex is None else sex.codes.astype(np.int64),
            place=_keys(columns, parts.place, none),
            days=_days(columns[parts.dates[0]]) if parts.dates else none,
        )


def with_decoys(
    columns: Columns,
    rules: Sequence[Field],
    passes: Sequence[Pass],
    decoys: Decoys,
    generator: np.random.Generator,
) -> tuple[dict[str, TextColumn], Mask]:
    """Add decoys to cleaned records.

    Parameters
    ----------
    columns : mapping of str to TextColumn
        Cleaned columns of equal length by name of field.
    rules : sequence of Field
        The rules of the fields.
    passes : sequence of Pass
        Their exact passes say which fields are numbers that one person alone has.
    decoys : Decoys
        How many.
    generator : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    dict of str to TextColumn, ndarray of bool
        The records, decoys after all others; and which are decoys.  A decoy that came out
        like one of the records is left out.

    Examples
    --------
    >>> names = TextColumn.from_texts([f"x{i % 7}" for i in range(60)])
    >>> rules = [NameField(name="surname"), NameField(name="given_name")]
    >>> both, decoy = with_decoys({"surname": names, "given_name": names}, rules, [],
    ...     Decoys(least=90), np.random.default_rng(1))
    >>> len(both["surname"]) == decoy.size, bool(decoy[:60].any())
    (True, False)
    """
    n_records = len(columns[rules[0].name])
    n_decoys = decoys.number(n_records)
    n_relatives = round(decoys.relatives * n_decoys)
    parts = _Parts.of(rules, passes)
    known = _Known.of(columns, rules, parts)
    lent = [_strangers(known, n_decoys - n_relatives, generator), _relatives(known, n_relatives, generator)]
    added = {
        part: np.concatenate([getattr(one, part) for one in lent]) for part in ("family", "given", "place")
    }
    rows = {name: added[part] for part in added for name in getattr(parts, part)}
    made = {name: _extended(columns[name], lenders) for name, lenders in rows.items()}
    days = np.concatenate([one.days for one in lent])
    lenders = np.concatenate([one.dates for one in lent])
    for place, name in enumerate(parts.dates):
        made[name] = _dated(columns[name], lenders, days if place == 0 else np.full(days.size, NOBODY))
    for name in parts.own:
        made[name] = _numbered(columns[name], added["place"], generator)
    return _without_doubles({rule.name: made[rule.name] for rule in rules}, n_records, parts)


@dataclass(frozen=True, slots=True, eq=False)
class _Lent:
    """For each decoy the records that lend its parts, and a day of birth of its own or none."""

    family: Rows
    given: Rows
    dates: Rows
    place: Rows
    days: Rows


def _strangers(known: _Known, number: int, generator: np.random.Generator) -> _Lent:
    family = _drawn(known.family.size, number, generator)
    anyone = np.full(number, NOBODY)
    given = at_home(family, known.given, known.family, known.sex, anyone, generator)
    given = np.where(given == NOBODY, born_near(known.days, known.days[family], generator), given)
    dates = born_near(known.days, known.days[given], generator)
    return _Lent(family, given, dates, _drawn(known.family.size, number, generator), anyone)


def _relatives(known: _Known, number: int, generator: np.random.Generator) -> _Lent:
    kin = _drawn(known.family.size, number, generator)
    apart, same_sex = _differences(known, number, generator)
    own = known.sex[kin]
    sexes = np.unique(known.sex[known.sex >= 0])
    other = own if sexes.size < 2 else np.where(own == sexes[0], sexes[1], sexes[0])
    wanted = np.where(own < 0, NOBODY, np.where(same_sex, own, other))
    days = np.where(known.days[kin] < 0, NOBODY, _within(known.days, known.days[kin], apart))
    years = (known.days, days)
    given = at_home(kin, known.given, known.family, known.sex, wanted, generator, years=years)
    given = np.where(given == NOBODY, _born_near_of_sex(known, days, wanted, generator), given)
    return _Lent(kin, given, kin, kin, days)


def _within(days: Keys, own: Rows, apart: Rows) -> Rows:
    """Add a difference to days of birth, or take it away where nobody in the file was born then."""
    known = days[days >= 0]
    first, last = (int(known.min()), int(known.max())) if known.size else (0, 0)
    there, back = own + apart, own - apart
    return np.where((there < first) | (there > last), np.clip(back, first, last), there)


def _differences(known: _Known, number: int, generator: np.random.Generator) -> tuple[Rows, Mask]:
    """Draw by how many days relatives differ, and whether they are of one sex: as in this file."""
    one, other = relatives(known.family, known.place, known.given)
    dated = (known.days[one] >= 0) & (known.days[other] >= 0)
    one, other = _without_repeats(known, one[dated], other[dated], generator)
    if one.size >= _FEWEST_RELATIVES:
        pair = generator.integers(one.size, size=number)
        apart: Rows = known.days[other[pair]] - known.days[one[pair]]
        return apart, known.sex[one[pair]] == known.sex[other[pair]]
    days = (generator.normal(scale=_YEARS_APART, size=number) * 365.25).astype(np.int64)
    return np.where(generator.random(number) < _TWINS, 0, days), generator.random(number) < 0.5


def _without_repeats(
    known: _Known, one: Rows, other: Rows, generator: np.random.Generator
) -> tuple[Rows, Rows]:
    """Leave out pairs born on one day that are more than twins can be.

    In a file that repeats people, most of them are one person with a misspelt given name.
    """
    same = known.days[one] == known.days[other]
    n_twins = round(_TWINS / (1 - _TWINS) * int((~same).sum()))
    kept = ~same
    kept[generator.permutation(np.flatnonzero(same))[:n_twins]] = True
    return one[kept], other[kept]


def _born_near_of_sex(known: _Known, days: Rows, wanted: Keys, generator: np.random.Generator) -> Rows:
    found = born_near(known.days, days, generator)
    for sex in np.unique(wanted[wanted >= 0]).tolist():
        of_sex = wanted == sex
        found[of_sex] = born_near(known.days, days[of_sex], generator, among=known.sex == sex)
    return found


def _drawn(n_records: int, number: int, generator: np.random.Generator) -> Rows:
    """Draw records, each as often as any other."""
    rounds = -(-number // n_records)
    order = np.concatenate(
        [generator.permutation(n_records) for _ in range(rounds)] or [np.empty(0, np.int64)]
    )
    return order[:number]


def _extended(column: TextColumn, lenders: Rows) -> TextColumn:
    return TextColumn(np.concatenate([column.codes, column.codes[lenders]]), column.values)


def _dated(column: TextColumn, lenders: Rows, days: Rows) -> TextColumn:
    """Add the dates of the lenders, or days of their own."""
    index = {value: code for code, value in enumerate(column.values)}
    codes = column.codes[lenders]
    for place in np.flatnonzero((days > 0) & (codes != MISSING)).tolist():
        codes[place] = index.setdefault(date.fromordinal(int(days[place])).isoformat(), len(index))
    return TextColumn(np.concatenate([column.codes, codes]), tuple(index))


def _numbered(column: TextColumn, lenders: Rows, generator: np.random.Generator) -> TextColumn:
    """Add numbers that nobody has, where the lenders have one."""
    has = np.flatnonzero(column.codes[lenders] != MISSING)
    codes = np.full(lenders.size, MISSING, dtype=np.int32)
    codes[has] = len(column.values) + np.arange(has.size)
    fresh = tuple(
        _like_number(column.values[code], generator) for code in column.codes[lenders[has]].tolist()
    )
    return TextColumn(np.concatenate([column.codes, codes]), (*column.values, *fresh))


def _like_number(value: str, generator: np.random.Generator) -> str:
    """Draw other digits and letters in the same places, and in one place a sign that is in no number."""
    drawn = generator.integers(1 << 30, size=len(value) + 1).tolist()
    signs = list(starmap(_other, zip(value, drawn[1:], strict=True)))
    signs[drawn[0] % len(signs)] = _IN_NO_NUMBER
    return "".join(signs)


def _other(sign: str, chance: int) -> str:
    kind = next((one for one in (string.digits, string.ascii_lowercase) if sign in one), sign)
    return kind[chance % len(kind)]


def _without_doubles(
    columns: dict[str, TextColumn], n_records: int, parts: _Parts
) -> tuple[dict[str, TextColumn], Mask]:
    """Leave out decoys that have names and dates of a record: they may be somebody after all."""
    told = [columns[name] for name in (*parts.family, *parts.given, *parts.dates)]
    keys = _together(told or list(columns.values()))
    kept = np.ones(keys.size, dtype=np.bool_)
    kept[n_records:] = ~np.isin(keys[n_records:], keys[:n_records])
    rows = np.flatnonzero(kept)
    return (
        {name: TextColumn(column.codes[rows], column.values) for name, column in columns.items()},
        rows >= n_records,
    )


def _together(columns: Sequence[TextColumn]) -> Keys:
    """Give each distinct combination of several columns a number."""
    codes = np.column_stack([_texts_numbered(column) for column in columns])
    _, keys = np.unique(codes, axis=0, return_inverse=True)
    return keys.reshape(-1).astype(np.int64)


def _texts_numbered(column: TextColumn) -> Keys:
    """Give equal texts equal numbers; a mapped column may list one twice."""
    index: dict[str, int] = {}
    numbers = np.array([*(index.setdefault(value, len(index)) for value in column.values), MISSING])
    return numbers[column.codes]


def _keys(columns: Columns, names: Sequence[str], none: Keys) -> Keys:
    if not names:
        return none
    held = [columns[name] for name in names]
    present = np.logical_and.reduce([column.present() for column in held])
    return np.where(present, _together(held), MISSING)


def _days(column: TextColumn) -> Keys:
    days = [date.fromisoformat(alternatives(value)[0]).toordinal() for value in column.values]
    return np.array([*days, MISSING], dtype=np.int64)[column.codes]
