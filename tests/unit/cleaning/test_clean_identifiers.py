import string

import pytest

from pprl.cleaning.identifiers import ChiParts, check_digit, chi_parts, clean_health_number
from pprl.cleaning.outcome import Outcome, ValueRefused


@pytest.mark.parametrize("digit", string.digits)
def test_repeated_digits_are_invalid(digit):
    """0000000000 to 9999999999 are typed for want of a number, though some pass the check."""
    assert clean_health_number(digit * 10) == Outcome(None, "repeated-digits")


@pytest.mark.parametrize(
    "typed",
    [
        "4010232137",
        "401 023 2137",
        "401-023-2137",
        " 4010232137\n",
        "401\u00a0023\u00a02137",
        "401\u2011023\u20112137",
        "\ufeff4010232137",
    ],
)
def test_spaces_and_hyphens_are_allowed(typed):
    """A number is one number, however it is grouped."""
    assert clean_health_number(typed) == Outcome("nhs:4010232137")


@pytest.mark.parametrize(
    "typed",
    [
        "401.023.2137",
        "401/023/2137",
        "\uff14\uff10\uff11\uff10\uff12\uff13\uff12\uff11\uff13\uff17",
        "NHS4010232137",
        "40102321370",
        "40102321",
        "\u0664010232137",
    ],
)
def test_anything_else_is_invalid(typed):
    """Dots, letters, other digits and other lengths are not guessed at."""
    assert clean_health_number(typed) == Outcome(None, "invalid")


@pytest.mark.parametrize(
    "typed", ["9434765919.0", "9.434765919E9", "9.43476592E+09", "9434765919.", "9.4e9", "943 476 5919.0"]
)
def test_spreadsheet_numbers_are_refused(typed):
    """An exponent shows that digits may be lost, in this row or another."""
    with pytest.raises(ValueRefused, match="spreadsheets") as caught:
        clean_health_number(typed)

    assert "text" in caught.value.hint


def test_test_numbers_are_kept_and_flagged():
    """Numbers of the synthetic and never-issued ranges are counted, not dropped."""
    assert clean_health_number("9990000018") == Outcome("nhs:9990000018", flags=("test-number",))


@pytest.mark.parametrize("first_nine", ["500000000", "800000000", "311300000"])
def test_ranges_that_no_scheme_issues_are_invalid(first_nine):
    """A number between the schemes belongs to none of them."""
    number = next(
        f"{n}{check_digit(str(n))}"
        for n in range(int(first_nine), int(first_nine) + 99)
        if check_digit(str(n)) < 10
    )

    assert clean_health_number(number) == Outcome(None, "not-issued")


def test_a_wrong_check_digit_has_its_reason():
    """A slip of the pen is told from a number of another kind."""
    assert clean_health_number("4010232138") == Outcome(None, "wrong-check-digit")


@pytest.mark.parametrize("typed", ["2902191230", "0113209999", "0000000019"])
def test_a_chi_number_begins_with_a_day(typed):
    """Otherwise it is no CHI number, and its reason says so where the range is that of CHI."""
    assert clean_health_number(typed).reason in {"no-such-day", "not-issued"}


@pytest.mark.parametrize(
    ("canonical", "ddmmyy", "sex"),
    [("chi:0101011237", "010101", "m"), ("chi:0101336489", "010133", "f"), ("chi:0101625707", "010162", "f")],
)
def test_a_chi_number_tells_birthday_and_sex(canonical, ddmmyy, sex):
    """The first six digits, and whether the ninth is odd: the examples of phsmethods."""
    assert chi_parts(canonical) == ChiParts(ddmmyy, sex)


@pytest.mark.parametrize("canonical", ["nhs:4010232137", "hc:3200000007"])
def test_other_numbers_tell_nothing(canonical):
    """An NHS or H&C number has no parts."""
    assert chi_parts(canonical) is None


def test_a_lost_leading_zero_is_restored_and_flagged():
    """A CHI number of someone born on the first to ninth loses its zero in spreadsheets."""
    assert clean_health_number("101011237") == Outcome("chi:0101011237", flags=("zero-restored",))


def test_nine_digits_of_another_scheme_are_invalid():
    """A number that lost its last digit does not become a CHI number."""
    assert clean_health_number("401023213").text is None


@pytest.mark.parametrize(
    ("typed", "scheme"),
    [("1904851231", "chi"), ("3200000007", "hc"), ("4010232137", "nhs"), ("9876543210", "nhs")],
)
def test_schemes_are_told_apart_by_range(typed, scheme):
    """The scheme is part of the text, so numbers of two schemes never meet."""
    assert clean_health_number(typed).text == f"{scheme}:{typed}"


@pytest.mark.parametrize("digit", range(10))
@pytest.mark.parametrize("place", range(10))
def test_a_wrong_digit_is_always_found(place, digit):
    """Modulus 11 finds every single wrong digit."""
    right = "4010232137"
    typed = f"{right[:place]}{digit}{right[place + 1 :]}"

    assert (clean_health_number(typed).text == f"nhs:{right}") == (typed == right)
    assert clean_health_number(typed).text in {None, f"nhs:{right}"}


@pytest.mark.parametrize("typed", ["Not known", "N/A", "-"])
def test_placeholders_are_missing(typed):
    """What stands for no number is told from a wrong one."""
    assert clean_health_number(typed) == Outcome(None, "placeholder")
