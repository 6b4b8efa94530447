"""
Calls: what is given to a public verb must be of the right kind.
"""

from pprl.errors import UsageError


def require_type(name: str, value: object, *wanted: type) -> None:
    """Raise `UsageError` unless a value is of one of some types."""
    if not isinstance(value, wanted):
        names = " or ".join(kind.__name__ for kind in wanted)
        raise UsageError(f"{name}: wanted {names}, got {type(value).__name__}", code="wrong-type")
