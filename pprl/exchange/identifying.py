"""
What still looks like an identifier in a table that is to go out.

A net, and no proof: it sees names of columns that people use for identifiers, and values
that have the form of one (a check digit, a postcode, an address of e-mail).  A surname under
the heading "x1" passes through it.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pprl.cleaning.dates import DateOrder, clean_date
from pprl.cleaning.identifiers import clean_health_number
from pprl.cleaning.outcome import Outcome, ValueRefused
from pprl.cleaning.postcodes import clean_postcode
from pprl.cleaning.pupils import clean_upn
from pprl.exchange.payloads import Payload, as_text

LEAST_SHARE = 0.2  # of distinct values that have the form; a random number of ten digits has it in 1 of 20
LEAST_DATES = 0.8  # of distinct values that are dates
LEAST_COPIES = 0.5  # of rows that repeat the id
LEAST_SPREAD = 25.0  # years that 90 % of dates of birth span; admissions seldom do
LONGEST_CODE = 100  # characters: half of the values being longer, it is free text
_VALUES_SEEN = 2_000
_ORDERS: tuple[DateOrder, ...] = ("ymd", "dmy", "mdy")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PERSON = "patient|person|client|pupil|child|mother|father|parent|carer|partner|kin|next of kin|contact|user"
_PART = "sur|fore|first|last|given|family|middle|maiden|birth|full|nick|known as|preferred|previous|former"
_NUMBER = "no|nr|num|nbr|number|id|identifier"
_HEADINGS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("a name", re.compile(rf"\b(({_PART}|{_PERSON}) ?names?|initials|alias(es)?)\b|^names?$")),
    ("a date of birth", re.compile(r"\b(dob|birth ?(date|day|dt)|(date|day|dt) ?of ?birth|born)\b|^birth$")),
    ("a postcode", re.compile(r"\b(post(al)? ?codes?|zip ?codes?)\b|^zip$")),
    ("an address", re.compile(rf"\b(address(es)?|addr|street|house ?(name|{_NUMBER})|uprn)\b|\baddress")),
    ("a health number", re.compile(rf"\b(nhs|chi|hcn|h ?c) ?({_NUMBER})\b|^(nhs|chi|hcn)$")),
    ("an e-mail address", re.compile(r"\be ?mails?\b")),
    ("a telephone number", re.compile(r"\b((tele)?phones?|mobiles?|tel|fax)\b")),
    ("a number of a person", re.compile(
        rf"\b(mrn|upn|nino|ssn|national insurance|passport|licence|license|({_PERSON}|hospital|case ?notes?|"
        rf"medical record|local|record|student) ({_NUMBER}))\b|^(id|identifier)$"
    )),
)  # fmt: skip
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_TELEPHONE = re.compile(r"(?:\+44|0044|0)[1-9][0-9]{8,9}")
_INSURANCE = re.compile(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]")


def suspects(payload: Payload, names: Iterable[str], *, fields: Iterable[str] = ()) -> Mapping[str, str]:
    """Say which columns look like identifiers, and like which.

    Parameters
    ----------
    payload : Payload
        The table.
    names : iterable of str
        The columns to look at.
    fields : iterable of str
        Columns that the agreement reads; the same name in other letters is suspect.

    Returns
    -------
    mapping of str to str
        By column what it looks like, such as "a postcode", in words that hold no value.

    Examples
    --------
    >>> from pprl.exchange.payloads import read_payload
    >>> table = pa.table({"id": ["1", "2"], "gp": ["SW1A 1AA", "M1 1AE"], "ward": ["A", "B"]})
    >>> suspects(read_payload(table, id_column="id"), ["gp", "ward"])
    {'gp': 'a postcode'}
    """
    known = {_heading(name).replace(" ", "") for name in fields}
    ids = pa.chunked_array([pa.array(payload.ids, pa.large_string())])
    found = {name: _by_name(name, known) or _by_values(payload.table.column(name), ids) for name in names}
    return {name: said for name, said in found.items() if said}


def _heading(name: str) -> str:
    """Give the words of a heading: lower case, one space between them.

    Examples
    --------
    >>> _heading("DateOfBirth_1"), _heading("NHSNumber")
    ('date of birth 1', 'nhs number')
    """
    return " ".join(_WORD.findall(name)).lower()


def _by_name(name: str, known: set[str]) -> str:
    heading = _heading(name)
    if heading and heading.replace(" ", "") in known:
        return "a field of the agreement"
    return next((said for said, pattern in _HEADINGS if pattern.search(heading)), "")


def _by_values(column: pa.ChunkedArray, ids: pa.ChunkedArray) -> str:
    text = _texts(column)
    if not len(text):
        return ""
    copies = pc.sum(pc.equal(text, ids)).as_py() or 0
    values = pc.unique(text.drop_null())[:_VALUES_SEEN].to_pylist()
    if copies >= LEAST_COPIES * len(text):
        return "the ids again"
    if not values:
        return ""
    formed = (said for said, test in _FORMS if _share(values, test) >= LEAST_SHARE)
    return next(formed, "") or _birth(values) or _prose(values)


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Give the values as people write them: whole numbers without a point, dates without a time."""
    kind = column.type
    try:
        if pa.types.is_floating(kind):
            column = column.cast(pa.int64())
        if pa.types.is_timestamp(kind):
            column = column.cast(pa.date32(), safe=False)
        return as_text(column)
    except pa.ArrowException:
        return pa.chunked_array([], pa.large_string())


def _share(values: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, values)) / len(values)


def _birth(values: Sequence[str]) -> str:
    years = [year for value in values if (year := _year(value))]
    if len(years) < LEAST_DATES * len(values):
        return ""
    early, late = np.quantile(years, [0.05, 0.95])
    return "a date of birth" if late - early >= LEAST_SPREAD else ""


def _year(value: str) -> int:
    written = (_cleaned(functools.partial(clean_date, order=order), value) for order in _ORDERS)
    return next((int(text[:4]) for text in written if text), 0)


def _prose(values: Sequence[str]) -> str:
    return "free text" if np.median([len(value) for value in values]) > LONGEST_CODE else ""


def _cleaned(clean: Callable[[str], Outcome], value: str) -> str | None:
    try:
        return clean(value.removesuffix(".0")).text
    except ValueRefused:
        return None


def _compact(value: str) -> str:
    return re.sub(r"[\s()-]", "", value)


_FORMS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("a health number", lambda value: _cleaned(clean_health_number, value) is not None),
    ("a pupil number", lambda value: _cleaned(clean_upn, value) is not None),
    ("a postcode", lambda value: _cleaned(clean_postcode, value) is not None),
    ("an e-mail address", lambda value: _EMAIL.fullmatch(value.strip()) is not None),
    ("a telephone number", lambda value: _TELEPHONE.fullmatch(_compact(value)) is not None),
    ("a national insurance number", lambda value: _INSURANCE.fullmatch(_compact(value).upper()) is not None),
)
