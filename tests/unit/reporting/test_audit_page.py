"""The page, the text and the JSON of an audit."""

import json
import re
from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest

from pprl.agreement import Agreement
from pprl.datasets.uk import population
from pprl.encoding.hardening import Diffuse
from pprl.reporting.audit import audit_page, describe_audit
from pprl.reporting.audit_numbers import audit_record
from pprl.reporting.records import to_json
from pprl.workflow import audit


@pytest.fixture(scope="module")
def people():
    return population(260, seed=7).people


@pytest.fixture(scope="module")
def uk():
    agreed = Agreement.preset("uk-health")
    kept = [
        one for one in agreed.passes if one.name in {"health_number", "names_in_a_bag", "without_address"}
    ]
    return msgspec.structs.replace(agreed, project="<b>a & b</b>", passes=tuple(kept))


@pytest.fixture(scope="module")
def found(people, uk):
    return audit(people, uk, attacks=("graph", "frequency", "predicted-filters"), n_records=220, quick=True)


@pytest.fixture(scope="module")
def page(found, uk):
    return audit_page(found, uk).decode("utf-8")


def test_the_page_needs_nothing_else(page, outline_of):
    """No script, no address, nothing that a browser would fetch."""
    outline = outline_of(page)

    assert "http" not in page
    assert "@import" not in page
    assert not outline.all("script", "link", "img", "iframe", "object", "embed", "base")
    assert all(attributes.get("href", "#").startswith("#") for _, attributes in outline.elements)


def test_the_page_is_well_formed(page, outline_of):
    """Every element is closed, no two have one id, every link has a place, and levels follow each other."""
    outline = outline_of(page)
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch(r"h[1-6]", tag)]

    assert outline.open == []
    assert len(ids) == len(set(ids))
    assert {one["href"][1:] for one in outline.all("a")} <= set(ids)
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert "<b>a & b</b>" not in page


def test_the_page_has_every_scenario(page):
    """In plain words, with who must not meet whom, and what the key does."""
    for said in (
        "An insider with a population register",
        "A stolen file",
        "An insider with known patients",
        "The linkage unit and one custodian",
        "Who must not meet whom",
        "What is not claimed",
        "Who is served worst",
        "With the key in hand 100 % are found",
        "The rule.",
    ):
        assert said in page


def test_the_page_draws_no_comfort_from_a_weak_attack(page, found, uk):
    """Frequency alignment fails its control, and its result is not shown as a share."""
    rows = re.findall(r"<tr><th scope=\"row\">frequency alignment</th>.*?</tr>", page)

    assert rows
    assert all('<td class="n">too weak</td>' in row for row in rows)
    assert "Attack too weak for this data:</strong> frequency alignment" in page
    assert "Draw no comfort from it" in page
    assert "too weak" in describe_audit(found, uk)


def test_every_attack_stands_beside_its_control(found, uk):
    """In the record each has its share, its interval, its control, its conditions and its time."""
    for one in audit_record(found, uk)["attacks"]:
        assert {"value", "low", "high"} <= set(one["control"])
        assert one["assumptions"]
        for trial in one["trials"]:
            assert trial["low"] <= trial["value"] <= trial["high"]
            assert {"records", "overlap", "noisy", "leaked", "cpu_seconds"} <= set(trial)


def test_no_word_promises_too_much(page, found, uk):
    """No verdict, no colour for one, no epsilon, nobody called anonymous or safe."""
    for said in (page, describe_audit(found, uk), to_json(audit_record(found, uk)).decode()):
        words = set(re.findall(r"[a-zé]+", said.lower()))

        assert not words & {"anonymous", "anonymised", "anonymized", "anonymity", "safe", "safely", "secure"}
        assert not words & {"epsilon", "guarantee", "guaranteed", "traffic", "pass/fail"}
        assert "\u03b5" not in said


def test_no_output_names_anybody(page, found, uk, people):
    """Not a name, a postcode or a number of a record."""
    values = {
        text.lower()
        for name in ("given_name", "family_name", "postcode", "health_number", "date_of_birth")
        for text in people[name]
        if text and len(text) > 6
    }
    for said in (page, describe_audit(found, uk), to_json(audit_record(found, uk)).decode()):
        assert not [value for value in values if re.search(rf"\b{re.escape(value)}\b", said.lower())]


def test_small_counts_of_people_are_not_told(found, uk):
    """Groups of fewer than 50 are left out, and all counts are rounded."""
    record = audit_record(found, uk)
    counts = [one["found_by_attack"]["people"] for one in record["served"]["groups"]]

    linked = [one["found_by_linkage"] for one in record["served"]["groups"] if one["found_by_linkage"]]
    counts += [one["people"] for one in linked]
    assert all(n >= 50 and n % 5 == 0 for n in counts)
    assert (260, 220) == (record["records"], record["attacked"])


def test_json_and_text_hold_what_the_page_holds(found, uk):
    """For programs, and for a terminal of any kind."""
    record = json.loads(to_json(audit_record(found, uk)))
    text = describe_audit(found, uk)

    assert record["frontier"]["rule"] in text
    assert text.isascii()
    assert all(one["title"] in text for one in record["attacks"])


def test_chains_that_differ_in_length_alone_are_told_apart(found, uk):
    """The agreement may diffuse to more bits than the chains that are compared."""
    longer = (Diffuse(t=2, n_bits=2048),)
    points = tuple(
        replace(one, hardenings=(longer, longer), agreed=True) if one.hardenings == ((), ()) else one
        for one in found.frontier.points
    )
    mixed = replace(points[1], hardenings=(longer, points[1].hardenings[1]))
    points = (*points[:2], mixed, *points[2:])

    record = audit_record(replace(found, frontier=replace(found.frontier, points=points)), uk)

    names = [one["chain"] for one in record["frontier"]["chains"]]
    assert ["diffuse t = 2, 2048 bits", "diffuse t = 2, 1024 bits"] == names[:2]
    assert "diffuse t = 2, 2048 / 1024 bits" == names[2]
    assert len(names) == len(set(names))


def test_an_audit_in_which_every_attack_is_too_weak_has_a_page(found, uk, outline_of):
    """It says that nothing was shown."""
    weak = tuple(
        replace(one, control=replace(one.control, share=0.5), trials=one.trials[:1]) for one in found.outcomes
    )
    points = tuple(replace(one, findings=()) for one in found.frontier.points)
    nothing = replace(found, outcomes=weak, frontier=replace(found.frontier, points=points), served=None)

    page = audit_page(nothing, uk).decode("utf-8")

    assert outline_of(page).open == []
    assert "each is too weak for this data" in page
    assert "none of these chains" in page
    assert nothing.worst is None
    assert "none" in describe_audit(nothing, uk)


def test_why_no_recall_is_predicted_is_said(found, uk):
    """Where no chain has a threshold people may be in the table twice, and nothing is recommended."""
    points = tuple(
        replace(one, predicted=tuple(replace(each, threshold=None, recall=None) for each in one.predicted))
        for one in found.frontier.points
    )

    unknown, known = (
        audit_page(replace(found, frontier=replace(found.frontier, points=some)), uk).decode("utf-8")
        for some in (points, found.frontier.points)
    )

    assert "Are people in it more than once?" in unknown
    assert "Are people in it more than once?" not in known
