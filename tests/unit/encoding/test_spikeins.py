"""Spike-ins: the same people at every custodian, each with errors of its own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pprl.cleaning.fields import (
    CodeField,
    DateField,
    HealthNumberField,
    NameField,
    NumberField,
    PlaceField,
    PostcodeField,
    SexField,
    TextField,
    UpnField,
)
from pprl.encoding.errormodel import ErrorModel
from pprl.encoding.invented import Invented, columns_of
from pprl.encoding.passes import ExactPass
from pprl.encoding.spikeins import CHANGES, FEWEST, SpikeIns, with_spike_ins
from pprl.errors import AgreementError
from pprl.model import TextColumn

RULES = (
    NameField(name="given_name"),
    NameField(name="middle_name"),
    NameField(name="family_name"),
    NameField(name="previous_family_name"),
    NameField(name="whole_name"),
    DateField(name="date_of_birth", order="ymd"),
    SexField(name="sex"),
    TextField(name="address"),
    TextField(name="suburb"),
    PostcodeField(name="postcode", country="uk"),
    PostcodeField(name="zip", country="any"),
    CodeField(name="state"),
    NumberField(name="house"),
    PlaceField(name="home"),
    HealthNumberField(name="health_number"),
    UpnField(name="upn", legal_basis="fictitious"),
    CodeField(name="staff_number"),
)
PASSES = (ExactPass(name="staff", fields=("staff_number",), differing="says-nothing"),)
NONE = ErrorModel(**{name: 0.0 for name in ErrorModel.__struct_fields__ if name != "missing"})


def columns(n_records: int, missing: float = 0.0) -> dict[str, TextColumn]:
    """A file in which a share of all values is missing."""
    n_missing = round(missing * n_records)
    texts = [None] * n_missing + [f"x{i}" for i in range(n_records - n_missing)]
    return {rule.name: TextColumn.from_texts(texts) for rule in RULES}


def made(
    n_records: int = 300,
    people: int = 7,
    copy: int = 1,
    errors: ErrorModel = NONE,
    missing: float = 0.0,
    **options,
) -> tuple[dict[str, list[str | None]], np.ndarray]:
    """Give the spike-ins of a file, and all numbers."""
    both, numbers = with_spike_ins(
        columns(n_records, missing),
        np.ones(n_records, dtype=bool),
        RULES,
        PASSES,
        SpikeIns(**options),
        errors,
        people,
        np.random.default_rng(copy),
    )
    return {name: column.to_texts()[n_records:] for name, column in both.items()}, numbers


def test_records_come_first_and_each_spike_in_once():
    """Numbered from 1."""
    _, numbers = made(300, number=100)

    assert [0] * 300 + list(range(1, 101)) == numbers.tolist()


def test_two_custodians_draw_the_same_people():
    """Without changes and errors their copies are equal."""
    one, _ = made(copy=1, number=50, changes=())
    other, _ = made(copy=2, n_records=900, number=50, changes=())

    assert one == other


def test_another_seed_gives_other_people():
    """So another secret does."""
    one, _ = made(people=7, number=50, changes=())
    other, _ = made(people=8, number=50, changes=())

    assert one["health_number"] != other["health_number"]
    assert one["date_of_birth"] != other["date_of_birth"]


def test_errors_are_each_custodians_own():
    """The same at one, others at another."""
    again = [made(copy=copy, errors=ErrorModel(), number=200)[0] for copy in (1, 1, 2)]

    assert again[0] == again[1]
    assert again[0] != again[2]


def test_a_small_file_has_the_first_of_them():
    """So that two files have those of the smaller in common."""
    small, numbers = made(20, number=1000, changes=())
    large, _ = made(2000, number=1000, changes=())

    assert FEWEST == int((numbers > 0).sum())
    assert {name: values[:FEWEST] for name, values in large.items()} == small


def test_an_empty_file_has_none():
    """There is nobody to be told from."""
    assert 0 == SpikeIns().number_for(0)


def test_numbers_are_unique():
    """Also of a field that makes an exact pass by itself."""
    spike_ins, _ = made(number=100, changes=())

    for name in ("health_number", "upn", "staff_number"):
        assert 100 == len(set(spike_ins[name]))


def test_values_are_as_cleaning_gives_them():
    """Of every kind of field but numbers that nobody has."""
    people = Invented.draw(200, seed=5)

    made_columns = columns_of(people, RULES, PASSES)

    for rule in RULES:
        if rule.name not in {"health_number", "upn"}:
            values = set(made_columns[rule.name].to_texts()) - {None}
            assert values
            assert {rule.clean(value).text for value in values} == values


@settings(max_examples=10)
@given(missing=st.floats(0, 0.9))
def test_values_are_missing_as_often_as_in_the_file(missing):
    """Numbers among them: or they would make everything easy."""
    spike_ins, _ = made(1000, missing=missing, number=1000, changes=())

    share = np.mean([value is None for value in spike_ins["health_number"]])
    assert share == pytest.approx(missing, abs=0.06)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ("address", ("address", "suburb", "postcode", "zip", "state", "home")),
        ("family-name", ("family_name",)),
        ("spelling", ("given_name", "family_name")),
    ],
)
def test_a_change_shows_in_three_pairs_out_of_four(change, fields):
    """And in no pair that is not prone to it."""
    spike_ins = SpikeIns(number=1000, changes=(change,))
    one, other = (made(1000, copy=copy, number=1000, changes=(change,))[0] for copy in (1, 2))

    prone = np.array([bool(spike_ins.strata[i % len(spike_ins.strata)]) for i in range(1000)])
    differs = np.array([any(one[name][i] != other[name][i] for name in fields) for i in range(1000)])
    assert 0.6 < differs[prone].mean() < 0.85
    assert not differs[~prone].any()


def test_typing_makes_more_errors():
    """Of the kinds that the agreement has."""
    typing = SpikeIns(changes=("typing",)).strata
    one, other = (
        made(1000, copy=c, number=1000, changes=("typing",), errors=ErrorModel())[0] for c in (1, 2)
    )

    prone = np.array([bool(typing[i % len(typing)]) for i in range(1000)])
    differs = np.array([one["given_name"][i] != other["given_name"][i] for i in range(1000)])
    assert differs[prone].mean() > 2 * differs[~prone].mean()


def test_every_combination_of_changes_occurs():
    """The ordinary ones most often."""
    strata = SpikeIns().strata

    assert 2 ** len(CHANGES) == len(set(strata))
    assert strata.count(()) == max(strata.count(one) for one in strata)


def test_a_change_named_twice_is_refused():
    """It would shift all strata."""
    with pytest.raises(AgreementError):
        SpikeIns(changes=("typing", "typing"))
