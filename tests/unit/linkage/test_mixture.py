"""Mixture: probabilities without decoys, from what pairs exclude and from known strangers."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import PolicyError, UsageError
from pprl.linkage.evidence import Evidence
from pprl.linkage.mixture import Strangers, mixture_weights, strangers_within
from pprl.linkage.parts import PassRule
from pprl.linkage.rescoring import winners
from pprl.linkage.separating import Records, rising_log_ratio
from pprl.linkage.weighing import logistic
from pprl.model import BitMatrix, CheckTags, EncodedDataset, Provenance

MIDDLE, SPREAD = 0.5, 0.02  # of the likeness of two strangers


def drawn_pairs(rng, n_left, n_right, n_matches, *, family=0.02, least=2.0):
    """Pairs between two fictitious sources, those worth a look, and whether they are matches.

    Likeness in two passes that share fields; some pairs of strangers are of one family, and
    some values are missing.
    """
    left, right = (side.ravel() for side in np.indices((n_left, n_right)))
    match = (left == right) & (left < n_matches)
    related = ~match & (rng.random(left.size) < family / n_right)
    centre = np.where(match, 11.0, np.where(related, 6.0, 0.0))
    both = rng.normal(size=left.size)
    unit = [centre * (1 + match * rng.normal(0, 0.15, left.size)) + 0.7 * both for _ in range(2)]
    unit = [one + 0.7 * rng.normal(size=left.size) for one in unit]
    worth = np.flatnonzero(np.maximum(*unit) > least)
    likeness = {name: MIDDLE + SPREAD * one[worth] for name, one in zip(("all", "some"), unit, strict=True)}
    likeness["some"][rng.random(worth.size) < 0.1] = np.nan
    return Evidence(left[worth], right[worth], likeness, {}, ()), match[worth]


def strangers_of(rng, n_records):
    """Pairs within a source."""
    evidence, _ = drawn_pairs(rng, n_records, n_records, 0)
    return Strangers(
        evidence.take(np.flatnonzero(evidence.left < evidence.right)), n_records * (n_records - 1) / 2
    )


def unrelated(rng):
    """Pairs drawn by chance."""
    likeness = {name: rng.normal(MIDDLE, SPREAD, 5000) for name in ("all", "some")}
    rows = np.arange(5000)
    return Evidence(rows, rows, likeness, {}, ())


def modelled(seed, n_left=400, n_right=500, n_matches=200, **options):
    """A model, and the truth of its pairs."""
    rng = np.random.default_rng(seed)
    evidence, match = drawn_pairs(rng, n_left, n_right, n_matches)
    within = [strangers_of(rng, n) for n in (n_left, n_right)]
    once = {"left_once": True, "right_once": True, "within": within} | options
    return evidence, match, mixture_weights(evidence, unrelated(rng), n_left, n_right, **once)


def links_of(evidence, model, least=0.5):
    """Pairs that are the best of both their records and likely enough, in order."""
    best = np.flatnonzero(winners(evidence.left, evidence.right, model.weight))
    return model.in_order(best[model.probability[best] >= least])


@pytest.mark.parametrize("n_matches", [20, 200, 380])
def test_probabilities_keep_what_they_promise(n_matches):
    """Where few, half or nearly all have a partner, expected and true precision are near."""
    evidence, match, model = modelled(1, n_matches=n_matches)

    links = links_of(evidence, model)
    expected = model.expect(links)

    assert expected.low <= match[links].mean() <= expected.high
    assert abs(model.n_matches - n_matches) < 0.15 * n_matches + 3
    assert match[links].sum() > 0.85 * n_matches


@pytest.mark.parametrize("once", [{}, {"left_once": False}, {"right_once": False}])
def test_partners_alone_tell_where_many_have_one(once):
    """Without known strangers, and where only one side has at most one partner."""
    evidence, match, model = modelled(2, n_matches=300, within=(), **once)

    links = links_of(evidence, model)

    assert match[links].mean() > 0.97
    assert match[links].sum() > 250


@given(st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_no_record_has_more_than_one_partner_in_all(seed, n_matches):
    """Probabilities are from 0 to 1, add up to one partner at most, and rise with the log odds."""
    evidence, _, model = modelled(seed, 60, 70, n_matches)

    for rows in (evidence.left, evidence.right):
        assert np.bincount(rows, model.probability).max(initial=0) <= 1.01
    assert ((model.probability >= 0) & (model.probability <= 1)).all()
    assert (np.diff(model.log_odds[np.argsort(model.weight, kind="stable")]) >= -1e-9).all()
    assert model.n_matches <= 60


def test_where_nobody_has_a_partner_hardly_any_link_is_made():
    """All pairs are of strangers and families; a few of these look like one person."""
    evidence, _, model = modelled(3, n_matches=0)

    assert links_of(evidence, model).size <= 8


def test_an_equal_value_is_evidence_and_no_proof():
    """Equal numbers raise a pair; a mistyped number does not make two strangers one."""
    rng = np.random.default_rng(4)
    evidence, match = drawn_pairs(rng, 400, 400, 200, least=1.5)
    equal = np.where(match, 1, -1).astype(np.int8)
    mistyped = np.flatnonzero(~match)[:3]
    equal[mistyped] = 1
    unequal = Evidence(np.arange(5000), np.arange(5000), {}, {"number": np.full(5000, -1, np.int8)}, ())
    chance = Evidence(unequal.left, unequal.right, unrelated(rng).likeness, unequal.equality, ())
    pairs = Evidence(evidence.left, evidence.right, evidence.likeness, {"number": equal}, ())

    model = mixture_weights(pairs, chance, 400, 400, left_once=True, right_once=True)

    assert model.probability[match].mean() > 0.95
    assert model.probability[mistyped].max() < 0.9


def test_the_same_evidence_gives_the_same_model():
    """Draws are seeded."""
    _, _, one = modelled(5)
    _, _, other = modelled(5)

    assert one.probability.tolist() == other.probability.tolist()
    assert one.drawn.tolist() == other.drawn.tolist()


def test_a_target_takes_as_many_links_as_it_can():
    """The precision expected of them reaches it, and with one more would not."""
    evidence, _, model = modelled(6)
    links = links_of(evidence, model, least=0.0)

    n_links = model.n_reaching(links, 0.95)
    expected = model.expected_precision(links)

    assert 0 < n_links < links.size
    assert expected[n_links - 1] >= 0.95 > expected[n_links]
    assert model.expect(links[:n_links]).precision == pytest.approx(expected[n_links - 1])


def test_nothing_known_nothing_told():
    """Neither a source that holds each person once, nor strangers."""
    evidence, _ = drawn_pairs(np.random.default_rng(0), 20, 20, 10)

    with pytest.raises(PolicyError, match="nothing tells a match from a non-match") as error:
        mixture_weights(evidence, evidence, 20, 20, left_once=False, right_once=False)

    assert "policy/nothing-known" == error.value.code


def test_pairs_name_records_that_there_are():
    """A number of records that is too small is a mistake."""
    evidence, _ = drawn_pairs(np.random.default_rng(0), 20, 20, 10)

    with pytest.raises(UsageError, match="n_right: got 5"):
        mixture_weights(evidence, evidence, 20, 5, left_once=True, right_once=True)


def test_no_pairs_no_links():
    """An empty model, of which nothing is expected."""
    some, _ = drawn_pairs(np.random.default_rng(0), 5, 5, 0)
    nothing = some.take(np.zeros(0, dtype=np.int64))

    model = mixture_weights(nothing, nothing, 0, 0, left_once=True, right_once=True)

    assert 0 == len(model)
    assert 0 == model.expect(np.zeros(0, dtype=np.int64)).n_links


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12))
def test_the_ratio_rises_as_the_slow_twin_says(rows):
    """Levels are the pooled neighbours of which the lower has the greater share."""
    weight, matches, others = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    weight += np.arange(len(rows)) / 1000
    others += 0.01

    log_ratio, level = rising_log_ratio(weight, matches, others)

    order = np.argsort(weight)
    assert (np.diff(log_ratio[order]) >= -1e-9).all()
    assert pooled_by_hand(matches[order], others[order]) == pytest.approx(
        np.array(
            [matches[level == one].sum() / (matches + others)[level == one].sum() for one in level[order]]
        ),
        abs=1e-6,
    )


def pooled_by_hand(matches, others):
    """The slow twin: the largest, over beginnings, of the least mean up to an end (min-max formula)."""
    total = matches + others
    n = len(total)
    return [
        max(
            min(matches[start : end + 1].sum() / total[start : end + 1].sum() for end in range(place, n))
            for start in range(place + 1)
        )
        for place in range(n)
    ]


def test_a_pair_that_counts_twice_is_two_pairs():
    """In the regression that weighs the passes."""
    features = np.column_stack([np.ones(4), [0.0, 1.0, 2.0, 3.0]])
    share, times = np.array([0.0, 0.2, 0.7, 1.0]), np.array([1, 2, 1, 3])

    once = logistic(features, share, times.astype(float))
    twice = logistic(np.repeat(features, times, axis=0), np.repeat(share, times), np.ones(7))

    assert once == pytest.approx(twice)


def test_a_source_is_compared_with_itself():
    """Each pair of two records once, and none of a record with itself."""
    bits = BitMatrix.from_bools(np.array([[1, 1, 0, 0]] * 3 + [[0] * 4], dtype=bool))
    source = EncodedDataset(
        record_ids=np.array([b"a", b"b", b"c", b"d"]),
        passes={"names": bits},
        present={"names": np.array([True, True, True, False])},
        project="study",
        epoch=1,
        fingerprint="0" * 64,
        check_tags=CheckTags(key="a" * 32, encoder="b" * 32),
        provenance=Provenance(software="test 1", unicode_version="14.0.0"),
    )

    strangers = strangers_within(source, [PassRule("names", Decimal("0.7"))])

    assert {(0, 1), (0, 2), (1, 2)} == set(
        zip(strangers.evidence.left.tolist(), strangers.evidence.right.tolist(), strict=True)
    )
    assert 6 == strangers.n_pairs


def test_matches_are_bounded_by_the_sides_that_have_one_partner():
    """The smaller of those; all pairs where there is none."""
    assert 3 == Records(3, 5, (True, True)).most_matches()
    assert 5 == Records(3, 5, (False, True)).most_matches()
    assert 15 == Records(3, 5, (False, False)).most_matches()
