"""
Parties: who takes part in a project, in which role, and with which public keys.

A party is public.  All parties of a project stand in its agreement, which each of them
signs; keys come from there and from nowhere else.
"""

import base64
import binascii
import hashlib
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import msgspec

from pprl.errors import AgreementError, DataError, PolicyError
from pprl.files import read_bytes

Role = Literal["custodian", "linkage-unit", "research"]
ED25519_BYTES: Final = 32
ML_DSA_BYTES: Final = 1952  # of an ML-DSA-65 public key (FIPS 204, table 2)
NAME: Final = r"^[a-z][a-z0-9_-]{0,39}$"
_MAX_FILE_BYTES: Final = 16_384
_PRIVATE: Final = "AGE-SECRET-KEY"
_LEAST_CUSTODIANS: Final = 2

# Curve25519 as Edwards curve (RFC 8032, section 5.1).
_P: Final = 2**255 - 19
_D: Final = -121665 * pow(121666, -1, _P) % _P
_ORDER_8: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
# Second coordinates of the eight points whose multiples are few: signatures under them can be
# made without a secret.
_SMALL_ORDER: Final = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})

Name = Annotated[str, msgspec.Meta(pattern=NAME)]


class Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One party of a project, and its public keys.

    Parameters
    ----------
    name : str
        Up to 40 lower-case letters, digits, hyphens and underscores; begins with a letter.
    role : {"custodian", "linkage-unit", "research"}
        Who holds identifiers, who compares encodings, who studies what was linked.
    ed25519 : str
        Public key of its first signature, 32 bytes in base64.
    mldsa65 : str
        Public key of its second signature (ML-DSA-65), 1,952 bytes in base64.
    age : str
        To whom packages for this party are sealed: a recipient ``age1pq1...``.

    Raises
    ------
    AgreementError
        If a key is not what it must be: of another length, not a point of the curve, or one of
        the few points under which signatures can be made without a secret.
    PolicyError
        If a private key stands in the place of a public one.
    VersionError
        If this machine's cryptography does not have ML-KEM, and so cannot check a recipient.

    Examples
    --------
    >>> from pprl.exchange.identities import Identity
    >>> party = Identity.generate("trust", "custodian").party
    >>> party
    Party(name='trust', role='custodian')
    >>> len(party.fingerprint)
    64
    """

    name: Name
    role: Role
    ed25519: str
    mldsa65: str
    age: str

    def __post_init__(self) -> None:
        """Check name, role and keys."""
        if not re.fullmatch(NAME[1:-1], self.name):
            raise AgreementError(
                "party: name: wanted up to 40 lower-case letters, digits, - and _, a letter first",
                code="party-name",
            )
        if self.role not in get_args(Role):
            raise AgreementError(f"party {self.name}: role: not a role", code="party-role")
        for key, check in _CHECKS.items():
            check(self.name, getattr(self, key))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of name, role and keys as canonical JSON, 64 hexadecimal digits."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()

    def __repr__(self) -> str:
        return f"Party(name={self.name!r}, role={self.role!r})"


def bytes_of(text: str, n_bytes: int) -> bytes | None:
    """Read base64 that has one spelling and a known length, or give nothing.

    Examples
    --------
    >>> bytes_of("AAE=", 2).hex()
    '0001'
    >>> bytes_of("AAF=", 2) is bytes_of("AAE", 2) is bytes_of("AAE=", 3) is None
    True
    """
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    one_spelling = base64.b64encode(content).decode("ascii") == text
    return content if one_spelling and len(content) == n_bytes else None


def require_fitting(
    parties: Sequence[Party], *, removed: Sequence[str], version: int, research: bool
) -> None:
    """Raise unless these parties can be those of one agreement.

    Parameters
    ----------
    parties : sequence of Party
        Those who take part.  None at all is allowed: then nothing is sealed.
    removed : sequence of str
        Names of those who no longer take part, and are not among the parties.
    version : int
        Of the agreement; nobody was removed before the second.
    research : bool
        Whether the agreement is for fictitious people, and so one custodian is enough.

    Raises
    ------
    AgreementError
        If names or keys repeat, or roles are missing.
    """
    _require_distinct(parties)
    _require_gone(removed, {one.name for one in parties}, version)
    if not parties:
        return
    counts = {role: sum(one.role == role for one in parties) for role in get_args(Role)}
    least = 1 if research else _LEAST_CUSTODIANS
    for role, is_right, wanted in (
        ("linkage-unit", counts["linkage-unit"] == 1, "exactly one"),
        ("research", counts["research"] <= 1, "one at most"),
        ("custodian", counts["custodian"] >= least, f"{least} at least"),
    ):
        if not is_right:
            found = counts[role]
            raise _parties(f"wanted {wanted} of the role {role}, found {found}", code="party-roles")


def party_toml(party: Party) -> str:
    """Write a party as the table that is pasted into an agreement."""
    lines = (f'{name} = "{getattr(party, name)}"' for name in Party.__struct_fields__)
    return "\n".join(["[[parties]]", *lines, ""])


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    parties: Annotated[tuple[Party, ...], msgspec.Meta(min_length=1, max_length=1)]


def read_party(path: Path) -> Party:
    """Read a file ``party.toml``, which holds one party.

    Raises
    ------
    DataError
        If it is not one party.
    """
    content = read_bytes(path, what="party file", limit=_MAX_FILE_BYTES)
    try:
        return msgspec.convert(tomllib.loads(content.decode("utf-8-sig")), _File).parties[0]
    except (ValueError, RecursionError):  # of UTF-8, TOML and msgspec; they quote what they found
        pass
    raise DataError(
        "party file: does not hold one party", code="party-file", hint="it is made by `pprl party new`"
    )


def _require_distinct(parties: Sequence[Party]) -> None:
    """Raise if two parties share a name, or a key: one of them could speak for the other."""
    for part in ("name", *_CHECKS):
        places: dict[str, int] = {}
        for place, one in enumerate(parties):
            first = places.setdefault(getattr(one, part), place)
            if first != place:
                raise AgreementError(
                    f"agreement: parties[{place}].{part}: is that of parties[{first}]", code="party-twice"
                )


def _require_gone(removed: Sequence[str], names: set[str], version: int) -> None:
    for place, name in enumerate(removed):
        where = f"agreement: removed[{place}]:"
        if not re.fullmatch(NAME[1:-1], name):
            raise AgreementError(f"{where} wanted the name of a party", code="party-name")
        if name in names:
            raise AgreementError(
                f"{where} is among the parties",
                code="removed-party",
                hint="delete its table under [[parties]]: who was removed is no party",
            )
        if name in removed[:place]:
            raise AgreementError(f"{where} is repeated", code="removed-party")
    if removed and version < 2:
        raise AgreementError(
            "agreement: removed: nobody was removed before version 2",
            code="removed-party",
            hint="raise the version",
        )


def _parties(message: str, *, code: str) -> AgreementError:
    return AgreementError(f"agreement: parties: {message}", code=code)


def _require_ed25519(name: str, text: str) -> None:
    key = bytes_of(text, ED25519_BYTES)
    if key is None:
        raise _wrong_key(name, "ed25519", f"wanted {ED25519_BYTES} bytes in base64")
    y = int.from_bytes(key, "little") & (2**255 - 1)
    if y >= _P:
        raise _wrong_key(name, "ed25519", "is not written in the one canonical way")
    if y in _SMALL_ORDER:
        raise _wrong_key(name, "ed25519", "is of small order: anybody can sign for it")
    # On the curve x^2 = (y^2 - 1) / (d y^2 + 1), so that must be a square (Euler's criterion).
    if pow((y * y - 1) * (_D * y * y + 1), (_P - 1) // 2, _P) != 1:
        raise _wrong_key(name, "ed25519", "is not a point of the curve")


def _require_ml_dsa(name: str, text: str) -> None:
    if bytes_of(text, ML_DSA_BYTES) is None:
        raise _wrong_key(name, "mldsa65", f"wanted {ML_DSA_BYTES} bytes in base64")


def _require_recipient(name: str, text: str) -> None:
    from pprl.exchange.age import PqRecipient

    if text.strip().upper().startswith(_PRIVATE):
        raise PolicyError(
            f"party {name}: age: is a private key, and an agreement is read by everybody",
            code="secret-in-agreement",
            hint="treat that key as known: make a new identity with `pprl party new`",
        )
    try:
        is_right = str(PqRecipient.parse(text)) == text
    except DataError:
        is_right = False
    if not is_right:
        raise _wrong_key(name, "age", "wanted a recipient age1pq1...")


def _wrong_key(name: str, key: str, wrong: str) -> AgreementError:
    return AgreementError(
        f"party {name}: {key}: {wrong}",
        code="party-key",
        hint="paste the whole party.toml that `pprl party new` made",
    )


_CHECKS: dict[str, Callable[[str, str], None]] = {
    "ed25519": _require_ed25519,
    "mldsa65": _require_ml_dsa,
    "age": _require_recipient,
}
