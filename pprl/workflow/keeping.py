"""
Keeping: the secrets of one custodian while a linkage secret is made.

The contribution is kept until the secret is there, and the secret until all have closed.
Only then is it a linkage key: what a ceremony that failed leaves behind encodes nothing.
"""

from typing import Final

from pprl.errors import DataError, PolicyError
from pprl.exchange.contributions import KEPT_START, UNCLOSED_START, Drawn
from pprl.files import write_bytes
from pprl.keys import KEY_BYTES, LinkageKey
from pprl.private import read_private
from pprl.workflow.seats import CONTRIBUTION, DONE, KEY, UNCLOSED, Seat, forget, noted

_MAX_BYTES: Final = 4096


def draw(seat: Seat) -> Drawn:
    """Draw a contribution, and keep it until the secret is written."""
    hidden = Drawn.draw()
    _keep(seat, CONTRIBUTION, KEPT_START, hidden.to_bytes())
    return hidden


def drawn(seat: Seat) -> Drawn | None:
    """Give the contribution that is kept; None if there is none.

    Raises
    ------
    DataError
        If it is damaged.
    """
    content = _kept(seat, CONTRIBUTION, KEPT_START)
    hidden = None if content is None else Drawn.from_bytes(content)
    if content is not None and hidden is None:
        raise _damaged(CONTRIBUTION)
    return hidden


def keep_unclosed(seat: Seat, material: bytes) -> None:
    """Keep a secret that not all have closed, in a file that is no linkage key yet.

    Raises
    ------
    PolicyError
        If the store has another secret (``key-exists``).
    """
    _refuse_other(seat, LinkageKey(material))
    if _kept(seat, UNCLOSED, UNCLOSED_START) != material:
        forget(seat, UNCLOSED)
        _keep(seat, UNCLOSED, UNCLOSED_START, material)


def name_key(seat: Seat) -> None:
    """Make a linkage key of the secret, now that all have closed with equal tags.

    Raises
    ------
    PolicyError
        If the store has another secret (``key-exists``).
    DataError
        If the secret is no longer there (``contribution-lost``).
    """
    material = _kept(seat, UNCLOSED, UNCLOSED_START)
    place = seat.store.folder / KEY
    if material is None and not place.exists() and not noted(seat, DONE):
        raise lost("secret")
    if material is None:
        return
    _refuse_other(seat, LinkageKey(material))
    if not place.exists():
        LinkageKey(material).save(place)
        seat.did.append(f"wrote {KEY}")
    forget(seat, UNCLOSED)


def other_key() -> PolicyError:
    """Make the error for a store that has another secret."""
    return PolicyError(
        f"ceremony: this party's folder has another {KEY} already",
        code="key-exists",
        hint="if it is of an earlier epoch, delete it with `pprl retire`, or keep it elsewhere",
    )


def lost(what: str) -> DataError:
    """Make the error for what a party has said something about, and has no longer."""
    return DataError(
        f"{what}: this party has committed to one, and its folder has it no longer",
        code="contribution-lost",
        hint="tell the other custodians, raise the epoch in the agreement and begin anew",
    )


def _refuse_other(seat: Seat, key: LinkageKey) -> None:
    place = seat.store.folder / KEY
    if place.exists() and LinkageKey.load(place) != key:
        raise other_key()


def _keep(seat: Seat, name: str, start: bytes, secret: bytes) -> None:
    write_bytes(seat.state / name, start + secret.hex().encode("ascii") + b"\n")


def _kept(seat: Seat, name: str, start: bytes) -> bytes | None:
    """Give a secret that is kept until the end of the ceremony; None if there is none."""
    if not (seat.state / name).exists():
        return None
    content = read_private(seat.state / name, what=name, code=CONTRIBUTION, limit=_MAX_BYTES)
    try:
        secret = bytes.fromhex(content[len(start) :].decode("ascii").strip())
    except ValueError:
        secret = b""
    if not content.startswith(start) or len(secret) < KEY_BYTES:
        raise _damaged(name)
    return secret


def _damaged(name: str) -> DataError:
    return DataError(f"{name}: damaged", code="contribution-file", hint="raise the epoch and begin anew")
