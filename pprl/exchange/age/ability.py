"""
Whether this machine can do it: a round trip, since a version number proves nothing.
"""

import hashlib
import io
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from pprl.errors import AuthenticationError, PprlError
from pprl.exchange.age.files import decrypt_stream, encrypt_stream
from pprl.exchange.age.postquantum import PqIdentity, no_post_quantum

# Of the recipient of the seed of 32 zero bytes; any other answer means other keys than elsewhere.
_KNOWN_RECIPIENT: Final = "3bb0b003f553f49f38bab31546b7f4fdd323c74cbf4aaf97d9703ede4e83eff7"
_CONTENT: Final = b"as agreed"


def able() -> None:
    """Check that this machine can seal and sign as packages are: ``age1pq`` and ML-DSA-65.

    It seals, opens, signs and verifies; it sees that what was altered is refused; and it
    derives a key whose answer is known.

    Raises
    ------
    VersionError
        ``no-post-quantum`` if any of it does not work.

    Examples
    --------
    >>> able()
    """
    try:
        works = _derives() and _seals() and _signs()
    except (ImportError, AttributeError, ValueError, InvalidSignature, UnsupportedAlgorithm, PprlError):
        works = False
    if not works:
        raise no_post_quantum()


def _derives() -> bool:
    return hashlib.sha256(PqIdentity(bytes(32)).recipient.raw).hexdigest() == _KNOWN_RECIPIENT


def _seals() -> bool:
    identity, sealed = PqIdentity.generate(), io.BytesIO()
    with encrypt_stream(sealed, [identity.recipient]) as stream:
        stream.write(_CONTENT)
    whole = sealed.getvalue()
    opened = decrypt_stream(io.BytesIO(whole), [identity]).read()
    try:
        decrypt_stream(io.BytesIO(whole[:-1] + bytes([whole[-1] ^ 1])), [identity]).read()
    except AuthenticationError:
        return opened == _CONTENT
    return False


def _signs() -> bool:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

    private = MLDSA65PrivateKey.generate()
    signature = private.sign(_CONTENT)
    private.public_key().verify(signature, _CONTENT)
    try:
        private.public_key().verify(signature, _CONTENT[1:])
    except InvalidSignature:
        return True
    return False
