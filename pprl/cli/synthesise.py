"""Make a fictitious population and sources drawn from it (methodologist)."""

import contextlib
import os
import shutil
from collections.abc import Generator, Iterable, Sequence
from itertools import combinations
from pathlib import Path

import click
import pandas as pd

from pprl.cli.console import note, say
from pprl.cli.options import FILE, force_option
from pprl.datasets.uk import PRESETS, SOURCES, Population, Source, draw_source, population, true_pairs
from pprl.errors import UsageError
from pprl.files import make_folder, write_bytes, write_whole
from pprl.reporting.text import columns

_README = """\
People who do not exist, and sources drawn from them (pprl synthesise)

population.csv         One row for each person.
<source>.csv           What one organisation would have, with its errors: encode these.
truth/<source>.csv     Which person each record is, and the groups that the person is in.
truth/<a>_<b>.csv      The pairs of records that are one person, for pprl evaluate.

people {people}, seed {seed}, preset {preset}
"""
_TRUTH = "truth"
_OURS = frozenset({"README.txt", "population.csv", _TRUTH, *(f"{name}.csv" for name in SOURCES)})


@click.command()
@click.option("--people", type=int, required=True, metavar="N", help="How many people, up to 5,000,000.")
@click.option(
    "--seed", type=int, required=True, metavar="N", help="The same number gives the same files, byte by byte."
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    required=True,
    help="measured: errors as between two health systems; hard: several times as many, and unequal.",
)
@click.option("--out", type=FILE, required=True, metavar="FOLDER", help="A new folder for all files.")
@force_option
def synthesise(people: int, seed: int, preset: str, out: Path, *, force: bool) -> None:
    """Make a fictitious population of the United Kingdom, and six sources drawn from it.

    For each source there is a table to be encoded with the preset uk-health (--id
    record_id), and the truth about it.  Nobody in it exists.
    """
    _refuse_taken(out, force=force)
    note("drawing people ...")
    drawn = population(people, seed)
    with _whole_folder(out, force=force) as folder:
        _write(folder / "population.csv", drawn.people)
        sources = list(_drawn_sources(drawn, folder, preset=preset, seed=seed))
        for left, right in combinations(sources, 2):
            _write(folder / _TRUTH / f"{left.name}_{right.name}.csv", true_pairs(left, right))
        told = _README.format(people=people, seed=seed, preset=preset)
        write_bytes(folder / "README.txt", told.encode("utf-8"))
    say(_told(sources, out))


def _drawn_sources(everybody: Population, folder: Path, *, preset: str, seed: int) -> Generator[Source]:
    """Draw and write each source; only its truth is kept, for it is the smaller part."""
    for name in SOURCES:
        note(f"drawing {name} ...")
        source = draw_source(everybody, name, preset, seed)
        _write(folder / f"{name}.csv", source.table)
        _write(folder / _TRUTH / f"{name}.csv", source.truth)
        yield Source(name, source.table[["record_id"]], source.truth[["record_id", "person_id"]])


def _write(path: Path, table: pd.DataFrame) -> None:
    make_folder(path.parent)
    with write_whole(path) as stream:
        table.to_csv(stream, index=False, mode="wb", encoding="utf-8", lineterminator="\n")


def _told(sources: Sequence[Source], out: Path) -> str:
    rows: Iterable[tuple[object, ...]] = (
        (source.name, len(source.table), source.truth["person_id"].nunique()) for source in sources
    )
    return f"{columns([('source', 'records', 'people'), *rows])}\n\nwhat is what: {out}/README.txt"


def _refuse_taken(out: Path, *, force: bool) -> None:
    """Raise unless the name is free, or what has it was made by this verb and may be replaced."""
    if not (out.exists() or out.is_symlink()):
        return
    if not force:
        raise UsageError(
            f"output {out.name}: exists already",
            code="output-exists",
            hint="name a new folder, or give --force to replace one that this verb made",
        )
    if out.is_symlink() or not out.is_dir() or not {one.name for one in out.iterdir()} <= _OURS:
        raise UsageError(
            f"output {out.name}: holds, or is, something that this verb did not make", code="output-exists"
        )


@contextlib.contextmanager
def _whole_folder(out: Path, *, force: bool) -> Generator[Path]:
    """Give a folder that has the name of `out` once it is complete; if the work fails, nothing is left."""
    mark, place = os.urandom(6).hex(), out.absolute()
    temporary, former = (place.with_name(f".{place.name}.{mark}.{state}") for state in ("partial", "former"))
    make_folder(temporary)
    try:
        yield temporary
        _refuse_taken(out, force=force)
        if place.exists():
            place.rename(former)
        temporary.rename(place)
    finally:
        if former.exists() and not place.exists():
            former.rename(place)
        for folder in (temporary, former):
            shutil.rmtree(folder, ignore_errors=True)
