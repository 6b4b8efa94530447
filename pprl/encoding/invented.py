"""
Invented people, for any agreement: what a person who does not exist has in each kind of field.

They are drawn from the fictitious British population of `pprl.datasets.uk`, households and
all, so that some are relatives.  What they have is already clean.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

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
from pprl.datasets.uk.misspelling import nicknames, romanisations
from pprl.datasets.uk.population import population
from pprl.datasets.uk.tables import Objects, texts
from pprl.encoding.errormodel import FORMER_WORDS, PLACE_WORDS, SURNAME_WORDS
from pprl.encoding.passes import Pass, own_numbers
from pprl.encoding.slips import mistyped
from pprl.model import TextColumn
from pprl.model.arrays import Mask, Rows

GIVEN_WORDS = ("given", "first", "fore", "christian")
MIDDLE_WORDS = ("middle", "second")
TOWN_WORDS = ("town", "city", "suburb", "village", "locality", "address_3")
_TOWNS = ("Abber", "Bram", "Cald", "Dun", "Ecks", "Farn", "Gren", "Hart", "Kil", "Lang", "Mar", "Nor")
_ENDS = ("bury", "dale", "ford", "ham", "ley", "stow", "ton", "wick", "worth")
_CODES = 9  # that a state or another short code may have
_FORMER_KNOWN = 0.4  # of people whose family name was changed
_TOKEN_BYTES = 8  # of a number that nobody has
_FAR = 600_000  # metres


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Invented:
    """People who do not exist; an empty text where they have nothing.

    Parameters
    ----------
    given, middle, family, previous, sex, born, address, town, postcode : ndarray of str
        What they have.  Sex is ``f`` or ``m``, and a date is as ISO has it.
    home : ndarray of int64
        A number for each address: all else that depends on it follows from that.
    seed : int
        Where all else comes from that an agreement may ask for.
    """

    given: Objects
    middle: Objects
    family: Objects
    previous: Objects
    sex: Objects
    born: Objects
    address: Objects
    town: Objects
    postcode: Objects
    home: Rows
    seed: int

    @classmethod
    def draw(cls, number: int, seed: int) -> "Invented":
        """Draw people; the same seed gives the same.

        Examples
        --------
        >>> Invented.draw(5, seed=7)
        Invented(5 people)
        """
        people = population(number, seed).people
        held = {name: people[name].to_numpy(dtype=object, copy=True) for name in people.columns}
        _, home = np.unique(held["household_id"], return_inverse=True)
        towns = texts(begin + end for begin in _TOWNS for end in _ENDS)
        return cls(
            given=held["given_name"],
            middle=held["middle_name"],
            family=held["family_name"],
            previous=held["previous_family_name"],
            sex=texts(one.lower() for one in held["sex"]),
            born=held["date_of_birth"],
            address=held["address_line"],
            town=towns[np.random.default_rng(seed).integers(len(towns), size=number)[home]],
            postcode=held["postcode"],
            home=home.astype(np.int64),
            seed=seed,
        )

    def renamed(self, which: Mask, generator: np.random.Generator) -> "Invented":
        """Give some the family name of another; of some of these the former one is known."""
        other = self.family[generator.permutation(self.family.size)]
        known = which & (generator.random(which.size) < _FORMER_KNOWN)
        return replace(
            self,
            family=np.where(which, other, self.family),
            previous=np.where(known, self.family, np.where(which, "", self.previous)),
        )

    def respelt(self, which: Mask, generator: np.random.Generator) -> "Invented":
        """Spell the names of some in another way: a nickname, another romanisation, or a letter wrong."""
        given, family = self.given.copy(), self.family.copy()
        short = which & (generator.random(which.size) < 0.5)
        given[short] = nicknames().replace(given[short], generator)
        long = which & ~short
        given[long] = romanisations().replace(given[long], generator)
        family[which] = romanisations().replace(family[which], generator)
        for row in np.flatnonzero(which & (given == self.given) & (family == self.family)).tolist():
            given[row] = mistyped(given[row].lower(), generator)
        return replace(self, given=given, family=family)

    def moved(self, which: Mask, generator: np.random.Generator) -> "Invented":
        """Give some the address of another."""
        other = generator.permutation(len(self))
        return replace(
            self,
            address=np.where(which, self.address[other], self.address),
            town=np.where(which, self.town[other], self.town),
            postcode=np.where(which, self.postcode[other], self.postcode),
            home=np.where(which, self.home[other], self.home),
        )

    def without_address(self, which: Mask) -> "Invented":
        """Take the address from some."""
        return replace(
            self,
            address=np.where(which, "", self.address),
            town=np.where(which, "", self.town),
            postcode=np.where(which, "", self.postcode),
        )

    def __len__(self) -> int:
        return int(self.given.size)

    def __repr__(self) -> str:
        return f"Invented({len(self)} people)"


def columns_of(people: Invented, rules: Sequence[Field], passes: Sequence[Pass]) -> dict[str, TextColumn]:
    """Give people the fields of an agreement, as cleaning would.

    Parameters
    ----------
    people : Invented
        Who they are.
    rules : sequence of Field
        The rules of the fields.
    passes : sequence of Pass
        A field that alone makes an exact pass is a number that one person alone has.

    Examples
    --------
    >>> people = Invented.draw(3, seed=7)
    >>> column = columns_of(people, [SexField(name="sex")], [])["sex"]
    >>> set(column.to_texts()) <= {"f", "m"}
    True
    """
    own = own_numbers(rules, passes)
    return {
        rule.name: TextColumn.from_texts((_number if rule.name in own else _MADE[type(rule)])(people, rule))
        for rule in rules
    }


def _clean(values: Objects, rule: Field) -> list[str | None]:
    known = {value: rule.clean(value).text for value in set(values.tolist())}
    return [known[value] for value in values.tolist()]


def _of_field(people: Invented, rule: Field) -> np.random.Generator:
    """Give chance that belongs to the people and a field: the same for every custodian."""
    return np.random.default_rng([people.seed % 2**63, *rule.name.encode("ascii")])


def _name(people: Invented, rule: Field) -> list[str | None]:
    if any(word in rule.name for word in GIVEN_WORDS):
        values = people.given
    elif any(word in rule.name for word in MIDDLE_WORDS):
        values = people.middle
    elif any(word in rule.name for word in FORMER_WORDS):
        values = people.previous
    elif any(word in rule.name for word in SURNAME_WORDS):
        values = people.family
    else:
        values = people.given + " " + people.family
    return _clean(values, rule)


def _date(people: Invented, rule: Field) -> list[str | None]:
    return _clean(people.born, rule)


def _sex(people: Invented, _rule: Field) -> list[str | None]:
    return list(people.sex)


def _postcode(people: Invented, rule: Field) -> list[str | None]:
    if not isinstance(rule, PostcodeField) or rule.country == "uk":
        return _clean(people.postcode, rule)
    digits = _of_field(people, rule).integers(1000, 10_000, size=len(people))[people.home].tolist()
    return [str(one) if known else None for one, known in zip(digits, people.town, strict=True)]


def _text(people: Invented, rule: Field) -> list[str | None]:
    is_town = any(word in rule.name for word in TOWN_WORDS)
    return _clean(people.town if is_town else people.address, rule)


def _code(people: Invented, rule: Field) -> list[str | None]:
    drawn = _of_field(people, rule).integers(1, _CODES + 1, size=len(people))
    if not any(word in rule.name for word in PLACE_WORDS):
        return [f"c{one}" for one in drawn.tolist()]
    homes = zip(drawn[people.home].tolist(), people.town, strict=True)
    return [f"c{one}" if known else None for one, known in homes]


def _amount(people: Invented, rule: Field) -> list[str | None]:
    return [str(one) for one in _of_field(people, rule).integers(1, 200, size=len(people)).tolist()]


def _place(people: Invented, rule: Field) -> list[str | None]:
    drawn = _of_field(people, rule).integers(_FAR, size=(len(people), 2))[people.home].tolist()
    return [f"{x} {y}" if known else None for (x, y), known in zip(drawn, people.town, strict=True)]


def _number(people: Invented, rule: Field) -> list[str | None]:
    drawn = _of_field(people, rule).bytes(_TOKEN_BYTES * len(people)).hex()
    width = 2 * _TOKEN_BYTES
    return [drawn[begin : begin + width] for begin in range(0, len(drawn), width)]


_MADE: Mapping[type[Field], Callable[[Invented, Field], list[str | None]]] = {
    NameField: _name,
    TextField: _text,
    PostcodeField: _postcode,
    DateField: _date,
    SexField: _sex,
    HealthNumberField: _number,
    UpnField: _number,
    NumberField: _amount,
    PlaceField: _place,
    CodeField: _code,
}
