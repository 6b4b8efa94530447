"""Quality by group: each group is measured as if it stood alone."""

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.datasets import uk
from pprl.errors import DataError
from pprl.evaluation import linkage_quality
from pprl.workflow import evaluate_groups

LEFT, RIGHT = "abcdef", "uvwxyz"
pairs = st.lists(st.tuples(st.sampled_from(LEFT), st.sampled_from(RIGHT)), max_size=25)
values = st.lists(st.sampled_from(["", "f", "m"]), min_size=6, max_size=6)

SEX = pd.DataFrame({"record_id": ["a", "b"], "sex": ["f", "m"]})
LINKS, TRUTH = [("a", "1"), ("b", "9")], [("a", "1"), ("b", "2")]


@given(pairs, pairs, values, st.sampled_from(["left", "right"]))
def test_a_group_is_measured_as_if_it_stood_alone(links, truth, sexes, side):
    """Its links and true pairs are those whose record is in it; every pair is in one group."""
    place, ids = {"left": (0, LEFT), "right": (1, RIGHT)}[side]
    of = dict(zip(ids, sexes, strict=True))
    table = pd.DataFrame({"record_id": list(ids), "sex": sexes})

    found = evaluate_groups(links, truth, table, side=side)

    assert linkage_quality(links, truth) == found.overall
    for one in found.groups:
        mine = [[pair for pair in some if of[pair[place]] == (one.value or "")] for some in (links, truth)]
        assert linkage_quality(*mine) == one.quality
    assert found.overall.n_true == sum(one.quality.n_true for one in found.groups)
    assert set(sexes) == {one.value or "" for one in found.groups}


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_table_may_be_a_frame(frame):
    """With numbers and truth values as they are, and who a record is left out."""
    table = frame(
        {"record_id": ["a", "b"], "person_id": ["p", "q"], "quintile": [1, 2], "migrant": [True, False]}
    )

    found = evaluate_groups(LINKS, TRUTH, table)

    assert ["quintile", "migrant"] == [name for name, _ in found.by_column()]
    assert [("1", 1.0), ("2", 0.0)] == [(one.value, one.quality.recall) for one in found.groups[:2]]


def test_groups_are_in_the_order_of_people():
    """5-9 before 10-14, and what has no value last."""
    bands = ["10-14", "", "5-9", "85+"]
    table = pd.DataFrame({"record_id": list("abcd"), "age": bands})

    assert ["5-9", "10-14", "85+", None] == [
        one.value for one in evaluate_groups([], [("a", "1")], table).groups
    ]


def test_the_columns_may_be_chosen(tmp_path):
    """So that other columns of the table are never read."""
    table = SEX.assign(day=["1950-01-01", "1951-01-01"], ethnicity=["x", "y"])
    table.to_csv(tmp_path / "groups.csv", index=False)

    found = evaluate_groups(LINKS, TRUTH, tmp_path / "groups.csv", columns=["ethnicity", "sex"])

    assert ["ethnicity", "sex"] == [name for name, _ in found.by_column()]


def test_exact_tables_hold_the_same():
    """Pandas, Arrow and rows by name; an undefined rate is none."""
    found = evaluate_groups(LINKS[:1], TRUTH, SEX)
    rows = found.to_dict()

    assert rows == found.to_arrow().to_pylist()
    assert [(1, 1, 1), (1, 0, 0)] == list(
        found.to_pandas()[["true_pairs", "true_links", "links"]].itertuples(index=False, name=None)
    )
    assert [1.0, None] == [row["precision"] for row in rows]


def test_no_figure_is_in_a_repr():
    """It may end in a log or a notebook that is handed on."""
    assert "QualityByGroup(2 groups of left records, 1 columns)" == repr(evaluate_groups(LINKS, TRUTH, SEX))


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (SEX.drop(columns="record_id"), "no-column"),
        (SEX.drop(columns="sex"), "no-column"),
        (SEX[:1], "unknown-id"),
        (pd.concat([SEX, SEX[:1].assign(sex="m")]), "duplicate-id"),
        (SEX.assign(record_id=["a", ""]), "gap"),
        (pd.DataFrame({"record_id": map(str, range(61)), "name": map(str, range(61))}), "too-many-groups"),
        (SEX.assign(weight=[0.5, 0.6]), "not-text"),
        (pd.concat([SEX, SEX[["sex"]]], axis=1), "duplicate-column"),
    ],
)
def test_bad_tables_are_refused(table, code):
    """By a code, and without a value."""
    with pytest.raises(DataError) as caught:
        evaluate_groups(LINKS, TRUTH, table)
    assert f"data/{code}" == caught.value.code


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_truth_of_a_fictitious_population_is_such_a_table(tmp_path, side):
    """Of either source, as a frame and as a file."""
    people = uk.population(2000, seed=7)
    left, right = (
        uk.draw_source(people, name, "measured", seed=7) for name in ("mental_health_trust", "hospital")
    )
    truth = uk.true_pairs(left, right)
    table = {"left": left, "right": right}[side].truth
    table.to_csv(tmp_path / "source.csv", index=False)
    truth.to_csv(tmp_path / "pairs.csv", index=False)
    links = list(truth.itertuples(index=False, name=None))[::2]

    found = evaluate_groups(links, truth, table, side=side)

    assert (
        found.groups
        == evaluate_groups(links, tmp_path / "pairs.csv", tmp_path / "source.csv", side=side).groups
    )
    assert list(table.columns[2:]) == [name for name, _ in found.by_column()]
    assert len(links) == found.overall.true_positives


def test_a_parquet_file_is_a_table(tmp_path):
    """With text in it."""
    SEX.to_parquet(tmp_path / "groups.parquet")

    assert (
        evaluate_groups(LINKS, TRUTH, SEX).groups
        == evaluate_groups(LINKS, TRUTH, tmp_path / "groups.parquet").groups
    )
