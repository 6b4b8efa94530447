"""
The ceremony: custodians make one linkage secret, and none of them alone decides it.

Each draws a *contribution*.  First all commit to theirs, then each opens its own to the
other custodians, then each derives the secret from all (commit and reveal, Blum 1983), and
at last all publish check tags and compare.  A commit binds its party, the agreement and the
epoch, so it can be neither copied nor used again.  Nothing here reads or writes a file.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pprl.errors import AuthenticationError, PolicyError, PprlError
from pprl.exchange.contributions import Circle, Closing, Commit, Drawn, Opening
from pprl.keys import KEY_BYTES, LinkageKey, length_prefixed
from pprl.model import CheckTags

_LEAST_DIFFERENT: Final = 8  # of 32 random bytes fewer are different once in 10^30 draws


@dataclass(frozen=True, slots=True)
class Fault:
    """What one party did wrong, or what became of its messages on the way.

    Parameters
    ----------
    party : str
        Its name.
    code : str
        One of `FAULTS`.
    message : str
        What was found; begins in the middle of a sentence, after the name.
    """

    party: str
    code: str
    message: str


# What can be wrong, and what kind of refusal it is; the first that fits gives the code.
FAULTS: Final[Mapping[str, type[PprlError]]] = {
    "ceremony-malformed": AuthenticationError,
    "ceremony-signature": AuthenticationError,
    "ceremony-sender": AuthenticationError,
    "ceremony-other-agreement": PolicyError,
    "ceremony-two-commits": PolicyError,
    "ceremony-copied-commit": PolicyError,
    "ceremony-share": AuthenticationError,
    "ceremony-two-openings": PolicyError,
    "ceremony-opening": AuthenticationError,
    "ceremony-transcript": AuthenticationError,
    "ceremony-equal": PolicyError,
    "ceremony-weak": PolicyError,
    "ceremony-two-closings": PolicyError,
    "ceremony-key-tag": PolicyError,
    "ceremony-encoder-tag": PolicyError,
    "ceremony-late": PolicyError,
}
_AGAIN: Final = (
    "wait until the board is complete and run again; if it stays so, speak to them, "
    "raise the epoch in the agreement and begin anew"
)


def commit(circle: Circle, party: str, hidden: Drawn, *, created: str) -> Commit:
    """Commit to a contribution.

    Parameters
    ----------
    circle : Circle
        Who takes part, and under which agreement.
    party : str
        Who commits.
    hidden : Drawn
        What was drawn.
    created : str
        When, in UTC to the second.

    Examples
    --------
    >>> circle = Circle("0a" * 32, 1, ("hospital", "trust"))
    >>> one = Drawn(b"c" * 32, b"n" * 32)
    >>> commit(circle, "trust", one, created="2026-01-31T09:30:00Z").commitment[:16]
    '1d13e9fb45a77e12'
    """
    return Commit(
        version=1,
        fingerprint=circle.fingerprint,
        epoch=circle.epoch,
        party=party,
        commitment=_commitment(circle, party, hidden),
        created=created,
    )


def opening(circle: Circle, commits: Mapping[str, Commit], hidden: Drawn) -> Opening:
    """Open a contribution, bound to the commits of all."""
    return Opening(hidden, tuple(commits[name].digest for name in circle.custodians))


def transcript(circle: Circle, commits: Mapping[str, Commit]) -> bytes:
    """Give the SHA-256 over agreement, epoch and all commits in the order of names, 32 bytes.

    No commits at all are those of a secret that one custodian deals.
    """
    seen = (length_prefixed(name) + commits[name].digest for name in circle.custodians if commits)
    return hashlib.sha256(circle.bytes("pprl ceremony transcript") + b"".join(seen)).digest()


def derive(circle: Circle, commits: Mapping[str, Commit], hidden: Mapping[str, Drawn]) -> LinkageKey:
    """Derive the secret from what all custodians have drawn, as `material` gives it."""
    return LinkageKey(material(circle, commits, hidden))


def material(circle: Circle, commits: Mapping[str, Commit], hidden: Mapping[str, Drawn]) -> bytes:
    """Derive the 32 bytes of the secret from what all custodians have drawn.

    HKDF-SHA-256 (RFC 5869) over the contributions in the order of names, with the transcript
    as salt.  One contribution that is random and was not known before the commits is enough
    for a random secret.

    Parameters
    ----------
    circle : Circle
        Who takes part, and under which agreement.
    commits : mapping of str to Commit
        Of every custodian.
    hidden : mapping of str to Drawn
        Of every custodian.

    Raises
    ------
    PprlError
        If anything drawn does not fit its commit: `faults_in_openings` names who.

    Examples
    --------
    >>> circle = Circle("0a" * 32, 1, ("hospital", "trust"))
    >>> drawn = {name: Drawn.draw() for name in circle.custodians}
    >>> commits = {name: commit(circle, name, one, created="2026-01-31T09:30:00Z")
    ...     for name, one in drawn.items()}
    >>> len(material(circle, commits, drawn)), derive(circle, commits, drawn)
    (32, LinkageKey(...))
    """
    openings = {name: opening(circle, commits, one) for name, one in hidden.items()}
    require_none(faults_in_openings(circle, commits, openings))
    drawn = b"".join(hidden[name].contribution for name in circle.custodians)
    salt, label = transcript(circle, commits), circle.bytes("pprl linkage secret")
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=label).derive(drawn)


def closing(circle: Circle, party: str, commits: Mapping[str, Commit], tags: CheckTags) -> Closing:
    """Say which check tags a custodian has come to."""
    return Closing(
        version=1,
        fingerprint=circle.fingerprint,
        epoch=circle.epoch,
        party=party,
        transcript=transcript(circle, commits).hex(),
        key_tag=tags.key,
        encoder_tag=tags.encoder,
    )


def faults_in_commits(circle: Circle, commits: Mapping[str, Sequence[Commit]]) -> tuple[Fault, ...]:
    """Find what is wrong with commits whose signatures are good.

    Parameters
    ----------
    circle : Circle
        Who takes part, and under which agreement.
    commits : mapping of str to sequence of Commit
        All that each party has signed; who has not come yet may be missing.
    """
    faults = [fault for party, sent in commits.items() for fault in _misdirected(circle, party, sent)]
    faults += [
        Fault(party, "ceremony-two-commits", "has committed to two contributions")
        for party, sent in commits.items()
        if len({one.digest for one in sent}) > 1
    ]
    firsts = {party: {one.commitment for one in sent} for party, sent in commits.items()}
    return (*faults, *_alike(firsts, "ceremony-copied-commit", "has the same commit as"))


def faults_in_openings(
    circle: Circle, commits: Mapping[str, Commit], openings: Mapping[str, Opening]
) -> tuple[Fault, ...]:
    """Find who opened something else than it committed to, or under other commits than these.

    Parameters
    ----------
    circle : Circle
        Who takes part, and under which agreement.
    commits : mapping of str to Commit
        Of every custodian.
    openings : mapping of str to Opening
        Who has not come yet may be missing.
    """
    seen = tuple(commits[name].digest for name in circle.custodians)
    faults = [fault for party, one in openings.items() for fault in _unfaithful(circle, party, one, seen)]
    for party, one in openings.items():
        expected = commits[party].commitment
        if not hmac.compare_digest(_commitment(circle, party, one.hidden), expected):
            faults.append(Fault(party, "ceremony-opening", "has opened something else than it committed to"))
        if _is_weak(one.hidden.contribution):
            faults.append(Fault(party, "ceremony-weak", "has a contribution that is not random"))
    drawn = {party: {one.hidden.contribution} for party, one in openings.items()}
    return (*faults, *_alike(drawn, "ceremony-equal", "has the same contribution as"))


def faults_in_dealt(dealer: str, dealt: bytes) -> tuple[Fault, ...]:
    """Find whether the secret of a single dealer is none.

    Examples
    --------
    >>> [fault.code for fault in faults_in_dealt("trust", bytes(32))]
    ['ceremony-weak']
    """
    wrong = "has dealt a secret that is not random"
    return (Fault(dealer, "ceremony-weak", wrong),) if _is_weak(dealt) else ()


def faults_in_closings(
    circle: Circle, own: Closing, closings: Mapping[str, Sequence[Closing]]
) -> tuple[Fault, ...]:
    """Find whose check tags are not ours.

    Parameters
    ----------
    circle : Circle
        Who takes part, and under which agreement.
    own : Closing
        What we have come to.
    closings : mapping of str to sequence of Closing
        All that each party has signed; who has not come yet may be missing.
    """
    faults = [fault for party, sent in closings.items() for fault in _misdirected(circle, party, sent)]
    for party, sent in closings.items():
        if len(set(sent)) > 1:
            faults.append(Fault(party, "ceremony-two-closings", "has closed with two different messages"))
        faults += [fault for one in dict.fromkeys(sent) for fault in _differing(party, one, own)]
    return tuple(faults)


def require_none(faults: Sequence[Fault]) -> None:
    """Raise if there are faults; the message names every party that has one.

    Raises
    ------
    PprlError
        Of the class and code that `FAULTS` has for the first of them.

    Examples
    --------
    >>> require_none([Fault("trust", "ceremony-late", "has not committed")])
    Traceback (most recent call last):
        ...
    pprl.errors.PolicyError: ceremony: trust has not committed [ceremony-late]
    """
    if faults:
        raise refusal(faults)


def refusal(faults: Sequence[Fault]) -> PprlError:
    """Make the error for faults, of which there is at least one; the first in `FAULTS` gives the code.

    Examples
    --------
    >>> late, altered = Fault("trust", "ceremony-late", "is late"), Fault("gp", "ceremony-share", "is odd")
    >>> refusal([late, altered])
    AuthenticationError('ceremony: gp is odd [ceremony-share]; trust is late [ceremony-late]')
    """
    ordered = sorted(set(faults), key=lambda one: (list(FAULTS).index(one.code), one.party, one.message))
    said = "; ".join(f"{one.party} {one.message} [{one.code}]" for one in ordered)
    return FAULTS[ordered[0].code](f"ceremony: {said}", code=ordered[0].code, hint=_AGAIN)


def _is_weak(drawn: bytes) -> bool:
    return len(set(drawn)) < _LEAST_DIFFERENT


def _commitment(circle: Circle, party: str, hidden: Drawn) -> str:
    bound = circle.bytes("pprl ceremony commit") + length_prefixed(party)
    return hashlib.sha256(bound + hidden.to_bytes()).hexdigest()


def _misdirected(circle: Circle, party: str, sent: Sequence[Commit] | Sequence[Closing]) -> list[Fault]:
    """Find messages that speak for somebody else, or are of another ceremony."""
    faults = []
    if any(one.party != party for one in sent):
        faults.append(Fault(party, "ceremony-sender", "has signed a message in another's name"))
    if any((one.fingerprint, one.epoch) != (circle.fingerprint, circle.epoch) for one in sent):
        wrong = "has signed a message of another agreement or epoch"
        faults.append(Fault(party, "ceremony-other-agreement", wrong))
    return faults


def _unfaithful(circle: Circle, party: str, one: Opening, seen: tuple[bytes, ...]) -> list[Fault]:
    """Find whose commits this party says it saw otherwise; it cannot be told from here who is right."""
    others = [name for name, its, ours in zip(circle.custodians, one.seen, seen, strict=True) if its != ours]
    return [
        Fault(party, "ceremony-transcript", f"has opened under another commit of {name} than we have")
        for name in others
    ]


def _alike(held: Mapping[str, set[str]] | Mapping[str, set[bytes]], code: str, said: str) -> list[Fault]:
    """Find parties who share what should be drawn; both are named, as either may have copied."""
    return [
        Fault(one, code, f"{said} {other}")
        for pair in combinations(sorted(held), 2)
        for one, other in (pair, pair[::-1])
        if set(held[one]) & set(held[other])
    ]


def _differing(party: str, one: Closing, own: Closing) -> list[Fault]:
    if one.transcript != own.transcript:
        return [Fault(party, "ceremony-transcript", "has closed over other commits than we have")]
    if one.key_tag != own.key_tag:
        return [Fault(party, "ceremony-key-tag", "has come to another secret than we have")]
    if one.encoder_tag != own.encoder_tag:
        wrong = "has the same secret, and software that encodes otherwise than ours"
        return [Fault(party, "ceremony-encoder-tag", wrong)]
    return []
