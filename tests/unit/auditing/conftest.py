"""Fictitious people of the United Kingdom, and passes over them."""

from functools import cache

import pytest

from pprl.cleaning.columns import clean_columns
from pprl.cleaning.fields import DateField, NameField, PostcodeField, SexField
from pprl.datasets.uk import population
from pprl.encoding.passes import FuzzyPass, PassField
from pprl.keys import LinkageKey
from pprl.model import TextColumn

RULES = (
    NameField(name="given_name", weight=140),
    NameField(name="family_name", weight=140),
    DateField(name="date_of_birth", order="ymd", weight=150),
    SexField(name="sex", weight=20),
    PostcodeField(name="postcode", country="uk", weight=90),
)


@cache
def people_of(n_people):
    """Cleaned columns of some people."""
    table = population(n_people, seed=7).people
    texts = {rule.name: TextColumn.from_texts(value or None for value in table[rule.name]) for rule in RULES}
    return {name: column.column for name, column in clean_columns(texts, RULES).items()}


@pytest.fixture
def people():
    """A function that gives so many people."""
    return people_of


@pytest.fixture
def rules():
    """The rules of their fields."""
    return RULES


@pytest.fixture
def key():
    """A key of these tests."""
    return LinkageKey(bytes(range(32))).for_project("audit", epoch=1)


@pytest.fixture
def fuzzy():
    """A function that gives a pass over names and date of birth, hardened or not."""

    def make(*hardening, n_bits=1024):
        uses = (
            PassField(field="given_name", bag="names", required=True),
            PassField(field="family_name", bag="names", required=True),
            PassField(field="date_of_birth"),
            PassField(field="sex"),
        )
        return FuzzyPass(name="all", fields=uses, n_bits=n_bits, hardening=hardening)

    return make
