"""
Noise that protects nobody: masks that come again.

Flipped bits hide a record only if nobody can take them off.  Two peers re-seeded their generator
for every record, so that one mask lay over all: it falls out of every comparison, and equal
records stay equal.  Masks drawn from the record's content keep equal records equal too, and masks
drawn from its place come again in the next file.  Such noise costs quality and protects nobody.

The check encodes some records several times, in two runs, and once without noise; what differs
from that is the *mask* of a row.  Fresh masks that change a share q of the bits differ from each
other in ``2 q (1 - q)``; two that differ in less than a quarter of this were not drawn apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from pprl.auditing.scenes import rows_of
from pprl.cleaning.fields import Field
from pprl.encoding.encoder import Columns, encode_passes, present_in
from pprl.encoding.passes import FuzzyPass
from pprl.errors import UsageError
from pprl.keys import ProjectKey, Subkey
from pprl.model import BitMatrix
from pprl.model.arrays import Bools

Encode = Callable[[Columns], BitMatrix]
NoiseVerdict = Literal[
    "fresh",
    "no noise",
    "too little to tell",
    "one mask for several records",
    "same mask for equal records",
    "same mask in each run",
]

N_RECORDS, N_COPIES = 32, 8
_SAME = 0.25  # of what is expected of fresh masks; less was not drawn apart
_LEAST = (
    48  # bits that must be expected to differ: a fresh mask is then taken for an old one once in 10^8 pairs
)


@dataclass(frozen=True, slots=True)
class NoiseFinding:
    """What the noise of an encoder is worth.

    Parameters
    ----------
    verdict : str
        What was found.
    changed : float
        Share of the bits that the noise changed.
    fresh : float
        Share of the bits in which two fresh masks that change as many would differ.
    between_records, between_copies, between_runs : float
        The share in which two masks differed: of two records; of two copies of one record; of one
        row in two runs.
    repeated : float
        Greatest share, over these three, of pairs of masks that were not drawn apart.
    n_records, n_copies : int
        Records encoded, and how often each in a run.
    """

    verdict: NoiseVerdict
    changed: float
    fresh: float
    between_records: float
    between_copies: float
    between_runs: float
    repeated: float
    n_records: int
    n_copies: int

    @property
    def protects(self) -> bool:
        """Whether there is noise that cannot simply be taken off.  How much it protects is not said."""
        return self.verdict == "fresh"

    def __str__(self) -> str:
        return f"noise: {self.verdict}" + ("" if self.protects else ": no protection")


def check_noise(
    columns: Columns,
    rules: Sequence[Field],
    one: FuzzyPass,
    key: ProjectKey,
    *,
    encode: Encode | None = None,
) -> NoiseFinding:
    """Say whether the noise of a pass is drawn anew for each record.

    Parameters
    ----------
    columns : mapping of str to TextColumn
        Cleaned columns by name of field; the first people that differ are taken.
    rules : sequence of Field
        The agreement's fields.
    one : FuzzyPass
        The pass, with its steps of noise.
    key : ProjectKey
        The key that the encoder has.
    encode : callable, optional
        The encoder to be checked: it is given columns and gives filters.  By default our own.

    Raises
    ------
    UsageError
        If fewer than two people who differ take part in the pass, or the encoder gives filters of
        another shape.

    Notes
    -----
    Masks pass through later steps that are XORs of bits, as through `Diffuse`.  Masks that a later
    `Rehash` has stirred look different from record to record, but still come again for equal ones.

    Examples
    --------
    >>> from decimal import Decimal
    >>> from pprl.cleaning.fields import NameField
    >>> from pprl.encoding.hardening import Flip
    >>> from pprl.encoding.passes import PassField
    >>> from pprl.keys import LinkageKey
    >>> from pprl.model import TextColumn
    >>> people = {"name": TextColumn.from_texts(["ann", "bob", "cid", "dora"])}
    >>> noise = (Flip(probability=Decimal("0.2")),)
    >>> one = FuzzyPass(name="all", fields=(PassField(field="name", bits=20),), n_bits=1024, hardening=noise)
    >>> key = LinkageKey.generate().for_project("audit", epoch=1)
    >>> str(check_noise(people, [NameField(name="name")], one, key))
    'noise: fresh'
    """
    silent = _without_noise(one)
    chosen = _distinct_people(columns, rules, silent, key)
    copies = rows_of(columns, np.repeat(chosen, N_COPIES))
    encode = encode or (lambda people: encode_passes(people, rules, [one], key)[one.name].bits)
    clean = encode_passes(copies, rules, [silent], key)[silent.name].bits.to_bools()
    first, second = (_same_shape(encode(copies), clean) ^ clean for _ in range(2))
    return judge_masks(first.reshape(chosen.size, N_COPIES, -1), second.reshape(chosen.size, N_COPIES, -1))


def judge_masks(first: Bools, second: Bools) -> NoiseFinding:
    """Judge the masks of two runs.

    Parameters
    ----------
    first, second : ndarray of bool, shape (records, copies, bits)
        Bits that the noise changed; at least two records and two copies.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> masks = rng.random((2, 10, 4, 1024)) < 0.1
    >>> judge_masks(*masks).verdict
    'fresh'
    >>> judge_masks(masks[0], masks[0]).verdict
    'same mask in each run'
    """
    n_records, n_copies, n_bits = first.shape
    changed = float((first.mean() + second.mean()) / 2)
    fresh = 2 * changed * (1 - changed)
    # Neighbours in a ring: each row is compared once, and pairs that share no row are independent.
    records = _apart(first, np.roll(first, 1, axis=0))
    copies = _apart(first, np.roll(first, 1, axis=1))
    runs = _apart(first, second)
    expected = fresh * n_bits
    repeated = tuple(_repeated(share, fresh, expected) for share in (records, copies, runs))
    return NoiseFinding(
        verdict=_verdict(changed, expected * records.size, *repeated),
        changed=changed,
        fresh=fresh,
        between_records=float(records.mean()),
        between_copies=float(copies.mean()),
        between_runs=float(runs.mean()),
        repeated=max(repeated),
        n_records=n_records,
        n_copies=n_copies,
    )


class _Silence(msgspec.Struct, frozen=True, tag_field="step", tag="silence"):
    """A step that changes nothing."""

    def __call__(self, bits: BitMatrix, _key: Subkey) -> BitMatrix:
        return bits


def _without_noise(one: FuzzyPass) -> FuzzyPass:
    # Keys of steps are derived from their places, so a step left out would change those behind it.
    steps = tuple(_Silence() if step.noisy else step for step in one.hardening)
    return msgspec.structs.replace(one, hardening=steps)


def _verdict(changed: float, bits_apart: float, records: float, copies: float, runs: float) -> NoiseVerdict:
    found: tuple[tuple[bool, NoiseVerdict], ...] = (
        (not changed, "no noise"),
        (bits_apart < _LEAST, "too little to tell"),
        (records > 0, "one mask for several records"),
        (copies > 0, "same mask for equal records"),
        (runs > 0, "same mask in each run"),
    )
    return next((verdict for holds, verdict in found if holds), "fresh")


def _repeated(apart: npt.NDArray[np.float64], fresh: float, expected: float) -> float:
    """Give the share of the pairs of masks not drawn apart; all or none where one pair is too short."""
    seen = apart if expected >= _LEAST else apart.mean(keepdims=True)
    return float((seen < _SAME * fresh).mean())


def _apart(one: Bools, other: Bools) -> npt.NDArray[np.float64]:
    """Give the share of the bits in which masks differ."""
    return np.asarray((one ^ other).mean(axis=-1), dtype=np.float64)


def _distinct_people(
    columns: Columns, rules: Sequence[Field], silent: FuzzyPass, key: ProjectKey
) -> npt.NDArray[np.int64]:
    """Choose people whose filters without noise differ."""
    present = np.flatnonzero(present_in(columns, silent))[: 4 * N_RECORDS]
    words = encode_passes(rows_of(columns, present), rules, [silent], key)[silent.name].bits.words
    _, first = np.unique(words, axis=0, return_index=True)
    if first.size < 2:
        raise UsageError("noise check: wanted two people who differ in what the pass encodes", code="too-few")
    chosen: npt.NDArray[np.int64] = present[np.sort(first)[:N_RECORDS]]
    return chosen


def _same_shape(bits: BitMatrix, clean: Bools) -> Bools:
    if (len(bits), bits.n_bits) != clean.shape:
        raise UsageError(
            f"noise check: wanted {clean.shape[0]} filters of {clean.shape[1]} bits, got {len(bits)} of"
            f" {bits.n_bits}",
            code="shape",
        )
    return bits.to_bools()
