"""
Time numkong's packed Hamming distances, tile after tile, each compared with a bound in NumPy.

Both sides are sorted by popcount and cut into tiles that stay in a level-2 cache; the bound
of a tile is (1 - t) times the sum of its greatest popcounts, and what is within it is tested once
more, exactly.  Tiles whose popcounts are too far apart are not computed.  Threads share out
the left side.
"""

import numkong
import numpy as np
from measuring import arguments, in_threads, joined, measure, needed, popcounts

QUERIES, ROWS = 64, 2048  # rows of a tile, left and right


def find(sides, threshold, threads):
    """Compute every tile."""
    n_bits = 64 * sides[0].shape[1]
    need = needed(n_bits, threshold)
    (left, left_order, a), (right, right_order, b) = (in_order(words) for words in sides)
    packed = [
        numkong.hammings_pack(right[start : start + ROWS], dtype="uint1")
        for start in range(0, len(right), ROWS)
    ]
    step = -(-len(left) // (4 * threads)) if threads > 1 else len(left)

    def search(part):
        found = []
        for place, block in enumerate(packed):
            start = place * ROWS
            others = b[start : start + ROWS]
            full = numkong.empty((QUERIES, len(others)), dtype="uint32")
            for first in range(part, min(part + step, len(left)), QUERIES):
                stop = min(first + QUERIES, part + step, len(left))
                if min(a[stop - 1], others[-1]) < need[a[first] + others[0]]:
                    continue
                n = stop - first
                out = full if n == QUERIES else numkong.empty((n, len(others)), dtype="uint32")
                numkong.hammings_packed(left[first:stop], block, out=out)
                distance = np.asarray(out)
                bound = int((1 - threshold) * int(a[stop - 1] + others[-1]))
                near = np.flatnonzero(distance <= bound)
                if near.size:
                    row, column = np.divmod(near, len(others))
                    sums = a[first + row] + others[column]
                    overlap = (sums - distance.ravel()[near]) // 2
                    kept = overlap >= need[sums]
                    found.append(
                        (
                            left_order[first + row[kept]],
                            right_order[start + column[kept]],
                            2 * overlap[kept] / sums[kept],
                        )
                    )
        return joined(found, np.int64, np.int64, np.float64)

    return joined(in_threads(search, range(0, len(left), step), threads), np.int64, np.int64, np.float64)


def in_order(words):
    """Give the rows sorted by popcount as bytes, which rows they are, and their popcounts."""
    counts = popcounts(words)
    order = np.argsort(counts, kind="stable")
    return words[order].view(np.uint8), order, counts[order]


if __name__ == "__main__":
    measure(arguments(), lambda left, right: (left, right), find)
