"""
Unsealing: from an encrypted file to a manifest that its sender signed.

What comes out of the decryption is not to be believed until the signatures have been verified.
"""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pprl.errors import DataError, PolicyError
from pprl.exchange.digests import digesting
from pprl.exchange.dsse import Envelope
from pprl.exchange.envelope import (
    MANIFEST_TYPE,
    MAX_ENVELOPE_BYTES,
    MAX_PAYLOAD_BYTES,
    PACKAGE,
    PRELUDE_BYTES,
    SealedManifest,
    broken,
    manifest_from,
    parse_envelope,
    parse_prelude,
)
from pprl.exchange.layout import HEADER_BYTES_AT_MOST, parse_header
from pprl.exchange.layout import MAX_MANIFEST_BYTES as MAX_PACKAGE_MANIFEST_BYTES
from pprl.exchange.parties import Party
from pprl.exchange.signing import verify
from pprl.exchange.store import Store
from pprl.files import open_regular, write_whole

if TYPE_CHECKING:
    from pprl.exchange.age import Decryptor

WHAT = "sealed package"
MAX_HEADER_BYTES = 8192
_MAX_SEALED_BYTES = MAX_PAYLOAD_BYTES + (MAX_PAYLOAD_BYTES >> 11)
_PIECE_BYTES = 1 << 20
_AGE = b"age-encryption.org/"


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What was found behind the encryption, before any of it is believed.

    Parameters
    ----------
    envelope : Envelope
        The manifest and its signatures.
    manifest : SealedManifest
        As it was read.
    length, sha256 : int, str
        Of the payload as it came; of a package, the digest that its first line states.
    """

    envelope: Envelope
    manifest: SealedManifest
    length: int
    sha256: str


def unseal(path: Path, payload: Path | None, store: Store) -> Unsealed:
    """Decrypt a sealed file; nothing that comes out is to be believed yet.

    Parameters
    ----------
    path : Path
        The sealed file.
    payload : Path, optional
        Where to write the payload; without it only the envelope is decrypted.
    store : Store
        Of the recipient.

    Raises
    ------
    DataError
        If it is not a sealed file (``not-sealed``), or too large to be one (``too-large``).
    AuthenticationError
        If it was altered, or is not sealed to this party.

    Examples
    --------
    >>> unseal(Path("no-such-file"), None, None)
    Traceback (most recent call last):
    pprl.errors.DataError: sealed package: does not exist
    """
    with open_regular(path, what=WHAT) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > _MAX_SEALED_BYTES:
            raise DataError(
                f"{WHAT}: is longer than any that can be sealed",
                code="too-large",
                hint="it is no sealed package; ask the sender what was sent",
            )
        if stream.read(len(_AGE)) != _AGE:
            raise DataError(
                f"{WHAT}: is not a sealed file",
                code="not-sealed",
                hint="a sealed package is made by `pprl seal`; what is not sealed was never safe to send",
            )
        stream.seek(0)
        if payload is None:
            return decrypted(stream, None, store)
        with write_whole(payload) as target:
            return decrypted(stream, target, store)


def decrypted(stream: BinaryIO, target: BinaryIO | None, store: Store) -> Unsealed:
    """Decrypt a stream as `unseal` does a file.

    Parameters
    ----------
    stream : BinaryIO
        The sealed file, from its beginning.
    target : BinaryIO, optional
        Where to write the payload; without it only the envelope is decrypted.
    store : Store
        Of the recipient.

    Raises
    ------
    AuthenticationError
        If it was altered, or is not sealed to this party.
    """
    from pprl.exchange.age import decrypt_stream

    plain = decrypt_stream(stream, [store.identity.opener], max_header_bytes=MAX_HEADER_BYTES, max_stanzas=1)
    n_bytes = parse_prelude(plain.read(PRELUDE_BYTES), WHAT)
    content = plain.read(min(n_bytes, MAX_ENVELOPE_BYTES))
    if len(content) < n_bytes:
        raise broken(WHAT, "envelope", "it ends within its envelope")
    envelope = parse_envelope(content, WHAT)
    manifest = manifest_from(envelope.content, WHAT)
    if target is None:
        return Unsealed(envelope, manifest, 0, "")
    write = _write_package if manifest.layout == PACKAGE else _write_file
    return Unsealed(envelope, manifest, *write(plain, target))


def _write_file(plain: "Decryptor", target: BinaryIO) -> tuple[int, str]:
    with digesting() as digest:
        while piece := plain.read(_PIECE_BYTES):
            digest.update(piece)
            target.write(piece)
        return digest.length, digest.hexdigest()


def _write_package(plain: "Decryptor", target: BinaryIO) -> tuple[int, str]:
    """Write a package; whether its sections have the digests that it states is seen from its rows."""
    first = plain.read(HEADER_BYTES_AT_MOST + MAX_PACKAGE_MANIFEST_BYTES)
    target.write(first)
    length = len(first)
    while piece := plain.read(_PIECE_BYTES):
        target.write(piece)
        length += len(piece)
    begin, n_bytes, _ = parse_header(first[:HEADER_BYTES_AT_MOST], WHAT)
    return length, hashlib.sha256(first[begin : begin + n_bytes]).hexdigest()


def verified(unsealed: Unsealed, party: Callable[[str], Party]) -> SealedManifest:
    """Give the manifest, if it is signed by the party that it names, with keys from the agreement.

    Raises
    ------
    AuthenticationError
        If it is malformed, or a signature is missing or does not verify.
    PolicyError
        If the agreement has no such party, or has one no longer.

    Examples
    --------
    >>> manifest = SealedManifest(version=1, project="study", fingerprint="0a" * 32, epoch=1,
    ...     agreement_version=1, purpose="report", sender="unit", recipient="trust",
    ...     package_id="1b" * 16, sequence=1, created="2026-01-31T09:30:00Z",
    ...     expires="2026-03-02T09:30:00Z", rows=1, length=12, sha256="2c" * 32, layout="html")
    >>> envelope = Envelope(payload_type=MANIFEST_TYPE, payload="", signatures=())
    >>> def nobody(name):
    ...     raise PolicyError(f"party {name}: is not in the agreement", code="unknown-sender")
    >>> verified(Unsealed(envelope, manifest, 0, ""), nobody)
    Traceback (most recent call last):
    pprl.errors.PolicyError: sealed package: its sender is not in the agreement
    """
    envelope, manifest = unsealed.envelope, unsealed.manifest
    verify(_sender(manifest.sender, party), MANIFEST_TYPE, envelope.content, envelope.signatures, what=WHAT)
    return manifest


def _sender(name: str, party: Callable[[str], Party]) -> Party:
    try:
        return party(name)
    except PolicyError as error:
        removed = error.code.endswith("removed-party")
    raise PolicyError(
        f"{WHAT}: its sender {'was removed from' if removed else 'is not in'} the agreement",
        code="removed-sender" if removed else "unknown-sender",
        hint="do not open it; ask whoever sent it which agreement they have",
    )
