"""
Attacks on encodings of fictitious people: what each finds, by hardening, overlap, records and known pairs.

Plain is the positive control: a CLK of 1,024 bits, ten for each token, nothing hardened; "plain, t = 3"
is that, diffused.  The other rows have the weights of a fuzzy pass of the preset uk-health, without
hardening and diffused; the preset itself is t = 4 with twice the bits.  Every row is written as soon
as it is measured, and a run that was cut off goes on where it stopped.

    python benchmarks/attacks/run.py
    python benchmarks/attacks/run.py --records 1000 --attacks graph   # a first look
    python benchmarks/attacks/run.py --pass together --attacks graph predicted-filters
"""

import argparse
import csv
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pprl import Agreement, LinkageKey, __version__
from pprl.auditing.attacks import ATTACKS, AttackKind
from pprl.auditing.measures import leakage
from pprl.auditing.scenes import rows_of
from pprl.auditing.sweep import People, Setting, attempt, taking_part
from pprl.auditing.tokentables import token_table
from pprl.auditing.views import View, in_all
from pprl.cleaning.columns import clean_columns
from pprl.datasets.uk import population
from pprl.encoding.encoder import encode_passes
from pprl.encoding.errormodel import ErrorModel
from pprl.encoding.hardening import Diffuse
from pprl.encoding.passes import FuzzyPass
from pprl.model import TextColumn

HERE = Path(__file__).parent
# By name: bits that are XORed, and bits that are sent for each bit of the pass.
DIFFUSIONS = {"t = 2": (2, 1), "t = 3": (3, 1), "t = 4": (4, 2), "t = 5": (5, 1)}
PLAIN_DIFFUSIONS = (2, 3, 5)
TOGETHER = "together"  # as a pass: all of them, of people who are in all
SPARE = 1.25  # people drawn for each that is wanted, where some are absent from a pass
COLUMNS = (
    "pass",
    "hardening",
    "attack",
    "records",
    "overlap",
    "noisy",
    "leaked",
    "seed",
    "key",
    "targets",
    "share",
    "low",
    "high",
    "cpu_seconds",
    "wall_seconds",
)
_TOLD = len(COLUMNS) - 6  # columns that say which run a row is of


@dataclass(frozen=True, slots=True)
class Run:
    """One attack to be measured."""

    hardening: str
    view: View
    kind: AttackKind
    setting: Setting
    seed: int
    key: int

    def name(self) -> tuple[str, ...]:
        """Give what tells it from others, as it stands in the table."""
        setting = self.setting
        return (
            self.view.name,
            self.hardening,
            self.kind.name,
            str(setting.n_records),
            f"{setting.overlap:g}",
            str(setting.noisy),
            str(setting.n_leaked),
            str(self.seed),
            str(self.key),
        )


def fictitious(n_records: int, *, seed: int) -> dict[str, TextColumn]:
    """Draw people and clean them as the preset does."""
    agreement = Agreement.preset("uk-health")
    table = population(n_records, seed=seed).people
    texts = {
        rule.name: TextColumn.from_texts(value or None for value in table[rule.name].fillna(""))
        for rule in agreement.fields
    }
    return {name: one.column for name, one in clean_columns(texts, agreement.fields).items()}


def views_of(name: str) -> dict[str, View]:
    """Give a pass of the preset, or all together, under each hardening, plain first."""
    fuzzy = [one for one in Agreement.preset("uk-health").passes if isinstance(one, FuzzyPass)]
    view = View(name, tuple(one for one in fuzzy if name in {one.name, TOGETHER}))
    if not view.passes:
        raise SystemExit(f"no such pass: {name}; legal: {', '.join([one.name for one in fuzzy])}, {TOGETHER}")
    bare, plain = view.hardened([()] * len(view.passes)), view.plain()
    return {
        "plain": plain,
        **{f"plain, t = {t}": diffused(plain, t) for t in PLAIN_DIFFUSIONS},
        "none": bare,
        **{name: diffused(bare, t, times) for name, (t, times) in DIFFUSIONS.items()},
    }


def diffused(view: View, t: int, times: int = 1) -> View:
    """Give passes diffused, with so many times the bits."""
    return view.hardened([(Diffuse(t=t, n_bits=times * one.n_bits),) for one in view.passes])


def everybody_in(name: str, n_records: int, *, seed: int) -> dict[str, TextColumn]:
    """Draw people; for all passes together, so many who take part in each."""
    if name != TOGETHER:
        return fictitious(n_records, seed=seed)
    people = fictitious(round(SPARE * n_records), seed=seed)
    return rows_of(people, np.flatnonzero(in_all(people, views_of(name)["none"].passes))[:n_records])


def runs(options: argparse.Namespace) -> Iterator[Run]:
    """List what is to be measured, small files first."""
    for n_records in sorted(options.records):
        for hardening, view in views_of(options.name).items():
            if options.hardenings and hardening not in options.hardenings:
                continue
            for kind in (ATTACKS[name] for name in options.attacks):
                if view.is_joint and not kind.joins:
                    continue
                for setting in settings(kind, n_records, options):
                    for key in range(options.keys):
                        yield Run(hardening, view, kind, setting, options.seed, key)


def settings(kind: AttackKind, n_records: int, options: argparse.Namespace) -> list[Setting]:
    """Give the conditions of an attack: by overlap and noise, or by the pairs that were told."""
    if kind.needs_leak:
        told = [n for n in options.leaks if n <= n_records // 2]
        return [Setting(n_records, 1.0, noisy, n) for n in told for noisy in options.noisy]
    return [Setting(n_records, overlap, noisy, 0) for overlap in options.overlaps for noisy in options.noisy]


def measured(run: Run, people: People) -> list[str]:
    """Carry out an attack, and give its row."""
    start = time.perf_counter()
    found = attempt(taking_part(people, run.view), run.view, run.kind, run.setting).finding
    wall = time.perf_counter() - start
    shares = [f"{value:.4f}" for value in (found.share, max(found.low, 0), min(found.high, 1))]
    return [*run.name(), str(found.n_targets), *shares, f"{found.cpu_seconds:.2f}", f"{wall:.2f}"]


def done_before(path: Path) -> set[tuple[str, ...]]:
    """List the runs that stand in the table."""
    if not path.exists():
        return set()
    with path.open(encoding="utf-8", newline="") as stream:
        return {tuple(row[:_TOLD]) for row in csv.reader(stream)}


def write(path: Path, row: Sequence[str]) -> None:
    """Add a row, so that nothing is lost where a run is cut off."""
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if is_new:
            writer.writerow(COLUMNS)
        writer.writerow(row)


def print_leakage(people: People, views: dict[str, View]) -> None:
    """Print what the filters of the first pass give away without an attack."""
    for hardening, view in views.items():
        here, one = taking_part(people, view), view.passes[0]
        columns = rows_of(here.columns, np.arange(min(2_000, here.n_records)))
        bits = encode_passes(columns, here.rules, [one], here.keys[0])[one.name].bits
        found = leakage(token_table(columns, here.rules, one), bits)
        print(
            f"{one.name}, {hardening}: fill {found.bits.fill:.3f}  rho {found.rho:.3f}"
            f"  top 1 % {found.rho_top:.3f}  unique neighbourhoods {found.unique_profiles:.3f}"
            f"  Gini {found.bits.gini:.4f}"
        )


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--records", type=int, nargs="+", default=[500, 1000, 2000, 5000])
    parser.add_argument("--overlaps", type=float, nargs="+", default=[1.0, 0.5, 0.25, 0.1])
    parser.add_argument("--leaks", type=int, nargs="+", default=[100, 500, 2000])
    parser.add_argument("--attacks", nargs="+", choices=list(ATTACKS), default=list(ATTACKS))
    parser.add_argument("--hardenings", nargs="+", help="by default all")
    parser.add_argument(
        "--pass", dest="name", default="names_in_a_bag", help=f"of the preset uk-health, or {TOGETHER}"
    )
    parser.add_argument(
        "--equal-only", dest="noisy", action="store_const", const=[False], default=[False, True]
    )
    parser.add_argument("--keys", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure whatever has not been measured yet."""
    options = options_of(arguments)
    everybody = everybody_in(options.name, max(options.records), seed=options.seed)
    agreement = Agreement.preset("uk-health")
    before = done_before(options.out)
    people: dict[tuple[int, int], People] = {}
    for key in range(options.keys):
        secret = LinkageKey(bytes(range(key, key + 32))).for_project("attacks benchmark", epoch=1)
        for n_records in options.records:
            some = rows_of(everybody, np.arange(n_records))  # smaller files are the first of the same people
            people[n_records, key] = People(some, agreement.fields, (secret,), ErrorModel(), options.seed)
    software = f"pprl {__version__}, Python {platform.python_version()}, NumPy {np.__version__}"
    print(f"{software}, {os.cpu_count()} cores")
    print_leakage(people[max(options.records), 0], views_of(options.name))
    for run in runs(options):
        if run.name() in before:
            continue
        row = measured(run, people[run.setting.n_records, run.key])
        write(options.out, row)
        print("  ".join(row), flush=True)


if __name__ == "__main__":
    sys.exit(main())
