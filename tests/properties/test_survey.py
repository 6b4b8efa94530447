import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from pprl.agreement import Agreement
from pprl.keys import LinkageKey
from pprl.workflow import encode, survey

AGREEMENTS = {name: Agreement.preset(name) for name in ("uk-health", "febrl")}
KEY = LinkageKey(bytes(range(32)))
VALUES = {
    "name": ["Lee", "unknown"],
    "date": ["1950-02-03", "1900-01-01"],
    "sex": ["f", "9"],
    "postcode": ["SW1A 1AA", "ZZ99 3VZ"],
    "health-number": ["4010232137", "4444444444"],
    "text": ["1 hay street", "-"],
    "code": ["wa", "?"],
}


@st.composite
def tables(draw):
    """A table under one of the presets, with values missing in all ways."""
    agreement = AGREEMENTS[draw(st.sampled_from(sorted(AGREEMENTS)))]
    n = draw(st.integers(1, 6))
    cells = {
        rule.source: draw(
            st.lists(
                st.sampled_from([None, "", *VALUES[str(rule.__struct_config__.tag)]]), min_size=n, max_size=n
            )
        )
        for rule in agreement.fields
    }
    return agreement, pd.DataFrame({"id": [f"r{k}" for k in range(n)], **cells}, dtype=object)


@settings(max_examples=40, deadline=None)
@given(tables())
def test_a_survey_promises_the_passes_that_encoding_gives(drawn):
    """A record reaches a pass in the survey if, and only if, it is present there when encoded."""
    agreement, people = drawn

    found = survey(people, agreement, id="id")
    encoded = encode(people, agreement, KEY, id="id")

    assert {one.name: one.n_present for one in found.passes} == {
        name: int(present.sum()) for name, present in encoded.present.items()
    }
    each = sum(present.astype(int) for present in encoded.present.values())
    assert found.reached == tuple(int((each == k).sum()) for k in range(len(agreement.passes) + 1))


@settings(max_examples=40, deadline=None)
@given(tables())
def test_every_record_is_counted_once(drawn):
    """Present or missing with a reason; in one pattern; reaching one number of passes."""
    agreement, people = drawn

    found = survey(people, agreement)

    assert {one.n_present + sum(one.reasons.values()) for one in found.fields} == {found.n_records}
    assert (
        sum(one.n_records for one in found.patterns) == sum(found.reached) == found.n_records == len(people)
    )
