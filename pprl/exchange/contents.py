"""
Contents: whether a payload is what its purpose says, and nothing else.

The linkage unit may send linkage keys and a crosswalk, which have one form each, and never a
table of links: whatever does not have the form of its purpose is not sealed, and is not taken
when it was.  Files are read in pieces, so memory does not grow with their length.
"""

import csv
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, cast

import msgspec

from pprl.errors import DataError, PolicyError
from pprl.exchange.contributions import is_share
from pprl.exchange.deletions import record_from
from pprl.exchange.digests import Digested, digesting
from pprl.exchange.envelope import ALLOWED, Layout, Purpose
from pprl.exchange.pages import is_page
from pprl.exchange.parties import Party
from pprl.exchange.rowchecks import check_rows

PIECE_BYTES = 1 << 20
HEADER_BYTES = 1 << 16
KEY_COLUMN = "linkage_key"
_LINKAGE_KEYS = (b"record_id,linkage_key\n", rb"[0-9a-f]{24},[0-9a-f]{32}\n")
_CROSSWALK = (
    b"person,source,linkage_key,probability\n",
    rb"[0-9a-f]{32},[a-z][a-z0-9_-]{0,49},[0-9a-f]{32},(?:0(?:\.[0-9]{1,2})?|1(?:\.00?)?)?\n",
)
_ID_MAP = (b"record_id,local_id\n", rb'[0-9a-f]{24},(?:[^",\r\n]+|"(?:[^"]|"")+")\n')
_AT_HOME = {"record_id", "local_id", "left_id", "right_id"}
_NOT_AGAIN = "take the file as the verb wrote it"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a payload says of itself.

    Parameters
    ----------
    rows : int
        Rows, or 1 where it is no table.
    project, fingerprint, epoch : str, str, int
        Of encodings: the agreement under which they were made; else empty.
    key_tag, encoder_tag : str
        Of encodings: their check tags.
    rows_digest : str
        Of encodings: what tells the same rows again in any order.
    random_ids : bool
        Of encodings: whether all record ids have the form of random ones.
    manifest : str
        Of encodings: SHA-256 of the manifest, to which all else is bound.
    length, sha256 : int, str
        Of the file, if it is to be sealed as it is; what was opened has been measured before.
    """

    rows: int
    project: str = ""
    fingerprint: str = ""
    epoch: int = 0
    key_tag: str = ""
    encoder_tag: str = ""
    rows_digest: str = ""
    random_ids: bool = False
    manifest: str = ""
    length: int = 0
    sha256: str = ""


def check_content(
    stream: BinaryIO,
    purpose: Purpose,
    layout: Layout,
    what: str,
    *,
    fresh_ids: bool,
    sender: Party | None = None,
) -> Facts:
    r"""Read a payload once and refuse it unless it has the form of its purpose.

    Parameters
    ----------
    stream : BinaryIO
        The payload, from its beginning.
    purpose, layout : str
        What it is said to be.
    what : str
        What to call it in messages.
    fresh_ids : bool
        Whether it was opened: the record ids of encodings must be those that sealing draws.
    sender : Party, optional
        Whose word a deletion record is; without a sender, none is one.

    Raises
    ------
    PolicyError
        If it is something else, such as a table of links.
    DataError
        If a row is malformed.
    AuthenticationError
        If a deletion record is not signed by its sender.

    Examples
    --------
    >>> import io
    >>> keys = b"record_id,linkage_key\n" + b"0a" * 12 + b"," + b"1b" * 16 + b"\n"
    >>> check_content(io.BytesIO(keys), "linkage-keys", "csv", "keys", fresh_ids=True).rows
    1
    >>> check_content(io.BytesIO(b"left_id,right_id\n"), "linkage-keys", "csv", "keys", fresh_ids=True)
    Traceback (most recent call last):
    pprl.errors.PolicyError: keys: does not have the columns of linkage-keys, and no others
    """
    if layout not in ALLOWED[purpose].layouts:
        raise _other(what, purpose, f"is not sent as {layout}")
    length = stream.seek(0, os.SEEK_END)
    if length > ALLOWED[purpose].most_bytes:
        raise PolicyError(
            f"{what}: is longer than {ALLOWED[purpose].most_bytes} bytes", code="too-large", hint=_NOT_AGAIN
        )
    stream.seek(0)
    if fresh_ids or purpose == "encodings":
        return _facts(stream, purpose, what, sender, fresh_ids=fresh_ids)
    with digesting() as digest:
        digested = Digested(stream, digest)
        facts = _facts(cast("BinaryIO", digested), purpose, what, sender, fresh_ids=fresh_ids)
        return msgspec.structs.replace(facts, length=length, sha256=digested.hexdigest())


def layout_of(start: bytes, purpose: Purpose, what: str) -> Layout:
    """Say from the first bytes of a payload which layout of its purpose it is.

    Raises
    ------
    PolicyError
        If it is none of them.

    Examples
    --------
    >>> layout_of(b"PAR1...", "payload", "file")
    'parquet'
    """
    for layout in ALLOWED[purpose].layouts:
        if _BEGINNINGS[layout](start):
            return layout
    raise _other(what, purpose, f"is not {' or '.join(ALLOWED[purpose].layouts)}")


def _facts(stream: BinaryIO, purpose: Purpose, what: str, sender: Party | None, *, fresh_ids: bool) -> Facts:
    if purpose == "encodings":
        return _encodings(stream, what, fresh_ids=fresh_ids)
    if purpose == "deletion-record":
        return _record(stream, what, sender)
    return Facts(rows=_CHECKS[purpose](stream, purpose, what))


def _record(stream: BinaryIO, what: str, sender: Party | None) -> Facts:
    if sender is None:
        raise _other(what, "deletion-record", "comes from nobody, and is no")
    record_from(stream.read(), sender)
    return Facts(rows=1)


def _encodings(stream: BinaryIO, what: str, *, fresh_ids: bool) -> Facts:
    manifest, facts = check_rows(stream, what, fresh_ids=fresh_ids)
    return Facts(
        rows=facts.rows,
        project=manifest.project,
        fingerprint=manifest.fingerprint,
        epoch=manifest.epoch,
        key_tag=manifest.key_tag,
        encoder_tag=manifest.encoder_tag,
        rows_digest=facts.rows_digest,
        random_ids=facts.random_ids,
        manifest=hashlib.sha256(manifest.to_bytes()).hexdigest(),
    )


def _table(header: bytes, row: bytes) -> Callable[[BinaryIO, Purpose, str], int]:
    """Make the check of a table that has one header, and rows of one form."""
    form = re.compile(rb"(?:" + row + rb")*")

    def check(stream: BinaryIO, purpose: Purpose, what: str) -> int:
        if stream.read(len(header)) != header:
            raise _other(what, purpose, "does not have the columns of", after=", and no others")
        n_rows = 0
        for lines in _whole_lines(stream, what):
            if form.fullmatch(lines) is None:
                raise DataError(
                    f"{what}: a row after row {n_rows} is malformed", code="row-malformed", hint=_NOT_AGAIN
                )
            n_rows += lines.count(b"\n")
        return n_rows

    return check


def _whole_lines(stream: BinaryIO, what: str) -> Iterator[bytes]:
    rest = b""
    while piece := stream.read(PIECE_BYTES):
        lines, found, begun = (rest + piece).rpartition(b"\n")
        if not found and len(begun) > PIECE_BYTES:
            break
        rest = begun
        if found:
            yield lines + b"\n"
    if rest:
        raise DataError(f"{what}: its last row is not whole", code="row-malformed", hint=_NOT_AGAIN)


def _html(stream: BinaryIO, purpose: Purpose, what: str) -> int:
    if not is_page(stream.read()):
        raise _other(what, purpose, "is no page that pprl made, as is a")
    return 1


def _share(stream: BinaryIO, purpose: Purpose, what: str) -> int:
    if not is_share(stream.read()):
        raise _other(what, purpose, "is not what a ceremony makes, and is no")
    return 1


def _payload(stream: BinaryIO, purpose: Purpose, what: str) -> int:
    start = stream.read(HEADER_BYTES)
    stream.seek(0)
    names, n_rows = _parquet(stream, what) if start.startswith(b"PAR1") else _csv(stream, start, what)
    if names.count(KEY_COLUMN) != 1 or _AT_HOME & set(names):
        raise _other(what, purpose, "has no linkage keys in the place of ids, as have all")
    return n_rows


def _csv(stream: BinaryIO, start: bytes, what: str) -> tuple[list[str], int]:
    line = start.partition(b"\n")[0]
    try:
        names = next(csv.reader([line.decode("utf-8")]), [])
    except (UnicodeDecodeError, csv.Error):
        names = []
    n_lines = 0
    while piece := stream.read(PIECE_BYTES):
        n_lines += piece.count(b"\n")
        if b"\0" in piece:
            raise DataError(f"{what}: holds NUL bytes", code="row-malformed", hint=_NOT_AGAIN)
    return names, max(n_lines - 1, 0)


def _parquet(stream: BinaryIO, what: str) -> tuple[list[str], int]:
    import pyarrow as pa
    import pyarrow.parquet

    try:
        found = pyarrow.parquet.read_metadata(stream)
        return list(found.schema.to_arrow_schema().names), int(found.num_rows)
    except (pa.ArrowException, OSError, ValueError):
        pass
    raise DataError(f"{what}: is no Parquet file", code="row-malformed", hint=_NOT_AGAIN)


def _is_html(start: bytes) -> bool:
    return start[:15].lower() == b"<!doctype html>"


_CHECKS: Mapping[Purpose, Callable[[BinaryIO, Purpose, str], int]] = {
    "linkage-keys": _table(*_LINKAGE_KEYS),
    "crosswalk": _table(*_CROSSWALK),
    "id-map": _table(*_ID_MAP),
    "payload": _payload,
    "report": _html,
    "key-share": _share,
}
_BEGINNINGS: Mapping[Layout, Callable[[bytes], bool]] = {
    "pprl-package 1": lambda start: start.startswith(b"pprl-package 1 "),
    "csv": lambda start: not start.startswith((b"PAR1", b"pprl-package", b"age-encryption.org")),
    "parquet": lambda start: start.startswith(b"PAR1"),
    "html": _is_html,
    "json": lambda start: start.lstrip()[:1] == b"{",
    "binary": lambda _start: True,
}


def _other(what: str, purpose: Purpose, how: str, *, after: str = "") -> PolicyError:
    return PolicyError(
        f"{what}: {how} {purpose}{after}",
        code="wrong-content",
        hint="links, conflicts, clusters and scores stay at the linkage unit",
    )
