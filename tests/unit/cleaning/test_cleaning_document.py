import re
from pathlib import Path
from typing import get_args

import pytest

from pprl.cleaning import Field
from pprl.cleaning.names import clean_name
from pprl.cleaning.outcome import Flag, Reason

DOCUMENT = (Path(__file__).parents[3] / "docs" / "cleaning.md").read_text(encoding="utf-8")


def first_column(heading: str) -> set[str]:
    """Words in code at the beginning of the rows below a heading."""
    section = DOCUMENT.split(f"## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))


def test_all_reasons_are_documented():
    """And no other."""
    assert first_column("Why a value is missing") == set(get_args(Reason)) - {""}


def test_all_flags_are_documented():
    """And no other."""
    assert first_column("What is kept and counted") == set(get_args(Flag))


def test_all_kinds_are_documented():
    """Every rule that an agreement can state is in the first table."""
    kinds = {str(rule.__struct_config__.tag) for rule in get_args(Field)}

    assert kinds == set(re.findall(r"^\| `([^`]+)` \|", DOCUMENT.split("\n## ")[0], re.MULTILINE))


@pytest.mark.parametrize(
    ("typed", "canonical"),
    re.findall(
        r"`([^`]+)`[^|\n]*\| (?:[^|\n]*)\| `([^`]+)`", DOCUMENT.split("## Particles")[1].split("\n## ")[0]
    ),
)
def test_the_first_example_of_a_particle_is_so(typed, canonical):
    """What the table of particles says of names comes out of the rule."""
    assert canonical in {clean_name(typed).text, clean_name(canonical).text}
