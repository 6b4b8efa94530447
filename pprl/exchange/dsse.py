"""
Signed texts in the form of DSSE: a type, a text in base64, and signatures over both.

An envelope has one spelling only: whatever is read must come out the same when it is written
again.  What the text says, and whose signatures they are, others check.
"""

import base64
import binascii
from typing import Annotated

import msgspec

from pprl.exchange.signing import Signature


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="camel"):
    """A text with its type and signatures over both; the text is in base64."""

    payload_type: str
    payload: str
    signatures: Annotated[tuple[Signature, ...], msgspec.Meta(max_length=8)]

    def to_bytes(self) -> bytes:
        """Give the one text of this envelope."""
        return msgspec.json.encode(self, order="sorted")

    @property
    def content(self) -> bytes:
        """The bytes that are signed, besides their type."""
        return base64.b64decode(self.payload, validate=True)


def enveloped(payload_type: str, content: bytes, signatures: tuple[Signature, ...]) -> bytes:
    """Write a text with its signatures."""
    text = base64.b64encode(content).decode("ascii")
    return Envelope(payload_type=payload_type, payload=text, signatures=signatures).to_bytes()


def read_envelope(content: bytes, payload_type: str) -> Envelope | None:
    """Read an envelope; None for any that this software would not have written so.

    Parameters
    ----------
    content : bytes
        What `enveloped` gave.
    payload_type : str
        What it must be.

    Examples
    --------
    >>> read_envelope(enveloped("text/plain", b"as agreed", ()), "text/plain").content
    b'as agreed'
    >>> read_envelope(enveloped("text/plain", b"as agreed", ()), "text/html") is None
    True
    """
    try:
        envelope = msgspec.json.decode(content, type=Envelope)
        again = enveloped(payload_type, envelope.content, envelope.signatures)
    except (msgspec.DecodeError, binascii.Error, RecursionError, ValueError):
        return None
    return envelope if again == content else None
