"""
Encodings as they are sent: fresh random record ids, and rows in the order of these.

An order of random numbers is a random order, and one that a reader can check: no id can occur
twice in it.  Rows are taken from the package piece by piece, and nothing is written down.  What
stays in memory of each record is the place from which it comes, four bytes.
"""

import csv
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from pprl.exchange.bodies import Body, Ending, Take
from pprl.exchange.digests import digesting
from pprl.exchange.idmaps import HEADER
from pprl.exchange.layout import Manifest, Section, header_of, placed_sections
from pprl.exchange.package import Octets, read_sections
from pprl.exchange.rowchecks import FRESH_ID_DIGITS
from pprl.exchange.tables import csv_bytes
from pprl.keys import random_bytes
from pprl.model.arrays import Mask

PIECE_BYTES = 1 << 20
BUCKET_ROWS = 1 << 16
_SEED_BYTES = 32
_HIGH_BITS = 64
_LOW_BYTES = 4

Numbers = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Draws:
    """Random ids in rising order, which can be drawn again as they were.

    They are drawn by buckets, which are their first bits.  How many ids a bucket has is what
    drawing the first bits of each id alone has given.
    """

    seed: bytes
    n_bits: int
    ends: npt.NDArray[np.int64]  # shape (2 ** n_bits + 1,): where each bucket begins, and the last one ends
    repeats: npt.NDArray[np.int64]  # shape (2 ** n_bits,): how often one was drawn again, as ids were equal

    def buckets(self) -> Iterator[slice]:
        for first, last in zip(self.ends[:-1].tolist(), self.ends[1:].tolist(), strict=True):
            yield slice(first, last)

    def high(self, bucket: int) -> Numbers:
        """Give the first 64 bits of the ids of a bucket, in the order of their rows."""
        count = int(self.ends[bucket + 1] - self.ends[bucket])
        drawn = _stream(self.seed, f"high {bucket} {self.repeats[bucket]}", 8 * count)
        numbers = np.frombuffer(drawn, dtype="<u8").astype(np.uint64, copy=False)
        if not self.n_bits:
            return numbers
        return (numbers >> np.uint64(self.n_bits)) | np.uint64(bucket << (_HIGH_BITS - self.n_bits))

    def digits(self, bucket: int) -> bytes:
        """Give the ids of a bucket in rising order, in hexadecimal digits, one after another."""
        high = np.sort(self.high(bucket))
        both = np.empty(high.size, dtype=[("high", ">u8"), ("low", ">u4")])
        both["high"] = high
        both["low"] = np.frombuffer(_stream(self.seed, f"low {bucket}", _LOW_BYTES * high.size), dtype=">u4")
        return both.tobytes().hex().encode("ascii")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Shuffled:
    """A package under fresh ids, as pieces of bytes that can be given again and again.

    Use `shuffle`.

    Parameters
    ----------
    manifest : Manifest
        Of the package as it is sent; the digests of its sections are not known yet.
    sections : mapping of str to ndarray of uint8
        Of the package as it was.
    order : ndarray of unsigned integers, shape (n,)
        For each row that is sent, the row that it was.
    draws : _Draws
        The fresh ids.
    source : str
        SHA-256 of the manifest of the package as it was.
    unchanged : callable
        Raises if the package is no longer as it was; asked when all has been given.
    """

    manifest: Manifest
    sections: dict[str, Octets]
    order: npt.NDArray[np.unsignedinteger]
    draws: _Draws
    source: str
    unchanged: Callable[[], None]

    def body(self) -> Body:
        """Give the package as it is sent."""
        content = self.manifest.to_bytes()
        n_first = len(header_of(content)) + len(content)
        end = n_first
        for section, begin in placed_sections(self.manifest, n_first):
            end = begin + section.length
        return Body(end, n_first, lambda take: self._pour(take, n_first))

    def _pour(self, take: Take, n_first: int) -> Ending:
        end, sections = n_first, []
        for section, begin in placed_sections(self.manifest, n_first):
            take(bytes(begin - end))
            end = begin + section.length
            with digesting() as digest:
                for piece in self._section(section.name):
                    digest.update(piece)
                    take(piece)
                sections.append(msgspec.structs.replace(section, sha256=digest.hexdigest()))
        self.unchanged()
        content = msgspec.structs.replace(self.manifest, sections=tuple(sections)).to_bytes()
        return Ending(header_of(content) + content, hashlib.sha256(content).hexdigest())

    def _section(self, name: str) -> Iterator[bytes | memoryview]:
        if name == "record_ids":
            yield from (self.draws.digits(bucket) for bucket, _ in enumerate(self.draws.buckets()))
            return
        rows = self._rows(name)
        for some in _slices(len(self), rows.shape[1]):
            yield np.take(rows, self.order[some], axis=0).reshape(-1).data

    def id_map(self) -> Iterator[bytes]:
        """Give the way back to the custodian's own ids as CSV; people who do not exist are not in it."""
        yield csv_bytes(HEADER, ())
        own = self._rows("record_ids")
        for bucket, rows in enumerate(self.draws.buckets()):
            was = self.order[rows]
            real = self._real(was)
            fresh = np.frombuffer(self.draws.digits(bucket), dtype=np.uint8).reshape(-1, FRESH_ID_DIGITS)
            yield _csv_rows(np.compress(real, fresh, axis=0), np.take(own, was[real], axis=0))

    def _rows(self, name: str) -> Octets:
        octets = self.sections[name]
        return octets.reshape(len(self), octets.size // max(len(self), 1))

    def id_map_length(self) -> int:
        """Give how many bytes the way back has; the order makes no difference to that."""
        own = self._rows("record_ids")
        some_id = np.full((1, FRESH_ID_DIGITS), ord("0"), dtype=np.uint8)
        length = len(csv_bytes(HEADER, ()))
        for rows in _slices(len(self), FRESH_ID_DIGITS + own.shape[1]):
            real = own[rows][self._real(np.arange(rows.start, rows.stop))]
            length += len(_csv_rows(np.broadcast_to(some_id, (len(real), FRESH_ID_DIGITS)), real))
        return length

    @property
    def n_real(self) -> int:
        """Number of records of people who exist."""
        return len(self) - self.manifest.decoys - self.manifest.spike_ins

    def _real(self, was: npt.NDArray[np.unsignedinteger | np.int64]) -> Mask:
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


def shuffle(path: str | os.PathLike[str], unchanged: Callable[[], None] = lambda: None) -> Shuffled:
    """Draw fresh ids and a random order for a package.

    Parameters
    ----------
    path : path
        The package.  That its sections have the digests that it states is not checked again.
    unchanged : callable
        Raises if the package is not as it was when it was checked.

    Returns
    -------
    Shuffled
        What is sent, and the way back.

    Raises
    ------
    DataError
        If it is not a package.
    AuthenticationError
        If it is truncated, or its manifest altered.
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
    ...     sent = []
    ...     ending = shuffled.body().pour(sent.append)
    >>> shuffled
    Shuffled(3 records)
    >>> check_rows(io.BytesIO(ending.first + b"".join(sent)), "package", fresh_ids=True)[1].rows
    3
    """
    manifest, sections = read_sections(path, check_digests=False)
    draws, order = _drawn(manifest.rows, random_bytes(_SEED_BYTES))
    unknown = tuple(
        Section(
            name=one.name,
            length=manifest.rows * FRESH_ID_DIGITS if one.name == "record_ids" else one.length,
            sha256="0" * 64,
        )
        for one in manifest.sections
    )
    fresh = msgspec.structs.replace(manifest, id_width=FRESH_ID_DIGITS, sections=unknown)
    source = hashlib.sha256(manifest.to_bytes()).hexdigest()
    return Shuffled(fresh, sections, order, draws, source, unchanged)


def _drawn(rows: int, seed: bytes) -> tuple[_Draws, npt.NDArray[np.unsignedinteger]]:
    """Draw a random id for each row, and give the rows in the order of these.

    First the rows are brought into buckets by the first bits of their ids, and then each bucket
    into order, so that no more than a bucket is ever sorted.
    """
    n_bits = max((rows // BUCKET_ROWS).bit_length(), 0)
    counts = np.zeros(1 << n_bits, dtype=np.int64)
    for _, first in _first_bits(rows, n_bits, seed):
        counts += np.bincount(first, minlength=counts.size)
    draws = _Draws(seed, n_bits, np.concatenate([[0], np.cumsum(counts)]), np.zeros_like(counts))
    order = np.empty(rows, dtype=np.min_scalar_type(max(rows - 1, 0)))
    free = draws.ends[:-1].copy()
    for begin, first in _first_bits(rows, n_bits, seed):
        by_bucket = np.argsort(first, kind="stable")
        n_each = np.bincount(first, minlength=counts.size)
        within = np.arange(first.size) - np.repeat(np.cumsum(n_each) - n_each, n_each)
        order[np.repeat(free, n_each) + within] = begin + by_bucket
        free += n_each
    for bucket, some in enumerate(draws.buckets()):
        order[some] = order[some][_different(draws, bucket)]
    return draws, order


def _different(draws: _Draws, bucket: int) -> npt.NDArray[np.int64]:
    """Give the order of the ids of a bucket; they are drawn until all are different."""
    while True:
        high = draws.high(bucket)
        order: npt.NDArray[np.int64] = np.argsort(high)
        rising = high[order]
        # Of ten million, two are equal once in 400,000 draws.
        if not bool((rising[1:] == rising[:-1]).any()):
            return order
        draws.repeats[bucket] += 1


def _first_bits(rows: int, n_bits: int, seed: bytes) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Draw the first bits of the id of each row, piece by piece, with the row that each piece begins with."""
    for begin in range(0, rows, BUCKET_ROWS):
        count = min(BUCKET_ROWS, rows - begin)
        drawn = np.frombuffer(_stream(seed, f"first {begin}", 4 * count), dtype="<u4")
        yield begin, (drawn & np.uint32((1 << n_bits) - 1)).astype(np.int64)


def _stream(seed: bytes, what: str, n_bytes: int) -> bytes:
    """Give bytes that nobody can tell from random ones without the seed."""
    return hashlib.shake_256(seed + what.encode("ascii")).digest(n_bytes)


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
