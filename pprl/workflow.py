"""
The public verbs: one short function for each arrow between the parties.

At a custodian: `encode`, then `save` the package.  At the linkage unit: `load`, `link`.
With a known truth: `evaluate`.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from pprl.agreement import Agreement
from pprl.cleaning.columns import clean_columns
from pprl.cleaning.survey import Survey, survey_columns
from pprl.encoding.canaries import check_tags
from pprl.encoding.encoder import encode_passes
from pprl.encoding.passes import FuzzyPass, Pass
from pprl.errors import DataError, PolicyError, UsageError, nearest
from pprl.evaluation import LinkageQuality, linkage_quality
from pprl.exchange.package import Package, read_package
from pprl.exchange.tables import ArrowStream, read_columns, read_table, read_texts
from pprl.keys import LinkageKey
from pprl.linkage import LinkageResult, PassRule, link_datasets
from pprl.model import EncodedDataset, Provenance, TextColumn
from pprl.model.arrays import Mask, texts

PAIR_COLUMNS = ("left_id", "right_id")


@dataclass(frozen=True, slots=True)
class Encoding:
    """A package, and what cleaning saw on the way: counts only.

    Parameters
    ----------
    package : Package
        What may be handed on.
    reasons : mapping of str to mapping of str to int
        For each field, how many records have no value and why.
    flags : mapping of str to mapping of str to int
        For each field, how many records have a value of which the custodian should know.
    n_ignored : int
        Columns of the table that were not read.
    """

    package: Package
    reasons: Mapping[str, Mapping[str, int]]
    flags: Mapping[str, Mapping[str, int]]
    n_ignored: int


def encode(
    source: object,
    agreement: Agreement,
    key: LinkageKey,
    *,
    id: str,  # noqa: A002 - the word that everybody uses
    columns: Mapping[str, str] | None = None,
    allow_empty: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Package:
    """Encode a custodian's table under an agreement.

    Parameters
    ----------
    source : path, DataFrame or Arrow stream
        A CSV (UTF-8) or Parquet file, a pandas frame, or anything with
        ``__arrow_c_stream__``.  Only the agreement's columns are read.
    agreement : Agreement
        What is encoded and how.
    key : LinkageKey
        The custodians' secret.
    id : str
        Name of the column with record ids.  They are part of the package as they are; see
        `pseudonymise` for random ones.
    columns : mapping of str to str, optional
        For fields whose column has another name here: field to column.
    allow_empty : bool
        Accept a table without rows.
    progress : callable, optional
        Called with passes done and passes in all.

    Returns
    -------
    Package
        The encoded records, in the order of the table.

    Raises
    ------
    DataError
        If the table is not well formed; the message gives columns of the agreement and row
        numbers, never a value.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"rec_id": ["1"], "given_name": ["ann"], "surname": ["lee"],
    ...     "address_1": ["1 hay st"], "suburb": ["perth"], "postcode": ["6000"], "state": ["wa"],
    ...     "date_of_birth": ["19500203"]})
    >>> encode(people, Agreement.preset("febrl"), LinkageKey.generate(), id="rec_id")
    Package(1 records, 4 passes)
    """
    return encode_with_counts(
        source, agreement, key, id=id, columns=columns, allow_empty=allow_empty, progress=progress
    ).package


def encode_with_counts(
    source: object,
    agreement: Agreement,
    key: LinkageKey,
    *,
    id: str,  # noqa: A002 - as in `encode`
    columns: Mapping[str, str] | None = None,
    allow_empty: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Encoding:
    """Encode as `encode` does, and say what cleaning saw."""
    _require_type("agreement", agreement, Agreement)
    _require_type("key", key, LinkageKey)
    _require_type("id", id, str)
    sources = _sources(agreement, columns or {})
    _require_own_column(id, sources)
    wanted = list(dict.fromkeys(sources.values()))
    table = read_table(source, columns=wanted, id_column=id, allow_empty=allow_empty)
    raw = {field: table.columns[column] for field, column in sources.items()}
    cleaned = clean_columns(raw, agreement.fields)
    project_key = key.for_project(agreement.project_fingerprint, epoch=agreement.epoch)
    texts = {name: one.column for name, one in cleaned.items()}
    encoded = encode_passes(texts, agreement.fields, agreement.passes, project_key, progress=progress)
    package = Package(
        record_ids=table.record_ids,
        passes={name: one.bits for name, one in encoded.items()},
        present={name: one.present for name, one in encoded.items()},
        project=agreement.project,
        epoch=agreement.epoch,
        fingerprint=agreement.fingerprint,
        check_tags=check_tags(agreement.fields, agreement.passes, project_key),
        provenance=Provenance.current(),
    )
    return Encoding(
        package=package,
        reasons={name: one.reasons for name, one in cleaned.items()},
        flags={name: one.flags for name, one in cleaned.items()},
        n_ignored=table.n_ignored,
    )


def load(path: str | os.PathLike[str]) -> Package:
    """Read a package, after checking every byte of it.

    The file is mapped and not copied: it must stay as it is while the package is in use.

    Raises
    ------
    DataError
        If it is not a package.
    AuthenticationError
        If it is truncated or altered.
    VersionError
        If it is of another version of the format.
    """
    _require_type("path", path, str, os.PathLike)
    return read_package(path)


def link(
    left: EncodedDataset,
    right: EncodedDataset,
    *,
    agreement: Agreement,
    workers: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> LinkageResult:
    """Link two parties' encoded records.

    Parameters
    ----------
    left, right : EncodedDataset
        Packages made under the agreement, with one secret.
    agreement : Agreement
        Its passes decide, in their order.
    workers : int, optional
        Threads to compare with; by default one for each core.
    progress : callable, optional
        Called with the name of the pass, pairs compared and pairs to compare.

    Raises
    ------
    PolicyError
        If a package was not made under this agreement, or not with the same secret; the
        message names the check that failed.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"rec_id": ["1"], "given_name": ["ann"], "surname": ["lee"],
    ...     "address_1": ["1 hay st"], "suburb": ["perth"], "postcode": ["6000"], "state": ["wa"],
    ...     "date_of_birth": ["19500203"]})
    >>> agreement, key = Agreement.preset("febrl"), LinkageKey.generate()
    >>> encoded = encode(people, agreement, key, id="rec_id")
    >>> link(encoded, encoded, agreement=agreement)
    LinkageResult(1 x 1 records, 1 links, 0 conflicting pairs)
    """
    _require_type("agreement", agreement, Agreement)
    for side, dataset in (("left", left), ("right", right)):
        _require_type(side, dataset, EncodedDataset)
        require_made_under(dataset, agreement, what=f"{side} package")
    return link_datasets(left, right, _rules(agreement), workers=workers, progress=progress)


def require_made_under(dataset: EncodedDataset, agreement: Agreement, *, what: str) -> None:
    """Raise unless a dataset was made under this agreement.

    Raises
    ------
    PolicyError
        Naming the check that failed.
    """
    checks = (
        ("project", dataset.project, agreement.project, "it belongs to another project"),
        ("epoch", dataset.epoch, agreement.epoch, "it was made in another epoch: ask for a new one"),
        (
            "fingerprint",
            dataset.fingerprint,
            agreement.fingerprint,
            "let all parties use the same agreement file",
        ),
    )
    for name, found, wanted, hint in checks:
        if found != wanted:
            raise PolicyError(
                f"{what}: was not made under this agreement: {name} differs",
                code=f"different-{name}",
                hint=hint,
            )


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


def _require_own_column(id_column: str, sources: Mapping[str, str]) -> None:
    if id_column in sources.values():
        raise UsageError(
            "id: a field of the agreement is read from that column",
            code="id-is-field",
            hint="an id is sent as it is: choose a column that says nothing of a person",
        )


def _require_type(name: str, value: object, *wanted: type) -> None:
    if not isinstance(value, wanted):
        names = " or ".join(kind.__name__ for kind in wanted)
        raise UsageError(f"{name}: wanted {names}, got {type(value).__name__}", code="wrong-type")


def _sources(agreement: Agreement, columns: Mapping[str, str]) -> dict[str, str]:
    """Say from which column each field is read."""
    names = [rule.name for rule in agreement.fields]
    for name in columns:
        if name not in names:
            raise UsageError(
                "columns: names no field of the agreement", code="no-field", hint=nearest(name, names)
            )
    return {rule.name: columns.get(rule.name, rule.source) for rule in agreement.fields}


def _rules(agreement: Agreement) -> list[PassRule]:
    return [
        PassRule(one.name, threshold=one.threshold)
        if isinstance(one, FuzzyPass)
        else PassRule(one.name, threshold=None, refuses=one.differing == "refuses")
        for one in agreement.passes
    ]


def survey(
    source: object,
    agreement: Agreement,
    *,
    id: str | None = None,  # noqa: A002 - as in `encode`
    columns: Mapping[str, str] | None = None,
) -> Survey:
    """Count how good a custodian's table is, before it is encoded; no key is needed.

    Parameters
    ----------
    source : path, DataFrame or Arrow stream
        A table as for `encode`.  Only the agreement's columns are read.
    agreement : Agreement
        Its fields say how the table is cleaned, and its passes what a record must have.
    id : str, optional
        Name of the column with record ids, to check that they are there and all different.
    columns : mapping of str to str, optional
        For fields whose column has another name here: field to column.

    Returns
    -------
    Survey
        Counts only.  They are exact: what leaves the custodian goes through `reporting`,
        which hides small ones.

    Raises
    ------
    DataError
        If `encode` would refuse the table.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"given_name": ["ann", None], "surname": ["lee", "orr"],
    ...     "address_1": ["1 hay st", ""], "suburb": ["perth", ""], "postcode": ["6000", None],
    ...     "state": ["wa", "wa"], "date_of_birth": ["19500203", "19610405"]})
    >>> survey(people, Agreement.preset("febrl")).reached
    (0, 1, 0, 0, 1)
    """
    _require_type("agreement", agreement, Agreement)
    _require_type("agreement", agreement, Agreement)
    sources = _sources(agreement, columns or {})
    if id is not None:
        _require_own_column(id, sources)
    table = _columns_of(source, list(dict.fromkeys(sources.values())), id)
    rules = [msgspec.structs.replace(rule, column=sources[rule.name]) for rule in agreement.fields]
    cleaned = clean_columns({field: table[column] for field, column in sources.items()}, rules)
    held = {name: one.column.present() for name, one in cleaned.items()}
    return survey_columns(cleaned, rules, {one.name: _reached(one, held) for one in agreement.passes})


def _columns_of(source: object, wanted: Sequence[str], id_column: str | None) -> Mapping[str, TextColumn]:
    if id_column is None:
        columns = read_columns(source, wanted)
    else:
        columns = read_table(source, columns=wanted, id_column=id_column, allow_empty=True).columns
    if not len(columns[wanted[0]]):
        raise DataError("table: has no rows", code="no-rows", hint="there is nothing to check")
    return columns


def _reached(one: Pass, held: Mapping[str, Mask]) -> Mask:
    """Say which records take part in a pass: all that it requires, and anything at all."""
    required = [use.field for use in one.fields if use.required] if isinstance(one, FuzzyPass) else one.fields
    anything = np.logical_or.reduce([held[name] for name in one.field_names])
    reached: Mask = np.logical_and.reduce([anything, *(held[name] for name in required)])
    return reached
