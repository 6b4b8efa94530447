"""A package reads back as it was written, and any other bytes are refused."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import AuthenticationError, DataError, PprlError, UsageError, VersionError
from pprl.exchange import layout
from pprl.exchange.idmaps import IdMap, pseudonymise
from pprl.exchange.package import Package, read_package
from pprl.model import BitMatrix, CheckTags, Provenance

GOLDEN = Path(__file__).parents[2] / "vectors" / "golden-v1.pprl"


def package(n_records: int = 3, **changes) -> Package:
    """A small package with two passes, in which the last record is absent."""
    rng = np.random.default_rng(1)
    present = np.arange(n_records) < n_records - 1
    bits = (rng.random((n_records, 100)) < 0.5) & present[:, None]
    parts = {
        "record_ids": np.array([f"id-{i}é".encode() for i in range(n_records)] or [], dtype="S10"),
        "passes": {"one": BitMatrix.from_bools(bits), "two": BitMatrix.from_bools(bits[:, :64])},
        "present": {"one": present, "two": present},
        "project": "Größe",
        "epoch": 1,
        "fingerprint": "0" * 64,
        "check_tags": CheckTags(key="a" * 32, encoder="b" * 32),
        "provenance": Provenance(software="test 1", unicode_version="14.0.0"),
    }
    return Package(**(parts | changes))


TAGS = np.array([[1, 2, 3], [4, 0, 2**32 - 1], [0, 0, 0]], dtype=np.uint32)  # of three records


def tagged() -> Package:
    """The same, with block tags in its second pass."""
    return package(tags={"two": TAGS})


def content_of(one: Package) -> tuple:
    """All that a package holds, as plain values."""
    tags = {name: held.tolist() for name, held in one.tags.items()}
    passes = {
        name: (bits.n_bits, bits.to_bytes(), one.present[name].tolist()) for name, bits in one.passes.items()
    }
    return one.ids(), passes, tags, one.project, one.epoch, one.fingerprint, one.check_tags, one.provenance


@pytest.mark.parametrize("n_records", [0, 1, 3, 70])
def test_a_package_reads_back(tmp_path, n_records):
    """Also an empty one."""
    written = package(n_records)

    written.save(tmp_path / "p.pprl")

    assert content_of(written) == content_of(read_package(tmp_path / "p.pprl"))


def test_sections_are_mapped_and_not_copied(tmp_path):
    """Words lie in the file, at a multiple of 64 bytes."""
    package().save(tmp_path / "p.pprl")

    words = read_package(tmp_path / "p.pprl").passes["one"].words

    base = words
    while isinstance(base, np.ndarray):
        base = base.base
    assert "memoryview" == type(base).__name__ or "mmap" == type(base).__name__
    assert 0 == words.ctypes.data % 64


def test_block_tags_read_back(tmp_path):
    """Mapped and not copied, at a multiple of 64 bytes."""
    tagged().save(tmp_path / "p.pprl")

    read = read_package(tmp_path / "p.pprl")

    assert content_of(tagged()) == content_of(read)
    assert {"two": 3} == read.n_tables()
    assert 0 == read.tags["two"].ctypes.data % 64
    assert not read.tags["two"].flags.writeable


def test_the_format_of_block_tags_has_not_moved(tmp_path):
    """The file is the same as ever, byte for byte; it ends with the tags, least byte first."""
    tagged().save(tmp_path / "p.pprl")

    content = (tmp_path / "p.pprl").read_bytes()

    assert TAGS.astype("<u4").tobytes() == content[-36:]
    assert b'"passes":[{"n_bits":100,"name":"one"},{"n_bits":64,"name":"two","tables":3}]' in content
    assert (
        "8df64dec6eddab82522508b9d7b74b758ff958bd2002d88d584fa98a3cd43cfa"
        == hashlib.sha256(content).hexdigest()
    )


def test_a_package_with_any_bit_of_its_tags_flipped_is_refused(tmp_path):
    """As any other section."""
    tagged().save(tmp_path / "p.pprl")
    content = (tmp_path / "p.pprl").read_bytes()

    for place in range(len(content) - 36, len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << (place % 8)
        (tmp_path / "p.pprl").write_bytes(changed)
        with pytest.raises(AuthenticationError, match="section passes/two/tags"):
            read_package(tmp_path / "p.pprl")


def test_tags_of_an_absent_record_are_refused(tmp_path, monkeypatch):
    """Even with digests that fit."""
    with monkeypatch.context() as patched:
        patched.setattr("pprl.model.encoded._require_tags", lambda *_: None)
        package(tags={"two": TAGS[::-1]}).save(tmp_path / "p.pprl")

    with pytest.raises(AuthenticationError, match="absent has block tags"):
        read_package(tmp_path / "p.pprl")


def test_equal_packages_are_equal_files(tmp_path):
    """No time, no name and no chance goes into a file."""
    package().save(tmp_path / "a.pprl")
    package().save(tmp_path / "b.pprl")

    assert (tmp_path / "a.pprl").read_bytes() == (tmp_path / "b.pprl").read_bytes()


def test_the_golden_file_opens_for_ever():
    """Written by version 1 of the format."""
    golden = read_package(GOLDEN)

    assert content_of(package()) == content_of(golden)


def test_the_format_has_not_moved(tmp_path):
    """What is written today is the golden file, byte for byte."""
    package().save(tmp_path / "p.pprl")

    assert GOLDEN.read_bytes() == (tmp_path / "p.pprl").read_bytes()


def test_a_package_cut_anywhere_is_refused(tmp_path):
    """At every length shorter than its own."""
    content = GOLDEN.read_bytes()
    path = tmp_path / "p.pprl"

    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises((AuthenticationError, DataError)):
            read_package(path)


def test_a_package_with_any_bit_flipped_is_refused(tmp_path):
    """Every byte of the file is covered: one bit of each is flipped in turn."""
    content = GOLDEN.read_bytes()
    path = tmp_path / "p.pprl"

    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << (place % 8)
        path.write_bytes(changed)
        with pytest.raises(PprlError):
            read_package(path)


def test_a_package_with_something_after_it_is_refused(tmp_path):
    """Trailing bytes could hide anything."""
    (tmp_path / "p.pprl").write_bytes(GOLDEN.read_bytes() + b"\0")

    with pytest.raises(AuthenticationError, match="1 bytes follow"):
        read_package(tmp_path / "p.pprl")


@given(st.binary(max_size=300))
def test_foreign_bytes_are_refused(tmp_path_factory, content):
    """Whatever they are."""
    path = tmp_path_factory.mktemp("foreign") / "p.pprl"
    path.write_bytes(content)

    with pytest.raises(PprlError):
        read_package(path)


def test_another_version_is_said_to_be_one(tmp_path):
    """Exit status 7, not "damaged"."""
    content = GOLDEN.read_bytes().replace(b"pprl-package 1 ", b"pprl-package 2 ", 1)
    (tmp_path / "p.pprl").write_bytes(content)

    with pytest.raises(VersionError, match="version 2"):
        read_package(tmp_path / "p.pprl")


def forged(change) -> bytes:
    """A file whose manifest was changed and whose digests were made anew."""
    content = GOLDEN.read_bytes()
    start, length, _ = layout.parse_header(content[:128], "golden")
    manifest = json.loads(content[start : start + length])
    text = change(manifest)
    raw = text if isinstance(text, bytes) else layout.msgspec.json.encode(manifest, order="sorted")
    header = layout.header_of(raw)
    begin = layout.aligned(len(header) + len(raw))
    sections = content[layout.aligned(start + length) :]
    return (header + raw).ljust(begin, b"\0") + sections


def nested(_manifest: dict) -> bytes:
    """A manifest that is nested 10,000 deep."""
    return b'{"rows":' + b"[" * 10_000 + b"]" * 10_000 + b"}"


CHANGES = {
    "rows beyond any machine": lambda m: m.update(rows=2**63),
    "rows of another file": lambda m: m.update(rows=4),
    "rows as text": lambda m: m.update(rows="3"),
    "negative rows": lambda m: m.update(rows=-1),
    "an unknown key": lambda m: m.update(critical=True),
    "a missing key": lambda m: m.pop("epoch") and None,
    "a repeated pass": lambda m: m.update(passes=m["passes"][:1] * 2),
    "a pass without a section": lambda m: m.update(passes=m["passes"] + [{"name": "three", "n_bits": 64}]),
    "sections in another order": lambda m: m.update(sections=m["sections"][::-1]),
    "tags without a section": lambda m: m["passes"][0].update(tables=1),
    "no tables, written out": lambda m: m["passes"][0].update(tables=0),
    "too many tables": lambda m: m["passes"][0].update(tables=257),
    "a digest of something else": lambda m: m["sections"][0].update(sha256="0" * 64),
    "bits beyond a row": lambda m: m["passes"][0].update(n_bits=99),
    "wide ids": lambda m: m.update(id_width=65),
    "a terminal escape": lambda m: m.update(software="\x1b[31mred"),
    "a repeated key": lambda m: (
        json.dumps(m, separators=(",", ":"), sort_keys=True).encode()[:-1] + b',"rows":3}'
    ),
    "spaces": lambda m: json.dumps(m, sort_keys=True).encode(),
    "not a number": lambda m: b'{"epoch":NaN}',
    "a huge integer": lambda m: m.update(epoch=10**400),
    "deep nesting": nested,
    "too long": lambda m: b" " * 65_537,
    "not JSON": lambda m: b"\xff\xfe",
    "nothing": lambda m: b"",
}


def test_the_forger_can_copy(tmp_path):
    """Without a change the forged file opens, so the cases below fail for their own reason."""
    (tmp_path / "p.pprl").write_bytes(forged(lambda _: None))

    assert content_of(package()) == content_of(read_package(tmp_path / "p.pprl"))


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_manifest_that_lies_is_refused(tmp_path, change):
    """Even with digests that fit."""
    if change is CHANGES["a huge integer"]:
        raw = forged(
            lambda m: json.dumps(m | {"epoch": 10**400}, separators=(",", ":"), sort_keys=True).encode()
        )
    else:
        raw = forged(change)
    (tmp_path / "p.pprl").write_bytes(raw)

    with pytest.raises(AuthenticationError):
        read_package(tmp_path / "p.pprl")


@pytest.mark.parametrize(
    "changes",
    [
        {"record_ids": np.array([b"a", b"a", b"b"])},
        {"present": {"one": np.array([True, False, False]), "two": np.array([True, True, False])}},
    ],
)
def test_sections_that_contradict_themselves_are_refused(changes):
    """Repeated ids and bits of absent records do not even become a package."""
    with pytest.raises(DataError):
        package(**changes)


def test_a_package_is_for_its_owner(tmp_path):
    """And is not overwritten."""
    package().save(tmp_path / "p.pprl")

    with pytest.raises(UsageError):
        package().save(tmp_path / "p.pprl")
    assert os.name == "nt" or 0o600 == (tmp_path / "p.pprl").stat().st_mode & 0o777


def test_random_ids_lead_back(tmp_path):
    """Through the map, which reads back."""
    original = package(50)

    shuffled, mapping = pseudonymise(original)
    mapping.save(tmp_path / "map.csv")
    local = IdMap.load(tmp_path / "map.csv").local_ids

    back = {
        local[one]: shuffled.passes["one"].to_bools()[row].tolist() for row, one in enumerate(shuffled.ids())
    }
    expected = dict(zip(original.ids(), original.passes["one"].to_bools().tolist(), strict=True))
    assert expected == back
    assert not set(original.ids()) & set(shuffled.ids())


def test_tags_go_with_their_records():
    """Through random ids and their order."""
    tags = np.arange(1, 51, dtype=np.uint32)[:, None] * np.array([1, 1000], dtype=np.uint32)
    tags[-1] = 0
    original = package(50, tags={"one": tags})

    shuffled, mapping = pseudonymise(original)

    expected = dict(zip(original.ids(), tags.tolist(), strict=True))
    found = zip(shuffled.ids(), shuffled.tags["one"].tolist(), strict=True)
    assert expected == {mapping.local_ids[one]: row for one, row in found}


def test_random_ids_hide_the_order():
    """Rows go out in the order of the random ids, which is another each time."""
    original = package(50)

    one, two = (pseudonymise(original)[0].passes["one"].to_bytes() for _ in range(2))

    assert one != two != original.passes["one"].to_bytes()


def test_an_id_map_shows_counts_only():
    """It is the way back to people."""
    assert "IdMap(3 records)" == repr(pseudonymise(package())[1])
