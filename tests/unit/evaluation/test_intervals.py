"""Intervals of measures."""

from hypothesis import given
from hypothesis import strategies as st

from pprl.evaluation import LinkageQuality
from pprl.evaluation.intervals import f1_rate, rate

counts = st.integers(min_value=0, max_value=10**6)


@given(counts, counts, counts)
def test_an_interval_holds_its_measure_and_lies_in_0_to_1(true, false, missed):
    """Also at the ends, where the last digit of a float could fall short."""
    quality = LinkageQuality(true, false, missed)

    for name, told in quality.rates().items():
        assert getattr(quality, name) == (None if told is None else told.value)
        assert told is None or 0 <= told.low <= told.value <= told.high <= 1


@given(st.integers(1, 10**4), st.integers(0, 10**4))
def test_the_ends_of_f1_are_those_of_f_star(true, mistakes):
    """F1 grows with F* and with nothing else."""
    f_star, f1 = rate(true, true + mistakes), f1_rate(true, mistakes)

    for one, other in zip(f_star, f1, strict=True):
        assert abs(2 * one / (1 + one) - other) < 1e-12


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_ten_times_the_pairs_say_more(part, rest):
    """The interval shrinks as pairs grow."""
    few, many = rate(part, part + rest), rate(10 * part, 10 * (part + rest))

    assert many.high - many.low < few.high - few.low


def test_wilson_as_in_the_books():
    """Newcombe 1998, Statistics in Medicine 17, table I, method 3: 81 of 263 and 15 of 148."""
    ends = [[round(end, 4) for end in rate(*counts)[1:]] for counts in ((81, 263), (15, 148))]

    assert [[0.2553, 0.3662], [0.0624, 0.1605]] == ends


def test_of_nothing_there_is_no_share():
    """Neither 0 nor 1."""
    assert [None, None] == [rate(0, 0), f1_rate(0, 0)]
