import unicodedata

import pytest

from pprl.cleaning import text
from pprl.cleaning.outcome import Outcome, ValueRefused
from pprl.cleaning.text import clean_text, tidy


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_composed_and_decomposed_are_one(form):
    """Siân is one name, composed or not."""
    typed = unicodedata.normalize(form, "Siân")

    assert clean_text(typed).text == "sian"


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("Łukasz", "lukasz"),
        ("Đorđe", "dorde"),
        ("Ødegård", "odegard"),
        ("Æthel", "aethel"),
        ("Straße", "strasse"),
        ("STRASSE", "strasse"),
        ("\uff33\uff4d\uff49\uff54\uff48", "smith"),
        ("\ufb01ona", "fiona"),
    ],
)
def test_letters_fold_to_what_people_type(typed, canonical):
    """Letters without a decomposition, full width and ligatures have a plain spelling."""
    cleaned = clean_text(typed)

    assert cleaned == Outcome(canonical)


@pytest.mark.parametrize(
    "hidden", ["\u200b", "\u200d", "\u00ad", "\u202e", "\ufeff", "\x00", "\x1b", "\U0001f600"]
)
def test_invisible_control_and_emoji_characters_are_removed_and_counted(hidden):
    """Zero-width, soft hyphen, right-to-left override, control and emoji leave no trace but a flag."""
    cleaned = clean_text(f"Sm{hidden}ith")

    assert cleaned == Outcome("smith", flags=("characters-removed",))


@pytest.mark.parametrize(
    "apostrophe", ["'", "\u2018", "\u2019", "\u02bc", "\u02bb", "`", "\u00b4", "\u2032", "\uff07"]
)
def test_all_apostrophes_are_one(apostrophe):
    """O'Brien is typed with many signs."""
    assert clean_text(f"O{apostrophe}Brien").text == "obrien"


@pytest.mark.parametrize(
    "hyphen", ["-", "\u2010", "\u2011", "\u2013", "\u2014", "\u2212", " - ", "\u00a0", "\t", "\n"]
)
def test_all_hyphens_and_spaces_part(hyphen):
    """A double-barrelled name has the same parts, however they are joined."""
    assert clean_text(f"Smith{hyphen}Jones").text == "smith jones"


def test_digits_are_ascii_in_addresses():
    """Digits of other scripts are the same digits."""
    assert clean_text("\u0661\u0662 \uff11").text == "12 1"


@pytest.mark.parametrize("half", [0xD83D, 0xDC80])
def test_half_a_character_is_refused(half):
    """A lone surrogate shows that the column was decoded wrongly."""
    with pytest.raises(ValueRefused, match="lone surrogate"):
        clean_text(f"Si{chr(half)}n")


def test_long_texts_are_cut_and_flagged():
    """A canonical text has a documented greatest length."""
    cleaned = clean_text("a" * (text.LONGEST + 1))

    assert cleaned == Outcome("a" * text.LONGEST, flags=("shortened",))


def test_a_text_of_a_thousand_characters_is_no_address():
    """A value beyond the greatest length is invalid, and costs no time."""
    cleaned = clean_text("a\u0301\u0323" * text.LONGEST_INPUT)

    assert cleaned == Outcome(None, "invalid")


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u00a0", "\u200b", "\ufeff "])
def test_blank_is_empty(blank):
    """What shows nothing is empty."""
    assert clean_text(blank) == Outcome(None, "empty")


@pytest.mark.parametrize(
    "nothing", ["-", "...", "?", "N/A", "n/k", "Unknown", "NOT KNOWN.", "No fixed abode", "NFA"]
)
def test_what_stands_for_nothing_is_a_placeholder(nothing):
    """Two unknown addresses do not agree."""
    assert clean_text(nothing) == Outcome(None, "placeholder")


@pytest.mark.parametrize("lost", ["\U0001f600", "\ue000", "+"])
def test_a_text_of_which_nothing_is_left_is_invalid(lost):
    """Something was typed, and it has no letter or digit."""
    assert clean_text(lost) == Outcome(None, "invalid")


def test_tidy_drops_what_comes_with_pasting():
    """Direction marks and odd spaces around a number are not part of it."""
    assert tidy("\u202a943\u00a0476\u20115919\u202c\n") == "943 476-5919"
