"""
Opening: fourteen steps, in one order, each of which can only refuse.

The payload is decrypted into a private folder and gets its name at the very end.  A refusal
has a code of its own, goes into the ledger, and leaves nothing behind.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pprl.errors import AuthenticationError, DataError, PolicyError, PprlError, UsageError
from pprl.exchange import clock
from pprl.exchange.checking import check_apart
from pprl.exchange.contents import Facts
from pprl.exchange.envelope import (
    ALLOWED,
    NEEDS_OPT_OUTS,
    Purpose,
    SealedManifest,
    Terms,
    require_allowed,
)
from pprl.exchange.ledger import OPEN
from pprl.exchange.optouts import require_stated
from pprl.exchange.parties import Party
from pprl.exchange.peers import peers_of, refuse_same_rows, remember, require_equal_tags
from pprl.exchange.store import Store
from pprl.exchange.unsealing import WHAT, Unsealed, unseal, verified
from pprl.files import give_name, private_temporary, refuse_existing, sync_folder
from pprl.private import refuse_private_place
from pprl.refusals import our_errors

MOST_EARLY = timedelta(hours=1)  # that the sender's clock may be ahead of this one


@dataclass(frozen=True, slots=True)
class Opened:
    """A package that was opened.

    Parameters
    ----------
    path : Path
        The payload.
    manifest : SealedManifest
        What it is bound to; all of it has been checked.
    """

    path: Path
    manifest: SealedManifest


@dataclass(frozen=True, slots=True)
class _Setting:
    """Who opens, under which agreement, and when."""

    store: Store
    terms: Terms
    party: Callable[[str], Party]
    expected: Purpose | None
    now: datetime


@dataclass(slots=True)
class _Seen:
    """As much of a package as is believed so far, for the ledger."""

    fields: dict[str, str | int] = field(default_factory=dict)


def open_sealed(
    path: Path,
    out: Path,
    *,
    store: Store,
    terms: Terms,
    party: Callable[[str], Party],
    expected: Purpose | None,
    now: datetime,
    force: bool = False,
) -> Opened:
    """Open a sealed package, if nothing at all speaks against it.

    Parameters
    ----------
    path : Path
        The sealed file.
    out : Path
        Where the payload is to appear, readable by its owner only.
    store : Store
        Of the party that opens it.
    terms : Terms
        Of the agreement.
    party : callable
        Gives the party of a name, as the agreement lists it: `Agreement.party`.
    expected : str or None
        The purpose that is expected, or None for any that this party may receive.
    now : datetime
        The time, with a time zone.
    force : bool
        Replace what is at `out`.

    Raises
    ------
    PprlError
        With a code for each reason, which `docs/sealed-packages.md` lists.

    Examples
    --------
    >>> import tempfile
    >>> from pprl.exchange.identities import Identity
    >>> from pprl.exchange.sealing import of_bytes, seal
    >>> terms = Terms("study", "0a" * 32, epoch=1, version=1, opt_outs=True)
    >>> with tempfile.TemporaryDirectory() as name:
    ...     unit, trust = (Store.create(Path(name) / one, Identity.generate(one, role), passphrase=None)
    ...         for one, role in (("unit", "linkage-unit"), ("trust", "custodian")))
    ...     sealed = seal(of_bytes(b"<!doctype html>", "report", "html"), Path(name), store=unit,
    ...         terms=terms, recipient=trust.party, now=clock.now())
    ...     parties = {"unit": unit.party, "trust": trust.party}
    ...     opened = open_sealed(sealed.path, Path(name) / "report.html", store=trust, terms=terms,
    ...         party=parties.__getitem__, expected="report", now=clock.now())
    ...     opened.path.read_bytes()
    b'<!doctype html>'
    """
    setting = _Setting(store, terms, party, expected, now)
    refuse_existing(out, force=force)
    refuse_private_place(out, what=f"output {out.name}")
    seen = _Seen()
    try:
        return _opened(path, out, setting, seen, force=force)
    except PprlError as error:
        store.ledger.append(event=OPEN, outcome="refused", code=error.code, **seen.fields)  # type: ignore[arg-type]
        raise


def _opened(path: Path, out: Path, setting: _Setting, seen: _Seen, *, force: bool) -> Opened:
    store = setting.store
    clock.refuse_implausible(setting.now, store.ledger)
    with private_temporary(out) as private:
        payload = private / "payload"
        unsealed = unseal(path, payload, store)
        manifest = verified(unsealed, setting.party)
        seen.fields = _fields(manifest)
        _require_meant(manifest, setting)
        _require_new(manifest, store)
        require_whole(manifest, unsealed)
        peers = peers_of(store.folder, manifest) if manifest.purpose == "encodings" else ()
        require_equal_tags(manifest, peers)
        facts = check_apart(payload, manifest.purpose, manifest.layout, WHAT, fresh_ids=True)
        _require_stated(manifest, facts)
        refuse_same_rows(manifest, facts.rows_digest, peers)
        _make_visible(payload, out, manifest, facts, store, force=force)
    return Opened(out, manifest)


def _fields(manifest: SealedManifest) -> dict[str, str | int]:
    """Give what the ledger is told of a package that is believed."""
    return {
        "package": manifest.package_id,
        "peer": manifest.sender,
        "purpose": manifest.purpose,
        "sequence": manifest.sequence,
        "fingerprint": manifest.fingerprint,
    }


def _require_meant(manifest: SealedManifest, setting: _Setting) -> None:
    """Raise unless the package was made for this project, purpose, party and time."""
    terms, me, now = setting.terms, setting.store.party, setting.now
    for code, found, wanted, how in (
        ("wrong-project", manifest.project, terms.project, "belongs to another project"),
        ("wrong-epoch", manifest.epoch, terms.epoch, "was made in another epoch"),
        (
            "wrong-purpose",
            manifest.purpose,
            setting.expected or manifest.purpose,
            f"holds {manifest.purpose}",
        ),
        ("wrong-recipient", manifest.recipient, me.name, "was made for another party"),
    ):
        if found != wanted:
            raise PolicyError(f"{WHAT}: {how}", code=code, hint=_ASK)
    require_allowed(manifest, setting.party(manifest.sender).role, me.role, WHAT)
    for code, same, how in (
        (
            "wrong-version",
            manifest.agreement_version == terms.version,
            f"was made under version {manifest.agreement_version} of the agreement, here is {terms.version}",
        ),
        ("wrong-agreement", manifest.fingerprint == terms.fingerprint, "was made under another agreement"),
        ("from-the-future", clock.from_text(manifest.created) <= now + MOST_EARLY, "was made in the future"),
        ("expired", now <= clock.from_text(manifest.expires), f"expired on {manifest.expires[:10]}"),
    ):
        if not same:
            raise PolicyError(f"{WHAT}: {how}", code=code, hint=_ASK)
    if terms.opt_outs and manifest.purpose in NEEDS_OPT_OUTS:
        require_stated(manifest)


def _require_new(manifest: SealedManifest, store: Store) -> None:
    """Raise if the package, or one that was made after it, has been opened before."""
    if not ALLOWED[manifest.purpose].ways:
        return  # what a party keeps for itself is opened as often as it likes
    if store.ledger.has_received(manifest.package_id):
        raise PolicyError(f"{WHAT}: was opened before", code="replayed", hint=_ASK)
    last = store.ledger.last_sequence(manifest.sender, manifest.purpose, "received")
    if manifest.sequence <= last:
        raise PolicyError(
            f"{WHAT}: has number {manifest.sequence}, and number {last} was opened before",
            code="out-of-sequence",
            hint="ask the sender to seal it again, if it is the one that is wanted",
        )


def require_whole(manifest: SealedManifest, unsealed: Unsealed) -> None:
    """Raise unless the payload is the one that was signed.

    Raises
    ------
    AuthenticationError
        ``wrong-length`` or ``wrong-digest``.
    """
    if unsealed.length != manifest.length:
        raise AuthenticationError(
            f"{WHAT}: holds {unsealed.length} bytes, its manifest says {manifest.length}",
            code="wrong-length",
            hint=_ASK,
        )
    if unsealed.sha256 != manifest.sha256:
        raise AuthenticationError(
            f"{WHAT}: holds other bytes than its sender signed", code="wrong-digest", hint=_ASK
        )


def _require_stated(manifest: SealedManifest, facts: Facts) -> None:
    """Raise unless the payload says of itself what the manifest says of it."""
    pairs = [(manifest.rows, facts.rows)]
    if manifest.purpose == "encodings":
        pairs += [(getattr(manifest, name), getattr(facts, name)) for name in _REPEATED]
    if any(stated != found for stated, found in pairs):
        raise DataError(
            f"{WHAT}: its payload has other rows, or is of another agreement or secret, than it says",
            code="row-stated",
            hint=_ASK,
        )


def _make_visible(
    payload: Path, out: Path, manifest: SealedManifest, facts: Facts, store: Store, *, force: bool
) -> None:
    with store.ledger.held():
        _require_new(manifest, store)  # another run may have opened it meanwhile
        if manifest.purpose == "encodings":
            remember(store.folder, manifest, facts.rows_digest)
        try:
            with our_errors(out):
                give_name(payload, out, force=force)
            sync_folder(out.parent)
            store.ledger.append(event=OPEN, outcome="done", **_fields(manifest))  # type: ignore[arg-type]
        except UsageError:
            raise  # another run has taken the name meanwhile
        except BaseException:
            # Nothing is visible that is not in the ledger; what was replaced cannot be brought back.
            if not force:
                with contextlib.suppress(OSError):
                    out.unlink(missing_ok=True)
            raise


_ASK = "do not use it; ask the sender what was sent"
_REPEATED = ("project", "fingerprint", "epoch", "key_tag", "encoder_tag")
