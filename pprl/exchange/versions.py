"""
Versions: the highest version of each project's agreement that a party has worked under.

An earlier version may list a party that was removed since, with signatures that are still
good.  So what was used once is remembered, and nothing older is taken.
"""

from pathlib import Path
from typing import Annotated, Final

import msgspec

from pprl.errors import AuthenticationError
from pprl.exchange.decoding import decoded
from pprl.files import read_bytes, rewrite_own

NAME: Final = "agreements.json"
_MAX_BYTES: Final = 1 << 20
_Version = Annotated[int, msgspec.Meta(ge=1, le=2**31)]


def highest_version(folder: Path, project: str) -> int:
    """Give the highest version that a store remembers of a project; 0 if there is none.

    Raises
    ------
    AuthenticationError
        If the file in the store was altered (``agreements-broken``).

    Examples
    --------
    >>> highest_version(Path("no-such-folder"), "study")
    0
    """
    return _read(folder).get(project, 0)


def remember_version(folder: Path, project: str, version: int) -> None:
    """Remember a version, unless a higher one is remembered; hold the ledger meanwhile."""
    known = _read(folder)
    if version > known.get(project, 0):
        content = msgspec.json.encode(known | {project: version}, order="sorted")
        rewrite_own(folder / NAME, content + b"\n")


def _read(folder: Path) -> dict[str, int]:
    path = folder / NAME
    if not path.exists():
        return {}
    content = read_bytes(path, what="store", limit=_MAX_BYTES)
    versions = decoded(content, dict[str, _Version])
    if versions is None:
        raise AuthenticationError(
            f"store: {NAME} was altered",
            code="agreements-broken",
            hint="delete it, and go on with the newest agreement that all parties signed",
        )
    return versions
