"""Spike-ins from two tables to the recall of their linkage."""

from decimal import Decimal

import msgspec
import numpy as np
import pytest

from pprl import Agreement, LinkageKey, encode, link
from pprl.agreement import Matching
from pprl.datasets.uk.population import population
from pprl.datasets.uk.sources import draw_source
from pprl.encoding.decoys import Decoys
from pprl.encoding.spikeins import SpikeIns


@pytest.fixture(scope="module")
def agreement() -> Agreement:
    return msgspec.structs.replace(
        Agreement.preset("uk-health"),
        matching=Matching(target="balance", cardinality="one-to-one"),
        decoys=Decoys(least=300),
        spike_ins=SpikeIns(number=300),
    )


@pytest.fixture(scope="module")
def sources():
    people = population(9_000, seed=3)
    drawn = [draw_source(people, name, "measured", seed=3) for name in ("mental_health_trust", "hospital")]
    return [one.table[~one.truth["person_id"].duplicated()].head(600) for one in drawn]


@pytest.fixture(scope="module")
def packages(agreement, sources):
    secret = LinkageKey.generate()
    return [encode(one, agreement, secret, id="record_id") for one in sources]


def test_both_custodians_have_the_same_numbers_and_other_bits(packages):
    """Each number once, and no record of anybody has one."""
    one, other = packages

    assert sorted(one.spike_in[one.spike_in > 0]) == sorted(other.spike_in[other.spike_in > 0])
    assert 300 == one.n_spike_ins
    assert 600 == int(one.real.sum())
    rows = [np.argsort(side.spike_in)[-300:] for side in packages]
    bits = [side.passes["names_by_part"].words[chosen] for side, chosen in zip(packages, rows, strict=True)]
    alike = (bits[0] == bits[1]).all(axis=1)
    assert alike.any()
    assert not alike.all()


def test_recall_is_told_and_no_link_is_a_spike_ins(agreement, sources, packages):
    """Nor are they counted."""
    result = link(*packages, agreement=agreement)

    ids = [set(one["record_id"]) for one in sources]
    links = result.links.to_pandas()
    assert set(links["left_id"]) <= ids[0]
    assert set(links["right_id"]) <= ids[1]
    assert (600, 600) == (result.n_left, result.n_right)
    assert all(max(count.n_left, count.n_right) <= 600 for count in result.counts)
    recall = result.judgement.recall
    assert recall.low <= recall.recall <= recall.high
    assert recall.strata[0].name == "ordinary"
    assert recall.strata[0].rate > 0.9
    assert 300 == sum(one.n for one in recall.strata)


def test_pass_by_pass_they_are_left_out(agreement, sources, packages):
    """They take no link from anybody."""
    by_thresholds = Matching(target="thresholds", cardinality="one-to-one")
    passes = tuple(
        msgspec.structs.replace(one, threshold=Decimal("0.9")) if hasattr(one, "threshold") else one
        for one in agreement.passes
    )
    strict = msgspec.structs.replace(agreement, matching=by_thresholds, passes=passes)
    again = [encode(one, strict, LinkageKey(b"k" * 32), id="record_id") for one in sources]
    bare = msgspec.structs.replace(strict, spike_ins=None)
    without = [encode(one, bare, LinkageKey(b"k" * 32), id="record_id") for one in sources]

    result, expected = link(*again, agreement=strict), link(*without, agreement=bare)

    assert expected.links.to_pandas().equals(result.links.to_pandas())
    assert [(one.n_left, one.n_right) for one in expected.counts] == [
        (one.n_left, one.n_right) for one in result.counts
    ]


def test_another_secret_makes_other_people(agreement, sources, packages):
    """So nobody without the secret knows who they are."""
    other = encode(sources[0], agreement, LinkageKey.generate(), id="record_id")

    numbers = [side.passes["health_number"].words[side.spike_in > 0] for side in (packages[0], other)]
    assert not np.isin(numbers[0], numbers[1][numbers[1] != 0]).any()
