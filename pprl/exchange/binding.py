"""
Binding: a package is for one project, epoch, purpose, party and time, and for nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from pprl.errors import PolicyError
from pprl.exchange import clock
from pprl.exchange.envelope import Purpose, SealedManifest, Terms, require_allowed
from pprl.exchange.parties import Party, Role

MOST_EARLY = timedelta(hours=1)  # that the sender's clock may be ahead of this one
ASK = "do not use it; ask the sender what was sent"


@dataclass(frozen=True, slots=True)
class Meant:
    """What a package must be bound to.

    Parameters
    ----------
    terms : Terms
        Of the agreement.
    purpose : str
        What is expected.
    recipient : Party
        Who opens it.
    now : datetime
        The time, with a time zone.
    """

    terms: Terms
    purpose: Purpose
    recipient: Party
    now: datetime


def require_meant(manifest: SealedManifest, sender: Role, meant: Meant, what: str) -> None:
    """Raise unless a package was made for this project, purpose, party and time.

    Parameters
    ----------
    manifest : SealedManifest
        What its sender signed.
    sender : str
        Role of the sender in the agreement.
    meant : Meant
        What it must be bound to.
    what : str
        What to call it in messages.

    Raises
    ------
    PolicyError
        With a code for each difference; of several, the first in the order of
        `docs/sealed-packages.md`.
    """
    _refuse_first(_other_ends(manifest, meant), what)
    require_allowed(manifest, sender, meant.recipient.role, what)
    _refuse_first(_other_times(manifest, meant), what)


def _refuse_first(found: Iterator[tuple[str, bool, str]], what: str) -> None:
    for code, is_right, how in found:
        if not is_right:
            raise PolicyError(f"{what}: {how}", code=code, hint=ASK)


def _other_ends(manifest: SealedManifest, meant: Meant) -> Iterator[tuple[str, bool, str]]:
    terms = meant.terms
    yield "wrong-project", manifest.project == terms.project, "belongs to another project"
    yield "wrong-epoch", manifest.epoch == terms.epoch, "was made in another epoch"
    yield "wrong-purpose", manifest.purpose == meant.purpose, f"holds {manifest.purpose}"
    yield "wrong-recipient", manifest.recipient == meant.recipient.name, "was made for another party"


def _other_times(manifest: SealedManifest, meant: Meant) -> Iterator[tuple[str, bool, str]]:
    terms, version = meant.terms, manifest.agreement_version
    yield (
        "wrong-version",
        version == terms.version,
        f"was made under version {version} of the agreement, here is {terms.version}",
    )
    is_same = manifest.fingerprint == terms.fingerprint
    yield "wrong-agreement", is_same, "was made under another agreement"
    is_made = clock.from_text(manifest.created) <= meant.now + MOST_EARLY
    yield "from-the-future", is_made, "was made in the future"
    is_in_time = meant.now <= clock.from_text(manifest.expires)
    yield "expired", is_in_time, f"expired on {manifest.expires[:10]}"
