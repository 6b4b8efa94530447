"""Envelopes and the table of who may send what; every code of a refusal is in the documentation."""

import re
from pathlib import Path

import pytest

import pprl
from pprl.errors import PprlError
from pprl.exchange.envelope import ALLOWED, PURPOSES, parse_prelude

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "sealed-packages.md").read_text(encoding="utf-8")
ROLES = {"custodian": "custodian", "linkage unit": "linkage-unit", "research": "research"}


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"pprl-sealed 1",
        b"pprl-sealed 1 0000000512",
        b"pprl-sealed 1 0000000512 ",
        b"pprl-sealed 1 000000512\n\n",
        b"pprl-sealed 1 0000131073\n",
        b"pprl-sealed 1 0000000000\n",
        b"pprl-sealed 1 9999999999\n",
        b"pprl-sealed 01 000000512\n",
        b"pprl-sealed 1  000000512\n",
        b"pprl-sealed 1 +000000512\n",
    ],
)
def test_a_prelude_has_one_spelling(start):
    """Whatever is not exactly one is refused."""
    with pytest.raises(PprlError) as refused:
        parse_prelude(start, "package")

    assert refused.value.code == "authentication/envelope"


def test_a_later_version_is_told_as_such():
    """Exit status 7, also where the rest of the line has another form by then."""
    with pytest.raises(PprlError) as refused:
        parse_prelude(b"pprl-sealed 12 4294967296", "package")

    assert refused.value.exit_status == 7


def test_the_table_in_the_documentation_is_the_one_that_is_obeyed():
    """Purposes, senders, recipients and layouts, row by row."""
    rows = re.findall(
        r"^\| `([a-z-]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| [^|]+ \| ([\d,]+) days \|$", PAGE, re.MULTILINE
    )

    told = {name: (sender, to, layouts, days) for name, sender, to, layouts, days in rows}
    assert set(told) == set(PURPOSES)
    for purpose, rule in ALLOWED.items():
        sender, to, layouts, days = told[purpose]
        assert tuple(re.findall(r"`([^`]+)`", layouts)) == rule.layouts
        assert int(days.replace(",", "")) == rule.days
        if sender in ROLES and not to.startswith(("another", "itself")):
            assert {(ROLES[sender], ROLES[one]) for one in to.split(", ")} == set(rule.ways)
    assert len(ALLOWED["deletion-record"].ways) == 9
    assert not ALLOWED["id-map"].ways


def test_every_code_is_documented():
    """Whoever reads a code in a ledger finds what it means."""
    modules = (
        "envelope",
        "opening",
        "unsealing",
        "contents",
        "rowchecks",
        "peers",
        "optouts",
        "checking",
        "layout",
    )
    sources = [
        (Path(pprl.__file__).parent / "exchange" / f"{name}.py").read_text(encoding="utf-8")
        for name in modules
    ]
    codes = {
        code
        for text in sources
        for code in re.findall(r'code="([a-z-]+)"|_wrong\(\s*[^,()]*(?:\([^)]*\))?,?\s*"([a-z-]+)"', text)
        for code in code
        if code
    }

    elsewhere = {
        "not-a-package",
        "package-version",
        "changed-while-read",
        "opt-out-file",
        "opt-out-other-file",
    }
    missing = {code for code in codes - elsewhere if f"`{code}`" not in PAGE}

    assert "wrong-content" in codes
    assert missing == set()
