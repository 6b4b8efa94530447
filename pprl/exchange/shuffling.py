"""
Encodings as they are sent: fresh random record ids, and rows in the order of these.

An order of random numbers is a random order, and one that a reader can check: no id can occur
twice in it.  Rows are taken from the package piece by piece, and nothing is written down; what
stays in memory is a number, and an id, for each record.
"""

import csv
import dataclasses
import hashlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from pprl.exchange.digests import digesting
from pprl.exchange.idmaps import HEADER
from pprl.exchange.layout import Manifest, Section, aligned, header_of
from pprl.exchange.package import Octets, read_sections
from pprl.exchange.rowchecks import FRESH_ID_DIGITS
from pprl.exchange.tables import csv_bytes
from pprl.keys import random_bytes
from pprl.model.arrays import Mask

PIECE_BYTES = 1 << 22
_HIGH_BYTES, _LOW_BYTES = 8, 4


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Shuffled:
    """A package under fresh ids, as pieces of bytes that can be given again and again.

    Use `shuffle`.

    Parameters
    ----------
    manifest : Manifest
        Of the package as it is sent.
    sections : mapping of str to ndarray of uint8
        Of the package as it was.
    order : ndarray of int64, shape (n,)
        For each row that is sent, the row that it was.
    high, low : ndarray of big-endian numbers, shape (n,)
        The first 64 bits of each fresh id, rising, and the other 32.
    source : str
        SHA-256 of the manifest of the package as it was.
    """

    manifest: Manifest
    sections: dict[str, Octets]
    order: npt.NDArray[np.int64]
    high: npt.NDArray[np.uint64]
    low: npt.NDArray[np.uint32]
    source: str

    def pieces(self) -> Iterator[bytes]:
        """Give the bytes of the package as it is sent."""
        content = self.manifest.to_bytes()
        position = 0
        for piece in (header_of(content), content):
            position += len(piece)
            yield piece
        for section in self.manifest.sections:
            yield b"\0" * (aligned(position) - position)
            position = aligned(position) + section.length
            yield from self.section(section.name)

    def section(self, name: str) -> Iterator[bytes]:
        """Give the bytes of one section."""
        width = FRESH_ID_DIGITS if name == "record_ids" else self.sections[name].size // max(len(self), 1)
        for rows in _slices(len(self), width):
            if name == "record_ids":
                yield self._fresh_ids(rows)
            else:
                yield np.take(self.sections[name].reshape(-1, width), self.order[rows], axis=0).tobytes()

    def id_map(self) -> Iterator[bytes]:
        """Give the way back to the custodian's own ids as CSV; people who do not exist are not in it."""
        yield csv_bytes(HEADER, ())
        width = self.sections["record_ids"].size // max(len(self), 1)
        for rows in _slices(len(self), FRESH_ID_DIGITS + width):
            was = self.order[rows]
            own = self.sections["record_ids"].reshape(-1, width)[was]
            real = self._real(was)
            fresh = np.frombuffer(self._fresh_ids(rows), dtype=np.uint8).reshape(-1, FRESH_ID_DIGITS)
            yield _csv_rows(fresh[real], own[real])

    @property
    def n_real(self) -> int:
        """Number of records of people who exist."""
        return len(self) - self.manifest.decoys - self.manifest.spike_ins

    def _fresh_ids(self, rows: slice) -> bytes:
        both = np.empty(self.high[rows].size, dtype=[("high", ">u8"), ("low", ">u4")])
        both["high"], both["low"] = self.high[rows], self.low[rows]
        return both.tobytes().hex().encode("ascii")

    def _real(self, was: npt.NDArray[np.int64]) -> Mask:
        real: Mask = np.ones(was.size, dtype=np.bool_)
        if self.manifest.decoys:
            real &= self.sections["decoy"][was] == 0
        if self.manifest.spike_ins:
            real &= self.sections["spike_in"].view("<i4")[was] == 0
        return real

    def __len__(self) -> int:
        return self.manifest.rows

    def __repr__(self) -> str:
        return f"Shuffled({len(self)} records)"


def shuffle(path: str | os.PathLike[str]) -> Shuffled:
    """Draw fresh ids and a random order for a package.

    Parameters
    ----------
    path : path
        The package.

    Returns
    -------
    Shuffled
        What is sent, and the way back.

    Raises
    ------
    DataError
        If it is not a package.
    AuthenticationError
        If it is truncated or altered.
    ResourceError
        If the operating system has no randomness to give.

    Examples
    --------
    >>> import io, tempfile
    >>> from pathlib import Path
    >>> from pprl.exchange.rowchecks import check_rows
    >>> from pprl.exchange.package import Package
    >>> from pprl.model import BitMatrix, CheckTags, Provenance
    >>> bits = BitMatrix.from_bools(np.eye(3, 128, dtype=bool))
    >>> package = Package(np.array([b"a", b"b", b"c"]), {"one": bits}, {"one": np.ones(3, dtype=bool)},
    ...     "study", 1, "0a" * 32, CheckTags("1b" * 16, "2c" * 16), Provenance.current())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     package.save(Path(folder) / "a.pprl")
    ...     shuffled = shuffle(Path(folder) / "a.pprl")
    ...     sent = b"".join(shuffled.pieces())
    >>> shuffled
    Shuffled(3 records)
    >>> check_rows(io.BytesIO(sent), "package", fresh_ids=True)[1].rows
    3
    """
    manifest, sections = read_sections(path)
    order, high = _drawn(manifest.rows)
    low = np.frombuffer(random_bytes(_LOW_BYTES * manifest.rows), dtype=">u4")
    fresh = msgspec.structs.replace(manifest, id_width=FRESH_ID_DIGITS)
    source = hashlib.sha256(manifest.to_bytes()).hexdigest()
    shuffled = Shuffled(fresh, sections, order, high, low, source)
    new = tuple(_digested(shuffled, section.name) for section in manifest.sections)
    return dataclasses.replace(shuffled, manifest=msgspec.structs.replace(fresh, sections=new))


def _drawn(rows: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64]]:
    """Draw different random numbers, and give the order that sorts them, and them in it."""
    while True:
        drawn = np.frombuffer(random_bytes(_HIGH_BYTES * rows), dtype=np.uint64)
        order = np.argsort(drawn, kind="stable")
        high = drawn[order]
        # Of ten million, two are equal once in 400,000 draws.
        if not bool((high[1:] == high[:-1]).any()):
            return order, high


def _digested(shuffled: Shuffled, name: str) -> Section:
    with digesting() as digest:
        for piece in shuffled.section(name):
            digest.update(piece)
        return Section(name=name, length=digest.length, sha256=digest.hexdigest())


def _csv_rows(fresh: Octets, own: Octets) -> bytes:
    """Write two columns of ids, the second filled up with zero bytes, as CSV."""
    if np.isin(own, np.frombuffer(b',"', dtype=np.uint8)).any():
        text = io.StringIO(newline="")
        locals_ = np.ascontiguousarray(own).view(f"S{own.shape[1]}").reshape(-1).tolist()
        pairs = zip(fresh, locals_, strict=True)
        csv.writer(text, lineterminator="\n").writerows(
            (one.tobytes().decode("ascii"), local.decode("utf-8")) for one, local in pairs
        )
        return text.getvalue().encode("utf-8")
    comma, end = np.full((len(own), 1), ord(",")), np.full((len(own), 1), ord("\n"))
    line = np.hstack([fresh, comma.astype(np.uint8), own, end.astype(np.uint8)])
    return line[line > 0].tobytes()


def _slices(rows: int, width: int) -> Iterator[slice]:
    step = max(PIECE_BYTES // max(width, 1), 1)
    return (slice(begin, min(begin + step, rows)) for begin in range(0, rows, step))
