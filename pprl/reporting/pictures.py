"""
Pictures as SVG that stands inside a page: no script, no address, a description in words.

This is the door to matplotlib.  It is used without its global state, and text stays text.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, BLUE, RED, PALE = "#1a1a1a", "#1f5f99", "#a3262a", "#e4e8ec"
_WIDTH = 7.0  # inches; the page scales it
_WIDE = 0.0125  # a letter's part of the width: a name of 40 leaves a third to the bars
_NOT_SAID = {"Creator": None, "Date": None, "Format": None, "Type": None}  # no clock and no address
_ADDRESS = re.compile(r'\s+xmlns(?::\w+)?="[^"]*"')
_NAMED = re.compile(r'(\bid="|href="#|url\(#)')


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: what it stands for, its share of the whole (None if it is hidden), and the words beside it."""

    label: str
    share: float | None
    said: str
    warn: bool = False


def bars(entries: Sequence[Bar], *, name: str, title: str) -> str:
    """Draw horizontal bars, each in a trough that stands for the whole.

    Parameters
    ----------
    entries : sequence of Bar
        From top to bottom.
    name : str
        A word that no other picture of the page has; it begins the names inside the SVG.
    title : str
        What is shown; with the entries it is the description for those who cannot see it.

    Returns
    -------
    str
        An ``svg`` element to stand in HTML.

    Examples
    --------
    >>> bars([Bar("surname", 0.5, "50 %")], name="a", title="Completeness")[:54]
    '<svg role="img" aria-label="Completeness: surname 50 %'
    """
    # Global while it lasts, and given back; names and order inside the SVG follow from the salt.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "text.parse_math": False}):
        figure = Figure(figsize=(_WIDTH, 0.34 * len(entries) + 0.2))
        left = 0.02 + _WIDE * max(len(one.label) for one in entries)
        _draw(figure.add_axes((left, 0.02, 0.88 - left, 0.96)), entries)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata=_NOT_SAID, transparent=True)
    described = f"{title}: {', '.join(f'{one.label} {one.said}' for one in entries)}"
    return _inline(drawn.getvalue(), name, described)


def _draw(axes: Axes, entries: Sequence[Bar]) -> None:
    places = range(len(entries))
    axes.barh(places, [1.0] * len(entries), color=PALE, height=0.66)
    colours = [RED if one.warn else BLUE for one in entries]
    axes.barh(places, [one.share or 0.0 for one in entries], color=colours, height=0.66)
    for place, one in zip(places, entries, strict=True):
        axes.text(1.02, place, one.said, va="center", color=INK)
        axes.text(-0.02, place, one.label, va="center", ha="right", color=INK)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(entries) - 0.4, -0.6)
    axes.set_axis_off()


def _inline(document: str, name: str, described: str) -> str:
    """Keep the element alone, with names of its own and a description."""
    element = _ADDRESS.sub("", document[document.index("<svg") :])
    element = _NAMED.sub(rf"\g<1>{name}-", element)
    return element.replace("<svg", f'<svg role="img" aria-label="{escape(described)}"', 1).rstrip()
