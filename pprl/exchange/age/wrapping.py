"""
How a file key is wrapped, and what recipients and identities have in common.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pprl.exchange.age.header import Stanza, decode_base64, refusal

FILE_KEY_BYTES: Final = 16
_BODY_BYTES: Final = FILE_KEY_BYTES + 16
_NONCE: Final = bytes(12)  # each wrapping key is used once


class Recipient(Protocol):
    """Whom a file is sealed to."""

    def labels(self) -> frozenset[str]:
        """Give what all recipients of one file must have in common."""
        ...

    def wrap(self, file_key: bytes) -> Stanza:
        """Wrap a file key of 16 bytes, so that only this recipient's identity unwraps it."""
        ...


class Opener(Protocol):
    """What opens a file."""

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """Unwrap the file key from the stanza that is for this identity; None if none is."""
        ...


def derive(material: bytes, *, salt: bytes, info: bytes) -> bytes:
    """Derive 32 bytes by HKDF-SHA-256 (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=salt or None, info=info).derive(material)


def wrap_key(wrapping_key: bytes, file_key: bytes) -> bytes:
    """Encrypt a file key under a key that is used for nothing else."""
    return ChaCha20Poly1305(wrapping_key).encrypt(_NONCE, file_key, None)


def unwrap_key(wrapping_key: bytes, body: bytes) -> bytes | None:
    """Decrypt a file key; None if it was encrypted under another key."""
    try:
        return ChaCha20Poly1305(wrapping_key).decrypt(_NONCE, body, None)
    except InvalidTag:
        return None


def require_shape(stanza: Stanza, *, n_arguments: int) -> None:
    """Raise unless a stanza has as many arguments and as long a body as its kind has.

    The length is looked at before anything is decrypted.  A body of another length could
    be made so that several keys open it.
    """
    if len(stanza.arguments) != n_arguments or len(stanza.body) != _BODY_BYTES:
        raise refusal("age-header", "a stanza of its header has another form than its kind has")


def read_argument(text: str, *, n_bytes: int) -> bytes:
    """Read an argument of a stanza that is base64 of so many bytes."""
    content = decode_base64(text.encode("ascii"))
    if len(content) != n_bytes:
        raise refusal("age-header", "a stanza of its header has an argument of another length")
    return content
