"""
A party that comes later: it is linked with all others, and what they have stays as it is.

The linkage unit keeps the folder of a linkage.  It says which packages were linked (by their
SHA-256), and holds linkage keys and the crosswalk.  Links, keys and persons of these stay;
only pairs with a new package are compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pprl.agreement import Agreement
from pprl.errors import DataError, PolicyError, UsageError
from pprl.exchange.crosswalks import load_crosswalk, load_record_keys
from pprl.files import read_bytes
from pprl.linkage import LinkageResult
from pprl.linkage.clustering import PENALTY, Edges, extend
from pprl.linkage.linkagekeys import Crosswalk, RecordKeys, extend_record_keys
from pprl.linkage.parts import ComparisonOptions
from pprl.linkage.several import REPEATING, ClusterResult, Pair, all_once, edges_of, result_of
from pprl.model import Clusters, EncodedDataset
from pprl.model.arrays import Ids, Rows, Scores
from pprl.workflow.several import pair_folder, require_all_linkable
from pprl.workflow.unit import link_two

SUMMARY = "summary.json"
CROSSWALK = "crosswalk.csv"
_LONGEST = 64 << 20
_KEPT = "keep the folder of a linkage that a party may join, or link all packages anew"


def keys_file(name: str) -> str:
    """Name the file with the linkage keys of a party."""
    return f"keys-{name}.csv"


class _Package(msgspec.Struct, frozen=True):
    name: str
    sha256: str


class _Summary(msgspec.Struct, frozen=True):
    packages: tuple[_Package, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True, repr=False)
class Earlier:
    """An earlier linkage: its packages, and the keys and persons of their records.

    Parameters
    ----------
    names, digests : tuple of str
        For each package its name and the SHA-256 of its file.
    fingerprint : str
        SHA-256 of the agreement.
    keys : tuple of mapping of str to str
        For each package the linkage key by record id.
    crosswalk : Crosswalk
        Which keys are one person.
    """

    names: tuple[str, ...]
    digests: tuple[str, ...]
    fingerprint: str
    keys: tuple[Mapping[str, str], ...]
    crosswalk: Crosswalk

    def __repr__(self) -> str:
        return f"Earlier({len(self.names)} packages, {len(self.crosswalk)} records)"


@dataclass(frozen=True, slots=True, repr=False)
class Addition:
    """What came of new parties.

    Parameters
    ----------
    result : ClusterResult
        Clusters of all parties; of pairs only those with a new one.
    keys : tuple of RecordKeys
        Of all parties; those of earlier ones as they were.
    crosswalk : Crosswalk
        Of all parties.
    """

    result: ClusterResult
    keys: tuple[RecordKeys, ...]
    crosswalk: Crosswalk

    def __repr__(self) -> str:
        return f"Addition({self.result!r})"


def summary_of(folder: Path) -> dict[str, Any]:
    """Read the summary that a linkage left in its folder.

    Raises
    ------
    DataError
        If there is none, or it is not JSON.
    """
    content = read_bytes(folder / SUMMARY, what=f"earlier {SUMMARY}", limit=_LONGEST)
    try:
        summary: dict[str, Any] = msgspec.json.decode(content, type=dict)
    except msgspec.DecodeError:
        summary = {}
    if not summary:
        raise DataError(f"earlier {SUMMARY}: is not what a linkage wrote", code="earlier", hint=_KEPT)
    return summary


def read_earlier(folder: Path) -> Earlier:
    """Read the folder of an earlier linkage.

    Raises
    ------
    DataError
        If a file is missing or is not what a linkage wrote.
    """
    try:
        summary = msgspec.convert(summary_of(folder), _Summary)
    except msgspec.ValidationError:
        summary = None
    if summary is None:
        raise DataError(f"earlier {SUMMARY}: does not name its packages", code="earlier", hint=_KEPT)
    names = tuple(package.name for package in summary.packages)
    for name in (CROSSWALK, *(keys_file(one) for one in names)):
        if not (folder / name).is_file():
            raise DataError(f"earlier {name}: is not there", code="earlier", hint=_KEPT)
    return Earlier(
        names=names,
        digests=tuple(package.sha256 for package in summary.packages),
        fingerprint=summary.fingerprint,
        keys=tuple(load_record_keys(folder / keys_file(name)) for name in names),
        crosswalk=load_crosswalk(folder / CROSSWALK),
    )


def new_packages(earlier: Earlier, digests: Sequence[str]) -> list[int]:
    """Say which packages are new, given the SHA-256 of each.

    Raises
    ------
    UsageError
        If one of the earlier packages is not among them, none is new, or one is given twice.
    """
    missing = [
        name for name, digest in zip(earlier.names, earlier.digests, strict=True) if digest not in digests
    ]
    if missing:
        raise UsageError(
            f"packages: {', '.join(missing)} of the earlier linkage is not given, or has changed",
            code="earlier-packages",
            hint="give the very packages that were linked, and the new one besides; a new delivery of "
            "an old party is a new package and needs a name of its own (--name)",
        )
    if len(set(digests)) < len(digests):
        raise UsageError("packages: one is given twice", code="earlier-packages")
    new = [place for place, digest in enumerate(digests) if digest not in earlier.digests]
    if not new:
        raise UsageError("packages: none is new", code="earlier-packages", hint="leave out --from")
    return new


def add(
    earlier: Earlier,
    names: Sequence[str],
    packages: Sequence[EncodedDataset],
    *,
    agreement: Agreement,
    options: ComparisonOptions,
) -> Addition:
    """Let new parties join an earlier linkage, one after the other.

    Parameters
    ----------
    earlier : Earlier
        What was linked.
    names : sequence of str
        Names of all parties: first those of `earlier`, in their order.
    packages : sequence of EncodedDataset
        Their packages.
    agreement : Agreement
        The one of the earlier linkage.
    options : ComparisonOptions
        How packages are compared.

    Raises
    ------
    PolicyError
        If the earlier linkage was made under another agreement.
    DataError
        If its keys are not of these packages.
    """
    require_all_linkable(names, packages, agreement)
    if earlier.fingerprint != agreement.fingerprint:
        raise PolicyError(
            "earlier linkage: was not made under this agreement: fingerprint differs",
            code="different-fingerprint",
            hint="link all packages anew",
        )
    once = all_once(agreement.matching.cardinality)
    keys = _record_keys(earlier, packages)
    clusters, persons, before = _clusters(earlier, keys, once=once)
    pairs: dict[Pair, LinkageResult] = {}
    edges: list[Edges] = []
    for new in range(len(keys), len(packages)):
        joined = []
        for old in range(new):
            found = link_two(packages[old], packages[new], agreement, options.within(pair_folder(old, new)))
            pairs[names[old], names[new]] = found
            joined.append(edges_of(old, new, found.links))
        clusters = extend(
            clusters,
            names[new],
            len(packages[new]),
            joined,
            deduplicated=once,
            include=packages[new].real,
            penalty=PENALTY if once else REPEATING,
        )
        edges += joined
    result = result_of(clusters, packages, pairs, edges)
    known = np.concatenate([before, np.full(len(clusters) - before.size, np.nan)])
    probability = np.fmax(known, result.probability)
    extended, crosswalk = extend_record_keys(clusters, keys, persons, probability=probability)
    return Addition(result, extended, crosswalk)


def _record_keys(earlier: Earlier, packages: Sequence[EncodedDataset]) -> tuple[RecordKeys, ...]:
    """Give the keys by rows of the packages, which have the same real records as they had."""
    found = []
    for name, held, package in zip(earlier.names, earlier.keys, packages, strict=False):
        rows = np.flatnonzero(package.real)
        ids = package.ids(rows)
        if set(ids) != set(held):
            raise DataError(f"earlier {keys_file(name)}: is not of this package", code="earlier", hint=_KEPT)
        found.append(RecordKeys(name, rows, np.array([held[one] for one in ids], dtype="S32")))
    return tuple(found)


def _clusters(earlier: Earlier, keys: Sequence[RecordKeys], *, once: bool) -> tuple[Clusters, Ids, Scores]:
    """Make clusters of the persons of a crosswalk; give these too, and what is known of each record."""
    crosswalk = earlier.crosswalk
    order = np.argsort(crosswalk.linkage_key)
    wanted = np.concatenate([one.linkage_key for one in keys])
    place = np.searchsorted(crosswalk.linkage_key, wanted, sorter=order)
    at: Rows = order[np.minimum(place, order.size - 1)] if order.size else order
    if wanted.size != order.size or not np.array_equal(crosswalk.linkage_key[at], wanted):
        raise DataError(f"earlier {CROSSWALK}: is not that of the keys", code="earlier", hint=_KEPT)
    persons, label = np.unique(crosswalk.person[at], return_inverse=True)
    clusters = Clusters(
        earlier.names,
        np.repeat(np.arange(len(keys), dtype=np.int32), [len(one) for one in keys]),
        np.concatenate([one.row for one in keys]),
        label.astype(np.int64, copy=False),
        (once,) * len(keys),
    )
    return clusters, persons, crosswalk.probability[at]
