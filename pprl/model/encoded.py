"""
Encoded datasets: what a custodian makes, and all that a linkage unit sees.

For each pass a dataset holds one bit vector a record and says which records are
present in it.  A record that lacks what a pass needs is *absent* there: its bits are
zero, and it can neither agree nor disagree.  A pass may also have *block tags*: numbers,
one for each of its tables, of which equality says that two records are worth comparing.
Some records may be *decoys*: people who do not exist, by whom false links are counted; some
*spike-ins*: people who do not exist of whom each party has a copy, by whom missed links are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from types import MappingProxyType

import numpy as np

from pprl.errors import DataError, PolicyError
from pprl.model.arrays import Codes, Ids, Mask, Rows, Tags, frozen, texts
from pprl.model.bits import BitMatrix
from pprl.model.provenance import Provenance

TAG_BYTES = 16
# No control character, and none that turns or breaks a line: whoever sends a package must not write on
# a reader's screen.
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+$(?!\n)"
MAX_ID_BYTES = 64
MAX_TABLES = 256  # of block tags in a pass


@dataclass(frozen=True, slots=True)
class CheckTags:
    """Two short tags by which parties see that they encode alike, without showing how.

    Parameters
    ----------
    key : str
        Equal if, and only if, the custodians hold the same linkage secret.
    encoder : str
        Equal if, besides, cleaning, Unicode data and encoding give the same bits.
    """

    key: str
    encoder: str

    def __post_init__(self) -> None:
        for name, tag in (("key", self.key), ("encoder", self.encoder)):
            if not _is_hex(tag, 2 * TAG_BYTES):
                raise DataError(
                    f"check tag {name}: wanted {2 * TAG_BYTES} hexadecimal digits", code="check-tag"
                )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EncodedDataset:
    """The encoded records of one party.

    Parameters
    ----------
    record_ids : ndarray of bytes, shape (n,)
        UTF-8, at most 64 bytes each, none empty, all different.
    passes : mapping of str to BitMatrix
        For each pass the bits of all `n` records.
    present : mapping of str to ndarray of bool, shape (n,)
        For each pass which records take part in it.  The others have no bit set.
    project : str
        Name of the project in the agreement.
    epoch : int
        Epoch of the agreement.
    fingerprint : str
        SHA-256 of the agreement, 64 hexadecimal digits.
    check_tags : CheckTags
        Tags of the key and of the encoder.
    provenance : Provenance
        What made the dataset.
    tags : mapping of str to ndarray of uint32, shape (n, tables)
        For each pass that has block rules the tags of all `n` records, 0 where a record has
        none; so are all of an absent record.  The arrays are made read-only.
    decoy : ndarray of bool, shape (n,), optional
        Which records are decoys; by default none.
    spike_in : ndarray of int32, shape (n,), optional
        For each record 0, or the number of the spike-in that it is a copy of, each once; by
        default all 0.

    Raises
    ------
    DataError
        If lengths differ, an id is empty or not unique, an absent record has bits or tags, or
        a spike-in is there twice or is a decoy.
    """

    record_ids: Ids
    passes: Mapping[str, BitMatrix]
    present: Mapping[str, Mask]
    project: str
    epoch: int
    fingerprint: str
    check_tags: CheckTags
    provenance: Provenance
    tags: Mapping[str, Tags] = field(default_factory=dict)
    decoy: Mask = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    spike_in: Codes = field(default_factory=lambda: np.zeros(0, dtype=np.int32))

    def __post_init__(self) -> None:
        _require_ids(self.record_ids)
        if not _is_hex(self.fingerprint, 64):
            raise DataError("encoded dataset: fingerprint: wanted 64 hexadecimal digits", code="fingerprint")
        if list(self.passes) != list(self.present):
            raise DataError("encoded dataset: passes and presence name different passes", code="passes")
        for name, bits in self.passes.items():
            _require_pass(name, bits, self.present[name], n_records=len(self.record_ids))
            frozen(self.present[name])
        frozen(self.record_ids)
        object.__setattr__(self, "tags", _checked_tags(self.tags, self.present))
        object.__setattr__(self, "decoy", _checked_decoy(self.decoy, n_records=len(self.record_ids)))
        object.__setattr__(self, "spike_in", _checked_spike_in(self.spike_in, self.decoy))
        object.__setattr__(self, "passes", MappingProxyType(dict(self.passes)))
        object.__setattr__(self, "present", MappingProxyType(dict(self.present)))

    def require_same_agreement(self, other: "EncodedDataset") -> None:
        """Raise unless both datasets were made under one agreement, alike, with one secret.

        Raises
        ------
        PolicyError
            Naming the check that failed.
        """
        checks = (
            ("project", self.project, other.project, "the packages belong to different projects"),
            ("epoch", self.epoch, other.epoch, "one package was made in another epoch: ask for a new one"),
            (
                "fingerprint",
                self.fingerprint,
                other.fingerprint,
                "let both custodians use the same agreement file",
            ),
            ("key tag", self.check_tags.key, other.check_tags.key, "the custodians hold different secrets"),
            (
                "encoder tag",
                self.check_tags.encoder,
                other.check_tags.encoder,
                "the custodians' software encodes differently: compare `pprl doctor` on both sides",
            ),
        )
        for name, mine, theirs, hint in checks:
            if mine != theirs:
                code = f"different-{name.replace(' ', '-')}"
                raise PolicyError(f"packages cannot be compared: {name} differs", code=code, hint=hint)
        if self.n_tables() != other.n_tables():
            raise PolicyError(
                "packages cannot be compared: the number of block tags differs",
                code="different-tags",
                hint="a package has lost its tags: ask the custodian to encode again",
            )

    def n_tables(self) -> dict[str, int]:
        """Give the number of block tags that a record has, for each pass that has any."""
        return {name: tags.shape[1] for name, tags in self.tags.items()}

    @property
    def n_decoys(self) -> int:
        """Number of records that are decoys."""
        return int(self.decoy.sum())

    @property
    def n_spike_ins(self) -> int:
        """Number of records that are spike-ins."""
        return int(np.count_nonzero(self.spike_in))

    @property
    def real(self) -> Mask:
        """Say which records are of the custodian: neither decoys nor spike-ins."""
        real: Mask = ~self.decoy & (self.spike_in == 0)
        return real

    def ids(self, rows: Rows | None = None) -> list[str]:
        """Give record ids as text, of all rows or of those named."""
        chosen = self.record_ids if rows is None else self.record_ids[rows]
        return texts(chosen)

    def __len__(self) -> int:
        return int(self.record_ids.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} records, {len(self.passes)} passes)"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{bits.n_bits}</td><td>{int(self.present[name].sum())}</td></tr>"
            for name, bits in self.passes.items()
        )
        head = "<tr><th>pass</th><th>bits</th><th>records present</th></tr>"
        return f"<table><caption>{len(self)} encoded records</caption>{head}{rows}</table>"


def _require_ids(record_ids: Ids) -> None:
    if record_ids.ndim != 1 or record_ids.dtype.kind != "S" or record_ids.dtype.itemsize > MAX_ID_BYTES:
        raise DataError(f"record ids: wanted one column of at most {MAX_ID_BYTES} bytes", code="record-id")
    octets = record_ids.view(np.uint8)
    if bool((((octets < 0x20) & (octets != 0)) | (octets == 0x7F)).any()):
        raise DataError("record ids: hold control characters", code="record-id")
    if bool((record_ids == b"").any()):
        raise DataError(f"record ids: {int((record_ids == b'').sum())} are empty", code="record-id")
    n_repeated = record_ids.size - np.unique(record_ids).size
    if n_repeated:
        raise DataError(f"record ids: {n_repeated} occur more than once", code="duplicate-id")


def _require_pass(name: str, bits: BitMatrix, present: Mask, *, n_records: int) -> None:
    if len(bits) != n_records or present.shape != (n_records,) or present.dtype != np.bool_:
        raise DataError(f"pass {name}: wanted {n_records} records", code="passes")
    if bool(bits.words[~present].any()):
        raise DataError(f"pass {name}: a record that is absent has bits set", code="absent-with-bits")


def _checked_tags(tags: Mapping[str, Tags], present: Mapping[str, Mask]) -> Mapping[str, Tags]:
    """Check block tags; give them in the order of the passes, contiguous and read-only."""
    if not set(tags) <= set(present):
        raise DataError("encoded dataset: block tags of a pass that there is not", code="passes")
    for name, held in tags.items():
        _require_tags(name, held, present[name])
    checked = {name: frozen(np.ascontiguousarray(tags[name])) for name in present if name in tags}
    return MappingProxyType(checked)


def _require_tags(name: str, tags: Tags, present: Mask) -> None:
    if tags.dtype != np.uint32 or tags.ndim != 2 or len(tags) != present.size:
        raise DataError(f"pass {name}: block tags: wanted uint32 for {present.size} records", code="tags")
    if not 1 <= tags.shape[1] <= MAX_TABLES:
        raise DataError(f"pass {name}: block tags: wanted 1 to {MAX_TABLES} tables", code="tags")
    if bool(tags[~present].any()):
        raise DataError(f"pass {name}: a record that is absent has block tags", code="absent-with-tags")


def _checked_decoy(decoy: Mask, *, n_records: int) -> Mask:
    if decoy.size == 0:
        decoy = np.zeros(n_records, dtype=np.bool_)
    if decoy.shape != (n_records,) or decoy.dtype != np.bool_:
        raise DataError(f"encoded dataset: decoys: wanted {n_records} records", code="decoys")
    return frozen(np.ascontiguousarray(decoy))


def _checked_spike_in(spike_in: Codes, decoy: Mask) -> Codes:
    if spike_in.size == 0:
        spike_in = np.zeros(decoy.size, dtype=np.int32)
    if spike_in.shape != decoy.shape or spike_in.dtype != np.int32 or bool((spike_in < 0).any()):
        raise DataError(
            f"encoded dataset: spike-ins: wanted numbers for {decoy.size} records", code="spike-ins"
        )
    numbers = spike_in[spike_in > 0]
    if np.unique(numbers).size < numbers.size or bool(decoy[spike_in > 0].any()):
        raise DataError("encoded dataset: a spike-in is there twice, or is a decoy", code="spike-ins")
    return frozen(np.ascontiguousarray(spike_in))


def _is_hex(text: str, length: int) -> bool:
    return len(text) == length and set(text) <= set("0123456789abcdef")
