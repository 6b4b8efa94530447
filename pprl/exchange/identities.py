"""
Identities: the private keys of one party.

Two keys sign and one opens what is sealed for the party.  They are drawn from the
operating system, and leave this machine in no form: other parties get the public half.
"""

import base64
import binascii
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pprl.errors import (
    AuthenticationError,
    DataError,
    PolicyError,
    PprlError,
    UsageError,
    VersionError,
)
from pprl.exchange.parties import Party, Role
from pprl.exchange.signing import Signature, needs_ml_dsa, pae
from pprl.files import refuse_existing, write_bytes
from pprl.hidden import Hidden
from pprl.keys import random_bytes
from pprl.private import read_private, refuse_private_place

if TYPE_CHECKING:
    from pprl.exchange.age import PqIdentity

SEED_BYTES: Final = 32
LEAST_PASSPHRASE: Final = 12  # characters
_MAGIC: Final = "pprl-identity"
_VERSION: Final = "1"
_SEALED: Final = "sealed"
_MAX_FILE_BYTES: Final = 16_384
_LINE: Final = 76  # characters of base64 in a line
_WHAT: Final = "identity"
_LABELS: Final = ("name", "role", "ed25519", "ml-dsa-65", "age")


class Identity(Hidden):
    """The private keys of one party; they cannot be printed, pickled or copied.

    Use `generate` or `load`.

    Parameters
    ----------
    name : str
        Name of the party.
    role : {"custodian", "linkage-unit", "research"}
        What it does in the project.
    ed25519 : bytes
        Seed of the first signing key, 32 bytes.
    ml_dsa : bytes
        Seed of the second signing key, 32 bytes.
    opener : PqIdentity
        What opens packages that are sealed for the party.

    Attributes
    ----------
    party : Party
        Its public half.
    opener : PqIdentity
        As given.

    Raises
    ------
    AgreementError
        If the name is not that of a party.
    VersionError
        If this machine's cryptography does not have ML-DSA.

    Examples
    --------
    >>> trust = Identity.generate("trust", "custodian")
    >>> trust
    Identity(...)
    >>> [one.algorithm for one in trust.sign("text/plain", b"said")]
    ['ed25519', 'ml-dsa-65']
    """

    __slots__ = ("_ed25519", "_ml_dsa", "opener", "party")

    _what = "private keys are"
    _hint = "open the party's folder where they are needed"

    def __init__(self, name: str, role: Role, *, ed25519: bytes, ml_dsa: bytes, opener: "PqIdentity") -> None:
        with needs_ml_dsa():
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
            from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

            self._ed25519 = Ed25519PrivateKey.from_private_bytes(ed25519)
            self._ml_dsa = MLDSA65PrivateKey.from_seed_bytes(ml_dsa)
        self.opener = opener
        self.party = Party(
            name=name,
            role=role,
            ed25519=_base64(self._ed25519.public_key().public_bytes_raw()),
            mldsa65=_base64(self._ml_dsa.public_key().public_bytes_raw()),
            age=str(opener.recipient),
        )

    @classmethod
    def generate(cls, name: str, role: Role) -> "Identity":
        """Draw new keys from the operating system.

        Raises
        ------
        ResourceError
            If the system has no randomness to give.
        """
        from pprl.exchange.age import PqIdentity

        seeds = {"ed25519": random_bytes(SEED_BYTES), "ml_dsa": random_bytes(SEED_BYTES)}
        return cls(name, role, **seeds, opener=PqIdentity.generate())

    @classmethod
    def load(cls, path: Path, *, passphrase: Callable[[], str] | None) -> "Identity":
        """Read a private file.

        Parameters
        ----------
        path : Path
            The file.
        passphrase : callable, optional
            Gives the passphrase; called only if the file has one.

        Raises
        ------
        PolicyError
            If others may read the file, if it is a link, or if it lies in a git work tree or
            in a synced folder.
        AuthenticationError
            If the passphrase is wrong.
        UsageError
            If the file has a passphrase and none was given.
        DataError
            If it is not an identity.
        VersionError
            If a later version of this software made it.
        """
        content = read_private(path, what=_WHAT, code="identity", limit=_MAX_FILE_BYTES)
        lines = content.decode("ascii", errors="replace").splitlines()
        words = lines[0].split() if lines else []
        if words[:1] != [_MAGIC]:
            raise DataError(
                f"{_WHAT}: is not an identity", code="identity-file", hint="make one with `pprl party new`"
            )
        if words[1:2] != [_VERSION]:
            raise VersionError(
                f"{_WHAT}: of a version that this software cannot read",
                code="identity-file",
                hint="install the version of pprl with which it was made",
            )
        if words[2:] == [_SEALED]:
            lines = _opened(lines[1:], passphrase).decode("ascii", errors="replace").splitlines()
        return cls._parse(lines[1:])

    @classmethod
    def _parse(cls, lines: list[str]) -> "Identity":
        from pprl.exchange.age import PqIdentity

        pairs = [line.split(" ") for line in lines]
        parts = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
        seeds = [parts.get(label, "") for label in ("ed25519", "ml-dsa-65")]
        is_whole = [pair[0] for pair in pairs] == list(_LABELS) == list(parts)
        if is_whole and all(re.fullmatch(f"[0-9a-f]{{{2 * SEED_BYTES}}}", seed) for seed in seeds):
            ed25519, ml_dsa = map(bytes.fromhex, seeds)
            try:
                opener = PqIdentity.parse(parts["age"])
                return cls(parts["name"], parts["role"], ed25519=ed25519, ml_dsa=ml_dsa, opener=opener)  # type: ignore[arg-type]  # Party checks the role
            except VersionError:
                raise
            except PprlError:
                pass
        raise DataError(
            f"{_WHAT}: damaged",
            code="identity-file",
            hint="restore it, or make a new one and a new agreement",
        )

    def save(self, path: Path, *, passphrase: str | None) -> None:
        """Write a private file that only its owner can read; an existing one is never replaced.

        Parameters
        ----------
        path : Path
            Where.
        passphrase : str or None
            At least 12 characters, or None: then whoever reads the file has the keys.

        Raises
        ------
        PolicyError
            If the folder lies in a git work tree or is synced, or the passphrase is too short.
        UsageError
            If the name is taken.
        """
        refuse_existing(path, force=False)
        refuse_private_place(path, what=_WHAT)
        write_bytes(path, self.file_content(passphrase=passphrase))

    def file_content(self, *, passphrase: str | None) -> bytes:
        """Give the bytes of a private file.

        Raises
        ------
        PolicyError
            If the passphrase is too short.
        """
        values = (
            self.party.name,
            self.party.role,
            self._ed25519.private_bytes_raw().hex(),
            self._ml_dsa.private_bytes_raw().hex(),
            self.opener.to_text(),
        )
        lines = [f"{_MAGIC} {_VERSION}", *(" ".join(pair) for pair in zip(_LABELS, values, strict=True)), ""]
        content = "\n".join(lines).encode("ascii")
        return content if passphrase is None else _sealed(content, passphrase)

    def sign(self, payload_type: str, payload: bytes) -> tuple[Signature, Signature]:
        """Sign a payload with both keys.

        Parameters
        ----------
        payload_type : str
            What the payload is, such as ``"application/vnd.pprl.agreement+json"``.
        payload : bytes
            What is signed.

        Returns
        -------
        tuple of Signature
            That of Ed25519 and that of ML-DSA-65, over the same bytes.
        """
        message = pae(payload_type, payload)
        return (
            Signature.of("ed25519", self._ed25519.sign(message)),
            Signature.of("ml-dsa-65", self._ml_dsa.sign(message)),
        )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _sealed(content: bytes, passphrase: str) -> bytes:
    """Encrypt a file as age does under a passphrase, and write it as text."""
    from pprl.exchange.age import Passphrase, encrypt_stream

    if len(passphrase) < LEAST_PASSPHRASE:
        raise PolicyError(
            f"passphrase: wanted {LEAST_PASSPHRASE} characters or more",
            code="passphrase-short",
            hint="four words that nobody would guess are easy to remember",
        )
    target = io.BytesIO()
    with encrypt_stream(target, [Passphrase(passphrase)]) as stream:
        stream.write(content)
    text = _base64(target.getvalue())
    lines = [text[start : start + _LINE] for start in range(0, len(text), _LINE)]
    return "\n".join([f"{_MAGIC} {_VERSION} {_SEALED}", *lines, ""]).encode("ascii")


def _opened(lines: list[str], passphrase: Callable[[], str] | None) -> bytes:
    from pprl.exchange.age import Passphrase, decrypt_stream

    if passphrase is None:
        raise UsageError(
            f"{_WHAT}: has a passphrase, and none was given",
            code="passphrase-missing",
            hint="--passphrase asks for it, --passphrase-file FILE reads it",
        )
    try:
        sealed = base64.b64decode("".join(lines), validate=True)
    except (binascii.Error, ValueError):
        sealed = b""
    try:
        opened: bytes = decrypt_stream(io.BytesIO(sealed), [Passphrase(passphrase())]).read(_MAX_FILE_BYTES)
    except AuthenticationError:
        opened = b""
    if not opened:
        raise AuthenticationError(
            f"{_WHAT}: the passphrase is wrong, or the file was altered",
            code="passphrase-wrong",
            hint="try again; if it is right, bring the file back from a copy",
        )
    return opened
