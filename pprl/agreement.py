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
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from pprl.cleaning.fields import CodeField, DateField, Field, HealthNumberField, SexField, UpnField
from pprl.encoding.encoder import DEFAULT_TOKENS, bits_of
from pprl.encoding.passes import ExactPass, FuzzyPass, Pass
from pprl.encoding.tokens import DateParts
from pprl.errors import AgreementError, PolicyError, nearest
from pprl.files import read_bytes
from pprl.mistakes import explained, property_names, schema_of
from pprl.model.encoded import PRINTABLE

MAX_BYTES = 1 << 20
MAX_DEPTH = 20
LEAST_THRESHOLD = Decimal("0.01")
LOW_ENTROPY = (SexField, CodeField)
IDENTIFIERS = {HealthNumberField, UpnField}
_SECRET_WORDS = ("secret", "key", "passw", "passphrase", "private")


class Matching(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
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


class Agreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
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

    project: Annotated[str, msgspec.Meta(max_length=80, pattern=PRINTABLE)]
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
        return cls.from_toml(preset_text(name).encode("utf-8"))

    @classmethod
    def from_toml(cls, content: bytes) -> "Agreement":
        """Read an agreement from the bytes of a TOML file."""
        document = _parse_toml(content)
        _refuse_secrets(document)
        try:
            return msgspec.convert(document, cls)
        except msgspec.ValidationError as error:
            said = str(error)
        except ArithmeticError:
            said = "A number is out of all range"
        raise explained(said, document, cls)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
        return hashlib.sha256(self.canonical_json()).hexdigest()

    @property
    def project_fingerprint(self) -> str:
        """SHA-256 of all that shapes the bits: no columns, no thresholds, no matching.

        Keys are derived from it, so that encodings of the same people under other choices,
        such as weaker hardening, cannot be held against each other.
        """
        shaping = Agreement.__struct_fields__[:4]
        document = {name: msgspec.to_builtins(getattr(self, name), order="sorted") for name in shaping}
        document["fields"] = [_without(rule, "column") for rule in document["fields"]]
        document["passes"] = [_without(one, "threshold", "differing") for one in document["passes"]]
        return hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()

    def canonical_json(self) -> bytes:
        """Give the one JSON text of this agreement: sorted keys, no spaces, no defaults, decimals as text."""
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
    schema = schema_of(Agreement)
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
    except (ValueError, ArithmeticError):
        said = "a number is out of all range"
    raise AgreementError(f"agreement: not TOML: {said}", code="toml")


def _refuse_secrets(document: Mapping[str, Any]) -> None:
    known = property_names(Agreement)
    for path, word in _words(document, "agreement"):
        if word not in known and any(part in word.lower() for part in _SECRET_WORDS):
            raise PolicyError(
                f"{path}: looks like a secret, and an agreement is read by everybody",
                code="secret-in-agreement",
                hint="remove it, and treat that secret as known; the key has a file of its own",
            )


def _words(node: object, path: str) -> Iterator[tuple[str, str]]:
    if path.count(".") > MAX_DEPTH:
        raise AgreementError("agreement: not TOML: it is nested too deeply", code="toml")
    if isinstance(node, dict):
        for word, below in node.items():
            yield f"{path}: {word}" if path == "agreement" else f"{path}.{word}", word
            yield from _words(below, f"{path}: {word}" if path == "agreement" else f"{path}.{word}")
    elif isinstance(node, list):
        for place, below in enumerate(node):
            yield from _words(below, f"{path}[{place}]")


def _without(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in names}


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
    if not one.threshold.is_finite() or not LEAST_THRESHOLD <= one.threshold <= 1:
        raise AgreementError(
            f"agreement: {path}.threshold: wanted from {LEAST_THRESHOLD} to 1", code="threshold"
        )
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
    if all(isinstance(rules[use.field], LOW_ENTROPY) for use in one.fields):
        raise AgreementError(
            f"agreement: {path}.fields: a filter of so little would show who has what",
            code="low-entropy",
            hint="add a name, a date or a postcode",
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


def _require_exact(path: str, one: ExactPass, rules: Mapping[str, Field]) -> None:
    kinds = [type(rules[name]) for name in one.fields]
    if not IDENTIFIERS & set(kinds) and sum(kind not in LOW_ENTROPY for kind in kinds) < 2:
        raise AgreementError(
            f"agreement: {path}.fields: equality of so little would show who has what",
            code="low-entropy",
            hint="compare an identifier, or two fields that each have many values",
        )


_REQUIRE: Mapping[type[Pass], Any] = {FuzzyPass: _require_fuzzy, ExactPass: _require_exact}
