"""
Places: where an output may go, and where it may not.

Nothing is replaced unasked.  What a party's folder keeps for itself is not replaced at all:
without its identity, ledger and secret the party cannot go on, and a slip of the hand is enough.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pprl.errors import PolicyError, UsageError
from pprl.refusals import cannot_write
from pprl.temporaries import sweep

# What makes a folder that of a party, and what such a folder keeps for itself: names there, in lower case.
_PARTY: Final = ("identity", "party.toml")
_OWN: Final = re.compile(
    r"(identity|party\.toml|project\.key|agreements\.json|retiring\.json|ledger\.jsonl(\..*)?"
    r"|peers|id-maps|ceremony-.*)"
)


def refuse_existing(path: Path, *, force: bool) -> None:
    """Raise unless `path` is free, or is a regular file that may be replaced.

    What killed runs left of it is removed, also where it cannot be written now.

    Raises
    ------
    UsageError
        If something is there and `force` is false, or it is not a regular file.
    PolicyError
        If `force` is true and it is what a party's folder keeps for itself (``output-is-own``).
    """
    sweep(path)
    if force:
        _refuse_own(path)
    refuse_taken(path, force=force)


def _refuse_own(path: Path) -> None:
    """Raise if an output would replace an identity, a ledger or a secret of the party whose folder it is."""
    try:
        place = path.parent.resolve() / path.name
    except (OSError, RuntimeError, ValueError):
        return  # what cannot be resolved cannot be written to either, and is refused there
    for folder in place.parents:
        if _OWN.fullmatch(place.relative_to(folder).parts[0].casefold()) and _is_of_party(folder):
            raise PolicyError(
                f"output {path.name}: is kept by this party's folder, and is never replaced",
                code="output-is-own",
                hint="choose another name, outside the party's folder",
            )


def _is_of_party(folder: Path) -> bool:
    try:
        return all((folder / name).is_file() for name in _PARTY)
    except OSError:
        return False  # one that may not be entered is another's


def refuse_taken(path: Path, *, force: bool) -> None:
    """Raise as `refuse_existing` does, wherever the output lies: for what a party's folder keeps for itself.

    Examples
    --------
    >>> refuse_taken(Path("no-such-folder") / "a.txt", force=False)
    """
    try:
        there = path.is_symlink() or path.exists()
    except (OSError, ValueError) as error:
        raise cannot_write(path, error) from None
    if path.is_symlink() or (there and not path.is_file()):
        raise UsageError(
            f"output {path.name}: a folder, a link or a device is in its place",
            code="output-exists",
            hint="choose another name",
        )
    if there and not force:
        raise UsageError(
            f"output {path.name}: exists already",
            code="output-exists",
            hint="choose another name, or give --force to replace it",
        )


def refuse_inputs_as_output(path: Path, inputs: Iterable[Path]) -> None:
    """Raise if an output would replace what it is made from.

    Raises
    ------
    UsageError
        If `path` is one of the inputs.
    """
    try:
        is_input = any(path.resolve() == one.resolve() for one in inputs)
    except (OSError, RuntimeError, ValueError):
        return  # what cannot be resolved cannot be opened either, and is refused there
    if is_input:
        raise UsageError(
            f"output {path.name}: is one of the inputs", code="output-is-input", hint="choose another name"
        )


def refuse_exposed_folder(path: Path, *, what: str) -> None:
    """Raise if `path` lies in a git work tree from which it could be committed.

    A folder whose ``.gitignore`` says ``*``, at or above the file and inside the
    work tree, keeps everything below it out, and is accepted.

    Raises
    ------
    PolicyError
        If the file could be committed by accident.
    """
    for folder in path.parent.resolve().joinpath(path.name).parents:
        if _ignores_everything(folder / ".gitignore"):
            return
        if (folder / ".git").exists():
            raise PolicyError(
                f"{what}: lies in a git work tree, from which it could be published by accident",
                code="in-git-tree",
                hint="keep it in a folder of its own, outside the work tree",
            )


def _ignores_everything(path: Path) -> bool:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")] == ["*"]
