"""Short codes, such as states: text that is compared as it stands, but for case and punctuation."""

from pprl.cleaning.damage import refuse_spreadsheet_number
from pprl.cleaning.outcome import PLACEHOLDER, Outcome
from pprl.cleaning.text import is_placeholder, simplify, tidy, without_value


def clean_code(value: str) -> Outcome:
    """Make a short code canonical: lower-case letters and digits; punctuation becomes a space.

    Raises
    ------
    ValueRefused
        If the value is a number with a decimal part, as data frames write them.

    Examples
    --------
    >>> clean_code("N.S.W.").text
    'n s w'
    """
    refuse_spreadsheet_number(tidy(value))
    simple = simplify(value, digits=True)
    if not simple.text:
        return without_value(value)
    return PLACEHOLDER if is_placeholder(value, simple.text) else Outcome(simple.text, flags=simple.flags)
