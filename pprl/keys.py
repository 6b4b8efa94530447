"""
The linkage secret, and everything that is derived from it.

The secret is 32 random bytes that the custodians share and the linkage unit never
sees.  Each use has a key of its own, derived by HKDF-SHA-256 (RFC 5869) from the
secret, the project, the epoch and the *names* of the pass and the field.  So the order
of columns changes nothing, and one secret in two projects gives encodings that cannot
be joined.
"""

import hashlib
import hmac
import os
import string
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pprl.errors import DataError, ResourceError, UsageError, VersionError
from pprl.files import refuse_existing, write_bytes
from pprl.hidden import Hidden
from pprl.private import read_private, refuse_private_place

KEY_BYTES: Final = 32
BLOCK_BYTES: Final = 16  # of AES
MAGIC: Final = "pprl-linkage-key"  # with which a key file begins
_VERSION: Final = "1"
_MAX_FILE_BYTES: Final = 4096
_LEAST_DIFFERENT: Final = 8  # of 32 random bytes fewer are different once in 10^30 keys
_WHAT: Final = "linkage key file"
_NOT_A_FILE: Final = (
    "the option takes the name of a file, never the secret itself; make one with `pprl key new`"
)


class _Secret(Hidden):
    """Thirty-two bytes that cannot be printed, pickled or copied to text."""

    __slots__ = ("_material",)

    def __init__(self, material: bytes) -> None:
        if not isinstance(material, bytes) or len(material) != KEY_BYTES:
            raise UsageError(f"{type(self).__name__}: wanted {KEY_BYTES} bytes", code="key")
        self._material = material

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and hmac.compare_digest(self._material, other._material)

    __hash__ = None  # type: ignore[assignment]  # a secret is no dictionary key


class Subkey(_Secret):
    """A key for one purpose, such as one field in one pass."""

    __slots__ = ()

    def mac(self, message: bytes) -> bytes:
        """Give HMAC-SHA-256 of a message, 32 bytes."""
        return hmac.digest(self._material, message, "sha256")

    def stream(self, message: bytes, n_bytes: int) -> bytes:
        """Give a pseudo-random stream bound to a message: HMAC-SHA-256 in counter mode.

        Block ``i`` is the HMAC of ``i`` as four big-endian bytes and the message, so a
        longer stream begins with a shorter one.
        """
        material = self._material
        n_blocks = -(-n_bytes // 32)
        blocks = [hmac.digest(material, i.to_bytes(4, "big") + message, "sha256") for i in range(n_blocks)]
        return b"".join(blocks)[:n_bytes]

    def prf_blocks(self, blocks: bytes) -> bytes:
        """Give AES-256 of many 16-byte messages, each by itself: a fast pseudo-random function.

        On messages of one block, AES is a pseudo-random permutation; it is told from a random
        function only by never giving one answer twice, with a chance below q^2 / 2^129 for q
        distinct messages (Bellare & Rogaway 2006).  So q must stay far below 2^64, as it does
        for records of people.  Equal messages give equal answers, which is what is wanted
        here.  A key serves this or `mac` and `stream`, never both.

        Parameters
        ----------
        blocks : bytes
            Messages of 16 bytes, one after another.

        Raises
        ------
        UsageError
            If the last message is not whole.
        """
        if len(blocks) % BLOCK_BYTES:
            raise UsageError(f"{type(self).__name__}: wanted blocks of {BLOCK_BYTES} bytes", code="key")
        # ECB is nothing but AES on each block; nothing is enciphered here, and nothing deciphered.
        encryptor = Cipher(algorithms.AES256(self._material), modes.ECB()).encryptor()  # noqa: S305 - as above
        return encryptor.update(blocks) + encryptor.finalize()


class ProjectKey(_Secret):
    """The linkage secret bound to one project and epoch."""

    __slots__ = ()

    def derive(self, *label: str) -> Subkey:
        """Derive the key of one purpose.

        Parameters
        ----------
        *label : str
            The purpose and its parts, such as ``"field", pass_name, field_name``.  Parts
            are length-prefixed, so ``("a", "bc")`` and ``("ab", "c")`` differ.
        """
        return Subkey(_hkdf(self._material, salt=b"", info=length_prefixed("pprl derived key", *label)))


class LinkageKey(_Secret):
    """The secret that the custodians of a project share.

    Parameters
    ----------
    material : bytes
        32 bytes from a secure source.  Use `generate` or `load` instead.

    Examples
    --------
    >>> key = LinkageKey.generate()
    >>> key
    LinkageKey(...)
    >>> key.for_project("study", epoch=1).derive("field", "all", "surname")
    Subkey(...)
    """

    __slots__ = ()

    @classmethod
    def generate(cls) -> "LinkageKey":
        """Draw a new secret from the operating system.

        Raises
        ------
        ResourceError
            If the system has no randomness to give.  There is no fallback.
        """
        return cls(random_bytes(KEY_BYTES))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "LinkageKey":
        """Read a key file.

        Raises
        ------
        UsageError
            If there is no such file.  The message does not repeat the name, which may be
            a secret given by mistake.
        PolicyError
            If others may read the file, if it is a link, or if it lies in a git work tree or
            in a synced folder.
        DataError
            If it is not a key file.
        """
        place = Path(path)
        _require_file(place)
        return cls(_parse(read_private(place, what=_WHAT, code="key", limit=_MAX_FILE_BYTES)))

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write a key file that only its owner can read.

        Raises
        ------
        PolicyError
            If the folder lies in a git work tree or is synced.
        UsageError
            If the name is taken and `force` is false.
        """
        place = Path(path)
        refuse_existing(place, force=force)
        refuse_private_place(place, what=_WHAT)
        write_bytes(place, f"{MAGIC} {_VERSION}\n{self._material.hex()}\n".encode("ascii"), force=force)

    def for_project(self, project: str, *, epoch: int) -> ProjectKey:
        """Bind the secret to a project and an epoch.

        Parameters
        ----------
        project : str
            What tells projects apart: the agreement's project fingerprint.
        epoch : int
            The agreement's epoch.
        """
        salt = hashlib.sha256(length_prefixed("pprl project", project, str(epoch))).digest()
        return ProjectKey(_hkdf(self._material, salt=salt, info=length_prefixed("pprl project key")))


def random_bytes(n_bytes: int) -> bytes:
    """Draw bytes from the operating system, or raise `ResourceError`."""
    try:
        return os.urandom(n_bytes)
    except (OSError, NotImplementedError):
        raise ResourceError("the operating system gives no random bytes", code="no-randomness") from None


def _hkdf(material: bytes, *, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt or None, info=info).derive(material)


def length_prefixed(*parts: str) -> bytes:
    """Join texts so that no two lists of texts give the same bytes.

    Each is written in UTF-8 after its length in bytes as four big-endian bytes.

    Examples
    --------
    >>> length_prefixed("a", "bc") == length_prefixed("ab", "c")
    False
    """
    encoded = [part.encode("utf-8") for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _require_file(path: Path) -> None:
    """Raise if there is nothing; the error does not keep the name, which may be a secret."""
    try:
        path.lstat()
        found, allowed = True, True
    except PermissionError:
        found, allowed = True, False
    except (OSError, ValueError):
        found, allowed = False, True
    if not allowed:
        raise ResourceError(f"{_WHAT}: no permission to read it", code="no-permission")
    if not found:
        raise UsageError(f"{_WHAT}: does not exist", code="no-key-file", hint=_NOT_A_FILE)


def _parse(content: bytes) -> bytes:
    lines = content.decode("ascii", errors="replace").splitlines()
    words = lines[0].split() if lines else []
    if len(words) != 2 or words[0] != MAGIC:
        raise DataError(
            f"{_WHAT}: is not a linkage key", code="key-file", hint="make one with `pprl key new`"
        )
    if words[1] != _VERSION:
        raise VersionError(f"{_WHAT}: of a version that this software cannot read", code="key-file")
    digits = lines[1].strip() if len(lines) == 2 else ""
    if len(digits) != 2 * KEY_BYTES or not set(digits) <= set(string.hexdigits):
        raise DataError(
            f"{_WHAT}: damaged: wanted {2 * KEY_BYTES} hexadecimal digits on line 2", code="key-file"
        )
    material = bytes.fromhex(digits)
    if len(set(material)) < _LEAST_DIFFERENT:
        raise DataError(
            f"{_WHAT}: does not hold a random key", code="key-file", hint="make one with `pprl key new`"
        )
    return material
