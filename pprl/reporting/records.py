"""What programs read: every number of a report as JSON."""

from dataclasses import asdict
from typing import Any

import msgspec

from pprl.linkage import LinkageResult
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
        "fingerprint": result.fingerprint,
        "provenance": result.provenance.to_dict(),
    }


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
