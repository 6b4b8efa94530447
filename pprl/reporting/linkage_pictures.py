"""
Pictures of a linkage as SVG that stands inside a page, drawn from numbers as they are shown.

Each has a title and a description in words.  Letters are sized by the page, which has larger
ones on narrow screens, so the drawings leave them room.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pprl.reporting.disclosure import SMALLEST, Count
from pprl.reporting.drawing import (
    BLUE,
    INK,
    LEFT,
    RED,
    RIGHT,
    UNDER,
    WIDTH,
    Axis,
    below,
    level,
    line,
    named_axis,
    picture,
    ticks,
    words_at,
)

Record = dict[str, Any]

BAND = "#c9dcee"
_FEWEST = 2  # points, or ends of bins, of which there is something to draw
_CELL = '<svg class="cell" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
_TRACK = '<rect width="100" height="10" fill="#e4e8ec"/>'
_LOWEST = (0.99, 0.98, 0.95, 0.9, 0.8, 0.5, 0.0)  # where an axis of shares may begin


def weights_picture(judged: Record, *, name: str) -> str:
    """Draw links upwards and links to decoys downwards, by weight, with the threshold.

    Parameters
    ----------
    judged : mapping
        ``judgement`` of a record of the report.
    name : str
        A word that no other picture of the page has.
    """
    weights, estimate = judged["weights"], judged["estimate"]
    ends, links, decoys = weights["ends"], weights["links"], weights["links_to_decoys"]
    if len(ends) < _FEWEST or ends[0] == ends[-1]:
        return ""
    top, bottom = 48.0, 290.0
    up, down = _most(links), _most(decoys)
    counted, across = Axis(-down, up, bottom, top), Axis(ends[0], ends[-1], LEFT, WIDTH - RIGHT)
    parts = [level(counted(n), f"{abs(n):,}") for n in ticks(-down, up, 6)]
    for counts, sign, colour in ((links, 1, BLUE), (decoys, -1, RED)):
        parts += [
            _bar(across(low), across(high), n, sign, counted, colour)
            for low, high, n in zip(ends[:-1], ends[1:], counts, strict=True)
        ]
    parts.append(line(LEFT, counted(0), WIDTH - RIGHT, counted(0), INK))
    parts += [below(across(x), bottom, _signed(x)) for x in ticks(ends[0], ends[-1], 6)]
    parts += [named_axis(bottom, "weight of the evidence for a pair"), _legend()]
    if estimate and estimate["weight"] is not None:
        parts.append(_marker(across(estimate["weight"]), top - 14, bottom, "threshold"))
    title = "Links, and links to decoys, by the weight of the evidence"
    return picture(name, title, _weights_said(judged), parts, bottom + UNDER)


def curve_picture(judged: Record, *, name: str) -> str:
    """Draw the precision of the links down to each threshold, with its interval.

    Parameters
    ----------
    judged : mapping
        ``judgement`` of a record of the report.
    name : str
        A word that no other picture of the page has.
    """
    points = [one for one in judged["curve"] if one["precision"] and isinstance(one["links"], int)]
    if len(points) < _FEWEST:
        return ""
    top, bottom, asked = 20.0, 248.0, judged["asked"]
    least = min([one["precision"]["value"] for one in points] + ([asked] if asked else []))
    lowest = next(low for low in _LOWEST if low <= max(0.0, least - 0.2 * (1 - least)))
    plot = _Plot(Axis(0, points[-1]["links"], LEFT, WIDTH - RIGHT), Axis(lowest, 1, bottom, top))
    parts = [level(plot.upward(share), f"{share * 100:.4g} %") for share in ticks(lowest, 1, 5)]
    parts += plot.curve(points)
    if asked:
        y = plot.upward(asked)
        said = words_at(LEFT + 6, y + 17, f"asked for: {asked * 100:.4g} %", colour=RED, bold=True)
        parts += [line(LEFT, y, WIDTH - RIGHT, y, RED, dashed=True), said]
    parts += plot.chosen(judged["estimate"])
    parts += [below(plot.across(x), bottom, f"{x:,.0f}") for x in ticks(0, points[-1]["links"], 5)]
    parts.append(named_axis(bottom, "links kept, the strongest evidence first"))
    title = "Precision at every threshold, with its 95 % interval"
    return picture(name, title, _curve_said(points, asked), parts, bottom + UNDER)


def share_bar(share: float) -> str:
    """Draw a share as a bar for the cell of a table, which says the number beside it.

    Examples
    --------
    >>> share_bar(0.0).count("<rect")
    1
    """
    bar = f'<rect width="{100 * share:.1f}" height="10" fill="{BLUE}"/>' if share else ""
    return f"{_CELL}{_TRACK}{bar}</svg>"


def hidden_bar() -> str:
    """Draw the share of a count that is hidden: an empty frame, as in the pictures."""
    frame = f'fill="#fff" stroke="{BLUE}" stroke-dasharray="2 2" vector-effect="non-scaling-stroke"'
    return f'{_CELL}<rect x="0.5" y="0.5" width="99" height="9" {frame}/></svg>'


def interval_bar(rate: Record | None, lowest: float = 0.0) -> str:
    """Draw a share with its interval for the cell of a table, which says the numbers beside it."""
    if rate is None:
        return ""
    low, value, high = (100 * max(0.0, rate[end] - lowest) / (1 - lowest) for end in ("low", "value", "high"))
    return (
        f"{_CELL}{_TRACK}"
        f'<rect x="{low:.1f}" y="3" width="{max(0.5, high - low):.1f}" height="4" fill="#7aa5cf"/>'
        f'<rect x="{min(98.5, max(0, value - 0.75)):.1f}" width="1.5" height="10" fill="{BLUE}"/></svg>'
    )


@dataclass(frozen=True, slots=True)
class _Plot:
    """The place of a curve: links to the right, shares upwards."""

    across: Axis
    upward: Axis

    def curve(self, points: Sequence[Record]) -> list[str]:
        """Draw the shares of all points as a line in the band of their intervals."""
        edge = [self._place(one, "low") for one in points]
        edge += [self._place(one, "high") for one in reversed(points)]
        line = " ".join(self._place(one, "value") for one in points)
        return [
            f'<polygon points="{" ".join(edge)}" fill="{BAND}"/>',
            f'<polyline points="{line}" fill="none" stroke="{BLUE}" stroke-width="2.5"/>',
        ]

    def chosen(self, one: Record | None) -> list[str]:
        """Mark the links that were made."""
        if not one or not one["precision"] or not isinstance(one["links"], int):
            return []
        x, y = self.across(one["links"]), self.upward(one["precision"]["value"])
        side, by = ("end", -8) if x > WIDTH / 2 else ("start", 8)
        return [
            line(x, self.upward.end, x, self.upward.start, INK, dashed=True),
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{BLUE}" stroke="#fff" stroke-width="1.5"/>',
            words_at(x + by, self.upward.start - 10, "these links", anchor=side, bold=True),
        ]

    def _place(self, one: Record, end: str) -> str:
        return f"{self.across(one['links']):.1f},{self.upward(one['precision'][end]):.1f}"


def _most(counts: Sequence[Count]) -> int:
    return max([n for n in counts if isinstance(n, int)] + [2 * SMALLEST])


def _bar(left: float, right: float, n: Count, sign: int, counted: Axis, colour: str) -> str:
    """Draw a count; a hidden one as an empty frame as high as ten."""
    if n == 0:
        return ""
    ends = sorted((counted(0), counted(sign * (n if isinstance(n, int) else SMALLEST))))
    frame = f'fill="#fff" stroke="{colour}" stroke-dasharray="2 2"'
    drawn = f'fill="{colour}"' if isinstance(n, int) else frame
    place = f'x="{left + 1:.1f}" y="{ends[0]:.1f}" width="{max(1.0, right - left - 2):.1f}"'
    return f'<rect {place} height="{ends[1] - ends[0]:.1f}" {drawn}/>'


def _legend() -> str:
    far = WIDTH - RIGHT
    return words_at(far, 16, "links to decoys", anchor="end", colour=RED, bold=True) + words_at(
        far - 175, 16, "links", anchor="end", colour=BLUE, bold=True
    )


def _marker(x: float, top: float, bottom: float, said: str) -> str:
    side, by = ("end", -7) if x > WIDTH * 0.6 else ("start", 7)
    return line(x, top, x, bottom, INK, dashed=True) + words_at(x + by, top + 9, said, anchor=side, bold=True)


def _signed(x: float) -> str:
    return f"{x:g}".replace("-", "\N{MINUS SIGN}")


def _weights_said(judged: Record) -> str:
    """Say what the picture of weights shows."""
    weights, estimate = judged["weights"], judged["estimate"]
    parts = [
        f"Weights run from {_signed(weights['ends'][0])} to {_signed(weights['ends'][-1])}.",
        _where("Links are most", weights["ends"], weights["links"]),
        _where("Links to decoys are most", weights["ends"], weights["links_to_decoys"]),
    ]
    if estimate and estimate["weight"] is not None:
        parts.append(f"The threshold is {_signed(estimate['weight'])}.")
    return " ".join(part for part in parts if part)


def _where(said: str, ends: Sequence[float], counts: Sequence[Count]) -> str:
    known = [(n, -k) for k, n in enumerate(counts) if isinstance(n, int) and n]
    if not known:
        return ""
    n, place = max(known)
    return f"{said}, {n:,}, from {_signed(ends[-place])} to {_signed(ends[1 - place])}."


def _curve_said(points: Sequence[Record], asked: float | None) -> str:
    """Say what the picture of the curve shows; the table beside it has the numbers."""
    first, last = points[0], points[-1]
    wanted = f" Asked for were {asked * 100:.4g} %." if asked else ""
    return (
        f"From {first['precision']['value'] * 100:.4g} % for the {first['links']:,} strongest links to "
        f"{last['precision']['value'] * 100:.4g} % for all {last['links']:,}.{wanted} "
        "The table below has the numbers."
    )
