"""Frequency alignment: the most frequent filter is the most frequent name."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some

from pprl.auditing.frequency import (
    FrequencyAlignment,
    as_alike,
    extended,
    paired,
    value_quality,
)
from pprl.auditing.scenes import NOBODY, judge, scene_of
from pprl.auditing.values import distinct_filters, distinct_values
from pprl.auditing.views import plain_twin
from pprl.encoding.hardening import Diffuse
from pprl.encoding.passes import FuzzyPass, PassField
from pprl.errors import UsageError
from pprl.model import BitMatrix

SURNAMES = plain_twin(
    FuzzyPass(name="s", fields=(PassField(field="family_name", required=True),), n_bits=1024, hardening=())
)


@pytest.fixture
def attacked(people, rules, key):
    """A function that attacks the surnames of some people."""

    def attack(how, *hardening, n_people=2000, **options):
        one = msgspec.structs.replace(SURNAMES, hardening=hardening)
        said = {"overlap": 1.0, "noise": None, "leaked": 0, "seed": 1, **options}
        scene = scene_of(people(n_people), rules, [one], key, **said)
        guess = how(scene, np.random.default_rng(1))
        return judge(how, scene, guess, cpu_seconds=0.0, extra=value_quality(scene, guess))

    return attack


def test_the_most_frequent_surnames_are_found(attacked):
    """Of field-level filters of 2,000 people the ten most frequent names are told, and most others."""
    found = attacked(FrequencyAlignment())

    assert 1.0 == found.extra["top"]
    assert 0 == found.extra["values wrong"]
    assert found.share > 0.9
    assert found.n_right == found.n_guessed


def test_what_pairs_explain_tells_rarer_names(attacked):
    """Names that one person alone has are told by the bits of frequent ones."""
    paired_only, further = (attacked(FrequencyAlignment(extend=extend)) for extend in (False, True))

    assert further.extra["values right"] > paired_only.extra["values right"]


def test_diffusion_hides_no_frequency(attacked):
    """Equal names have equal filters after diffusion too: a field alone is never to be sent."""
    found = attacked(FrequencyAlignment(), Diffuse(t=5, n_bits=1024))

    assert found.n_right > 0
    assert found.extra["top"] > 0


def test_unique_filters_give_no_frequency(people, rules, key, fuzzy):
    """Where each record is alone with its filter there is nothing to align."""
    scene = scene_of(people(300), rules, [fuzzy()], key, overlap=1, noise=None, leaked=0, seed=1)

    guess = FrequencyAlignment()(scene, np.random.default_rng(1))

    assert (guess == NOBODY).all()


def test_an_attacker_with_other_people_finds_fewer(attacked):
    """Frequencies of a half-strange file differ; the most frequent names are found all the same."""
    same, other = (
        attacked(FrequencyAlignment(tolerance=t), n_people=5000, overlap=o) for t, o in ((0, 1.0), (2, 0.5))
    )

    assert other.share < same.share
    assert 1.0 == other.extra["top"]


@given(some.arrays(np.bool_, (12, 4)))
def test_distinct_filters_are_counted(bits):
    """The twin counts rows as texts."""
    found = distinct_filters(BitMatrix.from_bools(bits))

    texts = ["".join("01"[bit] for bit in row) for row in bits.astype(int)]
    counts = [texts.count(texts[row]) for row in found.first]
    assert found.counts.tolist() == counts == sorted(counts, reverse=True)
    assert [texts[found.first[value]] for value in found.value] == texts
    assert [texts.index(texts[row]) for row in found.first] == found.first.tolist()


@given(some.arrays(np.bool_, (4, 5)))
def test_pairs_fit_each_other_alone(fits):
    """The twin looks for filters with one value that has one filter."""
    nothing = np.zeros((4, 3), dtype=bool), np.zeros((5, 3), dtype=bool)

    found = paired(*nothing, fits, None)

    expected = []
    for row in range(4):
        values = [value for value in range(5) if fits[row, value]]
        alone = len(values) == 1 and fits[:, values[0]].sum() == 1
        expected.append(values[0] if alone else NOBODY)
    assert expected == found.tolist()


@given(some.arrays(np.bool_, (4, 64)), some.arrays(np.bool_, (3, 5)), st.integers(1, 20))
def test_alike_filters_share_the_bits_of_common_tokens(bits, tokens, per_token):
    """The twin expects for each pair the bits of common tokens, and those that meet by chance."""
    asked = per_token * tokens.sum(axis=1).astype(np.float64)

    found = as_alike(bits, tokens, asked, 1, 2)

    for row, value in np.ndindex(4, 3):
        common = per_token * int((tokens[value] & tokens[2]).sum())
        in_common = 64 * (1 - math.exp(-common / 64))
        one, other = (1 - math.exp(-(asked[each] - common) / 64) for each in (value, 2))
        by_chance = max((64 - in_common) * one * other, 0)
        off = abs(int((bits[row] & bits[1]).sum()) - in_common - by_chance)
        bound = 4 * math.sqrt(by_chance) + 2
        assert abs(off - bound) < 1e-6 or found[row, value] == (off < bound)


def test_the_right_value_is_hardly_ever_ruled_out(people, rules, key):
    """Filters of surnames share about as many bits with the commonest one as is expected."""
    scene = scene_of(people(1000), rules, [SURNAMES], key, overlap=1, noise=None, leaked=0, seed=1)
    values = distinct_values([scene.known_tokens])
    order = np.argsort(scene.partner)
    bits = scene.encoded.to_bools()[order][values.first]  # for each value its filter
    tokens = scene.known_tokens.to_csr().toarray()[values.first] > 0

    alike = as_alike(bits, tokens, scene.known_tokens.asked()[values.first], 0, 0)

    assert np.diag(alike).mean() > 0.99
    assert alike.mean() < 0.9


def slowly_extended(bits, tokens, value_of):
    """What pairs explain, with sets of tokens and of bits."""
    n_values, n_tokens = tokens.shape
    pairs = [
        (set(np.flatnonzero(bits[row])), set(np.flatnonzero(tokens[value])))
        for row, value in enumerate(value_of)
        if value != NOBODY
    ]
    everywhere = set(range(bits.shape[1]))
    can = {
        token: everywhere.intersection(*(ones for ones, held in pairs if token in held))
        for token in range(n_tokens)
        if any(token in held for _, held in pairs)
    }
    does = {token: set() for token in can}
    for ones, held in pairs:
        for bit in ones:
            able = [token for token in held if bit in can[token]]
            if len(able) == 1:
                does[able[0]].add(bit)
    found = list(value_of)
    for row, value in enumerate(value_of):
        ones = set(np.flatnonzero(bits[row]))
        fitting = [
            other
            for other in range(n_values)
            if other not in set(value_of)
            and tokens[other].any()
            and all(token in can and can[token] for token in np.flatnonzero(tokens[other]))
            and ones <= set().union(*(can[token] for token in np.flatnonzero(tokens[other])))
            and set().union(*(does[token] for token in np.flatnonzero(tokens[other]))) <= ones
        ]
        if value == NOBODY and len(fitting) == 1:
            found[row] = fitting[0]
    return found


@given(
    st.lists(st.sets(st.integers(0, 4), min_size=1), min_size=4, max_size=7, unique_by=frozenset),
    st.integers(1, 4),
    st.integers(0, 9),
)
def test_further_values_are_those_that_fit(values, n_paired, seed):
    """The twin keeps sets of bits for each token; filters are honest unions of tokens' bits."""
    generator = np.random.default_rng(seed)
    positions = generator.random((5, 16)) < 0.25
    tokens = np.array([[token in value for token in range(5)] for value in values])
    bits = np.array([positions[list(value)].any(axis=0) for value in values])
    value_of = np.array([row if row < n_paired else NOBODY for row in range(len(values))])

    found = extended(bits, tokens, value_of)

    assert slowly_extended(bits, tokens, value_of.tolist()) == found.tolist()


@pytest.mark.parametrize("options", [{"least_count": 0}, {"tolerance": -1}])
def test_impossible_options_are_refused(options):
    """A count is at least 1, a tolerance at least 0."""
    with pytest.raises(UsageError):
        FrequencyAlignment(**options)
