"""Results: the links between two datasets, what could not be told, and what each pass did."""

from dataclasses import dataclass, fields
from html import escape

from pprl.comparison.sampling import Estimate
from pprl.comparison.tags import Dropped
from pprl.linkage.precision import PrecisionEstimate
from pprl.linkage.recall import RecallEstimate
from pprl.model import Conflicts, Links, Provenance


@dataclass(frozen=True, slots=True)
class PassCount:
    """What one pass did.

    Parameters
    ----------
    name : str
        Name of the pass.
    n_left, n_right : int
        Records that took part.
    n_crowded : int
        Records of both sides left out of an exact pass, because so many share their value
        that it says nothing of a person.
    n_pairs : int
        Pairs that are equal, or at or above the threshold.
    n_links : int
        Links.
    candidates : str
        Which pairs were looked at: "equal", "all-pairs" or "shared-tags".
    recall : Estimate, optional
        With shared tags, the share of the pairs at or above the threshold that were looked
        at, measured on 2,000 records that are compared with all; None where they have too
        few such pairs to tell.
    dropped : Dropped, optional
        Blocks that were larger than allowed, and the candidate pairs that it cost.
    """

    name: str
    n_left: int
    n_right: int
    n_crowded: int
    n_pairs: int
    n_links: int
    candidates: str
    recall: Estimate | None = None
    dropped: Dropped | None = None


@dataclass(frozen=True, slots=True)
class WeightCounts:
    """How links and links to decoys are spread over their weights.

    Parameters
    ----------
    edges : tuple of float
        Ends of the bins, rising.
    links, decoy_links : tuple of int
        For each bin the links of real records, and of a real one with a decoy.
    by_equality : int
        Links with an equal exact value, which come before all others and are in no bin.
    """

    edges: tuple[float, ...] = ()
    links: tuple[int, ...] = ()
    decoy_links: tuple[int, ...] = ()
    by_equality: int = 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the links are worth, as decoys tell, or a model where there are none.

    Parameters
    ----------
    precision : float or None
        What was asked for; None for all links that are more likely true than not.
    supported : bool
        Whether the data can show that.  If not, the links are those before any to a decoy.
    estimate : PrecisionEstimate, optional
        Of the links that were made; None where there are none.
    curve : tuple of PrecisionEstimate
        The same at other thresholds, from the strictest to the loosest.
    weights : WeightCounts
        Links and links to decoys by their weight.
    recall : RecallEstimate, optional
        Share of the people in both files who were found, as spike-ins tell; None without any.
    measured : bool
        Whether decoys tell it; if not, it is what a model expects.
    """

    precision: float | None
    supported: bool
    estimate: PrecisionEstimate | None = None
    curve: tuple[PrecisionEstimate, ...] = ()
    weights: WeightCounts = WeightCounts()
    recall: RecallEstimate | None = None
    measured: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class LinkageResult:
    """Links between two datasets, what could not be told, and how it came about.

    Parameters
    ----------
    links : Links
        A record is in at most one, unless the agreement's cardinality lets its side have more.
    conflicts : Conflicts
        Pairs equally good for a record that no pass could decide.
    counts : tuple of PassCount
        What each pass did.
    n_left, n_right : int
        Records in the two datasets.
    fingerprint : str
        SHA-256 of the agreement.
    provenance : Provenance
        What made the links.
    judgement : Judgement, optional
        What the links are worth; None where they were made by thresholds.
    """

    links: Links
    conflicts: Conflicts
    counts: tuple[PassCount, ...]
    n_left: int
    n_right: int
    fingerprint: str
    provenance: Provenance
    judgement: Judgement | None = None

    def __repr__(self) -> str:
        sides = f"{self.n_left} x {self.n_right} records"
        return f"LinkageResult({sides}, {len(self.links)} links, {len(self.conflicts)} conflicting pairs)"

    def _repr_html_(self) -> str:
        names = [field.name for field in fields(PassCount) if field.name not in {"recall", "dropped"}]
        head = "".join(f"<th>{name}</th>" for name in names)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(str(getattr(count, name)))}</td>" for name in names) + "</tr>"
            for count in self.counts
        )
        caption = f"{len(self.links)} links, {len(self.conflicts)} conflicting pairs"
        return f"<table><caption>{caption}</caption><tr>{head}</tr>{rows}</table>"
