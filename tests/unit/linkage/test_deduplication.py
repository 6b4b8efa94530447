"""A source compared with itself: each pair once, and decoys that say how many are false."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pprl.linkage.clustering import Edges, cluster
from pprl.linkage.deduplication import fair_share, filled, link_within, self_evidence
from pprl.linkage.evidence import Evidence
from pprl.linkage.parts import ComparisonOptions, PassRule
from pprl.linkage.results import LinkageResult
from pprl.linkage.several import clusters_of_links, edges_of, sureness
from pprl.model import BitMatrix, CheckTags, Conflicts, EncodedDataset, Links, Provenance


def dataset(rng, n_records, n_decoys=0):
    """Random bits in a fuzzy pass, with neighbours that are alike, and a number that some share."""
    bits = rng.random((n_records, 64)) < 0.5
    for row in range(1, n_records, 3):
        bits[row] = bits[row - 1] ^ (rng.random(64) < 0.05)
    number = np.zeros((n_records, 128), dtype=bool)
    number[np.arange(n_records), rng.integers(1, 4 + n_records, size=n_records) % 128] = True
    known = rng.random(n_records) < 0.8
    number[~known] = False
    decoy = np.arange(n_records) >= n_records - n_decoys
    return EncodedDataset(
        record_ids=np.array([f"r{row}".encode() for row in range(n_records)], dtype="S8"),
        passes={"number": BitMatrix.from_bools(number), "names": BitMatrix.from_bools(bits)},
        present={"number": known, "names": np.ones(n_records, dtype=bool)},
        project="p",
        epoch=1,
        fingerprint="0" * 64,
        check_tags=CheckTags("0" * 32, "0" * 32),
        provenance=Provenance.current(),
        decoy=decoy,
    )


def rules(threshold):
    from decimal import Decimal

    return [PassRule("number", threshold=None), PassRule("names", threshold=Decimal(threshold))]


def found_slowly(data, threshold):
    """The pairs that have an equal number or reach the threshold, one by one."""
    found = {}
    bits, numbers = data.passes["names"].to_bools(), data.passes["number"].to_bools()
    for left in range(len(data)):
        for right in range(left + 1, len(data)):
            if data.decoy[left] or data.decoy[right]:
                continue
            both = data.present["number"][left] and data.present["number"][right]
            dice = 2 * (bits[left] & bits[right]).sum() / (bits[left].sum() + bits[right].sum())
            if both and (numbers[left] == numbers[right]).all():
                found[left, right] = "number"
            elif dice >= threshold:
                found[left, right] = "names"
    return found


@given(st.integers(0, 2**32 - 1), st.integers(2, 24), st.integers(0, 4))
def test_pairs_within_are_those_of_a_plain_loop(seed, n_records, n_decoys):
    """Each once, left before right, none of a decoy, by the first pass that has it."""
    data = dataset(np.random.default_rng(seed), n_records, min(n_decoys, n_records))

    links = link_within(data, rules("0.75"), ComparisonOptions()).links

    pairs = zip(links.left.tolist(), links.right.tolist(), strict=True)
    assert found_slowly(data, 0.75) == dict(zip(pairs, links.decided_by, strict=True))


@given(st.integers(0, 2**32 - 1), st.integers(0, 30))
def test_no_record_meets_itself_and_no_pair_twice(seed, n_records):
    """The evidence has each pair once, left before right."""
    data = dataset(np.random.default_rng(seed), n_records)

    evidence = self_evidence(data, rules("0.75"), ComparisonOptions())

    assert (evidence.left < evidence.right).all()
    pairs = set(zip(evidence.left.tolist(), evidence.right.tolist(), strict=True))
    assert len(evidence) == len(pairs)


def test_an_exact_pass_that_refuses_leaves_no_pair_that_differs():
    """Two numbers that are known and differ are two people."""
    data = dataset(np.random.default_rng(3), 40)
    refusing = [PassRule("number", threshold=None, refuses=True), rules("0.75")[1]]

    links = link_within(data, refusing, ComparisonOptions()).links

    known = data.present["number"]
    both = known[links.left] & known[links.right]
    numbers = data.passes["number"].words
    assert both.any()
    assert (numbers[links.left[both]] == numbers[links.right[both]]).all()


def test_an_absent_pass_says_a_little_less_than_the_others():
    """Units are standard deviations of unrelated pairs; one of two passes counts with the root of a half."""
    rows = np.arange(3)
    chance = Evidence(rows, rows, {"a": np.array([0.0, 0.1, 0.2]), "b": np.array([0.4, 0.5, 0.6])}, {}, ())
    held = {"a": np.array([0.9, np.nan, 0.5]), "b": np.array([np.nan, np.nan, 0.7])}

    whole = filled(Evidence(rows, rows, held, {}, ()), chance).likeness

    spread = np.std([0.0, 0.1, 0.2])
    assert np.allclose([0.9, 0.1, 0.5], whole["a"])
    assert np.allclose([0.5 + spread * (0.8 / spread) * np.sqrt(0.5), 0.5, 0.7], whole["b"])


def links(left, right, probability, **once):
    ids = np.array([b"x"] * len(left), dtype="S1")
    columns = (np.array(left, dtype=np.int64), np.array(right, dtype=np.int64), ids, ids)
    return Links(*columns, np.ones(len(left)), ("p",) * len(left), np.array(probability), **once)


def result(found):
    nothing = np.empty(0, dtype=np.int64)
    empty = Conflicts(nothing, nothing, found.left_ids[:0], found.left_ids[:0], np.empty(0), (), np.empty(0))
    return LinkageResult(found, empty, (), 1, 1, "0" * 64, Provenance.current())


def test_all_links_of_two_parties_are_honoured():
    """Also those that are likely false by themselves, and chains of a many-to-many linkage."""
    data = dataset(np.random.default_rng(1), 4, 1)
    chain = links([0, 1, 1], [0, 0, 2], [0.4, 0.9, 0.2], left_once=False, right_once=False)

    clusters = clusters_of_links(("a", "b"), (data, data), chain)

    assert [0, 0, 1, 0, 2, 0] == clusters.label.tolist()
    assert (False, False) == clusters.deduplicated


def test_a_record_is_as_sure_as_its_best_link_into_its_cluster():
    """A link that leads out of the cluster does not count, and who is alone has none."""
    found = links([0, 1], [0, 1], [0.9, 0.6])
    clusters = cluster(
        ["a", "b"],
        [3, 2],
        [Edges(0, 1, np.array([0]), np.array([0]), np.array([0.9]))],
        deduplicated=[True, True],
    )

    sure = sureness(clusters, {("a", "b"): result(found)})

    assert [0.9, 0.9] == sure[~np.isnan(sure)].tolist()
    assert [0, 3] == np.flatnonzero(~np.isnan(sure)).tolist()


def test_a_link_of_unknown_probability_is_taken_for_likely():
    """Links by thresholds have none."""
    assert [0.99, 0.7] == edges_of(0, 1, links([0, 1], [0, 1], [np.nan, 0.7])).probability.tolist()


def share_slowly(real, scale):
    """The same in a loop over blocks of 100, 200, 400, ... pairs with decoys, from the least alike up."""
    blocks, number, seen = [[0, 0]], 0, 0
    for one in real:
        if not one:
            seen += 1
        if seen > 100 * (2 ** (number + 1) - 1):
            number += 1
            blocks.append([0, 0])
        blocks[number][0 if one else 1] += 1
    least, shares = 1.0, []
    for n_real, n_decoys in reversed(blocks):
        least = min(least, (n_real + 1) / max(n_decoys * scale, scale))
        shares += [least] * (n_real + n_decoys)
    return shares[::-1]


@given(st.integers(0, 2**32 - 1), st.integers(1, 1500), st.floats(0.05, 0.95), st.floats(0.01, 3))
def test_the_fair_share_is_that_of_a_plain_loop(seed, n_pairs, likely, scale):
    """And does not rise with likeness."""
    real = np.random.default_rng(seed).random(n_pairs) < likely

    share = fair_share(real, scale)

    assert np.allclose(share_slowly(real.tolist(), scale), share)
    assert (np.diff(share) >= 0).all()
