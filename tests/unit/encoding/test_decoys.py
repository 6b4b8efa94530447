"""Decoys: people who do not exist, recombined from a custodian's own records."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.cleaning.fields import DateField, HealthNumberField, NameField, PostcodeField, SexField
from pprl.encoding.decoys import FEWEST_RECORDS, Decoys, with_decoys
from pprl.encoding.donors import NOBODY, Sharing, at_home, born_near, relatives
from pprl.encoding.passes import ExactPass
from pprl.errors import AgreementError
from pprl.model import TextColumn

RULES = (
    NameField(name="given_name"),
    NameField(name="family_name"),
    DateField(name="date_of_birth", order="ymd"),
    SexField(name="sex"),
    PostcodeField(name="postcode", country="uk"),
    HealthNumberField(name="health_number"),
)
PASSES = (ExactPass(name="health_number", fields=("health_number",), differing="says-nothing"),)


def people(n_records: int, seed: int = 1) -> dict[str, list[str | None]]:
    """Draw records; families of two share family name and postcode, some values are missing."""
    rng = np.random.default_rng(seed)
    family = [f"f{rng.integers(12)}" for _ in range(n_records)]
    place = [f"AB1 {i // 2}CD" for i in range(n_records)]
    for one in range(1, n_records, 2):
        family[one] = family[one - 1]
    sex = [("f", "m", None)[rng.choice(3, p=[0.45, 0.45, 0.1])] for _ in range(n_records)]
    return {
        "given_name": [f"{one or 'u'}{rng.integers(9)}" for one in sex],
        "family_name": family,
        "date_of_birth": [
            None
            if rng.random() < 0.05
            else f"19{rng.integers(40, 99)}-0{rng.integers(1, 9)}-1{rng.integers(9)}"
            for _ in range(n_records)
        ],
        "sex": sex,
        "postcode": [None if rng.random() < 0.1 else one for one in place],
        "health_number": [None if rng.random() < 0.3 else f"9{i:09d}" for i in range(n_records)],
    }


def columns(texts: dict[str, list[str | None]]) -> dict[str, TextColumn]:
    return {name: TextColumn.from_texts(values) for name, values in texts.items()}


def made(n_records: int = 300, seed: int = 1, **options) -> tuple[dict[str, list[str | None]], np.ndarray]:
    both, decoy = with_decoys(
        columns(people(n_records)), RULES, PASSES, Decoys(**options), np.random.default_rng(seed)
    )
    return {name: column.to_texts() for name, column in both.items()}, decoy


def test_records_come_first_and_unchanged():
    """Decoys follow them."""
    texts, decoy = made(least=100)

    assert not decoy[:300].any()
    assert decoy[300:].all()
    assert {name: values[:300] for name, values in texts.items()} == people(300)


def test_a_decoy_is_nobody():
    """None has the names and the date of a record, nor anybody's number."""
    texts, _decoy = made(least=3000)
    whole = list(zip(texts["given_name"], texts["family_name"], texts["date_of_birth"], strict=True))
    numbers = [number for number in texts["health_number"] if number]

    assert not set(whole[300:]) & set(whole[:300])
    assert len(numbers) == len(set(numbers))


def test_numbers_of_decoys_look_like_numbers():
    """As alike as others are, where a pass compares them by their parts; but nobody can have one."""
    texts, _decoy = made(least=500)
    numbers = [number for number in texts["health_number"][300:] if number]

    assert numbers
    assert all(len(one) == 10 and one.count("*") == 1 for one in numbers)
    assert all(one.replace("*", "").isdigit() for one in numbers)


def test_relatives_keep_family_name_and_address_of_one_record():
    """And are as far apart in age as relatives in the file."""
    texts, _ = made(least=500, relatives=1.0)
    homes = set(zip(texts["family_name"][:300], texts["postcode"][:300], strict=True))

    assert set(zip(texts["family_name"][300:], texts["postcode"][300:], strict=True)) <= homes


def test_strangers_live_anywhere():
    """Their family names and addresses are of different records, mostly."""
    texts, _ = made(least=500, relatives=0.0)
    homes = set(zip(texts["family_name"][:300], texts["postcode"][:300], strict=True))
    together = [
        home in homes for home in zip(texts["family_name"][300:], texts["postcode"][300:], strict=True)
    ]

    assert np.mean(together) < 0.3


def test_values_stay_as_common_as_they_are():
    """Family names of strangers have the frequencies of the file."""
    texts, _ = made(least=30_000, most=30_000, relatives=0.0)
    names, counts = np.unique(texts["family_name"][:300], return_counts=True)
    of_decoys = np.array([texts["family_name"][300:].count(name) for name in names])

    assert np.allclose(counts / 300, of_decoys / of_decoys.sum(), atol=0.02)


def test_given_names_fit_sexes():
    """A name and a sex are lent together."""
    texts, _ = made(least=2000)

    assert all(
        name is None or sex is None or name[0] == sex
        for name, sex in zip(texts["given_name"][300:], texts["sex"][300:], strict=True)
        if name and name[0] in "fm"
    )


def test_the_same_chance_makes_the_same_decoys():
    """So that a table can be encoded again."""
    assert made(seed=3)[0] == made(seed=3)[0]
    assert made(seed=3)[0] != made(seed=4)[0]


def test_a_file_too_small_makes_none():
    """Of a few records, people recombined would be themselves."""
    assert 0 == Decoys().number(FEWEST_RECORDS - 1)
    assert Decoys().least == Decoys().number(FEWEST_RECORDS)


@pytest.mark.parametrize(
    "wrong", [{"least": 10, "most": 5}, {"relatives": 1.5}, {"relatives": -0.1}], ids=str
)
def test_bounds_are_checked(wrong):
    """With the path of the mistake."""
    with pytest.raises(AgreementError, match=r"decoys\."):
        Decoys(**wrong)


@given(st.lists(st.integers(-1, 5), min_size=1, max_size=40), st.integers(0, 2**32 - 1))
def test_others_have_the_same_key(keys, seed):
    """And are other records, unless there is none."""
    keys = np.array(keys)
    rows = np.arange(keys.size)

    found = Sharing.of(keys).others(rows, np.random.default_rng(seed))

    assert (keys[found] == keys).all()
    alone = np.array([np.sum(keys == key) == 1 or key < 0 for key in keys])
    assert (found[alone] == rows[alone]).all()


@given(st.lists(st.integers(-1, 90_000), min_size=1, max_size=60), st.integers(0, 2**32 - 1))
def test_dates_are_near(days, seed):
    """Among the fifty nearest in order of birth, and missing where missing was wanted, if any is."""
    days = np.array(days)

    found = born_near(days, days, np.random.default_rng(seed))

    for wanted, row in zip(days, found, strict=True):
        between = np.sum((days > min(wanted, days[row])) & (days < max(wanted, days[row])) & (days >= 0))
        assert between <= 50
        assert (wanted < 0) == (days[row] < 0)


def test_given_names_come_from_people_of_like_origin():
    """Two groups that share no name do not lend to each other."""
    given_name = np.array([0, 1, 2, 0, 1, 2] * 5 + [10, 11, 12, 10, 11, 12] * 5)
    family = np.array([0, 1, 0, 1, 0, 1] * 5 + [5, 6, 5, 6, 5, 6] * 5)
    rows = np.arange(60)
    none = np.full(60, NOBODY)

    found = at_home(rows, given_name, family, none, none, np.random.default_rng(1))

    assert (found != NOBODY).all()
    assert ((found < 30) == (rows < 30)).all()


def test_relatives_share_name_and_address():
    """And have names of their own; missing is not shared."""
    one, other = relatives(
        np.array([1, 1, 1, 2, -1, -1]), np.array([7, 7, 7, 7, 7, 7]), np.array([1, 2, 2, 3, 4, 5])
    )

    assert {(0, 1), (1, 0), (0, 2), (2, 0)} == set(zip(one.tolist(), other.tolist(), strict=True))
