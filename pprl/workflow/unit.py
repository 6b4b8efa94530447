"""
At the linkage unit: packages become links.
"""

import os
from collections.abc import Callable
from functools import partial

from pprl.agreement import Agreement
from pprl.comparison.guards import require_path
from pprl.encoding.passes import FuzzyPass
from pprl.errors import PolicyError
from pprl.exchange.package import Package, read_package
from pprl.linkage import CandidatesName, LinkageResult, PassRule, Target, decide, link_datasets
from pprl.model import EncodedDataset
from pprl.workflow.calls import require_type


def load(path: str | os.PathLike[str]) -> Package:
    """Read a package, after checking every byte of it.

    The file is mapped and not copied: it must stay as it is while the package is in use.

    Raises
    ------
    DataError
        If it is not a package.
    AuthenticationError
        If it is truncated or altered.
    VersionError
        If it is of another version of the format.
    """
    require_type("path", path, str, os.PathLike)
    return read_package(path)


def link(
    left: EncodedDataset,
    right: EncodedDataset,
    *,
    agreement: Agreement,
    workers: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    candidates: CandidatesName = "all-pairs",
    largest_block: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
) -> LinkageResult:
    """Link two parties' encoded records.

    Parameters
    ----------
    left, right : EncodedDataset
        Packages made under the agreement, with one secret.
    agreement : Agreement
        Its passes decide, in their order.
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

    Raises
    ------
    PolicyError
        If a package was not made under this agreement, or not with the same secret; the
        message names the check that failed.  If the checkpoint belongs to another linkage.
    UsageError
        If tags are asked for and no pass has any.

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
    """
    require_linkable(left, right, agreement)
    matching = agreement.matching
    if matching.target == "thresholds":
        making = link_datasets
    else:
        target = Target(matching.precision, matching.cardinality, matching.method, matching.lead)
        making = partial(decide, target=target)
    return making(
        left,
        right,
        _rules(agreement),
        workers=workers,
        progress=progress,
        candidates=candidates,
        largest_block=largest_block,
        checkpoint=None if checkpoint is None else require_path("checkpoint", checkpoint),
    )


def require_linkable(left: EncodedDataset, right: EncodedDataset, agreement: Agreement) -> None:
    """Raise unless two datasets were made under this agreement, alike, with one secret.

    Raises
    ------
    UsageError
        If something is not a dataset or an agreement.
    PolicyError
        Naming the check that failed.
    """
    require_type("agreement", agreement, Agreement)
    for side, dataset in (("left", left), ("right", right)):
        require_type(side, dataset, EncodedDataset)
        require_made_under(dataset, agreement, what=f"{side} package")
    left.require_same_agreement(right)


def require_made_under(dataset: EncodedDataset, agreement: Agreement, *, what: str) -> None:
    """Raise unless a dataset was made under this agreement.

    Raises
    ------
    PolicyError
        Naming the check that failed.
    """
    checks = (
        ("project", dataset.project, agreement.project, "it belongs to another project"),
        ("epoch", dataset.epoch, agreement.epoch, "it was made in another epoch: ask for a new one"),
        (
            "fingerprint",
            dataset.fingerprint,
            agreement.fingerprint,
            "let all parties use the same agreement file",
        ),
    )
    for name, found, wanted, hint in checks:
        if found != wanted:
            raise PolicyError(
                f"{what}: was not made under this agreement: {name} differs",
                code=f"different-{name}",
                hint=hint,
            )
    declared = {
        one.name: one.n_tables for one in agreement.passes if isinstance(one, FuzzyPass) and one.blocks
    }
    if dataset.n_tables() != declared:
        raise PolicyError(
            f"{what}: does not have the block tags that the agreement declares",
            code="different-tags",
            hint="it has lost them: ask the custodian to encode again",
        )


def _rules(agreement: Agreement) -> list[PassRule]:
    return [
        PassRule(one.name, threshold=one.threshold)
        if isinstance(one, FuzzyPass)
        else PassRule(one.name, threshold=None, refuses=one.differing == "refuses")
        for one in agreement.passes
    ]
