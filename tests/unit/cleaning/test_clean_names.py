import pytest

from pprl.cleaning.names import clean_name
from pprl.cleaning.outcome import Outcome, ValueRefused


@pytest.mark.parametrize(
    "name", ["Null", "NA", "None", "Nan", "True", "Inf", "False", "N A", "Test-Smith", "Unknowne"]
)
def test_words_that_software_takes_for_missing_are_names(name):
    """People are called so, and are not dropped."""
    assert clean_name(name) == Outcome(name.lower().replace("-", " "))


@pytest.mark.parametrize(
    "typed",
    [
        "BABY OF",
        "Baby of Jane",
        "baby boy Smith",
        "B/O Jane",
        "Baby",
        "Twin 1",
        "unknown",
        "Not known",
        "N/A",
        "TEST",
        "ZZTEST",
        "Test Patient",
        "No surname",
        "-",
        "xxx",
        "Mr",
        "Mr Unknown",
        "*unknown*",
        "Dr Mrs",
    ],
)
def test_placeholders_are_missing(typed):
    """What is written for want of a name does not agree with itself."""
    assert clean_name(typed) == Outcome(None, "placeholder")


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [("Mr. John Smith", "john smith"), ("Smith, Mrs", "smith"), ("Prof Dr Sir Ann", "ann"), ("Sir", "sir"),
     ("Dean", "dean"), ("Mrs O'Dr", "odr"), ("John Smith Esq.", "john smith")],
)  # fmt: skip
def test_titles_are_dropped_at_both_ends(typed, canonical):
    """A title is no part of a name, unless nothing else is there and it may be one."""
    assert clean_name(typed).text == canonical


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("O Brien", "obrien"),
        ("Mc Donald", "mcdonald"),
        ("Mac Donald", "macdonald"),
        ("Donald Mac", "donald mac"),
        ("van der Berg", "van der berg"),
        ("ap Rhys", "ap rhys"),
        ("ab Owain", "ab owain"),
        ("Ní Bhriain", "ni bhriain"),
        ("de la Cruz", "de la cruz"),
        ("Mary O", "mary o"),
    ],
)
def test_o_mac_and_mc_join_and_other_particles_stay(typed, canonical):
    """The three prefixes that are written both ways are joined; no others."""
    assert clean_name(typed).text == canonical


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [("Suharto", "suharto"), ("X", "x"), ("Smith-Jones-Brown", "smith jones brown"), ("J.R.R.", "j r r")],
)
def test_short_single_and_threefold_names_are_names(typed, canonical):
    """Mononyms, single letters and triple-barrelled names are kept."""
    assert clean_name(typed) == Outcome(canonical)


def test_digits_are_removed_and_flagged():
    """A name has no digits; the custodian learns how many had."""
    assert clean_name("Mary 2") == Outcome("mary", flags=("characters-removed",))


@pytest.mark.parametrize("typed", ["12345", "\U0001f600"])
def test_what_has_no_letter_is_invalid(typed):
    """A number is no name."""
    assert clean_name(typed) == Outcome(None, "invalid")


@pytest.mark.parametrize("typed", ["", " ", "\u200b"])
def test_blank_is_empty(typed):
    """Nothing was typed."""
    assert clean_name(typed) == Outcome(None, "empty")


def test_half_a_character_is_refused():
    """A lone surrogate shows that the column was decoded wrongly."""
    with pytest.raises(ValueRefused, match="lone surrogate"):
        clean_name("Si\udce2n")
