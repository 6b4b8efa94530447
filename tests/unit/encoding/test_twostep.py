"""Two-step hash keeps similarity from column to column, and equals its slow twin."""

import hmac

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.encoding import loops, vocabulary
from pprl.encoding.filters import Bag, Member
from pprl.encoding.tokens import Exact, QGrams
from pprl.encoding.twostep import two_step
from pprl.encoding.vocabulary import LabelledBag
from pprl.keys import LinkageKey
from pprl.model import TextColumn

PROJECT = LinkageKey(bytes(32)).for_project("test", epoch=1)
KEY = PROJECT.derive("encoding", "all", "two-step")
WORDS = QGrams(q=4, padded=False)  # words of four letters, each a token
words = st.one_of(st.none(), st.text(alphabet="abc ", max_size=6), st.sampled_from(["anna", "anne", "bo"]))
rows = st.lists(st.tuples(words, words, words), min_size=1, max_size=8)


def labelled(name: str, *members, project=PROJECT) -> LabelledBag:
    """A bag of (column, tokeniser)."""
    bag = Bag(project.derive("field", "all", name), tuple(Member(*member, bits=0) for member in members))
    return LabelledBag(("field", name), bag)


def two_step_by_hand(
    bags: list[LabelledBag], key, k: int, length: int, n_records: int, n_bits: int
) -> list[list[int]]:
    """The slow twin: k lists of bits for each record, then one column at a time."""
    matrix = []
    for record in range(n_records):
        arrays = [[0] * length for _ in range(k)]
        for one in bags:
            for member in one.bag.members:
                value = member.column.to_texts()[record]
                for token in member.cut(value) if value is not None else ():
                    for i in range(k):
                        block = (i // 4).to_bytes(4, "big") + token.encode()
                        drawn = hmac.digest(one.bag.key._material, block, "sha256")
                        number = int.from_bytes(drawn[i % 4 * 8 : i % 4 * 8 + 8], "little")
                        arrays[i][number % length] = 1
        bits = [0] * n_bits
        for column in range(length):
            pattern = sum(arrays[i][column] << i for i in range(k))
            if pattern:
                message = column.to_bytes(4, "little") + pattern.to_bytes(8, "little")
                drawn = hmac.digest(key._material, message, "sha256")
                bits[int.from_bytes(drawn[:8], "little") % n_bits] = 1
        matrix.append(bits)
    return matrix


@given(rows, st.integers(2, 64), st.integers(16, 50))
def test_bits_equal_the_slow_twin(records, k, length):
    """For any records, a bag of two fields beside a field alone."""
    columns = [TextColumn.from_texts(column) for column in zip(*records, strict=True)]
    bags = [
        labelled("names", (columns[0], QGrams()), (columns[1], QGrams())),
        labelled("code", (columns[2], Exact())),
    ]
    n_records = len(records)

    actual = two_step(bags, KEY, k=k, length=length, n_records=n_records, n_bits=128)

    assert two_step_by_hand(bags, KEY, k, length, n_records, 128) == actual.to_bools().astype(int).tolist()


def dice(shared: int, project=PROJECT) -> float:
    """The similarity of two records of 20 tokens, some of them in common."""
    common = [f"c{i:03d}" for i in range(shared)]
    column = TextColumn.from_texts(
        " ".join([*common, *(f"{side}{i:03d}" for i in range(20 - shared))]) for side in "xy"
    )
    bag = labelled("x", (column, WORDS), project=project)
    one, two = two_step(
        [bag], project.derive("encoding"), k=8, length=512, n_records=2, n_bits=4096
    ).to_bools()
    return float(2 * (one & two).sum() / (one.sum() + two.sum()))


def test_equal_records_are_equal():
    """Whoever encodes them, and whatever stands beside them."""
    assert 1 == dice(20)


def test_similarity_rises_with_the_tokens_in_common():
    """From near nothing to one."""
    similarities = [dice(shared) for shared in (0, 5, 10, 15, 18, 20)]

    assert sorted(similarities) == similarities
    assert similarities[0] < 0.1


def test_a_token_sets_a_bit_in_every_array():
    """One token of one record: k columns, but for collisions."""
    bag = labelled("x", (TextColumn.from_texts([f"{i:04d}" for i in range(200)]), WORDS))

    bits = two_step([bag], KEY, k=10, length=2048, n_records=200, n_bits=65536)

    assert 10 == pytest.approx(bits.popcounts().mean(), abs=0.1)


@pytest.mark.parametrize("changed", ["first", "second"])
def test_another_key_gives_unrelated_bits(changed):
    """In either step."""
    column = TextColumn.from_texts([" ".join(f"{i:04d}" for i in range(20))])
    other = LinkageKey(bytes([1] * 32)).for_project("test", epoch=1)
    bag = labelled("x", (column, WORDS))
    pairs = {
        "first": (labelled("x", (column, WORDS), project=other), KEY),
        "second": (bag, other.derive("encoding")),
    }

    one, two = (
        two_step([some], key, k=8, length=512, n_records=1, n_bits=1024).to_bools()
        for some, key in ((bag, KEY), pairs[changed])
    )

    assert (one & two).sum() / one.sum() == pytest.approx(two.mean(), abs=0.15)


def test_absent_records_stay_empty_and_chunks_change_nothing(monkeypatch):
    """Work is cut into chunks and blocks only to bound the memory."""
    column = TextColumn.from_texts([None if i % 5 == 0 else f"name{i}" for i in range(50)])
    bag = labelled("x", (column, QGrams()))
    expected = two_step([bag], KEY, k=8, length=64, n_records=50, n_bits=256)

    monkeypatch.setattr(loops, "CHUNK", 16)
    monkeypatch.setattr(vocabulary, "CELLS", 3 * 64)
    actual = two_step([bag], KEY, k=8, length=64, n_records=50, n_bits=256, workers=2)

    assert expected.to_bytes() == actual.to_bytes()
    assert [i for i in range(50) if i % 5 == 0] == np.flatnonzero(actual.popcounts() == 0).tolist()
