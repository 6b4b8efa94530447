"""
Explaining: what a file contains and what it does not, for whoever has to allow that it goes out.

A package tells by itself.  A sealed one tells almost nothing to anybody but its recipient,
and to the recipient what its sender signed; its payload stays sealed.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pprl.agreement import Agreement
from pprl.errors import DataError
from pprl.exchange import clock
from pprl.exchange.binding import Meant, require_meant
from pprl.exchange.checking import check_apart
from pprl.exchange.contents import KEY_COLUMN
from pprl.exchange.crosswalks import CROSSWALK_HEADER, KEY_HEADER
from pprl.exchange.envelope import PACKAGE, Purpose, SealedManifest, manifest_from
from pprl.exchange.idmaps import HEADER as ID_MAP_HEADER
from pprl.exchange.layout import Manifest
from pprl.exchange.noting import Known, note_done, refusals_noted
from pprl.exchange.opening import own_party, require_own
from pprl.exchange.package import read_manifest
from pprl.exchange.store import Store
from pprl.exchange.unsealing import WHAT, Unsealed, unseal, verified
from pprl.files import open_regular
from pprl.workflow.exchanging import require_own_keys, terms_of
from pprl.workflow.signed import SignedAgreement

EXPLAIN: Final = "explain"  # in ledgers
_START_BYTES: Final = 65536


@dataclass(frozen=True, slots=True)
class PackageSeen:
    """A package of encodings that is not sealed.

    Parameters
    ----------
    manifest : Manifest
        What it says of itself; its bytes have been checked against it.
    random_ids : bool
        Whether its record ids have the form of random ones.
    """

    manifest: Manifest
    random_ids: bool


@dataclass(frozen=True, slots=True)
class SealedSeen:
    """A sealed file.

    Parameters
    ----------
    n_bytes : int
        Its length.
    recipients : tuple of str
        The kinds of keys that it is sealed to; of whom, nobody can see.
    manifest : SealedManifest, optional
        What its sender signed; only the recipient sees it.
    sender_known : bool
        Whether both signatures are of the party that it names, with keys from the agreement.
    """

    n_bytes: int
    recipients: tuple[str, ...]
    manifest: SealedManifest | None
    sender_known: bool


@dataclass(frozen=True, slots=True)
class TableSeen:
    """A table that this software makes, not sealed.

    Parameters
    ----------
    purpose : str
        What it is for.
    n_bytes : int
        Its length.
    """

    purpose: Purpose
    n_bytes: int


Explanation = PackageSeen | SealedSeen | TableSeen


def explain(
    path: str | os.PathLike[str], *, store: Store | None = None, agreement: SignedAgreement | None = None
) -> Explanation:
    r"""Find out what a file contains, without opening it for use.

    Parameters
    ----------
    path : path
        A package, a sealed file, or a table of keys.
    store : Store, optional
        Of the party that a sealed file is for; with it the manifest is read.
    agreement : SignedAgreement, optional
        Whose keys the signatures of a sealed file are held against.

    Returns
    -------
    PackageSeen, SealedSeen or TableSeen

    Raises
    ------
    DataError
        If it is none of them.
    AuthenticationError
        If it was altered, or is not sealed to that party.
    PolicyError
        If it is of another project, epoch, version or agreement, was made for somebody else
        or has expired: as when it is opened.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "keys.csv"
    ...     _ = path.write_text("record_id,linkage_key\n")
    ...     explain(path)
    TableSeen(purpose='linkage-keys', n_bytes=22)
    """
    place = Path(path)
    what = f"file {place.name}"
    with open_regular(place, what=what) as stream:
        start = stream.read(_START_BYTES)
        n_bytes = os.fstat(stream.fileno()).st_size
    if start.startswith(b"pprl-package"):
        return _package(place, what)
    if start.startswith(b"age-encryption.org/"):
        return _sealed(place, start, n_bytes, store, agreement.agreement if agreement else None)
    for header, purpose in _TABLES.items():
        if start.startswith(header):
            return _table(place, purpose, n_bytes, what)
    if KEY_COLUMN in start.partition(b"\n")[0].decode("utf-8", errors="replace").split(","):
        return _table(place, "payload", n_bytes, what)
    raise DataError(
        f"{what}: is no package, sealed file or table of keys that pprl made",
        code="not-explained",
        hint="anything else should not go to another party",
    )


def _package(place: Path, what: str) -> PackageSeen:
    facts = check_apart(place, "encodings", PACKAGE, what, fresh_ids=False)
    with open_regular(place, what=what) as stream:
        manifest, _ = read_manifest(stream, what)
    return PackageSeen(manifest, facts.random_ids)


def _table(place: Path, purpose: Purpose, n_bytes: int, what: str) -> TableSeen:
    check_apart(place, purpose, "csv", what, fresh_ids=False)
    return TableSeen(purpose, n_bytes)


def _sealed(
    place: Path, start: bytes, n_bytes: int, store: Store | None, agreement: Agreement | None
) -> SealedSeen:
    from pprl.exchange.age.header import MAX_HEADER_BYTES, MAX_STANZAS, parse_header

    header = parse_header(start, limit=MAX_HEADER_BYTES, max_stanzas=MAX_STANZAS)
    kinds = tuple(stanza.kind for stanza in header.stanzas)
    if store is None:
        return SealedSeen(n_bytes, kinds, None, sender_known=False)
    with refusals_noted(store.ledger, EXPLAIN) as known:
        unsealed = unseal(place, None, store)
        manifest = manifest_from(unsealed.envelope.content, WHAT)
        if agreement is not None:
            _require_believed(unsealed, store, agreement, known)
            note_done(store.ledger, EXPLAIN, known)
    return SealedSeen(n_bytes, kinds, manifest, sender_known=agreement is not None)


def _require_believed(unsealed: Unsealed, store: Store, agreement: Agreement, known: Known) -> None:
    """Raise as opening would, as far as the payload is not looked at."""
    said = manifest_from(unsealed.envelope.content, WHAT)
    if said.purpose == "id-map":
        own = verified(unsealed, lambda name: own_party(name, store.party))
        known.learn(own, own.sender)
        require_own(own, store.party, agreement.project)
        return
    require_own_keys(agreement, store)
    manifest = verified(unsealed, agreement.party)
    known.learn(manifest, manifest.sender)
    meant = Meant(terms_of(agreement), manifest.purpose, store.party, clock.now())
    require_meant(manifest, agreement.party(manifest.sender).role, meant, WHAT)


_TABLES: Final[dict[bytes, Purpose]] = {
    f"{','.join(KEY_HEADER)}\n".encode(): "linkage-keys",
    f"{','.join(CROSSWALK_HEADER)}\n".encode(): "crosswalk",
    f"{','.join(ID_MAP_HEADER)}\n".encode(): "id-map",
}
