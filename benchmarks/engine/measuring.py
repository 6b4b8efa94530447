"""
What every tool's script does: read the words, call, and print one line of JSON.

It needs NumPy alone, since it runs in the peers' environments.
"""

import argparse
import gc
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np

AGAIN = 10.0  # seconds; a shorter call is made a second time in the same process
_EVEN, _ODD = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)


def arguments(*options):
    """Read the command line: two files, a threshold, a number of threads, and options of one's own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("left")
    parser.add_argument("right")
    parser.add_argument("threshold", type=Fraction)
    parser.add_argument("threads", type=int)
    for option, settings in options:
        parser.add_argument(option, **settings)
    return parser.parse_args()


def needed(n_bits, threshold):
    """Give the least overlap for each sum of popcounts; two empty rows never reach it."""
    sums = np.arange(2 * n_bits + 1, dtype=np.int64)
    p, q = threshold.numerator, 2 * threshold.denominator
    return np.maximum(-(-p * sums // q), 1).astype(np.int32)


def popcounts(words):
    """Count the bits of each row, some at a time."""
    counts = np.empty(len(words), dtype=np.int64)
    for start in range(0, len(words), 1 << 14):
        counts[start : start + (1 << 14)] = np.bitwise_count(words[start : start + (1 << 14)]).sum(axis=1)
    return counts


def in_threads(work, parts, threads):
    """Run work on each part, on so many threads, and give what it gave in the order of parts."""
    if threads == 1:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, parts))


def joined(parts, *kinds):
    """Join the columns of parts; without a part, give empty columns of these kinds."""
    return tuple(
        np.concatenate(column) if column else np.empty(0, kind)
        for kind, column in zip(kinds, zip(*parts, strict=True) if parts else [()] * len(kinds), strict=True)
    )


def measure(chosen, prepare, find):
    """Time `find(inputs, threshold, threads)`, which gives rows left, rows right, scores; print figures.

    `prepare(left, right)` makes of words what the tool takes, outside the time.
    """
    inputs = prepare(np.load(chosen.left), np.load(chosen.right))
    gc.collect()
    figures = {"before_mib": _status("VmRSS")}
    seconds, found = _timed(find, inputs, chosen)
    figures |= {"peak_mib": _status("VmHWM"), "first": seconds, "pairs": len(found[0])}
    figures |= {"digest": _digest(*found[:2])}
    found = None
    if seconds < AGAIN:
        again, found = _timed(find, inputs, chosen)
        figures["second"] = again
        if _digest(*found[:2]) != figures["digest"]:
            sys.exit("the second call found other pairs than the first")
    figures["seconds"] = min(seconds, figures.get("second", seconds))
    print(json.dumps(figures))


def _timed(find, inputs, chosen):
    start = time.perf_counter()
    found = find(inputs, chosen.threshold, chosen.threads)
    return time.perf_counter() - start, found


def _digest(left, right):
    """Give a number that is the same for the same set of pairs, in whatever order."""
    total = 0
    for start in range(0, len(left), 1 << 20):
        part = slice(start, start + (1 << 20))
        key = np.asarray(left[part]).astype(np.uint64) << np.uint64(32)
        key = (key | np.asarray(right[part]).astype(np.uint64)) * _EVEN
        key = (key ^ (key >> np.uint64(29))) * _ODD
        total += int((key ^ (key >> np.uint64(32))).sum())
    return f"{total % (1 << 64):016x}"


def _status(name):
    """Give a figure of this process in MiB; VmHWM is its peak, and begins anew with a program."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    return 0.0
