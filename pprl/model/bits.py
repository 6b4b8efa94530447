"""
Bit matrices: one row of bits for each record.

Rows are stored as whole 64-bit words, so a population count or an overlap is a few
machine instructions.  The bits beyond the last are zero, always.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from pprl.errors import DataError, UsageError
from pprl.model.arrays import Counts, Rows, Words, frozen

WORD_BITS = 64
BitOrder = Literal["little", "big"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BitMatrix:
    """Bit vectors of equal length, one for each record.

    Parameters
    ----------
    words : ndarray of uint64, shape (n, w)
        Bit ``j`` of a row is bit ``j % 64`` of word ``j // 64``.  The array is taken
        over and made read-only; give a copy to keep writing to it.
    n_bits : int
        Length of each row in bits; ``w`` is ``ceil(n_bits / 64)``.

    Raises
    ------
    DataError
        If the shape, the type or the bits beyond `n_bits` do not fit.

    Examples
    --------
    >>> bits = BitMatrix.from_bools(np.eye(3, 100, dtype=bool))
    >>> bits
    BitMatrix(3 records x 100 bits)
    >>> bits.popcounts().tolist()
    [1, 1, 1]
    """

    words: Words
    n_bits: int

    def __post_init__(self) -> None:
        words = self.words
        if self.n_bits < 1:
            raise DataError(f"bit matrix: wanted at least 1 bit, got {self.n_bits}", code="bit-matrix")
        if words.dtype != np.uint64 or words.ndim != 2:
            raise DataError("bit matrix: wanted uint64 words in two dimensions", code="bit-matrix")
        if words.shape[1] != n_words(self.n_bits):
            raise DataError(
                f"bit matrix: {self.n_bits} bits need {n_words(self.n_bits)} words, got {words.shape[1]}",
                code="bit-matrix",
            )
        spare = self.n_bits % WORD_BITS
        if spare and bool((words[:, -1] >> np.uint64(spare)).any()):
            raise DataError(f"bit matrix: bits are set beyond bit {self.n_bits}", code="bit-matrix")
        object.__setattr__(self, "words", frozen(np.ascontiguousarray(words)))

    @classmethod
    def from_words(cls, words: Words, *, n_bits: int) -> "BitMatrix":
        """Make a bit matrix from a copy of words, shape (n, ceil(n_bits / 64))."""
        return cls(np.array(words, dtype=np.uint64, order="C"), n_bits)

    @classmethod
    def from_bools(cls, bits: npt.ArrayLike) -> "BitMatrix":
        """Make a bit matrix from booleans, shape (n, n_bits)."""
        array = np.asarray(bits, dtype=np.bool_)
        if array.ndim != 2:
            raise DataError(f"bit matrix: wanted two dimensions, got {array.ndim}", code="bit-matrix")
        n_records, n_bits = array.shape
        packed = np.zeros((n_records, n_words(n_bits) * 8), dtype=np.uint8)
        packed[:, : (n_bits + 7) // 8] = np.packbits(array, axis=1, bitorder="little")
        return cls(packed.view("<u8").astype(np.uint64, copy=False), n_bits)

    @classmethod
    def from_bytes(cls, buffer: bytes, *, n_bits: int, bit_order: BitOrder = "little") -> "BitMatrix":
        """Make a bit matrix from rows of ``ceil(n_bits / 8)`` bytes, one after another.

        Parameters
        ----------
        buffer : bytes
            The rows.
        n_bits : int
            Length of a row in bits.
        bit_order : {"little", "big"}
            Whether bit 0 is the least or the most significant bit of byte 0.  Files of
            other tools are mostly "big".

        Raises
        ------
        DataError
            If the buffer is not a whole number of rows.
        """
        row = (n_bits + 7) // 8
        if n_bits < 1 or len(buffer) % row:
            raise DataError(
                f"bit matrix: {len(buffer)} bytes are not a whole number of rows of {row} bytes",
                code="bit-matrix",
            )
        octets = np.frombuffer(buffer, dtype=np.uint8).reshape(-1, row)
        bools = np.unpackbits(octets, axis=1, bitorder=bit_order).astype(np.bool_)
        if bool(bools[:, n_bits:].any()):
            raise DataError(f"bit matrix: bits are set beyond bit {n_bits}", code="bit-matrix")
        return cls.from_bools(bools[:, :n_bits])

    def to_bools(self) -> npt.NDArray[np.bool_]:
        """Give the bits as booleans, shape (n, n_bits)."""
        octets = self.words.astype("<u8", copy=False).view(np.uint8)
        return np.unpackbits(octets, axis=1, count=self.n_bits, bitorder="little").astype(np.bool_)

    def to_bytes(self, *, bit_order: BitOrder = "little") -> bytes:
        """Give rows of ``ceil(n_bits / 8)`` bytes, one after another."""
        return np.packbits(self.to_bools(), axis=1, bitorder=bit_order).tobytes()

    def popcounts(self) -> Counts:
        """Count the bits set in each row, shape (n,)."""
        return frozen(np.bitwise_count(self.words).sum(axis=1, dtype=np.int32))

    def take(self, rows: Rows) -> "BitMatrix":
        """Give the rows named, in the order named."""
        if rows.size and (int(rows.min()) < 0 or int(rows.max()) >= len(self)):
            raise UsageError(f"bit matrix: rows must be from 0 to {len(self) - 1}", code="row-range")
        return BitMatrix(self.words[rows], self.n_bits)

    def __len__(self) -> int:
        return int(self.words.shape[0])

    def __repr__(self) -> str:
        return f"BitMatrix({len(self)} records x {self.n_bits} bits)"


def n_words(n_bits: int) -> int:
    """Give the number of 64-bit words that hold `n_bits` bits."""
    return -(-n_bits // WORD_BITS)
