"""
Encoding speed beside clkhash 0.18.3 and fable-core 0.2.0, in one run.

Makes an environment for each peer, draws people, and times everybody on one core, each in a
process of its own, several rounds in turn; prints the best of each and the ratios.

    python benchmarks/encoding/run.py --python python3.11
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from people import write

HERE = Path(__file__).parent
PEERS = {
    "clkhash": ("clkhash==0.18.3", "cryptography<41", "setuptools<81"),
    "fable-core": ("fable-core==0.2.0",),
}


def environment(folder, python, pins):
    """Make an environment for a peer, unless it is there."""
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        subprocess.run([python, "-m", "venv", folder], check=True)
        subprocess.run([interpreter, "-m", "pip", "install", "--quiet", *pins], check=True)
    return interpreter


def measure(interpreter, script, *arguments, cores=1):
    """Run a script on some cores and read what it prints."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    done = subprocess.run(
        [interpreter, HERE / script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, allowed),
    )
    if done.returncode:
        sys.exit(f"{script} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def best(rounds):
    """Give the round with the shortest time."""
    return min(rounds, key=lambda one: one["seconds"])


def rate(one):
    """Give records a second."""
    return one["records"] / one["seconds"]


def main():
    """Draw, measure in turn, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default="python3.11", help="a Python that clkhash runs on, at most 3.11")
    parser.add_argument(
        "--environments", type=Path, help="where to keep the peers' environments for the next run"
    )
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = chosen.environments or folder
        python = {peer: environment(kept / peer, chosen.python, pins) for peer, pins in PEERS.items()}
        small, large = folder / "small.csv", folder / "large.csv"
        write(small, 100_000, seed=1)
        write(large, 1_000_000, seed=1)
        rounds = {"clkhash": [], "fable-core": [], "ours, 100,000": [], "ours, 1,000,000": []}
        for _ in range(chosen.rounds):
            rounds["clkhash"].append(
                measure(python["clkhash"], "theirs_clkhash.py", small, HERE / "schema.json")
            )
            rounds["fable-core"].append(measure(python["fable-core"], "theirs_fable.py", small))
            rounds["ours, 100,000"].append(measure(sys.executable, "ours.py", small))
            rounds["ours, 1,000,000"].append(measure(sys.executable, "ours.py", large, "--steps"))
        two = best([measure(sys.executable, "ours.py", large, cores=2) for _ in range(chosen.rounds)])
    show({label: best(found) for label, found in rounds.items()}, two)


def show(found, two):
    """Print rates, ratios and the cost of hardening."""
    print(f"Python {platform.python_version()}, {platform.machine()}, best of several rounds, one core\n")
    for label, one in found.items():
        ratios = ", ".join(f"{rate(one) / rate(found[peer]):.1f} x {peer}" for peer in PEERS)
        print(f"{label:16} {one['seconds']:8.2f} s {rate(one):12,.0f} records/s   {ratios}")
    large = found["ours, 1,000,000"]
    gain = rate(two) / rate(large)
    print(f"two cores        {two['seconds']:8.2f} s {rate(two):12,.0f} records/s   {gain:.2f} x one core")
    print(f"\nwhole run with cleaning, ids and check tags, 1,000,000: {large['whole']:.2f} s")
    print(f"peak of that process: {large['peak_mib']:.0f} MiB")
    print("\nhardening 1,000,000 filters of 1,024 bits, seconds:")
    known = {"seconds", "records", "set", "whole", "peak_mib"}
    for label, seconds in large.items():
        if label not in known:
            print(f"  {label:14} {seconds:7.2f}")


if __name__ == "__main__":
    main()
