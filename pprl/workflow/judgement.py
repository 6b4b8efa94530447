"""
With a known truth: how good links are.
"""

import os
from collections.abc import Iterable, Sequence

from pprl.errors import UsageError
from pprl.evaluation import LinkageQuality, linkage_quality
from pprl.exchange.tables import ArrowStream, read_texts
from pprl.linkage import LinkageResult
from pprl.model.arrays import texts

PAIR_COLUMNS = ("left_id", "right_id")


def evaluate(
    links: LinkageResult | str | os.PathLike[str] | Iterable[tuple[str, str]],
    truth: object,
) -> LinkageQuality:
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
    return linkage_quality(read_pairs(links), read_pairs(truth))


def read_pairs(source: object) -> list[tuple[str, str]]:
    """Give pairs of ids from a result, a file, a frame or an iterable."""
    if isinstance(source, LinkageResult):
        return list(zip(texts(source.links.left_ids), texts(source.links.right_ids), strict=True))
    if isinstance(source, str | os.PathLike) or hasattr(source, "columns") or isinstance(source, ArrowStream):
        return list(zip(*read_texts(source, PAIR_COLUMNS), strict=True))
    if isinstance(source, Iterable):
        return [_pair(entry) for entry in source]
    raise UsageError("pairs: wanted a result, a path, a frame or pairs of ids", code="not-pairs")


def _pair(entry: object) -> tuple[str, str]:
    if isinstance(entry, Sequence) and not isinstance(entry, str) and len(entry) == 2:
        return str(entry[0]), str(entry[1])
    raise UsageError("pairs: each must be a left id and a right id", code="not-pairs")
