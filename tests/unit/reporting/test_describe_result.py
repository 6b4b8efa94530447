"""What is said of links that were judged by decoys and spike-ins."""

import dataclasses

import msgspec
import numpy as np
import pytest

from pprl.linkage.precision import PrecisionEstimate
from pprl.linkage.recall import RecallEstimate, StratumRecall
from pprl.linkage.results import Judgement, LinkageResult
from pprl.model import Conflicts, Links, Provenance
from pprl.reporting.records import result_record
from pprl.reporting.text import describe_result

ESTIMATE = PrecisionEstimate(
    weight=1.0, n_links=90, n_decoy_links=2, n_false=1.0, precision=0.9889, low=0.97, high=1.0
)
RECALL = RecallEstimate(0.91, 0.85, 0.95, (StratumRecall("a changed name", 40, 30, 0.75, 0.6, 0.87),))


@pytest.fixture
def result():
    """A linkage without a link."""
    nothing, ids = np.empty(0, dtype=np.int64), np.empty(0, dtype="S1")
    columns = (nothing, nothing, ids, ids, np.empty(0), (), np.empty(0))
    return LinkageResult(Links(*columns), Conflicts(*columns), (), 3, 4, "0" * 64, Provenance.current())


def judged(result, *, precision=0.99, supported=True, estimate=ESTIMATE, recall=None):
    judgement = Judgement(precision, supported=supported, estimate=estimate, recall=recall)
    return dataclasses.replace(result, judgement=judgement)


def test_links_by_thresholds_are_not_judged(result):
    """Nothing tells what they are worth."""
    assert "precision" not in describe_result(result)
    assert result_record(result)["judgement"] is None


def test_what_was_asked_and_what_is_told(result):
    """The estimate with its interval, and the links that it was counted from."""
    said = describe_result(judged(result))

    assert "a precision of 0.99" in said
    assert "0.9889" in said
    assert "0.9700 to 1.0000" in said
    assert "links to decoys" in said
    assert "cannot" not in said


@pytest.mark.parametrize("estimate", [ESTIMATE, None])
def test_data_that_cannot_show_it_say_so(result, estimate):
    """And what links were made instead."""
    said = describe_result(judged(result, supported=False, estimate=estimate))

    assert "these data cannot show a precision of 0.99: " in said


def test_decoys_are_recommended_where_they_can_be_had(result, febrl):
    """Not where the agreement asks for them, and none could be made of the tables."""
    by_model = Judgement(0.99, supported=False, measured=False)
    found = dataclasses.replace(result, judgement=by_model)

    assert "decoys could tell more" in describe_result(found)
    assert "decoys could tell more" in describe_result(found, msgspec.structs.replace(febrl, decoys=None))
    assert "no decoys could be made of these tables" in describe_result(found, febrl)


def test_recall_is_told_with_its_strata(result):
    """As spike-ins tell."""
    found = judged(result, precision=None, recall=RECALL)

    said = describe_result(found)

    assert "more likely true than not" in said
    assert "0.8500 to 0.9500" in said
    assert "a changed name" in said
    assert 0.91 == result_record(found)["judgement"]["recall"]["recall"]
