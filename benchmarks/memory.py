"""
Peak memory and time of a linkage of n x n records.

Each stage is a process of its own, as it would be at a custodian and at a linkage unit, and
its peak resident memory is what the operating system reports.  People are drawn from a small
set of syllables: they cost what real ones cost, and are nobody.

    python benchmarks/memory.py --records 20000
"""

import argparse
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

SYLLABLES = np.array(
    ["an", "bel", "car", "da", "el", "fi", "gor", "ha", "is", "jo", "kar", "lo", "mi", "na", "ro"]
)


def draw_people(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw n people for the preset febrl."""

    def words(n_syllables: int) -> np.ndarray:
        drawn = SYLLABLES[rng.integers(len(SYLLABLES), size=(n, n_syllables))]
        return np.array(["".join(row) for row in drawn])

    born = np.datetime64("1930-01-01") + rng.integers(0, 30_000, size=n).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "rec_id": [f"r{i}" for i in range(n)],
            "given_name": words(2),
            "surname": words(3),
            "date_of_birth": np.char.replace(born.astype(str), "-", ""),
            "address_1": words(4),
            "suburb": words(3),
            "postcode": [f"{code:04d}" for code in rng.integers(0, 10_000, size=n)],
            "state": rng.choice(["nsw", "vic", "qld", "wa"], size=n),
        }
    )


def misspell(people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Put a wrong letter into a third of the surnames, and move a tenth of the people."""
    changed = people.sample(frac=1, random_state=rng).reset_index(drop=True)
    typed = rng.random(len(changed)) < 0.33
    changed.loc[typed, "surname"] = changed.loc[typed, "surname"].str.replace("a", "e", n=1)
    moved = rng.random(len(changed)) < 0.1
    changed.loc[moved, "address_1"] = "elsewhere"
    return changed


def run(folder: Path, *arguments: str) -> None:
    """Run a command of pprl in a process of its own; print its time and peak memory."""
    start = time.perf_counter()
    code = "import resource, sys; from pprl.cli.main import run; status = run(sys.argv[1:]); "
    code += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(status)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(done.stderr)
    peak = int(done.stderr.split()[-1]) / 1024
    print(f"{arguments[0]:10} {seconds:8.1f} s {peak:8.0f} MiB")


def main() -> None:
    """Draw, encode, link and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=20_000)
    n_records = parser.parse_args().records
    rng = np.random.default_rng(20)
    print(f"{n_records:,} x {n_records:,} records, Python {platform.python_version()}, {platform.machine()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        people = draw_people(n_records, rng)
        people.to_csv(folder / "a.csv", index=False)
        misspelt = misspell(people, rng)
        misspelt.to_csv(folder / "b.csv", index=False)
        truth = pd.DataFrame({"left_id": people["rec_id"], "right_id": people["rec_id"]})
        truth.to_csv(folder / "truth.csv", index=False)
        run(folder, "agreement", "new", "--preset", "febrl", "--out", "agreement.toml")
        run(folder, "key", "new", "--out", "project.key")
        for side in ("a", "b"):
            run(
                folder,
                *("encode", f"{side}.csv", "--agreement", "agreement.toml", "--key", "project.key"),
                *("--id", "rec_id", "--keep-ids", "--out", f"{side}.pprl"),
            )
        run(folder, "link", "a.pprl", "b.pprl", "--agreement", "agreement.toml", "--out", "linkage")
        run(folder, "evaluate", "linkage/links.csv", "--truth", "truth.csv")
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest of all stages: {children:.0f} MiB")


if __name__ == "__main__":
    main()
