"""
Packages: what crosses from one party to another.

A package is an encoded dataset with its manifest, in one file that is read by memory map
without copying and is checked before it is believed.
"""

import hashlib
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from pprl.errors import DataError
from pprl.exchange.layout import (
    HEADER_BYTES_AT_MOST,
    Manifest,
    PassEntry,
    Section,
    aligned,
    altered,
    expected_sections,
    header_of,
    parse_header,
    parse_manifest,
    placed_sections,
)
from pprl.files import open_regular, write_whole
from pprl.model import BitMatrix, CheckTags, EncodedDataset, Provenance
from pprl.model.arrays import Codes, Ids, Mask
from pprl.model.bits import n_words

Octets = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Package(EncodedDataset):
    """An encoded dataset that can be saved, and so handed on.

    Examples
    --------
    >>> import tempfile
    >>> from pprl.workflow import encode
    >>> from pprl import Agreement, LinkageKey
    >>> import pandas as pd
    >>> people = pd.DataFrame({"rec_id": ["1"], "given_name": ["ann"], "surname": ["lee"],
    ...     "address_1": ["1 hay st"], "suburb": ["perth"], "postcode": ["6000"], "state": ["wa"],
    ...     "date_of_birth": ["19500203"]})
    >>> package = encode(people, Agreement.preset("febrl"), LinkageKey.generate(), id="rec_id")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     package.save(Path(folder) / "people.pprl")
    ...     read_package(Path(folder) / "people.pprl")
    Package(1 records, 4 passes)
    """

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the package to a file, whole or not at all, readable by its owner only.

        Parameters
        ----------
        path : path
            Where to; by habit it ends in ``.pprl``.
        force : bool
            Replace what is there.

        Raises
        ------
        UsageError
            If the name is taken and `force` is false.
        ResourceError
            If the disk is full or the folder cannot be written to.
        """
        manifest = manifest_of(self).to_bytes()
        with write_whole(Path(path), force=force) as stream:
            stream.write(header_of(manifest))
            stream.write(manifest)
            for _, content in _sections(self):
                stream.write(b"\0" * (aligned(stream.tell()) - stream.tell()))
                stream.write(content)


def manifest_of(dataset: EncodedDataset) -> Manifest:
    """Describe a dataset as the manifest of its package does."""
    return Manifest(
        project=dataset.project,
        epoch=dataset.epoch,
        fingerprint=dataset.fingerprint,
        key_tag=dataset.check_tags.key,
        encoder_tag=dataset.check_tags.encoder,
        software=dataset.provenance.software,
        unicode_version=dataset.provenance.unicode_version,
        rows=len(dataset),
        id_width=_id_width(dataset.record_ids),
        passes=_entries(dataset),
        sections=tuple(
            Section(name=name, length=len(content), sha256=hashlib.sha256(content).hexdigest())
            for name, content in _sections(dataset)
        ),
        decoys=dataset.n_decoys,
        spike_ins=dataset.n_spike_ins,
    )


def read_package(path: str | os.PathLike[str]) -> Package:
    """Read a package by memory map, after checking every byte of it.

    Parameters
    ----------
    path : path
        A file made by `Package.save`.

    Raises
    ------
    DataError
        If it is not a package.
    AuthenticationError
        If it is truncated, altered or contradicts itself.
    VersionError
        If it is of another version of the format.
    """
    what = f"package {Path(path).name}"
    manifest, sections = read_sections(path)
    try:
        return _package(manifest, sections)
    except DataError as error:
        said = error.message
    raise altered(what, said)


def read_sections(
    path: str | os.PathLike[str], *, check_digests: bool = True
) -> tuple[Manifest, dict[str, Octets]]:
    """Map the sections of a package, for whoever looks at them in pieces.

    Raises
    ------
    DataError
        If it is not a package.
    AuthenticationError
        If it is truncated or altered; what the sections hold is looked at only by their digests.
    """
    place = Path(path)
    what = f"package {place.name}"
    with open_regular(place, what=what) as stream:
        manifest, start = read_manifest(stream, what)
        content = _mapped(stream, what)
        return manifest, _checked_sections(content, manifest, start, what, check_digests=check_digests)


def read_manifest(stream: BinaryIO, what: str) -> tuple[Manifest, int]:
    """Read the manifest at the beginning of a package, and say where it ends.

    Raises
    ------
    DataError
        If it is not a package.
    AuthenticationError
        If the manifest is truncated or altered.
    """
    begin, length, digest = parse_header(stream.read(HEADER_BYTES_AT_MOST), what)
    stream.seek(begin)
    content = stream.read(length)
    if len(content) < length:
        raise altered(what, "it ends within its manifest")
    return parse_manifest(content, digest, what), begin + length


def _mapped(stream: BinaryIO, what: str) -> Octets:
    try:
        return np.frombuffer(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), dtype=np.uint8)
    except (ValueError, OSError):
        raise altered(what, "it cannot be mapped") from None


def _checked_sections(
    content: Octets, manifest: Manifest, start: int, what: str, *, check_digests: bool
) -> dict[str, Octets]:
    sections: dict[str, Octets] = {}
    end = start
    for section, begin in placed_sections(manifest, start):
        gap, end = content[end:begin], begin + section.length
        if end > content.size:
            raise altered(what, "it ends before its last section")
        sections[section.name] = content[begin:end]
        if gap.any() or (check_digests and _digest(sections[section.name]) != section.sha256):
            raise altered(what, f"section {section.name} does not have the digest that the manifest states")
    if end != content.size:
        raise altered(what, f"{content.size - end} bytes follow its last section")
    return sections


def _digest(octets: Octets) -> str:
    return hashlib.sha256(octets.data).hexdigest()


def _package(manifest: Manifest, sections: dict[str, Octets]) -> Package:
    rows = manifest.rows
    return Package(
        record_ids=_ids(sections["record_ids"].reshape(rows, manifest.id_width)),
        passes={
            one.name: BitMatrix(
                sections[f"passes/{one.name}/words"].view("<u8").reshape(rows, n_words(one.n_bits)),
                one.n_bits,
            )
            for one in manifest.passes
        },
        present={
            one.name: _mask(sections[f"passes/{one.name}/present"], f"presence in pass {one.name}")
            for one in manifest.passes
        },
        project=manifest.project,
        epoch=manifest.epoch,
        fingerprint=manifest.fingerprint,
        check_tags=CheckTags(key=manifest.key_tag, encoder=manifest.encoder_tag),
        provenance=Provenance(software=manifest.software, unicode_version=manifest.unicode_version),
        tags={
            one.name: sections[f"passes/{one.name}/tags"].view("<u4").reshape(rows, one.tables)
            for one in manifest.passes
            if one.tables
        },
        decoy=_decoy(manifest, sections),
        spike_in=_spike_in(manifest, sections),
    )


def _decoy(manifest: Manifest, sections: dict[str, Octets]) -> Mask:
    if not manifest.decoys:
        return np.zeros(manifest.rows, dtype=np.bool_)
    decoy = _mask(sections["decoy"], "mark of decoys")
    if int(decoy.sum()) != manifest.decoys:
        raise DataError("decoys: are not as many as the manifest states", code="decoys")
    return decoy


def _spike_in(manifest: Manifest, sections: dict[str, Octets]) -> Codes:
    if not manifest.spike_ins:
        return np.zeros(manifest.rows, dtype=np.int32)
    spike_in: Codes = sections["spike_in"].view("<i4").astype(np.int32, copy=False)
    if np.count_nonzero(spike_in) != manifest.spike_ins:
        raise DataError("spike-ins: are not as many as the manifest states", code="spike-ins")
    return spike_in


def _entries(dataset: EncodedDataset) -> tuple[PassEntry, ...]:
    n_tables = dataset.n_tables()
    return tuple(
        PassEntry(name=name, n_bits=bits.n_bits, tables=n_tables.get(name, 0))
        for name, bits in dataset.passes.items()
    )


def _ids(octets: Octets) -> Ids:
    ended = octets == 0
    if bool((ended[:, :-1] & ~ended[:, 1:]).any()):
        raise DataError("record ids: hold NUL bytes", code="record-id")
    ids: Ids = octets.reshape(-1).view(f"S{octets.shape[1]}")
    try:
        for value in ids.tolist():
            value.decode("utf-8")
    except UnicodeDecodeError:
        raise DataError("record ids: are not UTF-8", code="record-id") from None
    return ids


def _mask(octets: Octets, what: str) -> Mask:
    if bool((octets > 1).any()):
        raise DataError(f"{what}: is neither 0 nor 1", code="passes")
    return octets.view(np.bool_)


def _sections(dataset: EncodedDataset) -> Iterator[tuple[str, memoryview]]:
    """Give the names and bytes of all sections, without copying on a little-endian machine."""
    ids = np.ascontiguousarray(dataset.record_ids, dtype=f"S{_id_width(dataset.record_ids)}")
    arrays: list[npt.NDArray[Any]] = [ids.view(np.uint8)]
    for name, bits in dataset.passes.items():
        arrays += [bits.words.astype("<u8", copy=False), dataset.present[name]]
        if name in dataset.tags:
            arrays.append(dataset.tags[name].astype("<u4", copy=False))
    if dataset.n_decoys:
        arrays.append(dataset.decoy)
    if dataset.n_spike_ins:
        arrays.append(dataset.spike_in.astype("<i4", copy=False))
    expected = expected_sections(
        len(dataset),
        ids.dtype.itemsize,
        _entries(dataset),
        decoys=dataset.n_decoys,
        spike_ins=dataset.n_spike_ins,
    )
    names = [name for name, _ in expected]
    for name, array in zip(names, arrays, strict=True):
        yield name, np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _id_width(ids: Ids) -> int:
    return max(int(np.strings.str_len(ids).max()) if ids.size else 0, 1)
