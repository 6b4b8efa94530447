"""
The agreement: every choice that the parties share, and no secret.

People read and sign it as TOML; its fingerprint is the SHA-256 of its canonical JSON.
Loading checks everything, names the path of a mistake and the nearest legal word.
"""

import hashlib
import importlib.resources
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from pprl.cleaning.fields import DateField, Field
from pprl.encoding.encoder import DEFAULT_TOKENS, bits_of
from pprl.encoding.passes import ExactPass, FuzzyPass, Pass
from pprl.encoding.tokens import DateParts
from pprl.errors import AgreementError, PolicyError, nearest
from pprl.files import read_bytes

MAX_BYTES = 1 << 20
_SECRET_WORDS = ("secret", "key", "passw", "passphrase", "private")
_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]")


class Matching(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a linkage is to aim at.

    Parameters
    ----------
    target : {"thresholds"}
        Each pass links at its own threshold, in the order of the passes.
    cardinality : {"one-to-one"}
        Each source holds a person once, so a record has at most one partner.
    """

    target: Literal["thresholds"]
    cardinality: Literal["one-to-one"]


class Agreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every choice that the parties share, and no secret.

    Parameters
    ----------
    project : str
        Name of the project.
    epoch : int
        Raised to make all earlier encodings unlinkable to new ones.
    fields : tuple of Field
        What is known of a person, and how it is cleaned.
    passes : tuple of Pass
        Which fields are encoded together; the first pass that finds a link decides it.
    matching : Matching
        What the linkage aims at.

    Raises
    ------
    AgreementError
        If the parts contradict each other; the message names the path.

    Examples
    --------
    >>> agreement = Agreement.preset("febrl")
    >>> agreement
    Agreement(project='febrl', epoch=1, fields=7, passes=4)
    >>> len(agreement.fingerprint)
    64
    """

    project: Annotated[str, msgspec.Meta(max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
    epoch: Annotated[int, msgspec.Meta(ge=1, le=2**31)]
    fields: Annotated[tuple[Field, ...], msgspec.Meta(min_length=1, max_length=64)]
    passes: Annotated[tuple[Pass, ...], msgspec.Meta(min_length=1, max_length=16)]
    matching: Matching

    def __post_init__(self) -> None:
        _require_unique("fields", [rule.name for rule in self.fields])
        _require_unique("passes", [one.name for one in self.passes])
        rules = {rule.name: rule for rule in self.fields}
        for place, one in enumerate(self.passes):
            _require_pass(f"passes[{place}]", one, rules)
        used = {name for one in self.passes for name in one.field_names}
        for place, rule in enumerate(self.fields):
            if rule.name not in used:
                raise AgreementError(
                    f"agreement: fields[{place}]: no pass uses it",
                    code="unused-field",
                    hint="remove it: nobody should read what is not needed",
                )

    @classmethod
    def load(cls, path: str | Path) -> "Agreement":
        """Read an agreement from a TOML file.

        Raises
        ------
        AgreementError
            If it is not well formed; the message names the path and the nearest legal word.
        PolicyError
            If it holds something that looks like a secret.
        """
        return cls.from_toml(read_bytes(Path(path), what="agreement", limit=MAX_BYTES))

    @classmethod
    def preset(cls, name: str) -> "Agreement":
        """Give an agreement that ships with the package: one of `preset_names`."""
        return cls.from_toml(preset_text(name).encode())

    @classmethod
    def from_toml(cls, content: bytes) -> "Agreement":
        """Read an agreement from the bytes of a TOML file."""
        document = _parse_toml(content)
        _refuse_secrets(document)
        try:
            return msgspec.convert(document, cls)
        except msgspec.ValidationError as error:
            said = str(error)
        raise _explained(said, document)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
        return hashlib.sha256(self.canonical_json()).hexdigest()

    def canonical_json(self) -> bytes:
        """Give the one JSON text of this agreement: sorted keys, no spaces, decimals as text."""
        return msgspec.json.encode(self, order="sorted")

    def __repr__(self) -> str:
        counts = f"fields={len(self.fields)}, passes={len(self.passes)}"
        return f"Agreement(project={self.project!r}, epoch={self.epoch}, {counts})"


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of an agreement.

    Examples
    --------
    >>> json_schema()["title"]
    'pprl agreement'
    """
    schema = msgspec.json.schema(Agreement)
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "title": "pprl agreement"} | schema


def preset_names() -> tuple[str, ...]:
    """Name the agreements that ship with the package."""
    folder = importlib.resources.files("pprl") / "presets"
    return tuple(
        sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
    )


def preset_text(name: str) -> str:
    """Give the TOML text of a preset, with its comments.

    Raises
    ------
    AgreementError
        If there is none of that name.
    """
    if name not in preset_names():
        raise AgreementError(
            "agreement: no preset of that name", code="preset", hint=nearest(name, preset_names())
        )
    return (importlib.resources.files("pprl") / "presets" / f"{name}.toml").read_text(encoding="utf-8")


def _parse_toml(content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except UnicodeDecodeError:
        said = "it is not UTF-8 text"
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line \d+, column \d+|at end of document", str(error))
        said = f"a mistake {place.group() if place else 'somewhere'}"
    except RecursionError:
        said = "it is nested too deeply"
    raise AgreementError(f"agreement: not TOML: {said}", code="toml")


def _refuse_secrets(document: Mapping[str, Any]) -> None:
    known = _property_names()
    for path, word in _words(document, "agreement"):
        if word not in known and any(part in word.lower() for part in _SECRET_WORDS):
            raise PolicyError(
                f"{path}: looks like a secret, and an agreement is read by everybody",
                code="secret-in-agreement",
                hint="remove it, and treat that secret as known; the key has a file of its own",
            )


def _words(node: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for word, below in node.items():
            yield f"{path}: {word}" if path == "agreement" else f"{path}.{word}", word
            yield from _words(below, f"{path}: {word}" if path == "agreement" else f"{path}.{word}")
    elif isinstance(node, list):
        for place, below in enumerate(node):
            yield from _words(below, f"{path}[{place}]")


def _property_names() -> set[str]:
    (_,), components = msgspec.json.schema_components([Agreement])
    return {name for component in components.values() for name in component.get("properties", {})}


def _explained(said: str, document: Mapping[str, Any]) -> AgreementError:
    """Turn a validator's message into ours: path, what is wrong, nearest legal word; no value."""
    what, _, where = said.partition(" - at `$")
    path = where.removesuffix("`").removeprefix(".") or "top level"
    steps = [name or int(place) for name, place in _STEP.findall(where)]
    unknown = re.search(r"unknown field `(.*)`", what)
    if unknown:
        hint = nearest(unknown.group(1), _legal_words(steps, document))
        return AgreementError(
            f"agreement: {path}: unknown word {unknown.group(1)!r}", code="unknown-word", hint=hint
        )
    if what.startswith(("Invalid value", "Invalid enum")):
        found = re.search(r"'(.*)'", what)
        hint = nearest(found.group(1) if found else "", _legal_words(steps, document))
        return AgreementError(
            f"agreement: {path}: not a word that is legal here", code="illegal-word", hint=hint
        )
    return AgreementError(f"agreement: {path}: {_lower_first(what)}", code="ill-formed")


def _legal_words(steps: Sequence[str | int], document: Any) -> set[str]:  # noqa: ANN401 - a TOML document
    """List the words that the schema allows at a path of the document."""
    (top,), components = msgspec.json.schema_components([Agreement])
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


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _require_unique(path: str, names: Sequence[str]) -> None:
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise AgreementError(
            f"agreement: {path}: {repeated[0]!r} occurs more than once", code="repeated-name"
        )


def _require_pass(path: str, one: Pass, rules: Mapping[str, Field]) -> None:
    if not one.field_names:
        raise AgreementError(f"agreement: {path}.fields: empty", code="empty-pass")
    for place, name in enumerate(one.field_names):
        if name not in rules:
            raise AgreementError(
                f"agreement: {path}.fields[{place}]: names no field",
                code="unknown-field",
                hint=nearest(name, rules),
            )
    _require_unique(f"{path}.fields", one.field_names)
    _REQUIRE[type(one)](path, one, rules)


def _require_fuzzy(path: str, one: FuzzyPass, rules: Mapping[str, Field]) -> None:
    if one.n_bits & (one.n_bits - 1):
        raise AgreementError(
            f"agreement: {path}.n_bits: {one.n_bits} is not a power of two",
            code="n-bits",
            hint="choose n_bits = 1024",
        )
    if not one.threshold.is_finite() or not 0 < one.threshold <= 1:
        raise AgreementError(f"agreement: {path}.threshold: wanted above 0 and at most 1", code="threshold")
    if not any(use.required for use in one.fields):
        raise AgreementError(
            f"agreement: {path}.fields: none is required, so people of whom nothing is known would agree",
            code="nothing-required",
            hint="add required = true to at least one field",
        )
    for place, use in enumerate(one.fields):
        if not bits_of(use, rules[use.field]):
            raise AgreementError(
                f"agreement: {path}.fields[{place}]: neither the field has a weight nor this use bits",
                code="no-bits",
            )
    n_set = sum(bits_of(use, rules[use.field]) for use in one.fields)
    if n_set > one.n_bits:
        raise AgreementError(
            f"agreement: {path}: the fields set {n_set} bits in a filter of {one.n_bits}",
            code="overfull",
            hint="lower the weights or choose a longer filter: about 0.6 bits set for each bit is usual",
        )
    for place, use in enumerate(one.fields):
        dates = isinstance(rules[use.field], DateField)
        if isinstance(use.tokens or DEFAULT_TOKENS[type(rules[use.field])], DateParts) and not dates:
            raise AgreementError(
                f"agreement: {path}.fields[{place}].tokens: date-parts suit only dates", code="tokens"
            )
    _require_hardening(path, one)


def _require_hardening(path: str, one: FuzzyPass) -> None:
    n_bits = one.n_bits
    for place, step in enumerate(one.hardening):
        try:
            n_bits = step.out_bits(n_bits)
        except AgreementError as error:
            said, hint = error.message, error.hint
        else:
            continue
        raise AgreementError(f"agreement: {path}.hardening[{place}]: {said}", code="hardening", hint=hint)


def _require_exact(_path: str, _one: ExactPass, _rules: Mapping[str, Field]) -> None:
    """Do nothing: an exact pass has nothing more to contradict."""


_REQUIRE: Mapping[type[Pass], Any] = {FuzzyPass: _require_fuzzy, ExactPass: _require_exact}
