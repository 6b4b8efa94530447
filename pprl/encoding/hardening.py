"""
Hardening: steps that make a filter tell an attacker less.

A step is its own configuration: a frozen struct with ``out_bits(n_bits)``, the length of
what it gives, and ``__call__(bits, key)``.  Each step runs under a key of its own.
Absent records (no bit set) are made absent again by the encoder after the last step.
"""

from collections import deque
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Annotated, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from pprl.encoding.loading import load_loops
from pprl.encoding.loops import in_chunks
from pprl.errors import AgreementError
from pprl.keys import Subkey, random_bytes
from pprl.machine import processors
from pprl.model import BitMatrix
from pprl.model.arrays import Bools
from pprl.model.bits import n_words

MAX_BITS = 65536
Length = Annotated[int, msgspec.Meta(ge=64, le=MAX_BITS, description="length of a filter in bits")]
CHUNK = 4096  # records at a time: the bits lie unpacked, a byte each


class _Step(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    kw_only=True,
    tag_field="step",
):
    """What every step has."""

    noisy: ClassVar[bool] = False  # whether equal records come out different


class Diffuse(_Step, frozen=True, kw_only=True, tag="diffuse"):
    """Each output bit is the XOR of `t` input bits chosen by key.

    Armknecht, Heng & Schnell, PoPETs 2023.  Index sets are drawn from shuffled pools of
    all positions, refilled when empty, without a duplicate within a set.  If two filters
    differ in a share `d` of their bits, the outputs differ in ``(1 - (1 - 2d)^t) / 2``.

    Parameters
    ----------
    t : int
        Input bits in each output bit, 2 to 16.
    n_bits : int
        Length of the output.
    """

    t: Annotated[int, msgspec.Meta(ge=2, le=16)]
    n_bits: Length

    def out_bits(self, n_bits: int) -> int:
        """Give the length of the output."""
        if self.t > n_bits:
            raise AgreementError(f"diffuse needs at least t = {self.t} bits, got {n_bits}", code="hardening")
        return self.n_bits

    def __call__(self, bits: BitMatrix, key: Subkey) -> BitMatrix:
        """Apply the step."""
        return _xor(bits, diffusion_sets(key, n_in=bits.n_bits, n_out=self.n_bits, t=self.t))


class Resample(_Step, frozen=True, kw_only=True, tag="resample"):
    """Each output bit is the XOR of two input bits drawn at random, with replacement, by key.

    Ranbaduge & Schnell, CIKM 2020.  Unlike diffusion it may use one input bit often and
    another never; a bit drawn twice cancels to zero.

    Parameters
    ----------
    n_bits : int
        Length of the output.
    """

    n_bits: Length

    def out_bits(self, n_bits: int) -> int:
        """Give the length of the output."""
        del n_bits
        return self.n_bits

    def __call__(self, bits: BitMatrix, key: Subkey) -> BitMatrix:
        """Apply the step."""
        drawn = np.frombuffer(key.stream(b"resample", 16 * self.n_bits), dtype="<u8")
        # 64-bit numbers modulo at most 65,536: the bias is under 2^-48.
        return _xor(bits, (drawn % np.uint64(bits.n_bits)).astype(np.int64).reshape(-1, 2))


class XorFold(_Step, frozen=True, kw_only=True, tag="xor-fold"):
    """The two halves, XORed (Schnell & Borgs 2016).  Diffusion with t = 2 and a public structure."""

    def out_bits(self, n_bits: int) -> int:
        """Give the length of the output, half of the input's."""
        if n_bits % 2:
            raise AgreementError(
                f"xor-fold needs an even row length, got {n_bits}",
                code="hardening",
                hint="choose n_bits = 1024",
            )
        return n_bits // 2

    def __call__(self, bits: BitMatrix, _key: Subkey) -> BitMatrix:
        """Apply the step."""
        half = np.arange(self.out_bits(bits.n_bits))
        return _xor(bits, np.column_stack([half, half + half.size]))


class Rule90(_Step, frozen=True, kw_only=True, tag="rule-90"):
    """Each bit becomes the XOR of its two neighbours, in a ring (Schnell & Borgs 2018: Wolfram's rule 90).

    Parameters
    ----------
    rounds : int
        How often, 1 to 16.
    """

    rounds: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1

    def out_bits(self, n_bits: int) -> int:
        """Give the length of the output, as that of the input."""
        return n_bits

    def __call__(self, bits: BitMatrix, _key: Subkey) -> BitMatrix:
        """Apply the step."""
        place = np.arange(bits.n_bits)
        neighbours = np.column_stack([np.roll(place, 1), np.roll(place, -1)])
        for _ in range(self.rounds):
            bits = _xor(bits, neighbours)
        return bits


class WindowXor(_Step, frozen=True, kw_only=True, tag="window-xor"):
    """Each window of bits is XORed with the next, which begins `width` bits on, in a ring.

    After the windowing-based XOR of Ranbaduge & Schnell, CIKM 2020.  For research
    comparison: its structure is public.

    Parameters
    ----------
    width : int
        Bits of a window, 1 to 64.
    """

    width: Annotated[int, msgspec.Meta(ge=1, le=64)]

    def out_bits(self, n_bits: int) -> int:
        """Give the length of the output, as that of the input."""
        if self.width >= n_bits:
            raise AgreementError(
                f"window-xor: {n_bits} bits hold no window of {self.width}", code="hardening"
            )
        return n_bits

    def __call__(self, bits: BitMatrix, _key: Subkey) -> BitMatrix:
        """Apply the step."""
        place = np.arange(bits.n_bits)
        return _xor(bits, np.column_stack([place, np.roll(place, -self.width)]))


class Balance(_Step, frozen=True, kw_only=True, tag="balance"):
    """The bits and their complement, permuted by key (Schnell & Borgs 2016).

    Every record then has as many bits set as any other.  It hides length only: as much
    similarity leaks as before.
    """

    def out_bits(self, n_bits: int) -> int:
        """Give the length of the output, twice the input's."""
        if 2 * n_bits > MAX_BITS:
            raise AgreementError(
                f"balance would give {2 * n_bits} bits, at most {MAX_BITS}", code="hardening"
            )
        return 2 * n_bits

    def __call__(self, bits: BitMatrix, key: Subkey) -> BitMatrix:
        """Apply the step."""
        order = keyed_permutation(key, "order", 2 * bits.n_bits)
        doubled = _xor(bits, (order % bits.n_bits)[:, None])
        complement = BitMatrix.from_bools((order >= bits.n_bits)[None, :])
        return BitMatrix(doubled.words ^ complement.words, doubled.n_bits)


class Permute(_Step, frozen=True, kw_only=True, tag="permute"):
    """The bits in a uniformly random order chosen by key."""

    def out_bits(self, n_bits: int) -> int:
        """Give the length of the output, as that of the input."""
        return n_bits

    def __call__(self, bits: BitMatrix, key: Subkey) -> BitMatrix:
        """Apply the step."""
        return _xor(bits, keyed_permutation(key, "order", bits.n_bits)[:, None])


class Rehash(_Step, frozen=True, kw_only=True, tag="rehash"):
    """Each window of bits, with its place, is hashed under the key to `k` positions of a new filter.

    After the rehashing of Schnell (2016).  For research comparison: one bit that differs
    changes all positions of every window that holds it.

    Parameters
    ----------
    width : int
        Bits of a window, 2 to 12.
    stride : int
        Bits from one window to the next.
    k : int
        Positions for each window.
    n_bits : int
        Length of the output, a power of two.
    """

    width: Annotated[int, msgspec.Meta(ge=2, le=12)]
    stride: Annotated[int, msgspec.Meta(ge=1, le=64)]
    k: Annotated[int, msgspec.Meta(ge=1, le=16)]
    n_bits: Length

    def out_bits(self, n_bits: int) -> int:
        """Give the length of the output."""
        if self.width > n_bits or self.n_bits & (self.n_bits - 1):
            raise AgreementError(
                f"rehash: wanted at least {self.width} bits, got {n_bits}, and n_bits a power of two",
                code="hardening",
            )
        return self.n_bits

    def __call__(self, bits: BitMatrix, key: Subkey) -> BitMatrix:
        """Apply the step."""
        starts = range(0, bits.n_bits - self.width + 1, self.stride)
        tables = [self._table(key, start) for start in starts]
        weights = 1 << np.arange(self.width)

        def rehashed(rows: Bools) -> Bools:
            made = np.zeros((len(rows), self.n_bits), dtype=np.bool_)
            every = np.arange(len(rows))[:, None]
            for start, table in zip(starts, tables, strict=True):
                made[every, table[rows[:, start : start + self.width] @ weights]] = True
            return made

        return _by_chunk(bits, rehashed)

    def _table(self, key: Subkey, start: int) -> npt.NDArray[np.int64]:
        """Hash every content of one window: positions, shape (2 ** width, k)."""
        drawn = key.stream(f"window {start}".encode("ascii"), 2 * self.k << self.width)
        return (
            (np.frombuffer(drawn, dtype="<u2") & np.uint16(self.n_bits - 1))
            .reshape(-1, self.k)
            .astype(np.int64)
        )


class Flip(_Step, frozen=True, kw_only=True, tag="flip"):
    """Each bit is replaced by a fair coin with a probability (BLIP: Alaggan, Gambs & Kermarrec 2012).

    The noise is fresh for each record, from the operating system, and is kept nowhere.
    Two encodings of one table therefore differ.

    Parameters
    ----------
    probability : Decimal
        Chance that a bit is replaced, below 1; in steps of 1 / 32,768, and at least one.
    """

    noisy: ClassVar[bool] = True
    probability: Decimal

    def __post_init__(self) -> None:
        if not self.probability.is_finite() or not Decimal(2) ** -15 <= self.probability < 1:
            raise AgreementError(
                "flip: wanted a probability of at least 1 / 32768 and below 1", code="hardening"
            )
        msgspec.structs.force_setattr(self, "probability", one_spelling(self.probability))

    def out_bits(self, n_bits: int) -> int:
        """Give the length of the output, as that of the input."""
        return n_bits

    def __call__(self, bits: BitMatrix, _key: Subkey) -> BitMatrix:
        """Apply the step."""
        # A bit replaced by a fair coin changes half of the time.
        changes = round(self.probability * 2**15)
        return _by_chunk(bits, lambda rows: rows ^ _noise(rows.shape, changes))


Step = Diffuse | XorFold | Rule90 | Balance | Permute | Flip | Resample | WindowXor | Rehash


def one_spelling(number: Decimal) -> Decimal:
    """Give 0.60 and 0.6 one spelling, and so one fingerprint, whatever the caller's decimal context."""
    return number.normalize(Context(prec=60))


def keyed_permutation(key: Subkey, label: str, n: int) -> npt.NDArray[np.int64]:
    """Give a uniformly random order of ``range(n)``, by sorting a keystream of 64-bit numbers."""
    numbers = np.frombuffer(key.stream(label.encode("ascii"), 8 * n), dtype="<u8")
    return np.argsort(numbers, kind="stable")


def diffusion_sets(key: Subkey, *, n_in: int, n_out: int, t: int) -> npt.NDArray[np.int64]:
    """Draw the input positions of each output bit, shape (n_out, t).

    All input bits serve almost equally often: positions come from shuffled pools, and a
    position that would occur twice in a set waits for the next one.
    """
    pool: deque[int] = deque()
    n_pools = 0
    sets = np.empty((n_out, t), dtype=np.int64)
    for row in range(n_out):
        chosen: dict[int, None] = {}
        waiting: list[int] = []
        while len(chosen) < t:
            if not pool:
                pool.extend(keyed_permutation(key, f"pool {n_pools}", n_in).tolist())
                n_pools += 1
            position = pool.popleft()
            if position in chosen:
                waiting.append(position)
            else:
                chosen[position] = None
        pool.extendleft(reversed(waiting))
        sets[row] = list(chosen)
    return sets


def _xor(bits: BitMatrix, sets: npt.NDArray[np.int64]) -> BitMatrix:
    """Make each output bit the XOR of a set of input bits; sets of shape (bits of the output, t)."""
    loops = load_loops(len(bits))
    words = np.zeros((len(bits), n_words(len(sets))), dtype=np.uint64)
    in_chunks(
        len(bits), lambda part: loops.xor_columns(bits.words[part], sets, words[part]), workers=processors()
    )
    return BitMatrix(words, len(sets))


def _by_chunk(bits: BitMatrix, change: Callable[[Bools], Bools]) -> BitMatrix:
    """Apply a change of unpacked bits, some thousand records at a time."""
    chunks = [bits.words[start : start + CHUNK] for start in range(0, max(len(bits), 1), CHUNK)]
    changed = [BitMatrix.from_bools(change(BitMatrix(chunk, bits.n_bits).to_bools())) for chunk in chunks]
    return BitMatrix(np.concatenate([part.words for part in changed]), changed[0].n_bits)


def _noise(shape: tuple[int, ...], changes: int) -> Bools:
    drawn = np.frombuffer(random_bytes(2 * shape[0] * shape[1]), dtype="<u2").reshape(shape)
    return drawn < changes
