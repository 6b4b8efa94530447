"""Link the packages of two or more parties (linkage unit)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import click

from pprl.agreement import Agreement
from pprl.cli.console import bar, note, say
from pprl.cli.notes import note_thresholds
from pprl.cli.options import FILE, agreement_option, comparing_options, force_option
from pprl.cli.outputs import (
    CLUSTERS,
    SOURCED_COLUMNS,
    Row,
    clusters_csv,
    digest_of,
    key_files,
    links_csv,
    names_of,
    package_records,
    refuse_outputs,
    refuse_shared_folder,
    sourced_conflicts,
    sourced_csv,
    sourced_links,
)
from pprl.cli.stores import as_party
from pprl.errors import UsageError
from pprl.exchange.package import Package, read_package
from pprl.exchange.payloads import read_exactly
from pprl.files import make_folder, write_folder
from pprl.linkage import CandidatesName, LinkageResult, forget_checkpoint
from pprl.linkage.linkagekeys import assign_record_keys
from pprl.linkage.parts import ComparisonOptions
from pprl.linkage.several import ClusterResult, clusters_of_links, sureness
from pprl.reporting.linkage import report_html
from pprl.reporting.records import cluster_record, result_record, to_json
from pprl.reporting.text import describe_clusters, describe_result
from pprl.workflow import link as link_packages
from pprl.workflow.additions import (
    CROSSWALK,
    SUMMARY,
    add,
    keys_file,
    links_before,
    new_packages,
    pairs_before,
    read_earlier,
    summary_of,
)
from pprl.workflow.runs import Run
from pprl.workflow.several import pair_folder

LINKS, CONFLICTS, REPORT = "links.csv", "conflicts.csv", "report.html"


@dataclass(frozen=True, slots=True)
class _Parties:
    """The packages, their names, and the SHA-256 of their files."""

    names: list[str]
    packages: list[Package]
    digests: list[str]

    def record(self) -> list[dict[str, Any]]:
        """Say of each package what it was, so that a later linkage knows it again."""
        return package_records(self.names, self.packages, self.digests)


@dataclass(frozen=True, slots=True)
class _Written:
    """What a linkage writes: what it found, which the same command finds again, and random keys."""

    found: Mapping[str, bytes]
    keys: Mapping[str, bytes]
    told: str


@click.command()
@click.argument("files", type=FILE, nargs=-1, required=True, metavar="PACKAGE PACKAGE [PACKAGE...]")
@agreement_option
@click.option(
    "--name",
    "given",
    multiple=True,
    metavar="NAME",
    help="What to call a package, once for each in their order; by default after its file.",
)
@click.option(
    "--from",
    "earlier",
    type=FILE,
    metavar="FOLDER",
    help="Let new packages join the linkage in this folder: its links, keys and persons stay.",
)
@comparing_options
@click.option(
    "--out", type=FILE, required=True, metavar="FOLDER", help="Folder for the links; it is made if needed."
)
@force_option
@as_party("link")
def link(
    files: Sequence[Path],
    agreement: Path,
    given: Sequence[str],
    earlier: Path | None,
    workers: int | None,
    candidates: CandidatesName,
    largest_block: int | None,
    checkpoint: Path | None,
    out: Path,
    *,
    run: Run,
    force: bool,
) -> None:
    """Find the records of two or more PACKAGES that are one person, without a key or a name.

    Writes links.csv, conflicts.csv (records with several equally good partners, which are not
    linked), summary.json, report.html (which may be handed on), for each custodian its
    linkage keys, and crosswalk.csv for the research environment; of three or more packages
    clusters.csv too.
    """
    if len(files) < 2:
        raise UsageError(
            "packages: wanted two or more", code="one-package", hint="within one: pprl deduplicate"
        )
    names = names_of(files, given)
    refuse_shared_folder(checkpoint, {"--out": out, "--from": earlier})
    is_resumed = checkpoint is not None and checkpoint.is_dir()
    found = (LINKS, CONFLICTS, SUMMARY, REPORT, *([CLUSTERS] if len(files) > 2 else []))
    keys = (*(keys_file(name) for name in names), CROSSWALK)
    refuse_outputs(out, (*found, *keys), force=force or is_resumed)
    agreed = Agreement.load(agreement)
    run.under(agreed)
    run.require_opened(dict(zip(names, files, strict=True)))
    parties = _Parties(names, [read_package(file) for file in files], [digest_of(file) for file in files])
    _warn(parties)
    with bar("comparing", " pairs" if candidates == "all-pairs" else "") as progress:
        options = ComparisonOptions(
            workers, lambda _, done, total: progress(done, total), candidates, largest_block, checkpoint
        )
        written = (
            _linked(parties, agreed, options)
            if earlier is None
            else _added(earlier, parties, agreed, options, named=bool(given))
        )
    if not (is_resumed and _is_written(out, written)):
        _warn_of_new_keys(out, written.keys, keeping=earlier is not None)
        write_folder(out, {**written.found, **written.keys}, force=force)
    if checkpoint is not None:
        _forget(checkpoint, agreed, len(files))
    say(f"{written.told}\n\n{_sending(written.keys)}")


def _warn(parties: _Parties) -> None:
    for name, package in zip(parties.names, parties.packages, strict=True):
        if not len(package):
            note(f"warning: the package {name} has no records")
    ids = [set(package.record_ids.tolist()) for package in parties.packages]
    if any(one & two for one, two in combinations(ids, 2)):
        note("warning: the packages have record ids in common: is one linked with itself?")


def _warn_of_new_keys(out: Path, keys: Mapping[str, bytes], *, keeping: bool) -> None:
    """Warn of keys that are replaced by others; a linkage that is added to keeps those of its parties."""
    drawn = [
        name
        for name, content in keys.items()
        if name != CROSSWALK and (out / name).is_file() and (out / name).read_bytes() != content
    ]
    if drawn if keeping else (out / CROSSWALK).exists():
        which = f"of {', '.join(drawn)} " if keeping else ""
        note(f"warning: linkage keys {which}are drawn anew; tables attached with the old ones no longer join")


def _linked(parties: _Parties, agreed: Agreement, options: ComparisonOptions) -> _Written:
    if options.checkpoint is not None and len(parties.packages) > 2:
        make_folder(options.checkpoint)
    result: LinkageResult | ClusterResult = link_packages(
        *parties.packages,
        agreement=agreed,
        names=parties.names if len(parties.packages) > 2 else None,
        workers=options.workers,
        progress=options.progress,
        candidates=options.candidates,
        largest_block=options.largest_block,
        checkpoint=options.checkpoint,
    )
    pairs = {_pair(parties.names): result} if isinstance(result, LinkageResult) else result.pairs
    note_thresholds(agreed, pairs)
    if isinstance(result, LinkageResult):
        return _of_two(parties, agreed, result)
    return _of_several(parties, agreed, result)


def _pair(names: Sequence[str]) -> tuple[str, str]:
    return names[0], names[1]


def _of_two(parties: _Parties, agreed: Agreement, result: LinkageResult) -> _Written:
    one, two = _pair(parties.names)
    clusters = clusters_of_links((one, two), (parties.packages[0], parties.packages[1]), result.links)
    keys = assign_record_keys(clusters, probability=sureness(clusters, {(one, two): result}))
    found = {
        LINKS: links_csv(result.links),
        CONFLICTS: links_csv(result.conflicts),
        SUMMARY: to_json({"packages": parties.record(), **result_record(result)}),
        REPORT: report_html(result, names=(one, two), agreement=agreed).encode("utf-8"),
    }
    return _Written(found, key_files(keys[0], parties.packages, keys[1]), describe_result(result, agreed))


def _of_several(parties: _Parties, agreed: Agreement, result: ClusterResult) -> _Written:
    keys = assign_record_keys(result.clusters, probability=result.probability)
    found = {
        LINKS: sourced_csv(sourced_links(result.pairs)),
        CONFLICTS: sourced_csv(sourced_conflicts(result.pairs)),
        CLUSTERS: clusters_csv(result),
        SUMMARY: to_json({"packages": parties.record(), **cluster_record(result)}),
        REPORT: report_html(result, agreement=agreed).encode("utf-8"),
    }
    return _Written(found, key_files(keys[0], parties.packages, keys[1]), describe_clusters(result, agreed))


def _added(
    folder: Path, parties: _Parties, agreed: Agreement, options: ComparisonOptions, *, named: bool
) -> _Written:
    """Link new packages with those of an earlier linkage, whose names and order are kept."""
    earlier = read_earlier(folder)
    new = new_packages(earlier, parties.digests)
    old = [parties.digests.index(digest) for digest in earlier.digests]
    names = [*earlier.names, *(parties.names[place] for place in new)]
    if (named and [parties.names[place] for place in old] != list(earlier.names)) or (
        len(set(names)) < len(names)
    ):
        raise UsageError(
            "names: a new package needs a name of its own, and an earlier one keeps its name",
            code="names",
            hint=f"the earlier ones are {', '.join(earlier.names)}; say --name for each package",
        )
    together = _Parties(
        names,
        [parties.packages[place] for place in (*old, *new)],
        [parties.digests[place] for place in (*old, *new)],
    )
    if options.checkpoint is not None:
        make_folder(options.checkpoint)
    before = pairs_before(summary_of(folder), earlier.names)
    n_before = links_before(before)
    addition = add(earlier, names, together.packages, agreement=agreed, options=options)
    result = addition.result
    note_thresholds(agreed, result.pairs)
    record = cluster_record(result)
    record["pairs"] = [*before, *record["pairs"]]
    found = {
        LINKS: sourced_csv(chain(_rows_before(folder / LINKS, earlier.names), sourced_links(result.pairs))),
        CONFLICTS: sourced_csv(
            chain(_rows_before(folder / CONFLICTS, earlier.names), sourced_conflicts(result.pairs))
        ),
        CLUSTERS: clusters_csv(result),
        SUMMARY: to_json({"packages": together.record(), **record}),
        REPORT: report_html(result, agreement=agreed, earlier=n_before).encode("utf-8"),
    }
    keys = key_files(addition.keys, together.packages, addition.crosswalk)
    return _Written(found, keys, describe_clusters(result, agreed))


def _rows_before(path: Path, names: Sequence[str]) -> Iterable[Row]:
    """Read links that were written before; those of two packages do not name them."""
    sourced = len(names) > 2
    columns = SOURCED_COLUMNS if sourced else tuple(n for n in SOURCED_COLUMNS if not n.endswith("source"))
    table = read_exactly(path, columns, what="earlier")
    rows: Iterable[Row] = zip(*(table.column(name).to_pylist() for name in columns), strict=True)
    return rows if sourced else ((names[0], row[0], names[1], *row[1:]) for row in rows)


def _is_written(out: Path, written: _Written) -> bool:
    """Say whether an earlier run wrote this very output, and was stopped before it had cleaned up.

    Its linkage keys are others, as they are random, and stay: they may have been sent.
    """
    return all((out / name).is_file() for name in written.keys) and all(
        (out / name).is_file() and (out / name).read_bytes() == content
        for name, content in written.found.items()
    )


def _forget(checkpoint: Path, agreed: Agreement, n_parties: int) -> None:
    passes = [one.name for one in agreed.passes]
    if n_parties > 2:
        for one, two in combinations(range(n_parties), 2):
            forget_checkpoint(checkpoint / pair_folder(one, two), passes)
    forget_checkpoint(checkpoint, passes)


def _sending(keys: Mapping[str, bytes]) -> str:
    """Say who gets which file."""
    files = ", ".join(name for name in keys if name != CROSSWALK)
    own = f"{files}: each for its one custodian and nobody else"
    return f"{own}\n{CROSSWALK}: for the research environment alone"
