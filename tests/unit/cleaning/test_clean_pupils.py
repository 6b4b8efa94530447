import pytest

from pprl.cleaning.outcome import Outcome, ValueRefused
from pprl.cleaning.pupils import LETTERS, check_letter, clean_upn

RIGHT = "H801200001001"


@pytest.mark.parametrize(
    "typed", [RIGHT, "h801200001001", " H801 2000 01001\n", "H-801-2000-01001", "\ufeff" + RIGHT]
)
def test_a_upn_has_one_spelling(typed):
    """Case, spaces and hyphens do not matter."""
    assert clean_upn(typed) == Outcome(RIGHT)


@pytest.mark.parametrize("number", ["A123456789012", "H801200001001", "A000000000000"])
def test_the_check_letter_is_that_of_the_department(number):
    """Weights 2 to 13, modulus 23, over letters without I, O and S; worked out by hand."""
    assert check_letter(number[1:]) == number[0]


@pytest.mark.parametrize("place", range(1, 13))
@pytest.mark.parametrize("more", range(1, 10))
def test_a_wrong_digit_is_always_found(place, more):
    """23 is prime and larger than any weight and any difference of digits."""
    digit = (int(RIGHT[place]) + more) % 10
    typed = f"{RIGHT[:place]}{digit}{RIGHT[place + 1 :]}"

    assert clean_upn(typed) == Outcome(None, "wrong-check-letter")


@pytest.mark.parametrize("letter", sorted(set(LETTERS) - {"H"}))
def test_any_other_letter_is_wrong(letter):
    """One letter of 23 fits."""
    assert clean_upn(letter + RIGHT[1:]) == Outcome(None, "wrong-check-letter")


@pytest.mark.parametrize("letter", "IOSios")
@pytest.mark.parametrize("place", [0, 12])
def test_letters_like_digits_are_never_used(letter, place):
    """I, O and S are misread 1, 0 and 5, in a temporary UPN as well."""
    typed = f"{RIGHT[:place]}{letter}{RIGHT[place + 1 :]}"

    assert clean_upn(typed) == Outcome(None, "impossible-letter")


@pytest.mark.parametrize("typed", ["H80120000100A", "a80120000100z"])
def test_temporary_upns_are_missing(typed):
    """They change when the pupil's own becomes known, so they link nobody."""
    assert clean_upn(typed) == Outcome(None, "temporary-upn")


@pytest.mark.parametrize(
    "typed",
    ["8012000010011", "H80120000100", "H8012000010011", "HH01200001001", "H80120000A001", "H801.2000.01001",
     "\uff28801200001001", "H80120000100\u0661", "\u00df801200001001"],
)  # fmt: skip
def test_anything_else_is_invalid(typed):
    """Other lengths, letters in the middle, and characters that only look like these."""
    assert clean_upn(typed) == Outcome(None, "invalid")


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "empty"),
        ("n/a", "placeholder"),
        ("Not known", "placeholder"),
        ("UN1", "placeholder"),
        ("un5", "placeholder"),
    ],
)
def test_nothing_is_told_from_something_wrong(typed, reason):
    """As in every field."""
    assert clean_upn(typed) == Outcome(None, reason)


def test_a_number_of_a_spreadsheet_is_refused():
    """A column with 8.012E+11 has lost its letters."""
    with pytest.raises(ValueRefused, match="spreadsheets"):
        clean_upn("8.012E+11")
