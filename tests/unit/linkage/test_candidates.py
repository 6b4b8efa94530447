"""Linking by shared tags, and from a checkpoint: less is looked at, and what is missed is told."""

import numpy as np
import pytest

from pprl.errors import PolicyError, UsageError
from pprl.linkage import PassRule, forget_checkpoint, link_datasets
from pprl.model import BitMatrix, CheckTags, EncodedDataset, Provenance

RULES = [PassRule("names", "0.9"), PassRule("places", "0.9")]
N = 300


def dataset(prefix, *, seed, with_tags=True):
    """Rows of 200 bits; row i is the same on every side in both passes, and its tag is i + 1 in one table."""
    rng = np.random.default_rng(1)
    bits = {name: rng.random((N, 200)) < 0.4 for name in ("names", "places")}
    flips = np.random.default_rng(seed).random((N, 200)) < 0.002
    tags = np.column_stack([np.arange(1, N + 1), np.full(N, 7)]).astype(np.uint32)
    tags[::3] = 0
    tags[1::3, 1] = 0
    return EncodedDataset(
        record_ids=np.array([f"{prefix}{i}".encode() for i in range(N)]),
        passes={name: BitMatrix.from_bools(one ^ flips) for name, one in bits.items()},
        present={name: np.ones(N, dtype=np.bool_) for name in bits},
        project="study",
        epoch=1,
        fingerprint="0" * 64,
        check_tags=CheckTags(key="a" * 32, encoder="b" * 32),
        provenance=Provenance(software="test 1", unicode_version="14.0.0"),
        tags={"names": tags} if with_tags else {},
    )


@pytest.fixture
def sides():
    return dataset("a", seed=2), dataset("b", seed=3)


def linked(result):
    return list(zip(result.links.left_ids.tolist(), result.links.decided_by, strict=True))


def test_a_pass_with_tags_looks_at_those_that_share_one(sides):
    """A third of the records has no tag, and is found by the pass that looks at all pairs."""
    result = link_datasets(*sides, RULES, candidates="shared-tags")

    names, places = result.counts
    assert (names.candidates, places.candidates) == ("shared-tags", "all-pairs")
    assert (names.n_links, places.n_links) == (200, 100)
    assert len(result.links) == N


def test_all_pairs_are_the_default(sides):
    """Nobody loses links by not choosing."""
    result = link_datasets(*sides, RULES)

    assert [one.candidates for one in result.counts] == ["all-pairs", "all-pairs"]
    assert result.counts[0].n_links == N
    assert [one.recall for one in result.counts] == [None, None]


def test_what_tags_miss_is_measured(sides):
    """All records fit into the sample, so the share is known and not estimated."""
    result = link_datasets(*sides, RULES, candidates="shared-tags")

    recall = result.counts[0].recall
    assert (recall.value, recall.low, recall.high) == (200 / 300, 200 / 300, 200 / 300)


def test_large_blocks_are_dropped_by_choice_and_counted(sides):
    """A hundred records share tag 7 in the second table; each has a tag of its own in the first."""
    result = link_datasets(*sides, RULES, candidates="shared-tags", largest_block=9999)
    all_kept = link_datasets(*sides, RULES, candidates="shared-tags", largest_block=10_000)

    assert (result.counts[0].dropped.n_blocks, result.counts[0].dropped.n_pairs) == (1, 10_000)
    assert (all_kept.counts[0].dropped.n_blocks, all_kept.counts[0].dropped.n_pairs) == (0, 0)
    assert linked(result) == linked(all_kept)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidates": "tags"}, "candidates: 'tags' is not one"),
        ({"largest_block": 5}, "where all pairs are compared there are no blocks"),
        ({"candidates": "shared-tags", "largest_block": 0}, "largest_block: got 0"),
    ],
)
def test_options_that_mean_nothing_are_refused(sides, options, message):
    """An option that does nothing is a mistake of the caller."""
    with pytest.raises(UsageError, match=message):
        link_datasets(*sides, RULES, **options)


def test_tags_that_nobody_made_are_asked_for_in_vain():
    """The hint says what to change."""
    sides = dataset("a", seed=2, with_tags=False), dataset("b", seed=3, with_tags=False)

    with pytest.raises(UsageError, match="no pass of these packages has block tags") as caught:
        link_datasets(*sides, RULES, candidates="shared-tags")

    assert "declare `blocks`" in caught.value.hint


@pytest.mark.parametrize("candidates", ["all-pairs", "shared-tags"])
def test_a_linkage_goes_on_from_its_checkpoint(sides, tmp_path, candidates):
    """Interrupted in the second pass, it gives the same links as without an interrupt."""
    folder = tmp_path / "kept"

    def stop(name, _done, _total):
        if name == "places":
            raise KeyboardInterrupt

    expected = link_datasets(*sides, RULES, candidates=candidates)
    if candidates == "shared-tags":
        with pytest.raises(KeyboardInterrupt):
            link_datasets(*sides, RULES, candidates=candidates, checkpoint=folder, progress=stop)
    result = link_datasets(*sides, RULES, candidates=candidates, checkpoint=folder)

    assert linked(result) == linked(expected)
    assert result.links.score.tolist() == expected.links.score.tolist()
    assert sorted(place.name for place in folder.iterdir()) == ["00-names", "01-places"]
    forget_checkpoint(folder, ["names", "places"])
    assert not folder.exists()


def test_a_checkpoint_of_another_linkage_is_refused(sides, tmp_path):
    """It belongs to other records."""
    link_datasets(*sides, RULES, checkpoint=tmp_path)

    with pytest.raises(PolicyError, match="belongs to another job: left differs"):
        link_datasets(dataset("a", seed=9), sides[1], RULES, checkpoint=tmp_path)
