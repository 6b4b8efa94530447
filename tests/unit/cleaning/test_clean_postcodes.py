import pytest

from pprl.cleaning.outcome import Outcome, ValueRefused
from pprl.cleaning.postcodes import clean_postcode, postcode_parts
from pprl.errors import DataError


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [("sw1a1aa", "SW1A 1AA"), (" SW1A  1AA ", "SW1A 1AA"), ("S W1A1 AA", "SW1A 1AA"), ("m1-1ae", "M1 1AE"),
     ("B33 8TH", "B33 8TH"), ("CR2 6XH", "CR2 6XH"), ("DN55 1PT", "DN55 1PT"), ("W1A 0AX", "W1A 0AX"),
     ("gir 0aa", "GIR 0AA"), ("JE2 3AB", "JE2 3AB"), ("\uff33\uff37\uff11\uff21 1AA", "SW1A 1AA")],
)  # fmt: skip
def test_british_postcodes_have_one_spelling(typed, canonical):
    """Upper case, and one space before the inward part."""
    assert clean_postcode(typed, country="uk") == Outcome(canonical)


@pytest.mark.parametrize(
    "typed", ["SW1A", "SW1A 1A", "SW1A 1CA", "SW1A 1AAA", "2000", "123456", "London", "SW1A \u0131AA"]
)
def test_what_is_no_british_postcode_is_invalid(typed):
    """Nothing is completed or corrected."""
    assert clean_postcode(typed, country="uk") == Outcome(None, "invalid")


@pytest.mark.parametrize("typed", ["ZZ99 3VZ", "zz993vz", "ZZ99"])
def test_pseudo_postcodes_are_missing(typed):
    """People of no fixed abode do not live together."""
    assert clean_postcode(typed, country="uk") == Outcome(None, "pseudo-postcode")


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [("K1A 0B1", "K1A0B1"), ("12345-6789", "123456789"), ("2000", "2000"), ("d02 af30", "D02AF30")],
)
def test_other_postcodes_are_letters_and_digits(typed, canonical):
    """Elsewhere only case, spaces and hyphens are taken away."""
    assert clean_postcode(typed, country="any") == Outcome(canonical)


@pytest.mark.parametrize("typed", ["London", "1", "12345678901", "20_00", "\u0661\u0662\u0663\u0664"])
def test_what_is_no_postcode_is_invalid(typed):
    """A postcode has two to ten letters and digits, and a digit among them."""
    assert clean_postcode(typed, country="any") == Outcome(None, "invalid")


@pytest.mark.parametrize("country", ["uk", "any"])
def test_numbers_with_a_decimal_part_are_refused(country):
    """2000.0 shows that a data frame read the column as numbers."""
    with pytest.raises(ValueRefused, match="data frames"):
        clean_postcode("2000.0", country=country)


@pytest.mark.parametrize("typed", ["Unknown", "n/a", "--"])
def test_placeholders_are_missing(typed):
    """Two unknown postcodes do not agree."""
    assert clean_postcode(typed) == Outcome(None, "placeholder")


def test_blank_is_empty():
    """Nothing was typed."""
    assert clean_postcode("  ") == Outcome(None, "empty")


@pytest.mark.parametrize(
    ("canonical", "parts"),
    [
        ("SW1A 1AA", ("SW1A 1AA", "SW1A 1", "SW1A", "SW")),
        ("M1 1AE", ("M1 1AE", "M1 1", "M1", "M")),
        ("CR2 6XH", ("CR2 6XH", "CR2 6", "CR2", "CR")),
        ("GIR 0AA", ("GIR 0AA", "GIR 0", "GIR", "GIR")),
    ],
)
def test_a_postcode_has_four_sizes(canonical, parts):
    """Unit, sector, district and area, for tokens that still agree when somebody moves nearby."""
    assert postcode_parts(canonical) == parts


@pytest.mark.parametrize("text", ["sw1a 1aa", "SW1A1AA", "SW1A", "K1A0B1", "", "SW1A 1AA\n"])
def test_only_canonical_postcodes_have_parts(text):
    """And the message does not repeat the value."""
    with pytest.raises(DataError) as caught:
        postcode_parts(text)

    assert not text or text not in caught.value.message
