"""The picture: quality against leakage, our variants and the pilot's."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

INK, BLUE, ORANGE, GREY = "#1a1a1a", "#1f5f99", "#c05a00", "#8a8a8a"
_TICKS = (0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.9925, 0.995, 0.9965, 0.9975, 0.9985)


@dataclass(frozen=True, slots=True)
class Point:
    """One variant: where it lies, where the pilot had it, and how its label is set off and aligned."""

    label: str
    rho: float
    f1: float
    pilot: tuple[float, float] | None
    offset: tuple[float, float]
    align: str


def draw(points: Sequence[Point], path: Path) -> None:
    """Draw all points; F1 on a scale of errors, so that the good ones do not lie on one another."""
    with mpl.rc_context({"svg.hashsalt": "pprl", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(9, 6.2), layout="constrained")
        axes = figure.add_subplot()
        for point in points:
            _add(axes, point)
        axes.set_yscale("function", functions=(_to_height, _to_f1))
        axes.set_ylim(0.949, 0.9987)
        axes.set_xlim(0, 0.85)
        axes.yaxis.set_major_locator(FixedLocator(_TICKS))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4f}".rstrip("0")))
        axes.grid(visible=True, color="#e4e8ec")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("leakage: correlation of plaintext and encoded similarity over random pairs")
        axes.set_ylabel("quality: F1 at the best threshold (scale logarithmic in 1 - F1)")
        axes.set_title(
            "FEBRL4, quality against leakage (k = 10 if not stated): up and to the left is better",
            loc="left",
            color=INK,
        )
        _add_legend(axes)
        figure.savefig(path, metadata={"Date": None, "Creator": None} if path.suffix == ".svg" else None)


def _to_height(f1):
    return -np.log(np.maximum(1 - f1, 1e-6))


def _to_f1(height):
    return 1 - np.exp(-height)


def _add(axes, point: Point) -> None:
    colour = BLUE if point.pilot else ORANGE
    if point.pilot:
        axes.plot(*zip((point.rho, point.f1), point.pilot, strict=True), color=GREY, linewidth=0.8, zorder=1)
        axes.plot(*point.pilot, "o", markersize=6, markerfacecolor="white", markeredgecolor=GREY, zorder=2)
    if point.pilot:
        axes.plot(point.rho, point.f1, "o", markersize=6, color=colour, zorder=4)
    else:
        # Larger and below, so that it shows behind a circle at the same place.
        axes.plot(point.rho, point.f1, "D", markersize=7, color=colour, zorder=3)
    axes.annotate(
        point.label,
        (point.rho, point.f1),
        xytext=point.offset,
        textcoords="offset points",
        horizontalalignment=point.align,
        verticalalignment="center",
        color=colour,
    )


def _add_legend(axes) -> None:
    axes.plot([], [], "o", color=BLUE, label="a row of the pilot, ours")
    axes.plot(
        [], [], "o", markerfacecolor="white", markeredgecolor=GREY, color=GREY, label="the pilot's figures"
    )
    axes.plot([], [], "D", color=ORANGE, label="a variant that the pilot did not have")
    axes.legend(loc="lower right", frameon=False)
