"""
Row checks: whether the rows of a package can be what a custodian made.

A sender whom everybody trusts may still send a file that is wrong: filters that are all
zero, one row a million times, an id that two rows have.  The file is read once, in pieces,
so memory does not grow with the number of rows.
"""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt

from pprl.errors import DataError
from pprl.exchange.digests import Digest
from pprl.exchange.layout import Manifest, PassEntry, Section, altered, placed_sections
from pprl.exchange.package import read_manifest
from pprl.model.arrays import Ids, Mask, Words
from pprl.model.bits import WORD_BITS, n_words

PIECE_BYTES = 1 << 23
FRESH_ID_DIGITS = 24
LEAST_FILL = 1 / 256  # of the bits of a row; less, and more than 1 - this, is no filter of a person
MOST_UNUSUAL = 0.01  # of the rows of a pass may have such a fill
MOST_ALIKE = 0.5  # of the rows may be one and the same
FEWEST_ROWS = 20  # fewer rows may be alike by chance
_COUNTERS = 256

Hashes = npt.NDArray[np.uint64]
Octets = npt.NDArray[np.uint8]


class RowFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows of a package say of themselves.

    Parameters
    ----------
    rows : int
        How many there are.
    rows_digest : str
        32 hexadecimal digits that follow from the rows, whatever their order and their ids.
    random_ids : bool
        Whether all record ids have the form of random ones.
    """

    rows: int
    rows_digest: str
    random_ids: bool


def check_rows(stream: BinaryIO, what: str, *, fresh_ids: bool) -> tuple[Manifest, RowFacts]:
    """Read a package piece by piece and refuse rows that cannot be right.

    Parameters
    ----------
    stream : BinaryIO
        The package, from its beginning.
    what : str
        What to call it in messages.
    fresh_ids : bool
        Whether record ids must be random ones in rising order, as sealing makes them.  In that
        order no id occurs twice.

    Returns
    -------
    Manifest and RowFacts

    Raises
    ------
    DataError
        With a code ``row-...`` for each check.
    AuthenticationError
        If the file is truncated or altered.

    Examples
    --------
    >>> import io
    >>> check_rows(io.BytesIO(b"surname,forename"), "package", fresh_ids=True)
    Traceback (most recent call last):
    pprl.errors.DataError: package: is not a pprl package
    """
    manifest, start = read_manifest(stream, what)
    places = dict(_checked_places(stream, manifest, start, what))
    ids = _RisingIds(what) if fresh_ids else _AnyIds(what)
    with ThreadPoolExecutor(1) as pool:
        reader = _Reader(stream, manifest, places, what, pool)
        try:
            total = _check_pieces(reader, manifest, ids, what)
        except DataError:
            reader.finish()  # first of all, these may not be the rows that were sent
            raise
    return manifest, RowFacts(
        rows=manifest.rows, rows_digest=total.digest(manifest.rows), random_ids=ids.are_random
    )


def _check_pieces(reader: "_Reader", manifest: Manifest, ids: "_RisingIds | _AnyIds", what: str) -> "_Total":
    fills = [_Fill(one, what) for one in manifest.passes]
    others = _Others(manifest, what)
    alike, total = _Frequent(), _Total()
    most = _piece_rows(manifest)
    for begin in range(0, manifest.rows, most):
        n_rows = min(most, manifest.rows - begin)
        read = reader.read(n_rows)
        ids.add(read["record_ids"].reshape(n_rows, manifest.id_width))
        hashes = np.zeros(n_rows, dtype=np.uint64)
        anywhere = np.zeros(n_rows, dtype=np.bool_)
        for fill in fills:
            anywhere |= fill.add(read, hashes)
        others.add(read)
        mixed = _mixed(hashes)
        alike.add(mixed[anywhere])
        total.add(mixed)
    reader.finish()
    others.finish()
    for fill in fills:
        fill.finish()
    alike.finish(what)
    return total


def _checked_places(
    stream: BinaryIO, manifest: Manifest, start: int, what: str
) -> Iterator[tuple[str, tuple[Section, int]]]:
    end = start
    size = stream.seek(0, os.SEEK_END)
    for section, begin in placed_sections(manifest, start):
        stream.seek(end)
        if stream.read(begin - end).strip(b"\0"):
            raise altered(what, "what lies between its sections is not zero")
        end = begin + section.length
        yield section.name, (section, begin)
    if end != size:
        raise altered(what, f"it has {size} bytes, its manifest makes {end}")


def _piece_rows(manifest: Manifest) -> int:
    """Give how many rows fill no more than a piece together."""
    widths = manifest.id_width + sum(8 * n_words(one.n_bits) + 4 * one.tables for one in manifest.passes)
    return max(PIECE_BYTES // widths, 1)


class _Reader:
    """Reads the same rows of all sections, and their digests on the way."""

    def __init__(
        self,
        stream: BinaryIO,
        manifest: Manifest,
        places: dict[str, tuple[Section, int]],
        what: str,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._stream, self._rows, self._what = stream, manifest.rows, what
        self._next = {name: begin for name, (_, begin) in places.items()}
        self._sections = {name: section for name, (section, _) in places.items()}
        self._digests = {name: Digest(pool) for name in places}
        self._n_read, self._most = 0, _piece_rows(manifest)

    def read(self, n_rows: int) -> dict[str, Octets]:
        self._n_read += n_rows
        return {name: self._some(name, n_rows) for name in self._sections}

    def _some(self, name: str, n_rows: int) -> Octets:
        n_bytes = n_rows * (self._sections[name].length // self._rows)
        self._stream.seek(self._next[name])
        content = self._stream.read(n_bytes)
        if len(content) < n_bytes:
            raise altered(self._what, f"it ends within section {name}")
        self._digests[name].update(content)
        self._next[name] += n_bytes
        return np.frombuffer(content, dtype=np.uint8)

    def finish(self) -> None:
        """Read what is left, and raise unless all sections have their digests."""
        while n_left := self._rows - self._n_read:
            self.read(min(n_left, self._most))
        for name, digest in self._digests.items():
            if digest.hexdigest() != self._sections[name].sha256:
                raise altered(self._what, f"section {name} does not have the digest that the manifest states")


class _AnyIds:
    """Ids of a custodian's own; whether two are equal is seen where they are read whole."""

    def __init__(self, what: str) -> None:
        self._what, self.are_random = what, True

    def add(self, octets: Octets) -> None:
        if not (octets[:, 0] > 0).all():
            raise _wrong(self._what, "row-ids", "a record id is empty")
        self.are_random = self.are_random and _are_fresh(octets)


class _RisingIds:
    """Ids as sealing draws them: 24 digits of 0123456789abcdef, each above the one before."""

    are_random = True  # or they are refused

    def __init__(self, what: str) -> None:
        self._what, self._last = what, b""

    def add(self, octets: Octets) -> None:
        if not _are_fresh(octets):
            raise _wrong(self._what, "row-ids", f"record ids are not {FRESH_ID_DIGITS} hexadecimal digits")
        ids: Ids = np.ascontiguousarray(octets).view(f"S{FRESH_ID_DIGITS}").reshape(-1)
        first = bytes(ids[0])
        if first == self._last or bool((ids[1:] == ids[:-1]).any()):
            raise _wrong(self._what, "row-repeated-id", "two records have one id")
        if first < self._last or bool((ids[1:] < ids[:-1]).any()):
            raise _wrong(self._what, "row-order", "records are not in the order of their ids")
        self._last = bytes(ids[-1])


def _are_fresh(octets: Octets) -> bool:
    """Say whether ids have the form of those that sealing draws."""
    digits = ((octets >= ord("0")) & (octets <= ord("9"))) | ((octets >= ord("a")) & (octets <= ord("f")))
    return octets.shape[1] == FRESH_ID_DIGITS and bool(digits.all())


class _Fill:
    """How many bits the rows of a pass have, and whether absent ones have none."""

    def __init__(self, entry: PassEntry, what: str) -> None:
        self._entry, self._what = entry, what
        self._present = self._unusual = 0
        width = n_words(entry.n_bits)
        drawn = hashlib.shake_128(b"pprl rows " + entry.name.encode()).digest(8 * width)
        self._odd = np.frombuffer(drawn, dtype="<u8").astype(np.uint64) | np.uint64(1)

    def add(self, read: dict[str, Octets], hashes: Hashes) -> Mask:
        """Count a piece; mix its rows into their hashes, and say which are present."""
        place = f"passes/{self._entry.name}"
        octets = read[f"{place}/present"]
        if bool((octets > 1).any()):
            raise self._wrong("row-presence", "presence is neither 0 nor 1")
        present: Mask = octets.view(np.bool_)
        words = read[f"{place}/words"].view("<u8").reshape(present.size, -1)
        self._require_fitting(words)
        counts = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
        tags = read.get(f"{place}/tags")
        marked = False if tags is None else bool(tags.reshape(present.size, -1)[~present].any())
        if marked or bool(counts[~present].any()):
            raise self._wrong("row-absent", "a record that is absent has bits or block tags")
        self._count(counts[present])
        # A product with an odd number keeps high bits high; folded, they reach all others.
        hashes += np.einsum("ij,j->i", words ^ (words >> np.uint64(32)), self._odd) + present
        return present

    def _require_fitting(self, words: Words) -> None:
        beyond = self._entry.n_bits % WORD_BITS
        if beyond and bool((words[:, -1] >> np.uint64(beyond)).any()):
            raise self._wrong("row-beyond", "bits are set beyond the last")

    def _count(self, counts: npt.NDArray[np.int64]) -> None:
        n_bits = self._entry.n_bits
        if bool((counts == 0).any()):
            raise self._wrong("row-all-zero", "a record has no bit set, and is said to be present")
        if bool((counts == n_bits).any()):
            raise self._wrong("row-all-one", "a record has all bits set")
        unusual = (counts < LEAST_FILL * n_bits) | (counts > (1 - LEAST_FILL) * n_bits)
        self._present += counts.size
        self._unusual += int(unusual.sum())

    def finish(self) -> None:
        if self._present >= FEWEST_ROWS and self._unusual > MOST_UNUSUAL * self._present:
            raise self._wrong("row-fill", "too many records have almost no bits, or almost all")

    def _wrong(self, code: str, how: str) -> DataError:
        return _wrong(f"{self._what}, pass {self._entry.name}", code, how)


class _Others:
    """Counts of the people who do not exist."""

    def __init__(self, manifest: Manifest, what: str) -> None:
        self._manifest, self._what = manifest, what
        self._decoys, self._numbers = 0, [np.zeros(0, dtype=np.int32)]

    def add(self, read: dict[str, Octets]) -> None:
        decoy = read.get("decoy", np.zeros(0, dtype=np.uint8))
        spike_in = read.get("spike_in", np.zeros(0, dtype=np.uint8)).view("<i4")
        if bool((decoy > 1).any()) or bool((spike_in < 0).any()):
            raise _wrong(self._what, "row-fictitious", "a mark of a decoy or a spike-in is malformed")
        if decoy.size and spike_in.size and bool((decoy.view(np.bool_) & (spike_in > 0)).any()):
            raise _wrong(self._what, "row-fictitious", "a record is a decoy and a spike-in")
        self._decoys += int(decoy.sum())
        self._numbers.append(spike_in[spike_in > 0].astype(np.int32))
        # Bounded by the manifest, so that a hostile file cannot make this list long.
        if sum(one.size for one in self._numbers) > self._manifest.spike_ins:
            raise _wrong(self._what, "row-fictitious", "there are more spike-ins than the manifest states")

    def finish(self) -> None:
        numbers = np.concatenate(self._numbers)
        if self._decoys != self._manifest.decoys or numbers.size != self._manifest.spike_ins:
            raise _wrong(
                self._what, "row-fictitious", "decoys or spike-ins are not as many as the manifest states"
            )
        if np.unique(numbers).size < numbers.size:
            raise _wrong(self._what, "row-fictitious", "a spike-in is there twice")


class _Frequent:
    """The most frequent rows, in bounded memory (Misra & Gries 1982, merged by pieces)."""

    def __init__(self) -> None:
        self._values = np.zeros(0, dtype=np.uint64)
        self._counts = np.zeros(0, dtype=np.int64)
        self._n = 0

    def add(self, hashes: Hashes) -> None:
        self._n += hashes.size
        values, places = np.unique(np.concatenate([self._values, hashes]), return_inverse=True)
        ones = np.ones(hashes.size, dtype=np.int64)
        counts = np.zeros(values.size, dtype=np.int64)
        np.add.at(counts, places, np.concatenate([self._counts, ones]))
        if values.size > _COUNTERS:
            counts -= np.partition(counts, -_COUNTERS - 1)[-_COUNTERS - 1]
        kept = counts > 0
        self._values, self._counts = values[kept], counts[kept]

    def finish(self, what: str) -> None:
        # A count is too low by less than one in 256 of all rows, and never too high.
        most = int(self._counts.max()) if self._counts.size else 0
        if self._n >= FEWEST_ROWS and most >= (MOST_ALIKE - 1 / _COUNTERS) * self._n:
            raise _wrong(what, "row-flood", "half of its rows, or more, are one and the same")


class _Total:
    """A digest of rows in any order: the sums of two hashes of each."""

    def __init__(self) -> None:
        self._sums = [0, 0]

    def add(self, mixed: Hashes) -> None:
        for place, hashes in enumerate((mixed, _mixed(mixed + np.uint64(1)))):
            self._sums[place] = (self._sums[place] + int(hashes.sum(dtype=np.uint64))) % 2**64

    def digest(self, rows: int) -> str:
        text = f"pprl rows {rows} {self._sums[0]} {self._sums[1]}"
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]


def _mixed(hashes: Hashes) -> Hashes:
    """Let every bit depend on every other (the finaliser of splitmix64, Steele et al. 2014)."""
    mixed = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _wrong(place: str, code: str, how: str) -> DataError:
    return DataError(f"{place}: {how}", code=code, hint="ask the sender to encode and seal again")
