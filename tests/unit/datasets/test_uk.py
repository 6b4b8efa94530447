"""Fictitious people of the United Kingdom, and sources drawn from them."""

import re

import jellyfish
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pprl
from pprl.cleaning.dates import clean_date
from pprl.cleaning.identifiers import chi_parts, clean_health_number
from pprl.cleaning.names import clean_name
from pprl.cleaning.postcodes import clean_postcode
from pprl.datasets.uk import PRESETS, SOURCES, draw_source, population, true_pairs
from pprl.datasets.uk.healthnumbers import check_digits, nhs_numbers
from pprl.datasets.uk.misspelling import Variants, mistype, nicknames, romanisations
from pprl.datasets.uk.origins import forename_pools, surname_pools
from pprl.datasets.uk.population import COLUMNS, GROUPS, Population
from pprl.datasets.uk.tables import column, read, texts
from pprl.errors import UsageError

N_PEOPLE, SEED = 20_000, 7
MEASURED = PRESETS["measured"]
AGREED = (
    "record_id", "given_name", "family_name", "previous_family_name", "date_of_birth", "sex", "postcode",
    "health_number",
)  # fmt: skip


@pytest.fixture(scope="module")
def everybody():
    """A population."""
    return population(N_PEOPLE, SEED)


@pytest.fixture(scope="module")
def people(everybody):
    """Its table."""
    return everybody.people


@pytest.fixture(scope="module")
def hospital(everybody):
    """A source with the measured errors."""
    return draw_source(everybody, "hospital", "measured", SEED)


@pytest.fixture(scope="module")
def hard(everybody):
    """The same source with many errors."""
    return draw_source(everybody, "hospital", "hard", SEED)


def beside(source, everybody):
    """Each record beside the person it is of: columns of people end in `_true`."""
    who = source.truth[["record_id", "person_id"]]
    records = source.table.merge(who, on="record_id")
    return records.merge(everybody.people, on="person_id", suffixes=("", "_true"))


def assert_rate(rate, happened):
    """Assert that a rate is within five standard errors (a seed is fixed, so this never varies)."""
    n = len(happened)
    assert abs(happened.mean() - rate) <= 5 * np.sqrt(rate * (1 - rate) / n) + 1 / n


def differing(left, right, field):
    """For records of two sources that are one person and have both values: whether these differ."""
    pairs = true_pairs(left, right)
    values = [
        side.table.set_index("record_id")[field].loc[pairs[name]].to_numpy()
        for side, name in ((left, "left_id"), (right, "right_id"))
    ]
    both = (values[0] != "") & (values[1] != "")
    return (values[0] != values[1])[both]


def test_the_same_seed_gives_the_same_people_and_another_seed_others(people):
    """And the same sources."""
    again, other = population(N_PEOPLE, SEED).people, population(N_PEOPLE, SEED + 1).people

    pd.testing.assert_frame_equal(people, again)
    assert not (people["given_name"] == other["given_name"]).mean() > 0.5


@pytest.mark.parametrize("name", SOURCES)
def test_the_same_seed_gives_the_same_source_and_another_seed_another(name, everybody):
    """For every source."""
    one, two, other = (draw_source(everybody, name, "measured", seed) for seed in (SEED, SEED, SEED + 1))

    pd.testing.assert_frame_equal(one.table, two.table)
    pd.testing.assert_frame_equal(one.truth, two.truth)
    assert not one.truth["person_id"].equals(other.truth["person_id"])


@pytest.mark.parametrize("n", [1, 2, 3, 10])
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_tiny_populations_are_possible(n, seed):
    """Also if a source is empty then."""
    few = population(n, seed)
    sources = [draw_source(few, name, "hard", seed) for name in SOURCES]

    assert n == len(few.people)
    assert list(COLUMNS) == list(few.people.columns)
    assert all(list(AGREED) == list(source.table.columns[: len(AGREED)]) for source in sources)
    assert all(
        len(true_pairs(one, two)) <= len(one.table) * len(two.table) for one in sources for two in sources
    )


@pytest.mark.parametrize(("n", "seed"), [(0, 1), (-1, 1), (5_000_001, 1), (10, -1)])
def test_impossible_wishes_are_refused(n, seed):
    """With an error of ours."""
    with pytest.raises(UsageError):
        population(n, seed)


def test_unknown_sources_and_presets_are_refused():
    """With a hint, and without the word that was given."""
    few = population(10, 1)

    with pytest.raises(UsageError) as first:
        draw_source(few, "hospitl", "measured", 1)
    with pytest.raises(UsageError):
        draw_source(few, "hospital", "measurd", 1)
    assert first.value.hint == "did you mean 'hospital'?"


def test_the_representation_counts_and_shows_nobody(everybody, hospital):
    """Of populations and of sources."""
    assert "Population(20000 people)" == repr(everybody)
    assert re.fullmatch(r"Source\(hospital: \d+ records, \d+ people\)", repr(hospital))


def test_all_health_numbers_are_valid_and_no_two_are_equal(people):
    """By the library's own cleaning: NHS in England and Wales, CHI in Scotland, H&C in Northern Ireland."""
    cleaned = [clean_health_number(number).text for number in people["health_number"]]
    schemes = pd.Series(cleaned).str.partition(":")[0].to_numpy()
    expected = people["nation"].map(
        {
            "England": "nhs",
            "Wales": "nhs",
            "Scotland": "chi",
            "Northern Ireland": "hc",
        }
    )

    assert len(people) == len(set(cleaned))
    assert (expected == schemes).all()


def test_nhs_numbers_are_of_the_range_that_was_never_issued(people):
    """They begin with 999, while there are enough."""
    numbers = people.loc[people["nation"].isin(["England", "Wales"]), "health_number"]

    assert numbers.str.startswith("999").all()


def test_numbers_do_not_run_out():
    """More people than 999 has numbers get others of the synthetic range."""
    numbers = nhs_numbers(1_200_000, np.random.default_rng(1))

    assert 1_200_000 == len(set(numbers))
    assert min(numbers) > "9980000000"


def test_chi_numbers_fit_date_of_birth_and_sex(people):
    """As the scheme has it."""
    scots = people[people["nation"] == "Scotland"]
    parts = [chi_parts(f"chi:{number}") for number in scots["health_number"]]
    born = pd.to_datetime(scots["date_of_birth"]).dt.strftime("%d%m%y")

    assert list(born) == [part.ddmmyy for part in parts]
    assert list(scots["sex"].str.lower()) == [part.sex for part in parts]


@given(st.integers(0, 10**9 - 1))
def test_check_digits_are_those_of_the_library(number):
    """The array and the slow twin agree."""
    from pprl.cleaning.identifiers import check_digit

    assert check_digit(f"{number:09}") == check_digits(np.array([number]))[0]


def test_names_dates_and_postcodes_are_never_refused(people):
    """But for the pseudo-postcode of people of no fixed abode."""
    names = set(people["given_name"]) | set(people["family_name"])
    housed = people.loc[~people["no_fixed_abode"], "postcode"]

    assert [] == [name for name in names if not clean_name(name).text]
    assert all(clean_date(day, order="ymd").text == day for day in set(people["date_of_birth"]))
    assert all(clean_postcode(code).text for code in set(housed))
    assert {"ZZ99 3VZ"} == set(people.loc[people["no_fixed_abode"], "postcode"])


def test_every_name_of_every_pool_is_a_name():
    """Also those that are drawn once in a million."""
    pools = (*forename_pools(), *surname_pools())
    names = {name for pool in pools for name in pool.choices}

    assert [] == [name for name in names if not clean_name(name).text]
    assert all(len(pool.choices) > 5 for pool in pools)


def test_every_postcode_of_the_table_is_one():
    """The table is used whole."""
    assert all(clean_postcode(code).text == code for code in column(read("postcodes"), "postcode"))


def test_households_share_an_address(people):
    """One line, one postcode, one nation."""
    places = people[["household_id", "address_line", "postcode", "nation"]].drop_duplicates()

    assert places["household_id"].is_unique


def test_children_fit_their_parents_and_share_a_name(people):
    """A mother is 16 or older when her first child is born, siblings have one name at birth."""
    born = pd.to_datetime(people["date_of_birth"])
    families = people.assign(born=born).groupby("household_id")
    oldest = families["born"].transform("min")
    first = families.cumcount() == 0
    child = people["age_band"].isin(["0-4", "5-15"])
    mothers = born.where(first).groupby(people["household_id"]).transform("min")

    assert ((born - mothers)[child].dt.days > 16 * 365).all()
    assert ((born - oldest)[child].dt.days > 16 * 365).all()
    assert (families["family_name"].nunique()[people.loc[child, "household_id"].unique()] <= 3).all()
    assert people.loc[child, ["household_id", "family_name"]].drop_duplicates()["household_id"].is_unique


def test_there_are_twins_and_they_share_address_and_date_and_not_a_name(people):
    """About one birth in sixty-odd that has a sibling after it."""
    child = people[people["age_band"].isin(["0-4", "5-15"])]
    together = child.groupby(["household_id", "date_of_birth"])
    twins = child[together["person_id"].transform("size") > 1]

    assert len(twins) > 0
    assert twins[["household_id", "address_line"]].drop_duplicates()["household_id"].is_unique
    assert not twins.duplicated(["household_id", "date_of_birth", "given_name"]).any()


def test_women_change_their_names_more_often_than_men(people):
    """The former name is another, and is there for those who are said to be renamed."""
    renamed = people.groupby("sex")["renamed"].mean()

    assert 0.25 < renamed["F"] < 0.45
    assert renamed["M"] < 0.02
    assert (people["renamed"] == (people["previous_family_name"] != "")).all()
    assert (people["family_name"] != people["previous_family_name"]).all()


def test_groups_are_of_the_stated_sizes(people):
    """No fixed abode 0.2 %; the origins as in the table of origins, less outside England."""
    british = (people["ethnicity_group"] == "white-british").mean()

    assert_rate(0.002, people["no_fixed_abode"])
    assert 0.78 < british < 0.86
    assert set(range(1, 6)) == set(people["deprivation_quintile"])
    assert 7 == people["age_band"].nunique()


def test_names_go_with_sex_cohort_and_origin(people):
    """Nobody called Margaret was born after 1990 as often as before 1950."""
    year = people["date_of_birth"].str[:4].astype(int)
    margaret = people["given_name"] == "Margaret"

    assert margaret[year < 1950].mean() > 10 * margaret[year > 1990].mean()
    assert (people.loc[margaret, "sex"] == "F").all()
    assert (people.loc[people["family_name"] == "Kowalski", "ethnicity_group"] == "white-other").mean() > 0.5


def test_the_truth_is_consistent(everybody, hospital):
    """Every record has a person with its groups, and records of a pair are one person."""
    trust = draw_source(everybody, "mental_health_trust", "measured", SEED)
    pairs = true_pairs(trust, hospital)
    left = trust.truth.set_index("record_id")["person_id"]
    right = hospital.truth.set_index("record_id")["person_id"]
    known = everybody.people.set_index("person_id").loc[hospital.truth["person_id"], list(GROUPS)]

    assert (left.loc[pairs["left_id"]].to_numpy() == right.loc[pairs["right_id"]].to_numpy()).all()
    assert set(left) & set(right) == set(left.loc[pairs["left_id"]])
    assert hospital.table["record_id"].is_unique
    assert (known.reset_index(drop=True) == hospital.truth[list(GROUPS)]).all(axis=None)
    assert not pairs.duplicated().any()


def test_sources_overlap_more_than_by_chance(people, everybody, hospital):
    """Because people of some groups are in both."""
    trust = draw_source(everybody, "mental_health_trust", "measured", SEED)
    one, two = set(trust.truth["person_id"]), set(hospital.truth["person_id"])

    assert len(one & two) > 1.05 * len(one) * len(two) / len(people)


def test_presets_differ_in_errors_and_not_in_people(hospital, hard):
    """So what errors cost can be seen."""
    assert set(hospital.truth["person_id"]) == set(hard.truth["person_id"])


def test_measured_rates_hold_for_one_source(everybody, hospital):
    """Within binomial bounds of what `Rates` says."""
    seen = beside(hospital, everybody)
    dated, sexed = seen[seen["date_of_birth"] != ""], seen[seen["sex"] != ""]
    placed = seen[seen["postcode"] != ""]
    moved = 1 - (1 - MEASURED.moved) * (1 - MEASURED.postcode_typed)

    assert_rate(MEASURED.date, dated["date_of_birth"] != dated["date_of_birth_true"])
    assert_rate(MEASURED.sex, sexed["sex"] != sexed["sex_true"])
    assert_rate(moved, placed["postcode"] != placed["postcode_true"])
    assert_rate(MEASURED.no_postcode, seen["postcode"] == "")
    assert_rate(MEASURED.no_date, seen["date_of_birth"] == "")
    assert_rate(MEASURED.renamed, (seen["family_name"] == seen["previous_family_name_true"])[seen["renamed"]])
    assert_rate(MEASURED.repeated, hospital.truth["person_id"].duplicated())


def test_forenames_are_mistyped_at_the_measured_rate(everybody, hospital):
    """Seen in names that have no nickname and no other spelling, which would hide it."""
    seen = beside(hospital, everybody)
    varied = seen["given_name_true"].str.lower().isin([*nicknames().keys, *romanisations().keys])
    plain = seen[~varied & (seen["given_name"] != "")]
    names = zip(plain["given_name"], plain["given_name_true"], strict=True)
    typed = np.array([jellyfish.damerau_levenshtein_distance(one, two) == 1 for one, two in names])

    assert len(typed) > 1000
    assert_rate(MEASURED.given_typed, typed)


def test_two_sources_differ_as_was_measured(everybody):
    """Cardinal et al. 2023: date 0.49 %, sex 0.33 %, postcode 30 %; names by sex."""
    one, two = (draw_source(everybody, "hospital", "measured", seed) for seed in (1, 2))
    is_woman = one.truth.set_index("record_id")["sex"] == "F"
    pairs = true_pairs(one, two)
    women = is_woman.loc[pairs["left_id"]].to_numpy()
    names = [
        side.table.set_index("record_id")["family_name"].loc[pairs[key]].to_numpy()
        for side, key in ((one, "left_id"), (two, "right_id"))
    ]
    wholly = np.array(
        [
            "" not in {one, two} and jellyfish.damerau_levenshtein_distance(one.lower(), two.lower()) > 2
            for one, two in zip(*names, strict=True)
        ]
    )

    assert_rate(0.0049, differing(one, two, "date_of_birth"))
    assert_rate(0.0033, differing(one, two, "sex"))
    assert_rate(0.30, differing(one, two, "postcode"))
    assert_rate(0.0567, wholly[women])
    assert_rate(0.0134, wholly[~women])


def test_hard_errors_are_more_and_unequal(everybody, hospital, hard):
    """Migrants and renamed people have more of them; all have more than measured."""
    mild, bad = beside(hospital, everybody), beside(hard, everybody)
    missing = bad["postcode"] == ""
    migrant = missing.groupby(bad["migrant"]).mean()
    former = bad["family_name"] == bad["previous_family_name_true"]

    assert missing.mean() > 2 * (mild["postcode"] == "").mean()
    assert migrant[True] > 1.4 * migrant[False]
    assert former[bad["renamed"]].mean() > 3 * MEASURED.renamed


def test_people_of_no_fixed_abode_fare_worst_in_hard():
    """Their numbers are missing at three times the rate."""
    everybody = population(5000, SEED)
    homeless = everybody.people.assign(no_fixed_abode=np.arange(5000) % 2 == 0)
    source = draw_source(Population(homeless), "hospital", "hard", SEED)
    missing = source.table["health_number"] == ""
    by_group = missing.groupby(source.truth["no_fixed_abode"]).mean()

    assert by_group[True] > 2 * by_group[False]


def test_school_and_charity_have_no_health_numbers_to_speak_of(everybody):
    """As in life."""
    school, charity = (
        draw_source(everybody, name, "measured", SEED) for name in ("school_census", "charity")
    )

    assert (school.table["health_number"] == "").all()
    assert (charity.table["health_number"] == "").mean() > 0.85


def test_payloads_are_complete(everybody):
    """A diagnosis in the trust; an admission after birth and a chapter in the hospital."""
    trust, hospital = (
        draw_source(everybody, name, "measured", SEED) for name in ("mental_health_trust", "hospital")
    )
    seen = beside(hospital, everybody)

    assert {"F20", "F31"} <= set(trust.table["diagnosis"])
    assert (seen["admission_date"] >= seen["date_of_birth_true"]).all()
    assert (hospital.table["icd10_chapter"] != "").all()


@given(st.lists(st.text("abcDEFü -'", max_size=12), max_size=8), st.integers(0, 2**32))
def test_a_typing_error_changes_a_name_by_little(names, seed):
    """It never empties one, and an empty name stays so."""
    typed = mistype(texts(names), np.random.default_rng(seed))

    assert len(names) == len(typed)
    assert all(bool(one) == bool(other) for one, other in zip(names, typed, strict=True))
    assert all(abs(len(one) - len(other)) <= 1 for one, other in zip(names, typed, strict=True))
    assert all(one != other for one, other in zip(names, typed, strict=True) if one)


def test_variants_are_known_by_the_tables():
    """William is Bill; Mohammed is spelt in many ways; who has no variant stays."""
    rng = np.random.default_rng(1)
    william, mohammed = texts(["William"] * 50), texts(["Mohammed"] * 50)

    assert "Bill" in set(nicknames().replace(william, rng))
    assert len(set(romanisations().replace(mohammed, rng))) > 1
    assert ["Zyx"] == nicknames().replace(texts(["Zyx"]), rng).tolist()
    assert "Variants(1 names)" == repr(Variants.of([("a", "b")]))


def test_two_sources_link_with_the_preset_uk_health(key):
    """Encoded, linked and measured: precision above 0.95 and recall above 0.8."""
    everybody = population(25_000, SEED)
    agreement = pprl.Agreement.preset("uk-health")
    left, right = (
        draw_source(everybody, name, "measured", SEED) for name in ("mental_health_trust", "hospital")
    )
    packages = [
        pprl.encode(source.table.head(2000), agreement, key, id="record_id") for source in (left, right)
    ]
    within = [set(source.table["record_id"].head(2000)) for source in (left, right)]
    truth = [
        pair
        for pair in true_pairs(left, right).itertuples(index=False, name=None)
        if pair[0] in within[0] and pair[1] in within[1]
    ]

    quality = pprl.evaluate(pprl.link(*packages, agreement=agreement), truth)

    assert len(truth) > 100
    assert quality.precision > 0.95
    assert quality.recall > 0.8
