"""Files of linkage keys: they come back as they were written, and damaged ones are refused by row."""

import os
import stat

import numpy as np
import pandas as pd
import pytest

from pprl.errors import DataError, UsageError
from pprl.exchange.crosswalks import (
    load_crosswalk,
    load_record_keys,
    record_keys_csv,
    save_crosswalk,
    save_record_keys,
)
from pprl.linkage.linkagekeys import Crosswalk, RecordKeys, assign_record_keys
from pprl.model import Clusters

ONE, TWO = "0f" * 16, "1e" * 16
IDS = np.array([b"r3", b"r1", b"decoy", b"r2"])
KEYS_CSV = f"record_id,linkage_key\nr1,{ONE}\nr2,{TWO}\n"
CROSSWALK_CSV = f"person,source,linkage_key,probability\n{ONE},a,{ONE},0.5\n{ONE},b,{TWO},\n"


@pytest.fixture
def assigned():
    """Keys and crosswalk of three records of a, and two of b, one of them shared."""
    party = np.array([0, 0, 0, 1, 1], dtype=np.int32)
    clusters = Clusters(("a", "b"), party, np.array([0, 1, 3, 0, 1]), np.array([0, 1, 2, 0, 3]), (True, True))
    return assign_record_keys(clusters, probability=np.array([0.91, np.nan, np.nan, 0.91, np.nan]))


def test_keys_come_back_by_record_id(tmp_path, assigned):
    """And the row of a decoy is not in the file."""
    (keys, _), _ = assigned

    save_record_keys(tmp_path / "keys.csv", keys, IDS)

    expected = dict(zip(("r3", "r1", "r2"), (key.decode() for key in keys.linkage_key.tolist()), strict=True))
    assert expected == load_record_keys(tmp_path / "keys.csv")


def test_the_lines_of_keys_are_in_the_order_of_ids_and_of_one_length(assigned):
    """So neither tells who was matched."""
    (keys, _), _ = assigned

    lines = record_keys_csv(keys, IDS).decode().splitlines()

    assert ["record_id", "r1", "r2", "r3"] == [line.split(",")[0] for line in lines]
    assert 1 == len({len(line) for line in lines[1:]})


def test_a_crosswalk_comes_back(tmp_path, assigned):
    """With unknown probabilities unknown."""
    _, crosswalk = assigned

    save_crosswalk(tmp_path / "crosswalk.csv", crosswalk)
    read = load_crosswalk(tmp_path / "crosswalk.csv")

    assert crosswalk.sources == read.sources
    for name in ("person", "source", "linkage_key", "probability"):
        np.testing.assert_array_equal(getattr(crosswalk, name), getattr(read, name))


def test_an_empty_crosswalk_and_empty_keys_come_back(tmp_path):
    """A custodian that sent an empty package."""
    none = np.zeros(0, dtype="S32")
    save_crosswalk(
        tmp_path / "crosswalk.csv", Crosswalk(("a",), none, np.zeros(0, np.int32), none.copy(), np.zeros(0))
    )
    save_record_keys(tmp_path / "keys.csv", RecordKeys("a", np.zeros(0, np.int64), none.copy()), none)

    assert 0 == len(load_crosswalk(tmp_path / "crosswalk.csv"))
    assert {} == load_record_keys(tmp_path / "keys.csv")


def test_what_is_there_is_not_replaced_unless_forced(tmp_path, assigned):
    """Keys that were sent are the only ones of their kind."""
    (keys, _), crosswalk = assigned
    for save, content in ((save_record_keys, (keys, IDS)), (save_crosswalk, (crosswalk,))):
        path = tmp_path / save.__name__
        save(path, *content)

        with pytest.raises(UsageError, match="exists already"):
            save(path, *content)
        save(path, *content, force=True)


@pytest.mark.skipif(os.name == "nt", reason="modes are a POSIX matter")
def test_files_are_for_their_owner_only(tmp_path, assigned):
    """A crosswalk in other hands joins what was to stay apart."""
    _, crosswalk = assigned

    save_crosswalk(tmp_path / "crosswalk.csv", crosswalk)

    assert 0o600 == stat.S_IMODE((tmp_path / "crosswalk.csv").stat().st_mode)


def test_a_row_that_the_dataset_has_not_is_refused():
    """Keys of one custodian with the ids of another."""
    keys = RecordKeys("a", np.array([4]), np.array([ONE.encode()]))

    with pytest.raises(DataError, match="not in the dataset"):
        record_keys_csv(keys, IDS)


KEY_FILES = {
    "empty": ("", "data/no-header"),
    "an id map": ("record_id,local_id\nr1,7\n", "data/no-column"),
    "a crosswalk": (CROSSWALK_CSV, "data/no-column"),
    "a column more": (f"record_id,linkage_key,name\nr1,{ONE},x\n", "data/wrong-file"),
    "an id twice": (KEYS_CSV.replace("r2", "r1"), "data/duplicate-id"),
    "a key twice": (KEYS_CSV.replace(TWO, ONE), "data/duplicate-id"),
    "a short key": (KEYS_CSV.replace(TWO, TWO[:-1]), "data/bad-linkage-key"),
    "upper case": (KEYS_CSV.replace(TWO, TWO.upper()), "data/bad-linkage-key"),
    "a spreadsheet's number": (KEYS_CSV.replace(TWO, "1.23E+31"), "data/bad-linkage-key"),
    "a line more": (KEYS_CSV.replace(TWO, f'"{TWO}\n"'), "data/line-break-in-value"),
    "no key": (KEYS_CSV.replace(TWO, ""), "data/bad-linkage-key"),
    "no id": (KEYS_CSV.replace("r2", ""), "data/gap"),
    "ragged": (KEYS_CSV + "r3\n", "data/ragged-row"),
    "not UTF-8": (KEYS_CSV.replace("r2", "\udcff"), "data/bad-value"),
}


@pytest.mark.parametrize(("content", "code"), KEY_FILES.values(), ids=KEY_FILES)
def test_a_bad_file_of_keys_is_refused_by_row_and_not_by_value(tmp_path, content, code):
    """No id and no key is repeated."""
    (tmp_path / "keys.csv").write_bytes(content.encode("utf-8", errors="surrogateescape"))

    with pytest.raises(DataError) as caught:
        load_record_keys(tmp_path / "keys.csv")

    assert code == caught.value.code
    said = caught.value.message + caught.value.hint
    assert not any(value in said for value in (ONE, TWO, TWO[:-1], "r1", "r2", "1.23E+31"))


CROSSWALK_FILES = {
    "keys": (KEYS_CSV, "data/no-column"),
    "a key twice": (CROSSWALK_CSV.replace(TWO, ONE), "data/duplicate-id"),
    "a malformed person": (CROSSWALK_CSV.replace(f"{ONE},a", "12,a"), "data/bad-linkage-key"),
    "no source": (CROSSWALK_CSV.replace(",b,", ",,"), "data/gap"),
    "above one": (CROSSWALK_CSV.replace("0.5", "1.5"), "data/bad-linkage-key"),
    "below zero": (CROSSWALK_CSV.replace("0.5", "-0.5"), "data/bad-linkage-key"),
    "not a number": (CROSSWALK_CSV.replace("0.5", "nan"), "data/bad-linkage-key"),
    "a decimal comma": (CROSSWALK_CSV.replace("0.5", '"0,5"'), "data/bad-linkage-key"),
    "an Excel workbook": ("PK\x03\x04", "data/not-a-table"),
}


@pytest.mark.parametrize(("content", "code"), CROSSWALK_FILES.values(), ids=CROSSWALK_FILES)
def test_a_bad_crosswalk_is_refused_by_row_and_not_by_value(tmp_path, content, code):
    """No key and no person is repeated."""
    (tmp_path / "crosswalk.csv").write_text(content)

    with pytest.raises(DataError) as caught:
        load_crosswalk(tmp_path / "crosswalk.csv")

    assert code == caught.value.code
    assert ONE not in caught.value.message + caught.value.hint


def test_the_row_of_a_damaged_key_is_told(tmp_path):
    """The first row of data is row 1."""
    (tmp_path / "keys.csv").write_text(KEYS_CSV.replace(TWO, "1.23E+31"))

    with pytest.raises(
        DataError, match=r"^record keys keys\.csv, column linkage_key: is malformed in row 2$"
    ):
        load_record_keys(tmp_path / "keys.csv")


def test_probabilities_as_a_program_wrote_them_are_read(tmp_path):
    """0, 1 and decimals of any length."""
    rows = [(ONE, "a", ONE, "0"), (ONE, "b", TWO, "1.0"), (TWO, "a", "2d" * 16, "0.123456789")]
    pd.DataFrame(rows, columns=["person", "source", "linkage_key", "probability"]).to_csv(
        tmp_path / "crosswalk.csv", index=False
    )

    assert [0.0, 1.0, 0.123456789] == load_crosswalk(tmp_path / "crosswalk.csv").probability.tolist()
