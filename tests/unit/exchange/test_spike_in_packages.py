"""Spike-ins in packages: they go with their records, and no map leads to them."""

import dataclasses

import numpy as np
import pytest

from pprl.errors import AuthenticationError, DataError
from pprl.exchange.idmaps import pseudonymise
from pprl.exchange.package import Package, read_package
from pprl.model import BitMatrix, CheckTags, Provenance


def package(spike_in: list[int], decoy: list[bool] | None = None) -> Package:
    n_records = len(spike_in)
    bits = np.random.default_rng(1).random((n_records, 64)) < 0.5
    return Package(
        record_ids=np.array([f"id-{i}".encode() for i in range(n_records)]),
        passes={"one": BitMatrix.from_bools(bits)},
        present={"one": np.ones(n_records, dtype=bool)},
        project="study",
        epoch=1,
        fingerprint="0" * 64,
        check_tags=CheckTags(key="a" * 32, encoder="b" * 32),
        provenance=Provenance(software="test 1", unicode_version="14.0.0"),
        decoy=np.array(decoy or [False] * n_records),
        spike_in=np.array(spike_in, dtype=np.int32),
    )


def test_spike_ins_read_back(tmp_path):
    """With their numbers, beside decoys."""
    package([0, 7, 0, 2], [True, False, False, False]).save(tmp_path / "p.pprl")

    back = read_package(tmp_path / "p.pprl")

    assert [0, 7, 0, 2] == back.spike_in.tolist()
    assert [False, False, True, False] == back.real.tolist()
    assert (1, 2) == (back.n_decoys, back.n_spike_ins)


def test_a_package_without_any_is_as_it_was(tmp_path):
    """No key and no section tell of them."""
    package([0, 0]).save(tmp_path / "p.pprl")

    assert b"spike" not in (tmp_path / "p.pprl").read_bytes()
    assert [0, 0] == read_package(tmp_path / "p.pprl").spike_in.tolist()


def test_an_id_map_leads_to_real_records_only():
    """And numbers go with their records through the new order."""
    original = package([0, 7, 0, 2, 0], [True, False, False, False, False])

    shuffled, id_map = pseudonymise(original)

    rows = {shuffled.passes["one"].words[row, 0]: row for row in range(5)}
    order = [rows[word] for word in original.passes["one"].words[:, 0]]
    assert original.spike_in.tolist() == shuffled.spike_in[order].tolist()
    assert {"id-2", "id-4"} == set(id_map.local_ids.values())


@pytest.mark.parametrize(
    ("spike_in", "decoy"),
    [([1, 1], [False, False]), ([1, 0], [True, False]), ([-1, 0], [False, False])],
)
def test_spike_ins_that_contradict_themselves_are_refused(spike_in, decoy):
    """One number twice, a decoy, a number below 1."""
    with pytest.raises(DataError):
        package(spike_in, decoy)


def test_numbers_of_another_length_are_refused():
    """Each record has one."""
    with pytest.raises(DataError):
        dataclasses.replace(package([0, 1]), spike_in=np.array([1], dtype=np.int32))


def test_a_package_with_a_number_changed_is_refused(tmp_path):
    """As with any other byte."""
    package([0, 7]).save(tmp_path / "p.pprl")
    content = bytearray((tmp_path / "p.pprl").read_bytes())
    content[-1] ^= 1
    (tmp_path / "p.pprl").write_bytes(content)

    with pytest.raises(AuthenticationError):
        read_package(tmp_path / "p.pprl")
