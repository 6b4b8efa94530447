"""Linkage quality: counts first."""

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from pprl.errors import DataError, UsageError
from pprl.evaluation import linkage_quality
from pprl.workflow import evaluate

LINKS = [("a", "1"), ("b", "2"), ("c", "9")]
TRUTH = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]


def test_counts_and_measures():
    """Two true, one false, two missed."""
    quality = linkage_quality(LINKS, TRUTH)

    assert (2, 1, 2) == (quality.true_positives, quality.false_positives, quality.false_negatives)
    assert (2 / 3, 1 / 2, 4 / 7, 2 / 5) == (quality.precision, quality.recall, quality.f1, quality.f_star)


def test_what_cannot_be_said_is_none():
    """No links, no true pairs: neither 0 nor 1."""
    quality = linkage_quality([], [])

    assert [None] * 4 == [quality.precision, quality.recall, quality.f1, quality.f_star]


def test_a_pair_that_occurs_twice_counts_once():
    """In the links and in the truth."""
    assert linkage_quality(LINKS, TRUTH) == linkage_quality(LINKS * 2, TRUTH * 2)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_the_truth_may_be_a_frame(frame):
    """With left_id and right_id."""
    truth = frame({"right_id": [b for _, b in TRUTH], "left_id": [a for a, _ in TRUTH]})

    assert linkage_quality(LINKS, TRUTH) == evaluate(LINKS, truth)


def test_gaps_in_the_truth_are_refused():
    """A missing id is no id."""
    with pytest.raises(DataError, match="row 2"):
        evaluate(LINKS, pd.DataFrame({"left_id": ["a", None], "right_id": ["1", "2"]}))


def test_the_truth_may_be_a_file(tmp_path):
    """CSV, as the command line has it."""
    pd.DataFrame(TRUTH, columns=["left_id", "right_id"]).to_csv(tmp_path / "truth.csv", index=False)

    assert linkage_quality(LINKS, TRUTH) == evaluate(LINKS, tmp_path / "truth.csv")


def test_what_is_not_pairs_is_refused():
    """A frame with other columns, and things that are no pairs."""
    with pytest.raises(DataError, match="left_id"):
        evaluate(LINKS, pd.DataFrame({"id": ["a"]}))
    with pytest.raises(UsageError):
        evaluate(LINKS, ["ab", "cd"])
    with pytest.raises(UsageError):
        evaluate(LINKS, 3)
