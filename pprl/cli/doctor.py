"""Check that this machine can do it."""

import os
import platform
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
import numpy as np

from pprl.agreement import Agreement, preset_names
from pprl.cli.console import say
from pprl.comparison import compare
from pprl.errors import PprlError, ResourceError
from pprl.exchange.age import able
from pprl.keys import LinkageKey
from pprl.model import BitMatrix
from pprl.reporting.text import columns
from pprl.version import __version__

_LIBRARIES = (
    "numpy",
    "pandas",
    "pyarrow",
    "numba",
    "cryptography",
    "msgspec",
    "click",
    "tqdm",
    "jinja2",
    "matplotlib",
)
# Derived from 32 zero bytes; any other answer means other keys, and so other encodings.
_NO_NUMBA = "resource/no-numba"
_SLOWER = "numba cannot be imported: all works, but slower"
_KNOWN_SUBKEY_TAG = "0e4689ea52a8"


@click.command()
def doctor() -> None:
    """Check this machine: versions, randomness, keys, files, and that fast and slow kernels agree.

    Reads no data.  Compare what it prints when two parties' packages do not fit.
    """
    say(columns([("pprlink", __version__), ("Python", platform.python_version()), *_surroundings()]))
    say("")
    results = [(what, _outcome(check)) for what, check in _CHECKS.items()]
    say(columns([("check", "result"), *results]))
    failed = [what for what, outcome in results if outcome not in {"ok", _SLOWER}]
    if failed:
        raise ResourceError(f"{len(failed)} checks failed: {', '.join(failed)}", code="doctor")


def _surroundings() -> list[tuple[str, str]]:
    return [
        (
            "system",
            f"{platform.system()} {platform.machine()}, {sys.byteorder}-endian, {os.cpu_count()} cores",
        ),
        ("Unicode data", unicodedata.unidata_version),
        *((name, _version(name)) for name in _LIBRARIES),
        ("free disk here", f"{shutil.disk_usage(Path.cwd()).free / 2**30:.1f} GiB"),
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _outcome(check: Callable[[], None]) -> str:
    try:
        check()
    except PprlError as error:
        if error.code == _NO_NUMBA:
            return _SLOWER
        return f"failed: {error.message}"
    except Exception as error:  # noqa: BLE001 - whatever is wrong with this machine is the answer
        return f"failed: {type(error).__name__}"
    return "ok"


def _randomness() -> None:
    if LinkageKey.generate() == LinkageKey.generate():
        raise ResourceError("the same key twice", code="no-randomness")


def _keys() -> None:
    tag = LinkageKey(bytes(32)).for_project("doctor", epoch=1).derive("self-test").mac(b"").hex()
    if not tag.startswith(_KNOWN_SUBKEY_TAG):
        raise ResourceError("derived keys differ from those of other machines", code="keys")


def _presets() -> None:
    for name in preset_names():
        Agreement.preset(name)


def _files() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test.key"
        key = LinkageKey.generate()
        key.save(path)
        if LinkageKey.load(path) != key:
            raise ResourceError("a key file reads back as another key", code="files")


def _kernels() -> None:
    rng = np.random.default_rng(1)
    bits = BitMatrix.from_bools(rng.random((300, 1024)) < rng.random((300, 1)))
    slow, fast = (compare(bits, bits, threshold="0.6", kernel=kernel) for kernel in ("reference", "numba"))
    if not (np.array_equal(slow.left, fast.left) and np.array_equal(slow.score, fast.score)):
        raise ResourceError("the compiled kernel and the reference disagree", code="kernels")


_CHECKS = {
    "randomness": _randomness,
    "key derivation": _keys,
    "presets": _presets,
    "private files": _files,
    "post-quantum sealing": able,
    "kernels agree": _kernels,
}
