"""
Draw two tables of n people, encode them with pprl, and keep the words as .npy files.

    python benchmarks/engine/clks.py 50000 folder
"""

import json
import sys
from pathlib import Path

import numpy as np
from people import two_tables

import pprl

HERE = Path(__file__).parent
SEED = 20


def main(n, folder):
    """Write <encoding>-left.npy and <encoding>-right.npy for each pass, then facts.json."""
    agreement = pprl.Agreement.from_toml((HERE / "agreement.toml").read_bytes())
    key = pprl.LinkageKey(bytes(range(32)))
    facts = {}
    for side, table in zip(("left", "right"), two_tables(n, SEED), strict=True):
        package = pprl.encode(table, agreement, key, id="id")
        for name, bits in package.passes.items():
            np.save(folder / f"{name}-{side}.npy", bits.words)
            counts = bits.popcounts()
            facts[f"{name} {side}"] = {
                "bits": bits.n_bits,
                "mean": round(float(counts.mean()), 1),
                "deviation": round(float(counts.std()), 1),
            }
    (folder / "facts.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
