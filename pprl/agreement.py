"""
The agreement: every choice that the parties share, and no secret.

People read and sign it as TOML; its fingerprint is the SHA-256 of its canonical JSON.
Loading checks everything, names the path of a mistake and the nearest legal word.
"""

import hashlib
import importlib.resources
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from pprl.cleaning.fields import Field
from pprl.encoding.decoys import Decoys
from pprl.encoding.errormodel import ErrorModel
from pprl.encoding.passes import FuzzyPass, Pass
from pprl.encoding.soundness import require_sound
from pprl.encoding.spikeins import SpikeIns
from pprl.errors import AgreementError, PolicyError, nearest
from pprl.exchange.parties import Party, Role, require_fitting
from pprl.exchange.words import words_of
from pprl.files import read_bytes
from pprl.mistakes import explained, property_names, schema_of
from pprl.model.encoded import PRINTABLE
from pprl.model.links import Cardinality, Method

MAX_BYTES = 1 << 20
MAX_DEPTH = 20
_LEAST_PRECISION = 0.5
_MOST_LEAD = 1_000_000
_SECRET_WORDS = ("secret", "key", "passw", "passphrase", "private")


class Matching(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a linkage is to aim at.

    Parameters
    ----------
    target : {"thresholds", "precision", "balance"}
        "thresholds": each pass links at its own threshold, in the order of the passes.
        "precision": the evidence of all passes together, and as many links as leave the share
        of true ones at `precision`.  "balance": all links that are more likely true than not.
        Files of fewer than 50 records are linked by thresholds, if the passes state them.
    precision : float, optional
        Share of links that are to be true, for that target.
    cardinality : {"one-to-one", "one-to-many", "many-to-one", "many-to-many"}
        Whether each source holds a person once, and so a record has at most one partner:
        "one-to-many" says that the left source does.  Otherwise only with a target other
        than thresholds.
    method : {"symmetric-best-match", "greedy", "optimal"}
        How pairs that exclude one another are resolved.
    lead : float
        By what factor the odds of a record's best pair must exceed those of its second best;
        otherwise both are conflicts.

    Raises
    ------
    AgreementError
        If the parts contradict each other.
    """

    target: Literal["thresholds", "precision", "balance"]
    cardinality: Cardinality
    precision: float | None = None
    method: Method = "symmetric-best-match"
    lead: float = 1.0

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        if (self.precision is not None) != (self.target == "precision"):
            raise _matching("precision", "wanted with the target precision, and with no other")
        if self.precision is not None and not _LEAST_PRECISION <= self.precision < 1:
            raise _matching("precision", f"wanted a share from {_LEAST_PRECISION} to below 1")
        if not 1 <= self.lead <= _MOST_LEAD:
            raise _matching("lead", f"wanted a factor from 1 to {_MOST_LEAD}")
        if self.target == "thresholds":
            for name, value in (
                ("cardinality", "one-to-one"),
                ("method", "symmetric-best-match"),
                ("lead", 1),
            ):
                if getattr(self, name) != value:
                    raise _matching(name, f"wanted {value} with the target thresholds")
        if self.method == "optimal" and self.cardinality != "one-to-one":
            raise _matching("method", "optimal is for the cardinality one-to-one")


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
    decoys : Decoys, optional
        How many people who do not exist each custodian adds, so that false links can be
        counted; by default none.
    spike_ins : SpikeIns, optional
        How many people who do not exist all custodians add a copy of, so that missed links can
        be counted; by default none.
    errors : ErrorModel, optional
        How two records of one person are expected to differ, for `suggest` and for spike-ins.
    research : bool
        Whether encodings are allowed that tell an attacker too much of real people:
        field-level filters, and those that are there for comparison only.
    parties : tuple of Party
        Who takes part, and with which public keys; each of them signs the agreement.  Without
        parties nothing can be sealed, and packages go from hand to hand.
    version : int
        Raised with every change, and signed anew.
    expires : date, optional
        The last day, in UTC, on which anything is sealed or opened under it.
    removed : tuple of str
        Names of parties that took part in earlier versions and are no longer trusted.  Their
        tables are gone from `parties`, so nothing of theirs is believed.
    dealer : {"ceremony", "single"}
        Who makes the linkage secret: all custodians together, or, in a pilot, one of them.
    opt_outs : {"required", "not-applicable"}
        Whether encodings must come with a statement that opt-outs were applied.

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
    decoys: Decoys | None = None
    spike_ins: SpikeIns | None = None
    errors: ErrorModel | None = None
    research: bool = False
    parties: Annotated[tuple[Party, ...], msgspec.Meta(max_length=64)] = ()
    version: Annotated[int, msgspec.Meta(ge=1, le=2**31)] = 1
    expires: date | None = None
    removed: Annotated[tuple[str, ...], msgspec.Meta(max_length=64)] = ()
    dealer: Literal["ceremony", "single"] = "ceremony"
    opt_outs: Literal["required", "not-applicable"] = "required"

    def __post_init__(self) -> None:
        """Check that fields and passes fit together."""
        if self.errors == ErrorModel():
            msgspec.structs.force_setattr(self, "errors", None)  # one spelling, and so one fingerprint
        require_sound(self.fields, self.passes, research=self.research)
        if self.matching.target == "thresholds":
            _require_thresholds(self.passes)
        require_fitting(self.parties, removed=self.removed, version=self.version, research=self.research)

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
    def words(self) -> tuple[str, ...]:
        """The first 128 bits of the fingerprint as eight words, to read over a telephone."""
        return words_of(self.fingerprint)

    @property
    def project_fingerprint(self) -> str:
        """SHA-256 of all that shapes the bits: no columns, no thresholds, no matching.

        Keys are derived from it, so that encodings of the same people under other choices,
        such as weaker hardening, cannot be held against each other.
        """
        shaping = Agreement.__struct_fields__[:4]
        document = {name: msgspec.to_builtins(getattr(self, name), order="sorted") for name in shaping}
        document["fields"] = [
            _without(rule, "column", "more_columns", "separator") for rule in document["fields"]
        ]
        document["passes"] = [_without(one, "threshold", "differing") for one in document["passes"]]
        return hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()

    def canonical_json(self) -> bytes:
        """Give the one JSON text of this agreement: sorted keys, no spaces, no defaults, decimals as text."""
        return msgspec.json.encode(self, order="sorted")

    def party(self, name: str) -> Party:
        """Give the party of a name.

        Raises
        ------
        PolicyError
            If there is none (code ``unknown-party``), or it was removed (``removed-party``).
        """
        if name in self.removed:
            raise PolicyError(
                "agreement: that party was removed",
                code="removed-party",
                hint="nothing of theirs is accepted, and nothing goes to them",
            )
        found = {one.name: one for one in self.parties}
        if name not in found:
            hint = nearest(name, found) if found else "it lists no parties"
            raise PolicyError("agreement: no party of that name", code="unknown-party", hint=hint)
        return found[name]

    def with_role(self, role: Role) -> tuple[Party, ...]:
        """Give the parties that have a role, in the order of the agreement."""
        return tuple(one for one in self.parties if one.role == role)

    def refuse_expired(self, now: datetime) -> None:
        """Raise if the agreement's last day is over.

        Parameters
        ----------
        now : datetime
            The time, with a time zone.

        Raises
        ------
        PolicyError
            If it is later than the last day, in UTC.
        """
        if self.expires is not None and now.astimezone(UTC).date() > self.expires:
            raise PolicyError(
                f"agreement: expired; its last day was {self.expires.isoformat()}",
                code="agreement-expired",
                hint="agree on a new version with a later day, which all parties sign",
            )

    def __repr__(self) -> str:
        counts = f"fields={len(self.fields)}, passes={len(self.passes)}"
        if self.parties:
            counts += f", parties={len(self.parties)}"
        return f"Agreement(project={self.project!r}, epoch={self.epoch}, {counts})"


def _require_thresholds(passes: tuple[Pass, ...]) -> None:
    for place, one in enumerate(passes):
        if isinstance(one, FuzzyPass) and one.threshold is None:
            raise AgreementError(
                f"agreement: passes[{place}].threshold: is missing, and the target is thresholds",
                code="threshold",
                hint="state the least Dice similarity of a link, or choose the target precision",
            )


def _matching(name: str, wanted: str) -> AgreementError:
    return AgreementError(f"agreement: matching.{name}: {wanted}", code="matching")


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
