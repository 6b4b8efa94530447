"""Threshold sweeps: each row is what linkage would be at that threshold."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import DataError, UsageError
from pprl.evaluation import linkage_quality, threshold_sweep
from pprl.workflow import evaluate_sweep

ids = st.sampled_from("abcdef")
scored = st.lists(st.tuples(ids, ids, st.sampled_from([0.1, 0.25, 0.5, 0.75, 1.0])), max_size=30)
pairs = st.lists(st.tuples(ids, ids), max_size=20)


@given(scored, pairs)
def test_a_row_is_the_quality_of_the_links_at_or_above_it(links, truth):
    """Whatever repeats and ties; a pair that occurs twice has its higher score."""
    sweep = evaluate_sweep(
        [(left, right) for left, right, _ in links],
        truth,
        scores=np.array([s for *_, s in links], dtype=float),
    )

    assert sorted({s for *_, s in links}, reverse=True)[:1] == sweep.threshold[:1].tolist()
    for row, threshold in enumerate(sweep.threshold.tolist()):
        above = [(left, right) for left, right, score in links if score >= threshold]
        assert linkage_quality(above, truth) == sweep.quality(row)


@given(scored, pairs)
def test_every_change_has_a_row(links, truth):
    """Distinct scores of distinct pairs, falling, and measures that fit the counts."""
    sweep = evaluate_sweep(
        [(left, right) for left, right, _ in links],
        truth,
        scores=np.array([s for *_, s in links], dtype=float),
    )
    best = {}
    for left, right, score in links:
        best[left, right] = max(score, best.get((left, right), 0))

    assert sorted(set(best.values()), reverse=True) == sweep.threshold.tolist()
    for row in range(len(sweep)):
        found = sweep.quality(row)
        assert found.precision == sweep.precision[row]
        assert found.recall == (None if np.isnan(sweep.recall[row]) else sweep.recall[row])
        assert found.f1 == sweep.f1[row]


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=300), st.integers(2, 50))
def test_a_thinned_sweep_keeps_its_ends_and_the_best(entries, most):
    """And rows of the whole one, no more than asked for and the best."""
    scores, marks = (np.array(column) for column in zip(*entries, strict=True))
    sweep = threshold_sweep(scores, marks, int(marks.sum()) + 3)
    thinned = sweep.thinned(most)

    assert len(thinned) <= max(most, 2) + 1
    assert {*thinned.threshold} <= {*sweep.threshold}
    assert [sweep.threshold[0], sweep.threshold[-1]] == [thinned.threshold[0], thinned.threshold[-1]]
    assert sweep.threshold[sweep.best] == thinned.threshold[thinned.best]


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=100), st.integers(1, 12))
def test_a_spaced_sweep_cannot_be_counted(entries, least):
    """So many links lie between any two rows, and before the first; none is left out without need."""
    scores, marks = (
        np.array([entry[k] for entry in entries], dtype=kind) for k, kind in ((0, float), (1, bool))
    )
    sweep = threshold_sweep(scores, marks, 100)
    links, kept, before = sweep.true_positives + sweep.false_positives, [], 0
    for row, n_links in enumerate(links.tolist()):
        if n_links - before >= least:
            kept.append(sweep.threshold[row])
            before = n_links

    assert kept == sweep.spaced(least).threshold.tolist()


def test_the_best_is_named_as_chosen_with_the_truth():
    """So that nobody reports it as a result."""
    found = threshold_sweep(np.array([0.9, 0.8, 0.7]), np.array([True, True, False]), 2).to_dict()

    assert 0.8 == found["best_f1_chosen_with_the_truth"]["threshold"]
    assert 1.0 == found["best_f1_chosen_with_the_truth"]["f1"]


def test_an_empty_sweep_has_no_best():
    """And no rows."""
    sweep = threshold_sweep(np.zeros(0), np.zeros(0, dtype=bool), 4)

    assert (0, None, []) == (len(sweep), sweep.best, sweep.to_dict()["thresholds"])


def test_tables_hold_the_same():
    """Pandas and Arrow."""
    sweep = threshold_sweep(np.array([0.9, 0.8]), np.array([True, False]), 1)

    assert sweep.to_pandas().to_dict("list") == sweep.to_arrow().to_pydict()
    assert ["threshold", "true_positives", "false_positives", "precision", "recall", "f1"] == list(
        sweep.to_pandas().columns
    )


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_probability_goes_before_a_score(frame):
    """In a frame, numbers as they are."""
    links = frame({"left_id": ["a"], "right_id": ["1"], "score": [0.5], "probability": [0.9]})

    assert [0.9] == evaluate_sweep(links, [("a", "1")]).threshold.tolist()


@pytest.mark.parametrize(
    "links",
    [
        pd.DataFrame({"left_id": ["a"], "right_id": ["1"], "score": [0.5], "probability": [np.nan]}),
        pd.DataFrame({"left_id": ["a"], "right_id": ["1"], "score": ["0.5"], "probability": [""]}),
        pd.DataFrame({"left_id": ["a"], "right_id": ["1"], "score": [0.5], "probability": [pd.NA]}),
        pl.DataFrame({"left_id": ["a"], "right_id": ["1"], "score": [0.5], "probability": [None]}),
        pa.table({"left_id": ["a"], "right_id": ["1"], "score": [0.5], "probability": [float("nan")]}),
    ],
)
def test_a_probability_that_no_link_has_is_none(links):
    """Links by thresholds: the score counts."""
    assert [0.5] == evaluate_sweep(links, [("a", "1")]).threshold.tolist()


def test_a_gap_among_probabilities_is_refused():
    """Scores and probabilities cannot be put in one order."""
    links = pd.DataFrame({"left_id": ["a", "b"], "right_id": ["1", "2"], "score": [0.5, 0.6]})

    with pytest.raises(DataError, match="links, column probability, row 2"):
        evaluate_sweep(links.assign(probability=[0.9, np.nan]), [("a", "1")])


@pytest.mark.parametrize("cell", ["", "high", "nan", "inf", "0,9"])
def test_a_score_that_is_no_number_is_refused(tmp_path, cell):
    """By its row, without what it says."""
    path = tmp_path / "links.csv"
    path.write_text(f'left_id,right_id,score\na,1,0.5\nb,2,"{cell}"\n')

    with pytest.raises(DataError, match=r"column score, row 2: wanted a number$") as caught:
        evaluate_sweep(path, [("a", "1")])
    assert "data/bad-score" == caught.value.code


def test_what_makes_no_sweep_is_refused():
    """No column of scores, no scores, too few, not numbers, more truth than there is."""
    with pytest.raises(DataError, match="score"):
        evaluate_sweep(pd.DataFrame({"left_id": ["a"], "right_id": ["1"]}), [("a", "1")])
    with pytest.raises(UsageError):
        evaluate_sweep([("a", "1")], [("a", "1")])
    with pytest.raises(UsageError):
        evaluate_sweep([("a", "1")], [("a", "1")], scores=np.zeros(2))
    with pytest.raises(DataError):
        threshold_sweep(np.array([np.nan]), np.array([True]), 1)
    with pytest.raises(UsageError):
        threshold_sweep(np.array([0.5]), np.array([True]), 0)
    with pytest.raises(UsageError):
        threshold_sweep(np.array([0.5]), np.array([True, False]), 1)
