"""
Hashing: from a token and the keys of its feature to places in a filter.

A hasher lives for one call of `encode` and remembers the tokens it has seen, so a token is
hashed once, and none is kept.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Protocol

import msgspec
import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pprl.errors import ResourceError

Places = npt.NDArray[np.int64]  # (n,): bit numbers in a filter
Counts = npt.NDArray[np.int64]  # (n,): how many places a token has
KeyPair = tuple[bytes, bytes]  # the keys of one feature
KdfHash = Literal["SHA256", "SHA512"]
# A bound on what a schema, which comes from somebody else, can make this machine do.
MAX_INSERTIONS = 1 << 14
Insertions = Annotated[int, msgspec.Meta(ge=1, le=MAX_INSERTIONS)]

BLAKE_KEY_BYTES = 64
_BLAKE_BYTES = 64
_PLACE_BYTES = 2
_MAX_KNOWN = 1 << 17
_DIGEST_BYTES = {"SHA256": 32, "SHA512": 64}
_HASHES = {"SHA256": SHA256, "SHA512": SHA512}


class Hasher(Protocol):
    """Places of tokens, for one feature."""

    def places(self, tokens: Sequence[bytes], ks: Counts) -> Places:
        """Give the first `k` places of each token, one after another; they may repeat."""


class BlakeHash(msgspec.Struct, tag="blakeHash", frozen=True, kw_only=True):
    """Independent places, cut from keyed BLAKE2b digests."""

    prevent_singularity: object = None

    def __post_init__(self) -> None:
        if self.prevent_singularity is not None:
            raise ValueError("`prevent_singularity` goes with doubleHash only")

    def hasher(self, keys: KeyPair, n_bits: int) -> Hasher:
        """Make the hasher of one feature, which uses its first key only."""
        return _BlakeHasher(keys[0], n_bits)


class DoubleHash(msgspec.Struct, tag="doubleHash", frozen=True, kw_only=True):
    """An arithmetic progression of places, from HMAC-SHA-1 and HMAC-MD5."""

    prevent_singularity: bool = False

    def hasher(self, keys: KeyPair, n_bits: int) -> Hasher:
        """Make the hasher of one feature.

        Raises
        ------
        ResourceError
            If this machine does not offer MD5 and SHA-1.
        """
        available = True
        try:
            hmac.digest(b"key", b"", "md5"), hmac.digest(b"key", b"", "sha1")
        except ValueError:
            available = False
        if not available:
            raise ResourceError(
                "clkhash: double hashing needs MD5 and SHA-1, which this machine forbids",
                code="no-md5",
                hint="agree on a schema with blakeHash",
            )
        return _DoubleHasher(keys, n_bits, prevent_singularity=self.prevent_singularity)


Hash = BlakeHash | DoubleHash


class Strategy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How often tokens are inserted: each the same, or a sum for the feature."""

    closed: ClassVar[bool] = True

    bits_per_token: Insertions | None = None
    bits_per_feature: Insertions | None = None

    def __post_init__(self) -> None:
        if (self.bits_per_token is None) == (self.bits_per_feature is None):
            raise ValueError("wanted one of `bitsPerToken` and `bitsPerFeature`")

    def insertions(self, n_tokens: int) -> Sequence[int]:
        """Give the insertions of each of `n_tokens` tokens; the first ones get what is left over."""
        if self.bits_per_token is not None or not n_tokens:
            return (self.bits_per_token or 0,) * n_tokens
        each, more = divmod(self.bits_per_feature or 0, n_tokens)
        return (each + 1,) * more + (each,) * (n_tokens - more)


class Kdf(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How keys are derived from the secret."""

    type: Literal["HKDF"]
    hash: KdfHash = "SHA256"
    salt: str | None = None
    info: str | None = None
    key_size: Annotated[int, msgspec.Meta(ge=1)] = 64

    def max_features(self) -> int:
        """Give the number of features that HKDF has keys for."""
        return 255 * _DIGEST_BYTES[self.hash] // (2 * self.key_size)


def derive_keys(secret: bytes, *, hash_name: KdfHash, salt: bytes, info: bytes, n_bytes: int) -> bytes:
    """Derive keys by HKDF (RFC 5869) with SHA-256 or SHA-512.

    Parameters
    ----------
    secret : bytes
        The keying material.
    hash_name : {"SHA256", "SHA512"}
        The hash of the HMACs.
    salt, info : bytes
        As in the RFC; an empty salt is a salt of zeros.
    n_bytes : int
        Bytes wanted, at most 255 digests.
    """
    hkdf = HKDF(algorithm=_HASHES[hash_name](), length=n_bytes, salt=salt or None, info=info)
    return hkdf.derive(secret)


class _BlakeHasher:
    def __init__(self, key: bytes, n_bits: int) -> None:
        self._key = key
        self._n_bits = n_bits
        self._streams: dict[bytes, bytes] = {}

    def places(self, tokens: Sequence[bytes], ks: Counts) -> Places:
        _keep_small(self._streams)
        pieces = [
            self._stream(token, _PLACE_BYTES * k)[: _PLACE_BYTES * k]
            for token, k in zip(tokens, ks.tolist(), strict=True)
        ]
        places: Places = np.frombuffer(b"".join(pieces), dtype="<u2").astype(np.int64) % self._n_bits
        return places

    def _stream(self, token: bytes, n_bytes: int) -> bytes:
        """Give at least so many bytes of the digests of a token; those made before are not made again."""
        stream = self._streams.get(token, b"")
        if len(stream) < n_bytes:
            numbers = range(len(stream) // _BLAKE_BYTES, -(-n_bytes // _BLAKE_BYTES))
            stream += b"".join(
                hashlib.blake2b(token, key=self._key, salt=str(i).encode()).digest() for i in numbers
            )
            self._streams[token] = stream
        return stream


class _DoubleHasher:
    def __init__(self, keys: KeyPair, n_bits: int, *, prevent_singularity: bool) -> None:
        self._keys = keys
        self._n_bits = n_bits
        self._prevent_singularity = prevent_singularity
        self._progressions: dict[bytes, tuple[int, int]] = {}

    def places(self, tokens: Sequence[bytes], ks: Counts) -> Places:
        _keep_small(self._progressions)
        known = np.array([self._progression(token) for token in tokens], dtype=np.int64).reshape(-1, 2)
        starts, steps = np.repeat(known[:, 0], ks), np.repeat(known[:, 1], ks)
        return (starts + steps * counters(ks)) % self._n_bits

    def _progression(self, token: bytes) -> tuple[int, int]:
        known = self._progressions.get(token)
        if known is None:
            known = self._residue(0, token, "sha1"), self._step(token)
            self._progressions[token] = known
        return known

    def _step(self, token: bytes) -> int:
        step = self._residue(1, token, "md5")
        attempt = 0
        # A step of zero would put all k insertions into one place.
        while self._prevent_singularity and step == 0:
            step = self._residue(1, token + chr(attempt).encode(), "md5")
            attempt += 1
        return step

    def _residue(self, which: int, message: bytes, name: str) -> int:
        return int.from_bytes(hmac.digest(self._keys[which], message, name), "big") % self._n_bits


def counters(lengths: Counts) -> Places:
    """Count from 0 in each of several runs.

    Examples
    --------
    >>> counters(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    starts = np.cumsum(lengths) - lengths
    counted: Places = np.arange(int(lengths.sum()), dtype=np.int64) - np.repeat(starts, lengths)
    return counted


def _keep_small(known: dict[bytes, Any]) -> None:
    # n-grams are few; exact values are as many as records, and would fill the memory.
    if len(known) > _MAX_KNOWN:
        known.clear()
