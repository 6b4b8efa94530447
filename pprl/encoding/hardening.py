"""
Hardening: steps that make a filter tell an attacker less.

A step is its own configuration: a frozen struct with ``out_bits(n_bits)``, the length of
what it gives, and ``__call__(bits, key)``.  Each step runs under a key of its own.
Absent records (no bit set) are made absent again by the encoder after the last step.
"""

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from pprl.errors import AgreementError
from pprl.keys import Subkey, random_bytes
from pprl.model import BitMatrix

Bools = npt.NDArray[np.bool_]
MAX_BITS = 65536
CHUNK = 4096  # records at a time: the bits lie unpacked, a byte each


class _Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="step"):
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
    n_bits: Annotated[int, msgspec.Meta(ge=64, le=MAX_BITS)]

    def out_bits(self, n_bits: int) -> int:
        """Give the length of the output."""
        if self.t > n_bits:
            raise AgreementError(f"diffuse needs at least t = {self.t} bits, got {n_bits}", code="hardening")
        return self.n_bits

    def __call__(self, bits: BitMatrix, key: Subkey) -> BitMatrix:
        """Apply the step."""
        sets = diffusion_sets(key, n_in=bits.n_bits, n_out=self.n_bits, t=self.t)
        return _by_chunk(bits, lambda rows: np.bitwise_xor.reduce([rows[:, column] for column in sets.T]))


class XorFold(_Step, frozen=True, kw_only=True, tag="xor-fold"):
    """The two halves, XORed.  Diffusion with t = 2 and a public structure."""

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
        half = self.out_bits(bits.n_bits)
        return _by_chunk(bits, lambda rows: rows[:, :half] ^ rows[:, half:])


class Permute(_Step, frozen=True, kw_only=True, tag="permute"):
    """The bits in a uniformly random order chosen by key."""

    def out_bits(self, n_bits: int) -> int:
        """Give the length of the output, as that of the input."""
        return n_bits

    def __call__(self, bits: BitMatrix, key: Subkey) -> BitMatrix:
        """Apply the step."""
        order = keyed_permutation(key, "order", bits.n_bits)
        return _by_chunk(bits, lambda rows: rows[:, order])


class Flip(_Step, frozen=True, kw_only=True, tag="flip"):
    """Each bit is replaced by a fair coin with a probability (BLIP: Alaggan, Gambs & Kermarrec 2012).

    The noise is fresh for each record, from the operating system, and is kept nowhere.
    Two encodings of one table therefore differ.

    Parameters
    ----------
    probability : Decimal
        Chance that a bit is replaced, above 0 and below 1; steps of 1 / 32,768.
    """

    noisy: ClassVar[bool] = True
    probability: Decimal

    def __post_init__(self) -> None:
        if not self.probability.is_finite() or not 0 < self.probability < 1:
            raise AgreementError("flip: wanted a probability above 0 and below 1", code="hardening")
        msgspec.structs.force_setattr(self, "probability", self.probability.normalize())

    def out_bits(self, n_bits: int) -> int:
        """Give the length of the output, as that of the input."""
        return n_bits

    def __call__(self, bits: BitMatrix, _key: Subkey) -> BitMatrix:
        """Apply the step."""
        # A bit replaced by a fair coin changes half of the time.
        changes = round(self.probability * 2**15)
        return _by_chunk(bits, lambda rows: rows ^ _noise(rows.shape, changes))


Step = Diffuse | XorFold | Permute | Flip


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


def _by_chunk(bits: BitMatrix, change: Callable[[Bools], Bools]) -> BitMatrix:
    """Apply a change of unpacked bits, some thousand records at a time."""
    chunks = [bits.words[start : start + CHUNK] for start in range(0, max(len(bits), 1), CHUNK)]
    changed = [BitMatrix.from_bools(change(BitMatrix(chunk, bits.n_bits).to_bools())) for chunk in chunks]
    return BitMatrix(np.concatenate([part.words for part in changed]), changed[0].n_bits)


def _noise(shape: tuple[int, ...], changes: int) -> Bools:
    drawn = np.frombuffer(random_bytes(2 * shape[0] * shape[1]), dtype="<u2").reshape(shape)
    return drawn < changes
