"""
The clock: when something was made and whether it has expired, as far as this machine knows.

A clock that was reset, or set back so that an old package counts as new, is noticed by two
things that cannot lie after it: the day this software was released, and the ledger.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from pprl.errors import PolicyError
from pprl.version import RELEASED

_SLACK: Final = timedelta(days=1)  # for summer time that was taken for UTC, and batteries
_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"
_HINT: Final = "set the clock; if it was wrong before and is right now, say so with `pprl ledger clock`"


class Dated(Protocol):
    """What knows that some time has passed: a ledger."""

    def latest(self) -> datetime | None:
        """Give the latest time that was believed, if any."""
        ...


def now() -> datetime:
    """Give the time in UTC, to the second.

    Examples
    --------
    >>> now().utcoffset()
    datetime.timedelta(0)
    """
    return datetime.now(UTC).replace(microsecond=0)


def to_text(moment: datetime) -> str:
    """Write a time as ledgers and manifests do.

    Examples
    --------
    >>> to_text(datetime(2026, 1, 31, 9, 30, tzinfo=UTC))
    '2026-01-31T09:30:00Z'
    """
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def from_text(text: str) -> datetime:
    """Read a time as ledgers and manifests have it.

    Raises
    ------
    ValueError
        If it is not one, or not written in the one way.

    Examples
    --------
    >>> from_text("2026-01-31T09:30:00Z").isoformat()
    '2026-01-31T09:30:00+00:00'
    """
    moment = datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
    if to_text(moment) != text:
        raise ValueError("not in the one way")
    return moment


def refuse_implausible(moment: datetime, ledger: Dated) -> None:
    """Raise if it cannot be as early as the clock says.

    Parameters
    ----------
    moment : datetime
        What the clock says: `now`.
    ledger : Dated
        The party's ledger.

    Raises
    ------
    PolicyError
        If it is before this version was released, or more than a day before the latest entry
        of the ledger (code ``clock-implausible``).

    Examples
    --------
    >>> class Empty:
    ...     def latest(self):
    ...         return None
    >>> refuse_implausible(datetime(1970, 1, 1, tzinfo=UTC), Empty())
    Traceback (most recent call last):
        ...
    pprl.errors.PolicyError: clock implausible: it says a day before this software was released
    """
    refuse_unreleased(moment)
    latest = ledger.latest()
    if latest is not None and moment < latest - _SLACK:
        raise _implausible("a time more than a day before the last entry of the ledger")


def refuse_unreleased(moment: datetime) -> None:
    """Raise if this software was not yet released then.

    Raises
    ------
    PolicyError
        If it was not (``clock-implausible``).

    Examples
    --------
    >>> refuse_unreleased(now())
    """
    if moment < datetime.fromisoformat(RELEASED).replace(tzinfo=UTC):
        raise _implausible("a day before this software was released")


def _implausible(what: str) -> PolicyError:
    return PolicyError(f"clock implausible: it says {what}", code="clock-implausible", hint=_HINT)
