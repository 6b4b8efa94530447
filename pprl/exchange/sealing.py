"""
Sealing: a payload is bound to its purpose, signed twice and encrypted to one party.

What is sealed is given in pieces: once for its digest, unless the checks have given that, and
once to encrypt it.  It is never in memory whole, and nothing is written in the clear.  What is
not the same the second time is not sealed.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from pprl.errors import DataError
from pprl.exchange import clock
from pprl.exchange.contents import Facts
from pprl.exchange.digests import digesting
from pprl.exchange.envelope import (
    ALLOWED,
    MANIFEST_TYPE,
    NEEDS_OPT_OUTS,
    Layout,
    OptOuts,
    Purpose,
    SealedManifest,
    Terms,
    envelope_of,
    require_allowed,
)
from pprl.exchange.ledger import SEAL
from pprl.exchange.noting import Known, note_done, refusals_noted
from pprl.exchange.optouts import missing
from pprl.exchange.parties import Party
from pprl.exchange.store import Store
from pprl.files import open_regular, write_whole
from pprl.keys import random_bytes

SUFFIX = ".age"
_PIECE_BYTES = 1 << 20
_WHAT = "what is sealed"


@dataclass(frozen=True, slots=True)
class Content:
    """What is sealed.

    Parameters
    ----------
    purpose, layout : str
        What it is for, and how it is written.
    facts : Facts
        What the checks said of it.  Nothing but what has the digest that they give is sealed.
    pieces : callable
        Gives its bytes, from the beginning each time it is called.
    """

    purpose: Purpose
    layout: Layout
    facts: Facts
    pieces: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A package that was sealed.

    Parameters
    ----------
    path : Path
        The file.
    manifest : SealedManifest
        What it is bound to.
    """

    path: Path
    manifest: SealedManifest


def of_file(path: Path, purpose: Purpose, layout: Layout, facts: Facts) -> Content:
    """Seal a file as it is."""
    return Content(purpose, layout, facts, functools.partial(_pieces_of, path))


def of_bytes(content: bytes, purpose: Purpose, layout: Layout, *, rows: int = 1) -> Content:
    """Seal bytes that this software has made just now."""
    return Content(purpose, layout, Facts(rows=rows), lambda: iter([content]))


def seal(
    content: Content,
    folder: Path,
    *,
    store: Store,
    terms: Terms,
    recipient: Party,
    now: datetime,
    opt_out: OptOuts | None = None,
    package_id: str = "",
    about: str = "",
) -> Sealed:
    """Seal what has been checked, into a file that only the recipient can open.

    The entry in the ledger comes before the file has its name, so nothing leaves that is not
    in it.

    Parameters
    ----------
    content : Content
        What is sealed.
    folder : Path
        Where to; the file is called after its package's id, and after that of `about` if it
        has one.
    store : Store
        Of the sender.
    terms : Terms
        Of the agreement.
    recipient : Party
        From the agreement.
    now : datetime
        The time, with a time zone.
    opt_out : OptOuts, optional
        The statement on opt-outs.
    package_id : str, optional
        32 hexadecimal digits that were drawn before; by default they are drawn.
    about : str, optional
        Of an id map: the package that it belongs to.

    Raises
    ------
    PolicyError
        If the roles may not send such a thing, or a statement is missing.
    DataError
        If the content changes meanwhile.
    ResourceError
        If the disk is full, or another run holds the ledger.

    Examples
    --------
    >>> import tempfile
    >>> from pprl.exchange.identities import Identity
    >>> terms = Terms("study", "0a" * 32, epoch=1, version=1, opt_outs=True)
    >>> trust = Identity.generate("trust", "custodian").party
    >>> with tempfile.TemporaryDirectory() as name:
    ...     unit = Identity.generate("unit", "linkage-unit")
    ...     unit = Store.create(Path(name) / "unit", unit, passphrase=None)
    ...     sealed = seal(of_bytes(b"<!doctype html>", "report", "html"), Path(name), store=unit,
    ...         terms=terms, recipient=trust, now=clock.now())
    >>> sealed.manifest.sequence, sealed.path.name == f"{sealed.manifest.package_id}.age"
    (1, True)
    """
    known = Known(peer=recipient.name, purpose=content.purpose, fingerprint=terms.fingerprint)
    with refusals_noted(store.ledger, SEAL, known):
        clock.refuse_implausible(now, store.ledger)
        if terms.opt_outs and content.purpose in NEEDS_OPT_OUTS and opt_out is None:
            raise missing()
        measured = _Measured(*_measured(content), now, opt_out, about)
        drawn = package_id or random_bytes(16).hex()
        with store.ledger.held():
            last = store.ledger.last_sequence(recipient.name, content.purpose, "sent", terms.fingerprint)
            manifest = _manifest(
                content, measured, terms, (store.party.name, recipient.name), drawn, last + 1
            )
            known.learn(manifest, recipient.name)
            require_allowed(manifest, store.party.role, recipient.role, _WHAT)
            path = folder / f"{about or drawn}{SUFFIX}"
            _write(path, manifest, content, store, recipient)
    return Sealed(path, manifest)


def _manifest(
    content: Content,
    measured: "_Measured",
    terms: Terms,
    ends: tuple[str, str],
    package_id: str,
    sequence: int,
) -> SealedManifest:
    expires = measured.now + timedelta(days=ALLOWED[content.purpose].days)
    return SealedManifest(
        version=1,
        project=terms.project,
        fingerprint=terms.fingerprint,
        epoch=terms.epoch,
        agreement_version=terms.version,
        purpose=content.purpose,
        sender=ends[0],
        recipient=ends[1],
        package_id=package_id,
        sequence=sequence,
        created=clock.to_text(measured.now),
        expires=clock.to_text(expires),
        rows=content.facts.rows,
        length=measured.length,
        sha256=measured.sha256,
        layout=content.layout,
        key_tag=content.facts.key_tag,
        encoder_tag=content.facts.encoder_tag,
        about=measured.about,
        opt_out=measured.opt_out,
    )


def _write(path: Path, manifest: SealedManifest, content: Content, store: Store, recipient: Party) -> None:
    known = Known()
    known.learn(manifest, recipient.name)
    noted = False
    try:
        with write_whole(path) as stream:
            _encrypt(stream, manifest, content, store, recipient)
            note_done(store.ledger, SEAL, known)
            noted = True
    except BaseException:
        if noted:
            # It may have its name already: its folder could not be flushed, or somebody interrupts.
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        raise


def _encrypt(
    stream: BinaryIO, manifest: SealedManifest, content: Content, store: Store, recipient: Party
) -> None:
    from pprl.exchange.age import PqRecipient, encrypt_stream

    signed = manifest.to_bytes()
    with digesting() as digest, encrypt_stream(stream, [PqRecipient.parse(recipient.age)]) as sealed:
        sealed.write(envelope_of(signed, store.identity.sign(MANIFEST_TYPE, signed)))
        for piece in content.pieces():
            digest.update(piece)
            sealed.write(piece)
        found = digest.hexdigest()
    if found != manifest.sha256:
        raise DataError(
            f"{_WHAT}: changed while it was being read",
            code="changed-while-read",
            hint="wait until it is complete, or work on a copy",
        )


@dataclass(frozen=True, slots=True)
class _Measured:
    """What a manifest says besides the content's facts."""

    sha256: str
    length: int
    now: datetime
    opt_out: OptOuts | None
    about: str


def _measured(content: Content) -> tuple[str, int]:
    if content.facts.sha256:
        return content.facts.sha256, content.facts.length
    with digesting() as digest:
        for piece in content.pieces():
            digest.update(piece)
        return digest.hexdigest(), digest.length


def _pieces_of(path: Path) -> Iterator[bytes]:
    with open_regular(path, what=_WHAT) as stream:
        yield from iter(functools.partial(stream.read, _PIECE_BYTES), b"")
