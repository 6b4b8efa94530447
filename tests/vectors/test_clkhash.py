"""CLKs that clkhash 0.18.3 made: 36 schemas, bit for bit."""

import json
import warnings
from pathlib import Path

import pytest

from pprl.exchange import clkhash

VECTORS = json.loads((Path(__file__).parent / "clkhash_vectors.json").read_text(encoding="utf-8"))["vectors"]


def schema_of(vector: dict) -> clkhash.Schema:
    """The schema of a vector, whatever is to be said against it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", clkhash.ClkhashWarning)
        return clkhash.Schema.load(vector["schema"])


def test_there_are_36_schemas():
    """No vector was lost on the way."""
    names = {vector["name"] for vector in VECTORS}

    assert 36 == len(names)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_clks_are_those_of_clkhash(vector):
    """Bit for bit, in the order of the rows."""
    schema = schema_of(vector)

    clks = clkhash.encode(vector["rows"], schema, vector["secret"], folding="as-clkhash")

    assert vector["clks_base64"] == clks


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_bits_come_out_of_base64(vector):
    """A CLK of clkhash has the bits set that clkhash counted."""
    bits = clkhash.bits_from_clks(vector["clks_base64"])

    assert vector["popcounts"] == bits.popcounts().tolist()
    assert vector["clks_base64"] == clkhash.clks_from_bits(bits)
