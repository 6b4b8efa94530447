"""The kernels by name, each loaded when it is first asked for, and the choice between them."""

import logging
from collections.abc import Callable
from functools import cache

from pprl.comparison.kernels.types import Kernel
from pprl.errors import ResourceError, UsageError, nearest

_LOGGER = logging.getLogger(__name__)

AUTO_PAIRS = 10_000_000  # below this the reference is done before a compiler has been loaded


def load_kernel(name: str, *, n_pairs: int) -> Kernel:
    """Load a kernel by its name; "auto" chooses by the number of pairs.

    Raises
    ------
    UsageError
        If there is none of that name.
    ResourceError
        If it is named and cannot be loaded.
    """
    if not isinstance(name, str) or name not in _LOADERS:
        raise UsageError(f"kernel: {name!r} is not one", code="kernel", hint=nearest(str(name), _LOADERS))
    return _LOADERS[name](n_pairs)


def _auto(n_pairs: int) -> Kernel:
    if n_pairs < AUTO_PAIRS:
        return _reference(n_pairs)
    try:
        return _numba(n_pairs)
    except ResourceError as error:
        _say(error.message)
        return _reference(n_pairs)


@cache
def _say(why: str) -> None:
    """Say once why comparing takes longer than it might."""
    _LOGGER.warning("%s; the slower reference is used", why)


def _numba(_n_pairs: int) -> Kernel:
    try:
        from pprl.comparison.kernels import buckets, tiles
    except ImportError:
        raise ResourceError(
            "kernel 'numba': the library numba cannot be imported",
            code="no-numba",
            hint="install numba, or choose kernel='reference', which is slower",
        ) from None
    return Kernel("numba", tiles.prepare_rectangles, buckets.prepare_runs)


def _reference(_n_pairs: int) -> Kernel:
    from pprl.comparison.kernels import reference

    return Kernel("reference", reference.prepare_rectangles, reference.prepare_runs)


_LOADERS: dict[str, Callable[[int], Kernel]] = {"auto": _auto, "numba": _numba, "reference": _reference}
