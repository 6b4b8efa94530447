"""Decoys of a file that repeats people are no twins of everybody."""

import numpy as np

from pprl.encoding import decoys


def known(days, given):
    """Families of two at one address."""
    family = np.repeat(np.arange(len(days) // 2), 2)
    none = np.full(len(days), -1)
    return decoys._Known(family=family, given=np.array(given), sex=none, place=family, days=np.array(days))


def test_repeats_with_a_misspelt_name_are_not_taken_for_twins():
    """Of 200 pairs 150 are born on one day, far more than twins are."""
    rng = np.random.default_rng(1)
    days = rng.integers(700_000, 730_000, size=400)
    days[1:300:2] = days[0:300:2]

    apart, _ = decoys._differences(known(days, range(400)), 2000, rng)

    assert np.mean(apart == 0) < 0.1


def test_twins_stay_where_they_are_few():
    """Two pairs of a hundred."""
    rng = np.random.default_rng(1)
    days = rng.integers(700_000, 730_000, size=200)
    days[1:4:2] = days[0:4:2]

    apart, _ = decoys._differences(known(days, range(200)), 2000, rng)

    assert 0 < np.mean(apart == 0) < 0.05
