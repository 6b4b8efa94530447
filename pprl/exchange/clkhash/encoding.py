"""
From rows of text to CLKs, bit for bit as clkhash 0.18.3 makes them.

Rows are taken in chunks.  In a chunk, each distinct value of a column is hashed once into
a mask, and masks are joined into rows.  A slow twin in the tests goes record by record.
"""

import binascii
import itertools
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from pprl.errors import DataError, UsageError
from pprl.exchange.clkhash.formats import Refusal, to_bytes
from pprl.exchange.clkhash.hashes import Hasher, KeyPair, counters, derive_keys
from pprl.exchange.clkhash.remarks import ClkhashWarning
from pprl.exchange.clkhash.schema import Feature, Folding, Schema

_CELLS = 1 << 22  # bits of a chunk, one byte each while at work

Bools = npt.NDArray[np.bool_]
Refused = tuple[int, int, str, str]  # row, column, feature, what was wanted


@dataclass(frozen=True, slots=True, repr=False)
class _Column:
    """A feature, where its values are, and its hasher."""

    place: int
    feature: Feature
    hasher: Hasher


@dataclass(frozen=True, slots=True, repr=False)
class _Tokens:
    """The distinct values of a column in a chunk, as tokens, and which row has which."""

    codes: npt.NDArray[np.int64]
    values: Sequence[Sequence[str]]


def encode(
    rows: Sequence[Sequence[str]], schema: Schema, secret: str | bytes, *, folding: Folding = "as-clkhash"
) -> list[str]:
    """Encode rows as CLKs, bit for bit as clkhash 0.18.3 does.

    Parameters
    ----------
    rows : sequence of sequences of str
        One text for each feature of the schema, in its order; those of ignored features
        are not looked at.
    schema : Schema
        The linkage schema.
    secret : str or bytes
        The secret that the custodians share; text is taken as UTF-8.
    folding : {"as-clkhash", "as-documented"}
        Whether filters are folded as clkhash does, which ignores the documented key
        ``xorFolds`` and reads ``xor_folds``, or as it is documented.

    Returns
    -------
    list of str
        A CLK in base64 for each row, in order.

    Raises
    ------
    DataError
        If a row has another length, or a value does not satisfy the format of its feature.
        The message names the feature and the row, the first being 1, and never the value.
    UsageError
        If the secret is empty or is not text or bytes.

    Warns
    -----
    ClkhashWarning
        If the schema asks for folds under the name that clkhash reads, and `folding` says
        that this name does not count.

    Notes
    -----
    Schnell, Bachteler and Reiher (2011), "A novel error-tolerant anonymous linking code".
    A CLK is not hardened and does not hide how often a name occurs.  Where all parties use
    pprl, an agreement of pprl is safer.

    Examples
    --------
    >>> name = {
    ...     "identifier": "name",
    ...     "format": {"type": "string"},
    ...     "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerFeature": 8}},
    ... }
    >>> schema = Schema.load(
    ...     {"version": 3, "clkConfig": {"l": 64, "kdf": {"type": "HKDF"}}, "features": [name]}
    ... )
    >>> encode([["Anna"], [""]], schema, "a shared secret")
    ['EAIAGEAEgEA=', 'AAAAAAAAAAA=']
    """
    folds = schema.folds_of(folding)
    if folds < schema.folds:
        said = f"clkConfig.xor_folds: is {schema.folds}, but {folding} filters are folded {folds} times"
        warnings.warn(f"linkage schema: {said}", ClkhashWarning, stacklevel=2)
    n_bits = schema.n_bits << folds
    columns = _columns(schema, _secret_bytes(secret), n_bits)
    step = max(1, _CELLS // n_bits)
    clks: list[str] = []
    for first in range(0, len(rows), step):
        chunk = rows[first : first + step]
        _require_lengths(chunk, len(schema.features), first)
        filters = _filters(chunk, columns, n_bits, first)
        clks.extend(_base64(_folded(filters, folds)))
    return clks


def _secret_bytes(secret: str | bytes) -> bytes:
    material = to_bytes(secret, "utf-8") if isinstance(secret, str) else secret
    if not isinstance(material, bytes):
        raise UsageError("clkhash: the secret must be text or bytes", code="secret")
    if not material:
        raise UsageError("clkhash: the secret is empty", code="secret", hint="share a long random one")
    return material


def _columns(schema: Schema, secret: bytes, n_bits: int) -> list[_Column]:
    size = schema.key_size
    stream = derive_keys(
        secret,
        hash_name=schema.kdf_hash,
        salt=schema.salt,
        info=schema.info,
        n_bytes=2 * len(schema.features) * size,
    )
    # Keys go by place, so an ignored column more or less changes every CLK.
    pairs: list[KeyPair] = [
        (stream[start : start + size], stream[start + size : start + 2 * size])
        for start in range(0, len(stream), 2 * size)
    ]
    return [
        _Column(place, feature, feature.hashing.hash.hasher(pairs[place], n_bits))
        for place, feature in enumerate(schema.features)
        if isinstance(feature, Feature)
    ]


def _require_lengths(chunk: Sequence[Sequence[str]], n_features: int, first: int) -> None:
    for row, values in enumerate(chunk, first + 1):
        if isinstance(values, str):
            raise DataError(f"clkhash: row {row}: is a text, wanted a sequence of texts", code="row")
        if len(values) != n_features:
            raise DataError(
                f"clkhash: row {row}: has {len(values)} values, the schema has {n_features} features",
                code="row",
            )


def _filters(chunk: Sequence[Sequence[str]], columns: Sequence[_Column], n_bits: int, first: int) -> Bools:
    filters = np.zeros((len(chunk), n_bits), dtype=np.bool_)
    refused: list[Refused] = []
    tokenised = [_tokenised(column, [row[column.place] for row in chunk], refused) for column in columns]
    if refused:
        row, _, identifier, problem = min(refused)
        raise DataError(f"feature {identifier}, row {first + row + 1}: {problem}", code="bad-value")
    for column, tokens in zip(columns, tokenised, strict=True):
        filters |= _masks(column, tokens.values, n_bits)[tokens.codes]
    return filters


def _tokenised(column: _Column, values: Sequence[object], refused: list[Refused]) -> _Tokens:
    """Cut each distinct value into tokens; note the first that cannot be."""
    texts = list(itertools.takewhile(lambda value: isinstance(value, str), values))
    distinct, codes = _distinct(cast("list[str]", texts))
    tokens: list[list[str]] = []
    for code, value in enumerate(distinct):
        cut, problem = _cut(column.feature, value)
        if problem:
            refused.append((int(np.argmax(codes == code)), column.place, column.feature.identifier, problem))
            break
        tokens.append(cut)
    else:
        if len(texts) < len(values):
            refused.append((len(texts), column.place, column.feature.identifier, "is not text"))
    return _Tokens(codes, tokens)


def _cut(feature: Feature, value: str) -> tuple[list[str], str]:
    """Give the tokens, or what is wrong with the value."""
    try:
        return feature.tokens(value), ""
    except Refusal as refusal:
        return [], str(refusal)


def _masks(column: _Column, values: Sequence[Sequence[str]], n_bits: int) -> Bools:
    masks = np.zeros((len(values), n_bits), dtype=np.bool_)
    insertions = [column.feature.hashing.strategy.insertions(len(tokens)) for tokens in values]
    for part in _parts([sum(one) for one in insertions]):
        _insert(masks[part], column, values[part], insertions[part])
    return masks


def _parts(sizes: Sequence[int]) -> Iterator[slice]:
    """Cut values into runs with about as many insertions as a chunk has cells."""
    first, n_insertions = 0, 0
    for place, size in enumerate(sizes):
        if n_insertions and n_insertions + size > _CELLS:
            yield slice(first, place)
            first, n_insertions = place, 0
        n_insertions += size
    yield slice(first, len(sizes))


def _insert(
    masks: Bools, column: _Column, values: Sequence[Sequence[str]], insertions: Sequence[Sequence[int]]
) -> None:
    """Set the bits of values in their masks.

    All insertions lie in one run: first those of the first token of the first value, then
    those of its second token, and so on.
    """
    ks = np.array([k for one in insertions for k in one], dtype=np.int64)
    owners = np.repeat(np.arange(len(values)), [len(tokens) for tokens in values])
    tokens, codes = _distinct([token for one in values for token in one])
    longest = np.zeros(len(tokens), dtype=np.int64)
    np.maximum.at(longest, codes, ks)
    encoding = column.feature.format.encoding
    # Values were checked to be writable, and what is added to them is ASCII.
    table = column.hasher.places([to_bytes(token, encoding) or b"" for token in tokens], longest)
    starts = np.cumsum(longest) - longest
    masks[np.repeat(owners, ks), table[np.repeat(starts[codes], ks) + counters(ks)]] = True


def _distinct(texts: Sequence[str]) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Give the distinct texts in order of appearance, and the number of each text among them."""
    numbers: dict[str, int] = {}
    codes = np.array([numbers.setdefault(text, len(numbers)) for text in texts], dtype=np.int64)
    return list(numbers), codes


def _folded(filters: Bools, folds: int) -> Bools:
    for _ in range(folds):
        half = filters.shape[1] // 2
        filters = filters[:, :half] ^ filters[:, half:]
    return filters


def _base64(filters: Bools) -> list[str]:
    packed = np.packbits(filters, axis=1, bitorder="big")
    return [binascii.b2a_base64(row.tobytes(), newline=False).decode("ascii") for row in packed]
