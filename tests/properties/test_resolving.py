"""Resolving, for any pairs: each method equals its slow twin, and none tosses a coin."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pprl.linkage import assigning, resolving
from pprl.linkage.resolving import resolve

ENDS = {
    "one-to-one": (0, 1),
    "one-to-many": (1,),
    "many-to-one": (0,),
    "many-to-many": (),
}


def resolved(pairs, **options):
    """Resolve a dictionary (left, right) -> score; give linked and conflicting pairs in their order."""
    keys = list(pairs)
    left, right = (np.array([key[side] for key in keys], dtype=np.int64) for side in (0, 1))
    answer = resolve(left, right, np.array(list(pairs.values()), dtype=np.float64), **options)
    return [keys[i] for i in answer.linked], [keys[i] for i in answer.conflicting]


def in_order(pairs, chosen):
    """Sort chosen pairs by the total order."""
    return sorted(chosen, key=lambda pair: (-pairs[pair], pair))


def is_near(best, score, margin):
    """Whether a pair is not ahead of another."""
    return best == score or best - score < margin


def best_matches_by_hand(pairs, ends, margin):
    """The slow twin of symmetric best match."""

    def best(pair, end):
        return max(score for other, score in pairs.items() if other[end] == pair[end])

    near = [p for p in pairs if all(is_near(best(p, end), pairs[p], margin) for end in ends)]
    alone = {p for p in near if not any(q != p and q[end] == p[end] for q in near for end in ends)}
    mutual = {p for p in alone if all(best(p, end) == pairs[p] for end in ends)}
    return in_order(pairs, mutual), in_order(pairs, set(near) - alone)


def greedy_by_hand(pairs, ends, margin):
    """The slow twin of greedy: one pair after the other, the best first."""
    linked, listed, settled = set(), set(), set()

    def open_ends(pair):
        mine = [(end, pair[end]) for end in ends]
        free = [record for record in mine if record not in settled]
        return free if pair in listed or len(free) == len(mine) else []

    for pair in in_order(pairs, pairs):
        mine = open_ends(pair)
        if not mine and ends:
            continue
        rivals = {
            other
            for other in pairs
            if other != pair
            and is_near(pairs[pair], pairs[other], margin)
            and set(open_ends(other)) & set(mine)
        }
        if pair in listed or rivals:
            listed |= rivals | {pair}
        else:
            linked.add(pair)
        settled |= set(mine)
    return in_order(pairs, linked), in_order(pairs, listed)


def sequential_greedy(pairs):
    """Greedy where no two scores are equal."""
    linked, used = [], set()
    for left, right in in_order(pairs, pairs):
        if not {(0, left), (1, right)} & used:
            linked.append((left, right))
            used |= {(0, left), (1, right)}
    return linked


def best_assignments(pairs):
    """Every assignment with the best total, by looking at all of them."""
    lowest, span = min(pairs.values()), (max(pairs.values()) - min(pairs.values())) or 1.0
    weight = {pair: (score - lowest) / span + 1e-6 for pair, score in pairs.items()}
    kept = [frozenset()]
    for pair in pairs:
        kept += [one | {pair} for one in kept if not any(pair[0] == q[0] or pair[1] == q[1] for q in one)]
    totals = [sum(weight[pair] for pair in one) for one in kept]
    return [one for one, total in zip(kept, totals, strict=True) if total > max(totals) - 1e-9]


def optimal_by_hand(pairs, margin):
    """The slow twin of the best total."""
    best = best_assignments(pairs) if pairs else [frozenset()]
    sure = frozenset.intersection(*best)
    conflicting = frozenset.union(*best) - sure
    for pair, score in pairs.items():
        beside = [q for q in sure if q[0] == pair[0] or q[1] == pair[1]]
        if margin and pair not in sure and beside and all(pairs[q] - score < margin for q in beside):
            conflicting |= {pair, *beside}
    return in_order(pairs, sure - conflicting), in_order(pairs, conflicting)


records = st.tuples(st.integers(0, 6), st.integers(0, 6))
tied_scores = st.sampled_from([-3.0, -1.0, 0.5, 1.0, 1.5, 2.0, 4.0])
tied_pairs = st.dictionaries(records, tied_scores, max_size=24)
few_pairs = st.dictionaries(st.tuples(st.integers(0, 4), st.integers(0, 4)), tied_scores, max_size=11)
margins = st.sampled_from([0.0, 0.5, 1.0, 2.5])
cardinalities = st.sampled_from(sorted(ENDS))
any_options = st.one_of(
    st.fixed_dictionaries(
        {
            "method": st.sampled_from(["symmetric-best-match", "greedy"]),
            "cardinality": cardinalities,
            "margin": margins,
        }
    ),
    st.fixed_dictionaries({"method": st.just("optimal"), "margin": margins}),
)


@given(tied_pairs, cardinalities, margins)
def test_symmetric_best_match_equals_the_slow_twin(pairs, cardinality, margin):
    """With many ties, any cardinality and margin."""
    expected = best_matches_by_hand(pairs, ENDS[cardinality], margin)

    assert expected == resolved(pairs, cardinality=cardinality, margin=margin)


@settings(max_examples=400)
@given(tied_pairs, cardinalities, margins)
def test_greedy_equals_the_slow_twin(pairs, cardinality, margin):
    """Rounds of all pairs whose turn it is give what one pair after the other gives."""
    expected = greedy_by_hand(pairs, ENDS[cardinality], margin)

    assert expected == resolved(pairs, method="greedy", cardinality=cardinality, margin=margin)


@settings(max_examples=300)
@given(tied_pairs, margins, st.sampled_from([0.0, 0.5, 2.0]))
def test_greedy_in_a_loop_equals_greedy_in_rounds(pairs, margin, slow):
    """From whatever round on the loop takes over."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resolving, "_SLOW_ROUND", slow)
        found = resolved(pairs, method="greedy", margin=margin)

    assert greedy_by_hand(pairs, ENDS["one-to-one"], margin) == found


@given(st.lists(records, unique=True, max_size=40))
def test_greedy_without_ties_takes_what_is_free(ordered):
    """No score twice, so nothing is in conflict."""
    pairs = {pair: float(-place) for place, pair in enumerate(ordered)}

    assert (sequential_greedy(pairs), []) == resolved(pairs, method="greedy")


@settings(max_examples=300)
@given(few_pairs, margins)
def test_optimal_equals_brute_force(pairs, margin):
    """Linked is what all best assignments share; what only some have is in conflict."""
    assert optimal_by_hand(pairs, margin) == resolved(pairs, method="optimal", margin=margin)


@given(st.integers(0, 2**32 - 1))
def test_large_components_are_solved_as_small_ones(seed):
    """The sparse matching finds the same total as the dense one."""
    rng = np.random.default_rng(seed)
    cells = rng.permutation(12 * 10)[: rng.integers(1, 60)]
    ends = np.unique(cells // 10, return_inverse=True)[1], np.unique(cells % 10, return_inverse=True)[1]
    weight = rng.integers(1, 9, cells.size) / 8
    dense = assigning._solved(*ends, weight)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assigning, "_MOST_CELLS", 0)
        sparse = assigning._solved(*ends, weight)

    assert weight[dense].sum() == pytest.approx(weight[sparse].sum())


@given(tied_pairs, any_options, st.randoms(use_true_random=False))
def test_the_order_of_the_pairs_does_not_matter(pairs, options, random):
    """However the work was shared out."""
    shuffled = list(pairs.items())
    random.shuffle(shuffled)

    assert resolved(pairs, **options) == resolved(dict(shuffled), **options)


@given(tied_pairs, any_options)
def test_no_record_has_more_partners_than_it_may(pairs, options):
    """Nor is a pair linked and in conflict."""
    linked, conflicting = resolved(pairs, **options)

    for end in ENDS[options.get("cardinality", "one-to-one")]:
        assert len({pair[end] for pair in linked}) == len(linked)
    assert not set(linked) & set(conflicting)


@given(tied_pairs, cardinalities, margins, margins)
def test_a_larger_margin_never_adds_links(pairs, cardinality, one, two):
    """For symmetric best match."""
    narrow, wide = (
        set(resolved(pairs, cardinality=cardinality, margin=margin)[0]) for margin in sorted((one, two))
    )

    assert wide <= narrow


@given(few_pairs, margins, margins)
def test_a_larger_margin_never_adds_links_to_the_best_total(pairs, one, two):
    """The margin is asked of the pairs that were chosen without it."""
    narrow, wide = (set(resolved(pairs, method="optimal", margin=margin)[0]) for margin in sorted((one, two)))

    assert wide <= narrow


@given(tied_pairs, st.sampled_from(["symmetric-best-match", "greedy", "optimal"]))
def test_swapping_the_sides_swaps_the_links(pairs, method):
    """Neither side is preferred."""
    swapped = {(right, left): score for (left, right), score in pairs.items()}
    expected = [{(right, left) for left, right in part} for part in resolved(pairs, method=method)]

    assert expected == [set(part) for part in resolved(swapped, method=method)]


def test_all_orders_of_a_ring_of_ties_are_one_conflict():
    """Six equal pairs in a ring: two assignments are best, so no pair is sure."""
    ring = {(0, 0): 1.0, (0, 1): 1.0, (1, 1): 1.0, (1, 2): 1.0, (2, 2): 1.0, (2, 0): 1.0}

    answers = {
        tuple(map(tuple, resolved(dict(order), method="optimal")))
        for order in itertools.islice(itertools.permutations(ring.items()), 0, 720, 60)
    }

    assert {((), tuple(sorted(ring)))} == answers
