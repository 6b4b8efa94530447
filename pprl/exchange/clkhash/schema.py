"""
Linkage schemas of clkhash, checked once when loaded.

A schema of version 1, 2 or 3 becomes the same `Schema`.  A mistake is refused with its path
in the file; what is legal but not what it seems is warned of.
"""

import base64
import binascii
import contextlib
import json
import re
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from pprl.errors import DataError, UsageError, nearest
from pprl.exchange.clkhash import remarks
from pprl.exchange.clkhash.document import (
    Config,
    Document,
    Document1,
    Document2,
    Document3,
    Entry,
    Hashing,
    Hashing1,
    Hashing2,
    latest_of_1,
    latest_of_2,
    latest_of_3,
)
from pprl.exchange.clkhash.formats import Format, require_encodable
from pprl.exchange.clkhash.hashes import BLAKE_KEY_BYTES, BlakeHash, DoubleHash, KdfHash
from pprl.exchange.clkhash.remarks import ClkhashWarning
from pprl.files import read_bytes

MAX_BYTES = 1 << 22
MAX_FILTER_BITS = 1 << 24

Folding = Literal["as-clkhash", "as-documented"]
AnyDocument = Document[Any, Any]

_WHAT = "linkage schema"
_DOCUMENTS: Mapping[int, type] = {1: Document1, 2: Document2, 3: Document3}
_LATEST: Mapping[type, Callable[[Any, Any], Hashing | None]] = {
    Hashing1: latest_of_1,
    Hashing2: latest_of_2,
    Hashing: latest_of_3,
}
_PLACE = re.compile(r"(.*) - at `\$\.?(.*?)`")


@dataclass(frozen=True, slots=True)
class Ignored:
    """A column that is not hashed.  It counts for the keys of the others all the same."""

    identifier: str


@dataclass(frozen=True, slots=True)
class Feature:
    """A column that is hashed."""

    identifier: str
    format: Format
    hashing: Hashing

    def tokens(self, value: str) -> list[str]:
        """Give the tokens of a value, in order and with duplicates.

        Raises
        ------
        Refusal
            If the value does not satisfy the format.
        """
        missing = self.hashing.missing_value
        if missing is not None and value == missing.sentinel:
            # clkhash does not hold this text against the format, but it must be writable.
            require_encodable(missing.hashed, self.format.encoding)
            return self.hashing.comparison.tokens(missing.hashed)
        return self.hashing.comparison.tokens(self.format.prepared(value))


@dataclass(frozen=True, slots=True, repr=False)
class Schema:
    """A linkage schema, in the words of version 3.

    Parameters
    ----------
    version : int
        Version of the file it came from.
    n_bits : int
        Length of a CLK in bits, after folding.
    folds : int
        XOR folds as clkhash makes them, from its undocumented key ``xor_folds``.
    documented_folds : int
        XOR folds as its documentation has them, from ``xorFolds``.
    kdf_hash : {"SHA256", "SHA512"}
        Hash of the key derivation.
    salt, info : bytes
        As in HKDF; empty if there are none.
    key_size : int
        Bytes of a key.
    features : tuple of Feature or Ignored
        One for each column, in order.
    """

    version: int
    n_bits: int
    folds: int
    documented_folds: int
    kdf_hash: KdfHash
    salt: bytes
    info: bytes
    key_size: int
    features: tuple[Feature | Ignored, ...]

    @classmethod
    def load(cls, source: str | Path | Mapping[str, Any]) -> "Schema":
        """Read a linkage schema of version 1, 2 or 3.

        Parameters
        ----------
        source : path or mapping
            A JSON file, or what is in it.

        Raises
        ------
        DataError
            If it is not a schema; the message names the path of the mistake.

        Warns
        -----
        ClkhashWarning
            Of double hashing, of sentinels that are hashed, of keys that mean nothing and
            of ``xorFolds``.

        Examples
        --------
        >>> name = {
        ...     "identifier": "name",
        ...     "format": {"type": "string"},
        ...     "hashing": {"comparison": {"type": "ngram", "n": 2}, "strategy": {"bitsPerFeature": 100}},
        ... }
        >>> Schema.load({"version": 3, "clkConfig": {"l": 1024, "kdf": {"type": "HKDF"}}, "features": [name]})
        Schema(version 3, 1 of 1 features hashed, 1024 bits)
        """
        written = source if isinstance(source, Mapping) else _parse(Path(source))
        document = _convert(written)
        features = tuple(_feature(entry, document.config, n) for n, entry in enumerate(document.features))
        _require_keys(document.config, features)
        _require_filter(document.config, features)
        schema = _schema(document, features)
        for remark in _remarks(document, written, features):
            warnings.warn(f"{_WHAT}: {remark}", ClkhashWarning, stacklevel=2)
        return schema

    def folds_of(self, folding: Folding) -> int:
        """Say how often a filter is folded.

        Raises
        ------
        UsageError
            If there is no such way.
        """
        ways = {"as-clkhash": self.folds, "as-documented": self.documented_folds}
        if folding not in ways:
            raise UsageError("clkhash: no such folding", code="folding", hint=nearest(str(folding), ways))
        return ways[folding]

    def __repr__(self) -> str:
        n_hashed = sum(isinstance(one, Feature) for one in self.features)
        counts = f"{n_hashed} of {len(self.features)} features hashed, {self.n_bits} bits"
        return f"Schema(version {self.version}, {counts})"


def _mistake(path: str, problem: str, hint: str = "") -> DataError:
    place = f"{_WHAT}: {path}: " if path else f"{_WHAT}: "
    return DataError(f"{place}{problem}", code="clkhash-schema", hint=hint)


def _parse(path: Path) -> Mapping[str, Any]:
    content = read_bytes(path, what=f"{_WHAT} {path.name}", limit=MAX_BYTES)
    parsed = None
    with contextlib.suppress(ValueError, RecursionError):
        parsed = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once_each)
    if not isinstance(parsed, dict):
        raise _mistake("", "is not a JSON object")
    return parsed


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    for name, n_uses in Counter(name for name, _ in pairs).items():
        if n_uses > 1:
            raise _mistake("", f"has the key {name!r} twice in one place", "clkhash takes the last")
    return dict(pairs)


def _convert(written: Mapping[str, Any]) -> AnyDocument:
    version = written.get("version")
    if not isinstance(version, int | float) or isinstance(version, bool) or version not in _DOCUMENTS:
        raise _mistake("version", "is none of 1, 2 and 3")
    said = ""
    try:
        document: AnyDocument = msgspec.convert(written, _DOCUMENTS[int(version)])
    except msgspec.ValidationError as error:
        said = str(error)
    if said:
        raise _explained(said)
    for path, hint, refused in remarks.unknown_keys(document, written):
        if refused:
            raise _mistake(path, "is no key of a linkage schema", hint)
    return document


def _explained(said: str) -> DataError:
    found = _PLACE.fullmatch(said)
    if found is None:
        return _mistake("", said)
    problem, path = found.groups()
    return _mistake(path, problem[0].lower() + problem[1:])


def _feature(entry: Entry[Any], config: Config, place: int) -> Feature | Ignored:
    if entry.ignored or entry.format is None or entry.hashing is None:
        return Ignored(entry.identifier)
    hashing = _latest(entry.hashing, config, place)
    return Ignored(entry.identifier) if hashing is None else Feature(entry.identifier, entry.format, hashing)


def _latest(hashing: Hashing | Hashing1 | Hashing2, config: Config, place: int) -> Hashing | None:
    problem = ""
    try:
        return _LATEST[type(hashing)](hashing, config)
    except ValueError as error:
        problem = str(error)
    raise _mistake(f"features[{place}].hashing", problem)


def _require_keys(config: Config, features: tuple[Feature | Ignored, ...]) -> None:
    if not features:
        raise _mistake("features", "is empty, wanted one for each column")
    most = config.kdf.max_features()
    if len(features) > most:
        raise _mistake(
            "features",
            f"has {len(features)} columns (ignored ones count), but HKDF with {config.kdf.hash} and keys of "
            f"{config.kdf.key_size} bytes gives keys for {most}",
            "leave out columns, or agree on SHA512 or on a smaller keySize",
        )


def _require_filter(config: Config, features: tuple[Feature | Ignored, ...]) -> None:
    hashes = [one.hashing.hash for one in features if isinstance(one, Feature)]
    longest = config.n_bits << max(config.folds, config.documented_folds or 0)
    if longest > MAX_FILTER_BITS:
        raise _mistake("clkConfig.l", f"makes filters of {longest} bits, at most {MAX_FILTER_BITS} are made")
    if any(isinstance(one, BlakeHash) for one in hashes):
        if config.n_bits & (config.n_bits - 1):
            raise _mistake("clkConfig.l", f"must be a power of two for blakeHash, got {config.n_bits}")
        if config.kdf.key_size > BLAKE_KEY_BYTES:
            raise _mistake("clkConfig.kdf.keySize", f"must be at most {BLAKE_KEY_BYTES} for blakeHash")
    if config.n_bits == 1 and any(isinstance(one, DoubleHash) and one.prevent_singularity for one in hashes):
        raise _mistake("clkConfig.l", "of 1 leaves no place that is not singular")


def _schema(document: AnyDocument, features: tuple[Feature | Ignored, ...]) -> Schema:
    config = document.config
    return Schema(
        version=int(document.version),
        n_bits=config.n_bits,
        folds=config.folds,
        documented_folds=config.documented_folds or 0,
        kdf_hash=config.kdf.hash,
        salt=_decoded("salt", config.kdf.salt),
        info=_decoded("info", config.kdf.info),
        key_size=config.kdf.key_size,
        features=features,
    )


def _decoded(name: str, text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "")
    except (binascii.Error, ValueError):
        pass
    raise _mistake(f"clkConfig.kdf.{name}", "is not base64")


def _remarks(
    document: AnyDocument, written: Mapping[str, Any], features: tuple[Feature | Ignored, ...]
) -> list[str]:
    hashed = {
        f"features[{place}].hashing": one.hashing
        for place, one in enumerate(features)
        if isinstance(one, Feature)
    }
    unknown = remarks.unknown_keys(document, written)
    return [
        *(remarks.of_key(path, hint) for path, hint, _ in unknown),
        *remarks.of_config(document.config),
        *remarks.of_features(hashed),
    ]
