import csv
from pathlib import Path

import pytest

from pprl.cleaning.names import clean_name

with (Path(__file__).parent / "names.csv").open(encoding="utf-8", newline="") as lines:
    NAMES = list(csv.DictReader(lines))


@pytest.mark.parametrize("row", NAMES, ids=[f"{row['tradition']}-{n}" for n, row in enumerate(NAMES)])
def test_names_of_many_traditions(row):
    """A name is spelled in one way, whatever tradition it comes from."""
    typed = row["typed"]

    cleaned = clean_name(typed)

    assert cleaned.text == row["canonical"]


def test_the_table_is_large_enough():
    """Two hundred names and more are pinned, each once."""
    typed = [row["typed"] for row in NAMES]

    assert len(set(typed)) == len(typed) >= 200


@pytest.mark.parametrize(
    "tradition",
    ["Welsh", "Irish", "Scottish Gaelic", "Polish", "Romanian", "Yoruba", "South Asian", "Arabic romanised"],
)
def test_no_tradition_is_a_token(tradition):
    """Each of these has fifteen names and more."""
    assert len([row for row in NAMES if row["tradition"] == tradition]) >= 15
