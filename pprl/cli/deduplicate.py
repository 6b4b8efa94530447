"""Find who is in one package more than once (linkage unit)."""

from pathlib import Path

import click

from pprl.agreement import Agreement
from pprl.cli.console import bar, note, say
from pprl.cli.notes import note_thresholds
from pprl.cli.options import FILE, agreement_option, comparing_options, force_option
from pprl.cli.outputs import (
    clusters_csv,
    digest_of,
    links_csv,
    names_of,
    package_records,
    refuse_outputs,
    refuse_shared_folder,
)
from pprl.cli.stores import as_party
from pprl.exchange.package import read_package
from pprl.files import write_folder
from pprl.linkage import CandidatesName, forget_checkpoint
from pprl.reporting.records import cluster_record, to_json
from pprl.reporting.text import describe_clusters
from pprl.workflow import deduplicate as deduplicate_package
from pprl.workflow.runs import Run

OUTPUTS = ("clusters.csv", "links.csv", "conflicts.csv", "summary.json")


@click.command()
@click.argument("package", type=FILE)
@agreement_option
@click.option("--name", metavar="NAME", help="What to call the source; by default after its file.")
@comparing_options
@click.option(
    "--out",
    type=FILE,
    required=True,
    metavar="FOLDER",
    help="Folder for the clusters; it is made if needed.",
)
@force_option
@as_party("deduplicate")
def deduplicate(
    package: Path,
    agreement: Path,
    name: str | None,
    workers: int | None,
    candidates: CandidatesName,
    largest_block: int | None,
    checkpoint: Path | None,
    out: Path,
    *,
    run: Run,
    force: bool,
) -> None:
    """Find the records of one PACKAGE that are one person, without a key or a name.

    Writes clusters.csv (every record that is there with another), links.csv (the pairs that
    they are made of), conflicts.csv and summary.json.  They are for the custodian of the package.
    """
    (named,) = names_of([package], [] if name is None else [name])
    refuse_shared_folder(checkpoint, {"--out": out})
    is_resumed = checkpoint is not None and checkpoint.is_dir()
    refuse_outputs(out, OUTPUTS, force=force or is_resumed)
    agreed = Agreement.load(agreement)
    run.under(agreed)
    dataset = read_package(package)
    if not len(dataset):
        note("warning: the package has no records")
    with bar("comparing", " pairs" if candidates == "all-pairs" else "") as progress:
        result = deduplicate_package(
            dataset,
            agreement=agreed,
            name=named,
            workers=workers,
            progress=lambda _, done, total: progress(done, total),
            candidates=candidates,
            largest_block=largest_block,
            checkpoint=checkpoint,
        )
    note_thresholds(agreed, result.pairs)
    pairs = result.pairs[named, named]
    summary = {
        "packages": package_records([named], [dataset], [digest_of(package)]),
        **cluster_record(result),
    }
    contents = (
        clusters_csv(result),
        links_csv(pairs.links),
        links_csv(pairs.conflicts),
        to_json(summary),
    )
    files = dict(zip(OUTPUTS, contents, strict=True))
    is_written = all((out / one).is_file() and (out / one).read_bytes() == files[one] for one in files)
    if not (is_resumed and is_written):
        write_folder(out, files, force=force)
    if checkpoint is not None:
        forget_checkpoint(checkpoint, [one.name for one in agreed.passes])
    say(describe_clusters(result, agreed))
