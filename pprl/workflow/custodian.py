"""
At a custodian: a table becomes a package.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pprl.agreement import Agreement
from pprl.cleaning.columns import clean_columns
from pprl.encoding.canaries import check_tags
from pprl.encoding.decoys import FEWEST_RECORDS, with_decoys
from pprl.encoding.encoder import encode_passes
from pprl.encoding.errormodel import ErrorModel
from pprl.encoding.spikeins import with_spike_ins
from pprl.exchange.package import Package
from pprl.exchange.tables import read_table
from pprl.keys import LinkageKey, ProjectKey, length_prefixed, random_bytes
from pprl.model import Provenance, TextColumn
from pprl.model.arrays import Codes, Ids, Mask
from pprl.workflow.calls import require_progress, require_type
from pprl.workflow.tables import all_of, raw_columns, require_own_column, sources_of

_ID_BYTES = 12


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
    columns: Mapping[str, str | Sequence[str]] | None = None,
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
    columns : mapping of str to str or sequence of str, optional
        For fields whose columns have other names here: field to column, or to all columns.
    allow_empty : bool
        Accept a table without rows.
    progress : callable, optional
        Called after each pass with records encoded and to encode; a record counts once for
        each pass.

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
    columns: Mapping[str, str | Sequence[str]] | None = None,
    allow_empty: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Encoding:
    """Encode as `encode` does, and say what cleaning saw."""
    require_type("agreement", agreement, Agreement)
    require_type("key", key, LinkageKey)
    require_type("id", id, str)
    require_progress(progress)
    sources = sources_of(agreement, columns or {})
    require_own_column(id, sources)
    wanted = all_of(sources)
    table = read_table(source, columns=wanted, id_column=id, allow_empty=allow_empty)
    raw = raw_columns(table.columns, sources)
    cleaned = clean_columns(raw, agreement.fields)
    project_key = key.for_project(agreement.project_fingerprint, epoch=agreement.epoch)
    texts, decoy, spike_in = _with_fictitious(
        {name: one.column for name, one in cleaned.items()}, agreement, project_key
    )
    encoded = encode_passes(texts, agreement.fields, agreement.passes, project_key, progress=progress)
    package = Package(
        record_ids=_with_ids(table.record_ids, decoy.size - len(table.record_ids)),
        passes={name: one.bits for name, one in encoded.items()},
        present={name: one.present for name, one in encoded.items()},
        project=agreement.project,
        epoch=agreement.epoch,
        fingerprint=agreement.fingerprint,
        check_tags=check_tags(agreement.fields, agreement.passes, project_key),
        provenance=Provenance.current(),
        tags={name: one.tags for name, one in encoded.items() if one.tags is not None},
        decoy=decoy,
        spike_in=spike_in,
    )
    return Encoding(
        package=package,
        reasons={name: one.reasons for name, one in cleaned.items()},
        flags={name: one.flags for name, one in cleaned.items()},
        n_ignored=table.n_ignored,
    )


def _with_fictitious(
    columns: dict[str, TextColumn], agreement: Agreement, key: ProjectKey
) -> tuple[dict[str, TextColumn], Mask, Codes]:
    """Add the people who do not exist that the agreement asks for.

    The same table, key and agreement give the same ones; who the spike-ins are does not
    depend on the table.
    """
    n_records = len(columns[agreement.fields[0].name])
    fields, passes = agreement.fields, agreement.passes
    digest = _digest(columns)
    decoy = np.zeros(n_records, dtype=np.bool_)
    if agreement.decoys is not None and agreement.decoys.number(n_records):
        generator = np.random.default_rng(_seed(key, "decoys", digest))
        columns, decoy = with_decoys(columns, fields, passes, agreement.decoys, generator)
    spike_in = np.zeros(decoy.size, dtype=np.int32)
    if agreement.spike_ins is not None and n_records >= FEWEST_RECORDS:
        people = _seed(key, "spike-ins", b"people")
        copies = np.random.default_rng(_seed(key, "spike-ins", digest))
        errors = agreement.errors or ErrorModel()
        columns, spike_in = with_spike_ins(
            columns, ~decoy, fields, passes, agreement.spike_ins, errors, people, copies
        )
        decoy = np.concatenate([decoy, np.zeros(spike_in.size - decoy.size, dtype=np.bool_)])
    return columns, decoy, spike_in


def _digest(columns: dict[str, TextColumn]) -> bytes:
    digest = hashlib.sha256()
    for name, column in columns.items():
        digest.update(length_prefixed(name, *column.values) + column.codes.tobytes())
    return digest.digest()


def _seed(key: ProjectKey, purpose: str, message: bytes) -> int:
    return int.from_bytes(key.derive(purpose).mac(message))


def _with_ids(record_ids: Ids, n_added: int) -> Ids:
    """Give decoys and spike-ins random ids that no record has."""
    if not n_added:
        return record_ids
    taken = set(record_ids.tolist())
    fresh: set[bytes] = set()
    while len(fresh) < n_added:
        drawn = random_bytes(_ID_BYTES * (n_added - len(fresh))).hex().encode("ascii")
        width = 2 * _ID_BYTES
        fresh |= {drawn[begin : begin + width] for begin in range(0, len(drawn), width)} - taken
    both: Ids = np.array([*record_ids.tolist(), *sorted(fresh)], dtype=np.bytes_)
    return both
