"""
Notices: short public messages that a party signs, for everybody to read.

A notice is one JSON object in the form of DSSE: its type, its text in base64, and both
signatures over the two.
"""

from typing import Final, TypeVar

import msgspec

from pprl.errors import AuthenticationError
from pprl.exchange.decoding import decoded
from pprl.exchange.dsse import Envelope, enveloped, read_envelope
from pprl.exchange.identities import Identity
from pprl.exchange.parties import Party
from pprl.exchange.signing import verify

MAX_NOTICE_BYTES: Final = 65536
_Text = TypeVar("_Text", bound=msgspec.Struct)


def sign_notice(identity: Identity, payload_type: str, text: msgspec.Struct) -> bytes:
    """Write and sign a notice.

    Parameters
    ----------
    identity : Identity
        Who says it.
    payload_type : str
        What it is, such as ``"application/vnd.pprl.commit+json"``.
    text : Struct
        What it says.
    """
    content = msgspec.json.encode(text, order="sorted")
    return enveloped(payload_type, content, identity.sign(payload_type, content)) + b"\n"


def read_notice(content: bytes, party: Party, payload_type: str, kind: type[_Text], *, what: str) -> _Text:
    """Read a notice, and refuse any that the party did not sign.

    Parameters
    ----------
    content : bytes
        The notice.
    party : Party
        Who is said to have signed it, with keys from the agreement.
    payload_type : str
        What it must be.
    kind : type
        Of what it says.
    what : str
        What to call it in messages.

    Raises
    ------
    AuthenticationError
        If it is not well formed (code ``notice``), or a signature is missing or does not verify
        (``signature-missing``, ``signature-ed25519``, ``signature-ml-dsa-65``).

    Examples
    --------
    >>> from pprl.exchange.contributions import CLOSING_TYPE, Closing
    >>> trust = Identity.generate("trust", "custodian")
    >>> said = Closing(version=1, fingerprint="0a" * 32, epoch=1, party="trust", transcript="1b" * 32,
    ...     key_tag="2c" * 16, encoder_tag="3d" * 16)
    >>> notice = sign_notice(trust, CLOSING_TYPE, said)
    >>> read_notice(notice, trust.party, CLOSING_TYPE, Closing, what="closing").key_tag == said.key_tag
    True
    """
    envelope = _envelope(content.strip(), payload_type, what)
    verify(party, payload_type, envelope.content, envelope.signatures, what=what)
    text = decoded(envelope.content, kind)
    if text is None or msgspec.json.encode(text, order="sorted") != envelope.content:
        raise _broken(what)
    return text


def _envelope(content: bytes, payload_type: str, what: str) -> Envelope:
    """Read an envelope that has its one text, but for white space around it."""
    envelope = read_envelope(content, payload_type) if len(content) <= MAX_NOTICE_BYTES else None
    if envelope is None:
        raise _broken(what)
    return envelope


def _broken(what: str) -> AuthenticationError:
    return AuthenticationError(
        f"{what}: is damaged, or is something else", code="notice", hint="ask for it again"
    )
