"""
X25519 recipients, ``age1...``: what age files are mostly sealed to today.

Kept for test vectors and for exchange with other tools.  Sealed packages use the
post-quantum recipients, since what is recorded today may be decrypted later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from pprl.errors import DataError
from pprl.exchange.age import bech32
from pprl.exchange.age.header import Stanza, encode_base64, refusal
from pprl.exchange.age.wrapping import derive, read_argument, require_shape, unwrap_key, wrap_key
from pprl.hidden import Hidden
from pprl.keys import random_bytes

KEY_BYTES: Final = 32
_KIND: Final = "X25519"
_INFO: Final = b"age-encryption.org/v1/X25519"
_RECIPIENT: Final = "age"
_IDENTITY: Final = "AGE-SECRET-KEY-"


def shared_secret(private: X25519PrivateKey, public: bytes) -> bytes | None:
    """Give the shared secret, or None for a point of small order, whose secret everybody knows."""
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        return None


@dataclass(frozen=True)
class X25519Recipient:
    """An X25519 public key.

    Parameters
    ----------
    raw : bytes
        32 bytes.  Use `parse` for its text.

    Raises
    ------
    DataError
        If it is of another length, or a point of small order.

    Examples
    --------
    >>> recipient = X25519Identity.generate().recipient
    >>> X25519Recipient.parse(str(recipient)) == recipient
    True
    """

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != KEY_BYTES or shared_secret(X25519PrivateKey.generate(), self.raw) is None:
            raise DataError("age recipient: is not a usable public key", code="age-recipient")

    @classmethod
    def parse(cls, text: str) -> "X25519Recipient":
        """Read ``age1...``."""
        return cls(
            bech32.decode(
                text, prefix=_RECIPIENT, n_bytes=KEY_BYTES, what="age recipient", code="age-recipient"
            )
        )

    def __str__(self) -> str:
        return bech32.encode(_RECIPIENT, self.raw)

    def labels(self) -> frozenset[str]:
        """Give no labels."""
        return frozenset()

    def wrap(self, file_key: bytes) -> Stanza:
        """Wrap a file key under a secret shared with a key that is made for this file."""
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        secret = ephemeral.exchange(X25519PublicKey.from_public_bytes(self.raw))
        wrapping_key = derive(secret, salt=share + self.raw, info=_INFO)
        return Stanza((_KIND, encode_base64(share).decode("ascii")), wrap_key(wrapping_key, file_key))


class X25519Identity(Hidden):
    """An X25519 private key.

    Parameters
    ----------
    raw : bytes
        32 bytes from a secure source.  Use `generate` or `parse` instead.

    Examples
    --------
    >>> X25519Identity.generate()
    X25519Identity(...)
    """

    __slots__ = ("_private",)

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_BYTES:
            raise DataError("age identity: is of another length", code="age-identity")
        self._private = X25519PrivateKey.from_private_bytes(raw)

    @classmethod
    def generate(cls) -> "X25519Identity":
        """Draw a new identity from the operating system."""
        return cls(random_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> "X25519Identity":
        """Read ``AGE-SECRET-KEY-1...``."""
        return cls(
            bech32.decode(text, prefix=_IDENTITY, n_bytes=KEY_BYTES, what="age identity", code="age-identity")
        )

    def to_text(self) -> str:
        """Write ``AGE-SECRET-KEY-1...``.  It is a secret."""
        return bech32.encode(_IDENTITY.lower(), self._private.private_bytes_raw()).upper()

    @property
    def recipient(self) -> X25519Recipient:
        """Give the public half."""
        return X25519Recipient(self._private.public_key().public_bytes_raw())

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """Unwrap the file key from the stanza that is for this identity; None if none is."""
        found = (self._unwrap_one(stanza) for stanza in stanzas if stanza.kind == _KIND)
        return next((file_key for file_key in found if file_key is not None), None)

    def _unwrap_one(self, stanza: Stanza) -> bytes | None:
        require_shape(stanza, n_arguments=2)
        share = read_argument(stanza.arguments[1], n_bytes=KEY_BYTES)
        secret = shared_secret(self._private, share)
        if secret is None:
            raise refusal("age-header", "a stanza of its header has a key of small order")
        return unwrap_key(derive(secret, salt=share + self.recipient.raw, info=_INFO), stanza.body)
