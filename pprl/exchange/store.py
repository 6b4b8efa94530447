"""
Stores: one party's private folder, with its identity, its public half and its ledger.

A linkage unit or a research environment must not hold what turns encodings back into
people: its store is refused if a linkage key or an id map is anywhere in it.
"""

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pprl.errors import DataError, PolicyError, ResourceError, UsageError
from pprl.exchange.contributions import SECRET_STARTS
from pprl.exchange.identities import Identity
from pprl.exchange.ledger import NAME as LEDGER
from pprl.exchange.ledger import Ledger
from pprl.exchange.parties import Party, Role, party_toml
from pprl.files import write_folder
from pprl.keys import MAGIC
from pprl.private import refuse_private_place

IDENTITY: Final = "identity"
PARTY: Final = "party.toml"
_WHAT: Final = "store"
_WRITABLE: Final = 0o022  # by group or others
_BLANK: Final = b"\xef\xbb\xbf \t\r\n\x0b\x0c"
# How files begin that only a custodian may have.
_SECRETS: Final = (
    (MAGIC.encode("ascii"), "a linkage key"),
    (b"record_id,local_id", "an id map"),
    *((start, "part of a linkage key") for start in SECRET_STARTS),
)
# What is only there if something was done, which is in the ledger then.
_TRACES: Final = ("peers", "id-maps", "project.key")
_START: Final = 256  # bytes


@dataclass(frozen=True, repr=False)
class Store:
    """One party's private folder.

    Use `create` or `open`.

    Parameters
    ----------
    folder : Path
        Where it is.
    identity : Identity
        The party's private keys.

    Examples
    --------
    >>> import tempfile
    >>> unit = Identity.generate("unit", "linkage-unit")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = Store.create(Path(folder) / "unit", unit, passphrase=None)
    ...     Store.open(made.folder).party == made.party
    True
    """

    folder: Path
    identity: Identity

    @classmethod
    def create(cls, folder: Path, identity: Identity, *, passphrase: str | None) -> "Store":
        """Write a new party's folder: its private ``identity``, ``party.toml`` for everybody, a ledger.

        Raises
        ------
        PolicyError
            If the folder lies in a git work tree or is synced, if others may write to it, or
            if the passphrase is too short.
        UsageError
            If the folder has a party already.
        """
        if any((folder / name).exists() for name in (IDENTITY, PARTY, LEDGER)):
            raise UsageError(
                f"{_WHAT}: the folder has a party already",
                code="output-exists",
                hint="choose another folder; keys are never replaced",
            )
        refuse_private_place(folder / IDENTITY, what=_WHAT)
        if folder.exists():
            _refuse_others(folder)
            _refuse_secrets(folder, identity.party.role)
        contents = {
            IDENTITY: identity.file_content(passphrase=passphrase),
            PARTY: party_toml(identity.party).encode("ascii"),
            LEDGER: b"",
        }
        write_folder(folder, contents)
        return cls(folder, identity)

    @classmethod
    def open(cls, folder: Path, *, passphrase: Callable[[], str] | None = None) -> "Store":
        """Open a party's folder.

        Parameters
        ----------
        folder : Path
            As `create` or ``pprl party new`` made it.
        passphrase : callable, optional
            Gives the passphrase of the identity; called only if it has one.

        Raises
        ------
        DataError
            If it is not a party's folder.
        PolicyError
            If others may write to it or read the identity, if it lies in a git work tree or
            in a synced folder, or if the party is not a custodian and it holds a linkage key or
            an id map (code ``store-holds-secret``).
        AuthenticationError
            If the passphrase is wrong.
        """
        if not (folder / IDENTITY).is_file():
            raise DataError(
                f"{_WHAT}: is not the folder of a party",
                code="not-a-store",
                hint="make one with `pprl party new`",
            )
        _refuse_others(folder)
        identity = Identity.load(folder / IDENTITY, passphrase=passphrase)
        _refuse_secrets(folder, identity.party.role)
        return cls(folder, identity)

    @property
    def party(self) -> Party:
        """The public half of the identity; ``party.toml`` is a copy for others."""
        return self.identity.party

    @functools.cached_property
    def ledger(self) -> Ledger:
        """What this party has done and refused; one that is gone is not begun anew.

        Raises
        ------
        PolicyError
            If it is gone or emptied: it knew which packages had been opened.
        """
        return open_ledger(self.folder)

    def __repr__(self) -> str:
        return f"Store(party={self.party.name!r}, role={self.party.role!r})"


def open_ledger(folder: Path) -> Ledger:
    """Open the ledger of a party's folder; one that is gone is not begun anew.

    Raises
    ------
    PolicyError
        If there is none (``ledger-missing``), or it is empty and the folder shows that it was
        not (``ledger-emptied``).
    """
    ledger = Ledger.open(folder / LEDGER, create=False)
    if not ledger.path.stat().st_size and any((folder / name).exists() for name in _TRACES):
        raise PolicyError(
            "ledger: is empty, and the folder shows that something was done",
            code="ledger-emptied",
            hint="bring it back from a copy: without it a package that was opened can be opened again",
        )
    return ledger


def _refuse_others(folder: Path) -> None:
    """Raise if others may put files into the folder, or other ones into their place."""
    if os.name != "nt" and folder.stat().st_mode & _WRITABLE:
        raise PolicyError(
            f"{_WHAT}: others may write to the folder", code="store-writable", hint="chmod 700 the folder"
        )


def _refuse_secrets(folder: Path, role: Role) -> None:
    if role == "custodian":
        return
    for path in _files_below(folder):
        start = _start_of(path).lstrip(_BLANK).replace(b'"', b"")
        for magic, kind in _SECRETS:
            if start.startswith(magic):
                raise PolicyError(
                    f"{_WHAT}: the {role} holds {kind}, which only custodians may have",
                    code="store-holds-secret",
                    hint="delete it, and say so to the custodians: they need a new secret",
                )


def _files_below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, onerror=_unseen):
        if any(Path(place, name).is_symlink() for name in folders):
            raise PolicyError(
                f"{_WHAT}: holds a link to another folder, in which a secret could be",
                code="store-link",
                hint="remove the link, and move what is needed into the folder",
            )
        yield from (path for path in (Path(place, name) for name in sorted(names)) if path.is_file())


def _start_of(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_START)
    except FileNotFoundError:  # another run's temporary file
        return b""
    except OSError:
        raise _unreadable() from None


def _unseen(_error: OSError) -> None:
    raise _unreadable()


def _unreadable() -> ResourceError:
    return ResourceError(
        f"{_WHAT}: holds what cannot be read",
        code="no-permission",
        hint="all in the folder must be readable by its owner",
    )
