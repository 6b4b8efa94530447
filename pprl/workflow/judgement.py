"""
With a known truth: how good links are, overall, at other thresholds, by group, and over clusters.
"""

import os
from collections.abc import Iterable, Sequence

import numpy as np

from pprl.errors import DataError, UsageError
from pprl.evaluation import (
    BlockingQuality,
    IdPairs,
    LinkageQuality,
    QualityByGroup,
    Sweep,
    blocking_quality,
    cluster_quality,
    cluster_quality_by_pairs,
    linkage_quality,
    quality_by_group,
    threshold_sweep,
)
from pprl.evaluation.groups import Side
from pprl.evaluation.pairs import Texts, id_array, number_pairs, numbered
from pprl.exchange.shape import Wanted
from pprl.exchange.tables import read_texts
from pprl.linkage import LinkageResult
from pprl.model.arrays import Rows, Scores
from pprl.workflow.truth import (
    PAIR_COLUMNS,
    PERSON_COLUMNS,
    Labelled,
    column_names,
    held_table,
    read_groups,
    read_labelled,
    read_pairs,
    read_scored,
)

__all__ = [
    "PAIR_COLUMNS",
    "evaluate",
    "evaluate_candidates",
    "evaluate_clusters",
    "evaluate_groups",
    "evaluate_sweep",
    "read_pairs",
    "read_scored",
]

LinksLike = LinkageResult | IdPairs | str | os.PathLike[str] | Iterable[tuple[str, str]]
_SOURCED_PAIRS = ("left_source", "left_id", "right_source", "right_id")


def evaluate(links: LinksLike, truth: object) -> LinkageQuality:
    """Count links against a known truth.

    Parameters
    ----------
    links : LinkageResult, path or iterable of (left id, right id)
        The links; a file needs the columns ``left_id`` and ``right_id``.
    truth : path, DataFrame or iterable of (left id, right id)
        All true pairs; a file or a frame needs the same columns.

    Raises
    ------
    DataError
        If a file is not such a table.

    Examples
    --------
    >>> evaluate([("a", "1"), ("b", "2")], [("a", "1"), ("c", "3")])
    LinkageQuality(true_positives=1, false_positives=1, false_negatives=1)
    """
    return linkage_quality(read_pairs(links, what="links"), read_pairs(truth, what="truth"))


def evaluate_sweep(links: object, truth: object, *, scores: Scores | None = None) -> Sweep:
    """Say what precision and recall would be at every threshold.

    Parameters
    ----------
    links : LinkageResult, path, DataFrame, or pairs of ids
        Links or candidate pairs.  A table has a column ``probability`` or, without it or where
        it is wholly empty, ``score``; of a pair that occurs twice the higher counts.
    truth : path, DataFrame or iterable of (left id, right id)
        All true pairs.
    scores : ndarray of float64, optional
        The score of each pair, where `links` are pairs of ids.

    Raises
    ------
    DataError
        If a table lacks a column, or a score is not a number.

    Examples
    --------
    >>> pairs = [("a", "1"), ("b", "9")]
    >>> sweep = evaluate_sweep(pairs, [("a", "1"), ("c", "3")], scores=np.array([0.9, 0.8]))
    >>> sweep.recall.tolist(), sweep.precision.tolist()
    ([0.5, 0.5], [1.0, 0.5])
    """
    pairs, known = read_scored(links) if scores is None else (read_pairs(links, what="links"), scores)
    if known.shape != (len(pairs),):
        raise UsageError("sweep: wanted a score for each pair", code="sweep")
    found, true = number_pairs(pairs, read_pairs(truth, what="truth"))
    falling = np.argsort(-known, kind="stable")
    once, first = np.unique(found[falling], return_index=True)
    distinct = np.unique(true)
    return threshold_sweep(known[falling[first]], np.isin(once, distinct, assume_unique=True), distinct.size)


def evaluate_groups(
    links: LinksLike,
    truth: object,
    groups: object,
    *,
    side: Side = "left",
    columns: Sequence[str] | None = None,
) -> QualityByGroup:
    """Count links against a known truth, group by group.

    What it gives is exact, and for your own eyes.  `pprl evaluate --groups` prints what
    can be handed on.

    Parameters
    ----------
    links, truth
        As for `evaluate`.
    groups : path or DataFrame
        ``record_id`` of the left (or right) records, and one or several columns of groups.
    side : "left" or "right"
        Whose records these are.
    columns : sequence of str, optional
        Which columns are groups; all but ``record_id``, ``person`` and ``person_id`` if not said.

    Raises
    ------
    DataError
        If an id occurs twice, a record of the links or the truth is not there, or a column
        has more than 60 values.

    Examples
    --------
    >>> import pandas as pd
    >>> sex = pd.DataFrame({"record_id": ["a", "b"], "sex": ["f", "m"]})
    >>> by_sex = evaluate_groups([("a", "1")], [("a", "1"), ("b", "2")], sex)
    >>> [(one.value, one.quality.recall) for one in by_sex.groups]
    [('f', 1.0), ('m', 0.0)]
    """
    found, true = read_pairs(links, what="links"), read_pairs(truth, what="truth")
    return quality_by_group(found, true, read_groups(groups, columns), side=side)


def evaluate_candidates(
    candidates: LinksLike, truth: object, *, n_left: int, n_right: int
) -> BlockingQuality:
    """Measure blocking: what looking at these pairs alone saves and costs.

    Parameters
    ----------
    candidates, truth
        Pairs, as for `evaluate`.
    n_left, n_right : int
        Number of records of both sides.

    Raises
    ------
    UsageError
        If there are more pairs than so many records can make.

    Examples
    --------
    >>> candidates = [("a", "1"), ("a", "2")]
    >>> evaluate_candidates(candidates, [("a", "1"), ("b", "3")], n_left=2, n_right=4).reduction_ratio
    0.75
    """
    counts = evaluate(candidates, truth)
    return blocking_quality(counts.n_links, counts.true_positives, counts.n_true, n_left * n_right)


def evaluate_clusters(found: object, truth: object) -> LinkageQuality:
    """Count the pairs of records that clusters hold together against a known truth.

    All pairs in a cluster count, those of one source included.  A record that is in one of
    the two tables and not in the other is alone there.

    Parameters
    ----------
    found : path or DataFrame
        ``cluster``, ``source`` (or ``party``) and ``record_id`` of each record.
    truth : path, DataFrame, or a list of them
        ``person`` (or ``person_id``), ``source`` (or ``party``) and ``record_id`` of each
        record; a file without ``source`` is about one, and has its name.  Or true pairs:
        ``left_source``, ``left_id``, ``right_source`` and ``right_id``, the sources only
        where two have an id in common.

    Raises
    ------
    DataError
        If a table lacks a column, a record occurs twice, or the tables have no record in
        common.

    Examples
    --------
    >>> import pandas as pd
    >>> who = pd.DataFrame({"source": ["x", "y", "y"], "record_id": ["1", "1", "2"]})
    >>> evaluate_clusters(who.assign(cluster=["0", "0", "1"]), who.assign(person=["p", "p", "p"]))
    LinkageQuality(true_positives=1, false_positives=0, false_negatives=2)
    """
    clusters = read_labelled(found, ("cluster",), what="clusters")
    tables = [held_table(one) for one in (truth if isinstance(truth, list | tuple) else [truth])]
    are_pairs = {set(PAIR_COLUMNS) <= set(column_names(table)) for table in tables}
    if len(are_pairs) != 1:
        raise UsageError("truth: wanted people or pairs, not both", code="mixed-truth")
    if are_pairs == {True}:
        return _against_pairs(clusters, *_joined(_sourced_pairs(table, clusters) for table in tables))
    people = (read_labelled(table, PERSON_COLUMNS, what="truth") for table in tables)
    return _against_people(clusters, _joined_people(people))


def _against_people(clusters: Labelled, people: Labelled) -> LinkageQuality:
    found, true = number_pairs(clusters.records(), people.records())
    _require_once(found, "clusters")
    _require_once(true, "truth")
    _require_common(found, true)
    everybody = np.union1d(found, true)
    return cluster_quality(_labels(everybody, found, clusters.label), _labels(everybody, true, people.label))


def _against_pairs(clusters: Labelled, left: IdPairs, right: IdPairs) -> LinkageQuality:
    found, one, other = number_pairs(clusters.records(), left, right)
    _require_once(found, "clusters")
    _require_common(found, np.concatenate([one, other]))
    everybody = np.unique(np.concatenate([found, one, other]))
    rows = (np.searchsorted(everybody, some) for some in (one, other))
    return cluster_quality_by_pairs(_labels(everybody, found, clusters.label), *rows)


def _labels(everybody: Rows, records: Rows, label: Texts) -> Rows:
    """Give the label of each record as a number; who has none is alone."""
    (codes,), n_labels = numbered(label)
    labels = n_labels + np.arange(everybody.size, dtype=np.int64)
    labels[np.searchsorted(everybody, records)] = codes
    return labels


def _sourced_pairs(table: object, clusters: Labelled) -> tuple[IdPairs, IdPairs]:
    """Give the left and the right records of true pairs, each as source and id."""
    names = column_names(held_table(table))
    if set(_SOURCED_PAIRS) <= set(names):
        columns = [id_array(column) for column in read_texts(table, Wanted(_SOURCED_PAIRS, "truth"))]
        return IdPairs(*columns[:2]), IdPairs(*columns[2:])
    source_of = dict(zip(clusters.record_id.tolist(), clusters.source.tolist(), strict=True))
    if len(source_of) < clusters.record_id.size:
        raise DataError(
            "clusters: ids occur more than once, so pairs of ids do not say which record is meant",
            code="duplicate-id",
            hint="give the truth with left_source and right_source, or as people",
        )
    sides = read_pairs(table, what="truth")
    left, right = (
        IdPairs(id_array(source_of.get(one, "") for one in ids.tolist()), ids)
        for ids in (sides.left, sides.right)
    )
    return left, right


def _joined(sides: Iterable[tuple[IdPairs, IdPairs]]) -> tuple[IdPairs, IdPairs]:
    lefts, rights = zip(*sides, strict=True)
    return _stacked(lefts), _stacked(rights)


def _stacked(parts: Sequence[IdPairs]) -> IdPairs:
    return IdPairs(
        np.concatenate([part.left for part in parts]), np.concatenate([part.right for part in parts])
    )


def _joined_people(tables: Iterable[Labelled]) -> Labelled:
    parts = list(tables)
    return Labelled(
        np.concatenate([part.source for part in parts]),
        np.concatenate([part.record_id for part in parts]),
        np.concatenate([part.label for part in parts]),
    )


def _require_once(records: Rows, what: str) -> None:
    n_repeated = records.size - np.unique(records).size
    if n_repeated:
        raise DataError(
            f"{what}: {n_repeated} records occur more than once",
            code="duplicate-id",
            hint="a record is in one cluster, and is one person",
        )


def _require_common(found: Rows, true: Rows) -> None:
    if found.size and true.size and not np.isin(found, true).any():
        raise DataError(
            "clusters: no record of them is in the truth",
            code="unknown-id",
            hint="are sources named alike in both, are ids those of the same table?",
        )
