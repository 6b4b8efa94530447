"""Linkage quality against a known truth: counts first, then the measures made of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from pprl.evaluation.intervals import Rate, f1_rate, rate
from pprl.evaluation.pairs import IdPairs, Pair, number_pairs

MEASURES = ("precision", "recall", "f1", "f_star")


@dataclass(frozen=True, slots=True)
class LinkageQuality:
    """Counts of links against the truth.

    Parameters
    ----------
    true_positives : int
        Links that are true.
    false_positives : int
        Links that are not.
    false_negatives : int
        True pairs that were not linked.

    Examples
    --------
    >>> quality = LinkageQuality(true_positives=90, false_positives=10, false_negatives=30)
    >>> quality.precision, quality.recall
    (0.9, 0.75)
    >>> round(quality.f1, 4), round(quality.f_star, 4)
    (0.8182, 0.6923)
    >>> quality.rates()["precision"]
    Rate(value=0.9, low=0.8256..., high=0.9447...)
    """

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def n_links(self) -> int:
        """Number of links."""
        return self.true_positives + self.false_positives

    @property
    def n_true(self) -> int:
        """Number of true pairs."""
        return self.true_positives + self.false_negatives

    @property
    def precision(self) -> float | None:
        """Share of links that are true; None without links."""
        return _share(self.true_positives, self.n_links)

    @property
    def recall(self) -> float | None:
        """Share of true pairs that were linked; None without true pairs."""
        return _share(self.true_positives, self.n_true)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None without links and true pairs."""
        return _share(2 * self.true_positives, self.n_links + self.n_true)

    @property
    def f_star(self) -> float | None:
        """F* = TP / (TP + FP + FN) (Hand, Christen & Kirielle 2021); None if all are 0."""
        return _share(self.true_positives, self.true_positives + self.false_positives + self.false_negatives)

    def rates(self) -> Mapping[str, Rate | None]:
        """Give each measure with its 95 % interval; None where it is undefined.

        Wilson's interval for precision, recall and F*; that of F1 is F*'s, transformed.
        """
        mistakes = self.false_positives + self.false_negatives
        return {
            "precision": rate(self.true_positives, self.n_links),
            "recall": rate(self.true_positives, self.n_true),
            "f1": f1_rate(self.true_positives, mistakes),
            "f_star": rate(self.true_positives, self.true_positives + mistakes),
        }

    def to_dict(self) -> dict[str, int | float | None]:
        """Give counts and measures by name."""
        names = ("true_positives", "false_positives", "false_negatives", *MEASURES)
        return {name: getattr(self, name) for name in names}


def linkage_quality(links: Iterable[Pair], truth: Iterable[Pair]) -> LinkageQuality:
    """Count links against the truth.

    Parameters
    ----------
    links, truth : IdPairs or iterable of (left id, right id)
        A pair that occurs twice counts once.

    Examples
    --------
    >>> linkage_quality([("a", "1"), ("b", "2")], [("a", "1"), ("c", "3")])
    LinkageQuality(true_positives=1, false_positives=1, false_negatives=1)
    """
    found, true = (np.unique(numbers) for numbers in number_pairs(IdPairs.of(links), IdPairs.of(truth)))
    both = np.intersect1d(found, true, assume_unique=True).size
    return LinkageQuality(both, found.size - both, true.size - both)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
