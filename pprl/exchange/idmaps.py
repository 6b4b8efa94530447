"""
Id maps: random record ids go out, and the map to the custodian's own ids stays at home.

Rows go out in the order of the random ids, which is a uniform shuffle: the order of a
table can tell as much as an id.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pprl.errors import DataError
from pprl.exchange.package import Package
from pprl.exchange.shape import Wanted
from pprl.exchange.tables import csv_bytes, read_texts
from pprl.files import refuse_exposed_folder, write_bytes
from pprl.keys import random_bytes
from pprl.model import BitMatrix

_ID_BYTES = 12
HEADER = ("record_id", "local_id")


@dataclass(frozen=True, slots=True, repr=False)
class IdMap:
    """For each random record id the custodian's own."""

    local_ids: Mapping[str, str]

    def save(self, path: Path) -> None:
        """Write the map as CSV, readable by its owner only.

        An existing map is never replaced: it may be the only way back for a package that
        was sent.

        Raises
        ------
        UsageError
            If the name is taken.
        PolicyError
            If the folder lies in a git work tree.
        """
        refuse_exposed_folder(path, what="id map")
        write_bytes(path, csv_bytes(HEADER, self.local_ids.items()))

    @classmethod
    def load(cls, path: Path) -> "IdMap":
        """Read a map.

        Raises
        ------
        DataError
            If it is not an id map, or an id occurs twice.
        """
        columns = read_texts(path, Wanted(HEADER, "id map"))
        mapping = dict(zip(*columns, strict=True))
        if len(mapping) < len(columns[0]):
            raise DataError(f"id map {path.name}: a record id occurs twice", code="id-map")
        return cls(mapping)

    def __len__(self) -> int:
        return len(self.local_ids)

    def __repr__(self) -> str:
        return f"IdMap({len(self)} records)"


def pseudonymise(package: Package) -> tuple[Package, IdMap]:
    """Give the package random record ids and a random order, and the map back.

    Raises
    ------
    ResourceError
        If the operating system has no randomness to give.
    """
    drawn = (
        np.frombuffer(random_bytes(_ID_BYTES * len(package)), dtype=np.uint8).tobytes().hex().encode("ascii")
    )
    ids = np.frombuffer(drawn, dtype=f"S{2 * _ID_BYTES}")
    order = np.argsort(ids, kind="stable")
    shuffled = dataclasses.replace(
        package,
        record_ids=ids[order],
        passes={name: BitMatrix(bits.words[order], bits.n_bits) for name, bits in package.passes.items()},
        present={name: mask[order] for name, mask in package.present.items()},
        tags={name: tags[order] for name, tags in package.tags.items()},
        decoy=package.decoy[order],
        spike_in=package.spike_in[order],
    )
    real = np.flatnonzero(shuffled.real)
    return shuffled, IdMap(dict(zip(shuffled.ids(real), package.ids(order[real]), strict=True)))
