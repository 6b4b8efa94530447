"""Plans: what is told from a sample is near what a comparison finds, and the choice follows from it."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from pprl.comparison import compare, plan, sampling
from pprl.comparison.candidates import SharedTags
from pprl.comparison.plan import ALL_PAIRS, SHARED_TAGS, PassPlan, Way, plan_pass, recommend
from pprl.comparison.sampling import BlockTags, Estimate, Sample, wilson
from pprl.comparison.tags import sorted_table
from pprl.errors import DataError, ResourceError
from pprl.model import BitMatrix
from pprl.reporting.plan import describe_plan, plan_record
from pprl.workflow.planning import Machine, Plan, require_sensible

T = Fraction(4, 5)
RULES = [6, 1]  # tables of each rule


@pytest.fixture(scope="module")
def sides():
    """3,000 rows a side; each of the right is one of the left with some bits changed, many or few."""
    rng = np.random.default_rng(7)
    left = rng.random((3000, 128)) < 0.3
    changed = rng.random((3000, 128)) < rng.choice([0.02, 0.1], size=(3000, 1))
    return BitMatrix.from_bools(left), BitMatrix.from_bools(left ^ changed)


@pytest.fixture(scope="module")
def tags(sides):
    """Tags of samples of ten bits for one rule, and of five bits for another with one table."""
    rng = np.random.default_rng(8)
    columns = []
    for width in [10] * RULES[0] + [5] * RULES[1]:
        places = rng.choice(128, size=width, replace=False)
        columns.append([side.to_bools()[:, places] @ (1 << np.arange(width)) for side in sides])
    left, right = (np.column_stack(column).astype(np.uint32) for column in zip(*columns, strict=True))
    return BlockTags(left, right, RULES)


def sampled(sides, *, threshold=T, n_pairs=10**9, seed=0):
    return Sample.of(*sides, threshold, n_pairs, np.random.default_rng(seed), 1)


def every(sample):
    return np.ones(len(sample.pairs), dtype=bool)


def planned(sides, *, tags=None, threshold=T, at=T):
    return plan_pass(
        "p", *sides, threshold=threshold, at=at, tags=tags, threads=1, rng=np.random.default_rng(0)
    )


def candidates_by_hand(tags):
    """The slow twin: meet each row with each, table by table."""
    return sum(
        int(((row[:, None] == other[None, :]) & (row[:, None] != 0)).sum())
        for row, other in zip(tags.left.T, tags.right.T, strict=True)
    )


def way(name=ALL_PAIRS, *, seconds=1.0, memory=10**6, disk=10, pairs=1.0, recall=(1.0, 1.0, 1.0)):
    share = recall and Estimate(*recall, 100)
    return Way(name, 10, seconds, memory, disk, Estimate(pairs, pairs, pairs, 10), share)


def plan_of(*ways, recommended=None):
    one = PassPlan("p", 5, 5, T, T, "numba", ways, recommended or ways[0].name, "because")
    return Plan((one,), 2)


def test_intervals_hold_the_truth_about_as_often_as_they_say(sides):
    """The number of pairs, told from a sixth of the rows on the left."""
    truth = len(compare(*sides, threshold=T))

    samples = [sampled(sides, n_pairs=1_500_000, seed=seed) for seed in range(20)]
    told = [sample.number(every(sample)) for sample in samples]

    assert not any(sample.is_whole for sample in samples)
    assert sum(one.low <= truth <= one.high for one in told) >= 17
    assert all(truth / 1.5 < one.value < truth * 1.5 for one in told)


def test_where_all_pairs_are_compared_nothing_is_estimated(sides):
    """The number is exact, and the interval says so."""
    truth = len(compare(*sides, threshold=T))

    best = planned(sides).best

    assert Estimate(truth, truth, truth, truth) == best.pairs
    assert 9_000_000 == best.n_candidates


def test_a_sample_that_finds_enough_goes_no_further(sides):
    """At threshold 0 every pair qualifies, and not all need be held."""
    sample = sampled(sides, threshold=Fraction(0))

    assert 2000 <= len(sample.pairs) <= 10**9 / 1024
    assert 9_000_000 == pytest.approx(sample.number(every(sample)).value, rel=0.01)


def test_pairs_that_come_in_crowds_make_wide_intervals():
    """A hundred rows that are equal are one finding and not a hundred."""
    rng = np.random.default_rng(3)
    single = rng.random((1200, 64)) < 0.5
    crowded = single.copy()
    crowded[:30] = crowded[0]
    widths = []
    for bits in (single, crowded):
        side = BitMatrix.from_bools(bits)
        sample = sampled((side, side), n_pairs=600_000)
        told = sample.number(every(sample))
        widths.append((told.high - told.low) / told.value)

    assert widths[1] > 1.5 * widths[0]


def test_no_pair_in_a_sample_is_not_taken_for_none():
    """The interval says how many there may be all the same."""
    rng = np.random.default_rng(4)
    left, right = (BitMatrix.from_bools(rng.random((2000, 64)) < 0.5) for _ in range(2))

    sample = sampled((left, right), threshold=Fraction(99, 100), n_pairs=10**6)
    told = sample.number(every(sample))

    assert (0.0, 0.0, 0) == (told.value, told.low, told.n_seen)
    assert 4 < told.high < 40


def test_candidates_are_exact_where_all_tables_are_looked_at(sides, tags):
    """Small packages are counted and not sampled."""
    tagged = planned(sides, tags=tags).ways[1]

    assert candidates_by_hand(tags) == tagged.n_candidates


def test_candidates_of_each_rule_are_scaled_by_themselves(sides, tags, monkeypatch):
    """A rule with one table of large blocks is not missed, and not taken for many."""
    monkeypatch.setattr(plan, "_FEW_TAGS", 0)
    counts = [int(sorted_table(tags.left, tags.right, table).runs.n_pairs().sum()) for table in range(7)]
    assert counts[6] > 5 * counts[0]

    tagged = planned(sides, tags=tags).ways[1]

    assert sum(counts) == pytest.approx(tagged.n_candidates, rel=0.2)
    assert sum(counts) != tagged.n_candidates


@pytest.mark.parametrize("at", [T, Fraction(9, 10)])
def test_recall_is_the_truth_where_all_pairs_are_compared(sides, tags, at):
    """The share of the pairs so alike that shared tags find."""
    found = compare(*sides, threshold=at, candidates=SharedTags(tags.left, tags.right))
    truth = len(found) / len(compare(*sides, threshold=at))

    tagged = planned(sides, tags=tags, at=at).ways[1]

    assert 0.3 < truth < 1
    assert truth == tagged.recall.value == tagged.recall.low == tagged.recall.high
    assert len(compare(*sides, threshold=T, candidates=SharedTags(*tags[:2]))) == tagged.pairs.value


def test_recall_from_a_sample_is_near_the_truth(sides, tags):
    """With an interval that holds it."""
    whole, part = sampled(sides), sampled(sides, n_pairs=1_500_000)
    truth = whole.share(whole.sharing(tags)).value

    told = part.share(part.sharing(tags))

    assert told.low < truth < told.high
    assert told.high - told.low < 0.2


def test_recall_of_too_few_pairs_is_not_told(sides, tags, monkeypatch):
    """Nineteen pairs say nothing of the twentieth."""
    monkeypatch.setattr(sampling, "_LEFT_ROWS", 15)
    sample = sampled(sides, n_pairs=45_000)

    assert 0 < len(sample.pairs) < 20
    assert sample.share(sample.sharing(tags)) is None


def test_recall_below_the_threshold_is_told_at_the_threshold(sides, tags):
    """What is less alike than the threshold is found by no way."""
    assert T == planned(sides, tags=tags, at=Fraction(1, 2)).at


def test_a_record_without_a_tag_shares_none(sides, tags):
    """Two that lack a tag do not have it in common."""
    none = BlockTags(np.zeros_like(tags.left), np.zeros_like(tags.right), RULES)

    tagged = planned(sides, tags=none).ways[1]

    assert (0, 0.0, 0.0) == (tagged.n_candidates, tagged.recall.value, tagged.pairs.value)


@pytest.mark.parametrize("empty", [0, 1])
def test_an_empty_package_costs_nothing(sides, tags, empty):
    """And nothing is divided by its size."""
    bits, held = list(sides), list(tags[:2])
    bits[empty], held[empty] = BitMatrix.from_bools(np.zeros((0, 128))), held[empty][:0]

    one = planned(bits, tags=BlockTags(*held, RULES))

    assert [(0, 0.0, 0.0)] * 2 == [(way.n_candidates, way.seconds, way.pairs.value) for way in one.ways]
    assert one.ways[1].recall is None
    assert ALL_PAIRS == one.recommended


def test_without_tags_there_is_one_way(sides):
    """A plan has no row for what cannot be done."""
    assert [ALL_PAIRS] == [way.name for way in planned(sides).ways]


def test_tags_that_do_not_fit_the_rows_are_refused(sides, tags):
    """Otherwise a kernel would read beyond them."""
    with pytest.raises(DataError, match="tags"):
        planned(sides, tags=BlockTags(tags.left[:-1], tags.right, RULES))


def test_memory_and_disk_are_plausible(sides, tags):
    """More than the rows themselves; twelve bytes on disk for each pair."""
    n_bytes = 2 * 3000 * 128 // 8

    for one in planned(sides, tags=tags).ways:
        assert n_bytes < one.memory < 10**9
        assert 12 * one.pairs.value == one.disk


LONG = way(seconds=4000.0)


@pytest.mark.parametrize(
    ("all_pairs", "recall", "expected"),
    [
        (way(seconds=599.0), (1.0, 1.0, 1.0), ALL_PAIRS),
        (LONG, (0.99, 0.97, 1.0), SHARED_TAGS),
        (LONG, (0.95, 0.90, 0.985), SHARED_TAGS),
        (LONG, (0.90, 0.85, 0.95), ALL_PAIRS),
        (LONG, None, ALL_PAIRS),
    ],
)
def test_tags_are_recommended_where_all_pairs_take_long_and_tags_miss_little(all_pairs, recall, expected):
    """What can be done in minutes is done in full."""
    name, why = recommend([all_pairs, way(SHARED_TAGS, recall=recall)])

    assert expected == name
    assert why


def test_without_tags_all_pairs_are_recommended_however_long():
    """And the note says what there is not."""
    name, why = recommend([LONG])

    assert ALL_PAIRS == name
    assert "no block tags" in why


WEEKS = way(seconds=8 * 86400.0)
HERE = Machine(memory=10**9, disk=10**9)


@pytest.mark.parametrize(
    ("absurd", "what", "to_change"),
    [
        (WEEKS, "8 days", "blocks"),
        (way(memory=2 * 10**9), "2.0 GB of memory", "year of birth"),
        (way(pairs=3e7), "30,000,000 pairs", "threshold"),
        (way(disk=2 * 10**9), "2.0 GB", "threshold"),
    ],
)
def test_an_absurd_plan_is_refused_with_what_to_change(absurd, what, to_change):
    """Rather than begun and given up after a week."""
    with pytest.raises(ResourceError) as caught:
        require_sensible(plan_of(absurd), HERE)

    assert "resource/absurd-plan" == caught.value.code
    assert what in caught.value.message
    assert to_change in caught.value.hint


def test_only_the_recommended_way_can_be_absurd():
    """All pairs may take years where tags are there."""
    require_sensible(plan_of(WEEKS, way(SHARED_TAGS), recommended=SHARED_TAGS), HERE)


def test_what_is_not_known_of_a_machine_refuses_nothing():
    """Not every system tells its memory."""
    require_sensible(plan_of(way(memory=10**15, disk=10**15)), Machine(memory=None, disk=None))


def test_an_exact_pass_has_a_line_and_no_ways():
    """It is sorted, which costs little."""
    exact = PassPlan("number", 1_000_000, 2_000_000)

    text = describe_plan(Plan((exact,), 2))

    assert "pass number: 1,000,000 x 2,000,000 records, for equality" in text
    assert exact.best is None
    assert Plan((exact,), 2).seconds == 0


def test_a_table_marks_what_is_recommended():
    """And says honestly where a sample tells nothing."""
    none_seen = Estimate(0.0, 0.0, 7000.0, 0)
    tagged = replace(way(SHARED_TAGS, recall=None), pairs=none_seen)

    text = describe_plan(plan_of(LONG, tagged)).splitlines()

    assert text[2].startswith("*  all pairs")
    assert "67 min" in text[2]
    assert "too few to tell (< 7,000)" in text[3]
    assert text[3].endswith("too few pairs to tell")


def test_a_record_of_a_plan_holds_numbers_only():
    """For programs."""
    record = plan_record(plan_of(LONG))

    assert 0.8 == record["passes"][0]["threshold"]
    assert 4000.0 == record["seconds"] == record["passes"][0]["ways"][0]["seconds"]


def test_wilsons_interval():
    """The textbook: 8 of 10."""
    assert (0.490, 0.943) == pytest.approx(wilson(0.8, 10), abs=1e-3)
