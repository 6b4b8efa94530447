"""Pattern mining: bits that are always set together are the bits of one token."""

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from pprl.auditing.itemsets import beyond_chance, longest_set, packed_columns
from pprl.auditing.patterns import (
    PatternMining,
    judge_patterns,
    nearest_alone,
    token_groups,
    true_columns,
)
from pprl.auditing.scenes import NOBODY, carry_out, scene_of
from pprl.auditing.tokentables import token_table
from pprl.auditing.views import plain_twin
from pprl.encoding.encoder import encode_passes
from pprl.encoding.hardening import Diffuse
from pprl.errors import UsageError
from pprl.model import BitMatrix

N = 1000


@pytest.fixture
def scene(people, rules, key, fuzzy):
    """A function that makes a scene of plain CLKs (m = 1,024, k = 10), hardened or not."""

    def make(*hardening):
        one = msgspec.structs.replace(plain_twin(fuzzy()), hardening=hardening)
        return scene_of(people(N), rules, [one], key, overlap=1, noise=None, leaked=0, seed=1)

    return make


def found_in(scene, fuzzy, key):
    """The patterns of a scene, held against the truth."""
    patterns = PatternMining().patterns(scene, np.random.default_rng(1))
    return judge_patterns(patterns, true_columns(plain_twin(fuzzy()), key, scene.known_tokens))


def test_columns_of_frequent_tokens_are_found_in_plain_filters(scene, fuzzy, key):
    """Nine columns in ten are right, for at least twenty groups of tokens."""
    quality = found_in(scene(), fuzzy, key)

    assert quality.precision >= 0.9
    assert quality.n_patterns >= 20
    assert quality.recall > 0.7


def test_nothing_is_found_after_diffusion(scene, fuzzy, key):
    """With t = 5 no set of columns is longer than chance has it."""
    quality = found_in(scene(Diffuse(t=5, n_bits=1024)), fuzzy, key)

    assert (0, 0, 0.0) == (quality.n_patterns, quality.n_claimed, quality.precision)


def test_people_are_known_by_the_tokens_that_filters_show(scene):
    """Though every filter is unique, most people are told; after diffusion nobody."""
    plain, diffused = (
        carry_out(PatternMining(), scene(*hardening), seed=1)
        for hardening in ((), (Diffuse(t=5, n_bits=1024),))
    )

    assert plain.share > 0.5
    assert (0, 0) == (diffused.n_right, diffused.n_guessed)


def test_a_seed_gives_the_same_patterns(scene):
    """Chance comes from the generator alone."""
    one, again = (PatternMining(n_tokens=5).patterns(scene(), np.random.default_rng(4)) for _ in range(2))

    assert [each.columns.tolist() for each in one] == [each.columns.tolist() for each in again]


def test_true_columns_are_those_that_the_encoder_sets(people, rules, key, fuzzy):
    """The union of a record's tokens is its filter."""
    one = plain_twin(fuzzy())
    table = token_table(people(20), rules, one)
    bits = encode_passes(people(20), rules, [one], key)["all"].bits.to_bools()

    columns = true_columns(one, key, table)

    expected = [set(np.flatnonzero(row).tolist()) for row in bits]
    ends = zip(table.indptr[:-1], table.indptr[1:], strict=True)
    assert expected == [
        set().union(*(columns[token] for token in table.indices[start:stop])) for start, stop in ends
    ]


def test_true_columns_need_bits_per_token(people, rules, key, fuzzy):
    """Where a field's bits are shared out, a token has other columns in each record."""
    with pytest.raises(UsageError, match="bits_per_token"):
        true_columns(fuzzy(), key, token_table(people(5), rules, fuzzy()))


BITS = some.arrays(np.bool_, some.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9))


@given(BITS, st.integers(1, 5), st.data())
def test_sets_are_grown_column_by_column(bits, least, data):
    """The twin grows sets of columns with sets of records."""
    n = bits.shape[1]
    free = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    records = {
        j: frozenset(np.flatnonzero(bits[:, j])) for j in range(n) if free[j] and bits[:, j].sum() >= least
    }
    best, best_count = [], 0
    for seed, having in records.items():
        taken, common = [seed], having
        while True:
            others = [j for j in records if j not in taken]
            nearest = max(others, key=lambda j: (len(common & records[j]), -j), default=None)
            if nearest is None or len(common & records[nearest]) < least:
                break
            taken.append(nearest)
            common &= records[nearest]
        if (len(taken), len(common)) > (len(best), best_count):
            best, best_count = taken, len(common)

    found = longest_set(packed_columns(BitMatrix.from_bools(bits)), free, least)

    assert sorted(best) == found.tolist()
    assert not longest_set(
        packed_columns(BitMatrix.from_bools(bits)), free, least, at_least=len(best) + 1
    ).size


@given(st.integers(0, 50))
def test_planted_tokens_are_found_as_by_trying_all_sets(seed):
    """Where a token sets five columns, the longest of all sets that are frequent enough is found."""
    generator = np.random.default_rng(seed)
    bits = generator.random((200, 11)) < 0.2
    columns = generator.permutation(11)[:5]
    bits[np.ix_(generator.random(200) < 0.4, columns)] = True
    least = int(0.9 * bits[:, columns].all(axis=1).sum())

    found = longest_set(packed_columns(BitMatrix.from_bools(bits)), np.ones(11, dtype=bool), least)

    sets = (chosen for size in range(1, 12) for chosen in itertools.combinations(range(11), size))
    longest = max(len(chosen) for chosen in sets if bits[:, chosen].all(axis=1).sum() >= least)
    assert longest == found.size
    assert set(columns.tolist()) <= set(found.tolist())


def test_what_shuffled_columns_show_too_is_no_set():
    """A set must be longer, by three columns, than the longest by chance."""
    generator = np.random.default_rng(1)
    coins = generator.random((100, 64)) < 0.5
    shuffled = packed_columns(BitMatrix.from_bools(generator.permuted(coins, axis=0)))
    free = np.ones(64, dtype=bool)

    by_chance = beyond_chance(packed_columns(BitMatrix.from_bools(coins)), shuffled, free, 10, at_least=1)
    coins[:, :9] = coins[:, :1]
    planted = beyond_chance(packed_columns(BitMatrix.from_bools(coins)), shuffled, free, 40, at_least=1)

    assert 0 == by_chance.size
    assert list(range(9)) == planted.tolist()


def test_tokens_of_the_same_records_are_one_group(people, rules, fuzzy):
    """The twin compares each frequent token with those more frequent that lead a group."""
    table = token_table(people(200), rules, fuzzy())
    held = table.to_csr().toarray() > 0
    shares = held.mean(axis=0)

    found = token_groups(table, least=0.03, most=0.9)

    leaders, expected = [], {}
    for token in sorted(np.flatnonzero((shares >= 0.03) & (shares <= 0.9)), key=lambda token: -shares[token]):
        alike = [
            leader
            for leader in leaders
            if (held[:, leader] & held[:, token]).sum() >= 0.95 * (held[:, leader] | held[:, token]).sum()
        ]
        if not alike:
            leaders.append(token)
        expected.setdefault(alike[0] if alike else token, []).append(token)
    assert [sorted(expected[leader]) for leader in leaders] == [sorted(group.tolist()) for group in found]


@given(some.arrays(np.bool_, (4, 3)), some.arrays(np.bool_, (5, 3)))
def test_the_nearest_record_is_guessed_if_it_is_alone(shown, has):
    """The twin counts differing tokens."""
    expected = []
    for row in shown:
        apart = [int((row != other).sum()) for other in has]
        expected.append(apart.index(min(apart)) if apart.count(min(apart)) == 1 else NOBODY)

    assert expected == nearest_alone(shown, has).tolist()


@pytest.mark.parametrize("options", [{"n_tokens": 0}, {"least_share": 0.9, "most_share": 0.5}, {"slack": 1}])
def test_impossible_options_are_refused(options):
    """Shares are between 0 and 1, in order."""
    with pytest.raises(UsageError):
        PatternMining(**options)
