import string
import unicodedata
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pprl.cleaning import (
    CodeField,
    DateField,
    HealthNumberField,
    NameField,
    PostcodeField,
    SexField,
    TextField,
    UpnField,
    ValueRefused,
)
from pprl.cleaning import text as texts
from pprl.cleaning.postcodes import clean_postcode, postcode_parts
from pprl.cleaning.pupils import LETTERS, check_letter, clean_upn

RULES = [
    NameField(name="surname", weight=1),
    TextField(name="address", weight=1),
    DateField(name="born", weight=1, order="dmy"),
    DateField(name="born", weight=1, order="mdy"),
    DateField(name="born", weight=1, order="ymd"),
    SexField(name="sex", weight=1),
    PostcodeField(name="postcode", weight=1),
    PostcodeField(name="postcode", weight=1, country="any"),
    CodeField(name="state", weight=1),
    UpnField(name="upn", legal_basis="Education Act 1996 s. 537A"),
]
HEALTH = HealthNumberField(name="number", weight=1)
NAME, ADDRESS = RULES[:2]

anything = st.text(alphabet=st.characters(exclude_categories=()))
valid = st.text()
namelike = st.lists(
    st.sampled_from(
        [
            "mr",
            "Dr.",
            "O",
            "o'",
            "Mac",
            "mc",
            "'",
            "\u2019",
            "-",
            "Baby",
            "of",
            "sir",
            "Łuk",
            "é",
            "b/o",
            "Ní",
            "7",
        ]
    )
).map(" ".join)
numberlike = st.text(alphabet="0123456789-/. :TZeE+")


@given(st.one_of(anything, numberlike, namelike))
@pytest.mark.parametrize("rule", [*RULES, HEALTH], ids=lambda rule: type(rule).__name__)
def test_a_rule_answers_or_refuses(rule, value):
    """Whatever is typed, a rule raises nothing but a refusal, and gives a text or a reason."""
    try:
        cleaned = rule.clean(value)
    except ValueRefused:
        return

    assert (cleaned.text is None) == bool(cleaned.reason)


@given(st.one_of(valid, numberlike, namelike))
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_cleaning_twice_is_cleaning_once(rule, value):
    """Canonical text is its own canonical text, so a cleaned extract may be cleaned again."""
    try:
        once = rule.clean(value)
    except ValueRefused:
        return

    assert once.text is None or rule.clean(once.text).text == once.text


@given(valid)
@example("Siân")
@example("Nguyễn")
@example("が")
@example("각")
@pytest.mark.parametrize("rule", [NAME, ADDRESS], ids=["name", "text"])
def test_composed_and_decomposed_text_is_one(rule, value):
    """A Mac's decomposed accents and Windows' composed ones are the same name."""
    composed = rule.clean(unicodedata.normalize("NFC", value))
    decomposed = rule.clean(unicodedata.normalize("NFD", value))

    assert composed == decomposed


@given(valid)
def test_a_canonical_name_has_letters_marks_and_spaces_only(value):
    """No digit, punctuation, symbol or control character is left in a name."""
    canonical = NAME.clean(value).text or ""

    assert {unicodedata.category(char)[0] for char in canonical} <= {"L", "M", "Z"}
    assert canonical == " ".join(canonical.split(" ")).strip()
    assert len(canonical) <= texts.LONGEST


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_the_fast_way_for_ascii_is_the_slow_way(value):
    """ASCII text is spelled by a table that agrees with the rules for all text."""
    fast = value.translate(texts._ASCII)

    assert fast == texts._spell(value)


@given(st.dates(min_value=date(1902, 1, 1), max_value=date(2100, 12, 31)))
def test_every_way_of_writing_a_date_is_one_date(day):
    """A day written in the stated order, or as ISO, is the same canonical text."""
    rules = {"dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y", "ymd": "%Y/%m/%d"}
    compact = {"dmy": "%d%m%Y", "mdy": "%m%d%Y", "ymd": "%Y%m%d"}

    written = {
        DateField(name="born", weight=1, order=order).clean(text).text
        for order in rules
        for text in (
            day.strftime(rules[order]),
            day.strftime(compact[order]),
            day.isoformat(),
            day.strftime("%d-%b-%Y"),
        )
    }

    assert written == {day.isoformat()}


@given(st.text(alphabet=string.digits, min_size=12, max_size=12))
def test_every_digit_counts_in_a_check_letter(digits):
    """A number with its own check letter is kept as it is; with any other it is not."""
    letter = check_letter(digits)

    kept = [other for other in LETTERS if clean_upn(other + digits).text]

    assert [letter] == kept


@given(st.from_regex(r"[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][ABD-HJLNP-UW-Z]{2}", fullmatch=True))
def test_the_parts_of_a_postcode_contain_each_other(typed):
    """Whoever shares a unit shares sector, district and area."""
    cleaned = clean_postcode(typed)
    if cleaned.text is None:
        assert typed.startswith("ZZ99")
        return

    parts = postcode_parts(cleaned.text)

    assert parts[0] == cleaned.text
    assert all(near.startswith(wide) for near, wide in pairwise(parts))
