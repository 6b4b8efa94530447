"""Min-hash estimates the Jaccard similarity of tokens, and equals its slow twin."""

import hmac

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pprl.encoding import loops, vocabulary
from pprl.encoding.filters import Bag, Member
from pprl.encoding.minhash import min_hash
from pprl.encoding.tokens import Exact, QGrams
from pprl.encoding.vocabulary import LabelledBag
from pprl.keys import LinkageKey
from pprl.model import TextColumn

PROJECT = LinkageKey(bytes(32)).for_project("test", epoch=1)
KEY = PROJECT.derive("encoding", "all", "min-hash")
WORDS = QGrams(q=4, padded=False)  # words of four letters, each a token
words = st.one_of(st.none(), st.text(alphabet="abc ", max_size=5), st.sampled_from(["anna", "anne"]))
rows = st.lists(st.tuples(words, words, words), min_size=1, max_size=5)


def labelled(name: str, *members, copies: int = 0, project=PROJECT) -> LabelledBag:
    """A bag of (column, tokeniser)."""
    bag = Bag(
        project.derive("field", "all", name), tuple(Member(*member, bits=0) for member in members), copies
    )
    return LabelledBag(("field", name), bag)


def stream_by_hand(key, message: bytes, n_bytes: int) -> bytes:
    """HMAC-SHA-256 in counter mode."""
    blocks = [
        hmac.digest(key._material, i.to_bytes(4, "big") + message, "sha256") for i in range(n_bytes // 32 + 1)
    ]
    return b"".join(blocks)[:n_bytes]


def min_hash_by_hand(bags: list[LabelledBag], key, n_records: int, n_bits: int) -> list[list[int]]:
    """The slow twin: one function, record and token at a time."""
    tables = []
    for function in range(n_bits):
        drawn = stream_by_hand(key, f"function {function}".encode(), 16384)
        tables.append([int.from_bytes(drawn[i : i + 8], "little") for i in range(0, 16384, 8)])
    matrix = []
    for record in range(n_records):
        numbers: list[bytes] = []
        for one in bags:
            for member in one.bag.members:
                value = member.column.to_texts()[record]
                for token in member.cut(value) if value is not None else ():
                    copies = max(one.bag.per_token, 1)
                    drawn = stream_by_hand(one.bag.key, token.encode(), 8 * copies)
                    numbers += [drawn[8 * i : 8 * i + 8] for i in range(copies)]
        matrix.append([min((_hash(table, number) for number in numbers), default=0) & 1 for table in tables])
    return matrix


def _hash(table: list[int], number: bytes) -> int:
    hashed = 0
    for place, byte in enumerate(number):
        hashed ^= table[256 * place + byte]
    return hashed


@settings(max_examples=15)
@given(rows, st.integers(0, 3))
def test_bits_equal_the_slow_twin(records, copies):
    """For any records, a bag of two fields beside a field whose tokens count several times."""
    columns = [TextColumn.from_texts(column) for column in zip(*records, strict=True)]
    bags = [
        labelled("names", (columns[0], QGrams()), (columns[1], QGrams())),
        labelled("code", (columns[2], Exact()), copies=copies),
    ]

    actual = min_hash(bags, KEY, n_records=len(records), n_bits=128)

    assert min_hash_by_hand(bags, KEY, len(records), 128) == actual.to_bools().astype(int).tolist()


def sets_of_tokens(shared: int, alone: int) -> TextColumn:
    """Two records with some tokens in common and some of their own."""
    common = [f"c{i:03d}" for i in range(shared)]
    return TextColumn.from_texts(
        " ".join([*common, *(f"{side}{i:03d}" for i in range(alone))]) for side in "xy"
    )


@pytest.mark.parametrize(("shared", "alone"), [(0, 10), (5, 5), (16, 2), (10, 0)])
def test_equal_bits_estimate_the_jaccard_similarity(shared, alone):
    """(1 + J) / 2 of 2,048 bits, within four standard errors."""
    jaccard = shared / (shared + 2 * alone)
    bag = labelled("x", (sets_of_tokens(shared, alone), WORDS))

    one, two = min_hash([bag], KEY, n_records=2, n_bits=2048).to_bools()

    assert (1 + jaccard) / 2 == pytest.approx((one == two).mean(), abs=4 * 0.5 / 45)


def test_tokens_that_count_several_times_weigh_more():
    """One token of weight 6 in common, three of weight 1 on each side: J = 6 / (6 + 6)."""
    same, other = TextColumn.from_texts(["same", "same"]), sets_of_tokens(0, 3)
    bags = [labelled("same", (same, WORDS), copies=6), labelled("other", (other, WORDS))]

    one, two = min_hash(bags, KEY, n_records=2, n_bits=2048).to_bools()

    assert 0.75 == pytest.approx((one == two).mean(), abs=4 * 0.5 / 45)


def test_bits_are_half_set():
    """Whatever the number of tokens, so the length of a record does not show."""
    column = TextColumn.from_texts(" ".join(f"{i:02d}{j:02d}" for j in range(i % 20 + 1)) for i in range(100))

    bits = min_hash([labelled("x", (column, WORDS))], KEY, n_records=100, n_bits=1024)

    assert 0.5 == pytest.approx(bits.popcounts().mean() / 1024, abs=0.01)


def test_one_token_in_two_fields_is_two_tokens():
    """Each bag has its own key."""
    column = TextColumn.from_texts(["anna"])

    one, two = (
        min_hash([labelled(name, (column, WORDS))], KEY, n_records=1, n_bits=1024).to_bools()
        for name in ("given_name", "surname")
    )

    assert 0.5 == pytest.approx((one == two).mean(), abs=0.07)


@pytest.mark.parametrize("changed", ["tokens", "functions"])
def test_another_key_gives_unrelated_bits(changed):
    """The key of the field, or that of the functions, is enough."""
    column = TextColumn.from_texts(["anna beth cleo"])
    other = LinkageKey(bytes([1] * 32)).for_project("test", epoch=1)
    bag = labelled("x", (column, WORDS))
    pairs = {
        "tokens": (labelled("x", (column, WORDS), project=other), KEY),
        "functions": (bag, other.derive("encoding")),
    }

    one, two = (
        min_hash([some], key, n_records=1, n_bits=1024).to_bools()
        for some, key in ((bag, KEY), pairs[changed])
    )

    assert 0.5 == pytest.approx((one == two).mean(), abs=0.07)


def test_absent_records_stay_empty_and_chunks_change_nothing(monkeypatch):
    """Work is cut into chunks and blocks only to bound the memory."""
    column = TextColumn.from_texts([None if i % 5 == 0 else f"name{i}" for i in range(50)])
    bag = labelled("x", (column, QGrams()))
    expected = min_hash([bag], KEY, n_records=50, n_bits=128)

    monkeypatch.setattr(loops, "CHUNK", 16)
    monkeypatch.setattr(vocabulary, "CELLS", 3 * 1024)
    actual = min_hash([bag], KEY, n_records=50, n_bits=128, workers=2)

    assert expected.to_bytes() == actual.to_bytes()
    assert [i for i in range(50) if i % 5 == 0] == np.flatnonzero(actual.popcounts() == 0).tolist()
