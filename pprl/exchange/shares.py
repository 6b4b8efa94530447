"""
Key shares: what one custodian seals to another one for the ceremony.

A share is a sealed package of the purpose ``key-share``.  Unlike other packages it is opened
in memory, so that it is never written down in the clear, and it may be opened again after a
run that was cut off: the commits make a second use harmless.
"""

import hashlib
import io
from collections.abc import Callable
from datetime import datetime
from typing import Final

from pprl.errors import PolicyError
from pprl.exchange.binding import ASK, Meant, require_meant
from pprl.exchange.envelope import (
    ALLOWED,
    PRELUDE_BYTES,
    Purpose,
    SealedManifest,
    Terms,
    broken,
    manifest_from,
    parse_envelope,
    parse_prelude,
)
from pprl.exchange.identities import Identity
from pprl.exchange.parties import Party
from pprl.exchange.unsealing import MAX_HEADER_BYTES, Unsealed, verified

PURPOSE: Final[Purpose] = "key-share"
DAYS: Final = ALLOWED[PURPOSE].days
MAX_SHARE_BYTES: Final = 1 << 18
_WHAT: Final = "key share"


def open_share(
    sealed: bytes,
    terms: Terms,
    recipient: Identity,
    sender: str,
    party: Callable[[str], Party],
    now: datetime,
) -> tuple[SealedManifest, bytes]:
    """Open a share in memory, and refuse any that is not from this party to that one.

    Parameters
    ----------
    sealed : bytes
        The sealed file.
    terms : Terms
        Of the agreement.
    recipient : Identity
        Who opens it.
    sender : str
        Name of the party who must have signed it.
    party : callable
        Gives the party of a name, as the agreement lists it: `Agreement.party`.
    now : datetime
        The time, with a time zone.

    Returns
    -------
    SealedManifest
        What it is bound to; all of it has been checked.
    bytes
        What was shared.  It is a secret.

    Raises
    ------
    AuthenticationError
        If it was altered, is sealed to somebody else, or is not signed by the sender.
    PolicyError
        If it is of another agreement, epoch, purpose, sender or recipient, or has expired.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from pprl.exchange import clock
    >>> from pprl.exchange.sealing import of_bytes, seal
    >>> from pprl.exchange.store import Store
    >>> terms = Terms("study", "0a" * 32, epoch=1, version=1, opt_outs=True)
    >>> trust, hospital = (Identity.generate(name, "custodian") for name in ("trust", "hospital"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = Store.create(Path(folder) / "trust", trust, passphrase=None)
    ...     sealed = seal(of_bytes(b"share", PURPOSE, "binary"), Path(folder), store=store, terms=terms,
    ...         recipient=hospital.party, now=clock.now()).path.read_bytes()
    >>> parties = {"trust": trust.party, "hospital": hospital.party}
    >>> open_share(sealed, terms, hospital, "trust", parties.__getitem__, clock.now())[1]
    b'share'
    """
    from pprl.exchange.age import decrypt_stream

    stream = decrypt_stream(
        io.BytesIO(sealed), [recipient.opener], max_header_bytes=MAX_HEADER_BYTES, max_stanzas=1
    )
    plain = stream.read(MAX_SHARE_BYTES)
    n_bytes = PRELUDE_BYTES + parse_prelude(plain[:PRELUDE_BYTES], _WHAT)
    share = plain[n_bytes:]
    envelope = parse_envelope(plain[PRELUDE_BYTES:n_bytes], _WHAT)
    said = manifest_from(envelope.content, _WHAT)
    unsealed = Unsealed(envelope, said, len(share), hashlib.sha256(share).hexdigest())
    manifest = verified(unsealed, party)
    if manifest.sender != sender:
        raise PolicyError(f"{_WHAT}: is from another party", code="wrong-sender", hint=ASK)
    require_meant(manifest, party(sender).role, Meant(terms, PURPOSE, recipient.party, now), _WHAT)
    if (unsealed.length, unsealed.sha256) != (manifest.length, manifest.sha256):
        raise broken(_WHAT, "wrong-digest", "it holds other bytes than its sender signed")
    return manifest, share
