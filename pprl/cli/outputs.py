"""What a linkage writes: links, clusters, linkage keys and the crosswalk, as the bytes of files."""

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pprl.errors import UsageError
from pprl.exchange.crosswalks import crosswalk_csv, record_keys_csv
from pprl.exchange.tables import csv_bytes
from pprl.files import open_regular, refuse_existing
from pprl.linkage import LinkageResult
from pprl.linkage.linkagekeys import Crosswalk, RecordKeys
from pprl.linkage.several import ClusterResult
from pprl.model import Conflicts, EncodedDataset, Links
from pprl.model.arrays import texts
from pprl.workflow.additions import CROSSWALK, keys_file
from pprl.workflow.several import require_names

COLUMNS = ("left_id", "right_id", "probability", "decided_by", "score")
SOURCED_COLUMNS = ("left_source", "left_id", "right_source", "right_id", *COLUMNS[2:])
CLUSTERS = "clusters.csv"
CLUSTER_COLUMNS = ("cluster", "source", "record_id")
_LONGEST_NAME = 50
_AT_ONCE = 1 << 20  # bytes

Row = tuple[str, ...]


def names_of(files: Sequence[Path], given: Sequence[str]) -> list[str]:
    """Name the packages: as the caller says, or after their files.

    Raises
    ------
    UsageError
        If the names given do not fit.

    Examples
    --------
    >>> names_of([Path("Trust 1.pprl"), Path("b/trust-1.pprl")], [])
    ['trust-1', 'trust-1-2']
    """
    if given:
        require_names(given, len(files))
        return list(given)
    names: list[str] = []
    for file in files:
        stem = re.sub(r"[^a-z0-9_-]+", "-", file.stem.lower())[:_LONGEST_NAME].strip("-_") or "source"
        name, number = stem, 2
        while name in names:
            name, number = f"{stem}-{number}", number + 1
        names.append(name)
    return names


def digest_of(file: Path) -> str:
    """Give the SHA-256 of a package's file."""
    digest = hashlib.sha256()
    with open_regular(file, what=f"package {file.name}") as stream:
        for piece in iter(partial(stream.read, _AT_ONCE), b""):
            digest.update(piece)
    return digest.hexdigest()


def package_records(
    names: Sequence[str], packages: Sequence[EncodedDataset], digests: Sequence[str]
) -> list[dict[str, Any]]:
    """Say of each package what it was, so that a later linkage knows it again."""
    return [
        {"name": name, "records": int(package.real.sum()), "sha256": digest}
        for name, package, digest in zip(names, packages, digests, strict=True)
    ]


def refuse_outputs(out: Path, names: Iterable[str], *, force: bool) -> None:
    """Raise unless the files of a linkage can be written into a folder.

    Raises
    ------
    UsageError
        If one is there and may not be replaced, or the folder has clusters or keys of other
        parties, which would be taken for these.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"output {out.name}: is a file, wanted a folder", code="output-exists")
    wanted = set(names)
    for name in sorted(wanted):
        refuse_existing(out / name, force=force)
    if any(found.name not in wanted for found in (*out.glob(keys_file("*")), *out.glob(CLUSTERS))):
        raise UsageError(
            f"output {out.name}: holds clusters or linkage keys of another linkage",
            code="output-exists",
            hint="choose another folder",
        )


def links_csv(pairings: Links | Conflicts) -> bytes:
    """Write the links of two sources."""
    return csv_bytes(COLUMNS, _rows(pairings))


def sourced_csv(rows: Iterable[Row]) -> bytes:
    """Write links of which each names its sources."""
    return csv_bytes(SOURCED_COLUMNS, rows)


def sourced_links(pairs: Mapping[tuple[str, str], LinkageResult]) -> Iterator[Row]:
    """Give the links of every two sources."""
    return (row for names, result in pairs.items() for row in _sourced(*names, result.links))


def sourced_conflicts(pairs: Mapping[tuple[str, str], LinkageResult]) -> Iterator[Row]:
    """Give the conflicts of every two sources."""
    return (row for names, result in pairs.items() for row in _sourced(*names, result.conflicts))


def clusters_csv(result: ClusterResult) -> bytes:
    """Write every record that is linked, and its cluster."""
    numbers, sources, ids = result.columns(linked=True)
    return csv_bytes(CLUSTER_COLUMNS, zip(map(str, numbers), sources, ids, strict=True))


def key_files(
    keys: Sequence[RecordKeys], packages: Sequence[EncodedDataset], crosswalk: Crosswalk
) -> dict[str, bytes]:
    """Write for each source the linkage keys of its records, and the crosswalk."""
    files = {
        keys_file(one.source): record_keys_csv(one, package.record_ids)
        for one, package in zip(keys, packages, strict=True)
    }
    return files | {CROSSWALK: crosswalk_csv(crosswalk)}


def _sourced(left: str, right: str, pairings: Links | Conflicts) -> Iterator[Row]:
    return ((left, one, right, other, *rest) for one, other, *rest in _rows(pairings))


def _rows(pairings: Links | Conflicts) -> Iterator[Row]:
    return zip(
        texts(pairings.left_ids),
        texts(pairings.right_ids),
        ("" if math.isnan(one) else f"{one:.6f}" for one in pairings.probability.tolist()),
        pairings.decided_by,
        (f"{score:.6f}" for score in pairings.score.tolist()),
        strict=True,
    )
