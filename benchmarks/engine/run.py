"""
The comparison engine beside anonlink, FAISS, FPSim2, numkong and a plain AVX-512 loop, in one run.

Makes an environment for each peer, draws and encodes people, and lets every tool find all pairs
that reach a Dice threshold, each call in a process of its own on the same processors, several
rounds in turn.  Holds the pairs found against one another, prints tables in Markdown with the
best of each and the ratios, and writes results.csv.  Ends with status 1 if two tools differ.

    python benchmarks/engine/run.py --environments peers --work clks
"""

import argparse
import csv
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

HERE = Path(__file__).parent
OURS, ALL_WORDS = "pprl", "pprl, all words"


@dataclass(frozen=True)
class Tool:
    """A tool: its script, options, the packages of its environment, and whether it has threads."""

    script: str
    options: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    has_threads: bool = True


TOOLS = {
    OURS: Tool("ours.py"),
    ALL_WORDS: Tool("ours.py", options=("--all-words",)),
    "C++": Tool("theirs_cpp.py", has_threads=False),
    "numkong": Tool("theirs_numkong.py", pins=("numkong==7.8.6", "numpy==2.4.6")),
    "FAISS": Tool("theirs_faiss.py", pins=("faiss-cpu==1.15.1", "numpy==2.4.6")),
    "anonlink": Tool(
        "theirs_anonlink.py",
        pins=("anonlink==0.15.3", "bitarray==3.12.3", "numpy==2.4.6"),
        has_threads=False,
    ),
    "FPSim2": Tool("theirs_fpsim2.py", pins=("FPSim2==0.7.4", "numpy==2.4.6")),
}
PEERS = tuple(TOOLS)[2:]
SOURCES = ("agreement.toml", "clks.py", "people.py")  # of the encoded people
HARDENED = ("diffused", "balanced")  # measured with our own two ways alone


@dataclass(frozen=True, order=True)
class Setting:
    """What is to be found: which encoding, how many records a side, at what threshold, with what threads."""

    encoding: str
    records: int
    threshold: str
    threads: int


@dataclass
class Row:
    """One line of results.csv: a tool under a setting, the best of its rounds."""

    encoding: str
    records: int
    threshold: str
    threads: int
    tool: str
    seconds: float
    slowest_round: float
    first_call: float
    million_pairs_a_second: float
    times_pprl: float | None
    pairs: int
    digest: str
    before_mib: float
    peak_mib: float
    rounds: int


@dataclass
class Bench:
    """Everything that is needed to call a tool, and what was measured."""

    interpreters: dict[str, Path]
    library: Path | None
    work: Path
    limit: float
    rounds: int
    rows: list[Row] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)

    def measure_all(self, setting, tools):
        """Measure tools in turn, round after round, and keep the best of each."""
        tools = [tool for tool in tools if self._is_wanted(tool, setting)]
        rounds = {tool: [] for tool in tools}
        for _ in range(self.rounds):
            for tool in tools:
                if tool not in self.missing and (figures := self._call(tool, setting)):
                    rounds[tool].append(figures)
        best = {tool: min(found, key=lambda one: one["seconds"]) for tool, found in rounds.items() if found}
        ours = best.get(OURS)
        for tool, figures in best.items():
            self.rows.append(row_of(setting, tool, figures, rounds[tool], ours))
        found = {tool: (one["pairs"], one["digest"]) for tool, one in best.items()}
        if len(set(found.values())) > 1:
            self.differences.append(f"{setting}: {found}")
            print(f"DIFFERENT PAIRS: {self.differences[-1]}", flush=True)

    def _is_wanted(self, tool, setting):
        if tool in self.missing or (setting.threads > 1 and not TOOLS[tool].has_threads):
            return False
        smaller = [
            row
            for row in self.rows
            if (row.tool, row.encoding, row.threshold, row.threads)
            == (tool, setting.encoding, setting.threshold, setting.threads)
            and row.records < setting.records
        ]
        if not smaller:
            return True
        largest = max(smaller, key=lambda row: row.records)
        seconds = largest.seconds * (setting.records / largest.records) ** 2
        if seconds > self.limit:
            print(f"left out: {tool}, {told(setting)}: about {seconds:,.0f} s", flush=True)
        return seconds <= self.limit

    def _call(self, tool, setting):
        folder = self.work / str(setting.records)
        sides = [folder / f"{setting.encoding}-{side}.npy" for side in ("left", "right")]
        one = TOOLS[tool]
        options = [*one.options, *(["--library", self.library] if tool == "C++" else [])]
        allowed = sorted(os.sched_getaffinity(0))[: setting.threads]
        command = [
            self.interpreters[tool],
            HERE / one.script,
            *sides,
            setting.threshold,
            setting.threads,
            *options,
        ]
        try:
            done = subprocess.run(
                [str(part) for part in command],
                capture_output=True,
                text=True,
                check=False,
                timeout=5 * self.limit + 60,
                preexec_fn=lambda: os.sched_setaffinity(0, allowed),
            )
        except subprocess.TimeoutExpired:
            print(f"stopped: {tool}, {told(setting)}: over {5 * self.limit + 60:,.0f} s", flush=True)
            return None
        if done.returncode:
            print(f"failed: {tool}, {told(setting)}:\n{done.stderr}", file=sys.stderr, flush=True)
            return None
        figures = json.loads(done.stdout)
        if "missing" in figures:
            print(f"not measured: {tool}: {figures['missing']}", flush=True)
            self.missing.add(tool)
            return None
        print(f"{told(setting)}: {tool}: {figures['seconds']:.2f} s, {figures['pairs']:,} pairs", flush=True)
        return figures


def row_of(setting, tool, figures, rounds, ours):
    """Make a row of the best round of a tool."""
    seconds = figures["seconds"]
    return Row(
        **asdict(setting),
        tool=tool,
        seconds=round(seconds, 4),
        slowest_round=round(max(one["seconds"] for one in rounds), 4),
        first_call=round(min(one["first"] for one in rounds), 4),
        million_pairs_a_second=round(setting.records**2 / seconds / 1e6, 1),
        times_pprl=round(seconds / ours["seconds"], 3) if ours else None,
        pairs=figures["pairs"],
        digest=figures["digest"],
        before_mib=round(figures["before_mib"], 1),
        peak_mib=round(max(one["peak_mib"] for one in rounds), 1),
        rounds=len(rounds),
    )


def told(setting):
    """Say in words what is measured."""
    threads = f"{setting.threads} thread{'s' if setting.threads > 1 else ''}"
    return f"{setting.encoding}, {setting.records:,} a side, Dice {setting.threshold}, {threads}"


def environment(folder, python, pins):
    """Make an environment for a peer, unless it is there with these packages; None if that fails."""
    interpreter, made = folder / "bin" / "python", folder / "made_of.txt"
    if made.exists() and made.read_text(encoding="utf-8") == "\n".join(pins):
        return interpreter
    for command in ([python, "-m", "venv", folder], [interpreter, "-m", "pip", "install", "--quiet", *pins]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"not measured: {pins[0]} cannot be installed:\n{done.stderr}", flush=True)
            return None
    made.write_text("\n".join(pins), encoding="utf-8")
    return interpreter


def compiled(folder):
    """Compile the reference loop for this machine; None where there is no compiler."""
    compiler = shutil.which("g++")
    if compiler is None:
        print("not measured: C++: there is no g++", flush=True)
        return None
    library = folder / "reference.so"
    flags = ["-O3", "-march=native", "-std=c++17", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, HERE / "reference.cpp", "-o", library], check=True)
    return library


def draw(records, work):
    """Draw and encode people in a process of its own, unless they are there."""
    folder = work / str(records)
    made_by = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in SOURCES)).hexdigest()
    mark, facts = folder / "made_by.txt", folder / "facts.json"
    if not mark.exists() or mark.read_text(encoding="utf-8") != made_by:
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, HERE / "clks.py", str(records), folder], check=True)
        mark.write_text(made_by, encoding="utf-8")
    return json.loads(facts.read_text(encoding="utf-8"))


def read(path):
    """Read the rows of an earlier run."""
    kinds = {one.name: one.type for one in fields(Row)}
    with path.open(newline="", encoding="utf-8") as stream:
        return [
            Row(**{name: _typed(kinds[name], text) for name, text in row.items()})
            for row in csv.DictReader(stream)
        ]


def _typed(kind, text):
    return (float(text) if text else None) if kind == float | None else kind(text)


def together(rows, earlier):
    """Give rows, and those of an earlier run whose tool and setting are not among them."""

    def place(row):
        return row.encoding, row.records, row.threshold, row.threads, row.tool

    measured = {place(row) for row in rows}
    return sorted([*rows, *(row for row in earlier if place(row) not in measured)], key=_in_tables)


def _in_tables(row):
    return (
        ["plain", *HARDENED].index(row.encoding),
        row.threads,
        row.records,
        [*TOOLS].index(row.tool),
        row.threshold,
    )


def write(rows, path):
    """Write all rows so far."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [one.name for one in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def show(rows):
    """Print a table in Markdown for each encoding and number of threads."""
    for encoding, threads in dict.fromkeys((row.encoding, row.threads) for row in rows):
        chosen = [row for row in rows if (row.encoding, row.threads) == (encoding, threads)]
        thresholds = sorted({row.threshold for row in chosen})
        plural = "s" if threads > 1 else ""
        print(f"\n{encoding}, {threads} thread{plural}: seconds, M pairs/s, times pprl's seconds\n")
        titles = [
            "records a side",
            "tool",
            *(f"Dice {one}" for one in thresholds),
            "peak MiB (before the call)",
        ]
        print("| " + " | ".join(titles) + " |\n|" + "---|" * len(titles))
        for records, tool in dict.fromkeys((row.records, row.tool) for row in chosen):
            cells = {row.threshold: row for row in chosen if (row.records, row.tool) == (records, tool)}
            largest = max(cells.values(), key=lambda row: row.peak_mib)
            line = [f"{records:,}", tool, *(cell(cells.get(one)) for one in thresholds)]
            print(f"| {' | '.join(line)} | {largest.peak_mib:,.0f} ({largest.before_mib:,.0f}) |")


def cell(row):
    """Write one figure."""
    if row is None:
        return ""
    ratio = "" if row.times_pprl is None else f", x {row.times_pprl:.2f}"
    return f"{row.seconds:,.2f} s, {row.million_pairs_a_second:,.0f}{ratio}"


def show_pairs(rows):
    """Print how many pairs there are, and what the first call costs beyond a later one."""
    titles = ["encoding", "records a side", "threshold", "pairs", "first call of pprl", "later call"]
    print("\n| " + " | ".join(titles) + " |\n|" + "---|" * len(titles))
    for row in rows:
        if row.tool == OURS and row.threads == 1:
            print(
                f"| {row.encoding} | {row.records:,} | {row.threshold} | {row.pairs:,} "
                f"| {row.first_call:.2f} s | {row.seconds:.2f} s |"
            )


def parsed():
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 50_000, 200_000, 1_000_000])
    parser.add_argument("--thresholds", nargs="+", default=["0.7", "0.8", "0.9"])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    parser.add_argument("--encodings", nargs="+", choices=("plain", *HARDENED), default=["plain", *HARDENED])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--limit", type=float, default=120, help="leave out calls that would take longer, in seconds"
    )
    parser.add_argument("--python", default="python3.11", help="a Python that the peers run on")
    parser.add_argument("--environments", type=Path, help="where to keep the peers' environments")
    parser.add_argument("--work", type=Path, help="where to keep the encoded people")
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    parser.add_argument("--add", action="store_true", help="keep what the output holds of other settings")
    return parser.parse_args()


def main():
    """Prepare, measure in turn, hold against one another, print and write."""
    chosen = parsed()
    with tempfile.TemporaryDirectory() as name:
        kept = (chosen.environments or Path(name, "peers")).resolve()
        kept.mkdir(parents=True, exist_ok=True)
        interpreters = dict.fromkeys((OURS, ALL_WORDS, "C++"), Path(sys.executable))
        for peer in chosen.peers:
            if TOOLS[peer].pins and (
                one := environment(kept / peer.lower(), chosen.python, TOOLS[peer].pins)
            ):
                interpreters[peer] = one
        library = compiled(kept) if "C++" in chosen.peers else None
        if library is None:
            del interpreters["C++"]
        work = (chosen.work or Path(name, "clks")).resolve()
        bench = Bench(interpreters, library, work, chosen.limit, chosen.rounds)
        earlier = read(chosen.out) if chosen.add and chosen.out.exists() else []
        for records in sorted(chosen.sizes):
            facts = draw(records, work)
            print(f"{records:,} a side, bits set: {json.dumps(facts)}", flush=True)
            for encoding in chosen.encodings:
                tools = [tool for tool in interpreters if encoding == "plain" or tool in {OURS, ALL_WORDS}]
                for threads in chosen.threads:
                    for threshold in chosen.thresholds:
                        bench.measure_all(Setting(encoding, records, threshold, threads), tools)
                        write(together(bench.rows, earlier), chosen.out)
    print(f"\nPython {platform.python_version()}, {processor()}, best of {chosen.rounds} rounds")
    rows = together(bench.rows, earlier)
    show(rows)
    show_pairs(rows)
    sys.exit("\n".join(bench.differences) or None)


def processor():
    """Name the processor."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()
