"""
Compiling kernels, or taking them from numba's cache folder.

Signatures are written out, so that a kernel is compiled once and not again for every kind
of array, and arrays are taken as read-only where they are not written to.
"""

import hashlib
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba import types
from numba.core import event

from pprl.comparison import rectangles
from pprl.model.arrays import frozen

if numba.config.DISABLE_JIT:
    raise ImportError("numba is told not to compile (NUMBA_DISABLE_JIT)")

WORDS = types.Array(types.uint64, 1, "C", readonly=True)
WORD_TABLE = types.Array(types.uint64, 2, "C", readonly=True)
COUNTS = types.Array(types.int32, 1, "C", readonly=True)
COUNT_TABLE = types.Array(types.int32, 2, "C", readonly=True)
TAG_TABLE = types.Array(types.uint32, 2, "C", readonly=True)
ROWS = types.Array(types.int64, 1, "C", readonly=True)
WORDS_OUT = types.Array(types.uint64, 2, "C")
PAIRS_OUT = types.Array(types.int32, 2, "C")


def _stamp() -> npt.NDArray[np.void]:
    """Make an empty array whose type carries a digest of all that kernels are made of.

    numba's cache looks at the file of a loop, not at the files of what the loop calls; a
    loop that takes this as an argument is another loop when any of them changes.
    """
    digest = hashlib.sha256()
    for source in [*sorted(Path(__file__).parent.glob("*.py")), Path(rectangles.__file__)]:
        digest.update(source.read_bytes())
    return frozen(np.empty(0, dtype=[(f"s{digest.hexdigest()[:16]}", "u1")]))


STAMP = _stamp()
STAMPED = types.Array(numba.from_dtype(STAMP.dtype), 1, "C", readonly=True)


_LOGGER = logging.getLogger(__name__)


class _Waiting(event.Listener):  # type: ignore[misc]
    """Says why a call waits; numba tells it when nothing fits in the cache folder."""

    def on_start(self, event: Any) -> None:  # noqa: ANN401, ARG002
        _say_why()

    def on_end(self, event: Any) -> None:  # noqa: ANN401
        """Say nothing."""


@cache
def _say_why() -> None:
    _LOGGER.warning("compiling the fast loops for this machine: once, some seconds")


@cache
def compiled(loop: Callable[..., Any], signature: Any) -> Callable[..., Any]:  # noqa: ANN401 - numba has no types
    """Compile a loop for one signature, or take it from the cache folder.

    A folder that cannot be written, or holds what cannot be read, costs a compilation
    and nothing else.
    """
    with event.install_listener("numba:compile", _Waiting()):
        try:
            return _from_cache(loop, signature)
        except Exception:  # noqa: BLE001 - a cache breaks in many ways; a fault of the loop shows below
            return _without_cache(loop, signature)


def _from_cache(loop: Callable[..., Any], signature: Any) -> Callable[..., Any]:  # noqa: ANN401
    return numba.njit(signature, nogil=True, cache=True)(loop)  # type: ignore[no-any-return]


def _without_cache(loop: Callable[..., Any], signature: Any) -> Callable[..., Any]:  # noqa: ANN401
    return numba.njit(signature, nogil=True)(loop)  # type: ignore[no-any-return]
