"""
Seats: what one custodian keeps, shows and reads while a secret is made.

All that this party has said and believed is kept in a folder of its store, and written there
before it is shown.  So a run can be cut off anywhere and repeated at any time, and what was
said once is never said differently.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from pprl.agreement import Agreement
from pprl.errors import AuthenticationError, DataError, PprlError
from pprl.exchange.board import Board, Kind, notice_name, share_name
from pprl.exchange.ceremony import Fault
from pprl.exchange.contributions import (
    CLOSING_TYPE,
    COMMIT_TYPE,
    Circle,
    Closing,
    Commit,
)
from pprl.exchange.ledger import OPEN
from pprl.exchange.notices import MAX_NOTICE_BYTES, read_notice, sign_notice
from pprl.exchange.sealing import of_bytes, seal
from pprl.exchange.shares import MAX_SHARE_BYTES, PURPOSE, open_share
from pprl.exchange.store import Store
from pprl.files import give_name, private_temporary, read_bytes, sync_folder, write_bytes
from pprl.refusals import our_errors
from pprl.temporaries import sweep
from pprl.workflow.exchanging import terms_of

KEY: Final = "project.key"
DONE: Final = "ceremony-done"
# Secrets that a seat keeps until the end: see `pprl.workflow.keeping`.
CONTRIBUTION: Final = "contribution"
UNCLOSED: Final = "unclosed"
_NO_FAULT_OF_THEIRS: Final = {"version/no-post-quantum", "version/no-ml-dsa"}
_CODES: Final = {"authentication/notice": "ceremony-malformed"}
_TYPES: Final[Mapping[type, tuple[Kind, str]]] = {
    Commit: ("commit", COMMIT_TYPE),
    Closing: ("closing", CLOSING_TYPE),
}
_Said = TypeVar("_Said", Commit, Closing)
_Shown = TypeVar("_Shown")


class Faulty(Exception):  # noqa: N818 - becomes an error of ours before anybody sees it
    """Carries faults to where they are written into the ledger.

    Parameters
    ----------
    faults : sequence of Fault
        At least one.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__()
        self.faults = faults


@dataclass(frozen=True)
class Seat:
    """One custodian's place in a ceremony, in one run.

    Parameters
    ----------
    agreed : Agreement
        The agreement.
    store : Store
        Of this custodian.
    circle : Circle
        Who takes part.
    board : Board
        What lay on the board when the run began.
    state : Path
        Folder of the store for this ceremony.
    now : datetime
        The time.
    did : list of str
        What this run has done so far, in words.
    """

    agreed: Agreement
    store: Store
    circle: Circle
    board: Board
    state: Path
    now: datetime
    did: list[str] = field(default_factory=list)

    @property
    def own(self) -> str:
        """Name of this custodian."""
        return self.store.party.name

    @property
    def others(self) -> tuple[str, ...]:
        """Names of all other custodians."""
        return tuple(name for name in self.circle.custodians if name != self.own)

    def name_of(self, kind: Kind, party: str) -> str:
        """Name the public message of a party."""
        return notice_name(kind, self.circle.number(party))

    def share_of(self, sender: str, recipient: str) -> str:
        """Name the sealed message of one party to another."""
        return share_name(self.circle.number(sender), self.circle.number(recipient))


def stop_at(faults: Iterable[Fault]) -> None:
    """Raise if there are faults.

    Examples
    --------
    >>> stop_at([])
    """
    found = tuple(faults)
    if found:
        raise Faulty(found)


def noted(seat: Seat, event: str) -> bool:
    """Say whether a step of this ceremony is in the ledger."""
    mine = ((one.event, one.outcome, one.fingerprint) for one in seat.store.ledger.entries())
    return (event, "done", seat.circle.fingerprint) in mine


def note(seat: Seat, event: str) -> None:
    """Put a step into the ledger, once."""
    if not noted(seat, event):
        seat.store.ledger.append(event=event, outcome="done", fingerprint=seat.circle.fingerprint)


def sweep_left(seat: Seat) -> None:
    """Remove what runs that were killed left beside the files that this one may write."""
    own_notices = [seat.name_of(kind, seat.own) for kind, _ in _TYPES.values()]
    own = [*own_notices, *(seat.share_of(seat.own, other) for other in seat.others)]
    kept = [seat.name_of(kind, party) for kind, _ in _TYPES.values() for party in seat.others]
    for name in (CONTRIBUTION, UNCLOSED, *own, *kept):
        sweep(seat.state / name)
    for name in own:
        sweep(seat.board.folder / name)
    sweep(seat.store.folder / KEY)


def forget(seat: Seat, *names: str) -> None:
    """Delete files of this ceremony from the store; by default the contribution."""
    for place in [seat.state / name for name in names or (CONTRIBUTION,)]:
        with our_errors(place):
            place.unlink(missing_ok=True)
    sync_folder(seat.state)


def say(seat: Seat, text: Commit | Closing) -> None:
    """Sign a public message and keep it; `show` puts it on the board."""
    kind, payload_type = _TYPES[type(text)]
    place = seat.state / seat.name_of(kind, seat.own)
    write_bytes(place, sign_notice(seat.store.identity, payload_type, text))


def has_said(seat: Seat, kind: Kind) -> bool:
    """Say whether a public message of this party has been made."""
    return (seat.state / seat.name_of(kind, seat.own)).exists()


def said_by(seat: Seat, party: str, kind: type[_Said]) -> _Said:
    """Give a public message that is kept."""
    name, payload_type = _TYPES[kind]
    content = read_bytes(seat.state / seat.name_of(name, party), what=name, limit=MAX_NOTICE_BYTES)
    return read_notice(content, seat.agreed.party(party), payload_type, kind, what=name)


def show(seat: Seat, kind: Kind) -> None:
    """Put this party's public message on the board."""
    name = seat.name_of(kind, seat.own)
    if seat.board.publish(name, read_bytes(seat.state / name, what=kind, limit=MAX_NOTICE_BYTES)):
        seat.did.append(f"wrote {name}")


def gather(
    seat: Seat,
    kind: type[_Said],
    check: Callable[[Circle, Mapping[str, Sequence[_Said]]], tuple[Fault, ...]],
) -> dict[str, _Said]:
    """Read a public message of every custodian, check all, and keep those that are new.

    Parameters
    ----------
    seat : Seat
        Of the reader.
    kind : type
        Of the messages.
    check : callable
        Finds what is wrong with those whose signatures are good.

    Returns
    -------
    dict of str to struct
        By name of party; who has not come yet is missing.

    Raises
    ------
    Faulty
        If anything is wrong with one of them.
    """
    said: dict[str, tuple[_Said, ...]] = {}
    faults: list[Fault] = []
    fresh: dict[Path, bytes] = {}
    for party in seat.circle.custodians:
        contents = _contents(seat, _TYPES[kind][0], party, faults)
        texts = [one for one in (_read(seat, kind, party, content, faults) for content in contents) if one]
        if texts:
            said[party] = tuple(dict.fromkeys(texts))
            fresh[seat.state / seat.name_of(_TYPES[kind][0], party)] = contents[0]
    stop_at([*faults, *check(seat.circle, said)])
    for place, content in fresh.items():
        if not place.exists():
            write_bytes(place, content)
    return {party: texts[0] for party, texts in said.items()}


def share(seat: Seat, content: bytes) -> None:
    """Seal a secret to every other custodian, once, and put what was sealed on the board."""
    for other in seat.others:
        place = seat.state / seat.share_of(seat.own, other)
        if not place.exists():
            _seal(seat, content, other, place)
    show_shares(seat)
    note(seat, "ceremony-reveal")


def show_shares(seat: Seat) -> None:
    """Put the sealed messages of this party on the board, as they were made.

    Raises
    ------
    Faulty
        If there are others in their place.
    """
    for other in seat.others:
        name = seat.share_of(seat.own, other)
        if not (seat.state / name).exists():
            continue
        content = read_bytes(seat.state / name, what="share", limit=MAX_SHARE_BYTES)
        if seat.board.publish(name, content):
            seat.did.append(f"wrote {name}, sealed to {other}")
        elif set(seat.board.read(name, limit=MAX_SHARE_BYTES)) - {content}:
            stop_at([Fault(seat.own, "ceremony-share", f"has another {name} on the board than it made")])


def open_all(
    seat: Seat, senders: Sequence[str], parse: Callable[[bytes], _Shown | None]
) -> dict[str, _Shown]:
    """Open in memory what others have sealed to this custodian.

    Parameters
    ----------
    seat : Seat
        Of the recipient.
    senders : sequence of str
        From whom something is expected.
    parse : callable
        Reads what was sealed; gives None if it is something else.

    Returns
    -------
    dict of str to object
        By name of sender; who has not come yet is missing.

    Raises
    ------
    Faulty
        If anything is wrong with one of them.
    """
    faults: list[Fault] = []
    shown: dict[str, _Shown] = {}
    for sender in senders:
        plains = _opened(seat, sender, faults)
        if len(plains) > 1:
            faults.append(Fault(sender, "ceremony-two-openings", "has sealed two different shares"))
        for plain in plains:
            one = parse(plain)
            if one is None:
                faults.append(Fault(sender, "ceremony-share", "has sealed something that is not a share"))
            else:
                shown[sender] = one
    stop_at(faults)
    return shown


def _seal(seat: Seat, content: bytes, other: str, place: Path) -> None:
    with private_temporary(place) as private:
        sealed = seal(
            of_bytes(content, PURPOSE, "binary"),
            private,
            store=seat.store,
            terms=terms_of(seat.agreed),
            recipient=seat.agreed.party(other),
            now=seat.now,
        )
        give_name(sealed.path, place)
    sync_folder(seat.state)


def _opened(seat: Seat, sender: str, faults: list[Fault]) -> list[bytes]:
    """Open all files that claim to be one share; equal contents count once."""
    plains: list[bytes] = []
    for sealed in _on_board(seat, seat.share_of(sender, seat.own), sender, MAX_SHARE_BYTES, faults):
        try:
            manifest, plain = open_share(
                sealed, terms_of(seat.agreed), seat.store.identity, sender, seat.agreed.party, seat.now
            )
        except PprlError as error:
            faults.append(_refused_share(sender, error))
            continue
        if plain not in plains:
            plains.append(plain)
        if not seat.store.ledger.has_received(manifest.package_id):
            seat.store.ledger.append(
                event=OPEN,
                outcome="done",
                package=manifest.package_id,
                peer=sender,
                purpose=PURPOSE,
                sequence=manifest.sequence,
                fingerprint=manifest.fingerprint,
            )
    return plains


def _refused_share(sender: str, error: PprlError) -> Fault:
    if error.code in _NO_FAULT_OF_THEIRS:
        raise error
    if error.code.endswith("/expired"):
        return Fault(sender, "ceremony-late", "has a share that was not taken in time, and has expired")
    return Fault(
        sender, "ceremony-share", f"has a share that cannot be taken: {error.message} ({error.code})"
    )


def _contents(seat: Seat, kind: Kind, party: str, faults: list[Fault]) -> list[bytes]:
    """Give all that claims to be one public message: what is kept, then what is on the board."""
    name = seat.name_of(kind, party)
    place = seat.state / name
    kept = [read_bytes(place, what=kind, limit=MAX_NOTICE_BYTES)] if place.exists() else []
    return list(dict.fromkeys([*kept, *_on_board(seat, name, party, MAX_NOTICE_BYTES, faults)]))


def _on_board(seat: Seat, name: str, party: str, limit: int, faults: list[Fault]) -> tuple[bytes, ...]:
    try:
        return seat.board.read(name, limit=limit)
    except DataError as error:
        faults.append(Fault(party, "ceremony-malformed", f"has a message that is not one: {error.message}"))
    return ()


def _read(seat: Seat, kind: type[_Said], party: str, content: bytes, faults: list[Fault]) -> _Said | None:
    name, payload_type = _TYPES[kind]
    try:
        return read_notice(content, seat.agreed.party(party), payload_type, kind, what=name)
    except AuthenticationError as error:
        code = _CODES.get(error.code, "ceremony-signature")
    broken = code == "ceremony-malformed"
    wrong = "that is damaged or is something else" if broken else "without its two signatures"
    faults.append(Fault(party, code, f"has a {name} {wrong}"))
    return None
