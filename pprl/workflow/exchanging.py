"""
Between parties: what goes out is sealed, and what comes in is opened, under a signed agreement.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pprl.agreement import Agreement
from pprl.errors import DataError, PolicyError
from pprl.exchange import clock
from pprl.exchange.checking import check_apart
from pprl.exchange.contents import Facts, layout_of
from pprl.exchange.envelope import ALLOWED, NEEDS_OPT_OUTS, Layout, Purpose, SealedManifest, Terms
from pprl.exchange.opening import Opened, open_sealed
from pprl.exchange.optouts import read_statement
from pprl.exchange.parties import Party
from pprl.exchange.sealing import Content, Sealed, of_file, seal
from pprl.exchange.shuffling import Shuffled, shuffle
from pprl.exchange.store import Store
from pprl.files import make_folder, open_regular
from pprl.keys import random_bytes
from pprl.workflow.calls import require_type
from pprl.workflow.signed import SignedAgreement

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
    place, moment = Path(source), now or clock.now()
    agreed = agreement.agreement
    require_own_keys(agreed, store)
    recipient = agreed.party(to)
    _require_way(purpose, store.party, recipient)
    stated = None
    if opt_outs is not None and purpose in NEEDS_OPT_OUTS:
        stated = read_statement(opt_outs, place, moment)
    layout = _layout(place, purpose)
    facts = check_apart(place, purpose, layout, f"file {place.name}", fresh_ids=False)
    terms = terms_of(agreed)
    if purpose != "encodings":
        sealed = seal(
            of_file(place, purpose, layout, facts),
            Path(folder),
            store=store,
            terms=terms,
            recipient=recipient,
            now=moment,
        )
        return Sent(sealed.path, sealed.manifest, None)
    _require_made_under(agreed, facts)
    shuffled, package_id = shuffle(place), random_bytes(16).hex()
    if (len(shuffled), shuffled.manifest.key_tag) != (facts.rows, facts.key_tag):
        raise DataError(f"file {place.name}: changed while it was being read", code="changed-while-read")
    content = Content(purpose, layout, facts, shuffled.pieces)
    id_map = _keep_id_map(shuffled, package_id, store, terms, moment)
    try:
        sealed = seal(
            content,
            Path(folder),
            store=store,
            terms=terms,
            recipient=recipient,
            now=moment,
            opt_out=stated,
            package_id=package_id,
        )
    except BaseException:
        id_map.path.unlink(missing_ok=True)  # it leads back from a package that there is not
        raise
    return Sent(sealed.path, sealed.manifest, id_map.path)


def open_package(
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    store: Store,
    agreement: SignedAgreement,
    purpose: Purpose | None = None,
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
    store : Store
        Of the party that opens it.
    agreement : SignedAgreement
        The agreement, signed by all its parties.
    purpose : str, optional
        What is expected; something else is refused.
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
    >>> open_package("a.age", "a.pprl", store=None, agreement=None)
    Traceback (most recent call last):
    pprl.errors.UsageError: store: wanted Store, got NoneType
    """
    require_type("store", store, Store)
    require_type("agreement", agreement, SignedAgreement)
    agreed = agreement.agreement
    require_own_keys(agreed, store)
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


def _require_way(purpose: Purpose, sender: Party, recipient: Party) -> None:
    """Refuse before anything is read what would be refused in the end."""
    if (sender.role, recipient.role) not in ALLOWED[purpose].ways or sender.name == recipient.name:
        raise PolicyError(
            f"{purpose} do not go from {sender.role} to {recipient.role}",
            code="wrong-role",
            hint="docs/sealed-packages.md has the table of who may send what to whom",
        )


def _layout(place: Path, purpose: Purpose) -> Layout:
    what = f"file {place.name}"
    with open_regular(place, what=what) as stream:
        return layout_of(stream.read(_START_BYTES), purpose, what)


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


def _keep_id_map(shuffled: Shuffled, package_id: str, store: Store, terms: Terms, now: datetime) -> Sealed:
    """Seal the way back to the custodian itself, in its own folder, before anything can go out."""
    folder = store.folder / ID_MAPS
    make_folder(folder)
    content = Content("id-map", "csv", Facts(rows=shuffled.n_real), shuffled.id_map)
    return seal(content, folder, store=store, terms=terms, recipient=store.party, now=now, about=package_id)
