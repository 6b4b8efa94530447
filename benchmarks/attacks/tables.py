"""
Tables of what attacks find, in Markdown, from results.csv.

    python benchmarks/attacks/tables.py
"""

import argparse
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
MAIN, TOGETHER = "names_in_a_bag", "together"
ORDER = ("plain", "plain, t = 2", "plain, t = 3", "plain, t = 5", "none", "t = 2", "t = 3", "t = 4", "t = 5")


def table(rows, found, columns):
    """Write a table: a row for each hardening, a column for each condition."""
    lines = [f"| {rows} | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for hardening in (one for one in ORDER if one in set(found["hardening"])):
        here = found[found["hardening"] == hardening]
        cells = [shown(here[choose(here)]) for choose in columns.values()]
        if set(cells) != {"-"}:
            lines.append(f"| {hardening} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def shown(found):
    """Give the best attack's share under the worst key; a dash where nothing was run."""
    return "-" if found.empty else f"{found['share'].max():.3f}".removeprefix("0")


def where(**conditions):
    """Give a function that chooses rows."""

    def choose(found):
        chosen = pd.Series(data=True, index=found.index)
        for name, value in conditions.items():
            chosen &= found[name] == value
        return chosen

    return choose


def main():
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--results", type=Path, default=HERE / "results.csv")
    everything = pd.read_csv(parser.parse_args().results, dtype={"noisy": bool})
    found = everything[everything["pass"] == MAIN]
    graph = found[found["attack"] == "graph"]
    print("Graph matching, 5,000 people, by overlap; the last two with errors in the attacker's copies:\n")
    print(table("overlap", graph, OVERLAPS))
    print("\nGraph matching at full overlap, by people:\n")
    print(table("people", graph, SIZES))
    print("\nKnown pairs, 5,000 people, by pairs; the last column with errors in the attacker's copies:\n")
    print(table("known pairs", found[found["leaked"] > 0], TOLD))
    together = everything[everything["pass"] == TOGETHER]
    matched = together[together["attack"] == "graph"]
    print("\nAll passes of a record together: graph matching of 5,000 people by overlap, and by people:\n")
    held = {f"overlap {said}": choose for said, choose in OVERLAPS.items() if "errors" not in said}
    print(table("all passes", matched, held | {f"{said} people": each for said, each in SIZES.items()}))
    print("\nAll passes of a record together: known pairs, 5,000 people:\n")
    print(table("known pairs", together[together["leaked"] > 0], TOLD))
    print(
        "\nOther passes of the preset, 5,000 people: graph matching at full overlap, and 500 known pairs:\n"
    )
    passes = [name for name in dict.fromkeys(everything["pass"]) if name not in {MAIN, TOGETHER}]
    columns = {}
    for name in passes:
        columns[name] = where(**{"pass": name}, attack="graph", records=5000, overlap=1.0, noisy=False)
        columns[f"{name}, 500"] = where(**{"pass": name}, leaked=500, records=5000, noisy=False)
    print(table("pass", everything, columns))


OVERLAPS = {
    f"{overlap:g}" + (", errors" if noisy else ""): where(records=5000, overlap=overlap, noisy=noisy)
    for noisy, some in ((False, (1.0, 0.5, 0.25, 0.1)), (True, (1.0, 0.5)))
    for overlap in some
}
SIZES = {f"{n:,}": where(records=n, overlap=1.0, noisy=False) for n in (500, 1000, 2000, 5000)}
TOLD = {f"{n:,}": where(records=5000, leaked=n, noisy=False) for n in (100, 500, 2000)}
TOLD["500, errors"] = where(records=5000, leaked=500, noisy=True)


if __name__ == "__main__":
    main()
