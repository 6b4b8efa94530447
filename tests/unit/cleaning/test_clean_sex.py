import pytest

from pprl.cleaning.outcome import Outcome, ValueRefused
from pprl.cleaning.sex import clean_sex


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [("1", "m"), ("M", "m"), ("male", "m"), ("2", "f"), (" F ", "f"), ("FEMALE", "f"), ("X", "x"), ("I", "x"),
     ("Other", "x")],
)  # fmt: skip
def test_common_codes_are_known(typed, canonical):
    """The codes of the NHS and ISO 5218, and words."""
    assert clean_sex(typed) == Outcome(canonical)


@pytest.mark.parametrize("typed", ["0", "9", "U", "unknown", "Not specified", "N/A", "-"])
def test_not_known_is_missing(typed):
    """Two people of unknown sex do not agree."""
    assert clean_sex(typed) == Outcome(None, "placeholder")


@pytest.mark.parametrize("typed", ["3", "mm", "\uff2d"])
def test_other_codes_are_invalid(typed):
    """A code that nobody explained is not guessed at."""
    assert clean_sex(typed) == Outcome(None, "invalid")


def test_blank_is_empty():
    """Nothing was typed."""
    assert clean_sex("") == Outcome(None, "empty")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("0", Outcome("m")), ("1", Outcome("f")), ("weibl.", Outcome("f")), ("8", Outcome(None, "placeholder")),
     ("2", Outcome(None, "invalid")), ("", Outcome(None, "empty"))],
)  # fmt: skip
def test_a_custodians_codes_replace_the_common_ones(typed, expected):
    """1 is female in some systems; half a mapping would be a wrong one."""
    codes = {"0": "m", "1": "f", "Weibl.": "f", "8": "unknown"}

    assert clean_sex(typed, codes=codes) == expected


def test_numbers_with_a_decimal_part_are_refused():
    """1.0 shows that a data frame read the column as numbers."""
    with pytest.raises(ValueRefused, match="data frames"):
        clean_sex("1.0")
