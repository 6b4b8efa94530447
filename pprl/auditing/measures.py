"""
Leakage measures: what filters give away without any attack.

None of these is a probability of harm, and they are never merged into one score.  Each is given
beside its value for the same people as a plain CLK, which is known to be broken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pprl.auditing.columns import BitSpread, Cooccurrence, bit_spread, cooccurrence
from pprl.auditing.scenes import rows_of
from pprl.auditing.similarities import (
    correlation,
    each_pair,
    filter_dice,
    nearest_profiles,
    rho,
    value_counts,
)
from pprl.auditing.tokentables import TokenTable, token_table
from pprl.auditing.views import bare, in_all, plain_twin
from pprl.auditing.vulnerabilities import vulnerabilities
from pprl.cleaning.fields import Field
from pprl.encoding.encoder import Columns, encode_passes
from pprl.encoding.passes import FuzzyPass
from pprl.errors import DataError, UsageError
from pprl.keys import ProjectKey
from pprl.model import BitMatrix
from pprl.model.arrays import Matrix, Rows

TOP = 0.01  # share of pairs, the most alike in clear
N_NEIGHBOURS = 5  # of a profile
STEP = 0.01  # similarities of a profile are rounded to this
FEWEST = 3  # records: fewer have no pairs to compare


@dataclass(frozen=True, slots=True)
class Leakage:
    """What the filters of one pass give away.

    Parameters
    ----------
    n_records, n_bits : int
        Filters, and their length.
    unique_filters, unique_weights, unique_profiles : float
        Share of records that are alone with their filter, with its number of bits set, and with
        the similarities to their 5 nearest neighbours rounded to 0.01.
    bits : BitSpread
        How unequally often the columns are set.
    weight_mean, weight_deviation : float
        Mean and standard deviation of the number of bits set.
    weight_by_length : float
        Correlation of the number of bits set with the number that the tokens ask for.
    columns : Cooccurrence
        How far columns are set together.
    rho, rho_top : float
        Correlation of similarity in clear and of filters, over all pairs and over the 1 % that
        are most alike in clear.
    vulnerable : mapping of str to float
        For each of the five properties of Vidanage et al. 2023 the share of records that it leads
        to; see `pprl.auditing.vulnerabilities`.
    """

    n_records: int
    n_bits: int
    unique_filters: float
    unique_weights: float
    unique_profiles: float
    bits: BitSpread
    weight_mean: float
    weight_deviation: float
    weight_by_length: float
    columns: Cooccurrence
    rho: float
    rho_top: float
    vulnerable: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PassLeakage:
    """What a pass gives away as agreed, and as a plain CLK of the same people.

    Parameters
    ----------
    name : str
        Of the pass.
    fill : float
        Mean share of bits set before hardening.  Diffusion hides the more the nearer it is to one half.
    agreed, plain : Leakage
        Of the pass as agreed, and of its plain twin.
    """

    name: str
    fill: float
    agreed: Leakage
    plain: Leakage


@dataclass(frozen=True, slots=True)
class JointLeakage:
    """What several passes of the same records give away together.

    Parameters
    ----------
    names : tuple of str
        The passes.
    n_records : int
        Records that take part in all of them.
    unique_weights, unique_profiles : float
        Share of records that are alone with their numbers of bits set in all passes, and with the
        nearest-neighbour profile of the mean similarity.
    rho, rho_top : float
        Correlation of the mean similarity in clear with the mean of the passes' similarities,
        each standardised: over all pairs, and the 1 % most alike.
    rho_best, rho_top_best : float
        The highest of these that one pass reaches by itself, against the same mean in clear.
    """

    names: tuple[str, ...]
    n_records: int
    unique_weights: float
    unique_profiles: float
    rho: float
    rho_top: float
    rho_best: float
    rho_top_best: float


@dataclass(frozen=True, slots=True)
class PassesLeakage:
    """What passes give away together as agreed, and as plain CLKs of the same people."""

    agreed: JointLeakage
    plain: JointLeakage


def leakage(table: TokenTable, bits: BitMatrix) -> Leakage:
    """Measure what filters give away.

    Parameters
    ----------
    table : TokenTable
        The records in clear.
    bits : BitMatrix
        Their filters, in the same order.

    Raises
    ------
    UsageError
        If the two differ in their number of records.
    DataError
        If there are fewer than 3 records.

    Examples
    --------
    >>> from pprl.cleaning.fields import NameField
    >>> from pprl.encoding.passes import PassField
    >>> from pprl.keys import LinkageKey
    >>> from pprl.model import TextColumn
    >>> people = {"name": TextColumn.from_texts(["anna", "ann", "bob", "bobby"])}
    >>> one = FuzzyPass(name="all", fields=(PassField(field="name", bits=40),), n_bits=256, hardening=())
    >>> key = LinkageKey.generate().for_project("audit", epoch=1)
    >>> found = pass_leakage(people, [NameField(name="name")], one, key).agreed
    >>> found.n_records, found.unique_filters, found.rho > 0.9
    (4, 1.0, True)
    """
    _require_rows(len(table), len(bits))
    in_clear, encoded = table.dice(), filter_dice(bits)
    weights = bits.popcounts()
    return Leakage(
        n_records=len(bits),
        n_bits=bits.n_bits,
        unique_filters=unique_share(bits.words),
        unique_weights=unique_share(weights[:, None]),
        unique_profiles=unique_share(rounded_profiles(encoded)),
        bits=bit_spread(bits),
        weight_mean=float(weights.mean()),
        weight_deviation=float(weights.std()),
        weight_by_length=correlation(table.lengths(), weights),
        columns=cooccurrence(bits),
        rho=rho(in_clear, encoded),
        rho_top=rho(in_clear, encoded, top=TOP),
        vulnerable=vulnerabilities(table, bits, in_clear=in_clear, encoded=encoded),
    )


def pass_leakage(columns: Columns, rules: Sequence[Field], one: FuzzyPass, key: ProjectKey) -> PassLeakage:
    """Measure a pass as agreed, and as a plain CLK of the same people.

    Parameters
    ----------
    columns : mapping of str to TextColumn
        Cleaned columns by name of field; up to 5,000 records.
    rules : sequence of Field
        The agreement's fields.
    one : FuzzyPass
        The pass.  Records that are absent from it are left out.
    key : ProjectKey
        The project's key, or one that is thrown away.
    """
    twin = plain_twin(one)
    here = rows_of(columns, np.flatnonzero(in_all(columns, (one, twin))))
    before = encode_passes(here, rules, [bare(one)], key)[one.name].bits
    agreed, plain = (
        leakage(token_table(here, rules, each), encode_passes(here, rules, [each], key)[each.name].bits)
        for each in (one, twin)
    )
    return PassLeakage(one.name, float(before.popcounts().mean()) / before.n_bits, agreed, plain)


def joint_leakage(
    columns: Columns, rules: Sequence[Field], passes: Sequence[FuzzyPass], key: ProjectKey
) -> PassesLeakage:
    """Measure what the passes of the same records give away together, beside plain CLKs.

    An attacker who holds several passes knows which filters are of one record.  Noise that is of
    each pass alone then averages out, and what is left of the similarity adds up.

    Parameters
    ----------
    columns : mapping of str to TextColumn
        Cleaned columns by name of field; up to 5,000 records.
    rules : sequence of Field
        The agreement's fields.
    passes : sequence of FuzzyPass
        At least one; records that are absent from any are left out.
    key : ProjectKey
        The project's key, or one that is thrown away.

    Raises
    ------
    UsageError
        If there is no pass.
    DataError
        If fewer than 3 records take part in all passes.
    """
    if not passes:
        raise UsageError("joint leakage: wanted at least one pass", code="no-passes")
    twins = [plain_twin(one) for one in passes]
    here = in_all(columns, (*passes, *twins))
    people = rows_of(columns, np.flatnonzero(here))
    n_records = int(here.sum())
    _require_rows(n_records, n_records)
    agreed, plain = (_joint(people, rules, each, key) for each in (list(passes), twins))
    return PassesLeakage(agreed, plain)


def unique_share(rows: npt.NDArray[np.generic]) -> float:
    """Give the share of rows that no other row is equal to.

    Examples
    --------
    >>> unique_share(np.array([[1], [2], [1], [3]]))
    0.5
    """
    return float((value_counts(rows) == 1).mean())


def rounded_profiles(similarity: Matrix) -> Rows:
    """Give for each record its similarities to its 5 nearest neighbours, in steps of 0.01."""
    steps: Rows = np.rint(nearest_profiles(similarity, N_NEIGHBOURS) / STEP).astype(np.int64)
    return steps


def _joint(
    columns: Columns, rules: Sequence[Field], passes: Sequence[FuzzyPass], key: ProjectKey
) -> JointLeakage:
    encoded = encode_passes(columns, rules, passes, key)
    bits = [encoded[one.name].bits for one in passes]
    alike = [filter_dice(one) for one in bits]
    in_clear = np.mean([token_table(columns, rules, one).dice() for one in passes], axis=0)
    together = np.mean([_standardised(one) for one in alike], axis=0)
    return JointLeakage(
        names=tuple(one.name for one in passes),
        n_records=len(in_clear),
        unique_weights=unique_share(np.column_stack([one.popcounts() for one in bits])),
        unique_profiles=unique_share(rounded_profiles(np.mean(alike, axis=0))),
        rho=rho(in_clear, together),
        rho_top=rho(in_clear, together, top=TOP),
        rho_best=max(rho(in_clear, one) for one in alike),
        rho_top_best=max(rho(in_clear, one, top=TOP) for one in alike),
    )


def _standardised(similarity: Matrix) -> Matrix:
    pairs = each_pair(similarity)
    spread = float(pairs.std(dtype=np.float64)) or 1.0
    standardised: Matrix = (similarity - np.float32(pairs.mean(dtype=np.float64))) / np.float32(spread)
    return standardised


def _require_rows(n_clear: int, n_encoded: int) -> None:
    if n_clear != n_encoded:
        raise UsageError("leakage: wanted as many records in clear as filters", code="record-counts")
    if n_encoded < FEWEST:
        raise DataError(f"leakage: wanted at least {FEWEST} records, got {n_encoded}", code="few-records")
