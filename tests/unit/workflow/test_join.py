"""`join`: attached tables come together by person, under the crosswalk."""

import itertools
from collections import defaultdict

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import DataError, ResourceError, UsageError
from pprl.exchange.crosswalks import save_crosswalk
from pprl.linkage.linkagekeys import Crosswalk, assign_record_keys
from pprl.model import Clusters
from pprl.workflow import join, research
from pprl.workflow.research import join_rows

NAMES = ("a", "b", "c")


def crosswalk_of(entries, probability=None):
    """A crosswalk of (person, source, key), each a small number."""
    person, source, key = zip(*entries, strict=True)
    return Crosswalk(
        NAMES,
        np.array([b"%032x" % one for one in person]),
        np.array(source, dtype=np.int32),
        np.array([b"%032x" % (1000 + one) for one in key]),
        np.full(len(person), np.nan) if probability is None else np.array(probability),
    )


def table_of(keys, **columns):
    return pa.table({"linkage_key": pa.array([f"{1000 + key:032x}" for key in keys], pa.string()), **columns})


TWO = crosswalk_of([(1, 0, 0), (1, 1, 1), (2, 0, 2), (3, 1, 3)])
LEFT = table_of([2, 0], ward=["W2", "W0"])
RIGHT = table_of([1, 3], drug=["D1", "D3"])


def test_people_of_all_tables_or_of_any():
    """What a source has not is missing; people come in the order of their random ids."""
    inner = join({"a": LEFT, "b": RIGHT}, TWO)
    outer = join({"a": LEFT, "b": RIGHT}, TWO, how="outer")

    one, two, three = (f"{person:032x}" for person in (1, 2, 3))
    assert {"person": [one], "ward": ["W0"], "drug": ["D1"]} == inner.table.to_pydict()
    assert {
        "person": [one, two, three],
        "ward": ["W0", "W2", None],
        "drug": ["D1", None, "D3"],
    } == outer.table.to_pydict()
    assert (1, 3) == (inner.n_people, outer.n_people)


def slow_join(tables, entries, how):
    """Every combination of the rows of each person."""
    person_of = {(source, key): person for person, source, key in entries}
    rows = defaultdict(lambda: defaultdict(list))
    for source, keys in tables.items():
        for number, key in enumerate(keys):
            rows[person_of[source, key]][source].append(number)
    keep = all if how == "inner" else any
    return [
        (f"{person:032x}", *numbers)
        for person in sorted(rows)
        if keep(rows[person][source] for source in tables)
        for numbers in itertools.product(*(rows[person][source] or [None] for source in tables))
    ]


@st.composite
def linkages(draw):
    """A crosswalk of three sources, and for some of them a table with any rows."""
    sources = draw(st.lists(st.integers(0, 2), min_size=1, max_size=12))
    entries = [(draw(st.integers(0, 4)), source, key) for key, source in enumerate(sources)]
    tables = {}
    for source in draw(st.permutations(range(3)))[: draw(st.integers(1, 3))]:
        mine = [key for _, one, key in entries if one == source]
        tables[source] = draw(st.lists(st.sampled_from(mine), max_size=6)) if mine else []
    return entries, tables


@given(linkages(), st.sampled_from(["inner", "outer"]))
def test_a_join_equals_its_slow_twin(linkage, how):
    """For any number of rows on any side, and any order of sources."""
    entries, tables = linkage
    payloads = {
        NAMES[source]: table_of(keys, **{f"n{source}": pa.array(range(len(keys)), pa.int64())})
        for source, keys in tables.items()
    }

    joined = join(payloads, crosswalk_of(entries), how=how, many=True)

    assert slow_join(tables, entries, how) == list(zip(*joined.table.to_pydict().values(), strict=True))
    assert len({row[0] for row in slow_join(tables, entries, how)}) == joined.n_people


@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=3))
def test_the_rows_that_meet_are_a_product(counts):
    """Counted like the digits of a number, the last source fastest."""
    counts = np.array(
        [[max(one, int(not any(column))) for one in column] for column in zip(*counts, strict=True)]
    ).T

    number, nth = join_rows(counts)

    expected = [
        list(itertools.product(*([*range(one)] or [-1] for one in person))) for person in counts.T.tolist()
    ]
    assert [len(rows) for rows in expected] == number.tolist()
    assert [list(row) for rows in expected for row in rows] == nth.T.tolist()


def test_several_rows_on_one_side_are_several_rows():
    """Admissions beside one row of a cohort, in their own order."""
    visits = table_of([0, 2, 0], day=["late", "x", "early"])

    joined = join({"b": table_of([1], score=[7]), "a": visits}, TWO)

    assert [7, 7] == joined.table.column("score").to_pylist()
    assert ["late", "early"] == joined.table.column("day").to_pylist()


def test_several_rows_on_both_sides_are_refused_unless_asked_for():
    """Every visit beside every drug says what never was."""
    visits, drugs = table_of([0, 0], day=["1", "2"]), table_of([1, 1, 1], drug=["x", "y", "z"])

    with pytest.raises(DataError) as caught:
        join({"a": visits, "b": drugs}, TWO)
    joined = join({"a": visits, "b": drugs}, TWO, many=True)

    assert "data/many-to-many" == caught.value.code
    assert "1 people" in caught.value.message
    assert [("1", "x"), ("1", "y"), ("1", "z"), ("2", "x"), ("2", "y"), ("2", "z")] == list(
        zip(joined.table.column("day").to_pylist(), joined.table.column("drug").to_pylist(), strict=True)
    )


def test_people_who_do_not_come_into_the_result_do_not_multiply():
    """Several rows on both sides, of different people."""
    joined = join({"a": table_of([2, 2, 0], x=[1, 2, 3]), "b": table_of([3, 3, 1], y=[1, 2, 3])}, TWO)

    assert [[3], [3]] == [joined.table.column(name).to_pylist() for name in "xy"]


def test_a_product_beyond_reason_is_refused_before_it_is_made(monkeypatch):
    """It would fill the memory."""
    monkeypatch.setattr(research, "MAX_JOINED_ROWS", 5)

    with pytest.raises(ResourceError, match=r"would have 6\.0e\+00 rows"):
        join({"a": table_of([0, 0], x=[1, 2]), "b": table_of([1] * 3, y=[1, 2, 3])}, TWO, many=True)


def test_columns_of_one_name_get_the_name_of_their_source():
    """And so does one that is called person."""
    joined = join(
        {"a": table_of([0], ward=["A"], person=["p"]), "b": table_of([1], ward=["B"], drug=["D"])}, TWO
    )

    assert ["person", "a_ward", "a_person", "b_ward", "drug"] == joined.table.column_names


def test_names_that_still_collide_are_refused():
    """Nothing is overwritten in silence."""
    with pytest.raises(DataError) as caught:
        join({"a": table_of([0], ward=["A"], b_ward=["?"]), "b": table_of([1], ward=["B"])}, TWO)

    assert "data/duplicate-column" == caught.value.code


def test_types_stay(tmp_path):
    """Numbers, dates and categories, through an outer join."""
    coded = pa.array(["x"]).dictionary_encode()
    left = table_of([0], n=pa.array([1], pa.int16()), day=pa.array([0], pa.date32()), coded=coded)

    joined = join({"a": left, "b": RIGHT}, TWO, how="outer")
    joined.save(tmp_path / "joined.parquet")

    assert [pa.int16(), pa.date32()] == [joined.table.schema.field(name).type for name in ("n", "day")]
    assert ["x", None] == pq.read_table(tmp_path / "joined.parquet")["coded"].to_pylist()


SURE = crosswalk_of([(1, 0, 0), (1, 1, 1), (2, 0, 2), (2, 1, 3)], [0.9, 0.9, 0.6, 0.6])


@pytest.mark.parametrize(
    ("at_least", "n_inner", "n_outer"), [(None, 2, 2), (0.5, 2, 2), (0.9, 1, 3), (0.95, 0, 4)]
)
def test_a_least_probability_takes_doubtful_records_apart(at_least, n_inner, n_outer):
    """They stand alone: out of an inner join, by themselves in an outer one."""
    tables = {"a": table_of([0, 2], x=[1, 2]), "b": table_of([1, 3], y=[1, 2])}

    found = [join(tables, SURE, how=how, at_least=at_least).n_people for how in ("inner", "outer")]

    assert [n_inner, n_outer] == found


def test_keys_do_not_come_out_of_a_join():
    """Also not as the person of a record that was taken apart."""
    joined = join({"a": table_of([0, 2], x=[1, 2])}, SURE, at_least=0.95)

    assert ["person", "x"] == joined.table.column_names
    assert set() == set(joined.table.column("person").to_pylist()) & {
        key.decode() for key in SURE.linkage_key.tolist()
    }


def test_the_crosswalk_of_another_linkage_is_refused_by_row():
    """Neither the key nor the person is repeated."""
    with pytest.raises(DataError) as caught:
        join({"a": table_of([0, 77], x=[1, 2])}, TWO)

    assert "data/unknown-key" == caught.value.code
    assert "1 rows" in caught.value.message
    assert "(row 2)" in caught.value.message
    assert f"{1077:032x}" not in caught.value.message + caught.value.hint


def test_swapped_sources_are_refused():
    """A key is of one source."""
    with pytest.raises(DataError, match="source b, table: 2 rows have a linkage key"):
        join({"b": LEFT, "a": RIGHT}, TWO)


def test_a_table_that_was_not_attached_is_refused():
    """With what to do."""
    with pytest.raises(DataError, match="source a, table: has no column") as caught:
        join({"a": pd.DataFrame({"id": ["1"], "x": ["y"]})}, TWO)

    assert "pprl attach" in caught.value.hint


def test_a_row_without_a_key_is_refused():
    """It would be nobody's."""
    table = pa.table({"linkage_key": [f"{1000:032x}", None], "x": [1, 2]})

    with pytest.raises(DataError, match="source a, table, column linkage_key: is empty in row 2"):
        join({"a": table}, TWO)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: join({}, TWO), "usage/no-table"),
        (lambda: join([LEFT], TWO), "usage/wrong-type"),
        (lambda: join({"A": LEFT}, TWO), "usage/no-source"),
        (lambda: join({"a": LEFT}, TWO, how="left"), "usage/how"),
        (lambda: join({"a": LEFT}, TWO, at_least=2), "usage/probability"),
    ],
)
def test_a_call_that_means_nothing_is_refused(call, code):
    """No tables, no such source, no such join."""
    with pytest.raises(UsageError) as caught:
        call()

    assert code == caught.value.code


def test_an_empty_table_joins_to_nothing(tmp_path):
    """A custodian without a row is no mistake; and what is shown are counts."""
    empty = table_of([], ward=pa.array([], pa.string()))

    assert 0 == len(join({"a": empty, "b": RIGHT}, TWO))
    outer = join({"a": empty, "b": RIGHT}, TWO, how="outer")

    assert "Joined(2 rows of 2 people, 2 sources)" == repr(outer)
    assert [("a", 0, 0, 0), ("b", 2, 2, 2)] == [
        (one.name, one.n_rows, one.n_people, one.n_joined) for one in outer.counts
    ]


def test_files_join_like_tables(tmp_path):
    """A crosswalk and payloads as they were sent."""
    clusters = Clusters(
        ("a", "b"), np.array([0, 1], dtype=np.int32), np.array([0, 0]), np.array([0, 0]), (True, True)
    )
    (a, b), crosswalk = assign_record_keys(clusters)
    save_crosswalk(tmp_path / "crosswalk.csv", crosswalk)
    for name, keys in (("a", a), ("b", b)):
        table = pd.DataFrame({"linkage_key": [keys.linkage_key[0].decode()], name: ["007"]})
        table.to_csv(tmp_path / f"{name}.csv", index=False)

    joined = join({name: tmp_path / f"{name}.csv" for name in "ab"}, tmp_path / "crosswalk.csv")
    joined.save(tmp_path / "joined.parquet")

    assert [["007"], ["007"]] == [joined.to_pandas()[name].tolist() for name in "ab"]
    assert joined.table.to_pydict() == pd.read_parquet(tmp_path / "joined.parquet").to_dict("list")
