"""Show the whole path on fictitious people."""

import contextlib
import io
import shlex
import shutil
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pprl.cli.console import note, say
from pprl.cli.options import FILE
from pprl.datasets.febrl import febrl4
from pprl.datasets.uk import Source, draw_source, population, true_pairs
from pprl.errors import UsageError
from pprl.exchange.tables import csv_bytes
from pprl.files import make_folder, write_bytes
from pprl.reporting.text import columns
from pprl.workflow import PAIR_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

_PEOPLE = 30_000  # of whom the trust knows one in twelve, and the hospital one in three
_SEED = 7
_README = """\
Two custodians, a linkage unit and a research environment; {told}

{custodians}
                           What each custodian holds: people, the agreement, the secret key,
                           the encoded package, the map from random record ids to its own, and
                           its linkage keys.
linkage-unit               What the linkage unit holds: the agreement, two packages, and what it
                           made of them. No key, no name, no id of a custodian.
research                   What the research environment holds: records with linkage keys in the
                           place of identifiers, the crosswalk, and the joined table.
methodologist              The known truth, which exists only because nobody here does.
commands.txt               The commands that made all this, in order.
.gitignore                 Keeps this folder, which holds a key, out of version control.
"""


@dataclass(frozen=True)
class _Cast:
    """Who takes part, and what they have."""

    told: str
    preset: str
    id_column: str
    names: tuple[str, str]
    tables: "tuple[pd.DataFrame, pd.DataFrame]"
    truth: "list[tuple[str, str]]"
    has_payload: bool  # something to study besides who people are


def _britons() -> _Cast:
    """Draw a mental-health trust and a hospital, each of which holds a person once."""
    everybody = population(_PEOPLE, _SEED)
    names = ("mental_health_trust", "hospital")
    sources = [_once(draw_source(everybody, name, "measured", _SEED)) for name in names]
    pairs = true_pairs(*sources)
    return _Cast(
        told="fictitious people of the United Kingdom",
        preset="uk-health",
        id_column="record_id",
        names=("trust", "hospital"),
        tables=(sources[0].table, sources[1].table),
        truth=list(zip(pairs["left_id"].tolist(), pairs["right_id"].tolist(), strict=True)),
        has_payload=True,
    )


def _once(source: Source) -> Source:
    first = ~source.truth["person_id"].duplicated()
    return Source(source.name, source.table[first], source.truth[first])


def _australians() -> _Cast:
    """Load FEBRL4."""
    people = febrl4()
    return _Cast(
        told="fictitious people of Australia (FEBRL4)",
        preset="febrl",
        id_column="rec_id",
        names=("originals", "duplicates"),
        tables=(people.left, people.right),
        truth=list(people.truth),
        has_payload=False,
    )


@dataclass
class _Stages:
    """Runs commands of pprl, and remembers each and the time it took."""

    commands: list[str] = field(default_factory=list)
    seconds: list[tuple[str, float]] = field(default_factory=list)

    def run(self, stage: str, *arguments: object) -> str:
        """Run a command as the command line would, and give what it printed."""
        from pprl.cli.main import cli

        words = [str(argument) for argument in arguments]
        self.commands.append(shlex.join(["pprl", *words]))
        printed = io.StringIO()
        with self.timed(stage), contextlib.redirect_stdout(printed):
            cli.main(words, prog_name="pprl", standalone_mode=False)
        return printed.getvalue()

    @contextlib.contextmanager
    def timed(self, stage: str) -> Generator[None]:
        """Time a stage."""
        note(f"{stage} ...")
        start = time.perf_counter()
        yield  # noqa: RUF075 - a stage that fails has no time
        self.seconds.append((stage, time.perf_counter() - start))


@click.command()
@click.option(
    "--out", type=FILE, required=True, metavar="FOLDER", help="A new folder, with one folder for each party."
)
@click.option(
    "--febrl",
    is_flag=True,
    help="Link FEBRL4: 5,000 people and misspelt doubles of them. Needs pip install 'pprlink[demo]'.",
)
def demo(out: Path, *, febrl: bool) -> None:
    """Link the fictitious patients of a mental-health trust with those of a hospital.

    Plays two custodians, a linkage unit and a research environment on this machine, leaves
    in a folder what each of them holds, and says how good the links are.
    """
    if out.exists():
        raise UsageError(f"output {out.name}: exists already", code="output-exists", hint="name a new folder")
    stages = _Stages()
    with stages.timed("make fictitious people"):
        cast = _australians() if febrl else _britons()
    with _new_folder(out):
        _hand_out(cast, out)
        linked, quality = _play(stages, cast, out)
        write_bytes(out / "commands.txt", "".join(f"{line}\n" for line in stages.commands).encode())
    say(_told(stages, linked, quality, out))


@contextlib.contextmanager
def _new_folder(path: Path) -> Generator[None]:
    """Make a folder that is removed again if the work in it fails."""
    make_folder(path)
    try:
        yield
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _hand_out(cast: _Cast, out: Path) -> None:
    """Give each party what it has before anything begins."""
    for name in (*cast.names, "linkage-unit", "research", "methodologist"):
        make_folder(out / name)
    write_bytes(out / ".gitignore", b"*\n")
    told = _README.format(told=cast.told, custodians=", ".join(cast.names))
    write_bytes(out / "README.txt", told.encode())
    for name, table in zip(cast.names, cast.tables, strict=True):
        write_bytes(out / name / "people.csv", table.to_csv(index=False).encode("utf-8"))
    write_bytes(out / "methodologist" / "truth.csv", csv_bytes(PAIR_COLUMNS, cast.truth))


def _play(stages: _Stages, cast: _Cast, out: Path) -> tuple[str, str]:
    """Run every command of every party; what passes between them is copied by hand."""
    unit, research = out / "linkage-unit", out / "research"
    folders = [out / name for name in cast.names]
    first = folders[0]
    stages.run("agree", "agreement", "new", "--preset", cast.preset, "--out", first / "agreement.toml")
    stages.run("draw the key", "key", "new", "--out", first / "project.key")
    for name in ("agreement.toml", "project.key"):
        _copy(stages, first / name, folders[1] / name)
    _copy(stages, first / "agreement.toml", unit / "agreement.toml")
    for folder in folders:
        stages.run(
            f"encode at {folder.name}",
            *("encode", folder / "people.csv", "--agreement", folder / "agreement.toml"),
            *("--key", folder / "project.key", "--id", cast.id_column, "--id-map", folder / "id-map.csv"),
            *("--out", folder / f"{folder.name}.pprl"),
        )
        _copy(stages, folder / f"{folder.name}.pprl", unit / f"{folder.name}.pprl")
    links = unit / "linkage"
    packages = [unit / f"{name}.pprl" for name in cast.names]
    linked = stages.run("link", "link", *packages, "--agreement", unit / "agreement.toml", "--out", links)
    _copy(stages, links / "crosswalk.csv", research / "crosswalk.csv")
    if cast.has_payload:
        _join(stages, cast, out)
    maps = [("--left-id-map", folders[0] / "id-map.csv"), ("--right-id-map", folders[1] / "id-map.csv")]
    truth = ("--truth", out / "methodologist" / "truth.csv")
    quality = stages.run("evaluate", "evaluate", links / "links.csv", *truth, *maps[0], *maps[1])
    return linked, quality


def _join(stages: _Stages, cast: _Cast, out: Path) -> None:
    """Bring what the custodians know of one person together, in the research environment."""
    research = out / "research"
    for name in cast.names:
        _attach(stages, cast, out / name, out)
    attached = [f"{name}={research / name}.csv" for name in cast.names]
    crosswalk = ("--crosswalk", research / "crosswalk.csv")
    stages.run("join", "join", *attached, *crosswalk, "--out", research / "joined.csv")


def _attach(stages: _Stages, cast: _Cast, folder: Path, out: Path) -> None:
    """Put linkage keys in the place of identifiers, at a custodian."""
    _copy(stages, out / "linkage-unit" / "linkage" / f"keys-{folder.name}.csv", folder / "keys.csv")
    stages.run(
        f"attach at {folder.name}",
        *("attach", folder / "people.csv", "--agreement", folder / "agreement.toml"),
        *("--keys", folder / "keys.csv", "--id", cast.id_column, "--id-map", folder / "id-map.csv"),
        *("--out", folder / "attached.csv"),
    )
    _copy(stages, folder / "attached.csv", out / "research" / f"{folder.name}.csv")


def _copy(stages: _Stages, source: Path, target: Path) -> None:
    stages.commands.append(shlex.join(["cp", str(source), str(target)]))
    write_bytes(target, source.read_bytes())


def _told(stages: _Stages, linked: str, quality: str, out: Path) -> str:
    seconds = [("stage", "seconds"), *((stage, f"{taken:.2f}") for stage, taken in stages.seconds)]
    parts = (
        columns(seconds),
        "what the linkage unit can tell, without the truth",
        linked.rstrip(),
        "quality of the links against the known truth (no threshold was chosen with it)",
        quality.rstrip(),
        f"what each party holds: {out}/README.txt; the commands: {out}/commands.txt",
    )
    return "\n\n".join(parts)
