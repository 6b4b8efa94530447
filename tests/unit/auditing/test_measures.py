"""Leakage measures, beside those of a plain CLK."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from pprl.auditing.measures import joint_leakage, leakage, pass_leakage, rounded_profiles, unique_share
from pprl.auditing.similarities import filter_dice
from pprl.auditing.tokentables import token_table
from pprl.auditing.views import plain_twin
from pprl.auditing.vulnerabilities import KINDS, led_to, neighbourhood, vulnerabilities
from pprl.encoding.encoder import encode_passes
from pprl.encoding.hardening import Balance, Diffuse
from pprl.encoding.passes import FuzzyPass, PassField
from pprl.errors import DataError, UsageError

N = 300
T5 = Diffuse(t=5, n_bits=1024)
SIMILARITIES = st.integers(2, 9).flatmap(
    lambda n: some.arrays(np.int64, (n, n), elements=st.integers(0, 8)).map(
        lambda values: ((values + values.T) / 16).astype(np.float32)
    )
)


def test_diffusion_hides_what_a_plain_filter_shows(people, rules, key, fuzzy):
    """On the same people every measure of a plain CLK is worse, or no better."""
    found = pass_leakage(people(N), rules, fuzzy(T5), key)

    agreed, plain = found.agreed, found.plain
    assert plain.rho > 0.8
    assert abs(agreed.rho) < 0.1
    assert agreed.rho_top < plain.rho_top
    assert agreed.bits.gini < plain.bits.gini / 5
    assert agreed.bits.divergence < plain.bits.divergence / 5
    assert agreed.columns.strong < plain.columns.strong
    assert plain.weight_by_length > 0.9
    assert all(agreed.vulnerable[kind] <= plain.vulnerable[kind] for kind in KINDS)


def test_balancing_hides_the_length_alone(people, rules, key, fuzzy):
    """All filters are as heavy then, and similarities tell nearly as much as before."""
    found = pass_leakage(people(N), rules, plain_like(fuzzy(Balance())), key)

    assert 0 == found.agreed.weight_deviation
    assert 0 == found.agreed.unique_weights
    assert found.agreed.rho > 0.6


def plain_like(one):
    """A pass hashed as its plain twin, with its own hardening."""
    return FuzzyPass(name=one.name, fields=plain_twin(one).fields, n_bits=1024, hardening=one.hardening)


def test_a_plain_pass_is_its_own_twin(people, rules, key, fuzzy):
    """Without hardening both columns of the table are equal."""
    found = pass_leakage(people(50), rules, plain_twin(fuzzy()), key)

    assert found.agreed == found.plain


def test_passes_of_one_record_tell_more_than_one(people, rules, key, fuzzy):
    """Similarities of several passes add up, and records become more unique."""
    one = fuzzy(Diffuse(t=2, n_bits=1024))
    more = (*one.fields, PassField(field="postcode"))
    other = FuzzyPass(name="other", fields=more, n_bits=1024, hardening=one.hardening)

    found = joint_leakage(people(N), rules, [one, other], key)

    assert ("all", "other") == found.agreed.names
    assert found.agreed.rho > found.agreed.rho_best
    assert found.agreed.rho < found.plain.rho
    assert found.agreed.unique_weights > pass_leakage(people(N), rules, one, key).agreed.unique_weights


def test_one_pass_together_is_that_pass(people, rules, key, fuzzy):
    """Joint leakage of a single pass is what it leaks."""
    alone = pass_leakage(people(N), rules, fuzzy(), key).agreed
    joint = joint_leakage(people(N), rules, [fuzzy()], key).agreed

    expected = [
        alone.unique_weights,
        alone.unique_profiles,
        alone.rho,
        alone.rho_top,
        alone.rho,
        alone.rho_top,
    ]
    found = [
        joint.unique_weights,
        joint.unique_profiles,
        joint.rho,
        joint.rho_top,
        joint.rho_best,
        joint.rho_top_best,
    ]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_too_few_records_are_refused(people, rules, key, fuzzy):
    """Two records have one pair, of which nothing can be told."""
    with pytest.raises(DataError, match="at least 3 records"):
        pass_leakage(people(2), rules, fuzzy(), key)


def test_other_records_are_refused(people, rules, key, fuzzy):
    """A table in clear and filters must be of the same records."""
    bits = encode_passes(people(10), rules, [fuzzy()], key)["all"].bits

    with pytest.raises(UsageError, match="as many records"):
        leakage(token_table(people(11), rules, fuzzy()), bits)


def test_no_pass_is_refused(people, rules, key):
    """There is nothing to look at together."""
    with pytest.raises(UsageError, match="at least one pass"):
        joint_leakage(people(10), rules, [], key)


@given(some.arrays(np.int64, (9, 2), elements=st.integers(0, 2)))
def test_unique_rows_are_counted(rows):
    """The twin compares each row with each other."""
    alone = [not any((rows[i] == rows[j]).all() for j in range(9) if j != i) for i in range(9)]

    np.testing.assert_allclose(unique_share(rows), np.mean(alone))


@given(SIMILARITIES)
def test_profiles_are_rounded_to_hundredths(similarity):
    """The twin sorts the others of each row and rounds the first five."""
    found = rounded_profiles(similarity)

    rows = similarity.astype(np.float64)
    expected = [
        [round(value * 100) for value in sorted(np.delete(row, i), reverse=True)[:5]]
        for i, row in enumerate(rows)
    ]
    assert np.abs(np.array(expected) - found).max() <= 1  # halves may go either way


PROPERTIES = some.arrays(np.int64, (7, 2), elements=st.integers(0, 3)).map(
    lambda array: array.astype(np.float64)
)


@given(PROPERTIES, PROPERTIES, st.integers(1, 7))
def test_a_property_leads_to_whom_few_are_nearer(clear, encoded, k):
    """The twin ranks by counting, and counts who is as near as the own row."""

    def ranks(column):
        return [sum(column < one) + sum(column == one) / 2 for one in column]

    left, right = (np.column_stack([ranks(column) for column in side.T]) / 7 for side in (clear, encoded))
    n_right = 0
    for i in range(7):
        distances = [float(((right[i] - left[j]) ** 2).sum()) for j in range(7)]
        n_right += sum(distance <= distances[i] + 1e-9 for distance in distances) <= k

    np.testing.assert_allclose(led_to(clear, encoded, k=k), n_right / 7)


@given(SIMILARITIES)
def test_a_neighbourhood_is_that_of_the_graph(similarity):
    """The twin keeps edges in sets."""
    n = len(similarity)
    pairs = list(itertools.combinations(range(n), 2))
    least = sorted((similarity[pair] for pair in pairs), reverse=True)[max(int(0.01 * len(pairs)), 1) - 1]
    beside = [{j for j in range(n) if j != i and similarity[i, j] >= least} for i in range(n)]
    expected = [
        [
            len(mine),
            sum(float(similarity[i, j]) for j in mine) / max(len(mine), 1),
            sum(len(beside[j]) for j in mine) / max(len(mine), 1),
            sum(two in beside[one] for one, two in itertools.combinations(mine, 2)),
        ]
        for i, mine in enumerate(beside)
    ]

    np.testing.assert_allclose(neighbourhood(similarity), expected, rtol=1e-5)


def test_vulnerabilities_are_made_of_the_matrices_that_are_given(people, rules, key, fuzzy):
    """Similarities made before give what similarities made anew give."""
    table = token_table(people(60), rules, fuzzy())
    bits = encode_passes(people(60), rules, [fuzzy()], key)["all"].bits

    given_before = vulnerabilities(table, bits, in_clear=table.dice(), encoded=filter_dice(bits))

    assert vulnerabilities(table, bits) == given_before
