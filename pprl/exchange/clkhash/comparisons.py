"""
Comparisons: the tokens of a value, chosen so that alike values share many.

Tokens keep their order and their duplicates: how often a token is inserted into the filter
depends on both.
"""

import contextlib
from typing import Annotated

import msgspec

from pprl.exchange.clkhash.formats import Refusal

# Bounds on what a schema, which comes from somebody else, can make this machine do.
_MAX_N = 1024
_MAX_RESOLUTION = 4096
_MAX_DIGITS = 1000

Positive = msgspec.Meta(gt=0)


class NgramComparison(msgspec.Struct, tag="ngram", frozen=True, kw_only=True):
    """Every run of `n` characters, those at the edges padded with spaces."""

    n: Annotated[int, msgspec.Meta(ge=1, le=_MAX_N)]
    positional: bool = False

    def tokens(self, text: str) -> list[str]:
        """Give the n-grams; positional ones begin with their place, from 1."""
        if not text:
            return []
        edge = " " * (self.n - 1)
        padded = f"{edge}{text}{edge}"
        grams = [padded[i : i + self.n] for i in range(len(padded) - self.n + 1)]
        return [f"{place} {gram}" for place, gram in enumerate(grams, 1)] if self.positional else grams


class ExactComparison(msgspec.Struct, tag="exact", frozen=True, kw_only=True):
    """The value as one token."""

    def tokens(self, text: str) -> list[str]:
        """Give the value, unless it is empty."""
        return [text] if text else []


class NumericComparison(msgspec.Struct, tag="numeric", frozen=True, kw_only=True):
    """The neighbourhood of a number: nearer numbers share more tokens (Vatsalan and Christen 2016)."""

    threshold_distance: Annotated[int, Positive] | Annotated[float, Positive] = msgspec.field(
        name="thresholdDistance"
    )
    resolution: Annotated[int, msgspec.Meta(ge=1, le=_MAX_RESOLUTION)]
    fractional_precision: Annotated[int, msgspec.Meta(ge=0, le=_MAX_DIGITS)] = 0

    def __post_init__(self) -> None:
        step = None
        with contextlib.suppress(ValueError, OverflowError):
            step = self._step()
        if step is None:
            raise ValueError("`thresholdDistance` is too large")
        if step == 0:
            raise ValueError("`fractional_precision` is too small to write `thresholdDistance`")

    def tokens(self, text: str) -> list[str]:
        """Give `2 * resolution + 1` points of a grid around the number.

        Raises
        ------
        Refusal
            If the text is not a number.
        """
        if not text:
            return []
        tokens = None
        with contextlib.suppress(ValueError, OverflowError):
            tokens = self._neighbourhood(self._scaled(text))
        if tokens is None:
            raise Refusal("is not a number that can be compared")
        return tokens

    def _scale(self) -> int:
        return int(10**self.fractional_precision)

    def _step(self) -> int:
        step = round(self.threshold_distance * self._scale())
        return step if step / 2 else 0  # the half must be a number too

    def _scaled(self, text: str) -> int:
        """Give the number without its decimal point.

        Where no decimals are kept, a number with a point is cut, not rounded; that is
        how clkhash does it.
        """
        try:
            return int(text, base=10) * self._scale()
        except ValueError:
            if not self.fractional_precision:
                return int(float(text))
            return round(float(text) * self._scale())

    def _neighbourhood(self, number: int) -> list[str]:
        # The grid is `step / (2 * resolution)` wide.  All is multiplied, so nothing is divided.
        step = self._step()
        point = number * 2 * self.resolution
        beyond = point % step
        point += -beyond if beyond < step / 2 else step - beyond
        return [str(point + m * step) for m in range(-self.resolution, self.resolution + 1)]


Comparison = NgramComparison | ExactComparison | NumericComparison
