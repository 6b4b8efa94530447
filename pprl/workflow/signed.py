"""
Signed agreements: what every party has put its name to, and nothing else is believed.

The signatures lie beside the agreement, one file for each party: ``agreement.toml.trust.sig``
beside ``agreement.toml``.  They are over the canonical JSON, so comments may change and
choices may not.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from pprl.agreement import Agreement
from pprl.errors import AuthenticationError, PolicyError, PprlError, VersionError
from pprl.exchange import clock
from pprl.exchange.decoding import decoded
from pprl.exchange.identities import Identity
from pprl.exchange.parties import Party
from pprl.exchange.signing import Signature, verify
from pprl.exchange.store import Store
from pprl.exchange.versions import highest_version, remember_version
from pprl.files import read_bytes, write_bytes

AGREEMENT_TYPE: Final = "application/vnd.pprl.agreement+json"
SIGN: Final = "sign"  # in ledgers
_MAX_FILE_BYTES: Final = 16_384
_FORMAT: Final = "pprl-agreement-signature"


class _SignatureFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What lies beside an agreement."""

    format: Literal["pprl-agreement-signature"] = _FORMAT
    version: Literal[1] = 1
    party: str
    fingerprint: str
    signatures: Annotated[tuple[Signature, ...], msgspec.Meta(max_length=2)]


class _Versioned(msgspec.Struct, frozen=True):
    """As much of a later version as this one understands."""

    format: Literal["pprl-agreement-signature"]
    version: Annotated[int, msgspec.Meta(gt=1)]


@dataclass(frozen=True, slots=True)
class SignedAgreement:
    """An agreement that all its parties signed, and that has not expired.

    Use `load`: it is what checks.

    Parameters
    ----------
    agreement : Agreement
        What was signed.

    Examples
    --------
    >>> import tempfile
    >>> from pprl.agreement import preset_text
    >>> from pprl.exchange.parties import party_toml
    >>> names = {"trust": "custodian", "hospital": "custodian", "unit": "linkage-unit"}
    >>> everybody = [Identity.generate(name, role) for name, role in names.items()]
    >>> text = preset_text("uk-health") + "".join(party_toml(one.party) for one in everybody)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "agreement.toml"
    ...     _ = path.write_text(text, encoding="utf-8")
    ...     files = [sign_agreement(path, one).name for one in everybody]
    ...     SignedAgreement.load(path).agreement.party("unit")
    Party(name='unit', role='linkage-unit')
    >>> files[0]
    'agreement.toml.trust.sig'
    """

    agreement: Agreement

    @classmethod
    def load(cls, path: Path, *, now: datetime | None = None) -> "SignedAgreement":
        """Read an agreement and the signatures beside it.

        Parameters
        ----------
        path : Path
            The agreement.
        now : datetime, optional
            The time, with a time zone; by default that of this machine.

        Raises
        ------
        PolicyError
            If it lists no parties, or has expired.
        AuthenticationError
            If a party has not signed (code ``signature-missing``), signed another agreement
            (``signed-another``), or a signature does not verify (``signature-ed25519``,
            ``signature-ml-dsa-65``).
        VersionError
            If a later version of this software made a signature.
        """
        agreement = Agreement.load(path)
        _require_usable(agreement, now)
        files = {party.name: signature_path(path, party.name) for party in agreement.parties}
        missing = [name for name, file in files.items() if not file.exists()]
        if missing:
            raise AuthenticationError(
                f"agreement: not signed by {', '.join(missing)}",
                code="signature-missing",
                hint="each signs with `pprl agreement sign`, and sends the file that it makes to all others",
            )
        for party in agreement.parties:
            _require_signed(agreement, party, files[party.name])
        return cls(agreement)


def sign_agreement(
    path: Path, identity: Identity, *, now: datetime | None = None, force: bool = False
) -> Path:
    """Sign an agreement, and put the signature beside it.

    Parameters
    ----------
    path : Path
        The agreement.
    identity : Identity
        Whose keys sign.  They must be those that the agreement lists.
    now : datetime, optional
        The time, with a time zone; by default that of this machine.
    force : bool
        Replace an earlier signature of this party.

    Returns
    -------
    Path
        The signature, for all other parties.

    Raises
    ------
    PolicyError
        If the agreement does not list this party or lists other keys, or has expired.
    UsageError
        If there is a signature and `force` is false.
    """
    agreement = Agreement.load(path)
    _require_usable(agreement, now)
    party = identity.party
    if agreement.party(party.name) != party:
        raise PolicyError(
            f"agreement: lists other keys, or another role, of the party {party.name}",
            code="other-keys",
            hint="paste the party.toml of this folder into the agreement, and read it to the others again",
        )
    signed = _SignatureFile(
        party=party.name,
        fingerprint=agreement.fingerprint,
        signatures=identity.sign(AGREEMENT_TYPE, agreement.canonical_json()),
    )
    target = signature_path(path, party.name)
    write_bytes(target, msgspec.json.format(msgspec.json.encode(signed), indent=1) + b"\n", force=force)
    return target


def sign_as(path: Path, store: Store, *, force: bool = False) -> Agreement:
    """Sign an agreement as the party of a store, and note in its ledger what became of it.

    Parameters
    ----------
    path : Path
        The agreement.
    store : Store
        The party's folder.
    force : bool
        Replace an earlier signature of this party.

    Returns
    -------
    Agreement
        What was signed.

    Raises
    ------
    PolicyError
        If the clock is implausible, a newer version was used (``older-agreement``), or as
        `sign_agreement` does.
    UsageError
        If there is a signature and `force` is false.
    """
    fingerprint = ""
    with store.ledger.held():
        now = clock.now()
        try:
            clock.refuse_implausible(now, store.ledger)
            agreement = Agreement.load(path)
            fingerprint = agreement.fingerprint
            _refuse_older(agreement, store)
            sign_agreement(path, store.identity, now=now, force=force)
        except PprlError as error:
            store.ledger.append(event=SIGN, outcome="refused", code=error.code, fingerprint=fingerprint)
            raise
        store.ledger.append(event=SIGN, outcome="done", fingerprint=fingerprint)
    return agreement


def require_latest(agreement: Agreement, store: Store) -> None:
    """Raise if this party has worked under a newer version of the agreement; else remember this one.

    An older one may list a party that was removed since, and its signatures are still good.

    Parameters
    ----------
    agreement : Agreement
        Signed by all its parties.
    store : Store
        Of the party that is about to seal, to open or to take part.

    Raises
    ------
    PolicyError
        If it is older (``older-agreement``).

    Examples
    --------
    >>> import tempfile
    >>> one = Agreement.preset("febrl")
    >>> two = msgspec.structs.replace(one, version=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trust = Identity.generate("trust", "custodian")
    ...     store = Store.create(Path(folder) / "trust", trust, passphrase=None)
    ...     for agreement in (one, two, one):
    ...         require_latest(agreement, store)
    Traceback (most recent call last):
        ...
    pprl.errors.PolicyError: agreement: is version 1, and this party has worked under version 2
    """
    with store.ledger.held():
        _refuse_older(agreement, store)
        remember_version(store.folder, agreement.project, agreement.version)


def _refuse_older(agreement: Agreement, store: Store) -> None:
    highest = highest_version(store.folder, agreement.project)
    if agreement.version < highest:
        raise PolicyError(
            f"agreement: is version {agreement.version}, and this party has worked under version {highest}",
            code="older-agreement",
            hint="use the newest one; what was sealed under an older one is sealed again by its sender",
        )


def signature_path(path: Path, name: str) -> Path:
    """Say where a party's signature of an agreement lies.

    Examples
    --------
    >>> signature_path(Path("agreement.toml"), "trust").name
    'agreement.toml.trust.sig'
    """
    return path.with_name(f"{path.name}.{name}.sig")


def _require_usable(agreement: Agreement, now: datetime | None) -> None:
    if not agreement.parties:
        raise PolicyError(
            "agreement: lists no parties, so nobody can sign it",
            code="no-parties",
            hint="paste the party.toml of each party at its end",
        )
    agreement.refuse_expired(now or clock.now())


def _require_signed(agreement: Agreement, party: Party, file: Path) -> None:
    what = f"signature of {party.name}"
    signed = _read(file, what)
    if signed.party != party.name:
        raise AuthenticationError(
            f"{what}: is that of another party",
            code="signed-another",
            hint="each signature belongs to the party that its name says: ask for it again",
        )
    if signed.fingerprint != agreement.fingerprint:
        raise AuthenticationError(
            f"{what}: is of another agreement, or of another version of this one",
            code="signed-another",
            hint="compare the eight words with that party: the agreement was changed after it was signed",
        )
    verify(party, AGREEMENT_TYPE, agreement.canonical_json(), signed.signatures, what="agreement")


def _read(file: Path, what: str) -> _SignatureFile:
    content = read_bytes(file, what=what, limit=_MAX_FILE_BYTES)
    signed = decoded(content, _SignatureFile)
    if signed is not None:
        return signed
    if decoded(content, _Versioned) is None:
        raise AuthenticationError(f"{what}: is damaged", code="signature-file", hint="ask for it again")
    raise VersionError(
        f"{what}: of a version that this software cannot read",
        code="signature-version",
        hint="install the version of pprl with which it was made",
    )
