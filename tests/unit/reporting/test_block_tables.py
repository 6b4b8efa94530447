"""Agreements and packages show their block tags to people, and packages without any look as before."""

from pprl.agreement import Agreement, preset_text
from pprl.reporting.records import package_record
from pprl.reporting.text import describe_agreement, describe_package
from pprl.workflow import encode

BLOCKS = """n_bits = 1024
blocks = [
    { kind = "hamming-lsh", tables = 8, bits = 32 },
    { kind = "fields", parts = [
        { field = "surname", part = "soundex" },
        { field = "date_of_birth", part = "year" },
    ] },
]
"""
AGREEMENT = Agreement.from_toml(preset_text("febrl").replace("n_bits = 1024\n", BLOCKS, 1).encode())


def test_an_agreement_shows_its_block_rules():
    """Each with what it reads and how many tags it gives."""
    shown = describe_agreement(AGREEMENT).splitlines()[-3:]

    assert [
        ["pass", "block tags", "tables"],
        ["everything", "hamming-lsh, 32 bits each", "8"],
        ["everything", "fields: surname (soundex), date_of_birth (year)", "1"],
    ] == [[cell.strip() for cell in line.split("  ") if cell] for line in shown]
    assert "block tags" not in describe_agreement(Agreement.preset("febrl"))


def test_a_package_shows_how_many_tags_a_record_has(people, key):
    """Where there are any; programs read a number for each pass."""
    package = encode(people, AGREEMENT, key, id="rec_id")

    assert ["everything", "9"] == describe_package(package).splitlines()[-1].split()
    assert [9, 0, 0, 0] == [one["tables"] for one in package_record(package)["passes"]]
    assert "block tags" not in describe_package(encode(people, Agreement.preset("febrl"), key, id="rec_id"))
