"""Blocking against a known truth: what looking at fewer pairs saves, and what it costs."""

from collections.abc import Mapping
from dataclasses import dataclass

from pprl.errors import UsageError
from pprl.evaluation.intervals import Rate, rate

_NAMES = ("pairs_completeness", "pairs_quality", "reduction_ratio")


@dataclass(frozen=True, slots=True)
class BlockingQuality:
    """Counts of candidate pairs against the truth.

    Parameters
    ----------
    n_candidates : int
        Pairs that are looked at.
    n_true_candidates : int
        Those of them that are true.
    n_true : int
        All true pairs.
    n_all : int
        All pairs: left records times right records.
    """

    n_candidates: int
    n_true_candidates: int
    n_true: int
    n_all: int

    def __post_init__(self) -> None:
        is_possible = (
            0 <= self.n_true_candidates <= min(self.n_candidates, self.n_true)
            and self.n_candidates - self.n_true_candidates <= self.n_all - self.n_true
        )
        if not is_possible:
            raise UsageError(
                "blocking: these counts contradict each other",
                code="bad-counts",
                hint="true candidates are among the candidates and the true pairs, and those among all pairs",
            )

    @property
    def pairs_completeness(self) -> float | None:
        """Share of the true pairs that are candidates; None without true pairs."""
        return self.n_true_candidates / self.n_true if self.n_true else None

    @property
    def pairs_quality(self) -> float | None:
        """Share of the candidates that are true; None without candidates."""
        return self.n_true_candidates / self.n_candidates if self.n_candidates else None

    @property
    def reduction_ratio(self) -> float | None:
        """Share of all pairs that need not be looked at; None if there are none."""
        return 1 - self.n_candidates / self.n_all if self.n_all else None

    def rates(self) -> Mapping[str, Rate | None]:
        """Give the shares of pairs with Wilson's 95 % interval; None where one is undefined."""
        return {
            "pairs_completeness": rate(self.n_true_candidates, self.n_true),
            "pairs_quality": rate(self.n_true_candidates, self.n_candidates),
        }

    def to_dict(self) -> dict[str, int | float | None]:
        """Give counts and measures by name."""
        names = ("n_candidates", "n_true_candidates", "n_true", "n_all", *_NAMES)
        return {name: getattr(self, name) for name in names}


def blocking_quality(n_candidates: int, n_true_candidates: int, n_true: int, n_all: int) -> BlockingQuality:
    """Measure blocking by its counts (Christen 2012, Data Matching, chapter 7).

    Parameters
    ----------
    n_candidates, n_true_candidates, n_true, n_all : int
        Pairs looked at, those of them that are true, all true pairs, all pairs.

    Raises
    ------
    UsageError
        If the counts contradict each other.

    Examples
    --------
    >>> quality = blocking_quality(1_000, 90, 100, 10_000)
    >>> quality.pairs_completeness, quality.pairs_quality, quality.reduction_ratio
    (0.9, 0.09, 0.9)
    """
    return BlockingQuality(n_candidates, n_true_candidates, n_true, n_all)
