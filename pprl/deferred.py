"""
Names of a package that are imported when they are first used: who needs one waits for no other.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def deferred(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make the functions ``__getattr__`` and ``__dir__`` of a package (PEP 562).

    Parameters
    ----------
    package : str
        Its name.
    homes : mapping of str to str
        Each public name, and the module that it is imported from.

    Examples
    --------
    >>> attribute, names = deferred("numbers", {"pi": "math"})
    >>> attribute("pi") > 3, names()
    (True, ['pi'])
    """

    def attribute(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return attribute, lambda: sorted(homes)
