"""
Before encoding, at a custodian: how good a table is, and which hardening suits it.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from pprl.agreement import Agreement
from pprl.cleaning.columns import clean_columns
from pprl.cleaning.survey import Survey, survey_columns
from pprl.encoding.encoder import present_in
from pprl.encoding.errormodel import ErrorModel, corrupt
from pprl.encoding.passes import FuzzyPass
from pprl.encoding.prediction import Aim
from pprl.encoding.suggestion import LEAST_RECORDS, Suggestion, suggest_passes
from pprl.errors import DataError, UsageError
from pprl.exchange.shape import Wanted
from pprl.exchange.tables import COLUMN_OPTION, read_columns, read_table
from pprl.keys import LinkageKey
from pprl.model import TextColumn
from pprl.model.arrays import Rows
from pprl.workflow.calls import require_type
from pprl.workflow.tables import all_of, raw_columns, require_own_column, sources_of

MOST_SAMPLED = 5_000  # records of a suggestion: all pairs of them are compared


def survey(
    source: object,
    agreement: Agreement,
    *,
    id: str | None = None,  # noqa: A002 - as in `encode`
    columns: Mapping[str, str | Sequence[str]] | None = None,
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
    columns : mapping of str to str or sequence of str, optional
        For fields whose columns have other names here: field to column, or to all columns.

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
    require_type("agreement", agreement, Agreement)
    sources = sources_of(agreement, columns or {})
    if id is not None:
        require_own_column(id, sources)
    table = _columns_of(source, all_of(sources), id)
    rules = [msgspec.structs.replace(rule, column=sources[rule.name][0]) for rule in agreement.fields]
    cleaned = clean_columns(raw_columns(table, sources), rules)
    texts = {name: one.column for name, one in cleaned.items()}
    return survey_columns(cleaned, rules, {one.name: present_in(texts, one) for one in agreement.passes})


def _columns_of(source: object, wanted: Sequence[str], id_column: str | None) -> Mapping[str, TextColumn]:
    if id_column is None:
        options = dict.fromkeys(wanted, COLUMN_OPTION)
        columns = read_columns(source, Wanted(wanted, options=options))
    else:
        columns = read_table(source, columns=wanted, id_column=id_column, allow_empty=True).columns
    if not len(columns[wanted[0]]):
        raise DataError("table: has no rows", code="no-rows", hint="there is nothing to check")
    return columns


def suggest(
    source: object,
    agreement: Agreement,
    *,
    bias: float = 0.1,
    n_records: int | None = None,
    false_share: float = 0.001,
    n_sample: int = 2000,
    seed: int = 1,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    errors: ErrorModel | None = None,
) -> Suggestion:
    """Predict from a custodian's own records what each hardening would cost and hide.

    No project key is needed: a sample is encoded under a key that is drawn for the purpose
    and thrown away.  So thresholds move by 0.01 from one run to the next, and recall with them.

    Parameters
    ----------
    source : path, DataFrame or Arrow stream
        A table as for `encode`, each person once.
    agreement : Agreement
        Its fuzzy passes are looked at, without the hardening that they have.
    bias : float
        Bound of the bias that diffusion leaves.
    n_records : int, optional
        Records at each custodian; by default as many as in the table.
    false_share : float
        Share of records that may be left with a wrong partner.
    n_sample : int
        Records that are looked at, 100 to 5,000.
    seed : int
        Of the sample and of the errors that are simulated.
    columns : mapping of str to str or sequence of str, optional
        For fields whose columns have other names here: field to column, or to all columns.
    errors : ErrorModel, optional
        How two records of one person differ; by default as the agreement says, or else at
        rates measured in England.

    Raises
    ------
    DataError
        If `encode` would refuse the table, or fewer than 100 records can be looked at.
    UsageError
        If an option is out of range, or the agreement has no fuzzy pass.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"given_name": ["ann", "bob"] * 60, "surname": [f"x{chr(97 + i % 26)}lee"
    ...     for i in range(120)], "address_1": ["1 hay st"] * 120, "suburb": ["perth"] * 120, "postcode":
    ...     ["6000"] * 120, "state": ["wa"] * 120, "date_of_birth": [f"1950{1 + i // 28:02}{1 + i % 28:02}"
    ...     for i in range(120)]})
    >>> found = suggest(people, Agreement.preset("febrl"))
    >>> [one.name for one in found.passes]
    ['everything', 'without_date_of_birth', 'without_address', 'without_names']
    """
    require_type("agreement", agreement, Agreement)
    fuzzy = [one for one in agreement.passes if isinstance(one, FuzzyPass)]
    _require_suggestible(fuzzy, n_sample, seed)
    sources = sources_of(agreement, columns or {})
    cleaned = clean_columns(
        raw_columns(_columns_of(source, all_of(sources), None), sources), agreement.fields
    )
    n_rows = len(cleaned[agreement.fields[0].name].column)
    _require_enough(n_rows)
    aim = Aim(bias=bias, n_records=n_rows if n_records is None else n_records, false_share=false_share)
    generator = np.random.default_rng(seed)
    rows = np.sort(generator.choice(n_rows, min(n_sample, n_rows), replace=False))
    first = {name: _some(one.column, rows) for name, one in cleaned.items()}
    second = corrupt(first, agreement.fields, errors or agreement.errors or ErrorModel(), generator)
    thrown_away = LinkageKey.generate().for_project("suggest", epoch=1)
    found = suggest_passes(first, second, agreement.fields, fuzzy, thrown_away, aim=aim, generator=generator)
    _require_enough(max((one.n_present for one in found.passes), default=0))
    return found


def _require_enough(n_records: int) -> None:
    if n_records < LEAST_RECORDS:
        raise DataError(
            f"table: no pass has {LEAST_RECORDS} records to look at",
            code="too-few-records",
            hint="fewer would be described one by one; pprl check shows how many each pass has",
        )


def _require_suggestible(fuzzy: Sequence[FuzzyPass], n_sample: int, seed: int) -> None:
    if not fuzzy:
        raise UsageError("agreement: has no fuzzy pass, so there is nothing to harden", code="no-fuzzy-pass")
    if not LEAST_RECORDS <= n_sample <= MOST_SAMPLED:
        raise UsageError(f"sample: wanted {LEAST_RECORDS} to {MOST_SAMPLED} records", code="bad-option")
    if seed < 0:
        raise UsageError("seed: wanted a number that is not negative", code="bad-option")


def _some(column: TextColumn, rows: Rows) -> TextColumn:
    """Give some records of a column, with no more values than they have."""
    values = (*column.values, None)  # code -1 reads the last
    return TextColumn.from_texts(values[code] for code in column.codes[rows].tolist())
