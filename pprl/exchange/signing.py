"""
Signatures: two of them over the same bytes, and both must verify.

One is by Ed25519 (RFC 8032), which is well understood; the other by ML-DSA-65 (FIPS 204),
which a quantum computer does not break.  What is signed is a type and a payload, so that
no signature can be taken for one over something else: the pre-authentication encoding of
DSSE, version 1 (https://github.com/secure-systems-lab/dsse).
"""

import base64
import contextlib
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Final, Literal

import msgspec

from pprl.errors import AuthenticationError, VersionError
from pprl.exchange.parties import ED25519_BYTES, ML_DSA_BYTES, Party, bytes_of

Algorithm = Literal["ed25519", "ml-dsa-65"]
SIGNATURE_BYTES: Final[Mapping[Algorithm, int]] = {"ed25519": 64, "ml-dsa-65": 3309}


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One signature.

    Parameters
    ----------
    algorithm : {"ed25519", "ml-dsa-65"}
        How it was made.
    value : str
        The signature in base64.
    """

    algorithm: Algorithm
    value: str

    @classmethod
    def of(cls, algorithm: Algorithm, value: bytes) -> "Signature":
        """Write a signature as text."""
        return cls(algorithm=algorithm, value=base64.b64encode(value).decode("ascii"))


def pae(payload_type: str, payload: bytes) -> bytes:
    """Give the bytes that are signed: the pre-authentication encoding of DSSE, version 1.

    Parameters
    ----------
    payload_type : str
        What the payload is, such as ``"application/vnd.pprl.agreement+json"``.
    payload : bytes
        What is signed.

    Examples
    --------
    >>> pae("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def verify(
    party: Party, payload_type: str, payload: bytes, signatures: Sequence[Signature], *, what: str
) -> None:
    """Raise unless a party signed a payload, by both algorithms.

    Parameters
    ----------
    party : Party
        Who is said to have signed, with keys from the agreement.
    payload_type : str
        What the payload is said to be.
    payload : bytes
        What is said to be signed.
    signatures : sequence of Signature
        One of each algorithm, in any order.
    what : str
        What to call it in messages, such as ``"agreement"``.

    Raises
    ------
    AuthenticationError
        If there is not one signature of each algorithm (code ``signature-missing``), or one of
        them does not verify (``signature-ed25519``, ``signature-ml-dsa-65``).
    VersionError
        If this machine's cryptography does not have ML-DSA.

    Examples
    --------
    >>> from pprl.exchange.identities import Identity
    >>> trust = Identity.generate("trust", "custodian")
    >>> verify(trust.party, "text/plain", b"said", trust.sign("text/plain", b"said"), what="letter")
    """
    if sorted(one.algorithm for one in signatures) != sorted(_VERIFIERS):
        raise AuthenticationError(
            f"{what}: wanted one signature of {party.name} by each of {' and '.join(_VERIFIERS)}",
            code="signature-missing",
        )
    message = pae(payload_type, payload)
    values = {one.algorithm: one.value for one in signatures}
    for algorithm, holds in _VERIFIERS.items():
        value = bytes_of(values[algorithm], SIGNATURE_BYTES[algorithm])
        if value is None or not holds(party, value, message):
            raise AuthenticationError(
                f"{what}: the {algorithm} signature is not of {party.name} over this",
                code=f"signature-{algorithm}",
                hint="it was altered, or made with other keys than the agreement lists",
            )


@contextlib.contextmanager
def needs_ml_dsa() -> Generator[None]:
    """Say so where this machine's cryptography does not have ML-DSA.

    Raises
    ------
    VersionError
        If what is done inside finds that it is missing.
    """
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        yield
    except (ImportError, UnsupportedAlgorithm):
        raise VersionError(
            "the library cryptography on this machine does not have ML-DSA",
            code="no-ml-dsa",
            hint="pip install 'cryptography>=48', and see `pprl doctor`",
        ) from None


def _ed25519_holds(party: Party, value: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public = Ed25519PublicKey.from_public_bytes(bytes_of(party.ed25519, ED25519_BYTES) or b"")
    with contextlib.suppress(InvalidSignature):
        public.verify(value, message)
        return True
    return False


def _ml_dsa_holds(party: Party, value: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    with needs_ml_dsa(), contextlib.suppress(InvalidSignature):
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

        public = MLDSA65PublicKey.from_public_bytes(bytes_of(party.mldsa65, ML_DSA_BYTES) or b"")
        public.verify(value, message)
        return True
    return False


_VERIFIERS: Mapping[Algorithm, Callable[[Party, bytes, bytes], bool]] = {
    "ed25519": _ed25519_holds,
    "ml-dsa-65": _ml_dsa_holds,
}
