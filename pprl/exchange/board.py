"""
Boards: a folder through which custodians exchange the messages of a ceremony.

Anybody may carry it.  What lies there is signed and public, or sealed.  Names of files hold
numbers, not names: custodian 1 is the first in alphabetical order.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pprl.errors import DataError, PolicyError, UsageError
from pprl.files import read_bytes, write_bytes
from pprl.refusals import cannot_read

Kind = Literal["commit", "closing"]
_MOST_FILES: Final = 20_000
_MOST_COPIES: Final = 8  # of one message: mail makes a few, and each costs a decryption
_WHAT: Final = "board"
# Mail and synced folders put something behind a name: "1-commit (1).json" is of custodian 1 too.
_FORM: Final = re.compile(
    r"(?P<sender>\d{1,3})-"
    r"(?:(?P<kind>commit|closing)(?:[^\d].*)?\.json|for-(?P<recipient>\d{1,3})(?:[^\d].*)?\.age)"
)


@dataclass(frozen=True, slots=True)
class Board:
    """What lies on a board.

    Use `look`.

    Parameters
    ----------
    folder : Path
        The folder.
    files : mapping of str to tuple of Path
        By the name that a message has, all files that claim to be it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("1-commit.json", "1-commit (2).json", "2-for-1.age", "Thumbs.db"):
    ...         _ = (Path(folder) / name).write_bytes(name.encode())
    ...     board = Board.look(Path(folder), n_custodians=2)
    ...     board.read("1-commit.json", limit=100)
    (b'1-commit (2).json', b'1-commit.json')
    """

    folder: Path
    files: Mapping[str, tuple[Path, ...]]

    @classmethod
    def look(cls, folder: Path, *, n_custodians: int) -> "Board":
        """List the messages on a board.

        Raises
        ------
        UsageError
            If there is no such folder.
        PolicyError
            If there is a message with a number that no custodian has (``ceremony-stranger``).
        DataError
            If there are too many files.
        """
        files: dict[str, list[Path]] = {}
        for form in filter(None, map(_FORM.fullmatch, _names(folder))):
            sender, recipient = int(form["sender"]), int(form["recipient"] or 1)
            if not (1 <= sender <= n_custodians and 1 <= recipient <= n_custodians):
                raise PolicyError(
                    f"{_WHAT}: has a message with a number that none of the {n_custodians} custodians has",
                    code="ceremony-stranger",
                    hint="only custodians take part; begin with an empty board for each epoch",
                )
            meant = f"{sender}-{form['kind']}.json" if form["kind"] else share_name(sender, recipient)
            files.setdefault(meant, []).append(folder / form.string)
        return cls(folder, {name: tuple(paths) for name, paths in files.items()})

    def read(self, name: str, *, limit: int) -> tuple[bytes, ...]:
        """Read all files that claim to be one message; equal ones once.

        Raises
        ------
        DataError
            If one is not a regular file, or longer than `limit` bytes, or there are more than
            eight (``board-copies``).
        """
        what, copies = f"{_WHAT}: {name}", self.files.get(name, ())
        if len(copies) > _MOST_COPIES:
            raise DataError(
                f"{what}: lies there {len(copies)} times, wanted {_MOST_COPIES} at most",
                code="board-copies",
                hint="keep the one that its sender made, and delete the others",
            )
        return tuple(dict.fromkeys(read_bytes(path, what=what, limit=limit) for path in copies))

    def publish(self, name: str, content: bytes) -> bool:
        """Put a message there unless there is one; say whether it was put there now.

        What is there is never replaced: `read` shows whether it is the same.  All may read it, as
        far as the umask lets them: the other custodians, or whoever carries the board, must.
        """
        if name in self.files or (self.folder / name).exists():
            return False
        write_bytes(self.folder / name, content, public=True)
        return True


def notice_name(kind: Kind, sender: int) -> str:
    """Name a public message.

    Examples
    --------
    >>> notice_name("commit", 1)
    '1-commit.json'
    """
    return f"{sender}-{kind}.json"


def share_name(sender: int, recipient: int) -> str:
    """Name a sealed message.

    Examples
    --------
    >>> share_name(1, 2)
    '1-for-2.age'
    """
    return f"{sender}-for-{recipient}.age"


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise UsageError(
            f"{_WHAT}: there is no such folder",
            code="no-board",
            hint="make one that all custodians can exchange, or get their files into it",
        )
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names are wanted, not paths
    except OSError as error:
        raise cannot_read(folder, _WHAT, error) from None
    if len(names) > _MOST_FILES:
        raise DataError(
            f"{_WHAT}: holds more than {_MOST_FILES} files",
            code="board-full",
            hint="a board holds the messages of one ceremony, and nothing else",
        )
    return sorted(names)
