"""
Compare our CLKs with those of clkhash 0.18.3 itself, over random schemas and rows.

Makes an environment for clkhash, since it needs cryptography < 41 and Python <= 3.11, and
ends with status 1 if any CLK differs.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

from drawing import Draw

from pprl.errors import DataError
from pprl.exchange import clkhash

HERE = Path(__file__).parent
PINS = ("clkhash==0.18.3", "cryptography<41", "setuptools<81")


def make_environment(folder, python):
    """Install clkhash in an environment of its own, unless it is there."""
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        subprocess.run([python, "-m", "venv", folder], check=True)
        subprocess.run([interpreter, "-m", "pip", "install", "--quiet", *PINS], check=True)
    return interpreter


def theirs(interpreter, cases):
    """Let clkhash encode all cases."""
    lines = "\n".join(json.dumps(case) for case in cases)
    done = subprocess.run(
        [interpreter, HERE / "theirs.py"], input=lines, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"clkhash failed:\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def ours(case):
    """Encode a case with pprl; None stands for a refused row."""
    schema, secret = clkhash.Schema.load(case["schema"]), case["secret"]
    return {
        "clks": clkhash.encode(case["rows"], schema, secret, folding="as-clkhash"),
        "odd": [clk_or_none(row, schema, secret) for row in case["odd_rows"]],
    }


def clk_or_none(row, schema, secret):
    """Encode one row; None if it is refused."""
    try:
        return clkhash.encode([row], schema, secret, folding="as-clkhash")[0]
    except DataError:
        return None


def differences(cases, answers):
    """Count what was compared and what differs; say which cases."""
    counts = Counter()
    for number, (case, answer) in enumerate(zip(cases, answers, strict=True)):
        mine = ours(case)
        counts[f"schemas of version {case['schema']['version']}"] += 1
        counts["CLKs"] += len(answer["clks"])
        counts["odd rows"] += len(answer["odd"])
        counts["odd rows refused by clkhash"] += answer["odd"].count(None)
        wrong = sum(a != b for a, b in zip(mine["clks"], answer["clks"], strict=True))
        odd = sum(a != b for a, b in zip(mine["odd"], answer["odd"], strict=True))
        counts["differing CLKs"] += wrong
        counts["differing odd rows"] += odd
        if wrong or odd:
            print(f"case {number}: {wrong} CLKs and {odd} odd rows differ: {json.dumps(case)[:2000]}")
    return counts


def main():
    """Read the options, make the environment, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schemas", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--python", default="python3.11", help="a Python that clkhash runs on, at most 3.11")
    parser.add_argument(
        "--environment", type=Path, help="where to keep clkhash's environment for the next run"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(compare(make_environment(options.environment or Path(folder), options.python), options))


def compare(interpreter, options):
    """Encode on both sides; give the exit status."""
    cases = [Draw((options.seed, number)).case() for number in range(options.schemas)]
    start = time.perf_counter()
    answers = theirs(interpreter, cases)
    between = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", clkhash.ClkhashWarning)
        counts = differences(cases, answers)
    print(f"Python {platform.python_version()}, {platform.machine()}, seed {options.seed}")
    print(f"clkhash {between - start:.1f} s, pprl {time.perf_counter() - between:.1f} s")
    for name, count in sorted(counts.items()):
        print(f"{count:7} {name}")
    return int(bool(counts["differing CLKs"] or counts["differing odd rows"]))


if __name__ == "__main__":
    main()
