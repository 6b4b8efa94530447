"""Deciding: links with probabilities, and a precision that decoys tell."""

import dataclasses
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pprl.comparison.pairwise import dice_of
from pprl.linkage import PassRule, rescoring
from pprl.linkage.deciding import decide
from pprl.linkage.evidence import asked, gather, unrelated
from pprl.linkage.precision import Population, PrecisionCurve, probabilities
from pprl.linkage.rescoring import equality_of, rescored, winners
from pprl.linkage.target import Target
from pprl.model import BitMatrix, CheckTags, EncodedDataset, Provenance

RULES = (
    PassRule("number", None),
    PassRule("names", Decimal("0.7")),
    PassRule("dates", Decimal("0.7")),
)
_BITS = {"number": 128, "names": 256, "dates": 256}


def two_sides(
    *, n_both: int, n_alone: int, n_decoys: int, noise: float = 0.1, near: float = 0.0, seed: int = 1
) -> tuple[EncodedDataset, EncodedDataset]:
    """Draw two sides; record i < n_both of each is the same person.

    Parameters
    ----------
    noise : float
        Share of bits in which two records of a person differ, on average; it varies from
        person to person.
    near : float
        Share of people alone on a side, and of decoys, who are half like someone of a common pool.
    """
    rng = np.random.default_rng(seed)
    people = {name: rng.random((n_both, n_bits)) < 0.5 for name, n_bits in _BITS.items()}
    pool = {name: rng.random((40, n_bits)) < 0.5 for name, n_bits in _BITS.items()}
    errors = rng.gamma(2, noise / 2, n_both)
    return tuple(_side(rng, people, pool, errors, n_alone, n_decoys, near, prefix) for prefix in "ab")


def _side(rng, people, pool, errors, n_alone, n_decoys, near, prefix) -> EncodedDataset:
    n_both = errors.size
    n_records = n_both + n_alone + n_decoys
    like = rng.integers(40, size=n_alone + n_decoys)
    is_near = rng.random(n_alone + n_decoys) < near
    bits, present = {}, {}
    for name, n_bits in _BITS.items():
        others = rng.random((n_alone + n_decoys, n_bits)) < 0.5
        if name != "number":
            share = rng.random(others.shape) < 0.45
            others = np.where(is_near[:, None] & share, pool[name][like], others)
        flips = rng.random((n_both, n_bits)) < (errors[:, None] / 2 if name != "number" else 0)
        rows = np.vstack([people[name] ^ flips, others])
        present[name] = rng.random(n_records) < (0.3 if name == "number" else 0.9)
        rows[~present[name]] = False
        bits[name] = BitMatrix.from_bools(rows)
    decoy = np.arange(n_records) >= n_both + n_alone
    return EncodedDataset(
        record_ids=np.array([f"{prefix}{i}".encode() for i in range(n_records)]),
        passes=bits,
        present=present,
        project="study",
        epoch=1,
        fingerprint="0" * 64,
        check_tags=CheckTags(key="a" * 32, encoder="b" * 32),
        provenance=Provenance(software="test 1", unicode_version="14.0.0"),
        decoy=decoy,
    )


def truth_of(result, n_both: int) -> np.ndarray:
    """Say which links are true."""
    return (result.links.left == result.links.right) & (result.links.left < n_both)


def test_precision_is_told_without_truth():
    """Asked for 0.95, the links have it, give or take what chance does; and so does the estimate."""
    shares, said = [], []
    for seed in range(4):
        left, right = two_sides(n_both=200, n_alone=400, n_decoys=600, noise=0.5, near=0.6, seed=seed)
        result = decide(left, right, RULES, Target(0.95))
        shares.append(truth_of(result, 200).mean())
        said.append(result.judgement.estimate.precision)

    assert abs(np.mean(shares) - 0.95) < 0.03
    assert abs(np.mean(shares) - np.mean(said)) < 0.03


def test_probabilities_are_as_they_say():
    """Their mean over links is the share that is true."""
    claimed, true = [], []
    for seed in range(4):
        left, right = two_sides(n_both=200, n_alone=400, n_decoys=600, noise=0.6, near=0.6, seed=seed)
        result = decide(left, right, RULES, Target(None))
        claimed.append(result.links.probability.mean())
        true.append(truth_of(result, 200).mean())

    assert abs(np.mean(claimed) - np.mean(true)) < 0.03
    assert all(result.links.probability >= 0.5)


def test_more_precision_asked_for_is_fewer_links():
    """And those of the stricter target are among those of the looser one."""
    left, right = two_sides(n_both=200, n_alone=400, n_decoys=600, noise=0.6, near=0.6)
    found = [
        set(decide(left, right, RULES, Target(share)).links.left.tolist()) for share in (0.99, 0.95, 0.8)
    ]

    assert found[0] <= found[1] <= found[2]
    assert len(found[0]) < len(found[2])


def test_no_decoy_is_ever_linked_or_in_conflict():
    """Nor counted as a record."""
    left, right = two_sides(n_both=100, n_alone=100, n_decoys=300, noise=0.6, near=0.9)

    result = decide(left, right, RULES, Target(0.6))

    for pairs in (result.links, result.conflicts):
        assert not left.decoy[pairs.left].any()
        assert not right.decoy[pairs.right].any()
    assert (200, 200) == (result.n_left, result.n_right)
    assert result.judgement.estimate.n_links == len(result.links)


def test_what_data_cannot_show_is_said():
    """Where nothing is linked for certain, the links are those before any to a decoy."""
    left, right = two_sides(n_both=0, n_alone=60, n_decoys=60, near=1.0)

    result = decide(left, right, RULES, Target(0.99))

    assert not result.judgement.supported
    assert result.judgement.estimate.low < 0.9


def test_an_empty_side_gives_no_links():
    """And no error."""
    left, right = two_sides(n_both=0, n_alone=0, n_decoys=60)

    assert 0 == len(decide(left, right, RULES, Target(None)).links)


def test_without_decoys_a_model_takes_their_place():
    """And says that nothing was measured."""
    left, right = two_sides(n_both=200, n_alone=200, n_decoys=0, noise=0.3, near=0.3)

    result = decide(left, right, RULES, Target(0.95))

    assert not result.judgement.measured
    assert truth_of(result, 200).mean() >= 0.9
    assert len(result.links) >= 150


def test_decoys_of_one_side_suffice():
    """The other side may be of a custodian who adds none."""
    left, right = two_sides(n_both=200, n_alone=300, n_decoys=500, noise=0.5, near=0.6)
    real = np.flatnonzero(~left.decoy)
    without = dataclasses.replace(
        left,
        record_ids=left.record_ids[real],
        passes={name: bits.take(real) for name, bits in left.passes.items()},
        present={name: mask[real] for name, mask in left.present.items()},
        decoy=np.zeros(real.size, dtype=bool),
        spike_in=left.spike_in[real],
    )

    result = decide(without, right, RULES, Target(0.95))

    assert truth_of(result, 200).mean() > 0.9


def test_equal_numbers_are_evidence_and_no_proof():
    """A pair with one number and nothing else alike is a conflict, not a link."""
    left, right = two_sides(n_both=200, n_alone=200, n_decoys=300)
    words, present = right.passes["number"].words.copy(), right.present["number"].copy()
    mine = np.flatnonzero(left.present["number"])[0]
    words[350], present[350] = left.passes["number"].words[mine], True
    words[mine], present[mine] = 0, False
    right = dataclasses.replace(
        right,
        passes=dict(right.passes) | {"number": BitMatrix(words, 128)},
        present=dict(right.present) | {"number": present},
    )

    result = decide(left, right, RULES, Target(0.99))

    assert (mine, 350) in set(zip(result.conflicts.left, result.conflicts.right, strict=True))
    assert (mine, mine) in set(zip(result.links.left, result.links.right, strict=True))


def with_placeholder(dataset, share):
    """Give a share of the real records one and the same number."""
    words, present = dataset.passes["number"].words.copy(), dataset.present["number"].copy()
    real = np.flatnonzero(~dataset.decoy)
    chosen = real[np.random.default_rng(3).random(real.size) < share]
    words[chosen], present[chosen] = np.uint64(0x1234), True
    return dataclasses.replace(
        dataset,
        passes=dict(dataset.passes) | {"number": BitMatrix(words, 128)},
        present=dict(dataset.present) | {"number": present},
    )


@pytest.mark.parametrize("refuses", [False, True])
def test_a_number_that_many_share_says_nothing(refuses):
    """A placeholder neither links strangers nor keeps two records of a person apart."""
    sides = two_sides(n_both=150, n_alone=150, n_decoys=300, noise=0.3, near=0.3)
    left, right = (with_placeholder(side, 0.4) for side in sides)
    rules = (PassRule("number", None, refuses=refuses), *RULES[1:])

    result = decide(left, right, rules, Target(0.95))

    assert truth_of(result, 150).mean() > 0.88
    assert len(result.links) > 110


@pytest.mark.parametrize("method", ["symmetric-best-match", "greedy", "optimal"])
@pytest.mark.parametrize("precision", [0.95, None])
def test_every_method_links_a_record_once(method, precision):
    """Also with a lead asked for, which makes conflicts of what is close."""
    for seed in range(4):
        left, right = two_sides(n_both=100, n_alone=30, n_decoys=200, noise=0.6, near=0.6, seed=seed)
        plain = decide(left, right, RULES, Target(precision, method=method)).links
        strict = decide(left, right, RULES, Target(precision, method=method, lead=20.0)).links

        assert len(np.unique(plain.left)) == len(plain)
        assert len(strict) <= len(plain)


def test_sides_may_change_places():
    """The same links, seen from the other side."""
    left, right = two_sides(n_both=150, n_alone=150, n_decoys=300, noise=0.4, near=0.3)

    one = decide(left, right, RULES, Target(0.95)).links
    other = decide(right, left, RULES, Target(0.95)).links

    both = set(zip(one.left, one.right, strict=True)) & set(zip(other.right, other.left, strict=True))
    assert len(both) >= 0.97 * max(len(one), len(other))


def test_a_record_may_have_several_partners_if_the_agreement_says_so():
    """A person who occurs twice on the right is linked twice."""
    left, right = two_sides(n_both=150, n_alone=150, n_decoys=300, noise=0.1)
    rows = np.concatenate([np.arange(len(right)), np.arange(20)])
    ids = np.array([f"b{i}".encode() for i in range(rows.size)])
    twice = dataclasses.replace(
        right,
        record_ids=ids,
        passes={name: bits.take(rows) for name, bits in right.passes.items()},
        present={name: mask[rows] for name, mask in right.present.items()},
        decoy=right.decoy[rows],
        spike_in=right.spike_in[rows],
    )

    result = decide(left, twice, RULES, Target(0.95, cardinality="one-to-many"))

    again = result.links.left[result.links.right >= len(right)]
    assert set(again.tolist()) <= set(range(20))
    assert again.size >= 15


def test_what_refuses_keeps_pairs_apart():
    """Pairs whose numbers are both known and differ are not looked at."""
    left, right = two_sides(n_both=50, n_alone=50, n_decoys=100)
    refusing = (PassRule("number", None, refuses=True), *RULES[1:])

    evidence = gather(left, right, refusing)

    assert len(evidence) > 0
    assert not (evidence.equality["number"] < 0).any()


def test_every_pass_is_asked_about_every_pair():
    """Also those that did not propose it; an absent record says nothing."""
    left, right = two_sides(n_both=50, n_alone=50, n_decoys=100)

    evidence = gather(left, right, RULES)

    for name, values in evidence.likeness.items():
        both = left.present[name][evidence.left] & right.present[name][evidence.right]
        expected = dice_of(left.passes[name], right.passes[name], evidence.left, evidence.right)
        assert np.array_equal(np.where(both, expected, np.nan), values, equal_nan=True)


def test_a_pair_is_scored_by_a_model_that_did_not_see_it():
    """What is said of the pairs of one fold changes the weights of the others, and not theirs."""
    rng = np.random.default_rng(1)
    features = np.column_stack([np.ones(300), rng.normal(size=300)])
    fold, true = np.arange(300) % 3, features[:, 1] > 0.5
    lied = np.where(fold == 1, ~true, true)

    weight, otherwise = (rescoring._cross_fitted(features, said, ~said, fold) for said in (true, lied))

    assert np.array_equal(weight[fold == 1], otherwise[fold == 1])
    assert not np.isclose(weight[fold != 1], otherwise[fold != 1]).any()


def test_an_interrupted_decision_goes_on(tmp_path):
    """Stopped in its second pass, it ends as it would have."""
    left, right = two_sides(n_both=100, n_alone=100, n_decoys=200, noise=0.3, near=0.5)
    target = Target(0.95)

    def stopped(name, _done, _total):
        if name == RULES[-1].name:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decide(left, right, RULES, target, checkpoint=tmp_path / "work", progress=stopped)
    resumed = decide(left, right, RULES, target, checkpoint=tmp_path / "work")

    plain = decide(left, right, RULES, target)
    assert plain.links.to_pandas().equals(resumed.links.to_pandas())
    assert plain.judgement == resumed.judgement


def test_true_pairs_weigh_more_than_pairs_with_decoys():
    """Where they are alike enough."""
    left, right = two_sides(n_both=100, n_alone=100, n_decoys=200, noise=0.3, near=0.5)
    evidence = gather(left, right, RULES)
    chance = unrelated(left, right, RULES, np.random.default_rng(0))
    real = ~(left.decoy[evidence.left] | right.decoy[evidence.right])
    decoy = left.decoy[evidence.left] ^ right.decoy[evidence.right]

    weight = rescored(evidence, chance, real, decoy, 1.0)

    true = real & (evidence.left == evidence.right) & (evidence.left < 100)
    assert np.median(weight[true]) > np.quantile(weight[decoy], 0.999)


def test_equality_says_nothing_where_there_is_none():
    """Without an exact pass nothing is added."""
    left, right = two_sides(n_both=50, n_alone=50, n_decoys=50)
    evidence = gather(left, right, RULES[1:])
    chance = unrelated(left, right, RULES[1:], np.random.default_rng(0))

    equality = equality_of(evidence, chance, np.ones(len(evidence), dtype=bool))

    assert not equality.added.any()
    assert not equality.contradicts.any()


def naive_winners(left, right, weight):
    """Compare each pair with every other."""
    order = sorted(range(len(weight)), key=lambda i: (-weight[i], i))
    place = {pair: rank for rank, pair in enumerate(order)}
    return [
        all(place[i] <= place[j] for j in range(len(weight)) if left[i] == left[j] or right[i] == right[j])
        for i in range(len(weight))
    ]


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3)),
        max_size=25,
        unique_by=lambda pair: pair[:2],
    )
)
def test_winners_are_the_best_of_both_their_records(pairs):
    """Ties are won by the first."""
    left, right, weight = (np.array([pair[i] for pair in pairs], dtype=np.int64) for i in range(3))

    assert naive_winners(left, right, weight) == winners(left, right, weight.astype(float)).tolist()


@given(
    st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=60),
    st.integers(60, 500),
    st.integers(1, 500),
)
def test_the_curve_counts_as_one_would_by_hand(links, n_records, n_decoys):
    """At every place: links and decoys so far; probabilities fall with the weight."""
    weight = np.array([one for one, _ in links], dtype=float)
    real = np.array([one for _, one in links])
    population = Population(n_records, n_records, n_decoys, n_decoys)

    curve = PrecisionCurve.of(weight, real, np.zeros(weight.size), population)
    chance = probabilities(curve, 0.5)

    assert (np.diff(curve.weight) <= 0).all()
    assert np.array_equal(np.cumsum(real[curve.order]), curve.n_links)
    assert np.array_equal(np.cumsum(~real[curve.order]), curve.n_decoy_links)
    assert (curve.n_false <= curve.n_links).all()
    assert (np.diff(chance) <= 1e-12).all()
    assert ((chance >= 0) & (chance <= 1)).all()
    for place in range(len(curve)):
        estimate = curve.estimate(place)
        assert 0 <= estimate.low <= estimate.high <= 1


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_the_interval_covers_what_chance_does(seed):
    """False links and decoy links drawn alike: nearly always the interval has the true share."""
    rng = np.random.default_rng(seed)
    covered = 0
    for _ in range(40):
        n_false, n_decoy = rng.poisson(20), rng.poisson(20)
        weight = np.concatenate([rng.random(1000) + 1, rng.random(n_false + n_decoy)])
        real = np.concatenate([np.ones(1000 + n_false, bool), np.zeros(n_decoy, bool)])
        curve = PrecisionCurve.of(
            weight, real, np.zeros(weight.size), Population(10**6, 10**6, 10**6 // 2, 10**6 // 2)
        )
        estimate = curve.estimate(len(curve) - 1)
        covered += estimate.low <= 1000 / (1000 + n_false) <= estimate.high

    assert covered >= 33


def test_pairs_that_are_asked_for_come_as_they_are():
    """In the order given."""
    left, right = two_sides(n_both=5, n_alone=5, n_decoys=5)
    rows, partners = np.array([3, 1]), np.array([2, 2])

    evidence = asked(left, right, RULES, rows, partners)

    assert rows.tolist() == evidence.left.tolist()
    assert {"names", "dates"} == set(evidence.likeness)
    assert {"number"} == set(evidence.equality)


def test_estimates_end_with_the_last_link():
    """Links to decoys that come after it tell of links that were not made."""
    curve = PrecisionCurve.of(
        np.array([5.0, 4.0, 3.0, 2.0, 1.0]),
        np.array([True, False, True, False, False]),
        np.zeros(5),
        Population(n_left=10, n_right=10, left_decoys=10, right_decoys=10),
    )

    assert curve.last_link(4) == 2
    assert curve.estimate(curve.last_link(4)).n_decoy_links == 1


@given(st.lists(st.booleans(), min_size=1, max_size=300), st.integers(1, 2000), st.integers(1, 5000))
def test_an_interval_holds_its_estimate(real, n_records, n_decoys):
    """At every place, also where a decoy stands for far less than one false link."""
    weight = -np.arange(len(real), dtype=float)
    population = Population(n_records, n_records, left_decoys=n_decoys, right_decoys=n_decoys)
    curve = PrecisionCurve.of(weight, np.array(real), np.zeros(len(real)), population)

    assert all(one.low <= one.precision <= one.high for one in curve.thinned())


def test_no_links_are_worth_nothing():
    """What there is none of is neither good nor bad."""
    left, right = two_sides(n_both=0, n_alone=60, n_decoys=60)

    judgement = decide(left, right, RULES, Target(0.99)).judgement

    assert judgement.estimate is None or judgement.estimate.n_links > 0
