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
from pprl.exchange import clock
from pprl.exchange.tables import csv_bytes
from pprl.files import make_folder, write_bytes
from pprl.reporting.text import columns
from pprl.workflow import PAIR_COLUMNS
from pprl.workflow.exchanging import ID_MAPS

if TYPE_CHECKING:
    import pandas as pd

_PEOPLE = 30_000  # of whom the trust knows one in twelve, and the hospital one in three
_SEED = 7
_TURNS = 3  # of each custodian: to commit, to open, to close
AGREEMENT = "agreement.toml"
_UNIT, _RESEARCH = "linkage-unit", "research"
_ROLES = {_UNIT: "linkage-unit", _RESEARCH: "research"}
_README = """\
Two custodians, a linkage unit and a research environment; {told}

{custodians}
                           What each custodian holds: people, the agreement with all signatures,
                           its own folder (party/) with its keys, the linkage secret, its ledger and the
                           sealed way back to its own ids, its encoded package and its linkage keys.
linkage-unit               What the linkage unit holds: the agreement, its own keys, two packages, and
                           what it made of them. No secret, no name, no id of a custodian.
research                   What the research environment holds: records with linkage keys in the
                           place of identifiers, the crosswalk, and the joined table.
*/sent, */inbox            Sealed files as they went out and came in: each opens at one party, for one
                           purpose.
board                      What the custodians said in making the linkage secret together.
methodologist              The known truth, which exists only because nobody here does.
commands.txt               The commands that made all this, in order.
.gitignore                 Keeps this folder, which holds keys, out of version control.
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
    seconds: dict[str, float] = field(default_factory=dict)

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
        if stage not in self.seconds:
            note(f"{stage} ...")
        start = time.perf_counter()
        yield  # noqa: RUF075 - a stage that fails has no time
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


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

    Plays two custodians, a linkage unit and a research environment on this machine: they sign
    an agreement, make a secret together, and send each other sealed files.  Leaves in a folder
    what each of them holds, and says how good the links are.
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
    for name in (*cast.names, _UNIT, _RESEARCH, "methodologist", "board"):
        make_folder(out / name)
    for name in (*cast.names, _UNIT, _RESEARCH):
        make_folder(out / name / "inbox")
    write_bytes(out / ".gitignore", b"*\n")
    told = _README.format(told=cast.told, custodians=", ".join(cast.names))
    write_bytes(out / "README.txt", told.encode())
    for name, table in zip(cast.names, cast.tables, strict=True):
        write_bytes(out / name / "people.csv", table.to_csv(index=False).encode("utf-8"))
    write_bytes(out / "methodologist" / "truth.csv", csv_bytes(PAIR_COLUMNS, cast.truth))


def _play(stages: _Stages, cast: _Cast, out: Path) -> tuple[str, str]:
    """Run every command of every party; what passes between them is copied by hand."""
    _agree(stages, cast, out)
    _make_secret(stages, cast, out)
    unit, research = out / _UNIT, out / _RESEARCH
    for name in cast.names:
        _encode(stages, cast, out / name)
        _send(stages, out / name / f"{name}.pprl", unit / f"{name}.pprl", "encodings")
    links = unit / "linkage"
    packages = [unit / f"{name}.pprl" for name in cast.names]
    linked = stages.run("link", "link", *packages, *_agreed(unit), *_party(unit), "--out", links)
    for name in cast.names:
        _send(stages, links / f"keys-{name}.csv", out / name / "keys.csv", "linkage-keys")
        _open_id_map(stages, out / name)
    _send(stages, links / "crosswalk.csv", research / "crosswalk.csv", "crosswalk")
    if cast.has_payload:
        _join(stages, cast, out)
    for name in (*cast.names, _UNIT, _RESEARCH):
        stages.run("check the ledgers", "ledger", "verify", *_party(out / name))
    maps = [
        (f"--{side}-id-map", out / name / "id-map.csv")
        for side, name in zip(("left", "right"), cast.names, strict=True)
    ]
    truth = ("--truth", out / "methodologist" / "truth.csv")
    quality = stages.run("evaluate", "evaluate", links / "links.csv", *truth, *maps[0], *maps[1])
    return linked, quality


def _agree(stages: _Stages, cast: _Cast, out: Path) -> None:
    """Make every party's keys; agree; let all sign, and bring every signature to everybody."""
    names = (*cast.names, _UNIT, _RESEARCH)
    for name in names:
        role = ("--role", _ROLES.get(name, "custodian"))
        stages.run(
            "draw the parties' keys", "party", "new", "--name", name, *role, "--out", out / name / "party"
        )
    first = out / cast.names[0] / AGREEMENT
    stages.run("agree and sign", "agreement", "new", "--preset", cast.preset, "--out", first)
    public = [out / name / "party" / "party.toml" for name in names]
    stages.commands.append(f"cat {shlex.join(map(str, public))} >> {shlex.quote(str(first))}")
    write_bytes(first, b"\n".join([first.read_bytes(), *(one.read_bytes() for one in public)]), force=True)
    for name in names[1:]:
        _copy(stages, first, out / name / AGREEMENT)
    for name in names:
        stages.run("agree and sign", "agreement", "sign", out / name / AGREEMENT, *_party(out / name))
        for other in names:
            if other != name:
                signature = f"{AGREEMENT}.{name}.sig"
                _copy(stages, out / name / signature, out / other / signature)
    for name in names:
        stages.run("agree and sign", "agreement", "verify", out / name / AGREEMENT)


def _make_secret(stages: _Stages, cast: _Cast, out: Path) -> None:
    """Let the custodians take turns until both have the secret; the board may be anybody's."""
    for _ in range(_TURNS):
        for name in cast.names:
            folder = out / name
            ceremony = ("key", "ceremony", folder / AGREEMENT, *_party(folder), "--board", out / "board")
            stages.run("make the linkage secret together", *ceremony)


def _encode(stages: _Stages, cast: _Cast, folder: Path) -> None:
    stages.run(
        f"encode at {folder.name}",
        *("encode", folder / "people.csv", *_agreed(folder), "--key", folder / "party" / "project.key"),
        *("--id", cast.id_column, "--keep-ids", *_party(folder)),
        *("--out", folder / f"{folder.name}.pprl"),
    )


def _send(stages: _Stages, file: Path, target: Path, purpose: str) -> None:
    """Seal a file at its party, carry it over, and open it at another."""
    sender, recipient = _folder_of(file), target.parent
    stage, options = f"seal and open {purpose}", []
    if purpose == "encodings":
        stated = sender / "opt-outs.json"
        today = ("--state-opt-outs", clock.now().date().isoformat())
        stages.run(stage, "seal", file, *today, "--out", stated)
        options = ["--opt-out-statement", stated]
    sent = _numbered(sender / "sent")
    _make_folder(stages, sent)
    meant = ("--as", purpose, "--to", recipient.name)
    stages.run(stage, "seal", file, *_party(sender), *_agreed(sender), *meant, *options, "--out", sent)
    carried = _numbered(recipient / "inbox", ".age")
    _copy_only(stages, sent, carried)
    opening = ("--as", purpose, "--out", target)
    stages.run(stage, "open", carried, *_party(recipient), *_agreed(recipient), *opening)


def _open_id_map(stages: _Stages, folder: Path) -> None:
    """Open the way back to the custodian's own ids, which was sealed for itself."""
    sealed = folder / "id-map.age"
    _copy_only(stages, folder / "party" / ID_MAPS, sealed)
    opening = ("--as", "id-map", "--out", folder / "id-map.csv")
    stages.run(f"attach at {folder.name}", "open", sealed, *_party(folder), *_agreed(folder), *opening)


def _numbered(folder: Path, ending: str = "") -> Path:
    """Give the next free name in a folder: those who look on learn nothing from a number."""
    return folder / f"{len(list(folder.glob('*'))) + 1}{ending}"


def _folder_of(file: Path) -> Path:
    """Give the party's folder in which a file lies."""
    return next(folder for folder in file.parents if (folder / "party").is_dir())


def _party(folder: Path) -> tuple[object, ...]:
    return "--party", folder / "party"


def _agreed(folder: Path) -> tuple[object, ...]:
    return "--agreement", folder / AGREEMENT


def _join(stages: _Stages, cast: _Cast, out: Path) -> None:
    """Bring what the custodians know of one person together, in the research environment."""
    research = out / _RESEARCH
    for name in cast.names:
        folder = out / name
        stages.run(
            f"attach at {name}",
            *("attach", folder / "people.csv", *_agreed(folder), "--keys", folder / "keys.csv"),
            *("--id", cast.id_column, "--id-map", folder / "id-map.csv", *_party(folder)),
            *("--out", folder / "attached.csv"),
        )
        _send(stages, folder / "attached.csv", research / f"{name}.csv", "payload")
    attached = [f"{name}={research / name}.csv" for name in cast.names]
    crosswalk = ("--crosswalk", research / "crosswalk.csv")
    stages.run("join", "join", *attached, *crosswalk, *_party(research), "--out", research / "joined.csv")


def _make_folder(stages: _Stages, folder: Path) -> None:
    stages.commands.append(shlex.join(["mkdir", "-p", str(folder)]))
    make_folder(folder)


def _copy(stages: _Stages, source: Path, target: Path) -> None:
    stages.commands.append(shlex.join(["cp", str(source), str(target)]))
    write_bytes(target, source.read_bytes())


def _copy_only(stages: _Stages, folder: Path, target: Path) -> None:
    """Copy the one sealed file of a folder, whatever it is called."""
    stages.commands.append(f"cp {shlex.quote(str(folder))}/*.age {shlex.quote(str(target))}")
    (source,) = folder.glob("*.age")
    write_bytes(target, source.read_bytes())


def _told(stages: _Stages, linked: str, quality: str, out: Path) -> str:
    seconds = [("stage", "seconds"), *((stage, f"{taken:.2f}") for stage, taken in stages.seconds.items())]
    parts = (
        columns(seconds),
        "what the linkage unit can tell, without the truth",
        linked.rstrip(),
        "quality of the links against the known truth (no threshold was chosen with it)",
        quality.rstrip(),
        f"what each party holds: {out}/README.txt; the commands: {out}/commands.txt",
    )
    return "\n\n".join(parts)
