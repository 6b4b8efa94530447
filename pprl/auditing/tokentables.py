"""
Token tables: which tokens each record has, and how many bits each sets.

This is what an attacker makes of people whom it knows in clear.  It needs the agreement, which is
no secret, and not the key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy import sparse

from pprl.cleaning.fields import Field
from pprl.encoding.encoder import DEFAULT_TOKENS, Columns, bits_of, present_in
from pprl.encoding.filters import Member, salted
from pprl.encoding.passes import FuzzyPass, PassField
from pprl.encoding.tokens import QGrams, cut
from pprl.model import TextColumn
from pprl.model.arrays import Matrix, Rows, Scores, counting, frozen
from pprl.model.columns import MISSING


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TokenTable:
    """The distinct tokens of each record under a pass.

    Parameters
    ----------
    indptr : ndarray of int64, shape (n + 1,)
        Where the tokens of each record begin in `indices`.
    indices : ndarray of int64
        Places in the vocabulary; for each record rising.
    bits : ndarray of int64
        For each of these how many positions the agreement gives it in this record.
    vocabulary : tuple of (str, str)
        Label of the bag or field, and token, of each token that occurs.

    Examples
    --------
    >>> from pprl.cleaning.fields import NameField
    >>> one = FuzzyPass(name="p", fields=(PassField(field="a", bits_per_token=10),), n_bits=64, hardening=())
    >>> table = token_table({"a": TextColumn.from_texts(["ann", "an"])}, [NameField(name="a")], one)
    >>> table
    TokenTable(2 records, 4 tokens)
    >>> table.lengths().tolist()
    [4, 3]
    """

    indptr: Rows
    indices: Rows
    bits: Rows
    vocabulary: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        for array in (self.indptr, self.indices, self.bits):
            frozen(array)

    def lengths(self) -> Rows:
        """Count the distinct tokens of each record, shape (n,)."""
        return np.diff(self.indptr)

    def owners(self) -> Rows:
        """Give for each of `indices` its record."""
        return np.repeat(np.arange(len(self)), self.lengths())

    def asked(self) -> Scores:
        """Count the positions that the tokens of each record ask for, collisions not counted, shape (n,)."""
        return np.bincount(self.owners(), weights=self.bits, minlength=len(self)).astype(np.float64)

    def frequencies(self) -> Rows:
        """Count the records that have each token, shape (vocabulary,)."""
        return np.bincount(self.indices, minlength=len(self.vocabulary)).astype(np.int64)

    def to_csr(self) -> "sparse.csr_array[np.float32, tuple[int, int]]":
        """Give a sparse matrix with 1 where a record has a token, shape (n, vocabulary)."""
        ones = np.ones(self.indices.size, dtype=np.float32)
        return sparse.csr_array(
            (ones, self.indices.copy(), self.indptr.copy()), shape=(len(self), len(self.vocabulary))
        )

    def dice(self) -> Matrix:
        """Give the Dice similarity of the token sets of all pairs of records, shape (n, n).

        Two records without a token have nothing in common: 0.
        """
        table = self.to_csr()
        shared = (table @ table.T).toarray()
        lengths = self.lengths().astype(np.float32)
        total = lengths[:, None] + lengths
        alike: Matrix = np.divide(2 * shared, total, out=np.zeros_like(total), where=total > 0)
        return alike

    def __len__(self) -> int:
        return int(self.indptr.size - 1)

    def __repr__(self) -> str:
        return f"TokenTable({len(self)} records, {len(self.vocabulary)} tokens)"


def token_table(columns: Columns, rules: Sequence[Field], one: FuzzyPass) -> TokenTable:
    """Cut records into the tokens that a pass would hash, and count the bits it would give each.

    Parameters
    ----------
    columns : mapping of str to TextColumn
        Cleaned columns of equal length by name of field.
    rules : sequence of Field
        The agreement's fields.
    one : FuzzyPass
        The pass.  Fields in one bag share their tokens; a salt is part of each token.

    Returns
    -------
    TokenTable
        One row for each record; a record that is absent from the pass has no token.

    Examples
    --------
    >>> from pprl.cleaning.fields import NameField
    >>> use = PassField(field="name", bits=20)
    >>> one = FuzzyPass(name="all", fields=(use,), n_bits=64, hardening=())
    >>> table = token_table({"name": TextColumn.from_texts(["al"])}, [NameField(name="name")], one)
    >>> [token for _, token in table.vocabulary], table.bits.tolist()
    ([' a', 'al', 'l '], [7, 7, 6])
    """
    present = present_in(columns, one)
    by_name = {rule.name: rule for rule in rules}
    grouped: dict[str, list[PassField]] = {}
    for use in one.fields:
        grouped.setdefault(f"bag {use.bag}" if use.bag else f"field {use.field}", []).append(use)
    parts = [
        _bag_table(label, [_member(columns, by_name, use, one) for use in uses], uses[0].bits_per_token or 0)
        for label, uses in grouped.items()
    ]
    return _beside(parts, present)


@dataclass(frozen=True, slots=True)
class _Part:
    """What the records have of one bag: for each token held the record, the token and its bits."""

    rows: Rows
    tokens: Rows
    bits: Rows
    vocabulary: list[tuple[str, str]]


def _member(columns: Columns, rules: Mapping[str, Field], use: PassField, one: FuzzyPass) -> Member:
    rule = rules[use.field]
    tokens = use.tokens or DEFAULT_TOKENS[type(rule)]
    member = Member(
        column=columns[use.field],
        cut=partial(cut, tokens),
        bits=bits_of(use, rule),
        q_grams=tokens if isinstance(tokens, QGrams) else None,
    )
    if one.salt is None:
        return member
    salt = columns[one.salt.field]
    return salted(member, salt.map(_year) if one.salt.part == "year" else salt)


def _year(value: str) -> str:
    return value[:4]


def _bag_table(label: str, members: Sequence[Member], per_token: int) -> _Part:
    """List each distinct token of each record once, and share the bag's bits out over them."""
    numbered = [member.numbered() for member in members]
    vocabulary = sorted({token for part in numbered for token in part.vocabulary})
    number = {token: place for place, token in enumerate(vocabulary)}
    n_tokens = max(len(vocabulary), 1)
    pairs = np.empty(0, dtype=np.int64)
    for member, part in zip(members, numbered, strict=True):
        rank = np.array([number[token] for token in part.vocabulary], dtype=np.int64)
        pairs = np.union1d(pairs, _held(member.column, part.starts, rank[part.tokens], n_tokens))
    rows, tokens = np.divmod(pairs, n_tokens)
    used, tokens = np.unique(tokens, return_inverse=True)
    bits = _shared_out(rows, members, per_token)
    return _Part(rows, tokens, bits, [(label, vocabulary[place]) for place in used.tolist()])


def _held(column: TextColumn, starts: Rows, tokens: Rows, n_tokens: int) -> Rows:
    """Give ``record * n_tokens + token`` for each token that a record has by one field."""
    rows = np.flatnonzero(column.codes != MISSING)
    first = starts[column.codes[rows]]
    lengths = starts[column.codes[rows] + 1] - first
    held: Rows = np.repeat(rows, lengths) * n_tokens + tokens[np.repeat(first, lengths) + counting(lengths)]
    return held


def _shared_out(rows: Rows, members: Sequence[Member], per_token: int) -> Rows:
    """Give the bits of each token held, as `pprl.encoding.filters` shares them out."""
    if per_token:
        return np.full(rows.size, per_token, dtype=np.int64)
    budget = np.sum([member.column.present() * member.bits for member in members], axis=0)
    lengths = np.bincount(rows, minlength=budget.size)
    held = np.maximum(budget, lengths)
    quotient, remainder = np.divmod(held, np.maximum(lengths, 1))
    shares: Rows = quotient[rows] + (counting(lengths) < remainder[rows])
    return shares


def _beside(parts: Sequence[_Part], present: npt.NDArray[np.bool_]) -> TokenTable:
    offsets = np.cumsum([0, *(len(part.vocabulary) for part in parts)])
    rows = np.concatenate([part.rows for part in parts])
    tokens = np.concatenate([part.tokens + offset for part, offset in zip(parts, offsets, strict=False)])
    bits = np.concatenate([part.bits for part in parts])
    order = np.lexsort((tokens, rows))
    order = order[present[rows[order]]]
    return TokenTable(
        indptr=np.concatenate([[0], np.cumsum(np.bincount(rows[order], minlength=present.size))]),
        indices=tokens[order],
        bits=bits[order],
        vocabulary=tuple(word for part in parts for word in part.vocabulary),
    )
