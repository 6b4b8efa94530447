"""
Draw two pictures of results.csv: F1 by set and tool, and recall by group where half of the people are shared.

    python benchmarks/quality/plot.py
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from run import read_rows
from sets import FEBRL, OVERLAPS
from tables import BEST, GROUPS, OWN, best_way, heading, pooled

HERE = Path(__file__).parent
INK = "#1a1a1a"
# Of each tool and rule that is drawn: colour, marker and by how much its points are moved aside.
STYLES = {
    ("pprl", OWN): ("#1f5f99", "o", -0.09),
    ("clkhash + anonlink", BEST): ("#8a8a8a", "s", -0.03),
    ("recordlinkage ECM", OWN): ("#3a8a4d", "^", 0.03),
    ("Splink", OWN): ("#c05a00", "D", 0.09),
}
PANELS = {
    "measured errors": "uk-measured-{}",
    "measured errors, no health number": "uk-measured-{}-nonumber",
    "hard errors": "uk-hard-{}",
    "hard errors, no health number": "uk-hard-{}-nonumber",
}
GROUP_NAMES = dict(zip(GROUPS, ("no fixed abode", "migrants", "renamed", "others"), strict=True))
F1_TICKS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1.0)
SOFT = 0.003  # errors far below this look like none


def chosen_rows(rows, column, name):
    """Give the rows of a tool and rule on a set, resolved in the better way."""
    return best_way([row for row in rows if row.set == name and (row.tool, row.rule) == column])


def f1(rows):
    """Give F1 of all seeds together, or None."""
    right, wrong, missed = pooled(rows, "everybody")
    return 2 * right / (2 * right + wrong + missed) if rows else None


def recall(rows, group):
    """Give the recall of a group over all seeds, or None."""
    right, _, missed = pooled(rows, group)
    return right / (right + missed) if right + missed else None


def dressed(axes, title):
    """Take away what distracts."""
    axes.set_title(title, loc="left", color=INK, fontsize=9)
    axes.grid(visible=True, color="#e4e8ec")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def draw_f1(rows, path):
    """Draw F1: a panel for FEBRL, and one for each kind of errors, against the overlap."""
    figure = Figure(figsize=(9.6, 6.2), layout="constrained")
    panels = figure.subplots(2, 3, sharey=True).ravel()
    named = {"FEBRL": [FEBRL, [one.removeprefix("FEBRL") for one in FEBRL], "data set"]}
    for title, pattern in PANELS.items():
        labels = [f"{overlap} %" for overlap in OVERLAPS]
        named[title] = [[pattern.format(overlap) for overlap in OVERLAPS], labels, "share of people in both"]
    places = [panels[at] for at in (0, 1, 2, 4, 5)]
    for axes, (title, (names, labels, unit)) in zip(places, named.items(), strict=True):
        for column, (colour, marker, aside) in STYLES.items():
            found = [f1(chosen_rows(rows, column, name)) for name in names]
            points = [(at + aside, value) for at, value in enumerate(found) if value is not None]
            if points:
                line = "" if title == "FEBRL" else "-"
                axes.plot(
                    *zip(*points, strict=True),
                    marker + line,
                    color=colour,
                    markersize=4.5,
                    linewidth=1.2,
                    clip_on=False,
                )
        axes.set_yscale(
            "function",
            functions=(lambda y: -np.log(1 + SOFT - np.minimum(y, 1)), lambda z: 1 + SOFT - np.exp(-z)),
        )
        axes.yaxis.set_major_locator(FixedLocator(F1_TICKS))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
        axes.yaxis.set_tick_params(labelleft=True)
        axes.set_ylim(0.0, 1.0004)
        axes.set_xlim(-0.4, 3.4)
        axes.set_xticks(range(len(labels)), labels)
        axes.set_xlabel(unit)
        axes.set_ylabel("F1")
        dressed(axes, title)
    legend(panels[3])
    figure.savefig(path, **FORMATS[path.suffix])


def draw_recall(rows, path):
    """Draw recall by group at an overlap of one half."""
    figure = Figure(figsize=(9.6, 5.0), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    for axes, (title, pattern) in zip((panels[at] for at in (1, 2, 4, 5)), PANELS.items(), strict=True):
        lowest = 1.0
        for column, (colour, marker, aside) in STYLES.items():
            some = chosen_rows(rows, column, pattern.format(50))
            found = [(recall(some, group), at + 1.5 * aside) for at, group in enumerate(GROUPS)]
            points = [point for point in found if point[0] is not None]
            if points:
                axes.plot(*zip(*points, strict=True), marker, color=colour, markersize=5)
                lowest = min(lowest, *(value for value, _ in points))
        axes.set_yticks(range(len(GROUPS)), GROUP_NAMES.values())
        axes.set_ylim(len(GROUPS) - 0.5, -0.5)
        axes.set_xlim(min(0.9, lowest - 0.02), 1.005)
        axes.set_xlabel("recall")
        dressed(axes, title)
    panels[3].axis("off")
    legend(panels[0])
    figure.savefig(path, **FORMATS[path.suffix])


def legend(axes):
    """Say in an empty panel what is drawn."""
    axes.axis("off")
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="none", label=heading(column))
        for column, (colour, marker, _) in STYLES.items()
    ]
    axes.legend(
        handles=handles,
        loc="upper left",
        frameon=False,
        title="* threshold chosen with the truth",
        alignment="left",
    )


FORMATS = {".svg": {"metadata": {"Date": None, "Creator": None}}, ".png": {"dpi": 110}}


def main():
    """Draw both pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=HERE / "results.csv")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for the pictures")
    parser.add_argument("--format", choices=("svg", "png"), default="svg")
    chosen = parser.parse_args()
    rows = read_rows(chosen.results)
    with mpl.rc_context({"svg.hashsalt": "pprl", "svg.fonttype": "none", "font.size": 9}):
        draw_f1(rows, chosen.out / f"f1.{chosen.format}")
        draw_recall(rows, chosen.out / f"recall.{chosen.format}")


if __name__ == "__main__":
    main()
