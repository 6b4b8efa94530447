"""Suggestions: predictions are held against filters that are really hardened."""

import math
from decimal import Decimal

import numpy as np
import pytest

from pprl.agreement import Agreement
from pprl.cleaning.fields import DateField, NameField
from pprl.encoding.encoder import encode_passes
from pprl.encoding.errormodel import ErrorModel, corrupt
from pprl.encoding.hardening import Balance, Diffuse, Flip, XorFold
from pprl.encoding.passes import ExactPass, FuzzyPass, PassField
from pprl.encoding.prediction import (
    Aim,
    Pairs,
    Scores,
    allowed_tail,
    bias,
    harden_pairs,
    least_threshold,
    normal_tail,
    predicted_difference,
    predicted_fill,
)
from pprl.encoding.suggestion import (
    candidates,
    different_pairs,
    matching_pairs,
    spread,
    suggest_passes,
    t_of,
    token_counts,
)
from pprl.errors import UsageError
from pprl.keys import LinkageKey
from pprl.model import BitMatrix, TextColumn
from pprl.workflow import suggest

N = 1_000
FIELDS = (
    NameField(name="given_name", weight=120),
    NameField(name="surname", weight=120),
    DateField(name="born", order="ymd", weight=300),
)
CHAINS = [
    (),
    (Diffuse(t=2, n_bits=1024),),
    (Diffuse(t=3, n_bits=2048),),
    (Diffuse(t=5, n_bits=1024),),
    (XorFold(),),
    (Balance(),),
    (Flip(probability=Decimal("0.2")),),
]


def aimed(**changed):
    """The aim of these tests, changed."""
    return Aim(**{"bias": 0.1, "n_records": N, "false_share": 0.01, **changed})


AIM = aimed()


def fuzzy(*hardening):
    """One pass over all fields."""
    uses = (
        PassField(field="given_name", bag="names"),
        PassField(field="surname", bag="names"),
        PassField(field="born", required=True),
    )
    return FuzzyPass(name="all", fields=uses, n_bits=1024, threshold=Decimal("0.7"), hardening=hardening)


def some_key():
    """A key for one encoding."""
    return LinkageKey(bytes(range(32))).for_project("test", epoch=1)


@pytest.fixture(scope="module")
def twice():
    """Fictitious people, and the same people with many errors."""
    generator = np.random.default_rng(11)

    def words():
        lengths = generator.integers(3, 10, N)
        return ["".join(map(chr, generator.integers(97, 123, length))) for length in lengths]

    born = [f"{1930 + generator.integers(70)}-{1 + k % 12:02}-{1 + k % 28:02}" for k in range(N)]
    columns = {
        name: TextColumn.from_texts(texts)
        for name, texts in (("given_name", words()), ("surname", words()), ("born", born))
    }
    often = ErrorModel(
        name_typing=0.4, surname_changed_women=0.2, surname_changed_men=0.2, date_wrong=0.2, missing=0
    )
    return columns, corrupt(columns, FIELDS, often, generator)


def encode_twice(twice, one):
    """Encode both copies under a new key."""
    key = some_key()
    return tuple(encode_passes(columns, FIELDS, [one], key)["all"] for columns in twice)


@pytest.mark.parametrize("chain", CHAINS)
def test_hardened_filters_have_the_predicted_fill_and_difference(twice, chain):
    """Means over 1,000 records and 1,024 bits of another key: within 0.01, some standard errors."""
    before, after = encode_twice(twice, fuzzy()), encode_twice(twice, fuzzy(*chain))
    pairs, hardened = matching_pairs(*before), matching_pairs(*after)

    fill = predicted_fill(chain, pairs.left).mean()
    differing = predicted_difference(chain, pairs.differing).mean()

    assert pytest.approx(hardened.left.mean(), abs=0.01) == fill
    assert pytest.approx(hardened.differing.mean(), abs=0.01) == differing


@pytest.mark.parametrize("chain", CHAINS)
def test_hardened_filters_have_the_predicted_similarity(twice, chain):
    """Mean and spread of one person's pairs and of two people's, and the share above a threshold."""
    before, after = encode_twice(twice, fuzzy()), encode_twice(twice, fuzzy(*chain))
    everyone = np.random.default_rng(1)
    predicted = [matching_pairs(*before), different_pairs(before[0], everyone)]
    measured = [matching_pairs(*after), different_pairs(after[0], everyone)]

    for pairs, hardened in zip(predicted, measured, strict=True):
        scores = harden_pairs(chain, pairs, 1024)
        found = Scores(hardened.dice(), np.zeros_like(hardened.differing), hardened.weight)

        assert pytest.approx(found.moments(), abs=0.012) == scores.moments()
        assert pytest.approx(found.share_from(0.7), abs=0.03) == scores.share_from(0.7)


@pytest.mark.parametrize("chain", [*CHAINS[1:4], CHAINS[-1]])
def test_the_spread_of_one_pair_over_keys_is_the_predicted_one(chain):
    """Two filters with a difference of 0.4, hardened 400 times."""
    generator = np.random.default_rng(3)
    rows = generator.random((2, 1024)) < 0.45
    rows[1, :600] = rows[0, :600]
    bits = encode_rows(rows)
    pairs = pairs_of(rows)

    found = [dice(chain[0](bits, some_key().derive(str(n))).to_bools()) for n in range(400)]
    scores = harden_pairs(chain, pairs, 1024)

    assert pytest.approx(np.mean(found), abs=0.01) == scores.mean[0]
    assert pytest.approx(np.std(found), rel=0.35) == scores.deviation[0]


def encode_rows(rows):
    """Give rows of booleans as bits."""
    return BitMatrix.from_bools(rows)


def pairs_of(rows):
    """Describe the one pair of two rows."""
    one = np.ones(1)
    return Pairs(one * (rows[0] ^ rows[1]).mean(), one * rows[0].mean(), one * rows[1].mean(), one)


def dice(rows):
    """Give the Dice similarity of two rows."""
    return 2 * (rows[0] & rows[1]).sum() / rows.sum()


def test_bias_falls_with_the_power_of_t():
    """To |1 - 2f| ** t, on both sides of a half."""
    fill = np.array([0.3, 0.7])

    assert np.allclose([0.4**3, 0.4**3], bias((Diffuse(t=3, n_bits=1024),), fill))


def test_balance_does_not_count_as_less_bias():
    """It hides the length and leaks as much similarity."""
    assert np.allclose([0.4], bias((Balance(),), np.array([0.3])))


def test_filters_without_a_bit_have_no_similarity_to_divide_by():
    """No warning, and no number that is none."""
    nothing = np.zeros(1)

    for chain in CHAINS:
        scores = harden_pairs(chain, Pairs(nothing, nothing, nothing, np.ones(1)), 1024)

        assert np.isfinite([*scores.mean, *scores.deviation]).all()


@pytest.mark.parametrize("z", [-3.0, 0.0, 0.5, 2.0, 6.0, 8.0])
def test_the_tail_of_the_normal_distribution_is_right_far_out(z):
    """Relative error below 2 in 10 million."""
    assert pytest.approx(math.erfc(z / math.sqrt(2)) / 2, rel=2e-7) == float(normal_tail(np.array([z]))[0])


def test_the_allowed_tail_leaves_the_share_that_was_asked_for():
    """Over n - 1 wrong partners of one record."""
    tail = allowed_tail(AIM)

    assert pytest.approx(AIM.false_share) == 1 - (1 - tail) ** (AIM.n_records - 1)


def test_the_threshold_is_the_least_that_keeps_to_the_tail():
    """One step less lets more through; a similarity of exactly 1 cannot be kept out."""
    others = Scores(np.linspace(0.2, 0.7, 1000), np.zeros(1000), np.full(1000, 0.001))
    found = least_threshold(others, 0.01)

    assert others.share_from(found) <= 0.01 < others.share_from(found - 0.01)
    assert least_threshold(Scores(np.ones(2), np.zeros(2), np.full(2, 0.5)), 0.01) is None


def test_pairs_of_different_people_stand_for_all_of_them(twice):
    """Weights add up to 1, nobody meets themselves, and the mean is that of all pairs."""
    encoded, _ = encode_twice(twice, fuzzy())
    bits = encoded.bits.to_bools()
    every = np.array([(bits[i] ^ bits[i + 1 :]).mean(axis=1).sum() for i in range(N - 1)]).sum() / (
        N * (N - 1) / 2
    )

    pairs = different_pairs(encoded, np.random.default_rng(2))

    assert pytest.approx(1) == pairs.weight.sum()
    assert pairs.differing.min() > 0
    assert pytest.approx(every, abs=0.002) == pairs.weight @ pairs.differing


def test_tokens_of_a_bag_are_counted_once():
    """Ann Ann has the tokens of Ann, and a missing date has none."""
    columns = {
        "given_name": TextColumn.from_texts(["ann", "ann"]),
        "surname": TextColumn.from_texts(["ann", "lee"]),
        "born": TextColumn.from_texts([None, "1990-02-11"]),
    }

    assert [4, 4 + 4 + 7] == token_counts(columns, FIELDS, fuzzy()).tolist()


def test_chains_fit_filters_of_every_length():
    """The longest filter is not made longer, and an odd one is not folded."""
    assert {65536, 32768} == {step.out_bits(65536) for chain in candidates(65536) for step in chain}
    assert not [chain for chain in candidates(1023) if XorFold() in chain]


def test_the_least_diffusion_within_the_bound_is_marked(twice):
    """All lengths with that t, none with a smaller one that attacks left, and the agreed chain by itself."""
    agreed = Diffuse(t=7, n_bits=1024)
    found = suggest_passes(
        *twice,
        FIELDS,
        [fuzzy(agreed)],
        some_key(),
        aim=aimed(bias=0.001),
        generator=np.random.default_rng(1),
    )
    rows = found.passes[0].predictions
    within = [t_of(row.steps) for row in rows if t_of(row.steps) >= 4 and row.bias_high <= 0.001]

    assert {min(within)} == {t_of(row.steps) for row in rows if row.suggested}
    assert [1024, 2048] == [row.n_bits for row in rows if row.suggested]
    assert [(agreed,)] == [row.steps for row in rows if row.agreed]


def test_predicted_recall_is_met_by_another_key(twice):
    """At the predicted threshold, within 0.03; wrong partners stay near their share."""
    found = suggest_passes(*twice, FIELDS, [fuzzy()], some_key(), aim=AIM, generator=np.random.default_rng(1))
    rows = {row.steps: row for row in found.passes[0].predictions}

    for chain in [(Diffuse(t=2, n_bits=1024),), (Diffuse(t=3, n_bits=2048),), (XorFold(),)]:
        matches = matching_pairs(*encode_twice(twice, fuzzy(*chain))).dice()

        assert pytest.approx((matches >= rows[chain].threshold).mean(), abs=0.03) == rows[chain].recall


def test_a_pass_with_few_records_is_left_out(twice):
    """Fewer than a hundred people would be described one by one."""
    few = {name: TextColumn.from_texts(column.to_texts()[:99]) for name, column in twice[0].items()}

    found = suggest_passes(
        few, few, FIELDS, [fuzzy()], some_key(), aim=AIM, generator=np.random.default_rng(1)
    )

    assert ((), ("all",)) == (found.passes, found.left_out)


def test_a_spread_counts_by_weight():
    """A value of nearly all the weight is all quantiles."""
    found = spread(np.array([0.0, 1.0]), np.array([0.01, 0.99]))

    assert (1.0, 1.0, 1.0) == (found.low, found.median, found.high)


@pytest.mark.parametrize("changed", [{"bias": 0.0}, {"bias": 1.0}, {"n_records": 1}, {"false_share": 0.0}])
def test_an_aim_out_of_range_is_refused(changed):
    """By name."""
    with pytest.raises(UsageError, match="wanted"):
        aimed(**changed)


def test_an_agreement_of_exact_passes_has_nothing_to_harden(febrl, people):
    """And says so."""
    exact = ExactPass(name="e", fields=("surname", "postcode"), differing="says-nothing")
    fields = tuple(rule for rule in febrl.fields if rule.name in {"surname", "postcode"})
    agreement = Agreement(project="p", epoch=1, fields=fields, passes=(exact,), matching=febrl.matching)

    with pytest.raises(UsageError, match="no fuzzy pass"):
        suggest(people, agreement)
