"""
Drawing: axes, lines and words of pictures that stand inside a page as SVG.

Letters are sized by the page, which has larger ones on narrow screens, so there is room for them.
"""

import math
from collections.abc import Sequence
from html import escape

INK, BLUE, RED, PALE = "#1a1a1a", "#1f5f99", "#a3262a", "#c5ccd3"
WIDTH, LEFT, RIGHT, UNDER = 560.0, 66.0, 14.0, 56.0
_STEPS = (1, 2, 5, 10)


class Axis:
    """From numbers to places on the paper."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.start, self.end = low, start, end
        self.scale = (end - start) / (high - low)

    def __call__(self, value: float) -> float:
        """Give the place of a number."""
        return self.start + (max(value, self.low) - self.low) * self.scale


def ticks(low: float, high: float, at_most: int) -> list[float]:
    """Give round numbers from low to high, about so many.

    Examples
    --------
    >>> ticks(0, 130, 4)
    [0, 50, 100]
    """
    rough = (high - low) / at_most
    power = 10 ** math.floor(math.log10(rough))
    step = next(k * power for k in _STEPS if k * power >= rough - 1e-12)
    if low == 0 and high > 1:
        step = max(step, 1)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 10) for k in range(first, last + 1)]


def level(y: float, said: str) -> str:
    """Draw a line across, with its number before it."""
    return line(LEFT, y, WIDTH - RIGHT, y, PALE) + words_at(LEFT - 6, y + 5, said, anchor="end")


def below(x: float, bottom: float, said: str) -> str:
    """Write a number under the axis."""
    return words_at(x, bottom + 20, said, anchor="middle")


def named_axis(bottom: float, said: str) -> str:
    """Say under the axis what it measures."""
    return words_at((LEFT + WIDTH - RIGHT) / 2, bottom + UNDER - 10, said, anchor="middle")


def line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dashed: bool = False) -> str:
    """Draw a straight line."""
    dash = ' stroke-width="1.5" stroke-dasharray="5 4"' if dashed else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dash}/>'


def words_at(
    x: float, y: float, said: str, *, anchor: str = "start", colour: str = INK, bold: bool = False
) -> str:
    """Write words, escaped."""
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"{weight}>{escape(said)}</text>'
    )


def picture(name: str, title: str, described: str, parts: Sequence[str], height: float) -> str:
    """Put parts together, with a title and a description in words."""
    return (
        f'<svg role="img" aria-labelledby="{name}-title {name}-desc" viewBox="0 0 {WIDTH:.0f} {height:.0f}">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-desc">{escape(described)}</desc>'
        f"{''.join(parts)}</svg>"
    )
