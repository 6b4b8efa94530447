"""
Kill a linkage at random moments, go on, and hold the links against an undisturbed run.

    python benchmarks/engine/kills.py --records 60000 --kills 50

Runs `pprl link` with --checkpoint in a process of its own, kills it by SIGKILL after a random
time, and starts the same command again, until it ends.  Ends with status 1 if a byte differs.
"""

import argparse
import filecmp
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from clks import SEED
from lsh import agreement_with
from people import two_tables

import pprl

FILES = ("links.csv", "conflicts.csv", "summary.json")


def link(folder, out, *more):
    """Start a linkage."""
    command = [
        sys.executable,
        "-m",
        "pprl",
        "link",
        "left.pprl",
        "right.pprl",
        "--agreement",
        "agreement.toml",
    ]
    return subprocess.Popen(
        [*command, "--workers", "1", "--out", out, *more],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        stdout=subprocess.DEVNULL,
    )


def prepare(folder, records):
    """Draw people, and write an agreement and two packages."""
    (folder / "agreement.toml").write_text(agreement_with(16, 32), encoding="utf-8")
    agreement = pprl.Agreement.load(folder / "agreement.toml")
    key = pprl.LinkageKey.generate()
    for side, table in zip(("left", "right"), two_tables(records, SEED), strict=True):
        pprl.encode(table, agreement, key, id="id").save(folder / f"{side}.pprl")


def kill_until_done(folder, out, options, seconds):
    """Link with a checkpoint, killed after the seconds given, one after another; give the number of kills."""
    n_kills = 0
    while True:
        process = link(folder, out, *options, "--checkpoint", "kept")
        try:
            status = process.wait(next(seconds, None))
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            n_kills += 1
            if (folder / out).exists() and not (folder / "kept").exists():
                return n_kills  # killed when all was done, and before it could say so
    if status:
        sys.exit(f"exit status {status} after {n_kills} kills: {process.stderr.read()}")
    return n_kills


def main():
    """Draw, encode, run undisturbed, then kill and go on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=60_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--candidates", choices=["all-pairs", "shared-tags"], default="all-pairs")
    chosen = parser.parse_args()
    options = ["--candidates", chosen.candidates]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, chosen.records)
        start = time.perf_counter()
        if link(folder, "undisturbed", *options).wait():
            sys.exit("the undisturbed run failed")
        whole = time.perf_counter() - start
        rng = np.random.default_rng(SEED)
        n_kills = n_linkages = 0
        while n_kills < chosen.kills:
            out = f"killed-{n_linkages}"
            seconds = iter(rng.uniform(0, whole, size=chosen.kills - n_kills).tolist())
            n_kills += kill_until_done(folder, out, options, seconds)
            n_linkages += 1
            same, *others = filecmp.cmpfiles(folder / "undisturbed", folder / out, FILES, shallow=False)
            if len(same) < len(FILES):
                sys.exit(f"after {n_kills} kills these are not the same: {others}")
    print(f"{n_kills} kills in {n_linkages} linkages of {whole:.1f} s: the same bytes each time")


if __name__ == "__main__":
    main()
