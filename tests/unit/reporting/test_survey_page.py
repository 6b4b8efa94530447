import re
from itertools import pairwise
from typing import get_args

import msgspec
import pandas as pd
import pytest

from pprl.agreement import Agreement
from pprl.cleaning.outcome import Flag, Reason
from pprl.reporting.disclosure import exact, protected
from pprl.reporting.pictures import Bar, bars
from pprl.reporting.survey import MEANINGS, describe_survey, survey_page, survey_record
from pprl.workflow import survey

NASTY = "<script>alert('x')</script>&\"\u202e"
CANARIES = ["featherstonehaugh", "quixotia", "0101336489", "1933-01-01", "01/01/1933", "zz9plural", "XQ7 4ZX"]


def table(n: int) -> pd.DataFrame:
    """People with values that must not be seen again; every seventh without a postcode."""
    return pd.DataFrame(
        {
            "given_name": ["Quixotia"] * n,
            "family_name": ["Featherstonehaugh", *["Lee"] * (n - 1)],
            "previous_family_name": ["zz9plural"] * n,
            "date_of_birth": ["01/01/1933"] * n,
            "sex": ["2"] * n,
            NASTY: ["XQ7 4ZX" if k % 7 else "" for k in range(n)],
            "health_number": ["0101336489"] * n,
        }
    )


@pytest.fixture(scope="module")
def uk():
    return Agreement.preset("uk-health")


@pytest.fixture(scope="module")
def found(uk):
    return survey(table(123), uk, columns={"postcode": NASTY})


@pytest.fixture(scope="module")
def page(found, uk):
    return survey_page(found, uk).decode("utf-8")


def test_the_page_needs_nothing_else(page, outline_of):
    """No script, no address, nothing that a browser would fetch."""
    outline = outline_of(page)

    assert "http" not in page
    assert "url(" not in re.sub(r"url\(#", "", page)
    assert "@import" not in page
    assert not outline.all("script", "link", "img", "iframe", "object", "embed", "base")
    assert not [name for _, attributes in outline.elements for name in attributes if name.startswith("on")]
    assert all(attributes.get("href", "#").startswith("#") for _, attributes in outline.elements)
    assert not [attributes for _, attributes in outline.elements if "src" in attributes]


def test_the_page_is_well_formed(page, outline_of):
    """Every element is closed, and no two have one id, in the pictures either."""
    outline = outline_of(page)
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]

    assert outline.open == []
    assert len(ids) == len(set(ids))
    assert page.startswith("<!DOCTYPE html>")


def test_the_page_can_be_read_without_seeing_it(page, outline_of):
    """Language, title, one first heading, no level left out, pictures in words, tables with heads."""
    outline = outline_of(page)
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch(r"h[1-6]", tag)]

    assert [one["lang"] for one in outline.all("html")] == ["en"]
    assert len(outline.all("title")) == len(outline.all("main")) == levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert [one["role"] for one in outline.all("svg")] == ["img", "img"]
    assert all(
        "postcode 84.0 %" in one["aria-label"] or "5 passes" in one["aria-label"]
        for one in outline.all("svg")
    )
    assert all(one.get("scope") in {"row", "col"} for one in outline.all("th"))
    assert len(outline.all("caption")) == len(outline.all("table")) >= 5


def test_names_of_columns_are_escaped(page):
    """A custodian's column may be called anything."""
    assert "<script" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&#34;?" in page


def test_labels_of_pictures_are_escaped():
    """In the drawing and in its description; and a dollar begins no formula."""
    drawn = bars([Bar('<b>$x_1$ & "y"</b>', 0.5, "50 %")], name="a", title="<i>")

    assert "<b>" not in drawn
    assert "<i>" not in drawn
    assert "&lt;b&gt;$x_1$ &amp;" in drawn


def test_a_picture_is_the_same_when_drawn_again():
    """Nothing in it comes from a clock or from chance."""
    one, two = (
        bars([Bar("a", None, "<10"), Bar("b", 1.0, "100.0 %", warn=True)], name="p", title="t") for _ in "12"
    )

    assert one == two


def test_nothing_that_was_typed_is_shown(found, page):
    """Not on the page, not in the text, not in JSON."""
    texts = [
        page,
        describe_survey(found, show=exact),
        msgspec.json.encode(survey_record(found, show=exact)).decode(),
    ]

    assert not [canary for canary in CANARIES for text in texts if canary.lower() in text.lower()]


def test_no_small_count_is_on_the_page(uk):
    """Of seven people, the page says only that there are fewer than ten, also in its pictures."""
    seven, eight = (
        survey_page(survey(table(n), uk, columns={"postcode": NASTY}), uk).decode("utf-8") for n in (7, 8)
    )
    more = survey_page(survey(table(9), uk, columns={"postcode": NASTY}), uk).decode("utf-8")

    assert "<b>&lt;10</b> records" in seven
    assert {eight} == {more}


def test_tables_that_differ_by_a_record_have_one_page(uk):
    """121 and 122 people look alike, so two pages cannot be subtracted from each other."""
    one, two = (survey_page(survey(table(n), uk, columns={"postcode": NASTY}), uk) for n in (121, 122))

    assert one == two


def test_patterns_of_few_are_pooled(uk):
    """A rare combination of fields points at a person."""
    people = table(200)
    people.loc[0, "sex"] = None
    people.loc[1, "health_number"] = None

    found = survey(people, uk, columns={"postcode": NASTY})
    record = survey_record(found, show=protected)

    assert record["other_patterns"] == "<10"
    assert [one["records"] for one in record["patterns"]] == [170, 30]
    assert survey_record(found, show=exact)["patterns"][-1]["records"] == 1


def test_every_reason_and_flag_is_explained():
    """In words that a custodian knows."""
    assert set(MEANINGS) == {*get_args(Reason), *get_args(Flag)} - {""}


def test_the_text_is_ascii(found):
    """Any console can print it, whatever the columns are called."""
    text = describe_survey(found, show=protected)

    assert "\u202e" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
