"""
Sealing: a payload is bound to its purpose, signed twice and encrypted to one party.

What is sealed is given in pieces, once: it is digested and encrypted on the way.  The manifest and
its signatures stand in front of it, and are written last.  It is never in memory whole, nothing
is written in the clear, and what is not as it was when it was checked is not sealed.
"""

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import msgspec

from pprl.exchange import clock
from pprl.exchange.bodies import Body, whole
from pprl.exchange.contents import Facts
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
from pprl.exchange.signing import SIGNATURE_BYTES, Signature
from pprl.exchange.store import Store
from pprl.files import changed, open_regular, write_whole
from pprl.keys import random_bytes

SUFFIX = ".age"
_PIECE_BYTES = 1 << 20
_WHAT = "what is sealed"
_UNKNOWN = "0" * 64  # in the place of a digest that is not known yet


@dataclass(frozen=True, slots=True)
class Content:
    """What is sealed.

    Parameters
    ----------
    purpose, layout : str
        What it is for, and how it is written.
    facts : Facts
        What the checks said of it.  If they give a digest, nothing else is sealed.
    body : Body
        Its bytes.
    """

    purpose: Purpose
    layout: Layout
    facts: Facts
    body: Body


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
    return Content(purpose, layout, facts, whole(functools.partial(_pieces_of, path), facts.length))


def of_bytes(content: bytes, purpose: Purpose, layout: Layout, *, rows: int = 1) -> Content:
    """Seal bytes that this software has made just now."""
    return Content(purpose, layout, Facts(rows=rows), whole(lambda: iter([content]), len(content)))


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
        drawn = package_id or random_bytes(16).hex()
        with store.ledger.held():
            last = store.ledger.last_sequence(recipient.name, content.purpose, "sent", terms.fingerprint)
            draft = SealedManifest(
                version=1,
                project=terms.project,
                fingerprint=terms.fingerprint,
                epoch=terms.epoch,
                agreement_version=terms.version,
                purpose=content.purpose,
                sender=store.party.name,
                recipient=recipient.name,
                package_id=drawn,
                sequence=last + 1,
                created=clock.to_text(now),
                expires=clock.to_text(now + timedelta(days=ALLOWED[content.purpose].days)),
                rows=content.facts.rows,
                length=content.body.length,
                sha256=_UNKNOWN,
                layout=content.layout,
                key_tag=content.facts.key_tag,
                encoder_tag=content.facts.encoder_tag,
                about=about,
                opt_out=opt_out,
            )
            known.learn(draft, recipient.name)
            require_allowed(draft, store.party.role, recipient.role, _WHAT)
            path = folder / f"{about or drawn}{SUFFIX}"
            manifest = _write(path, draft, content, store, recipient, known)
    return Sealed(path, manifest)


def _write(
    path: Path, draft: SealedManifest, content: Content, store: Store, recipient: Party, known: Known
) -> SealedManifest:
    noted = False
    try:
        with write_whole(path) as stream:
            manifest = _encrypt(stream, draft, content, store, recipient)
            note_done(store.ledger, SEAL, known)
            noted = True
    except BaseException:
        if noted:
            # It may have its name already: its folder could not be flushed, or somebody interrupts.
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        raise
    return manifest


def _encrypt(
    stream: BinaryIO, draft: SealedManifest, content: Content, store: Store, recipient: Party
) -> SealedManifest:
    """Encrypt a body on its way, and then the envelope in front of it, which only now can be signed."""
    from pprl.exchange.age import PqRecipient, encrypt_stream

    body = content.body
    n_first = len(envelope_of(draft.to_bytes(), _UNSIGNED)) + body.n_first
    with encrypt_stream(stream, [PqRecipient.parse(recipient.age)], n_first=n_first) as sealed:
        ending = body.pour(sealed.write)
        if sealed.n_bytes + body.n_first != body.length or content.facts.sha256 not in {"", ending.sha256}:
            raise changed(_WHAT)
        manifest = msgspec.structs.replace(draft, sha256=ending.sha256)
        signed = manifest.to_bytes()
        envelope = envelope_of(signed, store.identity.sign(MANIFEST_TYPE, signed))
        sealed.begin_with(envelope + ending.first)
    return manifest


_UNSIGNED = tuple(Signature.of(algorithm, bytes(n_bytes)) for algorithm, n_bytes in SIGNATURE_BYTES.items())


def _pieces_of(path: Path) -> Iterator[bytes]:
    with open_regular(path, what=_WHAT) as stream:
        yield from iter(functools.partial(stream.read, _PIECE_BYTES), b"")
