"""Tokens become positions as METHODS says: keyed, distinct, without bias."""

import hmac

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pprl.encoding.hashing import position_table, token_positions
from pprl.keys import LinkageKey

KEY = LinkageKey(bytes(32)).for_project("test", epoch=1).derive("field")


def positions_by_hand(material: bytes, token: str, k: int, n_bits: int) -> list[int]:
    """The slow twin: one 16-bit number after another until k distinct positions are found."""
    found: list[int] = []
    counter = 0
    while len(found) < k:
        block = hmac.digest(material, counter.to_bytes(4, "big") + token.encode(), "sha256")
        for i in range(0, 32, 2):
            position = int.from_bytes(block[i : i + 2], "little") % n_bits
            if position not in found:
                found.append(position)
        counter += 1
    return found[:k]


@given(st.text(max_size=6), st.sampled_from([64, 256, 1024, 65536]), st.data())
def test_positions_equal_the_slow_twin(token, n_bits, data):
    """For any token, number of positions and length of filter."""
    k = data.draw(st.integers(1, min(n_bits, 200)))
    expected = positions_by_hand(KEY._material, token, k, n_bits)

    assert expected == token_positions(KEY, token, k=k, n_bits=n_bits)


def test_all_positions_can_be_asked_for():
    """Drawing goes on until the last one is found."""
    assert list(range(64)) == sorted(token_positions(KEY, "x", k=64, n_bits=64))


def test_the_table_has_a_row_for_each_token():
    """In the order of the tokens, each with as many positions as are asked of it."""
    table = position_table(KEY, ["a", "b"], [5, 3], n_bits=1024)

    assert token_positions(KEY, "a", k=5, n_bits=1024) == table[0].tolist()
    assert [*token_positions(KEY, "b", k=3, n_bits=1024), 0, 0] == table[1].tolist()


def test_positions_are_uniform():
    """Chi-squared over 64 positions of 4,000 tokens stays under its 1 - 1e-6 quantile."""
    table = position_table(KEY, [f"token {i}" for i in range(4000)], [8] * 4000, n_bits=64)
    counts = np.bincount(table.reshape(-1), minlength=64)

    statistic = float(((counts - counts.mean()) ** 2 / counts.mean()).sum())

    assert statistic < 131
