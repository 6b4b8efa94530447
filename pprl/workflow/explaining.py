"""
Explaining: what a file contains and what it does not, for whoever has to allow that it goes out.

A package tells by itself.  A sealed one tells almost nothing to anybody but its recipient,
and to the recipient what its sender signed; its payload stays sealed.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pprl.agreement import Agreement
from pprl.errors import AuthenticationError, DataError
from pprl.exchange.contents import KEY_COLUMN
from pprl.exchange.crosswalks import CROSSWALK_HEADER, KEY_HEADER
from pprl.exchange.envelope import Purpose, SealedManifest, manifest_from
from pprl.exchange.idmaps import HEADER as ID_MAP_HEADER
from pprl.exchange.layout import Manifest
from pprl.exchange.package import Octets, read_sections
from pprl.exchange.rowchecks import FRESH_ID_DIGITS
from pprl.exchange.store import Store
from pprl.exchange.unsealing import unseal, verified
from pprl.files import open_regular
from pprl.workflow.exchanging import require_own_keys
from pprl.workflow.signed import SignedAgreement

_START_BYTES = 65536


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
        manifest, sections = read_sections(place)
        return PackageSeen(manifest, _are_random(sections["record_ids"], manifest))
    if start.startswith(b"age-encryption.org/"):
        return _sealed(place, start, n_bytes, store, agreement.agreement if agreement else None)
    for header, purpose in _TABLES.items():
        if start.startswith(header):
            return TableSeen(purpose, n_bytes)
    if KEY_COLUMN in start.partition(b"\n")[0].decode("utf-8", errors="replace").split(","):
        return TableSeen("payload", n_bytes)
    raise DataError(
        f"{what}: is no package, sealed file or table of keys that pprl made",
        code="not-explained",
        hint="anything else should not go to another party",
    )


def _sealed(
    place: Path, start: bytes, n_bytes: int, store: Store | None, agreement: Agreement | None
) -> SealedSeen:
    from pprl.exchange.age.header import MAX_HEADER_BYTES, MAX_STANZAS, parse_header

    header = parse_header(start, limit=MAX_HEADER_BYTES, max_stanzas=MAX_STANZAS)
    kinds = tuple(stanza.kind for stanza in header.stanzas)
    if store is None:
        return SealedSeen(n_bytes, kinds, None, sender_known=False)
    unsealed = unseal(place, None, store)
    if agreement is None:
        manifest = manifest_from(unsealed.envelope.content, "sealed package")
        return SealedSeen(n_bytes, kinds, manifest, sender_known=False)
    require_own_keys(agreement, store)
    manifest = verified(unsealed, agreement.party)
    if manifest.recipient != store.party.name:
        raise AuthenticationError("sealed package: was made for another party", code="wrong-recipient")
    store.ledger.append(
        event="explain",
        outcome="done",
        package=manifest.package_id,
        peer=manifest.sender,
        purpose=manifest.purpose,
        sequence=manifest.sequence,
        fingerprint=manifest.fingerprint,
    )
    return SealedSeen(n_bytes, kinds, manifest, sender_known=True)


def _are_random(record_ids: Octets, manifest: Manifest) -> bool:
    """Say whether all ids are 24 hexadecimal digits, as random ones are."""
    if manifest.id_width != FRESH_ID_DIGITS:
        return manifest.rows == 0
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    return all(
        bool(np.isin(record_ids[begin : begin + _START_BYTES], digits).all())
        for begin in range(0, record_ids.size, _START_BYTES)
    )


_TABLES: dict[bytes, Purpose] = {
    f"{','.join(KEY_HEADER)}\n".encode(): "linkage-keys",
    f"{','.join(CROSSWALK_HEADER)}\n".encode(): "crosswalk",
    f"{','.join(ID_MAP_HEADER)}\n".encode(): "id-map",
}
