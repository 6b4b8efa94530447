"""
Assigning: the one-to-one pairs with the highest total weight.

Pairs that outweigh their alternatives are taken first; what is left falls into components,
each solved by itself (Jonker & Volgenant 1987, by SciPy).  Where several assignments are
best, the pairs that belong to all of them are told from those that belong to some.
"""

from dataclasses import dataclass

import numpy as np

from pprl.model.arrays import Mask, Rows, Scores

Ends = tuple[Rows, Rows]  # for each pair its records, numbered from 0 on each side
Sizes = tuple[int, int]  # records on each side

_MOST_CELLS = 1_000_000  # of a dense table of weights: 8 MB, and as much again while it is solved
_SLACK = 1e-9  # totals that differ by less are equal


def best_assignment(ends: Ends, sizes: Sizes, weight: Scores) -> Mask:
    """Find one assignment with the best total weight."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    chosen = np.zeros(weight.size, dtype=np.bool_)
    rest = _take_dominant(ends, sizes, weight, chosen)
    if not rest.size:
        return chosen
    left, right = (end[rest] for end in ends)
    n_nodes = sum(sizes)
    graph = coo_array((np.ones(rest.size), (left, sizes[0] + right)), shape=(n_nodes, n_nodes))
    component = connected_components(graph, directed=False)[1][left]
    order = np.argsort(component, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(component[order])) + 1):
        chosen[rest[part]] = _solved(left[part], right[part], weight[rest[part]])
    return chosen


def _take_dominant(ends: Ends, sizes: Sizes, weight: Scores, chosen: Mask) -> Rows:
    """Choose each pair that outweighs the best alternatives of its ends together; give the rest."""
    left = np.arange(weight.size)
    while left.size:
        take = np.ones(left.size, dtype=np.bool_)
        alternatives = np.zeros(left.size)
        for whole, size in zip(ends, sizes, strict=True):
            end = whole[left]
            is_first = _is_first(end, size)
            take &= is_first
            alternatives += first_of_each(end[~is_first], weight[left[~is_first]], size, 0.0)[end]
        take &= weight[left] >= alternatives
        if not take.any():
            break
        chosen[left[take]] = True
        gone = np.zeros(left.size, dtype=np.bool_)
        for whole, size in zip(ends, sizes, strict=True):
            gone |= np.bincount(whole[left[take]], minlength=size)[whole[left]] > 0
        left = left[~gone]
    return left


def _solved(left: Rows, right: Rows, weight: Scores) -> Mask:
    """Solve one component: say which of its pairs are chosen."""
    rows, i = np.unique(left, return_inverse=True)
    columns, j = np.unique(right, return_inverse=True)
    solve = _solved_dense if rows.size * columns.size <= _MOST_CELLS else _solved_sparse
    partner = solve(i, j, weight, (rows.size, columns.size))
    return np.asarray(partner[i] == j)


def _solved_dense(left: Rows, right: Rows, weight: Scores, sizes: Sizes) -> Rows:
    """Give the partner of each left record; one that is no pair stands for none."""
    from scipy.optimize import linear_sum_assignment

    table = np.zeros(sizes)
    table[left, right] = weight
    row, column = linear_sum_assignment(table, maximize=True)
    partner = np.full(sizes[0], -1)
    partner[row] = column
    return partner


def _solved_sparse(left: Rows, right: Rows, weight: Scores, sizes: Sizes) -> Rows:
    """Do the same in the memory that the pairs take.

    Each left record may stay alone, with a column of its own.  All weights are one higher,
    for a sparse table cannot hold a zero.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    alone = np.arange(sizes[0])
    entries = np.concatenate([weight + 1, np.ones(alone.size)])
    places = np.concatenate([left, alone]), np.concatenate([right, sizes[1] + alone])
    table = coo_array((entries, places), shape=(sizes[0], sizes[1] + sizes[0])).tocsr()
    row, column = min_weight_full_bipartite_matching(table, maximize=True)
    partner = np.full(sizes[0], -1)
    partner[row] = column
    return partner


def in_all_and_in_some(ends: Ends, sizes: Sizes, weight: Scores, chosen: Mask) -> tuple[Mask, Mask]:
    """Say which pairs belong to every best assignment, and which to some only.

    Two assignments differ by closed walks, each of which moves right records from one left
    record to the next.  With prices from shortest paths, a walk that costs nothing has
    only steps that cost nothing, so it stays in one strong component of these steps.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    moves = _Moves.of(ends, sizes, weight, chosen)
    price = _shortest(moves)
    tight = price[moves.tail] + moves.cost - price[moves.head] <= _SLACK
    tail, head = moves.tail[tight], moves.head[tight]
    graph = coo_array((np.ones(tail.size), (tail, head)), shape=(moves.n_nodes, moves.n_nodes))
    component = connected_components(graph, directed=True, connection="strong")[1]
    moving = np.bincount(component)[component[: int(chosen.sum())]] > 1
    sure, tied = chosen.copy(), np.zeros_like(chosen)
    sure[chosen], tied[chosen] = ~moving, moving
    n_others = int((~chosen).sum())
    tied[~chosen] = (tight & (component[moves.tail] == component[moves.head]))[:n_others]
    return sure, tied


@dataclass(frozen=True, slots=True, eq=False)
class _Moves:
    """Ways to change an assignment, a step at a time, and what each costs.

    The nodes are the chosen pairs, then the records that are alone, then nobody.  A step
    from one node to the next gives the left record of the first the right record of the
    second.  First come the steps by pairs that are not chosen, in their order.
    """

    tail: Rows
    head: Rows
    cost: Scores
    n_nodes: int

    @classmethod
    def of(cls, ends: Ends, sizes: Sizes, weight: Scores, chosen: Mask) -> "_Moves":
        pairs = np.arange(int(chosen.sum()))
        nobody = pairs.size + sum(sizes)
        nodes = np.split(np.arange(pairs.size, nobody), [sizes[0]])
        for node, end in zip(nodes, ends, strict=True):
            node[end[chosen]] = pairs
        alone = [node[node >= pairs.size] for node in nodes]
        held = np.zeros(sizes[1])
        held[ends[1][chosen]] = weight[chosen]
        left, right = (end[~chosen] for end in ends)
        starts, ends_here = np.concatenate([pairs, alone[0]]), np.concatenate([pairs, alone[1]])
        return cls(
            tail=np.concatenate([nodes[0][left], np.full(starts.size, nobody), ends_here]),
            head=np.concatenate([nodes[1][right], starts, np.full(ends_here.size, nobody)]),
            cost=np.concatenate(
                [
                    held[right] - weight[~chosen],
                    weight[chosen],
                    np.zeros(alone[0].size + ends_here.size),
                ]
            ),
            n_nodes=nobody + 1,
        )


def _shortest(moves: _Moves) -> Scores:
    """Give the length of the shortest path from nobody to each node (Bellman & Ford)."""
    length = np.full(moves.n_nodes, np.inf)
    length[-1] = 0.0
    while True:
        shorter = length.copy()
        np.minimum.at(shorter, moves.head, length[moves.tail] + moves.cost)
        # Rounding may make a circle seem to gain a little, for ever.
        if not (shorter < length - _SLACK / 1000).any():
            return length
        length = shorter


def first_of_each(end: Rows, values: Scores, size: int, otherwise: float) -> Scores:
    """Give for each record the value of its first pair."""
    first = np.full(size, otherwise)
    first[end[::-1]] = values[::-1]  # where a record repeats, the last write stays
    return first


def _is_first(end: Rows, size: int) -> Mask:
    """Say which pairs are the first of their record."""
    first = np.empty(size, dtype=np.int64)
    first[end[::-1]] = np.arange(end.size)[::-1]
    return np.asarray(first[end] == np.arange(end.size))
