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
    """Sixty names and more are pinned."""
    assert len({row["typed"] for row in NAMES}) >= 60
