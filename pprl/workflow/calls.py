"""
Calls: what is given to a public verb must be of the right kind.
"""

from collections.abc import Iterable

from pprl.errors import UsageError


def require_type(name: str, value: object, *wanted: type) -> None:
    """Raise `UsageError` unless a value is of one of some types."""
    if not isinstance(value, wanted):
        names = " or ".join(kind.__name__ for kind in wanted)
        raise UsageError(f"{name}: wanted {names}, got {type(value).__name__}", code="wrong-type")


def require_names_listed(names: object) -> None:
    """Raise `UsageError` unless names are in a list or the like; a text is a list of its letters."""
    if isinstance(names, str | bytes | set | frozenset) or not isinstance(names, Iterable):
        raise UsageError(
            f"names: wanted a list of names, got {type(names).__name__}",
            code="names",
            hint='for example names=("hospital", "school", "charity")',
        )


def require_progress(progress: object) -> None:
    """Raise `UsageError` unless progress is none, or can be called."""
    if progress is not None and not callable(progress):
        raise UsageError(f"progress: wanted a function, got {type(progress).__name__}", code="wrong-type")
