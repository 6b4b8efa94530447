"""What may be handed on of counts by group."""

import re

from hypothesis import given
from hypothesis import strategies as st

from pprl.evaluation import GroupQuality, LinkageQuality, QualityByGroup
from pprl.reporting.disclosure import SMALLEST, STEP
from pprl.reporting.groups import describe_groups, groups_record, shown_groups
from pprl.reporting.suppression import HELD_BACK, hidden_counts, shown_counts

RATE = ["0.960", "(0.939", "to", "0.974)"]
sizes = st.one_of(st.just(0), st.integers(1, 12), st.integers(0, 2000))
columns = st.lists(sizes, min_size=1, max_size=14)
qualities = st.lists(st.builds(LinkageQuality, sizes, sizes, sizes), min_size=1, max_size=8)


def by_group(found):
    """Group qualities as a linkage would give them."""
    overall = LinkageQuality(*(sum(getattr(one, name) for one in found) for name in LinkageQuality.__slots__))
    groups = tuple(GroupQuality("column", f"g{chr(97 + k)}", one) for k, one in enumerate(found))
    return QualityByGroup(overall, groups, "left")


@given(columns)
def test_no_hidden_count_can_be_had_by_subtraction(counts):
    """Each could be 10 or more, for all that the total and the shown counts tell; nor is one alone."""
    hidden = hidden_counts(counts)
    known = [n for n in shown_counts(counts, hidden) if n != HELD_BACK]
    n_hidden, is_total_shown = sum(hidden), sum(counts) >= SMALLEST

    together = sum(counts) - sum(known) + STEP // 2 * len(known)  # at most, the total being known exactly
    least = 0 if all(hidden) else 1  # zeros are hidden only with all else
    assert n_hidden != 1 or not is_total_shown
    assert not n_hidden or not is_total_shown or together - least * (n_hidden - 1) >= SMALLEST


@given(columns)
def test_no_count_under_ten_is_shown(counts):
    """Only 0, multiples of 5 from 10 on, and hidden."""
    for shown in shown_counts(counts, hidden_counts(counts)):
        assert shown in {HELD_BACK, 0} or (shown >= SMALLEST and shown % STEP == 0)


@given(columns)
def test_hidden_counts_are_not_alone(counts):
    """Together they are so many that a difference is no count of 1 to 9, or nothing but zeros is shown."""
    hidden = hidden_counts(counts)
    held = [n for n, is_hidden in zip(counts, hidden, strict=True) if is_hidden]

    assert not held or all(hidden) or (len(held) > 1 and sum(held) >= SMALLEST)


@given(columns)
def test_nothing_is_hidden_without_need(counts):
    """Where no count is small, all are shown."""
    small = any(0 < n < SMALLEST for n in counts)

    assert small == any(hidden_counts(counts))


@given(qualities)
def test_rates_are_made_of_what_is_shown(found):
    """So tables that look alike have the same rates; a rate of a hidden count is hidden."""
    for one in shown_groups(by_group(found), unprotected=False):
        if HELD_BACK in {one.true_links, one.true_pairs}:
            assert one.recall is None
        elif one.true_pairs:
            assert one.recall.value == min(one.true_links / max(one.true_pairs, one.true_links), 1)
        if HELD_BACK in {one.true_links, one.links}:
            assert one.precision is None
        if HELD_BACK in {one.true_pairs, one.links}:
            assert HELD_BACK == one.true_links


@given(qualities)
def test_no_small_number_is_in_the_text(found):
    """Neither as a count nor within a rate: what is there are 0, counts from 10 on, and shares."""
    text = describe_groups(by_group(found), unprotected=False).partition("Counts of")[0]
    numbers = re.findall(r"(?<![\d.])\d+(?![\d.])", text.partition("95 %")[2])

    assert not [n for n in numbers if 0 < int(n) < SMALLEST]


@given(qualities)
def test_no_small_number_is_in_the_json(found):
    """As in the text."""
    for row in groups_record(by_group(found), unprotected=False)["groups"]:
        for name in ("true_pairs", "true_links", "links"):
            assert row[name] == HELD_BACK or row[name] == 0 or row[name] >= SMALLEST


@given(qualities)
def test_exact_figures_are_exact(found):
    """For one's own eyes."""
    record = groups_record(by_group(found), unprotected=True)

    for one, row in zip(found, record["groups"], strict=True):
        assert (one.n_true, one.true_positives, one.n_links) == (
            row["true_pairs"],
            row["true_links"],
            row["links"],
        )
        assert (one.recall, one.precision) == (row["recall"], row["precision"])


def test_a_table_that_a_reader_should_see():
    """Seven people of another sex hide the next smallest group too, and a name cannot move the cursor."""
    found = [LinkageQuality(95, 1, 5), LinkageQuality(480, 20, 20), LinkageQuality(5, 0, 2)]
    groups = tuple(
        GroupQuality("sex\x1b", value, one) for value, one in zip(["f", "m", None], found, strict=True)
    )

    text = describe_groups(QualityByGroup(LinkageQuality(580, 21, 27), groups, "left"), unprotected=False)

    assert [
        ["sex?", "true", "pairs", "found", "links", "recall", "precision"],
        ["f", "hidden", "hidden", "hidden", "hidden", "hidden"],
        ["m", "500", "480", "500", *RATE, *RATE],
        ["(missing)", "hidden", "hidden", "hidden", "hidden", "hidden"],
    ] == [line.split() for line in text.splitlines()[2:6]]
