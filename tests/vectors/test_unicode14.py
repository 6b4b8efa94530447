import hashlib
import sys
import unicodedata

import pytest

from pprl.cleaning import text
from pprl.cleaning.unicode14 import UNASSIGNED

# Made on Python 3.11; equal on 3.12 and 3.13.
SPELLED = "b2687154ced0bf202790a6862ff7fef33e3915ad044e110c69898bdf718aee18"


def test_every_code_point_is_spelled_alike_on_all_pythons():
    """Custodians with different Pythons, and so different Unicode data, agree."""
    digest = hashlib.sha256()

    for plane in range(17):
        codes = [code for code in range(plane << 16, (plane + 1) << 16) if not 0xD800 <= code <= 0xDFFF]
        digest.update(text._spell("a".join(map(chr, codes))).encode())

    assert digest.hexdigest() == SPELLED


@pytest.mark.skipif(unicodedata.unidata_version != "14.0.0", reason="only Python 3.11 has Unicode 14.0")
def test_the_table_is_unicode_14():
    """The ranges are those that Python 3.11 itself calls unassigned."""
    expected = [code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cn"]

    unassigned = [code for code in range(sys.maxunicode + 1) if UNASSIGNED.match(chr(code))]

    assert unassigned == expected


@pytest.mark.parametrize("new", ["\U0001e6c0", "\U00010d40", "\u1c89", "\u088f", "\U00010ec3"])
def test_letters_newer_than_unicode_14_are_removed_and_flagged(new):
    """A letter that only some Pythons know counts on none."""
    cleaned = text.clean_text(f"a{new}b")

    assert (cleaned.text, cleaned.flags) == ("ab", ("characters-removed",))
