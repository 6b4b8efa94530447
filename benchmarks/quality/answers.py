"""
What a tool answers for a set: scored pairs, resolved in one or more ways; standard library only.

An answer is a folder with one CSV for each way (left_id, right_id, score) and answer.json, which
says from what score on the tool itself would link, or null if it leaves that to its user.  The
pairs of a way at a higher threshold are those of a lower one that score at least as much, so one
file serves all thresholds.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

MOST_PAIRS = 100_000  # within one source, about


@dataclass(frozen=True)
class Way:
    """Pairs resolved in some way, the tool's own threshold, and what a score is."""

    pairs: list[tuple[str, str, float]]
    threshold: float | None
    scores: str = "similarity"  # or "log2 odds", or "probability"


def by_score(pairs):
    """Sort pairs: the best first, and equally good ones by their ids."""
    return sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))


def mutual_best(pairs):
    """Keep the pairs in which each record is the other's best partner."""
    best_of_left, best_of_right, ordered = {}, {}, by_score(pairs)
    for left, right, _ in ordered:
        best_of_left.setdefault(left, right)
        best_of_right.setdefault(right, left)
    return [
        pair for pair in ordered if best_of_left[pair[0]] == pair[1] and best_of_right[pair[1]] == pair[0]
    ]


def clusters(pairs):
    """Give all pairs within connected records, each with the lowest score on the best path between them.

    So the pairs that score at least t are those of the components at the threshold t.  Below the
    score at which everything runs together no threshold is worth a look.
    """
    members, found = {}, []
    for one, two, score in by_score(pairs):
        if len(found) > MOST_PAIRS:
            break
        near, far = members.setdefault(one, [one]), members.setdefault(two, [two])
        if near is far:
            continue
        found += [(*sorted((left, right)), score) for left in near for right in far]
        near += far
        members.update(dict.fromkeys(far, near))
    return found


def ways(about, pairs, threshold, scores):
    """Resolve pairs as it suits a set, one-to-one or in clusters within one source; and not at all."""
    if about["kind"] == "link":
        found = {"pairs": pairs, "one-to-one": mutual_best(pairs)}
    else:
        pairs = [(*sorted((one, two)), score) for one, two, score in pairs]
        found = {"pairs": pairs, "clusters": clusters(pairs)}
    return {name: Way(resolved, threshold, scores) for name, resolved in found.items()}


def write_answer(folder, found, **more):
    """Write an answer."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, way in found.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("left_id", "right_id", "score"))
            writer.writerows(by_score(way.pairs))
    said = {name: {"threshold": way.threshold, "scores": way.scores} for name, way in found.items()}
    (folder / "answer.json").write_text(json.dumps({"ways": said} | more, indent=1), encoding="utf-8")


def read_answer(folder):
    """Read an answer: the ways, and what else it says."""
    said = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    found = {}
    for name, way in said.pop("ways").items():
        with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
            pairs = [(row["left_id"], row["right_id"], float(row["score"])) for row in csv.DictReader(stream)]
        found[name] = Way(pairs, way["threshold"], way["scores"])
    return found, said
