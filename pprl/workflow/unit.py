"""
At the linkage unit: packages become links.
"""

import os
from collections.abc import Sequence
from decimal import Decimal
from functools import partial

from pprl.agreement import Agreement
from pprl.encoding.decoys import FEWEST_RECORDS
from pprl.encoding.passes import FuzzyPass
from pprl.errors import PolicyError
from pprl.exchange.package import Package, read_package
from pprl.linkage import LinkageResult, PassRule, Target, decide, link_datasets
from pprl.linkage.parts import ComparisonOptions
from pprl.model import EncodedDataset
from pprl.workflow.calls import require_type

_NO_THRESHOLD = Decimal(1)  # where the target is not thresholds, none is used


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


def link_two(
    left: EncodedDataset, right: EncodedDataset, agreement: Agreement, options: ComparisonOptions
) -> LinkageResult:
    """Link two packages as the agreement's target says, once it is known that they may be."""
    target = target_of(agreement, left, right)
    making = link_datasets if target is None else partial(decide, target=target)
    return making(
        left,
        right,
        rules_of(agreement),
        workers=options.workers,
        progress=options.progress,
        candidates=options.candidates,
        largest_block=options.largest_block,
        checkpoint=options.checkpoint,
    )


def target_of(agreement: Agreement, *datasets: EncodedDataset) -> Target | None:
    """Give what the agreement aims at; None where passes link at their own thresholds.

    They do so too where files are so small that they have no decoys, nor enough pairs for a
    model, if the agreement states thresholds.
    """
    matching = agreement.matching
    if matching.target == "thresholds" or _must_use_thresholds(agreement, datasets):
        return None
    strata = () if agreement.spike_ins is None else agreement.spike_ins.strata
    return Target(matching.precision, matching.cardinality, matching.method, matching.lead, strata)


def _must_use_thresholds(agreement: Agreement, datasets: Sequence[EncodedDataset]) -> bool:
    small = all(not one.n_decoys and int(one.real.sum()) < FEWEST_RECORDS for one in datasets)
    stated = all(one.threshold is not None for one in agreement.passes if isinstance(one, FuzzyPass))
    return small and stated and agreement.matching.cardinality == "one-to-one"


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


def rules_of(agreement: Agreement) -> list[PassRule]:
    """Give the passes of an agreement as the linkage takes them."""
    return [
        PassRule(one.name, threshold=_NO_THRESHOLD if one.threshold is None else one.threshold)
        if isinstance(one, FuzzyPass)
        else PassRule(one.name, threshold=None, refuses=one.differing == "refuses")
        for one in agreement.passes
    ]
