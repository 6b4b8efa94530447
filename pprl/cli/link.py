"""Link two packages (linkage unit)."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from pprl.agreement import Agreement
from pprl.cli.console import bar, note, say
from pprl.cli.options import FILE, agreement_option, force_option
from pprl.errors import UsageError
from pprl.exchange.package import read_package
from pprl.exchange.tables import csv_bytes
from pprl.files import refuse_existing, write_folder
from pprl.linkage import CandidatesName, LinkageResult, forget_checkpoint
from pprl.model import Conflicts, Links
from pprl.model.arrays import texts
from pprl.reporting.records import result_record, to_json
from pprl.reporting.text import describe_result
from pprl.workflow import link as link_packages

OUTPUTS = ("links.csv", "conflicts.csv", "summary.json")
COLUMNS = ("left_id", "right_id", "decided_by", "score")


@click.command()
@click.argument("left", type=FILE)
@click.argument("right", type=FILE)
@agreement_option
@click.option(
    "--workers", type=click.IntRange(1, 1024), metavar="N", help="Threads; by default one for each core."
)
@click.option(
    "--candidates",
    type=click.Choice(["all-pairs", "shared-tags"]),
    default="all-pairs",
    show_default=True,
    help="Look at all pairs, or only at those that share a block tag (see pprl plan).",
)
@click.option(
    "--largest-block",
    type=click.IntRange(1),
    metavar="PAIRS",
    help="Drop block tags that make more pairs, and say what it may cost; by default none is dropped.",
)
@click.option(
    "--checkpoint",
    "--resume",
    type=FILE,
    metavar="FOLDER",
    help="Keep what has been found there; the same command goes on from it. Removed at the end.",
)
@click.option(
    "--out", type=FILE, required=True, metavar="FOLDER", help="Folder for the links; it is made if needed."
)
@force_option
def link(
    left: Path,
    right: Path,
    agreement: Path,
    workers: int | None,
    candidates: CandidatesName,
    largest_block: int | None,
    checkpoint: Path | None,
    out: Path,
    *,
    force: bool,
) -> None:
    """Find the records of LEFT and RIGHT that are one person, without a key or a name.

    Writes links.csv, conflicts.csv (records with several equally good partners, which are
    not linked) and summary.json.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"output {out.name}: is a file, wanted a folder", code="output-exists")
    is_resumed = checkpoint is not None and checkpoint.is_dir()
    for name in OUTPUTS:
        refuse_existing(out / name, force=force or is_resumed)
    agreed = Agreement.load(agreement)
    packages = read_package(left), read_package(right)
    for side, package in (("left", packages[0]), ("right", packages[1])):
        if not len(package):
            note(f"warning: the {side} package has no records")
    if set(packages[0].record_ids.tolist()) & set(packages[1].record_ids.tolist()):
        note("warning: the packages have record ids in common: is one linked with itself?")
    with bar("comparing", " pairs" if candidates == "all-pairs" else "") as progress:
        result = link_packages(
            *packages,
            agreement=agreed,
            workers=workers,
            progress=lambda _, done, total: progress(done, total),
            candidates=candidates,
            largest_block=largest_block,
            checkpoint=checkpoint,
        )
    contents = dict(zip(OUTPUTS, _contents(result), strict=True))
    if not (is_resumed and _is_written(out, contents)):
        write_folder(out, contents, force=force)
    if checkpoint is not None:
        forget_checkpoint(checkpoint, [one.name for one in agreed.passes])
    say(describe_result(result))


def _is_written(out: Path, contents: Mapping[str, bytes]) -> bool:
    """Say whether an earlier run wrote this very output, and was stopped before it had cleaned up."""
    return all(
        (out / name).is_file() and (out / name).read_bytes() == content for name, content in contents.items()
    )


def _contents(result: LinkageResult) -> Sequence[bytes]:
    return _csv(result.links), _csv(result.conflicts), to_json(result_record(result))


def _csv(pairings: Links | Conflicts) -> bytes:
    return csv_bytes(COLUMNS, _rows(pairings))


def _rows(pairings: Links | Conflicts) -> Iterable[tuple[str, str, str, str]]:
    scores = (f"{score:.6f}" for score in pairings.score.tolist())
    return zip(texts(pairings.left_ids), texts(pairings.right_ids), pairings.decided_by, scores, strict=True)
