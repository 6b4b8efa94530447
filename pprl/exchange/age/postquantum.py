"""
Post-quantum recipients, ``age1pq...``: ML-KEM-768 and X25519 together.

The file key is sealed by HPKE (RFC 9180) with the hybrid KEM MLKEM768-X25519, also
called X-Wing.  Who wants to open it must break both halves: the old one, which has been
studied for long, and the new one, which no quantum computer is known to break.
"""

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from pprl.errors import DataError, VersionError
from pprl.exchange.age import bech32
from pprl.exchange.age.header import Stanza, encode_base64, refusal
from pprl.exchange.age.wrapping import read_argument, require_shape
from pprl.exchange.age.x25519 import shared_secret
from pprl.hidden import Hidden
from pprl.keys import random_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey, Suite

SEED_BYTES: Final = 32
RECIPIENT_BYTES: Final = 1216
_MLKEM_SEED_BYTES: Final = 64
_MLKEM_PUBLIC_BYTES: Final = 1184
_MLKEM_CIPHERTEXT_BYTES: Final = 1088
_ENCAPSULATED_BYTES: Final = 1120
_KIND: Final = "mlkem768x25519"
_INFO: Final = b"age-encryption.org/mlkem768x25519"
_RECIPIENT: Final = "age1pq"
_IDENTITY: Final = "AGE-SECRET-KEY-PQ-"
_LABEL: Final = "postquantum"


def no_post_quantum() -> VersionError:
    """Make the error for a machine that cannot do it."""
    return VersionError(
        "this machine's cryptography library has no ML-KEM-768, HPKE or ML-DSA-65 that works",
        code="no-post-quantum",
        hint="pip install 'cryptography>=48', from a wheel, and run `pprl doctor`",
    )


@dataclass(frozen=True)
class PqRecipient:
    """A post-quantum public key.

    Parameters
    ----------
    raw : bytes
        1,216 bytes: ML-KEM-768, then X25519.  Use `parse` for its text.

    Raises
    ------
    DataError
        If it is of another length, not an ML-KEM key, or its X25519 half is of small order.

    Examples
    --------
    >>> recipient = PqIdentity.generate().recipient
    >>> str(recipient)[:7]
    'age1pq1'
    >>> PqRecipient.parse(str(recipient)) == recipient
    True
    """

    raw: bytes

    def __post_init__(self) -> None:
        small_order = shared_secret(X25519PrivateKey.generate(), self.raw[_MLKEM_PUBLIC_BYTES:]) is None
        if len(self.raw) != RECIPIENT_BYTES or small_order or _public_key(self.raw) is None:
            raise DataError("age recipient: is not a usable public key", code="age-recipient")

    @classmethod
    def parse(cls, text: str) -> "PqRecipient":
        """Read ``age1pq1...``."""
        return cls(
            bech32.decode(
                text, prefix=_RECIPIENT, n_bytes=RECIPIENT_BYTES, what="age recipient", code="age-recipient"
            )
        )

    def __str__(self) -> str:
        return bech32.encode(_RECIPIENT, self.raw)

    def __repr__(self) -> str:
        return f"PqRecipient({str(self)[:20]}...)"

    def labels(self) -> frozenset[str]:
        """Give the label that keeps recipients who are not post-quantum from the same file."""
        return frozenset({_LABEL})

    def wrap(self, file_key: bytes) -> Stanza:
        """Seal a file key by HPKE in base mode."""
        public = _public_key(self.raw)
        if public is None:
            raise no_post_quantum()
        sealed = _suite().encrypt(file_key, public, info=_INFO)
        share, body = sealed[:_ENCAPSULATED_BYTES], sealed[_ENCAPSULATED_BYTES:]
        return Stanza((_KIND, encode_base64(share).decode("ascii")), body)


class PqIdentity(Hidden):
    """A post-quantum private key.

    Parameters
    ----------
    seed : bytes
        32 bytes from a secure source.  Use `generate` or `parse` instead.

    Examples
    --------
    >>> PqIdentity.generate()
    PqIdentity(...)
    """

    __slots__ = ("_seed",)

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise DataError("age identity: is of another length", code="age-identity")
        self._seed = seed

    @classmethod
    def generate(cls) -> "PqIdentity":
        """Draw a new identity from the operating system."""
        return cls(random_bytes(SEED_BYTES))

    @classmethod
    def parse(cls, text: str) -> "PqIdentity":
        """Read ``AGE-SECRET-KEY-PQ-1...``."""
        return cls(
            bech32.decode(
                text, prefix=_IDENTITY, n_bytes=SEED_BYTES, what="age identity", code="age-identity"
            )
        )

    def to_text(self) -> str:
        """Write ``AGE-SECRET-KEY-PQ-1...``.  It is a secret."""
        return bech32.encode(_IDENTITY.lower(), self._seed).upper()

    @property
    def recipient(self) -> PqRecipient:
        """Give the public half."""
        mlkem, x25519 = _private_keys(self._seed)
        return PqRecipient(mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw())

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """Open the file key in the stanza that is for this identity; None if none is."""
        found = (self._unwrap_one(stanza) for stanza in stanzas if stanza.kind == _KIND)
        return next((file_key for file_key in found if file_key is not None), None)

    def _unwrap_one(self, stanza: Stanza) -> bytes | None:
        from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

        require_shape(stanza, n_arguments=2)
        share = read_argument(stanza.arguments[1], n_bytes=_ENCAPSULATED_BYTES)
        mlkem, x25519 = _private_keys(self._seed)
        if shared_secret(x25519, share[_MLKEM_CIPHERTEXT_BYTES:]) is None:
            raise refusal("age-header", "a stanza of its header has a key of small order")
        try:
            return _suite().decrypt(share + stanza.body, MLKEM768X25519PrivateKey(mlkem, x25519), info=_INFO)
        except InvalidTag:
            return None


@functools.cache
def _suite() -> "Suite":
    try:
        from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

        return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    except (ImportError, AttributeError, UnsupportedAlgorithm):
        raise no_post_quantum() from None


def _private_keys(seed: bytes) -> tuple["MLKEM768PrivateKey", X25519PrivateKey]:
    """Expand a seed into the private keys of both halves, as X-Wing does."""
    expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED_BYTES + 32)
    try:
        from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

        mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES])
    except (ImportError, UnsupportedAlgorithm):
        raise no_post_quantum() from None
    return mlkem, X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:])


def _public_key(raw: bytes) -> "MLKEM768X25519PublicKey | None":
    """Give a public key, or None if the bytes are not one."""
    try:
        from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
        from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey

        mlkem = MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC_BYTES])
        x25519 = X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC_BYTES:])
        return MLKEM768X25519PublicKey(mlkem, x25519)
    except ValueError:
        return None
    except (ImportError, UnsupportedAlgorithm):
        raise no_post_quantum() from None
