"""
Time FPSim2's compiled search with its Dice coefficient, one call for each row of the left side.

Its table is a row number, the words and the popcount, sorted by popcount; its engine makes the
same from a file of fingerprints.  Each row is compared with the rows whose popcounts allow the
threshold, as the engine does.  Threads share out the rows.
"""

import numpy as np
from FPSim2.FPSim2lib import GenericSearch
from measuring import arguments, in_threads, joined, measure, needed, popcounts

DICE, ALL = 1, 0  # its number for the coefficient; no limit to the pairs of a row
PART = 1000


def table(words):
    """Lay out rows as FPSim2 keeps them."""
    counts = popcounts(words)
    order = np.argsort(counts, kind="stable")
    laid_out = np.empty((len(words), words.shape[1] + 2), dtype=np.uint64)
    laid_out[:, 0], laid_out[:, 1:-1], laid_out[:, -1] = order, words[order], counts[order]
    return laid_out


def bounds(need, most, right_counts):
    """Give for each popcount on the left where in the right table its rows start and stop."""
    other = np.arange(most + 1)
    found = {}
    for count in range(most + 1):
        possible = np.flatnonzero(np.minimum(count, other) >= need[count + other])
        ends = (int(possible[0]), int(possible[-1])) if possible.size else (1, 0)
        found[count] = (
            int(np.searchsorted(right_counts, ends[0])),
            int(np.searchsorted(right_counts, ends[1], side="right")),
        )
    return found


def find(sides, threshold, threads):
    """Search with every row of the left."""
    left, right = (table(words) for words in sides)
    n_bits = 64 * sides[0].shape[1]
    window = bounds(needed(n_bits, threshold), n_bits, right[:, -1].astype(np.int64))
    least = float(threshold)

    def search(start):
        rows, columns, scores = [], [], []
        for query in left[start : start + PART]:
            first, stop = window[int(query[-1])]
            if first < stop:
                result = GenericSearch(query, right, least, ALL, DICE, first, stop)
                if result.size:
                    rows.append(np.full(result.size, query[0]))
                    columns.append(result["mol_id"])
                    scores.append(result["coeff"])
        return joined(list(zip(rows, columns, scores, strict=True)), np.uint64, np.uint32, np.float32)

    parts = in_threads(search, range(0, len(left), PART), threads)
    return joined(parts, np.uint64, np.uint32, np.float32)


if __name__ == "__main__":
    measure(arguments(), lambda left, right: (left, right), find)
