"""
How long it takes to refuse a small file that somebody has altered.

A sealed page of 160 kB is altered at random, 300 times, and opened as `pprl open` does; each
time it must be refused.  Starting Python is not counted, nor is a payload that decrypts and is
then checked in a process of its own: no altered file comes so far.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from run import AGREEMENT, prepare

from pprl.errors import PprlError
from pprl.exchange.store import Store
from pprl.workflow.exchanging import open_package, seal_package
from pprl.workflow.signed import SignedAgreement


def altered(content, rng):
    """Change, lose, add or cut off some bytes, half of them where the header and the envelope are."""
    begin = int(rng.integers(6000 if rng.random() < 0.5 else len(content)))
    end = begin + int(rng.integers(1, 40))
    ways = (
        content[:begin] + bytes([content[begin] ^ 1]) + content[begin + 1 :],
        content[:begin] + rng.bytes(end - begin) + content[end:],
        content[:begin] + content[end:],
        content[:begin] + rng.bytes(end - begin) + content[begin:],
        content[:begin],
        content + rng.bytes(end - begin),
    )
    return ways[int(rng.integers(len(ways)))]


def refused(path, out, store, agreed):
    """Give the seconds by the clock and of the processor that a refusal takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        open_package(path, out, purpose="report", store=store, agreement=agreed)
    except PprlError:
        return time.perf_counter() - wall, time.process_time() - cpu
    raise SystemExit("an altered file was opened")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--files", type=int, default=300)
    given = arguments.parse_args()
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, 1000)
        page = folder / "report.html"
        page.write_bytes(b"<!doctype html>" + rng.bytes(80_000).hex().encode())
        agreed = SignedAgreement.load(folder / AGREEMENT)
        unit, haven = (Store.open(folder / one) for one in ("unit", "safe-haven"))
        sent = seal_package(page, folder, purpose="report", to="safe-haven", store=unit, agreement=agreed)
        content, hostile = sent.path.read_bytes(), folder / "hostile.age"
        taken = []
        while len(taken) < given.files:
            changed = altered(content, rng)
            if changed != content:
                hostile.write_bytes(changed)
                taken.append(refused(hostile, folder / "out.html", haven, agreed))
        for kind, seconds in zip(("by the clock", "processor"), np.array(taken).T * 1000, strict=True):
            print(f"{kind}: median {np.median(seconds):.1f} ms, largest {seconds.max():.1f} ms")


if __name__ == "__main__":
    main()
