"""A fingerprint can be read over a telephone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import UsageError
from pprl.exchange.words import words_of


def spelt(number: int) -> str:
    """Sixteen bits as a text of noughts and ones, cut into 4, 2, 4, 2 and 4."""
    bits = f"{number:016b}"
    parts = [bits[0:4], bits[4:6], bits[6:10], bits[10:12], bits[12:16]]
    letters = ["bdfghjklmnprstvz", "aiou"] * 3
    return "".join(row[int(part, 2)] for row, part in zip(letters, parts, strict=False))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("7f000001", ("lusab", "babad")),
        ("3f54dcc1", ("gutih", "tugad")),
        ("3f760723", ("gutuk", "bisog")),
        ("8c62c18d", ("mudof", "sakat")),
        ("40ff06c8", ("haguz", "biram")),
        ("801e342d", ("mabiv", "gibot")),
        ("93437702", ("natag", "lisaf")),
        ("d43afd44", ("tibup", "zujah")),
        ("d82344d7", ("tobog", "higil")),
        ("d844e815", ("todah", "vobij")),
        ("c6518188", ("sinid", "makam")),
        ("0c6e6ecc", ("budov", "kuras")),
    ],
)
def test_words_are_those_of_the_proposal(address, words):
    """Internet addresses that Wilkerson (2009) spells as examples."""
    assert words == words_of(address + "0" * 56)[:2]


@given(st.binary(min_size=16, max_size=32))
def test_words_are_the_bits_spelt_out(fingerprint):
    """Eight words of 16 bits, whatever comes after them."""
    expected = tuple(spelt(int.from_bytes(fingerprint[i : i + 2], "big")) for i in range(0, 16, 2))

    assert expected == words_of(fingerprint.hex())


def test_every_bit_of_the_first_128_counts():
    """Another bit is another word, and only that one."""
    reference = words_of("0" * 64)
    for bit in range(128):
        changed = words_of(f"{1 << 127 - bit:032x}" + "0" * 32)

        assert [bit // 16] == [i for i in range(8) if changed[i] != reference[i]]


@pytest.mark.parametrize("fingerprint", ["", "0" * 31, "G" * 64, "A" * 64, "0" * 64 + "\n"])
def test_what_is_no_fingerprint_has_no_words(fingerprint):
    """Too short, no digits, capitals, a line end."""
    with pytest.raises(UsageError):
        words_of(fingerprint)
