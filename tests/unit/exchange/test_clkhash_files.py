"""Files of the anonlink tools are read as they were written, and refused with the place of what is wrong."""

import json

import numpy as np
import pytest

from pprl.errors import DataError, UsageError
from pprl.exchange import clkhash
from pprl.model import BitMatrix

BITS = BitMatrix.from_bools(np.random.default_rng(1).random((5, 48)) < 0.5)


def test_clks_are_read_as_they_were_written(tmp_path):
    """In row order; a name that is taken is not overwritten."""
    path = tmp_path / "clks.json"

    clkhash.write_clks(path, BITS)

    assert {"clks": clkhash.clks_from_bits(BITS)} == json.loads(path.read_text())
    assert BITS.to_bytes() == clkhash.read_clks(path).to_bytes()
    with pytest.raises(UsageError, match="exists already"):
        clkhash.write_clks(path, BITS)


def test_files_of_many_clks_are_written_in_parts(tmp_path, monkeypatch):
    """Nothing is lost between the parts."""
    monkeypatch.setattr("pprl.exchange.clkhash.files._CHUNK", 2)

    clkhash.write_clks(tmp_path / "clks.json", BITS)

    assert BITS.to_bytes() == clkhash.read_clks(tmp_path / "clks.json").to_bytes()


def test_blocks_are_read_as_they_were_written(tmp_path):
    """By row number; a row in no block need not be named."""
    blocks = {0: ("one", "2"), 3: ("one",)}
    clkhash.write_blocks(tmp_path / "blocks.json", blocks, meta={"source": 5})
    clkhash.write_clknblocks(tmp_path / "both.json", BITS, blocks)

    bits, by_row = clkhash.read_clknblocks(tmp_path / "both.json")

    assert blocks == clkhash.read_blocks(tmp_path / "blocks.json")
    assert (("one", "2"), (), (), ("one",), ()) == by_row
    assert BITS.to_bytes() == bits.to_bytes()
    with pytest.raises(UsageError, match="from 0 to 4"):
        clkhash.write_clknblocks(tmp_path / "wrong.json", BITS, {5: ("one",)})


def test_results_are_read_as_they_were_written(tmp_path):
    """Groups of (party, row), and pairs of them with a score."""
    groups = (((0, 3), (1, 4)), ((0, 1), (1, 0), (2, 8)))
    similarities = (((0, 3), (1, 4), 0.875), ((0, 1), (2, 8), 1.0))

    clkhash.write_groups(tmp_path / "groups.json", groups)
    clkhash.write_similarities(tmp_path / "similar.json", similarities)

    assert groups == clkhash.read_groups(tmp_path / "groups.json")
    assert similarities == clkhash.read_similarities(tmp_path / "similar.json")


@pytest.mark.parametrize(
    ("read", "content", "said"),
    [
        (clkhash.read_clks, "{", "is not JSON"),
        (clkhash.read_clks, "[]", r"Expected `object`, got `array`"),
        (clkhash.read_clks, "{}", "missing required field `clks`"),
        (clkhash.read_clks, '{"clks": []}', "there is none"),
        (clkhash.read_clks, '{"clks": [""]}', "row 1: is empty"),
        (clkhash.read_clks, '{"clks": ["AAAA", "AA-A"]}', "row 2: is not base64"),
        (clkhash.read_clks, '{"clks": ["AAAA", "AAA="]}', "row 2: has 2 bytes, row 1 has 3"),
        (clkhash.read_clknblocks, '{"clknblocks": [[]]}', "row 1: does not begin with a CLK"),
        (clkhash.read_blocks, '{"blocks": {"x": []}}', "1 keys are not row numbers"),
        (clkhash.read_blocks, '{"blocks": {"1": [], "01": []}}', "a row is named twice"),
        (clkhash.read_groups, '{"groups": [[[0, -1]]]}', "Expected `int` >= 0"),
    ],
)
def test_files_that_are_not_what_they_should_be_are_refused(tmp_path, read, content, said):
    """With the place."""
    (tmp_path / "file.json").write_text(content, encoding="utf-8")

    with pytest.raises(DataError, match=said):
        read(tmp_path / "file.json")
