"""Bit matrices hold what they say, read-only."""

import bitarray
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pprl.errors import DataError, UsageError
from pprl.model import BitMatrix

bools = hnp.arrays(np.bool_, st.tuples(st.integers(0, 5), st.integers(1, 200)))


@given(bools)
def test_bools_come_back(array):
    """Whatever the number of bits."""
    assert array.tolist() == BitMatrix.from_bools(array).to_bools().tolist()


@given(bools, st.sampled_from(["little", "big"]))
def test_bytes_are_those_of_another_library(array, order):
    """`bitarray` packs the same bits into the same bytes, in both orders."""
    expected = b"".join(bitarray.bitarray(row.tolist(), endian=order).tobytes() for row in array)

    actual = BitMatrix.from_bools(array).to_bytes(bit_order=order)

    assert expected == actual
    again = BitMatrix.from_bytes(actual, n_bits=array.shape[1], bit_order=order)
    assert array.tolist() == again.to_bools().tolist()


@given(bools)
def test_popcounts_count(array):
    """Bits set in each row."""
    assert array.sum(axis=1).tolist() == BitMatrix.from_bools(array).popcounts().tolist()


def test_bit_j_is_bit_j_mod_64_of_word_j_div_64():
    """The layout that the file and the kernels rely on."""
    words = np.zeros((1, 2), dtype=np.uint64)
    words[0, 1] = 1 << 5

    assert [69] == np.flatnonzero(BitMatrix(words, 128).to_bools()[0]).tolist()


def test_words_cannot_be_written_to():
    """A bit matrix is shared without fear."""
    bits = BitMatrix.from_words(np.zeros((1, 1), dtype=np.uint64), n_bits=64)

    with pytest.raises(ValueError, match="read-only"):
        bits.words[0, 0] = 1


@pytest.mark.parametrize(
    ("words", "n_bits"),
    [
        (np.zeros((1, 1), dtype=np.uint64), 65),
        (np.zeros((1, 1), dtype=np.uint64), 0),
        (np.zeros((1, 1), dtype=np.int64), 64),
        (np.zeros(3, dtype=np.uint64), 64),
        (np.array([[1 << 60]], dtype=np.uint64), 60),
    ],
)
def test_what_does_not_fit_is_refused(words, n_bits):
    """Wrong width, no bits, wrong type, wrong shape, bits beyond the last."""
    with pytest.raises(DataError):
        BitMatrix(words, n_bits)


def test_bytes_beyond_the_last_bit_must_be_zero():
    """Four bits do not fill a byte."""
    with pytest.raises(DataError):
        BitMatrix.from_bytes(b"\xff", n_bits=4)


def test_rows_out_of_range_are_refused():
    """Negative row numbers do not count from the end."""
    with pytest.raises(UsageError):
        BitMatrix.from_bools(np.eye(3)).take(np.array([-1]))
