"""
The ceremony at one custodian: look at the board, do the next step, say what is waited for.
"""

import contextlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from pprl.agreement import Agreement
from pprl.encoding.canaries import check_tags
from pprl.errors import PolicyError, PprlError
from pprl.exchange import ceremony, clock
from pprl.exchange.board import Board
from pprl.exchange.ceremony import Fault
from pprl.exchange.contributions import Circle, Closing, Commit, Drawn, Opening, deal, dealt
from pprl.exchange.shares import DAYS
from pprl.exchange.store import Store
from pprl.files import make_folder
from pprl.keys import LinkageKey
from pprl.model import CheckTags
from pprl.workflow.calls import require_type
from pprl.workflow.exchanging import require_own_keys
from pprl.workflow.keeping import draw, drawn, keep_unclosed, lost, name_key, other_key
from pprl.workflow.seats import (
    DONE,
    KEY,
    Faulty,
    Seat,
    forget,
    gather,
    has_said,
    note,
    open_all,
    said_by,
    say,
    share,
    show,
    show_shares,
    stop_at,
    sweep_left,
)
from pprl.workflow.signed import SignedAgreement, require_latest

_PATIENCE: Final = timedelta(days=DAYS)
_EVENT: Final = "ceremony"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a ceremony stands, as one custodian sees it.

    Parameters
    ----------
    party : str
        The custodian.
    custodians : tuple of str
        All who take part, in the order of their numbers on the board.
    did : tuple of str
        What this run has done, in words.
    committed, opened, closed : frozenset of str
        Whose commits, shares and closings have come and are good.
    missing : mapping of str to str
        Who is waited for, and the file that is missing.
    tags : CheckTags, optional
        What the secret was closed with, once this custodian has it.

    Examples
    --------
    >>> nobody, missing = frozenset(), {"hospital": "1-commit.json"}
    >>> Standing("trust", ("hospital", "trust"), (), nobody, nobody, nobody, missing).done
    False
    """

    party: str
    custodians: tuple[str, ...]
    did: tuple[str, ...]
    committed: frozenset[str]
    opened: frozenset[str]
    closed: frozenset[str]
    missing: Mapping[str, str]
    tags: CheckTags | None = None

    @property
    def done(self) -> bool:
        """Whether all custodians have closed, with equal tags."""
        return self.closed == set(self.custodians)


def take_part(
    agreement: SignedAgreement,
    store: Store,
    board: str | os.PathLike[str],
    *,
    single_dealer: bool = False,
    now: datetime | None = None,
) -> Standing:
    """Do whatever this custodian can do now to make the secret, and say where it stands.

    Call it again whenever the board has changed; what was done is not done twice.  At the end
    the store holds ``project.key``.

    Parameters
    ----------
    agreement : SignedAgreement
        The agreement, signed by all its parties.
    store : Store
        Of this custodian.
    board : path
        The folder through which custodians exchange messages; others may read all of it.
    single_dealer : bool
        Know that one custodian deals the secret, as the agreement must say too.
    now : datetime, optional
        The time, with a time zone; by default that of this machine.

    Returns
    -------
    Standing
        What was done, and who is waited for.

    Raises
    ------
    PolicyError
        If this party is no custodian (``ceremony-role``), the store has another secret
        (``key-exists``), or a custodian did what `pprl.exchange.ceremony.FAULTS` lists, is
        late (``ceremony-late``), or has come to another secret (``ceremony-key-tag``).
    AuthenticationError
        If a message on the board was altered or is not of whom it says.

    Examples
    --------
    >>> import tempfile
    >>> from pprl.agreement import preset_text
    >>> from pprl.exchange.identities import Identity
    >>> from pprl.exchange.parties import party_toml
    >>> names = {"trust": "custodian", "hospital": "custodian", "unit": "linkage-unit"}
    >>> everybody = [Identity.generate(name, role) for name, role in names.items()]
    >>> text = preset_text("febrl") + "".join(party_toml(one.party) for one in everybody)
    >>> agreement = SignedAgreement(Agreement.from_toml(text.encode()))
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = Path(name)
    ...     stores = [Store.create(folder / one.party.name, one, passphrase=None) for one in everybody[:2]]
    ...     (folder / "board").mkdir()
    ...     for _ in range(4):
    ...         standings = [take_part(agreement, one, folder / "board") for one in stores]
    ...     keys = [LinkageKey.load(one.folder / "project.key") for one in stores]
    >>> all(standing.done for standing in standings), keys[0] == keys[1]
    (True, True)
    """
    require_type("agreement", agreement, SignedAgreement)
    require_type("store", store, Store)
    agreed, moment = agreement.agreement, now or clock.now()
    with store.ledger.held():
        try:
            seat = _take_seat(agreed, store, Path(board), moment, single_dealer=single_dealer)
            return (_with_a_dealer if single_dealer else _together)(seat)
        except Faulty as found:
            faults = found.faults
        except PprlError as error:
            _refused(store, agreed, error.code)
            raise
        for fault in sorted(set(faults), key=lambda one: (one.party, one.code)):
            _refused(store, agreed, f"{ceremony.FAULTS[fault.code].kind}/{fault.code}", peer=fault.party)
    raise ceremony.refusal(faults)


def _take_seat(agreed: Agreement, store: Store, board: Path, now: datetime, *, single_dealer: bool) -> Seat:
    """See that this party may take part, in this way, and here."""
    clock.refuse_implausible(now, store.ledger)
    if store.party.role != "custodian":
        raise PolicyError(
            f"ceremony: the {store.party.role} takes no part, as it must not know the secret",
            code="ceremony-role",
            hint="it may carry the board from custodian to custodian; that needs no command",
        )
    require_own_keys(agreed, store)
    require_latest(agreed, store)
    _require_dealer(agreed, single_dealer=single_dealer)
    if _overlap(board, store.folder):
        raise PolicyError(
            "board: is this party's own folder, or one of the two is in the other",
            code="board-is-store",
            hint="others read the board; nobody else may read your folder",
        )
    names = tuple(one.name for one in agreed.with_role("custodian"))
    circle = Circle(agreed.fingerprint, agreed.epoch, names)
    seen = Board.look(board, n_custodians=len(names))
    state = store.folder / f"ceremony-{agreed.epoch}-{agreed.fingerprint[:16]}"
    make_folder(state)
    seat = Seat(agreed, store, circle, seen, state, now)
    sweep_left(seat)
    return seat


def _require_dealer(agreed: Agreement, *, single_dealer: bool) -> None:
    if single_dealer and agreed.dealer != "single":
        raise PolicyError(
            "ceremony: the agreement does not say that one custodian deals the secret",
            code="dealer-not-agreed",
            hint='leave out --single-dealer, or agree on dealer = "single" for a pilot',
        )
    if not single_dealer and agreed.dealer == "single":
        raise PolicyError(
            "ceremony: the agreement says that one custodian alone makes the secret",
            code="dealer-not-confirmed",
            hint="say --single-dealer, or agree on a ceremony of all custodians",
        )


def _overlap(board: Path, folder: Path) -> bool:
    one, other = board.resolve(), folder.resolve()
    return one == other or one in other.parents or other in one.parents


def _together(seat: Seat) -> Standing:
    """Commit, open, derive and close, as far as the others have come."""
    _commit(seat)
    commits = gather(seat, Commit, ceremony.faults_in_commits)
    if len(commits) < len(seat.circle.custodians):
        missing = {name: seat.name_of("commit", name) for name in seat.others if name not in commits}
        return _standing(seat, missing, committed=commits)
    if not has_said(seat, "closing"):
        own = ceremony.opening(seat.circle, commits, _kept(seat))
        stop_at(ceremony.faults_in_openings(seat.circle, commits, {seat.own: own}))
        share(seat, own.to_bytes())
        shown = open_all(seat, seat.others, lambda content: Opening.from_bytes(seat.circle, content))
        shown[seat.own] = own
        stop_at(ceremony.faults_in_openings(seat.circle, commits, shown))
        missing = {name: seat.share_of(name, seat.own) for name in seat.others if name not in shown}
        if missing:
            return _standing(seat, missing, committed=commits, opened=shown)
        drawn_by = {name: one.hidden for name, one in shown.items()}
        _settle(seat, commits, ceremony.material(seat.circle, commits, drawn_by))
    return _compare(seat, committed=commits)


def _with_a_dealer(seat: Seat) -> Standing:
    """Deal the secret, or take it, and close."""
    if not has_said(seat, "closing"):
        dealer = seat.agreed.with_role("custodian")[0].name
        if seat.own == dealer:
            material = _drawn_once(seat).contribution
            share(seat, deal(material))
        else:
            taken = open_all(seat, (dealer,), dealt)
            if not taken:
                return _standing(seat, {dealer: seat.share_of(dealer, seat.own)})
            material = taken[dealer]
        stop_at(ceremony.faults_in_dealt(dealer, material))
        _settle(seat, {}, material)
    note(seat, "ceremony-single-dealer")
    return _compare(seat, committed=())


def _commit(seat: Seat) -> None:
    if not has_said(seat, "commit"):
        hidden = _drawn_once(seat)
        say(seat, ceremony.commit(seat.circle, seat.own, hidden, created=clock.to_text(seat.now)))
    show(seat, "commit")
    note(seat, "ceremony-commit")


def _settle(seat: Seat, commits: Mapping[str, Commit], material: bytes) -> None:
    """Keep the secret, which is no linkage key until all have closed, and write the closing."""
    keep_unclosed(seat, material)
    note(seat, "ceremony-derive")
    project_key = LinkageKey(material).for_project(seat.agreed.project_fingerprint, epoch=seat.agreed.epoch)
    tags = check_tags(seat.agreed.fields, seat.agreed.passes, project_key)
    say(seat, ceremony.closing(seat.circle, seat.own, commits, tags))


def _compare(seat: Seat, *, committed: Collection[str]) -> Standing:
    """Forget the contribution, publish the closing, and hold those of the others against it.

    Only if all have closed and are equal does the secret become a linkage key.
    """
    forget(seat)
    show(seat, "closing")
    note(seat, "ceremony-close")
    own = said_by(seat, seat.own, Closing)
    closings = gather(seat, Closing, lambda circle, said: ceremony.faults_in_closings(circle, own, said))
    missing = {name: seat.name_of("closing", name) for name in seat.others if name not in closings}
    if missing:
        show_shares(seat)
    else:
        name_key(seat)
        note(seat, DONE)
        forget(seat, *(seat.share_of(seat.own, other) for other in seat.others))
    return _standing(
        seat,
        missing,
        committed=committed,
        opened=seat.circle.custodians,
        closed=closings,
        tags=CheckTags(key=own.key_tag, encoder=own.encoder_tag),
    )


def _standing(
    seat: Seat,
    missing: Mapping[str, str],
    *,
    committed: Collection[str] = (),
    opened: Collection[str] = (),
    closed: Collection[str] = (),
    tags: CheckTags | None = None,
) -> Standing:
    """Say where the ceremony stands, or who has let it stand for too long."""
    steps = [
        one.time
        for one in seat.store.ledger.entries()
        if one.event.startswith(f"{_EVENT}-") and one.fingerprint == seat.circle.fingerprint
    ]
    if steps and seat.now - clock.from_text(max(steps)) > _PATIENCE:
        late = f"was waited for longer than {DAYS} days, and has not written"
        stop_at(Fault(name, "ceremony-late", f"{late} {file}") for name, file in missing.items())
    return Standing(
        party=seat.own,
        custodians=seat.circle.custodians,
        did=tuple(seat.did),
        committed=frozenset(committed),
        opened=frozenset(opened),
        closed=frozenset(closed),
        missing=missing,
        tags=tags,
    )


def _drawn_once(seat: Seat) -> Drawn:
    """Give what was drawn, or draw it, unless there is a secret already."""
    kept = drawn(seat)
    if kept is None and (seat.store.folder / KEY).exists():
        raise other_key()
    return kept or draw(seat)


def _kept(seat: Seat) -> Drawn:
    kept = drawn(seat)
    if kept is None:
        raise lost("contribution")
    return kept


def _refused(store: Store, agreed: Agreement, code: str, *, peer: str = "") -> None:
    with contextlib.suppress(PprlError):  # what is refused stays refused
        store.ledger.append(
            event=_EVENT, outcome="refused", code=code, peer=peer, fingerprint=agreed.fingerprint
        )
