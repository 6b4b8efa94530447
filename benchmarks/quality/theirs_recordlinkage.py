"""
Link a set in clear with the Python Record Linkage Toolkit: its ECM classifier, which needs no truth.

    python theirs_recordlinkage.py SET_FOLDER ANSWER_FOLDER
"""

import sys

import numpy as np
import pandas as pd
import recordlinkage
from answers import ways, write_answer
from recordlinkage.index import Block, Random, SortedNeighbourhood
from tidying import read_set

EVEN_ODDS = 0.0
LEAST = -20.0  # of the log2 odds, of pairs that are kept
RANDOM_PAIRS = 200_000

# For each preset: pairs that are looked at (equal in these columns, or neighbours in the order of
# the first and equal in the others), and how fields are compared: from what Jaro-Winkler or
# Damerau-Levenshtein similarity on they agree.
MODELS = {
    "uk-health": {
        "blocks": (
            ["health_number"],
            ["given_name", "family_name"],
            ["family_name", "date_of_birth"],
            ["given_name", "date_of_birth"],
            ["postcode", "date_of_birth"],
            ["family_name", "postcode"],
            ["given_name", "postcode"],
            ["date_of_birth", "sex"],
            ["family_name", "year_of_birth", "initial"],
            ["given_name", "sex", "month_of_birth"],
        ),
        "neighbours": (("family_name", ["month_of_birth"]), ("given_name", ["month_of_birth"])),
        "compare": {
            "given_name": ("jarowinkler", 0.88),
            "family_name": ("jarowinkler", 0.88),
            "date_of_birth": None,
            "sex": None,
            "postcode": None,
            "health_number": ("damerau_levenshtein", 0.85),
        },
    },
    "febrl": {
        "blocks": (
            ["given_name", "surname"],
            ["surname", "date_of_birth"],
            ["given_name", "date_of_birth"],
            ["date_of_birth"],
            ["surname", "postcode"],
            ["given_name", "postcode"],
            ["address_1"],
            ["surname", "suburb"],
            ["given_name", "suburb"],
            ["suburb", "postcode"],
        ),
        "neighbours": (("surname", ["month_of_birth"]), ("given_name", ["month_of_birth"])),
        "compare": {
            "given_name": ("jarowinkler", 0.88),
            "surname": ("jarowinkler", 0.88),
            "date_of_birth": ("damerau_levenshtein", 0.85),
            "address_1": ("jarowinkler", 0.85),
            "suburb": ("jarowinkler", 0.88),
            "postcode": ("damerau_levenshtein", 0.74),
            "state": None,
        },
    },
}

FORMER = (
    ("family_name", "previous_family_name"),
    ("previous_family_name", "family_name"),
    ("previous_family_name", "previous_family_name"),
)


def frame(table):
    """Make a frame: what is not known is missing; keys for blocks beside it."""
    made = pd.DataFrame(table).set_index("record_id").replace("", None)
    made["year_of_birth"] = made["date_of_birth"].str[:4]
    made["month_of_birth"] = made["date_of_birth"].str[:7]
    made["initial"] = made["given_name"].str[:1]
    return made


def candidates(frames, model, fields):
    """Give the pairs that are looked at."""
    indexer = recordlinkage.Index()
    known = {*fields, "year_of_birth", "month_of_birth", "initial"}
    indexer.add([Block(on) for on in model["blocks"] if known.issuperset(on)])
    indexer.add([SortedNeighbourhood(on, block_on=block, window=5) for on, block in model["neighbours"]])
    return indexer.index(*frames)


def random_pairs(frames):
    """Draw pairs at random: trained on pairs that share a key alone, it takes relatives for one person."""
    indexer = recordlinkage.Index()
    indexer.add(Random(RANDOM_PAIRS, random_state=1))
    pairs = indexer.index(*frames)
    return pairs[pairs.get_level_values(0) != pairs.get_level_values(1)]


def compared(frames, pairs, model, fields):
    """Say of each pair in which fields it agrees."""
    comparing = recordlinkage.Compare()
    for field, rule in model["compare"].items():
        if field not in fields:
            continue
        if rule is None:
            comparing.exact(field, field, label=field)
        else:
            comparing.string(field, field, method=rule[0], threshold=rule[1], label=field)
    if "previous_family_name" in fields:
        for number, (one, two) in enumerate(FORMER):
            comparing.exact(one, two, label=f"former{number}")
    found = comparing.compute(pairs, *frames)
    if "previous_family_name" in fields:
        former = [f"former{number}" for number in range(len(FORMER))]
        found["family_name"] = found[["family_name", *former]].max(axis=1)
        found = found.drop(columns=former)
    return found.astype(int)


def log2_odds(vectors, training):
    """Train the classifier, and give the logarithm of the odds of each pair."""
    classifier = recordlinkage.ECMClassifier()
    classifier.fit(training)
    odds = np.full(len(vectors), classifier.log_p - np.log1p(-classifier.p))
    for field, weights in classifier.log_weights.items():
        odds += vectors[field].map(weights).to_numpy(dtype=float)
    return odds / np.log(2)


def main(set_folder, answer_folder):
    """Link and write the answer."""
    about, tables = read_set(set_folder)
    model, fields = MODELS[about["preset"]], set(about["fields"])
    frames = [frame(table) for table in tables]
    pairs = candidates(frames, model, fields)
    vectors = compared(frames, pairs, model, fields)
    odds = log2_odds(vectors, pd.concat([vectors, compared(frames, random_pairs(frames), model, fields)]))
    scored = [(*pairs[place], float(odds[place])) for place in np.flatnonzero(odds >= LEAST)]
    answer = ways(about, scored, EVEN_ODDS, "log2 odds")
    write_answer(answer_folder, answer, version=f"recordlinkage {recordlinkage.__version__}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
