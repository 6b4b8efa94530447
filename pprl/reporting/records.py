"""What programs read: every number of a report as JSON."""

from dataclasses import asdict
from itertools import starmap
from typing import Any

import msgspec

from pprl.linkage import LinkageResult
from pprl.linkage.results import Judgement
from pprl.linkage.several import ClusterResult
from pprl.model import EncodedDataset
from pprl.reporting.text import fill


def to_json(record: dict[str, Any]) -> bytes:
    """Give a record as indented JSON text."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def result_record(result: LinkageResult) -> dict[str, Any]:
    """Give the counts of a linkage."""
    return {
        "left_records": result.n_left,
        "right_records": result.n_right,
        "links": len(result.links),
        "conflicting_pairs": len(result.conflicts),
        "passes": [asdict(count) for count in result.counts],
        "judgement": None if result.judgement is None else judgement_record(result.judgement),
        "fingerprint": result.fingerprint,
        "provenance": result.provenance.to_dict(),
    }


def judgement_record(judgement: Judgement) -> dict[str, Any]:
    """Give what was asked of links, and what they are worth."""
    return {
        "precision_asked": judgement.precision,
        "supported": judgement.supported,
        "estimate": None if judgement.estimate is None else asdict(judgement.estimate),
        "recall": None if judgement.recall is None else asdict(judgement.recall),
    }


def cluster_record(result: ClusterResult) -> dict[str, Any]:
    """Give the counts of a linkage of several parties, or of one with itself."""
    return {
        "records": len(result.clusters),
        "people": result.clusters.n_clusters,
        "records_linked": result.n_linked,
        "people_by_records": {str(size): count for size, count in result.sizes().items()},
        "links_not_honoured": result.n_parted,
        "pairs": list(starmap(pair_record, result.pairs.items())),
        "fingerprint": result.fingerprint,
        "provenance": result.provenance.to_dict(),
    }


def pair_record(names: tuple[str, str], result: LinkageResult) -> dict[str, Any]:
    """Give the counts of the linkage of two of several parties."""
    return {"left_source": names[0], "right_source": names[1], **result_record(result)}


def package_record(package: EncodedDataset) -> dict[str, Any]:
    """Give what a package says of itself, and the fill of each pass."""
    return {
        "records": len(package),
        "project": package.project,
        "epoch": package.epoch,
        "fingerprint": package.fingerprint,
        "check_tags": asdict(package.check_tags),
        "provenance": package.provenance.to_dict(),
        "passes": [
            {
                "name": name,
                "n_bits": bits.n_bits,
                "present": int(package.present[name].sum()),
                "fill": round(fill(bits, package.present[name]), 4),
                "tables": package.n_tables().get(name, 0),
            }
            for name, bits in package.passes.items()
        ],
    }
