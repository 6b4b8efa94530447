"""
Every number of a linkage report, as it may be shown.

The page is made of this record and of nothing else, so what the record does not hold, the
page and its pictures cannot tell.  No id and no similarity of a single pair is in it.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from pprl.agreement import Agreement
from pprl.comparison.sampling import Estimate
from pprl.encoding.passes import FuzzyPass, Pass
from pprl.evaluation import QualityByGroup
from pprl.linkage import LinkageResult
from pprl.linkage.precision import PrecisionEstimate
from pprl.linkage.recall import RecallEstimate
from pprl.linkage.results import Judgement, PassCount, WeightCounts
from pprl.linkage.several import ClusterResult, Pair
from pprl.model.arrays import Rows, Scores
from pprl.reporting.disclosure import SMALLEST, STEP, Count, protected
from pprl.reporting.groups import groups_record
from pprl.reporting.quality import quality_record
from pprl.reporting.suppression import hidden_counts, shown_counts

Record = dict[str, Any]

CHANCES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)  # ends of the bins of probabilities
_STEPS = 1_000  # shares are told to a tenth of a percent
MOST_LINKS = 5  # of one record; more are put together
MOST_RECORDS = 6  # of one cluster; more are put together
_BINS = 30  # of weights
_POINTS = 100  # of a curve


@dataclass(frozen=True, slots=True)
class Disclosure:
    """How counts and shares are shown: as they are, or so that none points at a person.

    Parameters
    ----------
    exact : bool
        As they are, for one's own eyes.
    """

    exact: bool

    def count(self, n: int) -> Count:
        """Give a count as it is shown."""
        return n if self.exact else protected(n)

    def column(self, counts: Sequence[int]) -> list[Count]:
        """Give counts that add to a total which is shown, so that none can be had by subtraction."""
        return list(counts) if self.exact else shown_counts(counts, hidden_counts(counts))

    def rate(self, value: float, low: float, high: float, n_links: int) -> Record | None:
        """Give a share of links that are true, with its interval, made of the number as it is shown.

        False links are estimated by people who do not exist, and are drawn anew each time, so
        they are no count of people.  The share and the lower end are rounded down to a tenth
        of a percent, and the upper end up.

        Examples
        --------
        >>> Disclosure(exact=False).rate(0.9902, 0.9854, 0.9943, 2481)
        {'value': 0.99, 'low': 0.985, 'high': 0.995}
        """
        if self.exact:
            return {"value": value, "low": low, "high": high}
        n_shown = self.count(n_links)
        if not isinstance(n_shown, int) or not n_shown:
            return None
        value, low, high = (max(0.0, 1 - (1 - share) * n_links / n_shown) for share in (value, low, high))
        return {"value": _floor(value), "low": _floor(low), "high": _ceil(high)}

    def measure(self, weight: float) -> float:
        """Give a weight, which is that of some pair, with two decimals."""
        return weight if self.exact else round(weight, 2)


def _floor(share: float) -> float:
    return math.floor(share * _STEPS + 1e-9) / _STEPS


def _ceil(share: float) -> float:
    return math.ceil(share * _STEPS - 1e-9) / _STEPS


def pair_record(result: LinkageResult, names: tuple[str, str], shown: Disclosure) -> Record:
    """Give what is known of the linkage of two parties, or of one with itself."""
    links, judged = result.links, result.judgement
    return {
        "parties": _parties(result, names, shown),
        "links": shown.count(len(links)),
        "conflicting_pairs": shown.count(len(result.conflicts)),
        "passes": _passes(result, shown),
        "judgement": None if judged is None else _judgement(judged, shown),
        "recall": None if judged is None else recall_record(judged.recall, shown),
        "probabilities": _probabilities(links.probability, shown),
        "fingerprint": result.fingerprint,
        "provenance": result.provenance.to_dict(),
    }


def clusters_record(
    found: ClusterResult, shown: Disclosure, earlier: Mapping[Pair, int | None] | None = None
) -> Record:
    """Give what is known of the clusters of several parties, and of every two of them.

    Parameters
    ----------
    found : ClusterResult
        What was found.
    shown : Disclosure
        How counts are shown.
    earlier : mapping of (str, str) to int or None, optional
        The links of parties that were linked before, and are not compared in `found`.
    """
    clusters = found.clusters
    linked = clusters.sizes()[clusters.label] > 1
    return {
        "parties": [
            {
                "name": printable(name),
                "records": shown.count(int(mine.sum())),
                "linked": shown.count(int((mine & linked).sum())),
                "not_linked": shown.count(int((mine & ~linked).sum())),
                "once": once,
            }
            for party, (name, once) in enumerate(zip(clusters.names, clusters.deduplicated, strict=True))
            for mine in [clusters.party == party]
        ],
        "clusters": {
            "of_several_records": shown.count(int((clusters.sizes() > 1).sum())),
            "records_in_them": shown.count(int(linked.sum())),
            "sizes": _sizes(clusters.sizes(), shown),
            "parted_links": shown.count(found.n_parted),
        },
        "pairs": [
            {**pair_record(result, names, shown), "parted_links": shown.count(len(found.parted[names]))}
            for names, result in found.pairs.items()
        ],
        "earlier_pairs": [
            {"parties": [printable(name) for name in names], "links": None if n is None else shown.count(n)}
            for names, n in (earlier or {}).items()
        ],
        "fingerprint": found.fingerprint,
        "provenance": found.provenance.to_dict(),
    }


def _sizes(sizes: Rows, shown: Disclosure) -> list[Record]:
    """Count the clusters of two records, three ... as far as there are any, at last so many or more."""
    counts = np.bincount(np.minimum(sizes, MOST_RECORDS), minlength=3)[2:]
    return [{"records": k, "clusters": n} for k, n in enumerate(shown.column(counts.tolist()), start=2)]


def protection(shown: Disclosure) -> Record:
    """Say by which rule counts are shown."""
    return {"exact": shown.exact, "smallest": SMALLEST, "rounded_to": STEP}


def agreement_record(agreement: Agreement) -> Record:
    """Give what an agreement says of fields, passes and the aim."""
    matching = agreement.matching
    return {
        "project": agreement.project,
        "epoch": agreement.epoch,
        "target": matching.target,
        "precision": matching.precision,
        "cardinality": matching.cardinality,
        "research": agreement.research,
        "decoys": None if agreement.decoys is None else msgspec.to_builtins(agreement.decoys),
        "fields": [
            {"name": one.name, "kind": str(one.__struct_config__.tag), "weight": one.weight}
            for one in agreement.fields
        ],
        "passes": [_pass_choices(one) for one in agreement.passes],
    }


def truth_record(found: QualityByGroup, shown: Disclosure) -> Record:
    """Give how the links compare with a known truth, overall and by group."""
    overall = quality_record(found.overall, show=shown.count)
    return {"overall": overall, **groups_record(found, unprotected=shown.exact)}


def printable(name: str) -> str:
    """Write a name on one line: it may hold a line break, or what moves a cursor."""
    return "".join(char if char.isprintable() else "?" for char in name)


def _parties(result: LinkageResult, names: tuple[str, str], shown: Disclosure) -> list[Record]:
    links, conflicts = result.links, result.conflicts
    if names[0] == names[1]:
        # One source with itself: a record may be on either side of a link.
        linked = [np.concatenate([links.left, links.right])]
        held = [np.concatenate([conflicts.left, conflicts.right])]
    else:
        linked, held = [links.left, links.right], [conflicts.left, conflicts.right]
    n_records, once = (result.n_left, result.n_right), (links.left_once, links.right_once)
    return [
        {
            "name": printable(name),
            "records": shown.count(n),
            "linked": shown.count(int(np.unique(rows).size)),
            "not_linked": shown.count(n - int(np.unique(rows).size)),
            "in_conflict": shown.count(int(np.unique(others).size)),
            "at_most_one_link": alone,
            "by_links": _by_links(rows, shown),
        }
        for name, n, alone, rows, others in zip(names, n_records, once, linked, held, strict=False)
    ]


def _by_links(rows: Rows, shown: Disclosure) -> list[Record]:
    """Count the linked records with one link, two ... , the last entry with so many or more."""
    per_record = np.unique(rows, return_counts=True)[1]
    counts = np.bincount(np.minimum(per_record, MOST_LINKS), minlength=MOST_LINKS + 1)[1:]
    return [{"links": k, "records": n} for k, n in enumerate(shown.column(counts.tolist()), start=1)]


def _passes(result: LinkageResult, shown: Disclosure) -> list[Record]:
    held = Counter(result.conflicts.decided_by)
    links = shown.column([one.n_links for one in result.counts])
    conflicts = shown.column([held[one.name] for one in result.counts])
    rows = zip(result.counts, links, conflicts, strict=True)
    return [_pass(one, n_links, n_held, shown) for one, n_links, n_held in rows]


def _pass(one: PassCount, links: Count, conflicts: Count, shown: Disclosure) -> Record:
    tagged = one.candidates == "shared-tags"
    return {
        "name": one.name,
        "compared": one.candidates,
        "records": [shown.count(one.n_left), shown.count(one.n_right)],
        "crowded": shown.count(one.n_crowded),
        "pairs": shown.count(one.n_pairs),
        "links": links,
        "conflicting_pairs": conflicts,
        "share_with_a_tag": _sampled(one.recall) if tagged else None,
        "dropped": None
        if one.dropped is None
        else {"blocks": shown.count(one.dropped.n_blocks), "pairs": shown.count(one.dropped.n_pairs)},
    }


def _sampled(found: Estimate | None) -> Record | None:
    if found is None:
        return None
    return {"value": round(found.value, 3), "low": round(found.low, 3), "high": round(found.high, 3)}


def _judgement(judged: Judgement, shown: Disclosure) -> Record:
    estimate = judged.estimate
    return {
        "asked": judged.precision,
        "measured": judged.measured,
        "supported": judged.supported,
        "estimate": None if estimate is None else _estimate(estimate, judged.weights, shown),
        "curve": [_estimate(one, judged.weights, shown) for one in _spaced(judged.curve, shown)],
        "weights": _weights(judged.weights, shown),
    }


def _estimate(one: PrecisionEstimate, weights: WeightCounts, shown: Disclosure) -> Record:
    learned = bool(weights.edges) and one.weight <= weights.edges[-1]
    return {
        # Links with an equal value come before all weights.
        "weight": shown.measure(one.weight) if learned else None,
        "links": shown.count(one.n_links),
        "links_to_decoys": shown.count(one.n_decoy_links),
        "false_links": one.n_false if shown.exact else shown.count(math.ceil(one.n_false - 0.5)),
        "precision": shown.rate(one.precision, one.low, one.high, one.n_links),
    }


def _spaced(curve: Sequence[PrecisionEstimate], shown: Disclosure) -> list[PrecisionEstimate]:
    """Leave out thresholds between which there are fewer than ten links, and more than a picture shows."""
    if shown.exact:
        return list(curve)
    apart = max(SMALLEST, curve[-1].n_links // _POINTS) if curve else SMALLEST
    kept: list[PrecisionEstimate] = []
    for one in curve:
        if one.n_links >= (kept[-1].n_links if kept else 0) + apart:
            kept.append(one)
    return kept


def _weights(found: WeightCounts, shown: Disclosure) -> Record:
    """Give the counts in half as many bins, which hides fewer of them."""
    by = max(1, len(found.links) // _BINS)
    ends = [*found.edges[:-1:by], *found.edges[-1:]]
    merged = [[sum(counts[k : k + by]) for k in range(0, len(counts), by)] for counts in _both(found)]
    return {
        "ends": [shown.measure(end) for end in ends],
        "links": shown.column(merged[0]),
        "links_to_decoys": shown.column(merged[1]),
        "by_equality": shown.count(found.by_equality),
    }


def _both(found: WeightCounts) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return found.links, found.decoy_links


def recall_record(found: RecallEstimate | None, shown: Disclosure) -> Record | None:
    """Give the estimated recall, and how many fictitious people were found again: they are nobody."""
    if found is None:
        return None
    ends = found.recall, found.low, found.high
    value, low, high = ends if shown.exact else (_floor(ends[0]), _floor(ends[1]), _ceil(ends[2]))
    return {
        "value": value,
        "low": low,
        "high": high,
        "strata": [
            {
                "name": one.name,
                "people": one.n,
                "found": one.n_found,
                "value": one.rate,
                "low": one.low,
                "high": one.high,
            }
            for one in found.strata
        ],
    }


def _probabilities(chance: Scores, shown: Disclosure) -> Record | None:
    """Count links by their chance to be true; None where it is not known."""
    known = chance[~np.isnan(chance)]
    if not known.size:
        return None
    counts, _ = np.histogram(known, CHANCES)
    n_false = float((1 - known).sum())
    return {
        "bins": [
            {"from": low, "below": high, "links": n}
            for low, high, n in zip(CHANCES[:-1], CHANCES[1:], shown.column(counts.tolist()), strict=True)
        ],
        "false_links": n_false if shown.exact else shown.count(math.ceil(n_false - 0.5)),
    }


def _pass_choices(one: Pass) -> Record:
    if not isinstance(one, FuzzyPass):
        return {
            "name": one.name,
            "compared": "equality",
            "bits": one.out_bits(),
            "threshold": None,
            "fields": [{"name": name, "required": True} for name in one.fields],
            "encoding": None,
            "hardening": [],
            "differing": one.differing,
        }
    return {
        "name": one.name,
        "compared": "similarity",
        "bits": one.out_bits(),
        "threshold": str(one.threshold),
        "fields": [{"name": use.field, "required": use.required} for use in one.fields],
        "encoding": _told(one.encoding),
        "hardening": [_told(step) for step in one.hardening],
        "differing": None,
    }


def _told(choice: msgspec.Struct) -> str:
    """Name a choice, and whatever of it is not the default."""
    options = msgspec.to_builtins(choice)
    tag = options.pop(choice.__struct_config__.tag_field)
    said = ", ".join(f"{name} = {value}" for name, value in options.items())
    return f"{tag} ({said})" if said else str(tag)
