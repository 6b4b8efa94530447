"""
Checking a payload in a process of its own, with limits.

What a stranger sent is parsed where it can do least: in a process that may not write a file,
and has only so much memory and time.  If that dies, the payload is refused.
"""

import contextlib
import os
import subprocess  # noqa: S404 - this interpreter is started, with arguments of our own
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from pprl.errors import AuthenticationError, DataError, PolicyError, PprlError, ResourceError, VersionError
from pprl.exchange.contents import Facts, check_content
from pprl.exchange.envelope import Layout, Purpose
from pprl.exchange.parties import Party
from pprl.files import open_regular

MEMORY_BYTES = 4 << 30  # of addresses, most of which libraries reserve and never touch
SECONDS = 60
BYTES_PER_SECOND = 10 << 20  # of the slowest machine that is waited for
_KINDS: Mapping[str, type[PprlError]] = {
    kind.kind: kind for kind in (AuthenticationError, DataError, PolicyError, ResourceError, VersionError)
}


class _Question(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    purpose: Purpose
    layout: Layout
    what: str
    fresh_ids: bool
    sender: Party | None
    seconds: int


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    facts: Facts | None = None
    kind: str = ""
    code: str = ""
    message: str = ""
    hint: str = ""


def check_apart(
    path: Path,
    purpose: Purpose,
    layout: Layout,
    what: str,
    *,
    fresh_ids: bool,
    sender: Party | None = None,
) -> Facts:
    """Check a payload as `check_content` does, in a process with limits.

    Parameters
    ----------
    path : Path
        The payload, in the clear.
    purpose, layout : str
        What it is said to be.
    what : str
        What to call it in messages.
    fresh_ids : bool
        Whether it was opened: the record ids of encodings must be those that sealing draws.
    sender : Party, optional
        Whose word a deletion record is; without a sender, none is one.

    Returns
    -------
    Facts
        What the payload says of itself.

    Raises
    ------
    PprlError
        What `check_content` raises.
    DataError
        With the code ``row-limits``, if the process was ended by its limits.
    ResourceError
        If no process can be started.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "report.html"
    ...     _ = path.write_bytes(b"<!doctype html>")
    ...     check_apart(path, "report", "html", "report", fresh_ids=True).rows
    1
    """
    seconds = SECONDS + path.stat().st_size // BYTES_PER_SECOND
    question = _Question(
        path=str(path.absolute()),
        purpose=purpose,
        layout=layout,
        what=what,
        fresh_ids=fresh_ids,
        sender=sender,
        seconds=seconds,
    )
    answer = _asked(msgspec.json.encode(question), seconds, what)
    if answer.facts is not None:
        return answer.facts
    raise _KINDS.get(answer.kind, DataError)(
        answer.message, code=answer.code.removeprefix(f"{answer.kind}/"), hint=answer.hint
    )


def _asked(question: bytes, seconds: int, what: str) -> _Answer:
    command = [sys.executable, "-P", "-m", "pprl.exchange.checking"]
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter, and no argument from outside
            command,
            input=question,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=2 * seconds,
            check=False,
            env=_environment(),
        )
        return msgspec.json.decode(done.stdout, type=_Answer)
    except (subprocess.TimeoutExpired, msgspec.DecodeError):
        pass
    except OSError:
        raise ResourceError(
            f"{what}: no process could be started to check it",
            code="no-process",
            hint="end other programs, and try again",
        ) from None
    raise DataError(
        f"{what}: checking it took more memory or time than a right one takes",
        code="row-limits",
        hint="ask the sender what was sent; on a busy machine, try again",
    )


def _environment() -> dict[str, str]:
    """Give the child what it needs to find this very software, and one thread."""
    ours = str(Path(__file__).parents[2])
    others = [ours, *filter(None, [os.environ.get("PYTHONPATH", "")])]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(others),
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONFAULTHANDLER": "",
    }


def _limit(seconds: int) -> None:
    """Set limits to this process where the system has them; Windows has none of this kind."""
    with contextlib.suppress(ImportError):
        import resource

        for kind, most in (
            (resource.RLIMIT_AS, MEMORY_BYTES),
            (resource.RLIMIT_CPU, seconds),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
        ):
            # Some systems do not let a limit be set that they do not keep.
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(kind, (most, most))


def _answered(question: _Question) -> _Answer:
    try:
        with open_regular(Path(question.path), what=question.what, follow_links=False) as stream:
            return _Answer(facts=_facts(stream, question))
    except PprlError as error:
        return _Answer(kind=error.kind, code=error.code, message=error.message, hint=error.hint)


def _facts(stream: BinaryIO, question: _Question) -> Facts:
    return check_content(
        stream,
        question.purpose,
        question.layout,
        question.what,
        fresh_ids=question.fresh_ids,
        sender=question.sender,
    )


def main() -> None:
    """Answer one question from standard input; for `check_apart` only."""
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=_Question)
    _limit(question.seconds)
    sys.stdout.buffer.write(msgspec.json.encode(_answered(question)))


if __name__ == "__main__":
    main()
