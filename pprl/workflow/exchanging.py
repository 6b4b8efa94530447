"""
Between parties: what goes out is sealed, and what comes in is opened, under a signed agreement.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from pprl.agreement import Agreement
from pprl.errors import PolicyError
from pprl.exchange import clock
from pprl.exchange.bodies import whole
from pprl.exchange.checking import check_apart
from pprl.exchange.contents import Facts, layout_of
from pprl.exchange.envelope import ALLOWED, NEEDS_OPT_OUTS, PACKAGE, OptOuts, Purpose, SealedManifest, Terms
from pprl.exchange.ledger import OPEN, SEAL
from pprl.exchange.noting import refusals_noted
from pprl.exchange.opening import Opened, open_own, open_sealed, require_opened_by_verb
from pprl.exchange.optouts import Statement, missing, read_statement
from pprl.exchange.parties import Party
from pprl.exchange.sealing import SUFFIX, Content, Sealed, of_file, seal
from pprl.exchange.shuffling import Shuffled, shuffle
from pprl.exchange.store import Store
from pprl.files import changed, make_folder, open_regular, unchanged_since_now
from pprl.keys import random_bytes
from pprl.workflow.calls import require_type
from pprl.workflow.signed import SignedAgreement, require_latest

ID_MAPS = "id-maps"
_START_BYTES = 512


@dataclass(frozen=True, slots=True)
class Sent:
    """What sealing made.

    Parameters
    ----------
    path : Path
        The sealed file, for the recipient.
    manifest : SealedManifest
        What it is bound to.
    id_map : Path, optional
        Of encodings: the way back to the custodian's own ids, sealed to the custodian.
    """

    path: Path
    manifest: SealedManifest
    id_map: Path | None


def seal_package(
    source: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    purpose: Purpose,
    to: str,
    store: Store,
    agreement: SignedAgreement,
    opt_outs: Path | None = None,
    now: datetime | None = None,
) -> Sent:
    """Seal a file for a party of the agreement.

    Encodings get fresh random record ids and a random order; the way back is sealed to the
    custodian itself and kept in its own folder.  Everything else is sealed as it is, after a
    check that it has the form of its purpose.

    Parameters
    ----------
    source : path
        What is sealed.
    folder : path
        Where to write the sealed file, which is called after a random id.
    purpose : str
        What it is for: one of `pprl.exchange.envelope.PURPOSES`.
    to : str
        Name of the recipient in the agreement.
    store : Store
        Of the sender.
    agreement : SignedAgreement
        The agreement, signed by all its parties.
    opt_outs : path, optional
        The statement that opt-outs were applied to these encodings.
    now : datetime, optional
        The time, with a time zone; by default that of this machine.

    Returns
    -------
    Sent
        The file, what it is bound to, and the id map.

    Raises
    ------
    PolicyError
        If the parties may not send such a thing, the file is something else than its purpose
        says, or a statement on opt-outs is missing, old or on another file.
    DataError
        If a row cannot be right.

    Examples
    --------
    >>> seal_package("a.pprl", ".", purpose="encodings", to="unit", store=None, agreement=None)
    Traceback (most recent call last):
    pprl.errors.UsageError: store: wanted Store, got NoneType
    """
    require_type("store", store, Store)
    require_type("agreement", agreement, SignedAgreement)
    place, agreed, moment = Path(source), agreement.agreement, now or clock.now()
    with refusals_noted(store.ledger, SEAL) as known:
        recipient = _recipient(purpose, to, store, agreed)
        known.peer, known.purpose = recipient.name, purpose
        stated = _statement(purpose, opt_outs, agreed, moment)
        unchanged = unchanged_since_now(place, what=f"file {place.name}")
        content = _checked(place, purpose, store.party)
        opt_out = None if stated is None else stated.about(content.facts.manifest)
        shuffled = _shuffled(place, content.facts, agreed, unchanged) if purpose == "encodings" else None
    sealing = _Sealing(Path(folder), store, terms_of(agreed), recipient, moment)
    if shuffled is None:
        sealed = sealing.seal(content)
        return Sent(sealed.path, sealed.manifest, None)
    return _seal_shuffled(shuffled, content.facts, sealing, opt_out)


@dataclass(frozen=True, slots=True)
class _Sealing:
    """To whom, under what and when something is sealed."""

    folder: Path
    store: Store
    terms: Terms
    recipient: Party
    now: datetime

    def seal(self, content: Content, *, package_id: str = "", opt_out: OptOuts | None = None) -> Sealed:
        return seal(
            content,
            self.folder,
            store=self.store,
            terms=self.terms,
            recipient=self.recipient,
            now=self.now,
            package_id=package_id,
            opt_out=opt_out,
        )


def _seal_shuffled(shuffled: Shuffled, facts: Facts, sealing: _Sealing, opt_out: OptOuts | None) -> Sent:
    """Seal encodings for their recipient, after the way back from them for the custodian itself."""
    package_id = random_bytes(16).hex()
    id_map = _keep_id_map(shuffled, package_id, sealing)
    content = Content("encodings", PACKAGE, facts, shuffled.body())
    try:
        sealed = sealing.seal(content, package_id=package_id, opt_out=opt_out)
    except BaseException:
        # Without its package the map leads nowhere; with it, it is the only way back.
        if not (sealing.folder / f"{package_id}{SUFFIX}").exists():
            id_map.path.unlink(missing_ok=True)
        raise
    return Sent(sealed.path, sealed.manifest, id_map.path)


def open_package(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    purpose: Purpose,
    store: Store,
    agreement: SignedAgreement | None,
    now: datetime | None = None,
    force: bool = False,
) -> Opened:
    """Open a sealed file, if nothing at all speaks against it.

    Parameters
    ----------
    path : path
        The sealed file.
    out : path
        Where its payload is to appear.
    purpose : str
        What is expected; something else is refused.
    store : Store
        Of the party that opens it.
    agreement : SignedAgreement or None
        The agreement, signed by all its parties.  An id map, which a custodian has sealed for
        itself, needs none; if there is one, the map must be of its project.
    now : datetime, optional
        The time, with a time zone; by default that of this machine.
    force : bool
        Replace what is at `out`.

    Returns
    -------
    Opened
        Where the payload is, and what it is bound to.

    Raises
    ------
    PprlError
        With a code for each reason, which `docs/sealed-packages.md` lists.

    Examples
    --------
    >>> open_package("a.age", "a.pprl", purpose="encodings", store=None, agreement=None)
    Traceback (most recent call last):
    pprl.errors.UsageError: store: wanted Store, got NoneType
    """
    require_type("store", store, Store)
    if purpose == "id-map":
        project = agreement.agreement.project if agreement else None
        return open_own(Path(path), Path(out), store=store, project=project, force=force)
    require_type("agreement", agreement, SignedAgreement)
    agreed = cast("SignedAgreement", agreement).agreement
    with refusals_noted(store.ledger, OPEN):
        require_own_keys(agreed, store)
        require_latest(agreed, store)
    return open_sealed(
        Path(path),
        Path(out),
        store=store,
        terms=terms_of(agreed),
        party=agreed.party,
        expected=purpose,
        now=now or clock.now(),
        force=force,
    )


def load_signed(path: Path, store: Store, event: str) -> SignedAgreement:
    """Read a signed agreement as `SignedAgreement.load`, and note in the ledger if it is refused.

    Parameters
    ----------
    path : Path
        The agreement.
    store : Store
        Of the party that wants to do something under it.
    event : str
        What that is, in the words of the ledger.
    """
    with refusals_noted(store.ledger, event):
        return SignedAgreement.load(path)


def terms_of(agreement: Agreement) -> Terms:
    """Say what packages are bound to of an agreement.

    Examples
    --------
    >>> terms_of(Agreement.preset("febrl")).project
    'febrl'
    """
    return Terms(
        project=agreement.project,
        fingerprint=agreement.fingerprint,
        epoch=agreement.epoch,
        version=agreement.version,
        opt_outs=agreement.opt_outs == "required",
    )


def require_own_keys(agreement: Agreement, store: Store) -> None:
    """Raise unless the agreement lists this very party.

    Raises
    ------
    PolicyError
        If it lists no such party, has removed it, or lists other keys.
    """
    if agreement.party(store.party.name) != store.party:
        raise PolicyError(
            f"agreement: lists other keys, or another role, of the party {store.party.name}",
            code="other-keys",
            hint="is this your folder, and the agreement that was read to the others?",
        )


def _recipient(purpose: Purpose, to: str, store: Store, agreed: Agreement) -> Party:
    """Give the recipient, and refuse before anything is read what would be refused in the end."""
    require_opened_by_verb(purpose)
    require_own_keys(agreed, store)
    require_latest(agreed, store)
    sender, recipient = store.party, agreed.party(to)
    if (sender.role, recipient.role) not in ALLOWED[purpose].ways or sender.name == recipient.name:
        raise PolicyError(
            f"{purpose} do not go from {sender.role} to {recipient.role}",
            code="wrong-role",
            hint="docs/sealed-packages.md has the table of who may send what to whom",
        )
    return recipient


def _statement(purpose: Purpose, path: Path | None, agreed: Agreement, now: datetime) -> Statement | None:
    if purpose not in NEEDS_OPT_OUTS:
        return None
    if path is None and agreed.opt_outs == "required":
        raise missing()
    return None if path is None else read_statement(path, now)


def _checked(place: Path, purpose: Purpose, sender: Party) -> Content:
    """Check a file in a process with limits; nothing but the bytes that it saw can then be sealed."""
    what = f"file {place.name}"
    with open_regular(place, what=what) as stream:
        layout = layout_of(stream.read(_START_BYTES), purpose, what)
    facts = check_apart(place, purpose, layout, what, fresh_ids=False, sender=sender)
    return of_file(place, purpose, layout, facts)


def _shuffled(place: Path, facts: Facts, agreed: Agreement, unchanged: Callable[[], None]) -> Shuffled:
    """Give encodings fresh ids and a random order, if they are those that were checked."""
    _require_made_under(agreed, facts)
    shuffled = shuffle(place, unchanged)
    if shuffled.source != facts.manifest:
        raise changed(f"file {place.name}")
    return shuffled


def _require_made_under(agreement: Agreement, facts: Facts) -> None:
    for name, code, found, wanted in (
        ("project", "wrong-project", facts.project, agreement.project),
        ("epoch", "wrong-epoch", facts.epoch, agreement.epoch),
        ("fingerprint", "wrong-agreement", facts.fingerprint, agreement.fingerprint),
    ):
        if found != wanted:
            raise PolicyError(
                f"encodings: were not made under this agreement: {name} differs",
                code=code,
                hint="encode again with the agreement that all parties signed",
            )


def _keep_id_map(shuffled: Shuffled, package_id: str, sealing: _Sealing) -> Sealed:
    """Seal the way back to the custodian itself, in its own folder, before anything can go out."""
    store = sealing.store
    folder = store.folder / ID_MAPS
    with refusals_noted(store.ledger, SEAL):
        make_folder(folder)
    body = whole(shuffled.id_map, shuffled.id_map_length())
    content = Content("id-map", "csv", Facts(rows=shuffled.n_real), body)
    return seal(
        content,
        folder,
        store=store,
        terms=sealing.terms,
        recipient=store.party,
        now=sealing.now,
        about=package_id,
    )
