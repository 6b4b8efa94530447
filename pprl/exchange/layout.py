"""
The layout of a package file, as arithmetic.

A magic line, a JSON manifest, then column sections of fixed width that begin at multiples
of 64 bytes.  Where each section lies, and how long the file must be, follow from the
manifest alone, before anything is allocated.  `docs/format.md` is the specification.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Annotated

import msgspec

from pprl.errors import AuthenticationError, DataError, VersionError
from pprl.model.bits import n_words
from pprl.model.encoded import MAX_ID_BYTES, MAX_TABLES, PRINTABLE

MAGIC = b"pprl-package"
VERSION = 1
ALIGNMENT = 64
MAX_MANIFEST_BYTES = 65536
HEADER = re.compile(rb"pprl-package ([1-9]\d{0,5}) (\d{10}) ([0-9a-f]{64})\n")
HEADER_BYTES_AT_MOST = 128

Count = Annotated[int, msgspec.Meta(ge=0, lt=2**40)]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Tag = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]


class PassEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A pass: its name, the length of its rows in bits, and its block tags for each record."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$(?!\n)")]
    n_bits: Annotated[int, msgspec.Meta(ge=1, le=65536)]
    tables: Annotated[int, msgspec.Meta(ge=0, le=MAX_TABLES)] = 0


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A column section: its name, length in bytes and SHA-256."""

    name: str
    length: Count
    sha256: Digest


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What a package says of itself; nothing about anybody, and not who made it."""

    project: Annotated[str, msgspec.Meta(max_length=80, pattern=PRINTABLE)]
    epoch: Count
    fingerprint: Digest
    key_tag: Tag
    encoder_tag: Tag
    software: Annotated[str, msgspec.Meta(max_length=80, pattern=r"^[ -~]+$(?!\n)")]
    unicode_version: Annotated[str, msgspec.Meta(max_length=20, pattern=r"^[0-9.]+$(?!\n)")]
    rows: Count
    id_width: Annotated[int, msgspec.Meta(ge=1, le=MAX_ID_BYTES)]
    passes: Annotated[tuple[PassEntry, ...], msgspec.Meta(max_length=64)]
    sections: tuple[Section, ...]
    decoys: Annotated[int, msgspec.Meta(ge=0, lt=2**40)] = 0
    spike_ins: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0

    def to_bytes(self) -> bytes:
        """Give the one text of this manifest."""
        return msgspec.json.encode(self, order="sorted")


def expected_sections(
    rows: int, id_width: int, passes: tuple[PassEntry, ...], *, decoys: int = 0, spike_ins: int = 0
) -> Iterator[tuple[str, int]]:
    """Give names and lengths in bytes of all sections, in order."""
    yield "record_ids", rows * id_width
    for one in passes:
        yield f"passes/{one.name}/words", rows * n_words(one.n_bits) * 8
        yield f"passes/{one.name}/present", rows
        if one.tables:
            yield f"passes/{one.name}/tags", rows * one.tables * 4
    if decoys:
        yield "decoy", rows
    if spike_ins:
        yield "spike_in", rows * 4


def placed_sections(manifest: Manifest, start: int) -> Iterator[tuple[Section, int]]:
    """Give each section and where it begins in the file, the first one coming after `start` bytes."""
    end = start
    for section in manifest.sections:
        begin = aligned(end)
        yield section, begin
        end = begin + section.length


def aligned(offset: int) -> int:
    """Give the next multiple of 64."""
    return -(-offset // ALIGNMENT) * ALIGNMENT


def header_of(manifest: bytes) -> bytes:
    """Give the magic line of a manifest: version, length and SHA-256."""
    digest = hashlib.sha256(manifest).hexdigest()
    return f"{MAGIC.decode()} {VERSION} {len(manifest):010d} {digest}\n".encode("ascii")


def parse_header(start: bytes, what: str) -> tuple[int, int, str]:
    """Give where the manifest begins, its length and its digest.

    Raises
    ------
    DataError
        If it is not a package.
    VersionError
        If it is one of another version.
    """
    found = HEADER.match(start)
    if found is None:
        if start.startswith(MAGIC):
            raise altered(what, "its first line is damaged")
        raise DataError(
            f"{what}: is not a pprl package", code="not-a-package", hint="packages come from `pprl encode`"
        )
    version, length, digest = found.groups()
    if int(version) != VERSION:
        raise VersionError(
            f"{what}: is of format version {int(version)}, this software reads version {VERSION}",
            code="package-version",
            hint="install the version of pprlink that the project agreed on",
        )
    if int(length) > MAX_MANIFEST_BYTES:
        raise altered(what, f"its manifest is longer than {MAX_MANIFEST_BYTES} bytes")
    return found.end(), int(length), digest.decode("ascii")


def parse_manifest(content: bytes, digest: str, what: str) -> Manifest:
    """Read a manifest, and refuse any that this software would not have written so.

    Raises
    ------
    AuthenticationError
        If it is altered, not well formed, or its sections do not follow from its counts.
    """
    if hashlib.sha256(content).hexdigest() != digest:
        raise altered(what, "its manifest does not have the digest that it states")
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, RecursionError, ValueError):
        manifest = None
    # Written again, a manifest must be the same text: no repeated keys, no second spelling.
    if manifest is None or manifest.to_bytes() != content:
        raise altered(what, "its manifest is not well formed")
    names = [one.name for one in manifest.passes]
    stated = [(section.name, section.length) for section in manifest.sections]
    expected = expected_sections(
        manifest.rows,
        manifest.id_width,
        manifest.passes,
        decoys=manifest.decoys,
        spike_ins=manifest.spike_ins,
    )
    if len(set(names)) < len(names) or stated != list(expected):
        raise altered(what, "its sections do not follow from its rows and passes")
    return manifest


def altered(what: str, how: str) -> AuthenticationError:
    """Make the error for a package that is not as it was made."""
    return AuthenticationError(
        f"{what}: is damaged or was altered: {how}", code="altered", hint="ask the custodian to send it again"
    )
