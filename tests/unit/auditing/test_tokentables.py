"""Token tables: what an attacker makes of people in clear."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pprl.auditing.tokentables import token_table
from pprl.cleaning.fields import DateField, NameField
from pprl.encoding.encoder import encode_passes
from pprl.encoding.filters import shared_out
from pprl.encoding.passes import FuzzyPass, PassField, Salt
from pprl.encoding.tokens import DateParts, QGrams
from pprl.model import TextColumn

NAMES = st.lists(
    st.one_of(st.none(), st.sampled_from(["ann", "anna lee", "bo", "lee", "x"])), min_size=3, max_size=3
)
RULES = (
    NameField(name="given", weight=30),
    NameField(name="family", weight=20),
    DateField(name="born", order="ymd", weight=15),
)


def a_pass(*, per_token=None, salt=None):
    """Two names in a bag, and a date."""
    return FuzzyPass(
        name="all",
        fields=(
            PassField(field="given", bag="names", bits_per_token=per_token),
            PassField(field="family", bag="names", bits_per_token=per_token),
            PassField(field="born"),
        ),
        n_bits=1024,
        hardening=(),
        salt=salt,
    )


def columns_of(given, family, born):
    """Columns of three records."""
    names = ("given", "family", "born")
    return {
        name: TextColumn.from_texts(texts) for name, texts in zip(names, (given, family, born), strict=True)
    }


def slowly(given, family, born, per_token):
    """The tokens of one record and their bits, with sets."""
    names = sorted({token for name in (given, family) if name for token in QGrams()(name)})
    budget = 30 * (given is not None) + 20 * (family is not None)
    bits = [per_token] * len(names) if per_token else shared_out(budget, len(names)) if names else []
    parts = DateParts()(born) if born else ()
    return {
        **{("bag names", token): n for token, n in zip(names, bits, strict=True)},
        **{("field born", token): n for token, n in zip(parts, shared_out(15, 7), strict=False)},
    }


def rows_of_table(table):
    """The tokens of each record and their bits."""
    return [
        {
            table.vocabulary[token]: bits
            for token, bits in zip(table.indices[a:b].tolist(), table.bits[a:b].tolist(), strict=True)
        }
        for a, b in zip(table.indptr[:-1], table.indptr[1:], strict=True)
    ]


@given(
    NAMES,
    NAMES,
    st.lists(st.sampled_from([None, "1990-02-11", "2001-11-30"]), min_size=3, max_size=3),
    st.sampled_from([None, 10]),
)
def test_the_table_holds_what_sets_hold(given_names, families, born, per_token):
    """Each record has the distinct tokens of its bags, and the bits that the encoder shares out."""
    table = token_table(columns_of(given_names, families, born), RULES, a_pass(per_token=per_token))

    expected = [slowly(*row, per_token) for row in zip(given_names, families, born, strict=True)]
    assert expected == rows_of_table(table)


def test_the_bits_are_those_of_the_filter(key):
    """In a filter that is long enough the table's bits are the bits set, but for collisions."""
    columns = columns_of(["ann", "bo", None], ["lee", None, None], ["1990-02-11", None, "2001-11-30"])
    one = a_pass()
    long = FuzzyPass(name="all", fields=one.fields, n_bits=65536, hardening=())

    table = token_table(columns, RULES, long)
    popcounts = encode_passes(columns, RULES, [long], key)["all"].bits.popcounts()

    sums = np.add.reduceat(table.bits, table.indptr[:-1])
    assert (np.abs(sums - popcounts) <= 1).all()


def test_a_salt_is_part_of_each_token():
    """Namesakes of different years then share no token."""
    columns = columns_of(["ann", "ann", "ann"], [None] * 3, ["1990-02-11", "2001-11-30", None])

    table = token_table(columns, RULES, a_pass(salt=Salt(field="born", part="year")))

    assert 0 == table.dice()[0, 1]
    assert 0 == table.lengths()[2]  # without a salt a record is absent


@given(NAMES, NAMES)
def test_dice_is_of_token_sets(given_names, families):
    """The matrix of similarities is that of the sets, pair by pair."""
    table = token_table(columns_of(given_names, families, [None] * 3), RULES, a_pass())

    sets = [set(row) for row in rows_of_table(table)]
    expected = [[2 * len(a & b) / (len(a) + len(b)) if a or b else 0 for b in sets] for a in sets]
    np.testing.assert_allclose(table.dice(), expected, rtol=1e-6)


def test_frequencies_count_records():
    """A token counts once for each record that has it, and only tokens that occur are listed."""
    table = token_table(columns_of(["ann", "ann", "x"], ["ann", None, None], [None] * 3), RULES, a_pass())

    counted = dict(zip((token for _, token in table.vocabulary), table.frequencies().tolist(), strict=True))
    assert {" a": 2, "an": 2, "nn": 2, "n ": 2, " x": 1, "x ": 1} == counted


def test_a_table_shows_counts_only():
    """No token stands in a repr."""
    table = token_table(columns_of(["ann", "bo", "x"], [None] * 3, [None] * 3), RULES, a_pass())

    assert "TokenTable(3 records, 9 tokens)" == repr(table)
