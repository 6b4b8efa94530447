"""
What a linkage schema does without saying so.

clkhash passes over keys that it does not know, reads one option under another name than
the documented one, hashes the sign for a missing value, and offers a hash that has been
broken.  Here each of these is said, with its path.
"""

import string
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from pprl.errors import nearest
from pprl.exchange.clkhash.document import Config, Hashing
from pprl.exchange.clkhash.hashes import DoubleHash, Kdf

_BASE64 = frozenset(string.ascii_letters + string.digits + "+/=")


class ClkhashWarning(UserWarning):
    """A linkage schema says something else than it does, or does something unsafe."""


def unknown_keys(read: object, written: object, path: str = "") -> Iterator[tuple[str, str, bool]]:
    """Find the keys of a document that mean nothing.

    Parameters
    ----------
    read : Struct
        What was understood.
    written : mapping
        The document it was read from.
    path : str
        Where in the whole document this is.

    Yields
    ------
    tuple of (str, str, bool)
        The path of a key, a hint, and whether clkhash refuses it.
    """
    if not isinstance(read, msgspec.Struct) or not isinstance(written, Mapping):
        return
    legal = {field.encode_name: getattr(read, field.name) for field in msgspec.structs.fields(read)}
    tags = {"type"} if read.__struct_config__.tag else set()
    for key in written:
        if key not in legal.keys() | tags:
            yield (
                _join(path, str(key)),
                nearest(str(key), legal.keys() | tags),
                getattr(read, "closed", False),
            )
    for key, value in legal.items():
        yield from _unknown_below(value, written.get(key), _join(path, key))


def _unknown_below(read: object, written: Any, path: str) -> Iterator[tuple[str, str, bool]]:  # noqa: ANN401 - any JSON
    if not isinstance(read, tuple):
        yield from unknown_keys(read, written, path)
        return
    for place, (one, entry) in enumerate(zip(read, written, strict=True)):
        yield from unknown_keys(one, entry, f"{path}[{place}]")


def of_config(config: Config) -> Iterator[str]:
    """Remark on the common part of a schema."""
    documented = config.documented_folds
    if documented is not None and documented != config.folds:
        yield (
            f"clkConfig.xorFolds: clkhash reads `xor_folds` and ignores this documented key, so its CLKs are "
            f"folded {config.folds} times and not {documented}; encode with folding='as-documented' "
            f"only if all parties do"
        )
    yield from _of_base64("salt", config.kdf)
    yield from _of_base64("info", config.kdf)


def of_features(features: Mapping[str, Hashing]) -> Iterator[str]:
    """Remark on how features are hashed, given by path."""
    double = [path for path, hashing in features.items() if isinstance(hashing.hash, DoubleHash)]
    if double:
        yield (
            f"{', '.join(double)}: double hashing leaves a pattern from which names have been read back "
            f"(Niedermeyer, Steinmetzer, Kroll and Schnell 2014); agree on blakeHash"
        )
    for path, hashing in features.items():
        if hashing.missing_value is not None and hashing.missing_value.hashed:
            yield (
                f"{path}.missingValue: what stands for a missing value is hashed, so two missing values "
                f"agree; let replaceWith be an empty text"
            )


def of_key(path: str, hint: str) -> str:
    """Remark on a key that means nothing."""
    return f"{path}: this key means nothing here and clkhash ignores it; {hint}"


def _of_base64(name: str, kdf: Kdf) -> Iterator[str]:
    if set(getattr(kdf, name) or "") - _BASE64:
        yield f"clkConfig.kdf.{name}: has letters that are not base64, which clkhash passes over"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
