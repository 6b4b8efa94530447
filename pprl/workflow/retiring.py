"""
Retiring: deleting what a party no longer needs, and putting its name to that.

What is deleted is gone from this file system.  Backups and snapshots are not reached, and
nothing is overwritten: a disk of today does not write where it wrote before.  A plan in the
party's folder says what is to go, so that a run that is cut off is finished by the next.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from pprl.errors import AuthenticationError, DataError, PolicyError, PprlError, UsageError
from pprl.exchange import clock
from pprl.exchange.deletions import Deleted, DeletionRecord, Kind, read_record, signed_record
from pprl.exchange.ledger import NAME as LEDGER
from pprl.exchange.store import IDENTITY, PARTY, Store
from pprl.exchange.versions import NAME as VERSIONS
from pprl.files import (
    open_regular,
    read_bytes,
    refuse_existing,
    refuse_inputs_as_output,
    rewrite_own,
    sync_folder,
    write_bytes,
)
from pprl.keys import MAGIC, random_bytes
from pprl.refusals import cannot_write
from pprl.temporaries import stale

RETIRE: Final = "retire"  # in ledgers
PLAN: Final = "retiring.json"
_KEPT: Final = (IDENTITY, PARTY, LEDGER, PLAN, VERSIONS)
_MAX_PLAN_BYTES: Final = 1 << 26
_AT_ONCE: Final = 1 << 20
_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
# How files begin, once quotation marks are gone.
_STARTS: Final[Mapping[bytes, Kind]] = {
    b"age-encryption.org/v1": "sealed-package",
    b"pprl-package ": "package",
    MAGIC.encode("ascii"): "linkage-key",
    b"pprl-identity": "identity",
    b"pprl-checkpoint ": "checkpoint",
    b"record_id,local_id": "id-map",
    b"record_id,linkage_key": "linkage-keys",
    b"person,source,linkage_key": "crosswalk",
}
_TEMPORARY: Final = re.compile(r"\..+\.[1-9][0-9]{0,9}-[0-9a-f]{8}-[0-9a-f]{8}\.partial", re.DOTALL)
_OF_CHECKPOINTS: Final = re.compile(r"job\.json|lock|part-[0-9]{6}|\..+\.partial", re.DOTALL)
_PACKAGE: Final = re.compile(r"([0-9a-f]{32})\.age")

_Which = tuple[int, int, int, int]  # device, inode, bytes and time of the last change


class _Planned(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file that is to go; the plan stays in the party's folder, so it may hold the path."""

    path: str
    deleted: Deleted


class _Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All files that are to go under one record."""

    record: str
    files: tuple[_Planned, ...]


def retire(files: Sequence[Path], *, store: Store, out: Path, force: bool = False) -> DeletionRecord:
    """Delete files, and write a signed record of it.

    Parameters
    ----------
    files : sequence of Path
        Packages, keys, id maps, tables; folders of checkpoints and private temporaries.  What
        killed runs left beside them goes too.
    store : Store
        Who deletes.  Its identity, its public half and its ledger stay: they answer for it.
    out : Path
        Where the record goes.
    force : bool
        Replace what is there.

    Returns
    -------
    DeletionRecord
        What is gone.  If an earlier run was cut off, what that run deleted is in it.

    Raises
    ------
    DataError
        If a file is missing, is none, or changes meanwhile.
    PolicyError
        If a file is a link, has a second name, or must stay; or if the clock is implausible.
    AuthenticationError
        If the ledger is broken; nothing is deleted.
    ResourceError
        If a file cannot be deleted, or the record not be written.  Run again: it goes on.

    Examples
    --------
    >>> import tempfile
    >>> from pprl.exchange.identities import Identity
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trust = Identity.generate("trust", "custodian")
    ...     store = Store.create(Path(folder) / "trust", trust, passphrase=None)
    ...     _ = (Path(folder) / "old.csv").write_bytes(b"old")
    ...     record = retire([Path(folder) / "old.csv"], store=store, out=Path(folder) / "record.json")
    ...     [(one.kind, one.size) for one in record.files], (Path(folder) / "old.csv").exists()
    ([('other', 3)], False)
    """
    with store.ledger.held():
        store.ledger.verify()
        try:
            return _retire(files, store, out, force=force)
        except PprlError as error:
            store.ledger.append(event=RETIRE, outcome="refused", code=error.code)
            raise


def _retire(files: Sequence[Path], store: Store, out: Path, *, force: bool) -> DeletionRecord:
    clock.refuse_implausible(clock.now(), store.ledger)
    begun = _plan_of(store)
    if not files and not begun.files:
        raise UsageError("nothing to delete", code="nothing-to-delete", hint="name files")
    refuse_inputs_as_output(out, files)
    written = _is_written(out, begun, store)
    refuse_existing(out, force=force or written)
    plan, seen = _extended(begun, files, store)
    rewrite_own(store.folder / PLAN, msgspec.json.encode(plan))
    for planned in plan.files:
        _delete(Path(planned.path), seen)
    _remove_empty(files)
    record = DeletionRecord(
        record=plan.record,
        party=store.party.name,
        time=clock.to_text(clock.now()),
        files=tuple(planned.deleted for planned in plan.files),
    )
    if not written:
        write_bytes(out, signed_record(record, store.identity), force=force)
    if not any(entry.package == plan.record for entry in store.ledger.entries()):
        store.ledger.append(event=RETIRE, outcome="done", package=plan.record)
    _unlink(store.folder / PLAN)
    return record


def _plan_of(store: Store) -> _Plan:
    """Give the plan of a run that was cut off, or a new one."""
    place = store.folder / PLAN
    if not place.exists():
        return _Plan(record=random_bytes(16).hex(), files=())
    try:
        return msgspec.json.decode(
            read_bytes(place, what="plan of deletions", limit=_MAX_PLAN_BYTES), type=_Plan
        )
    except (msgspec.DecodeError, RecursionError):
        pass
    raise DataError(
        f"plan of deletions: {PLAN} in the party's folder cannot be read",
        code="retire-plan",
        hint="see which of the files are gone, remove the plan, and run again",
    )


def _is_written(out: Path, plan: _Plan, store: Store) -> bool:
    """Say whether the run that was cut off had written its record."""
    if not plan.files or not out.is_file():
        return False
    with contextlib.suppress(AuthenticationError, DataError):
        return read_record(out, store.party).record == plan.record
    return False


def _extended(plan: _Plan, files: Sequence[Path], store: Store) -> tuple[_Plan, dict[str, _Which]]:
    """Add the files to a plan; what the plan has is described again if it is still there.

    Which files these are is given too: what has taken their places later is not deleted.
    """
    kept = {_key(store.folder / name) for name in _KEPT}
    known = {planned.path: planned for planned in plan.files}
    wanted = [*(path for path in map(Path, known) if os.path.lexists(path)), *_all(files, known)]
    described = {_key(path): _described(path, kept) for path in wanted}
    merged = known | {path: _Planned(path=path, deleted=one) for path, (one, _) in described.items()}
    which = {path: one for path, (_, one) in described.items()}
    return _Plan(record=plan.record, files=tuple(merged.values())), which


def _key(path: Path) -> str:
    """Give the one text of a place; a link in the last place is not followed."""
    return str(path.parent.resolve() / path.name)


def _all(files: Iterable[Path], known: Mapping[str, _Planned]) -> Iterator[Path]:
    for path in files:
        yield from (one for left in stale(path) for one in _files_in(left))
        if os.path.lexists(path):
            yield from _files_in(path)
        elif not any(one == _key(path) or Path(_key(path)) in Path(one).parents for one in known):
            raise DataError(
                f"file {path.name}: does not exist",
                code="not-found",
                hint="see whether it is spelt right; nothing was deleted",
            )


def _files_in(path: Path) -> Iterator[Path]:
    """Give a file, or the files of a folder that this software made and that is deleted as a whole."""
    if path.is_symlink() or not path.is_dir():
        yield path
        return
    inside = sorted(one for one in path.rglob("*") if one.is_symlink() or not one.is_dir())
    of_checkpoints = (path / "job.json").is_file() and all(
        one.parent == path and _OF_CHECKPOINTS.fullmatch(one.name) for one in inside
    )
    if not of_checkpoints and not _TEMPORARY.fullmatch(path.name):
        raise UsageError(
            f"folder {path.name}: is neither of checkpoints nor a private temporary one",
            code="retire-folder",
            hint="name the files in it",
        )
    yield from inside


def _described(path: Path, kept: set[str]) -> tuple[Deleted, _Which]:
    what = f"file {path.name}"
    if path.is_symlink():
        raise PolicyError(f"{what}: is a link", code="retire-link", hint="name the file itself")
    if _key(path) in kept or path.name.startswith(f"{LEDGER}."):
        raise PolicyError(
            f"{what}: answers for what the party did, and stays",
            code="retire-kept",
            hint="keep identity, public half and ledger as long as somebody may ask",
        )
    digest, size = hashlib.sha256(), 0
    with open_regular(path, what=what, follow_links=False) as stream:
        status = os.fstat(stream.fileno())
        start = stream.read(_AT_ONCE)
        for piece in (start, *iter(lambda: stream.read(_AT_ONCE), b"")):
            digest.update(piece)
            size += len(piece)
    if status.st_nlink > 1:
        raise PolicyError(
            f"{what}: has a second name, under which it would stay",
            code="retire-hard-link",
            hint="remove the other name first",
        )
    package = _PACKAGE.fullmatch(path.name)
    deleted = Deleted(
        kind=_kind_of(path, start),
        size=size,
        sha256=digest.hexdigest(),
        package=package[1] if package else "",
    )
    return deleted, _which(status)


def _which(status: os.stat_result) -> _Which:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _kind_of(path: Path, start: bytes) -> Kind:
    if any(_TEMPORARY.fullmatch(part) for part in path.parts[-2:]):
        return "temporary"
    text = start[:256].lstrip(_BLANK).replace(b'"', b"")
    named: Kind = "checkpoint" if (path.parent / "job.json").is_file() else "other"
    return next((kind for magic, kind in _STARTS.items() if text.startswith(magic)), named)


def _delete(path: Path, seen: Mapping[str, _Which]) -> None:
    """Delete a file if it is still the one that was described; that it is gone already is no fault."""
    with contextlib.suppress(FileNotFoundError):
        if _which(path.lstat()) != seen.get(str(path)):
            raise DataError(
                f"file {path.name}: changed while it was being read, or is another one now",
                code="changed-while-read",
                hint="wait until nothing writes to it, and run again",
            )
    _unlink(path)
    if path.parent.is_dir():
        sync_folder(path.parent)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from None


def _remove_empty(files: Iterable[Path]) -> None:
    """Remove the folders whose files are gone."""
    folders = [one for path in files for one in (path, *stale(path)) if one.is_dir() and not one.is_symlink()]
    for folder in folders:
        for below in sorted((one for one in folder.rglob("*") if one.is_dir()), reverse=True):
            with contextlib.suppress(OSError):
                below.rmdir()
        with contextlib.suppress(OSError):
            folder.rmdir()
