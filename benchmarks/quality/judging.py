"""
Hold an answer against the truth: counts for all people and by group, and the best threshold.
"""

import csv
from dataclasses import dataclass
from math import exp, log

from pprl.evaluation import LinkageQuality, linkage_quality

EVERYBODY, OTHERS = "everybody", "others"


@dataclass(frozen=True)
class Truth:
    """True pairs of a set, and the groups that left records are in."""

    pairs: frozenset[tuple[str, str]]
    groups: dict[str, frozenset[str]]


def read_truth(folder):
    """Read the truth of a set; `others` are the people who are in no group."""
    with (folder / "truth.csv").open(newline="", encoding="utf-8") as stream:
        pairs = frozenset((row["left_id"], row["right_id"]) for row in csv.DictReader(stream))
    with (folder / "groups.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    names = [name for name in rows[0] if name != "record_id"]
    groups = {name: frozenset(row["record_id"] for row in rows if row[name] == "1") for name in names}
    if groups:
        groups[OTHERS] = frozenset(row["record_id"] for row in rows) - frozenset().union(*groups.values())
    return Truth(pairs, groups)


def at(pairs, threshold):
    """Give the links at a threshold; None takes them all."""
    return [(left, right) for left, right, score in pairs if threshold is None or score >= threshold]


def judge(links, truth):
    """Count for everybody, and for each group the links and true pairs of its left records."""
    found = {EVERYBODY: linkage_quality(links, truth.pairs)}
    for name, members in truth.groups.items():
        found[name] = linkage_quality(
            [link for link in links if link[0] in members],
            [pair for pair in truth.pairs if pair[0] in members],
        )
    return found


def best_threshold(pairs, truth, low=None, high=None):
    """Give the threshold between low and high with the best F1, chosen with the truth."""
    best, threshold, right, ordered = -1.0, high, 0, sorted(pairs, key=lambda pair: -pair[2])
    for place, (one, two, score) in enumerate(ordered):
        right += (one, two) in truth.pairs
        is_last = place + 1 == len(ordered) or ordered[place + 1][2] < score
        if is_last and (low is None or score >= low):
            f1 = LinkageQuality(right, place + 1 - right, len(truth.pairs) - right).f1 or 0.0
            if f1 > best and (high is None or score <= high):
                best, threshold = f1, score
    return threshold


PROBABILITY = {
    "log2 odds": lambda score: 1 / (1 + exp(-max(min(score, 500.0), -500.0) * log(2))),
    "probability": lambda score: score,
}


def said_precision(way, threshold):
    """Give the precision that a tool itself expects of its links: the mean of their probabilities."""
    linked = [score for _, _, score in way.pairs if threshold is None or score >= threshold]
    if way.scores not in PROBABILITY or not linked:
        return None
    return sum(map(PROBABILITY[way.scores], linked)) / len(linked)
