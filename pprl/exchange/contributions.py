"""
Contributions: what custodians say to each other while they make a linkage secret.

A *commit* promises a contribution that nobody can see yet, an *opening* shows it to one
other custodian, a *closing* says what came of it.  `pprl.exchange.ceremony` checks them.
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from pprl.errors import PolicyError
from pprl.hidden import Hidden
from pprl.keys import KEY_BYTES, length_prefixed, random_bytes

COMMIT_TYPE: Final = "application/vnd.pprl.commit+json"
CLOSING_TYPE: Final = "application/vnd.pprl.closing+json"
NONCE_BYTES: Final = 32
_LEAST_CUSTODIANS: Final = 2
_OPENING: Final = b"pprl-opening 1\n"
_DEALT: Final = b"pprl-dealt 1\n"
KEPT_START: Final = b"pprl-contribution 1\n"  # of a file with what a custodian has drawn
UNCLOSED_START: Final = b"pprl-unclosed-key 1\n"  # of one with a secret that not all have closed
SECRET_STARTS: Final = (_OPENING, _DEALT, KEPT_START, UNCLOSED_START)
_HIDDEN: Final = NONCE_BYTES + KEY_BYTES

_Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
_Tag = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,39}$(?!\n)")]
_Epoch = Annotated[int, msgspec.Meta(ge=1, le=2**31)]
_Time = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$(?!\n)")]
_One = Annotated[int, msgspec.Meta(ge=1, le=1)]


@dataclass(frozen=True, slots=True)
class Circle:
    """Who makes a secret together, and under which agreement.

    Parameters
    ----------
    fingerprint : str
        Of the agreement.
    epoch : int
        The agreement's.
    custodians : tuple of str
        Names of all who take part, in alphabetical order.

    Raises
    ------
    PolicyError
        If there are fewer than two custodians.

    Examples
    --------
    >>> Circle("0a" * 32, 1, ("hospital", "trust")).number("trust")
    2
    """

    fingerprint: str
    epoch: int
    custodians: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check and order the names."""
        names = tuple(sorted(set(self.custodians)))
        if len(names) < _LEAST_CUSTODIANS:
            raise PolicyError(
                "ceremony: wanted two custodians or more in the agreement",
                code="ceremony-alone",
                hint="a secret of one custodian is made by `pprl key new`",
            )
        object.__setattr__(self, "custodians", names)

    def number(self, party: str) -> int:
        """Give a custodian's number, from 1, in the order of names."""
        return self.custodians.index(party) + 1

    def bytes(self, *labels: str) -> bytes:
        """Give a purpose, the agreement and the epoch as bytes that nothing else gives."""
        return length_prefixed(*labels, self.fingerprint, str(self.epoch))


class Drawn(Hidden):
    """What one custodian draws: a contribution, and the nonce that hides it in the commit.

    Parameters
    ----------
    contribution, nonce : bytes
        32 bytes each.  Use `draw`.

    Examples
    --------
    >>> Drawn.draw()
    Drawn(...)
    """

    __slots__ = ("contribution", "nonce")

    _hint = "draw it where it is needed"

    def __init__(self, contribution: bytes, nonce: bytes) -> None:
        self.contribution = contribution
        self.nonce = nonce

    @classmethod
    def draw(cls) -> "Drawn":
        """Draw both from the operating system, or raise `ResourceError`."""
        return cls(random_bytes(KEY_BYTES), random_bytes(NONCE_BYTES))

    def to_bytes(self) -> bytes:
        """Give nonce and contribution.  It is a secret."""
        return self.nonce + self.contribution

    @classmethod
    def from_bytes(cls, content: bytes) -> "Drawn | None":
        """Read what `to_bytes` gives; None if it is of another length."""
        return cls(content[NONCE_BYTES:], content[:NONCE_BYTES]) if len(content) == _HIDDEN else None


class Commit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A custodian's promise of a contribution that nobody can see yet.

    Parameters
    ----------
    version : int
        Of this message: 1.
    fingerprint, epoch : str, int
        The agreement.
    party : str
        Who commits.
    commitment : str
        SHA-256 over agreement, epoch, party, a nonce and the contribution.
    created : str
        UTC, to the second.
    """

    version: _One
    fingerprint: _Digest
    epoch: _Epoch
    party: _Name
    commitment: _Digest
    created: _Time

    def to_bytes(self) -> bytes:
        """Give the one text of this message, which is signed."""
        return msgspec.json.encode(self, order="sorted")

    @property
    def digest(self) -> bytes:
        """SHA-256 of the text, 32 bytes."""
        return hashlib.sha256(self.to_bytes()).digest()


class Closing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a custodian says at the end, for all to compare.

    Parameters
    ----------
    version : int
        Of this message: 1.
    fingerprint, epoch : str, int
        The agreement.
    party : str
        Who says it.
    transcript : str
        SHA-256 over all commits; of a secret that one custodian dealt, over agreement and epoch.
    key_tag, encoder_tag : str
        Equal for all who have the same secret, and whose software encodes alike.
    """

    version: _One
    fingerprint: _Digest
    epoch: _Epoch
    party: _Name
    transcript: _Digest
    key_tag: _Tag
    encoder_tag: _Tag

    def to_bytes(self) -> bytes:
        """Give the one text of this message, which is signed."""
        return msgspec.json.encode(self, order="sorted")


@dataclass(frozen=True, slots=True)
class Opening:
    """What a custodian shows to another one: its contribution, and which commits it has seen.

    Parameters
    ----------
    hidden : Drawn
        What was drawn.
    seen : tuple of bytes
        Digests of all commits, in the order of names.
    """

    hidden: Drawn
    seen: tuple[bytes, ...]

    def to_bytes(self) -> bytes:
        """Give the bytes that are sealed."""
        return _OPENING + b"".join(self.seen) + self.hidden.to_bytes()

    @classmethod
    def from_bytes(cls, circle: Circle, content: bytes) -> "Opening | None":
        """Read what `to_bytes` gives; None if it is something else."""
        seen, hidden = content[len(_OPENING) : -_HIDDEN], Drawn.from_bytes(content[-_HIDDEN:])
        is_right = content.startswith(_OPENING) and len(seen) == 32 * len(circle.custodians)
        if hidden is None or not is_right:
            return None
        return cls(hidden, tuple(seen[i : i + 32] for i in range(0, len(seen), 32)))


def is_share(content: bytes) -> bool:
    """Say whether bytes have the form of an opening, or of a secret that was dealt.

    Examples
    --------
    >>> is_share(deal(b"k" * 32)), is_share(b"k" * 32)
    (True, False)
    """
    seen, rest = divmod(len(content) - len(_OPENING) - _HIDDEN, 32)
    is_opening = content.startswith(_OPENING) and seen >= _LEAST_CUSTODIANS and rest == 0
    return is_opening or dealt(content) is not None


def deal(material: bytes) -> bytes:
    """Give the bytes that the one dealer of a pilot seals to the others."""
    return _DEALT + material


def dealt(content: bytes) -> bytes | None:
    """Read what `deal` gives; None if it is something else.

    Examples
    --------
    >>> dealt(deal(b"k" * 32)) == b"k" * 32
    True
    """
    material = content[len(_DEALT) :]
    return material if content == deal(material) and len(material) == KEY_BYTES else None
