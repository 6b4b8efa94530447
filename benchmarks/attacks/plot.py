"""
Pictures of what attacks find: by overlap, diffusion, records and known pairs, and of all passes together.

    python benchmarks/attacks/plot.py
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

HERE = Path(__file__).parent
COLOURS = {
    "plain": "#8a8a8a",
    "none": "#1a1a1a",
    "t = 2": "#c05a00",
    "t = 3": "#1f5f99",
    "t = 4": "#7a3b8f",
    "t = 5": "#2a7d4f",
}
ATTACK_COLOURS = ("#1f5f99", "#c05a00", "#2a7d4f", "#7a3b8f", "#8a8a8a", "#1a1a1a")


def by_overlap(axes: Axes, found: pd.DataFrame) -> None:
    """Graph matching by the share of the people whom the attacker holds, at the most records."""
    graph = _at_most_records(found[found["attack"] == "graph"])
    for hardening, colour in COLOURS.items():
        for noisy, style in ((False, "-"), (True, ":")):
            rows = graph[(graph["hardening"] == hardening) & (graph["noisy"] == noisy)].sort_values("overlap")
            _line(axes, rows, "overlap", colour, style, hardening if not noisy else None)
    _name(axes, "graph matching, by overlap (dotted: copies with errors)", "people whom the attacker holds")


def by_diffusion(axes: Axes, found: pd.DataFrame) -> None:
    """Every attack by hardening, under its best conditions."""
    best = _at_most_records(found[(found["overlap"] == 1) & ~found["noisy"]])
    places = list(COLOURS)
    for attack, colour in zip(dict.fromkeys(best["attack"]), ATTACK_COLOURS, strict=False):
        rows = best[best["attack"] == attack].sort_values("share")
        rows = rows.drop_duplicates("hardening", keep="last")
        rows = rows[rows["hardening"].isin(places)].copy()
        rows["place"] = rows["hardening"].map(places.index)
        _line(axes, rows.sort_values("place"), "place", colour, "-", attack)
    axes.set_xticks(range(len(places)), places)
    _name(axes, "every attack at its best, by hardening", "hardening")


def by_records(axes: Axes, found: pd.DataFrame) -> None:
    """Graph matching by the number of records."""
    graph = found[(found["attack"] == "graph") & (found["overlap"] == 1) & ~found["noisy"]]
    for hardening, colour in COLOURS.items():
        rows = graph[graph["hardening"] == hardening].sort_values("records")
        _line(axes, rows, "records", colour, "-", hardening)
    _logarithmic(axes, graph["records"])
    _name(axes, "graph matching at full overlap, by records", "records")


def by_known_pairs(axes: Axes, found: pd.DataFrame) -> None:
    """Show the best attack that learns from known pairs, by their number."""
    told = _at_most_records(found[(found["leaked"] > 0) & ~found["noisy"]])
    best = told.sort_values("share").drop_duplicates(["hardening", "leaked"], keep="last")
    for hardening, colour in COLOURS.items():
        rows = best[best["hardening"] == hardening].sort_values("leaked")
        _line(axes, rows, "leaked", colour, "-", hardening)
    _logarithmic(axes, best["leaked"])
    _name(axes, "the best attack with known pairs, by their number", "known pairs")


PICTURES: dict[str, Callable[[Axes, pd.DataFrame], None]] = {
    "overlap": by_overlap,
    "hardening": by_diffusion,
    "records": by_records,
    "known_pairs": by_known_pairs,
}
OF_ALL_PASSES = {"together": by_known_pairs}
TOGETHER = "together"


def of_pass(found: pd.DataFrame, name: str) -> pd.DataFrame:
    """Choose the rows of a pass, and of several keys the worst."""
    rows = found[(found["pass"] == name) & found["hardening"].isin(COLOURS)]
    setting = ["hardening", "attack", "records", "overlap", "noisy", "leaked"]
    worst = rows.sort_values("share").drop_duplicates(setting, keep="last")
    return worst[[*setting, "share", "low", "high"]]


def _at_most_records(found: pd.DataFrame) -> pd.DataFrame:
    return found[found["records"] == found["records"].max()]


def _line(axes: Axes, rows: pd.DataFrame, x: str, colour: str, style: str, label: str | None) -> None:
    if rows.empty:
        return
    off = [(rows["share"] - rows["low"]).clip(lower=0), (rows["high"] - rows["share"]).clip(lower=0)]
    places, shares, bars = rows[x].to_numpy(), rows["share"].to_numpy(), [each.to_numpy() for each in off]
    axes.errorbar(places, shares, yerr=bars, color=colour, ls=style, marker="o", label=label)


def _logarithmic(axes: Axes, places: pd.Series) -> None:
    axes.set_xscale("log")
    shown = sorted(places.unique())
    axes.set_xticks(shown, [f"{place:,}" for place in shown])
    axes.minorticks_off()


def _name(axes: Axes, title: str, x: str) -> None:
    axes.set_title(title, loc="left")
    axes.set_xlabel(x)
    axes.set_ylabel("share of people found")
    axes.set_ylim(-0.02, 1.02)
    axes.grid(visible=True, color="#e4e8ec")
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(frameon=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw every picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--results", type=Path, default=HERE / "results.csv")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--pass", dest="name", default="names_in_a_bag", help="of the preset uk-health")
    options = parser.parse_args(arguments)
    everything = pd.read_csv(options.results, dtype={"noisy": bool})
    drawn = [(name, draw, options.name) for name, draw in PICTURES.items()]
    drawn += [(name, draw, TOGETHER) for name, draw in OF_ALL_PASSES.items()]
    for name, draw, passes in drawn:
        with mpl.rc_context({"svg.hashsalt": "pprl", "svg.fonttype": "none", "font.size": 9}):
            figure = Figure(figsize=(7, 4.4), layout="constrained")
            axes = figure.add_subplot()
            draw(axes, of_pass(everything, passes))
            axes.set_title("all passes together" if passes == TOGETHER else passes, loc="right")
            figure.savefig(options.out / f"{name}.svg", metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()
