"""
Where a mistake in a configuration is, and what the nearest legal word would be.

A configuration is a tree of frozen structs, and so has a schema.  A path in it leads to
what would have been legal there.  Values are never repeated: one may be a secret.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from pprl.errors import AgreementError, nearest

_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]")


def schema_of(kind: type) -> dict[str, Any]:
    """Give the JSON Schema of a configuration as TOML has it: decimals are numbers."""
    schema: dict[str, Any] = _with_numbers(msgspec.json.schema(kind))
    return schema


def _with_numbers(node: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Let decimals be numbers, as they are in TOML; in canonical JSON they are text."""
    if isinstance(node, list):
        return [_with_numbers(below) for below in node]
    if not isinstance(node, dict):
        return node
    if node.get("format") == "decimal":
        return {"type": ["number", "string"]} | {k: v for k, v in node.items() if k not in {"type", "format"}}
    return {name: _with_numbers(below) for name, below in node.items()}


def property_names(kind: type) -> set[str]:
    """List all words that may stand on the left of an equals sign."""
    (_,), components = msgspec.json.schema_components([kind])
    return {name for component in components.values() for name in component.get("properties", {})}


def explained(said: str, document: Mapping[str, Any], kind: type) -> AgreementError:
    """Turn a validator's message into ours: path, what is wrong, nearest legal word; no value."""
    what, _, where = said.partition(" - at `$")
    path = where.removesuffix("`").removeprefix(".") or "top level"
    steps = [name or int(place) for name, place in _STEP.findall(where)]
    unknown = re.search(r"unknown field `(.*)`", what)
    if unknown:
        hint = nearest(unknown.group(1), _legal_words(steps, document, kind))
        shown = _shown(unknown.group(1))
        return AgreementError(f"agreement: {path}: unknown word{shown}", code="unknown-word", hint=hint)
    if what.startswith(("Invalid value", "Invalid enum")):
        found = re.search(r"'(.*)'", what)
        hint = nearest(found.group(1) if found else "", _legal_words(steps, document, kind))
        return AgreementError(
            f"agreement: {path}: not a word that is legal here", code="illegal-word", hint=hint
        )
    return AgreementError(f"agreement: {path}: {_lower_first(what)}", code="ill-formed")


def _legal_words(steps: Sequence[str | int], document: Any, kind: type) -> set[str]:  # noqa: ANN401 - a TOML document
    """List the words that the schema allows at a path of the document."""
    (top,), components = msgspec.json.schema_components([kind])
    nodes = _alternatives(top, components, document)
    for step in steps:
        inner = document.get(step) if isinstance(document, dict) else None
        document = document[step] if isinstance(document, list) and isinstance(step, int) else inner
        below = [_below(node, step) for node in nodes]
        nodes = [found for node in below if node for found in _alternatives(node, components, document)]
    return {word for node in nodes for word in _words_of(node)}


def _below(node: Mapping[str, Any], step: str | int) -> Mapping[str, Any] | None:
    found = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step)
    return found if isinstance(found, dict) else None


def _alternatives(
    node: Mapping[str, Any],
    components: Mapping[str, Any],
    value: object,
) -> list[Mapping[str, Any]]:
    """Resolve references and choices; keep the one that the value's tag names, if any."""
    if "$ref" in node:
        return _alternatives(components[node["$ref"].rpartition("/")[2]], components, value)
    if "anyOf" not in node:
        return [node]
    found = [one for choice in node["anyOf"] for one in _alternatives(choice, components, value)]
    named = [one for one in found if isinstance(value, dict) and _tag_fits(one, value)]
    return named or found


def _tag_fits(node: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    tags = {name: below["enum"] for name, below in node.get("properties", {}).items() if "enum" in below}
    return any(value.get(name) in legal for name, legal in tags.items() if len(legal) == 1)


def _words_of(node: Mapping[str, Any]) -> Iterable[str]:
    yield from node.get("properties", {})
    yield from (str(word) for word in node.get("enum", ()))


def _shown(word: str) -> str:
    """Show a word that may be shown: what is long or all digits may be a secret in the wrong place."""
    return f" {word!r}" if len(word) <= 24 and re.fullmatch(r"[A-Za-z_-]+", word) else ""


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
