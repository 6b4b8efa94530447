"""Show the whole path on fictitious people."""

import contextlib
import io
import shlex
import shutil
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import click

from pprl.cli.console import note, say
from pprl.cli.options import FILE
from pprl.datasets.febrl import TwoSources, febrl4
from pprl.errors import UsageError
from pprl.exchange.tables import csv_bytes
from pprl.files import make_folder, write_bytes
from pprl.reporting.text import columns
from pprl.workflow import PAIR_COLUMNS

_README = """\
Two custodians, one linkage unit, fictitious people (FEBRL4)

custodian-a, custodian-b   What each custodian holds: people, the agreement, the secret key,
                           the encoded package, and the map from random record ids to its own.
linkage-unit               What the linkage unit holds: the agreement, two packages, and the
                           links it made. No key, no name, no id of a custodian.
methodologist              The known truth, which exists only because nobody here does.
commands.txt               The commands that made all this, in order.
.gitignore                 Keeps this folder, which holds a key, out of version control.
"""


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
def demo(out: Path) -> None:
    """Link 5,000 fictitious people with 5,000 of their misspelt doubles.

    Plays two custodians and a linkage unit on this machine, leaves in a folder what each
    of them holds, and says how good the links are.  Needs pip install 'pprlink[demo]'.
    """
    if out.exists():
        raise UsageError(f"output {out.name}: exists already", code="output-exists", hint="name a new folder")
    stages = _Stages()
    with stages.timed("load fictitious people"):
        people = febrl4()
    with _new_folder(out):
        _hand_out(people, out)
        quality = _play(stages, out)
        write_bytes(out / "commands.txt", "".join(f"{line}\n" for line in stages.commands).encode())
    say(_told(stages, quality, out))


@contextlib.contextmanager
def _new_folder(path: Path) -> Generator[None]:
    """Make a folder that is removed again if the work in it fails."""
    make_folder(path)
    try:
        yield
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _hand_out(people: TwoSources, out: Path) -> None:
    """Give each party what it has before anything begins."""
    for name in ("custodian-a", "custodian-b", "linkage-unit", "methodologist"):
        make_folder(out / name)
    write_bytes(out / ".gitignore", b"*\n")
    write_bytes(out / "README.txt", _README.encode())
    write_bytes(out / "custodian-a" / "people.csv", people.left.to_csv(index=False).encode("utf-8"))
    write_bytes(out / "custodian-b" / "people.csv", people.right.to_csv(index=False).encode("utf-8"))
    write_bytes(out / "methodologist" / "truth.csv", csv_bytes(PAIR_COLUMNS, people.truth))


def _play(stages: _Stages, out: Path) -> str:
    """Run every command of every party; what passes between them is copied by hand."""
    a, b, unit, judge = (
        out / name for name in ("custodian-a", "custodian-b", "linkage-unit", "methodologist")
    )
    stages.run("agree", "agreement", "new", "--preset", "febrl", "--out", a / "agreement.toml")
    stages.run("draw the key", "key", "new", "--out", a / "project.key")
    for name in ("agreement.toml", "project.key"):
        _copy(stages, a / name, b / name)
    _copy(stages, a / "agreement.toml", unit / "agreement.toml")
    for folder, name in ((a, "a"), (b, "b")):
        stages.run(
            f"encode at custodian {name}",
            *("encode", folder / "people.csv", "--agreement", folder / "agreement.toml"),
            *("--key", folder / "project.key", "--id", "rec_id", "--id-map", folder / "id-map.csv"),
            *("--out", folder / f"{name}.pprl"),
        )
        _copy(stages, folder / f"{name}.pprl", unit / f"{name}.pprl")
    links = unit / "linkage"
    packages = (unit / "a.pprl", unit / "b.pprl")
    stages.run("link", "link", *packages, "--agreement", unit / "agreement.toml", "--out", links)
    maps = ("--left-id-map", a / "id-map.csv", "--right-id-map", b / "id-map.csv")
    return stages.run("evaluate", "evaluate", links / "links.csv", "--truth", judge / "truth.csv", *maps)


def _copy(stages: _Stages, source: Path, target: Path) -> None:
    stages.commands.append(shlex.join(["cp", str(source), str(target)]))
    write_bytes(target, source.read_bytes())


def _told(stages: _Stages, quality: str, out: Path) -> str:
    seconds = [("stage", "seconds"), *((stage, f"{taken:.2f}") for stage, taken in stages.seconds)]
    parts = (
        columns(seconds),
        "quality of the links against the known truth (no threshold was chosen with it)",
        quality.rstrip(),
        f"what each party holds: {out}/README.txt; the commands: {out}/commands.txt",
    )
    return "\n\n".join(parts)
