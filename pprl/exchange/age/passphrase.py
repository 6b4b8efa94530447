"""
Passphrases, stretched by scrypt (RFC 7914), so that each guess costs time and memory.
"""

import re
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from pprl.errors import ResourceError, UsageError
from pprl.exchange.age.header import Stanza, encode_base64, refusal
from pprl.exchange.age.wrapping import read_argument, require_shape, unwrap_key, wrap_key
from pprl.hidden import Hidden
from pprl.keys import random_bytes

KIND: Final = "scrypt"
MAX_WORK_FACTOR: Final = 20  # a gibibyte, and some seconds
_INFO: Final = b"age-encryption.org/v1/scrypt"
_SALT_BYTES: Final = 16
_WORK_FACTOR: Final = re.compile(r"[1-9][0-9]?")


class Passphrase(Hidden):
    """A passphrase: both recipient and identity, and never beside another recipient.

    Parameters
    ----------
    text : str
        The passphrase.
    work_factor : int
        The binary logarithm of scrypt's cost, 1 to 20.  At 18 a guess takes 256 MiB and
        about a second.  Files that ask for more than 20 are not opened.

    Raises
    ------
    UsageError
        If the text is empty or cannot be written as UTF-8, or the work factor is out of range.

    Examples
    --------
    >>> passphrase = Passphrase("lorem ipsum dolor", work_factor=4)
    >>> passphrase
    Passphrase(...)
    >>> passphrase.unwrap([passphrase.wrap(bytes(16))]) == bytes(16)
    True
    """

    __slots__ = ("_text", "_work_factor")

    def __init__(self, text: str, *, work_factor: int = 18) -> None:
        if not text or any("\ud800" <= character <= "\udfff" for character in text):
            raise UsageError("passphrase: is empty, or has characters that are none", code="passphrase")
        if not 1 <= work_factor <= MAX_WORK_FACTOR:
            raise UsageError(f"passphrase: wanted a work factor of 1 to {MAX_WORK_FACTOR}", code="passphrase")
        self._text = text.encode("utf-8")
        self._work_factor = work_factor

    def labels(self) -> frozenset[str]:
        """Give a label that no other recipient has, so that a passphrase stands alone."""
        return frozenset({random_bytes(16).hex()})

    def wrap(self, file_key: bytes) -> Stanza:
        """Wrap a file key under the stretched passphrase."""
        salt = random_bytes(_SALT_BYTES)
        arguments = (KIND, encode_base64(salt).decode("ascii"), str(self._work_factor))
        return Stanza(arguments, wrap_key(self._stretch(salt, self._work_factor), file_key))

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """Unwrap the file key; None if the passphrase is another, or there is none to give.

        Raises
        ------
        AuthenticationError
            ``age-header`` if the stanza is not as age writes it, or asks for too much work.
        """
        stanza = next((stanza for stanza in stanzas if stanza.kind == KIND), None)
        if stanza is None:
            return None
        require_shape(stanza, n_arguments=3)
        salt = read_argument(stanza.arguments[1], n_bytes=_SALT_BYTES)
        asked = stanza.arguments[2]
        if _WORK_FACTOR.fullmatch(asked) is None or int(asked) > MAX_WORK_FACTOR:
            raise refusal("age-header", f"its passphrase asks for more work than 2^{MAX_WORK_FACTOR}")
        return unwrap_key(self._stretch(salt, int(asked)), stanza.body)

    def _stretch(self, salt: bytes, work_factor: int) -> bytes:
        try:
            return Scrypt(salt=_INFO + salt, length=32, n=1 << work_factor, r=8, p=1).derive(self._text)
        except MemoryError:
            raise ResourceError(
                f"passphrase: checking it needs {1 << max(0, work_factor - 10)} MiB of memory", code="memory"
            ) from None
