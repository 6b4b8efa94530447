from itertools import starmap

from hypothesis import given
from hypothesis import strategies as st

from pprl.reporting.disclosure import HIDDEN, SMALLEST, STEP, exact, percent, protected, share

counts = st.integers(min_value=0, max_value=10**7)


@given(counts)
def test_a_count_is_hidden_rounded_or_nothing(n):
    """1 to 9 say only that there are some; no other is off by more than half a step."""
    shown = protected(n)

    assert (shown == HIDDEN) == (0 < n < SMALLEST)
    assert shown == HIDDEN or (shown % STEP == 0 and abs(shown - n) <= STEP // 2)


@given(counts)
def test_exact_is_exact(n):
    """For the custodian alone."""
    assert exact(n) == n


@given(counts, counts)
def test_a_share_tells_no_more_than_the_counts(part, rest):
    """It is made of what is shown, so tables that look alike have the same shares."""
    whole = part + rest

    alike = {
        percent(protected(p), protected(whole))
        for p in range(max(part - 2, 0), part + 3)
        if protected(p) == protected(part)
    }

    assert len(alike) == 1


def test_only_all_is_a_hundred_percent():
    """And a hidden or impossible share is a dash."""
    shares = [(9_995, 10_000), (10_000, 10_000), (HIDDEN, 100), (5, HIDDEN), (0, 0), (0, 10)]

    assert list(starmap(percent, shares)) == ["99.9 %", "100.0 %", "-", "-", "-", "0.0 %"]
    assert share(10, 5) == 1.0
