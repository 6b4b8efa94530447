"""
Envelopes: what a sealed package says of itself, and the signatures that hold it to that.

A manifest binds the bytes behind it to one project, purpose, sender and recipient.  It has
one text only: whatever is read must come out the same when it is written again.
`docs/sealed-packages.md` is the specification.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import msgspec

from pprl.errors import AuthenticationError, PolicyError, VersionError
from pprl.exchange import clock
from pprl.exchange.dsse import Envelope, enveloped, read_envelope
from pprl.exchange.parties import Role
from pprl.exchange.signing import Signature
from pprl.model.encoded import PRINTABLE

VERSION = 1
MANIFEST_TYPE = "application/vnd.pprl.package+json"
MAX_MANIFEST_BYTES = 65536
MAX_ENVELOPE_BYTES = 131072
MAX_PAYLOAD_BYTES = 1 << 40
MAX_RECORD_BYTES = 1 << 24  # of a deletion record, which lists 70,000 files or more
PRELUDE_BYTES = 25
_PRELUDE = re.compile(rb"pprl-sealed ([1-9][0-9]{0,5}) ([0-9]{0,10})")

Purpose = Literal[
    "encodings",
    "linkage-keys",
    "crosswalk",
    "key-share",
    "report",
    "deletion-record",
    "id-map",
    "payload",
]
Layout = Literal["pprl-package 1", "csv", "parquet", "html", "json", "binary"]
PACKAGE: Layout = "pprl-package 1"
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$(?!\n)")]
_Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
_Random = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
_Tag = Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9a-f]{32})?$(?!\n)")]
_Count = Annotated[int, msgspec.Meta(ge=0, lt=2**40)]
_Number = Annotated[int, msgspec.Meta(ge=1, le=2**31)]
_Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$(?!\n)")]
_Time = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$(?!\n)")]


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for packages of one purpose.

    Parameters
    ----------
    ways : frozenset of (Role, Role)
        Who may send them to whom; none for what a party keeps for itself.
    layouts : tuple of str
        What the payload may be.
    most_bytes : int
        The longest payload.
    days : int
        How long a package may be opened.
    """

    ways: frozenset[tuple[Role, Role]]
    layouts: tuple[Layout, ...]
    most_bytes: int
    days: int


_CUSTODIAN: Role = "custodian"
_UNIT: Role = "linkage-unit"
_RESEARCH: Role = "research"
_ROLES = (_CUSTODIAN, _UNIT, _RESEARCH)

ALLOWED: Mapping[Purpose, Rule] = {
    "encodings": Rule(frozenset({(_CUSTODIAN, _UNIT)}), (PACKAGE,), MAX_PAYLOAD_BYTES, 30),
    "linkage-keys": Rule(frozenset({(_UNIT, _CUSTODIAN)}), ("csv",), 1 << 36, 30),
    "crosswalk": Rule(frozenset({(_UNIT, _RESEARCH)}), ("csv",), 1 << 38, 30),
    "key-share": Rule(frozenset({(_CUSTODIAN, _CUSTODIAN)}), ("binary",), 1 << 16, 30),
    "report": Rule(frozenset({(_UNIT, _CUSTODIAN), (_UNIT, _RESEARCH)}), ("html",), 1 << 26, 30),
    "deletion-record": Rule(
        frozenset((one, other) for one in _ROLES for other in _ROLES), ("json",), MAX_RECORD_BYTES, 30
    ),
    "id-map": Rule(frozenset(), ("csv",), 1 << 36, 3653),
    "payload": Rule(frozenset({(_CUSTODIAN, _RESEARCH)}), ("csv", "parquet"), MAX_PAYLOAD_BYTES, 30),
}
NEEDS_OPT_OUTS: frozenset[Purpose] = frozenset({"encodings"})
CEREMONY_ONLY: frozenset[Purpose] = frozenset({"key-share"})  # sealed and opened by nothing else


@dataclass(frozen=True, slots=True)
class Terms:
    """What a package is bound to of an agreement.

    Parameters
    ----------
    project, fingerprint, epoch, version : str, str, int, int
        Of the agreement.
    opt_outs : bool
        Whether encodings must come with a statement on opt-outs.
    """

    project: str
    fingerprint: str
    epoch: int
    version: int
    opt_outs: bool


class OptOuts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The sender's word that those who opted out are not in the payload.

    Parameters
    ----------
    applied : str
        The day on which the list of opt-outs was applied, year-month-day.
    """

    applied: _Day


class SealedManifest(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """What a sealed package is bound to.

    Parameters
    ----------
    version : int
        Of this format: 1.
    project, fingerprint, epoch, agreement_version : str, str, int, int
        The agreement under which it was made.
    purpose : str
        What it is for; nothing else can be done with it.
    sender, recipient : str
        Names of the parties in the agreement.
    package_id : str
        32 random hexadecimal digits.
    sequence : int
        Rises by one with each package of this purpose from this sender to this recipient.
    created, expires : str
        UTC, to the second, such as ``2026-01-31T09:30:00Z``.
    rows, length, sha256 : int, int, str
        Of the payload: rows or records, bytes, digest.  That of a package is the one that its first
        line states: of its manifest, which has the digests of all its sections.
    layout : str
        What the payload is.
    key_tag, encoder_tag : str
        The check tags of encodings; of other purposes there are none.
    about : str
        Of an id map: the package whose record ids it leads back from.
    opt_out : OptOuts, optional
        The statement on opt-outs.

    Examples
    --------
    >>> manifest = SealedManifest(version=1, project="study", fingerprint="0a" * 32, epoch=1,
    ...     agreement_version=1, purpose="report", sender="unit", recipient="trust",
    ...     package_id="1b" * 16, sequence=1, created="2026-01-31T09:30:00Z",
    ...     expires="2026-03-02T09:30:00Z", rows=1, length=12, sha256="2c" * 32, layout="html")
    >>> manifest_from(manifest.to_bytes(), "package") == manifest
    True
    """

    version: Annotated[int, msgspec.Meta(ge=1, le=1)]
    project: Annotated[str, msgspec.Meta(max_length=80, pattern=PRINTABLE)]
    fingerprint: _Digest
    epoch: _Number
    agreement_version: _Number
    purpose: Purpose
    sender: _Name
    recipient: _Name
    package_id: _Random
    sequence: _Number
    created: _Time
    expires: _Time
    rows: _Count
    length: _Count
    sha256: _Digest
    layout: Layout
    key_tag: _Tag = ""
    encoder_tag: _Tag = ""
    about: _Tag = ""
    opt_out: OptOuts | None = None

    def to_bytes(self) -> bytes:
        """Give the one text of this manifest."""
        return msgspec.json.encode(self, order="sorted")


def envelope_of(manifest: bytes, signatures: tuple[Signature, ...]) -> bytes:
    """Give the first bytes of a sealed package: the prelude, and the envelope it announces."""
    content = enveloped(MANIFEST_TYPE, manifest, signatures)
    return f"pprl-sealed {VERSION} {len(content):010d}\n".encode("ascii") + content


def parse_prelude(start: bytes, what: str) -> int:
    r"""Give the length of the envelope from the first 25 bytes.

    Raises
    ------
    AuthenticationError
        If it is no prelude, or announces more than an envelope may have.
    VersionError
        If it is one of another version.

    Examples
    --------
    >>> parse_prelude(b"pprl-sealed 1 0000000512\n", "package")
    512
    """
    found = _PRELUDE.match(start)
    if found is None:
        raise broken(what, "envelope", "what was encrypted is not a sealed package")
    if int(found[1]) != VERSION:
        raise _other_version(what, int(found[1]))
    if found.end() != PRELUDE_BYTES - 1 or start[found.end() :] != b"\n":
        raise broken(what, "envelope", "its first line is malformed")
    if not 0 < int(found[2]) <= MAX_ENVELOPE_BYTES:
        raise broken(what, "envelope", f"its envelope is not of 1 to {MAX_ENVELOPE_BYTES} bytes")
    return int(found[2])


def parse_envelope(content: bytes, what: str) -> Envelope:
    """Read an envelope, and refuse any that this software would not have written so.

    Raises
    ------
    AuthenticationError
        If it is not well formed, or its manifest is longer than 65,536 bytes.
    """
    envelope = read_envelope(content, MANIFEST_TYPE)
    if envelope is None:
        raise broken(what, "envelope", "its envelope is not well formed")
    if len(envelope.content) > MAX_MANIFEST_BYTES:
        raise broken(what, "manifest", f"its manifest is longer than {MAX_MANIFEST_BYTES} bytes")
    return envelope


def manifest_from(content: bytes, what: str) -> SealedManifest:
    """Read a manifest, and refuse any that this software would not have written so.

    Raises
    ------
    AuthenticationError
        If it is not well formed: a repeated or unknown key, a number out of range, a wrong type.
    VersionError
        If it says that it is of another version.
    """
    manifest: SealedManifest | None = None
    try:
        manifest = msgspec.json.decode(content, type=SealedManifest)
        clock.from_text(manifest.created)
        clock.from_text(manifest.expires)
        well = manifest.to_bytes() == content
    except (msgspec.DecodeError, RecursionError, ValueError):
        well = False
    if manifest is not None and well:
        return manifest
    version = _version_of(content)
    if version > VERSION:
        raise _other_version(what, version)
    raise broken(what, "manifest", "its manifest is not well formed")


def require_allowed(manifest: SealedManifest, sender: Role, recipient: Role, what: str) -> None:
    """Raise unless the table lets such a payload go from one role to the other.

    Raises
    ------
    PolicyError
        If the roles, the layout, the length or the dates are not those of the purpose.
    """
    rule = ALLOWED[manifest.purpose]
    to_self = manifest.sender == manifest.recipient
    if to_self != (not rule.ways) or (rule.ways and (sender, recipient) not in rule.ways):
        raise PolicyError(
            f"{what}: {manifest.purpose} do not go from {sender} to {recipient}",
            code="wrong-role",
            hint="docs/sealed-packages.md has the table of who may send what to whom",
        )
    if manifest.layout not in rule.layouts:
        raise PolicyError(
            f"{what}: {manifest.purpose} are not sent as {manifest.layout}", code="wrong-layout", hint=_ASK
        )
    if manifest.length > rule.most_bytes:
        raise PolicyError(f"{what}: is longer than {rule.most_bytes} bytes", code="too-large", hint=_ASK)
    lifetime = clock.from_text(manifest.expires) - clock.from_text(manifest.created)
    if not 0 < lifetime.total_seconds() <= rule.days * 86400:
        raise PolicyError(
            f"{what}: says that it may be opened for more than {rule.days} days, or never",
            code="wrong-dates",
            hint=_ASK,
        )


def broken(what: str, code: str, how: str) -> AuthenticationError:
    """Make the error for a sealed package that is not as it was made."""
    return AuthenticationError(
        f"{what}: is damaged or was altered: {how}", code=code, hint="ask the sender to seal it again"
    )


def _version_of(content: bytes) -> int:
    """Give the version that a manifest of any kind states; 0 if none."""
    try:
        document = msgspec.json.decode(content)
        version = document.get("version", 0)
    except (msgspec.DecodeError, RecursionError, ValueError, AttributeError):
        return 0
    return version if isinstance(version, int) else 0


def _other_version(what: str, version: int) -> VersionError:
    return VersionError(
        f"{what}: is sealed in version {version}, this software reads version {VERSION}",
        code="sealed-version",
        hint="install the version of pprlink that the project agreed on",
    )


_ASK = "ask the sender what was sent, and with which version of pprlink"
