"""
Deletion records: a party's signed word on what it deleted, and when.

A record names no file: names may say whose data it was.  It has kind, size and SHA-256, by
which whoever sent a file, or was promised that it would go, knows it again.
"""

from pathlib import Path
from typing import Annotated, Final, Literal, Protocol

import msgspec

from pprl.errors import AuthenticationError
from pprl.exchange import clock
from pprl.exchange.dsse import enveloped, read_envelope
from pprl.exchange.envelope import MAX_RECORD_BYTES
from pprl.exchange.parties import Party
from pprl.exchange.signing import Signature, verify
from pprl.files import read_bytes

DELETION_TYPE: Final = "application/vnd.pprl.deletion+json"
_WHAT: Final = "deletion record"

Kind = Literal[
    "sealed-package",
    "package",
    "linkage-key",
    "linkage-keys",
    "crosswalk",
    "id-map",
    "identity",
    "checkpoint",
    "temporary",
    "other",
]
_Random = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]
_PackageId = Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-f]{32})?\Z")]
_Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class Deleted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file that is gone.

    Parameters
    ----------
    kind : str
        What it was, by its first bytes.
    size : int
        Its bytes.
    sha256 : str
        Its digest.
    package : str
        Id of the sealed package, if it was one.
    """

    kind: Kind
    size: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    sha256: _Digest
    package: _PackageId = ""


class DeletionRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a party deleted from its file system.

    Parameters
    ----------
    version : int
        Of this form: 1.
    record : str
        32 random hexadecimal digits, by which the ledger knows it.
    party : str
        Who deleted.
    time : str
        When the last of the files was gone, in UTC.
    files : tuple of Deleted
        What is gone.  Copies in backups and snapshots are not.
    """

    version: Literal[1] = 1
    record: _Random
    party: str
    time: str
    files: tuple[Deleted, ...]


class Signer(Protocol):
    """Who can sign: an identity."""

    def sign(self, payload_type: str, payload: bytes) -> tuple[Signature, Signature]:
        """Sign a payload by both algorithms."""
        ...


def signed_record(record: DeletionRecord, signer: Signer) -> bytes:
    """Write a record with its signatures, as DSSE has it: JSON with the record in base64.

    Examples
    --------
    >>> from pprl.exchange.identities import Identity
    >>> trust = Identity.generate("trust", "custodian")
    >>> record = DeletionRecord(record="0a" * 16, party="trust", time="2026-01-31T09:30:00Z", files=())
    >>> record_from(signed_record(record, trust), trust.party) == record
    True
    """
    payload = msgspec.json.encode(record)
    return enveloped(DELETION_TYPE, payload, signer.sign(DELETION_TYPE, payload))


def record_from(content: bytes, party: Party) -> DeletionRecord:
    """Read a record, and believe it only if the party signed it.

    Parameters
    ----------
    content : bytes
        What `signed_record` gave.
    party : Party
        Who is said to have deleted, with keys from the agreement.

    Raises
    ------
    AuthenticationError
        If it is not well formed (``deletion-record``), is of another party, or a signature
        does not verify.
    """
    envelope = read_envelope(content, DELETION_TYPE)
    if envelope is None:
        raise _malformed()
    payload = envelope.content
    verify(party, DELETION_TYPE, payload, envelope.signatures, what=_WHAT)
    try:
        record = msgspec.json.decode(payload, type=DeletionRecord)
        clock.from_text(record.time)
    except (msgspec.DecodeError, ValueError, RecursionError):
        record = None
    if record is None or record.party != party.name or msgspec.json.encode(record) != payload:
        raise _malformed()
    return record


def _malformed() -> AuthenticationError:
    return AuthenticationError(
        f"{_WHAT}: is not as it was signed",
        code="deletion-record",
        hint="ask the party for the record that it wrote",
    )


def read_record(path: Path, party: Party) -> DeletionRecord:
    """Read a record from a file; as `record_from`."""
    return record_from(read_bytes(path, what=_WHAT, limit=MAX_RECORD_BYTES), party)
