"""
Time FAISS's exhaustive binary index, a Hamming radius for each part of both sides.

Dice reaches t if and only if the Hamming distance is at most (1 - t)(|a| + |b|).  Both sides are
sorted by popcount and cut into parts; a part of the right side is an IndexBinaryFlat, a part
of the left its queries, and the radius that of their greatest popcounts.  Parts whose popcounts
are too far apart are not searched.  What comes back is tested once more, exactly.
"""

import faiss
import numpy as np
from measuring import arguments, joined, measure, needed, popcounts

QUERIES, ROWS = 2048, 4096  # rows in a part, left and right


class Side:
    """The rows of one side in order of their popcounts."""

    def __init__(self, words):
        counts = popcounts(words)
        order = np.argsort(counts, kind="stable")
        self.words, self.order, self.counts = words, order, counts[order]

    def parts(self, size):
        """Cut into parts of rows: which they are, their popcounts, and their bytes."""
        for start in range(0, len(self.order), size):
            rows = self.order[start : start + size]
            yield rows, self.counts[start : start + size], self.words[rows].view(np.uint8)


def find(sides, threshold, threads):
    """Search every part of the left in every part of the right."""
    faiss.omp_set_num_threads(threads)
    n_bits = 64 * sides[0].shape[1]
    need = needed(n_bits, threshold)
    left, right = (Side(words) for words in sides)
    found = []
    for columns, b, members in right.parts(ROWS):
        index = faiss.IndexBinaryFlat(n_bits)
        index.add(members)
        for rows, a, queries in left.parts(QUERIES):
            if min(a[-1], b[-1]) >= need[a[0] + b[0]]:
                radius = int((1 - threshold) * int(a[-1] + b[-1])) + 1  # FAISS wants less than the radius
                query, at, score = kept(index.range_search(queries, radius), a, b, need)
                found.append((rows[query], columns[at], score))
    return joined(found, np.int64, np.int64, np.float64)


def kept(result, a, b, need):
    """Keep what reaches the threshold exactly: the query, what it found, and the score."""
    limits, distances, at = result
    query = np.repeat(np.arange(len(a)), np.diff(limits.astype(np.int64)))
    sums = a[query] + b[at]
    overlap = (sums - distances.astype(np.int64)) // 2
    reaches = overlap >= need[sums]
    return query[reaches], at[reaches], 2 * overlap[reaches] / sums[reaches]


if __name__ == "__main__":
    measure(arguments(), lambda left, right: (left, right), find)
