"""Rows that cannot be right are refused, in memory that does not grow with their number."""

import hashlib
import io
from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import DataError, PprlError
from pprl.exchange import rowchecks
from pprl.exchange.layout import Section, aligned, header_of
from pprl.exchange.package import Package, manifest_of
from pprl.exchange.rowchecks import check_rows
from pprl.model import BitMatrix, CheckTags, Provenance


def sections_of(n_records=40, seed=1, **changes):
    """Give the sections of a good package, and what was changed in them."""
    rng = np.random.default_rng(seed)
    ids = np.array(sorted(rng.bytes(12).hex().encode() for _ in range(n_records)), dtype="S24")
    sections = {
        "record_ids": ids,
        "passes/one/words": BitMatrix.from_bools(rng.random((n_records, 500)) < 0.4).words.copy(),
        "passes/one/present": np.ones(n_records, dtype=np.uint8),
        "passes/one/tags": rng.integers(1, 2**32, (n_records, 2), dtype=np.uint32),
        "passes/two/words": BitMatrix.from_bools(rng.random((n_records, 128)) < 0.5).words.copy(),
        "passes/two/present": np.ones(n_records, dtype=np.uint8),
        "decoy": np.zeros(n_records, dtype=np.uint8),
        "spike_in": np.zeros(n_records, dtype=np.int32),
    }
    sections["decoy"][:3] = 1
    sections["spike_in"][3:5] = [7, 9]
    return sections | changes


def written(sections, **manifest_changes):
    """Write a package of any sections, with a manifest that fits them."""
    n_records = len(sections["record_ids"])
    template = Package(
        record_ids=np.array([b"x" * 24], dtype="S24"),
        passes={
            name: BitMatrix.from_bools(np.ones((1, n), dtype=bool))
            for name, n in (("one", 500), ("two", 128))
        },
        present={name: np.ones(1, dtype=bool) for name in ("one", "two")},
        project="study",
        epoch=1,
        fingerprint="0" * 64,
        check_tags=CheckTags(key="a" * 32, encoder="b" * 32),
        provenance=Provenance(software="test 1", unicode_version="14.0.0"),
        tags={"one": np.ones((1, 2), dtype=np.uint32)},
    )
    contents = {name: np.ascontiguousarray(array).tobytes() for name, array in sections.items()}
    manifest = msgspec.structs.replace(
        manifest_of(template),
        rows=n_records,
        decoys=3,
        spike_ins=2,
        id_width=sections["record_ids"].dtype.itemsize,
        sections=tuple(
            Section(name=name, length=len(content), sha256=hashlib.sha256(content).hexdigest())
            for name, content in contents.items()
        ),
    )
    manifest = msgspec.structs.replace(manifest, **manifest_changes).to_bytes()
    file = header_of(manifest) + manifest
    for content in contents.values():
        file = file.ljust(aligned(len(file)), b"\0") + content
    return io.BytesIO(file)


def refusal(stream, *, fresh_ids=True):
    with pytest.raises(PprlError) as refused:
        check_rows(stream, "package", fresh_ids=fresh_ids)
    return refused.value.code.partition("/")[2]


def changed(name, change, **options):
    sections = sections_of(**options)
    change(sections[name])
    return written(sections)


def fill_all(array):
    array[5] = np.uint64(2**64 - 1)
    array[5, -1] = np.uint64(2**52 - 1)  # 500 bits


def sparse(array):
    array[:] = 0
    array[:, 0] = 1


def repeat(array):
    array[: len(array) // 2] = array[0]


def absent(array):
    array[4] = 0


@pytest.mark.parametrize("n_records", [5, 6, 40])
def test_good_rows_pass(n_records):
    """Few or many, with decoys and spike-ins."""
    manifest, facts = check_rows(written(sections_of(n_records)), "package", fresh_ids=True)

    assert (manifest.rows, facts.rows) == (n_records, n_records)


@pytest.mark.parametrize(
    ("code", "name", "change"),
    [
        ("row-all-zero", "passes/one/words", lambda words: words[7].fill(0)),
        ("row-all-one", "passes/one/words", fill_all),
        ("row-all-one", "passes/two/words", lambda words: words[7].fill(2**64 - 1)),
        ("row-fill", "passes/one/words", sparse),
        ("row-beyond", "passes/one/words", lambda words: words[7].fill(2**64 - 1)),
        ("row-absent", "passes/one/present", absent),
        ("row-absent", "passes/two/present", absent),
        ("row-presence", "passes/one/present", lambda present: present[7:].fill(2)),
        ("row-ids", "record_ids", lambda ids: np.put(ids, 7, b"X" * 24)),
        ("row-ids", "record_ids", lambda ids: np.put(ids, 7, b"ab")),
        ("row-repeated-id", "record_ids", lambda ids: np.put(ids, 8, ids[7])),
        ("row-order", "record_ids", lambda ids: np.put(ids, [7, 8], ids[[8, 7]])),
        ("row-fictitious", "decoy", lambda decoy: decoy[:4].fill(1)),
        ("row-fictitious", "decoy", lambda decoy: decoy[:3].fill(2)),
        ("row-fictitious", "decoy", lambda decoy: np.put(decoy, [0, 3], [0, 1])),
        ("row-fictitious", "spike_in", lambda numbers: numbers.fill(0)),
        ("row-fictitious", "spike_in", lambda numbers: np.put(numbers, [3, 4], [7, 7])),
        ("row-fictitious", "spike_in", lambda numbers: np.put(numbers, [3, 4, 5], [7, 8, 9])),
        ("row-fictitious", "spike_in", lambda numbers: np.put(numbers, 20, -1)),
    ],
)
def test_rows_that_cannot_be_right_are_refused(code, name, change):
    """Each check has its code."""
    assert refusal(changed(name, change)) == code


def test_a_flood_of_one_row_is_refused():
    """Half of the rows are one and the same, under ids of their own."""
    sections = sections_of(100)
    for name in ("passes/one/words", "passes/two/words"):
        repeat(sections[name])

    assert refusal(written(sections)) == "row-flood"


def test_rows_that_are_absent_everywhere_are_no_flood():
    """Whoever has no identifiers at all is kept, and never matched."""
    sections = sections_of(100)
    for name in ("passes/one/words", "passes/two/words", "passes/one/tags"):
        sections[name][10:] = 0
    for name in ("passes/one/present", "passes/two/present"):
        sections[name][10:] = 0

    assert check_rows(written(sections), "package", fresh_ids=True)[1].rows == 100


def test_ids_of_a_custodian_are_not_held_to_the_form_of_fresh_ones():
    """Before sealing they are what the custodian has."""
    sections = sections_of(6, record_ids=np.array([b"b", b"a", b"c", b"d", b"e", b"f"]))

    assert check_rows(written(sections), "package", fresh_ids=False)[1].rows == 6
    assert refusal(written(sections)) == "row-ids"


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file[:-1],
        lambda file: file + b"\0",
        lambda file: file[:-1] + bytes([file[-1] ^ 1]),
        lambda file: file[: len(file) // 2],
    ],
)
def test_a_file_that_is_not_whole_is_refused(change):
    """Lengths and digests are those of the manifest."""
    file = written(sections_of()).getvalue()

    assert refusal(io.BytesIO(change(file))) in {"altered", "row-fictitious"}


def test_pieces_do_not_matter(monkeypatch):
    """One row at a time gives the same facts, and finds an order that is wrong between two pieces."""
    sections = sections_of()
    whole = check_rows(written(sections), "package", fresh_ids=True)
    monkeypatch.setattr(rowchecks, "PIECE_BYTES", 1)

    assert check_rows(written(sections), "package", fresh_ids=True) == whole
    assert refusal(changed("record_ids", lambda ids: np.put(ids, 8, ids[7]))) == "row-repeated-id"
    assert refusal(changed("record_ids", lambda ids: np.put(ids, [7, 8], ids[[8, 7]]))) == "row-order"


def test_the_digest_of_rows_knows_no_order_and_no_ids():
    """The same rows shuffled, under other ids, have the same digest; one bit more has another."""
    sections = sections_of()
    order = np.random.default_rng(4).permutation(40)
    shuffled = {name: array[order] for name, array in sections.items()}
    shuffled["record_ids"] = sections_of(seed=9)["record_ids"]
    other = {name: array.copy() for name, array in sections.items()}
    other["passes/one/words"][7, 0] ^= np.uint64(1)

    digests = [
        check_rows(written(one), "package", fresh_ids=True)[1].rows_digest
        for one in (sections, shuffled, other)
    ]

    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


@given(
    st.lists(st.integers(0, 12), min_size=0, max_size=300),
    st.integers(1, 50),
)
def test_a_flood_is_found_as_counting_finds_it(rows, piece):
    """The bounded count refuses what a full count finds to be half of the rows, and nothing below it."""
    frequent = rowchecks._Frequent()
    hashes = rowchecks._mixed(np.array(rows, dtype=np.uint64) + np.uint64(1))
    for begin in range(0, len(rows), piece):
        frequent.add(hashes[begin : begin + piece])
    share = max(Counter(rows).values(), default=0) / max(len(rows), 1)

    try:
        frequent.finish("package")
        found = False
    except DataError:
        found = True

    if len(rows) < rowchecks.FEWEST_ROWS or share < 0.49:
        assert not found
    elif share >= 0.5:
        assert found


def test_a_flood_among_many_different_rows_is_found():
    """More rows than are counted at once."""
    rng = np.random.default_rng(3)
    hashes = rng.permutation(np.concatenate([rng.integers(0, 2**63, 9000), np.full(11000, 5)])).astype(
        np.uint64
    )
    frequent = rowchecks._Frequent()
    for begin in range(0, hashes.size, 700):
        frequent.add(hashes[begin : begin + 700])

    with pytest.raises(DataError):
        frequent.finish("package")
    assert frequent._values.size <= 256
