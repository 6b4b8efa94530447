"""
Calibration: precision asked for, told and true, and recall told and true, over many draws.

Encodes each set once a draw, under a key of its own, links it for each target, and writes one line
for each of them to calibration.csv, then the means to calibration.md.

    python benchmarks/quality/calibration.py --work sets --seeds 1 2 3 4 5
"""

import argparse
import csv
import json
from collections import defaultdict
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import mean

import pandas as pd
from judging import read_truth
from ours import agreement_of, aimed
from sets import UK, write_set

import pprl

HERE = Path(__file__).parent
TARGETS = ("0.99", "0.98", "0.95", "balance")


@dataclass(frozen=True)
class Line:
    """What was asked for, told and true in one linkage."""

    set: str
    seed: int
    target: str
    supported: bool
    links: int
    precision: float
    told: float
    low: float
    high: float
    recall: float
    recall_told: float
    recall_low: float
    recall_high: float


def lines_of(folder, seed):
    """Link a set for each target."""
    about = json.loads((folder / "set.json").read_text(encoding="utf-8"))
    tables = [
        pd.read_csv(folder / f"{side}.csv", dtype=str, keep_default_na=False) for side in ("left", "right")
    ]
    truth = set(read_truth(folder).pairs)
    agreement = agreement_of(about, "preset")
    key = pprl.LinkageKey.generate()
    for target in TARGETS:
        agreed = aimed(agreement, target)
        packages = [pprl.encode(table, agreed, key, id="record_id") for table in tables]
        result = pprl.link(*packages, agreement=agreed, workers=1)
        judged, links = result.judgement, result.links.to_pandas()
        right = len(truth & set(zip(links["left_id"], links["right_id"], strict=True)))
        found, recall = judged.estimate, judged.recall
        yield Line(
            folder.parts[-2], seed, target, judged.supported, len(links),
            right / max(len(links), 1), found.precision, found.low, found.high,
            right / len(truth), recall.recall, recall.low, recall.high,
        )  # fmt: skip


def table(lines):
    """Write means over the draws, and how often the intervals hold the truth."""
    cells = defaultdict(list)
    for one in lines:
        cells[one.set, one.target].append(one)
    rows = [
        "| set | asked | draws | supported | precision | told | covered | recall | told | covered |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (name, target), some in cells.items():
        told = [
            mean(getattr(one, part) for one in some)
            for part in ("precision", "told", "recall", "recall_told")
        ]
        held = [
            sum(getattr(one, low) <= getattr(one, what) <= getattr(one, high) for one in some)
            for what, low, high in (("precision", "low", "high"), ("recall", "recall_low", "recall_high"))
        ]
        rows.append(
            f"| {name} | {target} | {len(some)} | {sum(one.supported for one in some)} | {told[0]:.4f} |"
            f" {told[1]:.4f} | {held[0]} | {told[2]:.4f} | {told[3]:.4f} | {held[1]} |"
        )
    return "\n".join([*rows, ""])


def main():
    """Draw, link, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="where sets are kept")
    parser.add_argument("--sets", nargs="+", choices=UK, default=UK, metavar="SET")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument(
        "--out", type=Path, default=HERE, help="folder for calibration.csv and calibration.md"
    )
    chosen = parser.parse_args()
    lines = []
    for seed in chosen.seeds:
        for name in chosen.sets:
            lines += lines_of(write_set(chosen.work, name, seed), seed)
            with (chosen.out / "calibration.csv").open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, [one.name for one in fields(Line)], lineterminator="\n")
                writer.writeheader()
                writer.writerows(asdict(one) for one in lines)
            (chosen.out / "calibration.md").write_text(table(lines), encoding="utf-8")
            print(f"{name}, seed {seed}: done", flush=True)


if __name__ == "__main__":
    main()
