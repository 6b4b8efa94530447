"""The kernels by name, each loaded when it is first asked for, and the choice between them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pprl.comparison.tasks import Job, Scan
from pprl.errors import ResourceError, UsageError, nearest

KernelName = Literal["auto", "numba", "reference"]

AUTO_PAIRS = 10_000_000  # below this the reference is done before a compiler has been loaded


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel ready for use.

    Parameters
    ----------
    name : str
        Its name in a call.
    prepare : callable
        Lays a job out in memory and gives the function that scans one task of it.
    task_words : int
        Words of the right side in a task: some tenths of a second of work, so that a
        call can be interrupted.
    """

    name: str
    prepare: Callable[[Job], Scan]
    task_words: int


def load_kernel(name: str, *, n_pairs: int) -> Kernel:
    """Load a kernel by its name; "auto" chooses by the number of pairs.

    Raises
    ------
    UsageError
        If there is none of that name.
    ResourceError
        If it is named and cannot be loaded.
    """
    if name not in _LOADERS:
        raise UsageError(f"kernel: {name!r} is not one", code="kernel", hint=nearest(str(name), _LOADERS))
    return _LOADERS[name](n_pairs)


def _auto(n_pairs: int) -> Kernel:
    if n_pairs < AUTO_PAIRS:
        return _reference(n_pairs)
    try:
        return _numba(n_pairs)
    except ResourceError:
        return _reference(n_pairs)


def _numba(_n_pairs: int) -> Kernel:
    try:
        from pprl.comparison.kernels import tiles
    except ImportError:
        raise ResourceError(
            "kernel 'numba': the library numba cannot be imported",
            code="no-numba",
            hint="install numba, or choose kernel='reference', which is slower",
        ) from None
    return Kernel("numba", tiles.prepare, task_words=1 << 21)


def _reference(_n_pairs: int) -> Kernel:
    from pprl.comparison.kernels import reference

    return Kernel("reference", reference.prepare, task_words=1 << 18)


_LOADERS: dict[str, Callable[[int], Kernel]] = {"auto": _auto, "numba": _numba, "reference": _reference}
