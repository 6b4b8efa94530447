"""
Quality beside the peers: pprl, clkhash with anonlink, and in clear recordlinkage and Splink, in one run.

Makes an environment for each peer, writes the sets, lets every tool link each of them in a process
of its own, holds the links against the truth, replaces its rows in results.csv, and writes the
tables in Markdown.

    python benchmarks/quality/run.py --environments peers --work sets --seeds 1 2 3
"""

import argparse
import csv
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from answers import read_answer
from environments import environments
from judging import EVERYBODY, at, best_threshold, judge, read_truth, said_precision
from sets import SETS, seeds_of, write_set
from tables import write_tables

HERE = Path(__file__).parent
ONE_CORE = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
)
OWN, BEST = "its own", "best by truth"


@dataclass(frozen=True)
class Tool:
    """A tool: its script, options, environment (None is this one), and what is said of its thresholds."""

    script: str
    peer: str | None = None
    options: tuple[str, ...] = ()
    rules: tuple[str, ...] = (OWN,)
    between: tuple[float | None, float | None] = (None, None)
    with_seed: str | None = None


def ours(hardening, target="balance", only=None):
    """Describe pprl under a hardening, with a target; if said so, with one fuzzy pass only."""
    options = ("--hardening", hardening, "--target", target, *(("--only", only) if only else ()))
    return Tool("ours.py", options=options, with_seed="--key")


# Fuzzy passes of uk-health, each of which may stand alone.
ALONE = ("names_in_a_bag", "names_by_part", "without_address", "without_family_name")
TOOLS = {
    "pprl": ours("preset"),
    "pprl, asked .99": ours("preset", "0.99"),
    "pprl, asked .98": ours("preset", "0.98"),
    "pprl, asked .95": ours("preset", "0.95"),
    "pprl, no hardening": ours("none"),
    "pprl, diffuse t = 3": ours("diffuse-3"),
    "pprl, xor-fold": ours("xor-fold"),
    "pprl, flip 0.05": ours("flip-0.05"),
    **{f"pprl, {name} alone": ours("preset", only=name) for name in ALONE},
    "clkhash + anonlink": Tool("theirs_anonlink.py", "anonlink", rules=(BEST,), between=(0.6, 0.95)),
    "recordlinkage ECM": Tool("theirs_recordlinkage.py", "recordlinkage", rules=(OWN, BEST)),
    "Splink": Tool("theirs_splink.py", "splink", rules=(OWN, BEST)),
}
DEFAULT_TOOLS = ("pprl", *(label for label, tool in TOOLS.items() if tool.peer))


@dataclass
class Row:
    """One line of results.csv: a tool's links on a set, resolved one way, at one threshold, of one group."""

    set: str
    seed: int
    tool: str
    way: str
    rule: str
    group: str
    threshold: float | None
    true_links: int
    false_links: int
    missed: int
    precision: float | None
    recall: float | None
    f1: float | None
    said_precision: float | None
    said_precision_low: float | None
    said_precision_high: float | None
    said_recall: float | None
    said_recall_low: float | None
    said_recall_high: float | None
    seconds: float
    version: str


def linked(tool, interpreter, folder, answer, seed):
    """Let a tool link a set; give the seconds that it took, or None if it failed."""
    more = [tool.with_seed, str(seed)] if tool.with_seed else []
    command = [interpreter, HERE / tool.script, folder, answer, *tool.options, *more]
    start = time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **ONE_CORE},
    )
    if done.returncode:
        print(f"failed: {folder}:\n{done.stderr[-3000:]}", file=sys.stderr, flush=True)
        return None
    return time.perf_counter() - start


def rows_of(label, folder, answer, seconds):
    """Hold an answer against the truth."""
    tool, truth, (found, said) = TOOLS[label], read_truth(folder), read_answer(answer)
    name, seed = folder.parts[-2:]
    rows = []
    for way, resolved in found.items():
        best = best_threshold(resolved.pairs, truth, *tool.between) if BEST in tool.rules else None
        thresholds = {OWN: resolved.threshold, BEST: best}
        for rule in tool.rules:
            threshold = thresholds[rule]
            says = expected(resolved, threshold, said.get("says", {}))
            for group, quality in judge(at(resolved.pairs, threshold), truth).items():
                rows.append(
                    Row(
                        name, int(seed), label, way, rule, group, threshold,
                        quality.true_positives, quality.false_positives, quality.false_negatives,
                        quality.precision, quality.recall, quality.f1,
                        **(says if group == EVERYBODY else dict.fromkeys(says)),
                        seconds=round(seconds, 2), version=said["version"],
                    )
                )  # fmt: skip
    return rows


def expected(way, threshold, says):
    """Give what a tool expects of its links: what it says, or else the mean of their probabilities."""
    names = [one.name for one in fields(Row) if one.name.startswith("said_")]
    found = {"precision": said_precision(way, threshold)} | says
    return {name: found.get(name.removeprefix("said_")) for name in names}


def read_rows(path):
    """Read the rows of earlier runs."""
    if not path.exists():
        return []
    numbers = {"seed": int, "true_links": int, "false_links": int, "missed": int}
    texts = {"set", "tool", "way", "rule", "group", "version"}
    with path.open(newline="", encoding="utf-8") as stream:
        return [
            Row(
                **{
                    name: text if name in texts else numbers.get(name, _float)(text)
                    for name, text in row.items()
                }
            )
            for row in csv.DictReader(stream)
        ]


def _float(text):
    return float(text) if text else None


def write_rows(path, rows):
    """Write rows, in the order of the sets and tools."""
    places = {name: place for place, name in enumerate((*SETS, *TOOLS))}
    ordered = sorted(rows, key=lambda row: (places[row.set], row.seed, places[row.tool], row.way, row.rule))
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [one.name for one in fields(Row)], lineterminator="\n")
        writer.writeheader()
        for row in ordered:
            writer.writerow(
                {
                    name: round(value, 6) if isinstance(value, float) else value
                    for name, value in asdict(row).items()
                }
            )


def main():
    """Write sets, link, judge, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--environments", type=Path, required=True, help="where the peers' environments are kept"
    )
    parser.add_argument("--work", type=Path, required=True, help="where sets and answers are kept")
    parser.add_argument("--python", default="python3.11", help="a Python that clkhash runs on, at most 3.11")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS, metavar="SET")
    parser.add_argument("--tools", nargs="+", choices=tuple(TOOLS), default=DEFAULT_TOOLS, metavar="TOOL")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--out", type=Path, default=HERE, help="folder for results.csv and tables.md")
    chosen = parser.parse_args()
    needed = {TOOLS[label].peer for label in chosen.tools} - {None}
    python = environments(chosen.environments, chosen.python, sorted(needed)) | {None: sys.executable}
    path = chosen.out / "results.csv"
    rows = read_rows(path)
    for name in chosen.sets:
        for seed in seeds_of(name, chosen.seeds):
            folder = write_set(chosen.work, name, seed)
            for label in chosen.tools:
                tool = TOOLS[label]
                answer = chosen.work / "answers" / label / name / str(seed)
                seconds = linked(tool, python[tool.peer], folder, answer, seed)
                if seconds is None:
                    continue
                made = rows_of(label, folder, answer, seconds)
                rows = [row for row in rows if (row.set, row.seed, row.tool) != (name, seed, label)] + made
                told = ", ".join(
                    f"{row.way} ({row.rule}) {row.f1 or 0:.4f}" for row in made if row.group == "everybody"
                )
                print(f"{name}, seed {seed}: {label}: {seconds:.1f} s; F1 {told}", flush=True)
        write_rows(path, rows)
        write_tables(chosen.out / "tables.md", rows)


if __name__ == "__main__":
    main()
