"""
Opt-outs: a custodian's word that those who opted out are not in a package.

The statement names the package by the digest of its manifest and the day on which the list was applied.  It
is good for 21 days, as people keep opting out, and for no other file.
"""

import hashlib
import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from pprl.errors import DataError, PolicyError
from pprl.exchange import clock
from pprl.exchange.decoding import decoded
from pprl.exchange.envelope import OptOuts, SealedManifest
from pprl.exchange.package import read_manifest
from pprl.files import open_regular, read_bytes, write_bytes

GOOD_FOR: Final = 21  # days
_MAX_BYTES: Final = 4096
_HINT: Final = "apply the list of today, encode again, and state it with `pprl seal --state-opt-outs DAY`"


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a custodian states about one file.

    Parameters
    ----------
    format, version : str, int
        Of the statement.
    applied : date
        The day on which the list of opt-outs was applied.
    sha256 : str
        Of the manifest of the package, which has the digests of all else.
    """

    format: Literal["pprl-opt-outs"]
    version: Literal[1]
    applied: date
    sha256: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]

    def about(self, sha256: str) -> OptOuts:
        """Give what goes with the package whose manifest has this digest.

        Raises
        ------
        PolicyError
            If it is on another file (``opt-out-other-file``).
        """
        if self.sha256 != sha256:
            raise PolicyError("opt-out statement: is on another file", code="opt-out-other-file", hint=_HINT)
        return OptOuts(applied=self.applied.isoformat())


def state_opt_outs(
    package: str | os.PathLike[str], out: Path, *, applied: date, now: datetime, force: bool = False
) -> None:
    """Write a statement for a package.

    Parameters
    ----------
    package : path
        The encoded package that is to be sealed.
    out : Path
        Where to write the statement.
    applied : date
        The day on which the list of opt-outs was applied to the table.
    now : datetime
        The time, with a time zone.

    Raises
    ------
    PolicyError
        If that day is in the future, or more than 21 days ago.
    DataError
        If the package is none.

    Examples
    --------
    >>> state_opt_outs("no-such-file.pprl", Path("opt-outs.json"), applied=date(2026, 1, 30),
    ...     now=clock.from_text("2026-01-31T09:30:00Z"))
    Traceback (most recent call last):
    pprl.errors.DataError: package no-such-file.pprl: does not exist
    """
    _require_recent(applied, now)
    statement = Statement(format="pprl-opt-outs", version=1, applied=applied, sha256=_digest(Path(package)))
    write_bytes(out, msgspec.json.format(msgspec.json.encode(statement), indent=1) + b"\n", force=force)


def read_statement(path: Path, now: datetime) -> Statement:
    """Read a statement; on which file it is, `Statement.about` checks.

    Raises
    ------
    DataError
        If it is no statement.
    PolicyError
        If it is more than 21 days old (``opt-out-old``), or of a day to come
        (``opt-out-future``).
    """
    what = "opt-out statement"
    content = read_bytes(path, what=what, limit=_MAX_BYTES)
    statement = decoded(content, Statement)
    if statement is None:
        raise DataError(f"{what}: is none", code="opt-out-file", hint=_HINT)
    _require_recent(statement.applied, now)
    return statement


def require_stated(manifest: SealedManifest) -> None:
    """Raise unless a manifest states that opt-outs were applied shortly before it was made.

    Raises
    ------
    PolicyError
        ``opt-out-missing``, ``opt-out-old`` or ``opt-out-future``.
    """
    if manifest.opt_out is None:
        raise missing()
    try:
        applied = date.fromisoformat(manifest.opt_out.applied)
    except ValueError:
        raise missing() from None
    _require_recent(applied, clock.from_text(manifest.created))


def missing() -> PolicyError:
    """Make the error for encodings without a statement."""
    return PolicyError(
        "encodings: no statement says that opt-outs were applied, which the agreement requires",
        code="opt-out-missing",
        hint=_HINT,
    )


def _require_recent(applied: date, now: datetime) -> None:
    age = now.date() - applied
    if age < timedelta(0):
        raise PolicyError("opt-out statement: is of a day to come", code="opt-out-future", hint=_HINT)
    if age > timedelta(GOOD_FOR):
        raise PolicyError(
            f"opt-out statement: is {age.days} days old, at most {GOOD_FOR} are accepted",
            code="opt-out-old",
            hint=_HINT,
        )


def _digest(package: Path) -> str:
    what = f"package {package.name}"
    with open_regular(package, what=what) as stream:
        manifest, _ = read_manifest(stream, what)
    return hashlib.sha256(manifest.to_bytes()).hexdigest()
