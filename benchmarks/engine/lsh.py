"""
Shared tags of Hamming LSH beside all pairs: time, candidates, recall, and what the plan foretold.

Draws two tables of people, encodes them with block tags, asks `pprl.plan` what to expect, finds
the pairs that share a tag, and, with --exact, all pairs.  Recall is measured on 2,000 records of
the left that are compared with all of the right.

    python benchmarks/engine/lsh.py --records 1000000 --exact
"""

import argparse
import time
from pathlib import Path

import numpy as np
from clks import SEED
from people import two_tables

import pprl
from pprl.comparison import AllPairs, SharedTags
from pprl.comparison.tags import sorted_table

HERE = Path(__file__).parent
THRESHOLD, AT = "0.8", (0.80, 0.85, 0.90)
SAMPLED = 2000


def agreement_with(tables, bits):
    """Give the text of the benchmark's agreement with the plain pass alone, and block tags."""
    head, plain = (HERE / "agreement.toml").read_text(encoding="utf-8").split("[[passes]]")[:2]
    blocks = f'blocks = [{{ kind = "hamming-lsh", tables = {tables}, bits = {bits} }}]\n'
    return f"{head}[[passes]]{plain}{blocks}"


def timed(work):
    """Give what a call gives, and its seconds."""
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def peak():
    """Give the greatest memory of this process so far, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def recall(found, left, right, tags, threads):
    """Say which share of the pairs of sampled rows was found, at each similarity."""
    rows = np.sort(np.random.default_rng(1).choice(len(left), min(SAMPLED, len(left)), replace=False))
    exact = pprl.compare(left.take(rows), right, threshold=THRESHOLD, workers=threads)
    held = np.unique(found.left.astype(np.uint64) << np.uint64(32) | found.right.astype(np.uint64))
    wanted = rows[exact.left].astype(np.uint64) << np.uint64(32) | exact.right.astype(np.uint64)
    was_found = np.isin(wanted, held)
    shares = (tags.left[rows[exact.left]] == tags.right[exact.right]).any(axis=1)
    if not np.array_equal(was_found, shares):
        raise SystemExit("a pair with a tag in common was missed, or one without was found")
    for at in AT:
        high = exact.score >= at
        print(f"recall at Dice >= {at:.2f}: {was_found[high].mean():.4f} of {int(high.sum())} pairs")


def foretell(packages, agreement, threads):
    """Ask for the plan; print it, and give how many candidates share a tag."""
    plan, seconds = timed(lambda: pprl.plan(*packages, agreement=agreement, workers=threads))
    for way in plan.passes[0].ways:
        print(f"plan, {way.name}: {way.n_candidates:,} candidates, {way.seconds:.1f} s")
    print(f"the plan took {seconds:.1f} s")
    return plan.passes[0].ways[1].n_candidates


def count(tags):
    """Count the candidates of all tables."""
    n_tables = tags.left.shape[1]
    return sum(
        int(sorted_table(tags.left, tags.right, table).runs.n_pairs().sum()) for table in range(n_tables)
    )


def parsed():
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--tables", type=int, default=64)
    parser.add_argument("--bits", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--exact", action="store_true", help="time all pairs, too")
    return parser.parse_args()


def main():
    """Draw, encode, foretell, find, measure."""
    chosen = parsed()
    agreement = pprl.Agreement.from_toml(agreement_with(chosen.tables, chosen.bits).encode())
    key = pprl.LinkageKey(bytes(range(32)))
    packages = [pprl.encode(table, agreement, key, id="id") for table in two_tables(chosen.records, SEED)]
    left, right = (package.passes["plain"] for package in packages)
    tags = SharedTags(*(package.tags["plain"] for package in packages))
    few = np.arange(5)
    pprl.compare(left.take(few), right.take(few), threshold=1, kernel="numba")  # compiled before the clock
    foretold, counted = foretell(packages, agreement, chosen.threads), count(tags)
    options = {"threshold": THRESHOLD, "workers": chosen.threads}
    found, seconds = timed(lambda: pprl.compare(left, right, candidates=tags, **options))
    print(f"shared tags: {counted:,} candidates (the plan said {foretold / counted:.2f} times as many)")
    print(f"shared tags: {len(found):,} pairs in {seconds:.1f} s; peak of this process {peak():,.0f} MiB")
    recall(found, left, right, tags, chosen.threads)
    if chosen.exact:
        exact, whole = timed(lambda: pprl.compare(left, right, candidates=AllPairs(), **options))
        print(f"all pairs: {len(exact):,} pairs in {whole:.1f} s: {whole / seconds:.1f} times as long")


if __name__ == "__main__":
    main()
