"""
Opening: fourteen steps, in one order, each of which can only refuse.

The payload is decrypted into a private folder and gets its name at the very end, after its
entry in the ledger.  A refusal has a code of its own, goes into the ledger, and leaves nothing
behind.
"""

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pprl.errors import AuthenticationError, DataError, PolicyError
from pprl.exchange import clock
from pprl.exchange.binding import ASK, Meant, require_meant
from pprl.exchange.checking import check_apart
from pprl.exchange.contents import Facts
from pprl.exchange.envelope import CEREMONY_ONLY, NEEDS_OPT_OUTS, Purpose, SealedManifest, Terms
from pprl.exchange.ledger import OPEN
from pprl.exchange.noting import TAKEN_BACK, Known, note_done, received, refusals_noted
from pprl.exchange.optouts import require_stated
from pprl.exchange.parties import Party
from pprl.exchange.peers import peers_of, refuse_same_rows, remember, require_equal_tags
from pprl.exchange.store import Store
from pprl.exchange.unsealing import WHAT, Unsealed, unseal, verified
from pprl.files import give_name, private_temporary, refuse_existing
from pprl.private import refuse_private_place

_OWN: Purpose = "id-map"


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
class _Output:
    """Where a payload is, and where it is to appear."""

    payload: Path
    path: Path
    force: bool


def open_sealed(
    path: Path,
    out: Path,
    *,
    store: Store,
    terms: Terms,
    party: Callable[[str], Party],
    expected: Purpose,
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
    expected : str
        The purpose that is expected.
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
    with refusals_noted(store.ledger, OPEN) as known, _ready(out, force=force) as output:
        require_opened_by_verb(expected)
        clock.refuse_implausible(now, store.ledger)
        unsealed = unseal(path, output.payload, store)
        manifest = verified(unsealed, party)
        known.learn(manifest, manifest.sender)
        sender = party(manifest.sender)
        require_meant(manifest, sender.role, Meant(terms, expected, store.party, now), WHAT)
        if terms.opt_outs and manifest.purpose in NEEDS_OPT_OUTS:
            require_stated(manifest)
        _require_new(manifest, store)
        require_whole(manifest, unsealed)
        _hold_against_peers(manifest, store)
        facts = check_apart(
            output.payload, manifest.purpose, manifest.layout, WHAT, fresh_ids=True, sender=sender
        )
        _require_stated(manifest, facts)
        with store.ledger.held():  # another run may have opened this, or another package, meanwhile
            _require_new(manifest, store)
            _hold_against_peers(manifest, store, facts.rows_digest)
            _make_visible(output, manifest, facts, store, known)
    return Opened(out, manifest)


def open_own(path: Path, out: Path, *, store: Store, project: str | None, force: bool = False) -> Opened:
    r"""Open an id map that a party has sealed for itself.

    It was signed by the very party that opens it, so no version, epoch, expiry or removal of
    an agreement can keep its owner from it.

    Parameters
    ----------
    path : Path
        The sealed file.
    out : Path
        Where the map is to appear, readable by its owner only.
    store : Store
        Of the party.
    project : str or None
        Of the agreement, if one is at hand; a map of another project is refused.
    force : bool
        Replace what is at `out`.

    Raises
    ------
    PprlError
        If it is not sealed to this party and signed by it, is something else than an id map
        or of another project, or was altered.

    Examples
    --------
    >>> import tempfile
    >>> from pprl.exchange.identities import Identity
    >>> from pprl.exchange.sealing import of_bytes, seal
    >>> terms = Terms("study", "0a" * 32, epoch=1, version=1, opt_outs=True)
    >>> with tempfile.TemporaryDirectory() as name:
    ...     trust = Identity.generate("trust", "custodian")
    ...     trust = Store.create(Path(name) / "trust", trust, passphrase=None)
    ...     sealed = seal(of_bytes(b"record_id,local_id\n", "id-map", "csv", rows=0), Path(name),
    ...         store=trust, terms=terms, recipient=trust.party, now=clock.now())
    ...     opened = open_own(sealed.path, Path(name) / "id-map.csv", store=trust, project="study")
    ...     opened.path.read_bytes()
    b'record_id,local_id\n'
    """
    with refusals_noted(store.ledger, OPEN) as known, _ready(out, force=force) as output:
        unsealed = unseal(path, output.payload, store)
        manifest = verified(unsealed, lambda name: own_party(name, store.party))
        known.learn(manifest, manifest.sender)
        require_own(manifest, store.party, project)
        require_whole(manifest, unsealed)
        facts = check_apart(output.payload, manifest.purpose, manifest.layout, WHAT, fresh_ids=True)
        _require_stated(manifest, facts)
        with store.ledger.held():
            _make_visible(output, manifest, facts, store, known)
    return Opened(out, manifest)


def own_party(name: str, party: Party) -> Party:
    """Give a party under its own name.

    Raises
    ------
    PolicyError
        If the name is another one (``unknown-sender``).
    """
    if name != party.name:
        raise PolicyError(
            f"{WHAT}: was not sealed by this party for itself",
            code="unknown-sender",
            hint="an id map comes from your own folder; what others sent is opened as what they sent",
        )
    return party


def require_own(manifest: SealedManifest, party: Party, project: str | None) -> None:
    """Raise unless a manifest is that of a party's own id map, of this project if one is given.

    Raises
    ------
    PolicyError
        ``wrong-project``, ``wrong-purpose`` or ``wrong-recipient``.
    """
    for code, is_right, how in (
        ("wrong-project", project in {None, manifest.project}, "belongs to another project"),
        ("wrong-purpose", manifest.purpose == _OWN, f"holds {manifest.purpose}"),
        ("wrong-recipient", manifest.recipient == party.name, "was made for another party"),
    ):
        if not is_right:
            raise PolicyError(f"{WHAT}: {how}", code=code, hint=ASK)


def require_opened_by_verb(purpose: Purpose) -> None:
    """Raise for what only the ceremony seals and opens.

    Raises
    ------
    PolicyError
        ``ceremony-only``.

    Examples
    --------
    >>> require_opened_by_verb("report")
    """
    if purpose in CEREMONY_ONLY:
        raise PolicyError(
            f"{purpose}: is sealed and opened by the ceremony alone",
            code="ceremony-only",
            hint="run `pprl key ceremony`; a secret is never sent as a file",
        )


@contextlib.contextmanager
def _ready(out: Path, *, force: bool) -> Generator[_Output]:
    """Give a private place for the payload, if there may be an output at all."""
    refuse_existing(out, force=force)
    refuse_private_place(out, what=f"output {out.name}")
    with private_temporary(out) as private:
        yield _Output(private / "payload", out, force)


def _require_new(manifest: SealedManifest, store: Store) -> None:
    """Raise if the package, or one that was made after it, has been opened before."""
    known = received(store.ledger)
    if manifest.package_id in known.packages:
        raise PolicyError(f"{WHAT}: was opened before", code="replayed", hint=ASK)
    last = known.last.get((manifest.sender, manifest.purpose, manifest.fingerprint), 0)
    if manifest.sequence <= last:
        raise PolicyError(
            f"{WHAT}: has number {manifest.sequence}, and number {last} was opened before",
            code="out-of-sequence",
            hint="ask the sender to seal it again, if it is the one that is wanted",
        )


def _hold_against_peers(manifest: SealedManifest, store: Store, rows_digest: str = "") -> None:
    """Raise unless encodings have the check tags of all other senders', and not their rows."""
    if manifest.purpose != "encodings":
        return
    peers = peers_of(store.folder, manifest, received(store.ledger).packages)
    require_equal_tags(manifest, peers)
    refuse_same_rows(manifest, rows_digest, peers)


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
            hint=ASK,
        )
    if unsealed.sha256 != manifest.sha256:
        raise AuthenticationError(
            f"{WHAT}: holds other bytes than its sender signed", code="wrong-digest", hint=ASK
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
            hint=ASK,
        )


def _make_visible(
    output: _Output, manifest: SealedManifest, facts: Facts, store: Store, known: Known
) -> None:
    """Write the entry, and give the payload its name; nothing is visible that is not in the ledger."""
    note_done(store.ledger, OPEN, known)
    try:
        if manifest.purpose == "encodings":
            remember(store.folder, manifest, facts.rows_digest)
        give_name(output.payload, output.path, force=output.force)
    except BaseException:
        if _is_taken_back(output):
            known.note = TAKEN_BACK  # it may be opened again
        raise


def _is_taken_back(output: _Output) -> bool:
    """Take the name away again if it was given, and say whether the output is as it was before."""
    if not output.payload.exists():
        return False  # it has replaced what was there, or another link could not be made
    with contextlib.suppress(OSError):
        if not output.path.exists() or not output.path.samefile(output.payload):
            return True
        output.path.unlink()
        return True
    return False


_REPEATED = ("project", "fingerprint", "epoch", "key_tag", "encoder_tag")
