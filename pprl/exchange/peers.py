"""
Peers: what a store remembers of the encodings that it opened, to hold the next against them.

Of each package one small file is kept, with check tags and a digest of all rows in it: no
row, no id, nothing about anybody.  Only those of packages that the ledger has as opened are
believed.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Final

import msgspec

from pprl.errors import AuthenticationError, PolicyError
from pprl.exchange.decoding import decoded
from pprl.exchange.envelope import SealedManifest
from pprl.exchange.rowchecks import FEWEST_ROWS
from pprl.files import make_folder, read_bytes, rewrite_own
from pprl.temporaries import sweep

FOLDER: Final = "peers"
_MAX_BYTES: Final = 4096
_Hex = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]


class Peer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is kept of one package of encodings.

    Parameters
    ----------
    fingerprint, epoch : str, int
        The agreement under which it was made.
    sender, sequence : str, int
        Who sent it, and its number.
    key_tag, encoder_tag : str
        Its check tags.
    rows, rows_digest : int, str
        How many records it has, and the digest of all of them in any order.
    """

    fingerprint: str
    epoch: int
    sender: str
    sequence: int
    key_tag: _Hex
    encoder_tag: _Hex
    rows: int
    rows_digest: _Hex


def peers_of(folder: Path, manifest: SealedManifest, opened: Collection[str]) -> tuple[Peer, ...]:
    """Give the last package of every other sender under the same agreement and epoch.

    Parameters
    ----------
    folder : Path
        Of the store.
    manifest : SealedManifest
        Of the package that is held against them.
    opened : collection of str
        Ids of the packages that were opened; a package that was refused counts for nothing.

    Raises
    ------
    AuthenticationError
        If a file in the store was altered.
    """
    last: dict[str, Peer] = {}
    for path in sorted(one for one in (folder / FOLDER).glob("*.json") if one.stem in opened):
        peer = _read(path)
        same = (peer.fingerprint, peer.epoch) == (manifest.fingerprint, manifest.epoch)
        known = last.get(peer.sender)
        if same and peer.sender != manifest.sender and (known is None or known.sequence < peer.sequence):
            last[peer.sender] = peer
    return tuple(last[name] for name in sorted(last))


def rows_of(folder: Path, opened: Collection[str]) -> frozenset[str]:
    """Give the digests of the rows of all packages that were opened; the ledger says which were.

    Raises
    ------
    AuthenticationError
        If a file in the store was altered.
    """
    paths = ((folder / FOLDER / f"{package}.json") for package in sorted(opened))
    return frozenset(_read(path).rows_digest for path in paths if path.exists())


def require_equal_tags(manifest: SealedManifest, peers: tuple[Peer, ...]) -> None:
    """Raise unless a package has the check tags of those of all other senders.

    Raises
    ------
    PolicyError
        ``other-secret`` or ``other-encoder``; the message names the parties.
    """
    for name, code, hint in _TAGS:
        others = [peer.sender for peer in peers if getattr(peer, name) != getattr(manifest, name)]
        if others:
            tag, theirs = name.replace("_", " "), ", ".join(others)
            raise PolicyError(
                f"encodings: the {tag} of {manifest.sender} is not that of {theirs}",
                code=code,
                hint=hint,
            )


def refuse_same_rows(manifest: SealedManifest, rows_digest: str, peers: tuple[Peer, ...]) -> None:
    """Raise if another sender sent the very same rows, in whatever order.

    Raises
    ------
    PolicyError
        ``same-rows``; the message names the parties.
    """
    others = [peer.sender for peer in peers if peer.rows_digest == rows_digest]
    if others and manifest.rows >= FEWEST_ROWS:
        raise PolicyError(
            f"encodings: all rows of {manifest.sender} are those of {', '.join(others)}",
            code="same-rows",
            hint="one table was submitted twice: ask both parties which of them it belongs to",
        )


def remember(folder: Path, manifest: SealedManifest, rows_digest: str) -> None:
    """Keep what later packages are held against."""
    peer = Peer(
        fingerprint=manifest.fingerprint,
        epoch=manifest.epoch,
        sender=manifest.sender,
        sequence=manifest.sequence,
        key_tag=manifest.key_tag,
        encoder_tag=manifest.encoder_tag,
        rows=manifest.rows,
        rows_digest=rows_digest,
    )
    make_folder(folder / FOLDER)
    for left in (folder / FOLDER).glob(".*.json.*.partial"):  # of a run that was killed, on any package
        sweep(left.with_name(left.name[1:].partition(".json.")[0] + ".json"))
    path = folder / FOLDER / f"{manifest.package_id}.json"
    rewrite_own(path, msgspec.json.encode(peer, order="sorted") + b"\n")


def _read(path: Path) -> Peer:
    content = read_bytes(path, what="store", limit=_MAX_BYTES)
    peer = decoded(content, Peer)
    if peer is None:
        raise AuthenticationError(
            f"store: a file in {FOLDER} was altered",
            code="peers-broken",
            hint="delete it, and ask its sender for the package again",
        )
    return peer


_TAGS = (
    (
        "key_tag",
        "other-secret",
        "they hold different linkage secrets: let the custodians check theirs, and not by sending it",
    ),
    (
        "encoder_tag",
        "other-encoder",
        "their software encodes differently: compare `pprl doctor` on both sides",
    ),
)
