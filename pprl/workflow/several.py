"""
At the linkage unit: packages of two or more parties become links and clusters.
"""

import os
import re
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import overload

from pprl.agreement import Agreement
from pprl.comparison.guards import require_path
from pprl.encoding.decoys import FEWEST_RECORDS
from pprl.errors import PolicyError, UsageError
from pprl.linkage import CandidatesName, LinkageResult
from pprl.linkage.deduplication import decide_within, link_within
from pprl.linkage.parts import ComparisonOptions, Progress
from pprl.linkage.several import ClusterResult, all_once, clustered
from pprl.model import EncodedDataset
from pprl.workflow.calls import require_names_listed, require_progress, require_type
from pprl.workflow.unit import link_two, require_linkable, require_made_under, rules_of, target_of

PathLike = str | os.PathLike[str]

# A name becomes the name of a file, and stands before "=" on the command line of `pprl join`.
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


@overload
def link(
    left: EncodedDataset,
    right: EncodedDataset,
    *,
    agreement: Agreement,
    workers: int | None = None,
    progress: Progress | None = None,
    candidates: CandidatesName = "all-pairs",
    largest_block: int | None = None,
    checkpoint: PathLike | None = None,
) -> LinkageResult: ...


@overload
def link(
    left: EncodedDataset,
    right: EncodedDataset,
    third: EncodedDataset,
    /,
    *others: EncodedDataset,
    agreement: Agreement,
    names: Sequence[str] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    candidates: CandidatesName = "all-pairs",
    largest_block: int | None = None,
    checkpoint: PathLike | None = None,
) -> ClusterResult: ...


def link(
    left: EncodedDataset,
    right: EncodedDataset,
    *others: EncodedDataset,
    agreement: Agreement,
    names: Sequence[str] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    candidates: CandidatesName = "all-pairs",
    largest_block: int | None = None,
    checkpoint: PathLike | None = None,
) -> LinkageResult | ClusterResult:
    """Link the encoded records of two parties, or of more.

    Parameters
    ----------
    left, right : EncodedDataset
        Packages made under the agreement, with one secret.
    *others : EncodedDataset
        Further ones.  Then every two are linked, and the links are put together to clusters,
        in which no party that holds each person once is twice.
    agreement : Agreement
        Its passes decide, in their order, or by the evidence of all together.
    names : sequence of str, optional
        Names of three or more parties; by default "party-1" and so on.
    workers : int, optional
        Threads to compare with; by default one for each core.
    progress : callable, optional
        Called with the name of the pass, pairs compared and pairs to compare.
    candidates : {"all-pairs", "shared-tags"}
        Look at all pairs, or, in the passes for which the agreement declares `blocks`, only
        at those that share a block tag; `plan` says what that saves and costs.
    largest_block : int, optional
        Drop block tags that make more pairs than this; the result says how many it cost.
        By default none is dropped.
    checkpoint : path, optional
        Folder for what has been found so far.  The same call goes on from there after an
        interrupt, a crash or a kill, and gives the same links.

    Returns
    -------
    LinkageResult or ClusterResult
        Of two parties their links; of more the clusters, and the links of every two.

    Raises
    ------
    PolicyError
        If a package was not made under this agreement, or not with the same secret; the
        message names the check that failed.  If the checkpoint belongs to another linkage.
    UsageError
        If tags are asked for and no pass has any, names do not fit, or the agreement says
        other things of a left and a right source and there are more than two.

    Examples
    --------
    >>> import pandas as pd
    >>> from pprl import LinkageKey, encode
    >>> people = pd.DataFrame({"rec_id": ["1"], "given_name": ["ann"], "surname": ["lee"],
    ...     "address_1": ["1 hay st"], "suburb": ["perth"], "postcode": ["6000"], "state": ["wa"],
    ...     "date_of_birth": ["19500203"]})
    >>> agreement, key = Agreement.preset("febrl"), LinkageKey.generate()
    >>> encoded = encode(people, agreement, key, id="rec_id")
    >>> link(encoded, encoded, agreement=agreement)
    LinkageResult(1 x 1 records, 1 links, 0 conflicting pairs)
    >>> found = link(encoded, encoded, encoded, agreement=agreement, names=("gp", "ward", "school"))
    >>> found
    ClusterResult(3 parties, 3 records, 1 clusters, 3 records linked)
    >>> found.to_pandas()["source"].tolist()
    ['gp', 'ward', 'school']
    """
    require_progress(progress)
    options = ComparisonOptions(workers, progress, candidates, largest_block, _folder(checkpoint))
    packages = (left, right, *others)
    if not others:
        if names is not None:
            raise UsageError("names: two parties are the left and the right", code="names")
        require_linkable(left, right, agreement)
        return link_two(left, right, agreement, options)
    named = _named(names, len(packages))
    once = all_once(require_all_linkable(named, packages, agreement).matching.cardinality)
    pairs = {
        (named[one], named[two]): link_two(
            packages[one], packages[two], agreement, options.within(pair_folder(one, two))
        )
        for one, two in combinations(range(len(packages)), 2)
    }
    return clustered(named, packages, pairs, once=once)


def deduplicate(
    package: EncodedDataset,
    *,
    agreement: Agreement,
    name: str = "source",
    workers: int | None = None,
    progress: Progress | None = None,
    candidates: CandidatesName = "all-pairs",
    largest_block: int | None = None,
    checkpoint: PathLike | None = None,
) -> ClusterResult:
    """Find the records of one source that are one person.

    The source is compared with itself; a person may be there any number of times, whatever
    the agreement says of sources that are linked.

    Parameters
    ----------
    package : EncodedDataset
        Made under the agreement.
    agreement : Agreement
        Its passes decide, in their order, or by the evidence of all together.
    name : str
        What to call the source.
    workers, progress, candidates, largest_block, checkpoint
        As for `link`.

    Raises
    ------
    PolicyError
        If the package was not made under this agreement, or the agreement's target needs
        decoys and there are none, be it that none could be made of its records.
    UsageError
        If tags are asked for and no pass has any.

    Examples
    --------
    >>> import pandas as pd
    >>> from pprl import LinkageKey, encode
    >>> people = pd.DataFrame({"rec_id": ["1", "2"], "given_name": ["ann"] * 2, "surname": ["lee"] * 2,
    ...     "address_1": ["1 hay st"] * 2, "suburb": ["perth"] * 2, "postcode": ["6000"] * 2,
    ...     "state": ["wa"] * 2, "date_of_birth": ["19500203"] * 2})
    >>> agreement = Agreement.preset("febrl")
    >>> encoded = encode(people, agreement, LinkageKey.generate(), id="rec_id")
    >>> deduplicate(encoded, agreement=agreement)
    ClusterResult(1 parties, 2 records, 1 clusters, 2 records linked)
    """
    require_type("agreement", agreement, Agreement)
    require_type("package", package, EncodedDataset)
    require_made_under(package, agreement, what="package")
    require_names([name], 1)
    require_progress(progress)
    how = ComparisonOptions(workers, progress, candidates, largest_block, _folder(checkpoint))
    rules, target = rules_of(agreement), target_of(agreement, package)
    if target is not None and agreement.decoys is not None and not package.n_decoys:
        raise PolicyError(
            "package: no decoys could be made of its records, so false links cannot be counted",
            code="no-decoys",
            hint=f"decoys are made of {FEWEST_RECORDS} records or more that are filled in and differ "
            "(see `pprl check`); without them, link by thresholds",
        )
    found = link_within(package, rules, how) if target is None else decide_within(package, rules, target, how)
    return clustered([name], [package], {(name, name): found}, once=False)


def require_names(names: Sequence[str], n_parties: int) -> None:
    """Raise unless there is a usable name for each party.

    Raises
    ------
    UsageError
        If names are too few, too many, not different, or cannot be names of files.
    """
    if len(names) != n_parties:
        raise UsageError(f"names: wanted {n_parties}, all different", code="names")
    if not all(isinstance(name, str) and NAME.fullmatch(name) for name in names):
        raise UsageError(
            "names: wanted lower-case letters, digits, hyphens and underscores, at most 60",
            code="names",
            hint="a name becomes part of the name of a file",
        )
    if len(set(names)) < len(names):
        raise UsageError(f"names: wanted {n_parties}, all different", code="names")


def require_all_linkable(
    names: Sequence[str], packages: Sequence[EncodedDataset], agreement: Agreement
) -> Agreement:
    """Give the agreement if all packages were made under it, alike, with one secret.

    Raises
    ------
    UsageError
        If something is not a dataset or an agreement.
    PolicyError
        Naming the package and the check that failed.
    """
    require_type("agreement", agreement, Agreement)
    for name, package in zip(names, packages, strict=True):
        require_type(name, package, EncodedDataset)
        require_made_under(package, agreement, what=f"package {name}")
        packages[0].require_same_agreement(package)
    return agreement


def pair_folder(one: int, two: int) -> str:
    """Name the folder of a checkpoint in which two parties are, counted from 1."""
    return f"parties-{one + 1}-{two + 1}"


def _named(names: Sequence[str] | None, n_parties: int) -> list[str]:
    if names is None:
        return [f"party-{place}" for place in range(1, n_parties + 1)]
    require_names_listed(names)
    require_names(listed := list(names), n_parties)
    return listed


def _folder(checkpoint: PathLike | None) -> Path | None:
    return None if checkpoint is None else Path(require_path("checkpoint", checkpoint))
