"""
Draw two pictures of results.csv: seconds, and peak memory, against records a side.

    python benchmarks/engine/plot.py
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

HERE = Path(__file__).parent
INK, BLUE, ORANGE, GREY = "#1a1a1a", "#1f5f99", "#c05a00", "#8a8a8a"
COLOURS = {"pprl": BLUE, "pprl, all words": "#7ba7cf", "C++": ORANGE}
GAP = 0.055  # least distance of two labels, as a share of the height


def lines(path, column, threshold):
    """Give for each tool the points of a column: plain encodings, one thread."""
    found = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if (row["encoding"], row["threads"], row["threshold"]) == ("plain", "1", threshold):
                found[row["tool"]].append((int(row["records"]), float(row[column])))
    return {tool: np.array(sorted(points)) for tool, points in found.items()}


def picture(found, path, title, unit, extra=None):
    """Draw lines on logarithmic axes, each with its name at its end."""
    with mpl.rc_context({"svg.hashsalt": "pprl", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        axes = figure.add_subplot()
        axes.set_xscale("log")
        axes.set_yscale("log")
        if extra is not None:
            axes.plot(*extra[1].T, color=GREY, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
        for tool, points in found.items():
            colour = COLOURS.get(tool, GREY)
            width = 2.2 if tool == "pprl" else 1.2
            axes.plot(
                *points.T,
                "o-",
                color=colour,
                linewidth=width,
                markersize=3.5,
                zorder=3 if tool in COLOURS else 2,
            )
        sizes = sorted({int(x) for points in found.values() for x in points[:, 0]})
        axes.set_xlim(sizes[0] / 1.1, sizes[-1] * (sizes[-1] / sizes[0]) ** 0.28 * 1.1)
        axes.xaxis.set_major_locator(FixedLocator(sizes))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.grid(visible=True, color="#e4e8ec")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("records a side")
        axes.set_ylabel(unit)
        axes.set_title(title, loc="left", color=INK)
        ends = {tool: points[-1] for tool, points in found.items()}
        if extra is not None:
            ends[extra[0]] = extra[1][-1]
        label(axes, ends)
        figure.savefig(path, metadata={"Date": None, "Creator": None} if path.suffix == ".svg" else None)


def label(axes, ends):
    """Write names beside the last points; names at one size are moved apart."""
    low, high = np.log(axes.get_ylim())
    groups = defaultdict(list)
    for tool, (x, y) in ends.items():
        groups[x].append([(np.log(y) - low) / (high - low), tool, y])
    for x, group in groups.items():
        group.sort()
        places = spread([place for place, _, _ in group])
        for place, (_, tool, y) in zip(places, group, strict=True):
            axes.annotate(
                tool,
                (x, y),
                xytext=(x * 1.05, np.exp(low + place * (high - low))),
                textcoords="data",
                horizontalalignment="left",
                verticalalignment="center",
                color=COLOURS.get(tool, "#5a5a5a"),
                path_effects=[withStroke(linewidth=3, foreground="white")],
                fontweight="bold" if tool == "pprl" else "normal",
            )


def spread(places):
    """Move sorted places apart to the least distance, around where they were, within the height."""
    at = list(places)
    for _ in range(200):
        for lower in range(len(at) - 1):
            lack = GAP - (at[lower + 1] - at[lower])
            if lack > 1e-6:
                at[lower] -= lack / 2
                at[lower + 1] += lack / 2
        at[0], at[-1] = max(at[0], GAP / 2), min(at[-1], 1 - GAP / 2)
    return at


def main():
    """Draw both pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=HERE / "results.csv")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for the pictures")
    parser.add_argument("--threshold", default="0.8")
    parser.add_argument("--format", choices=("svg", "png"), default="svg")
    chosen = parser.parse_args()
    where = f"Dice {chosen.threshold}, 1,024 bits, one thread"
    seconds = lines(chosen.results, "seconds", chosen.threshold)
    picture(seconds, chosen.out / f"cost.{chosen.format}", f"All pairs, {where}: seconds", "seconds")
    memory = lines(chosen.results, "peak_mib", chosen.threshold)
    sizes = sorted({int(x) for points in memory.values() for x in points[:, 0]})
    both = np.array([(n, 2 * 128 * n / 2**20) for n in sizes])
    picture(
        memory,
        chosen.out / f"memory.{chosen.format}",
        f"All pairs, {where}: peak memory of the process",
        "MiB",
        extra=("the two inputs", both),
    )


if __name__ == "__main__":
    main()
