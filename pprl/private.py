"""
Private files: for their owner only, no links, and not where they would get out by themselves.

A file in a git work tree is published by a commit that adds everything; one in a synced
folder is with a provider, and on other machines, a second after it was written; one in a
folder of a web server is everybody's who guesses its name.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pprl.errors import DataError, PolicyError
from pprl.files import open_regular, refuse_exposed_folder

_GROUP_AND_OTHERS: Final = 0o077
# Names that services give to the folder they keep, in any case of letters; "Box" alone is too common a
# word in lower case.
_NAMES: Final = tuple(
    (service, re.compile(pattern))
    for service, pattern in (
        ("OneDrive", r"(?i)(OneDrive|SkyDrive)([ _-].*)?"),
        ("Dropbox", r"(?i)Dropbox( ?\(.*\)|-.*)?"),
        ("Google Drive", r"(?i)(Google ?Drive([ -].*)?|DriveFS|My Drive|Shared drives)"),
        ("iCloud", r"(?i)(iCloud ?Drive.*|Mobile Documents|com~apple~CloudDocs)"),
        ("Nextcloud", r"(?i)(Nextcloud|ownCloud)([ _-].*|\d+)?"),
        ("Box", r"Box|(?i:Box (Sync|Drive)|Box-Box)"),
        ("a cloud provider", r"(?i)(CloudStorage|pCloud ?Drive|MEGAsync|Syncthing|Seafile|SynologyDrive)"),
    )
)
# Files and folders that services keep in the folder they sync, and in nothing above it.
_MARKERS: Final = tuple(
    (service, re.compile(pattern))
    for service, pattern in (
        ("OneDrive", r"(?i)\.849C9593-D756-4E56-8D6E-42412F2A707B"),
        ("Dropbox", r"\.dropbox(\.cache)?"),
        ("Google Drive", r"\.tmp\.drive(up|down)load|\.shortcut-targets-by-id"),
        ("iCloud", r"com~apple~CloudDocs"),
        ("Nextcloud", r"\._?sync_[0-9a-f]+\.db|\.(nextcloud|owncloud)sync\.log|\.csync_journal\.db"),
        ("a cloud provider", r"\.stfolder|\.seafile-data|\.megaignore|\.SynologyWorkingDirectory"),
    )
)
# Folders from which web servers serve by habit, with those above them where the name alone is too common.
_SERVED: Final = re.compile(r"(?i)(.*/)?(public_html|htdocs|httpdocs|wwwroot|(var|srv)/(www|http))")
_SETTINGS: Final = ".dropbox"  # as a folder, which the program has in every home folder; as a file, a marker


def refuse_private_place(path: Path, *, what: str) -> None:
    """Raise if a private file would get out by itself from where it lies or is to lie.

    Raises
    ------
    PolicyError
        If it lies in a git work tree, in a synced folder or in one of a web server.
    """
    refuse_exposed_folder(path, what=what)
    refuse_synced_folder(path, what=what)
    refuse_served_folder(path, what=what)


def refuse_synced_folder(path: Path, *, what: str) -> None:
    """Raise if `path` lies in a folder that a service copies to its own machines.

    OneDrive, Dropbox, Google Drive, iCloud, Nextcloud, Box and some others are known by the
    names of their folders, and by what they keep in them.

    Parameters
    ----------
    path : Path
        The file, which need not exist.
    what : str
        What to call it in messages.

    Raises
    ------
    PolicyError
        If a folder above it is synced.

    Examples
    --------
    >>> refuse_synced_folder(Path("/home/me/Dropbox/project.key"), what="linkage key file")
    Traceback (most recent call last):
        ...
    pprl.errors.PolicyError: linkage key file: lies in a folder that Dropbox copies to other machines
    """
    for folder in _folders_above(path):
        service = _named_after(folder) or _marked_by(folder)
        if service:
            raise PolicyError(
                f"{what}: lies in a folder that {service} copies to other machines",
                code="in-synced-folder",
                hint="keep it in a folder that stays on this machine",
            )


def refuse_served_folder(path: Path, *, what: str) -> None:
    """Raise if `path` lies where web servers by habit serve what there is.

    Parameters
    ----------
    path : Path
        The file, which need not exist.
    what : str
        What to call it in messages.

    Raises
    ------
    PolicyError
        If a folder above it has such a name.

    Examples
    --------
    >>> refuse_served_folder(Path("/home/me/public_html/project.key"), what="linkage key file")
    Traceback (most recent call last):
        ...
    pprl.errors.PolicyError: linkage key file: lies in a folder from which web servers serve files
    """
    if any(_SERVED.fullmatch(folder.as_posix()) for folder in _folders_above(path)):
        raise PolicyError(
            f"{what}: lies in a folder from which web servers serve files",
            code="in-served-folder",
            hint="keep it in a folder that nothing serves",
        )


def read_private(path: Path, *, what: str, code: str, limit: int) -> bytes:
    """Read a small private file whole.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What to call it in messages; its name is not repeated.
    code : str
        With what the codes of refusals begin: ``"key"`` gives ``key-is-link`` and ``key-readable``.
    limit : int
        How many bytes it may have.

    Raises
    ------
    PolicyError
        If others may read it, if it is a link, or if it would get out by itself.
    DataError
        If it is not a regular file, or too long.
    """
    if path.is_symlink():
        raise PolicyError(
            f"{what}: is a link to another place", code=f"{code}-is-link", hint="name the file itself"
        )
    refuse_private_place(path, what=what)
    with open_regular(path, what=what, follow_links=False) as stream:
        require_owner_only(os.fstat(stream.fileno()), what=what, code=code)
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise DataError(
            f"{what}: longer than {limit} bytes",
            code=f"{code}-file",
            hint="it is something else: name another file",
        )
    return content


def require_owner_only(status: os.stat_result, *, what: str, code: str) -> None:
    """Raise if others than the owner may read or write a file; Windows has no such modes.

    Raises
    ------
    PolicyError
        If its mode is not 0600 or stricter.
    """
    if os.name != "nt" and status.st_mode & _GROUP_AND_OTHERS:
        raise PolicyError(
            f"{what}: others may read it (mode {stat.S_IMODE(status.st_mode):04o}, wanted 0600)",
            code=f"{code}-readable",
            hint="chmod 600 the file, and consider whether somebody has read it",
        )


def _folders_above(path: Path) -> Iterator[Path]:
    """Give the folders above a file: as it is named, and where links lead."""
    named = Path(os.path.abspath(path)).parents  # noqa: PTH100 - absolute() keeps "..", resolve() follows links
    yield from dict.fromkeys([*named, *path.parent.resolve().joinpath(path.name).parents])


def _named_after(folder: Path) -> str:
    return next((service for service, pattern in _NAMES if pattern.fullmatch(folder.name)), "")


def _marked_by(folder: Path) -> str:
    try:
        with os.scandir(folder) as entries:
            names = [one.name for one in entries if not (one.name == _SETTINGS and one.is_dir())]
    except OSError:
        return ""  # what cannot be listed says nothing; its name has been seen
    hidden = [name for name in names if name.startswith((".", "com~"))]
    return next((service for service, one in _MARKERS if any(map(one.fullmatch, hidden))), "")
