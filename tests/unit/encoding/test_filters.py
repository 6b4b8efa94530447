"""CLKs hold the tokens that they should, and nothing else."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pprl.encoding import loading, loops
from pprl.encoding.filters import Bag, Member, clk, salted, shared_out
from pprl.encoding.hashing import token_positions
from pprl.encoding.tokens import DateParts, Exact, QGrams
from pprl.keys import LinkageKey
from pprl.model import TextColumn

PROJECT = LinkageKey(bytes(32)).for_project("test", epoch=1)
words = st.one_of(st.none(), st.text(alphabet="abc ", max_size=6), st.sampled_from(["anna", "anne", "bo"]))
rows = st.lists(st.tuples(words, words, words), max_size=12)


def clk_by_hand(records, bags, n_bits) -> list[list[int]]:
    """The slow twin: one record, one bag and one token at a time."""
    matrix = []
    for record in records:
        bits = [0] * n_bits
        for key, members in bags:
            tokens: set[str] = set()
            budget = 0
            for place, tokeniser, n_set in members:
                if record[place] is not None:
                    tokens |= set(tokeniser(record[place]))
                    budget += n_set
            if tokens:
                for token, k in zip(sorted(tokens), shared_out(budget, len(tokens)), strict=True):
                    for position in token_positions(key, token, k=k, n_bits=n_bits) if k else ():
                        bits[position] = 1
        matrix.append(bits)
    return matrix


@pytest.mark.parametrize("compiled", [False, True])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows, st.integers(1, 40), st.integers(1, 40))
def test_filters_equal_the_slow_twin(compiled, monkeypatch, records, n_first, n_second):
    """For any records, a bag of two fields beside a field alone, also where bits run out; with both loops."""
    monkeypatch.setattr(loading, "COMPILED_FROM", 0 if compiled else 1 << 60)
    columns = [TextColumn.from_texts(column) for column in zip(*records, strict=True)] or [
        TextColumn.from_texts([])
    ] * 3
    bag, alone = PROJECT.derive("bag"), PROJECT.derive("alone")
    plan = [(bag, [(0, QGrams(), n_first), (1, QGrams(), n_second)]), (alone, [(2, Exact(), 7)])]
    bags = [
        Bag(key, tuple(Member(columns[p], tokens, n) for p, tokens, n in members)) for key, members in plan
    ]

    actual = clk(bags, n_records=len(records), n_bits=128)

    assert clk_by_hand(records, plan, 128) == actual.to_bools().astype(int).tolist()


def test_chunks_change_nothing(monkeypatch):
    """Work is cut into chunks of records only to bound the memory."""
    column = TextColumn.from_texts([f"name{i % 7}" for i in range(50)])
    bags = [Bag(PROJECT.derive("x"), (Member(column, QGrams(), 50),))]
    expected = clk(bags, n_records=50, n_bits=256).to_bytes()

    monkeypatch.setattr(loops, "CHUNK", 8)

    assert expected == clk(bags, n_records=50, n_bits=256).to_bytes()


def test_a_bag_does_not_mind_swapped_names():
    """Given and family name under one key."""

    def bag(given_name: str, family_name: str) -> bytes:
        members = [Member(TextColumn.from_texts([name]), QGrams(), 100) for name in (given_name, family_name)]
        return clk([Bag(PROJECT.derive("names"), tuple(members))], n_records=1, n_bits=512).to_bytes()

    assert bag("wei", "zhang") == bag("zhang", "wei")


def test_one_bigram_in_two_fields_sets_different_bits():
    """Each field has its own key."""
    column = TextColumn.from_texts(["ab"])

    one, two = (
        clk([Bag(PROJECT.derive("field", name), (Member(column, QGrams(), 30),))], n_records=1, n_bits=1024)
        for name in ("given_name", "surname")
    )

    assert int(np.bitwise_count(one.words & two.words).sum()) < 30 // 2


def test_short_names_set_as_many_bits_as_long_ones():
    """A fixed number of bits for the field, but for collisions."""
    column = TextColumn.from_texts(["li", "wilhelmina"])

    short, long = clk(
        [Bag(PROJECT.derive("x"), (Member(column, QGrams(), 60),))], n_records=2, n_bits=4096
    ).popcounts()

    assert abs(int(short) - int(long)) < 6


@given(st.integers(0, 500), st.integers(1, 60))
def test_bits_are_shared_out_whole(n_bits, n_tokens):
    """None is lost, no token has two more than another, and none goes without."""
    shares = shared_out(n_bits, n_tokens)

    assert (max(n_bits, n_tokens), n_tokens) == (sum(shares), len(shares))
    assert max(shares) - min(shares) <= 1


def test_positional_q_grams_know_their_place():
    """As postcodes need."""
    assert ("0: a", "1:ab", "2:b ") == QGrams(q=2, positional=True)("ab")


def test_a_word_shorter_than_q_is_a_token():
    """Without padding it would vanish."""
    assert ("a",) == QGrams(q=3, padded=False)("a")


def test_a_typing_error_in_a_date_costs_some_of_its_tokens():
    """And never all of them."""
    tokens = DateParts()

    shared = set(tokens("1961-11-30")) & set(tokens("1961-11-20"))

    assert {"y1961", "z61", "c196", "m11"} == shared


@pytest.mark.parametrize("compiled", [False, True])
def test_bits_per_token_grow_with_the_value(compiled, monkeypatch):
    """Each token sets its own number of positions, shared or not."""
    monkeypatch.setattr(loading, "COMPILED_FROM", 0 if compiled else 1 << 60)
    values = ["li", "wilhelmina"]
    key = PROJECT.derive("x")
    expected = [
        sorted({p for token in QGrams()(value) for p in token_positions(key, token, k=5, n_bits=512)})
        for value in values
    ]

    bags = [Bag(key, (Member(TextColumn.from_texts(values), QGrams(), 0),), per_token=5)]
    bits = clk(bags, n_records=2, n_bits=512).to_bools()

    assert expected == [np.flatnonzero(row).tolist() for row in bits]


def test_a_salt_parts_people_of_one_name():
    """The same name under another salt sets other bits; without a salt there is no token."""
    member = Member(TextColumn.from_texts(["anna", "anna", "anna", None]), QGrams(), 60)
    salt = TextColumn.from_texts(["1990", "1991", None, "1990"])

    bits = clk([Bag(PROJECT.derive("x"), (salted(member, salt),))], n_records=4, n_bits=1024).to_bools()

    assert (bits[0] & bits[1]).sum() < 15 < bits[0].sum()
    assert [0, 0] == bits[2:].sum(axis=1).tolist()
