"""Tokens: what two values share says how alike they are."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.cleaning.multiple import joined
from pprl.encoding.markov import SUCCESSORS
from pprl.encoding.tokens import (
    DateNeighbourhood,
    DateParts,
    Exact,
    MarkovBigrams,
    NumberNeighbourhood,
    Phonetic,
    PlaceNeighbourhood,
    PostcodeParts,
    QGrams,
    cut,
)

dates = st.dates(min_value=dt.date(1800, 1, 1)).map(lambda date: date.isoformat())


@given(st.integers(0, 9), st.integers(-400, 400), st.integers(-400, 400))
def test_overlap_of_numbers_falls_linearly_with_distance(reach, one, other):
    """And is nothing beyond twice the reach (Vatsalan & Christen 2016)."""
    near = NumberNeighbourhood(step=Decimal(1), reach=reach)

    shared = set(near(str(one))) & set(near(str(other)))

    assert max(0, 2 * reach + 1 - abs(one - other)) == len(shared)


@given(st.integers(0, 6), st.integers(0, 40))
def test_overlap_of_days_falls_with_distance(reach, days):
    """Besides what their parts share."""
    near = DateNeighbourhood(step=1, reach=reach)
    one, other = "1980-06-01", dt.date(1980, 6, 1 + days % 28).isoformat()

    shared = {token for token in set(near(one)) & set(near(other)) if token.startswith("n")}

    assert max(0, 2 * reach + 1 - days % 28) == len(shared)


def test_a_swap_of_day_and_month_is_survived():
    """By the token in order of size, and the year."""
    near = DateNeighbourhood(step=1, reach=1)

    shared = set(near("1990-02-11")) & set(near("1990-11-02"))

    assert {"y1990", "s2-11"} == shared


@given(st.integers(-50, 50), st.integers(-50, 50))
def test_overlap_of_places_is_that_of_their_squares(east, north):
    """Five by five squares, moved by whole squares."""
    near = PlaceNeighbourhood(step=10, reach=2)

    shared = set(near("0 0")) & set(near(f"{10 * east} {10 * north}"))

    assert max(0, 5 - abs(east)) * max(0, 5 - abs(north)) == len(shared)


def test_neighbours_in_a_sector_share_all_but_the_postcode():
    """Sector, district, area."""
    parts = PostcodeParts()

    assert {"SW1A 1", "SW1A", "SW"} == set(parts("SW1A 1AA")) & set(parts("SW1A 1AB"))


@pytest.mark.parametrize(
    ("algorithm", "alike"),
    [
        ("metaphone", ("smith", "smyth")),
        ("nysiis", ("catherine", "katherine")),
        ("soundex", ("smith", "smyth")),
    ],
)
def test_names_that_sound_alike_share_a_code(algorithm, alike):
    """Each word by itself; other scripts stand for themselves."""
    sound = Phonetic(algorithm=algorithm)

    assert sound(alike[0]) == sound(alike[1])
    assert set(sound("smith jones")) == {*sound("smith"), *sound("jones")}
    assert ("мария",) == sound("мария")


@given(st.lists(st.sampled_from(["smith", "jones", "obrien", "mac"]), min_size=1, max_size=4))
def test_several_values_have_the_tokens_of_each(values):
    """In any order and number."""
    expected = {token for value in values for token in QGrams()(value)}

    assert tuple(sorted(expected)) == cut(QGrams(), joined(values))


@given(dates)
def test_every_date_can_be_cut(date):
    """Tokens are distinct and sorted, whatever the tokeniser."""
    for tokens in (DateParts(), DateNeighbourhood(step=7, reach=2), Exact()):
        found = cut(tokens, date)
        assert tuple(sorted(set(found))) == found


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz жé", max_size=12), st.integers(1, 8))
def test_a_language_model_adds_bigrams_and_takes_none_away(value, extra):
    """Each begins with the letter that another bigram ends with; more extra means more."""
    bigrams = set(QGrams()(value))

    some, more = (set(MarkovBigrams(extra=n)(value)) for n in (extra, 8))

    assert bigrams <= some <= more
    assert {token[0] for token in some - bigrams} <= {token[1] for token in bigrams}


def test_the_language_model_knows_how_names_go_on():
    """An s begins a name as often as any letter, and q is followed by u."""
    assert "s" in SUCCESSORS[" "]
    assert SUCCESSORS["q"].startswith("u")
    assert {8} == {len(letters) for letter, letters in SUCCESSORS.items() if letter not in "jq"}
