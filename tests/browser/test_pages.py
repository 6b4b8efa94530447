"""
Pages in a real browser, without a network, by the rules of accessibility.

They need Chromium, playwright and axe-core, which `.ci/run` brings; elsewhere they are
skipped.  Chromium is looked for by name, or where PPRL_CHROMIUM says; axe-core where
PPRL_AXE says.
"""

import os
import shutil
from itertools import product
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest

import pprl
from pprl.evaluation import IdPairs, quality_by_group
from pprl.evaluation.groups import Groups
from pprl.model import TextColumn
from pprl.reporting.audit import audit_page
from pprl.reporting.linkage import report_html
from pprl.reporting.survey import survey_page
from pprl.workflow import audit

pytestmark = pytest.mark.browser

AXE = Path(os.environ.get("PPRL_AXE", "axe.min.js"))
NAMES = ("chromium", "chromium-browser", "google-chrome")
N_PEOPLE = 300
ALL_RULES = "axe.run().then(found => found.violations.map(one => one.id + ': ' + one.nodes[0].html))"
CUT_OFF = (
    "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth + 1).length"
)


@pytest.fixture(scope="module")
def browser():
    """Chromium without a window; tests that need it are skipped where a part is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = os.environ.get("PPRL_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("there is no Chromium here (see PPRL_CHROMIUM)")
    if not AXE.is_file():
        pytest.skip("there is no axe-core here (see PPRL_AXE)")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def people():
    """A table of fictitious people."""
    letters = np.random.default_rng(0).choice(list("abcdefghiklmnoprstu"), (N_PEOPLE, 14))
    words = ["".join(row).title() for row in letters]
    return pd.DataFrame(
        {
            "id": [f"r{k}" for k in range(N_PEOPLE)],
            "given_name": [word[:6] for word in words],
            "family_name": [word[6:].title() for word in words],
            "previous_family_name": [""] * N_PEOPLE,
            "date_of_birth": [f"{k % 28 + 1:02}/{k % 12 + 1:02}/{1930 + k % 70}" for k in range(N_PEOPLE)],
            "sex": ["f", "m", ""] * (N_PEOPLE // 3),
            "postcode": [f"SW{k % 19 + 1} {k % 9}AA" if k % 7 else "" for k in range(N_PEOPLE)],
            "health_number": [""] * N_PEOPLE,
        }
    )


@pytest.fixture(scope="module")
def agreements():
    """By a target, and by thresholds."""
    agreed = pprl.Agreement.preset("uk-health")
    decoys = msgspec.structs.replace(agreed.decoys, least=300)
    by_target = msgspec.structs.replace(agreed.matching, precision=0.9)
    by_thresholds = msgspec.structs.replace(agreed.matching, target="thresholds", precision=None)
    return {
        "target": msgspec.structs.replace(agreed, matching=by_target, decoys=decoys),
        "thresholds": msgspec.structs.replace(agreed, matching=by_thresholds, decoys=None, spike_ins=None),
    }


@pytest.fixture(scope="module")
def pages(people, agreements):
    """Every kind of page that there is, by name."""
    key = pprl.LinkageKey.generate()
    tables = [people[:200], people[100:], people[50:250]]
    packages = {
        name: [pprl.encode(table, agreement, key, id="id") for table in tables]
        for name, agreement in agreements.items()
    }
    agreed = agreements["target"]
    result = pprl.link(*packages["target"][:2], agreement=agreed)
    plain = pprl.link(*packages["thresholds"][:2], agreement=agreements["thresholds"])
    names = ("hospital", "a charity with a rather long name")
    attacked = audit(people, agreed, quick=True, attacks=("graph", "frequency", "predicted-filters"))
    return {
        "audit": audit_page(attacked, agreed).decode("utf-8"),
        "survey": survey_page(pprl.survey(people, agreed), agreed).decode("utf-8"),
        "linkage": report_html(result, names=names, agreement=agreed, groups=by_sex(people)),
        "exact": report_html(result, names=names, agreement=agreed, exact=True),
        "thresholds": report_html(plain),
        "long names": report_html(plain, names=("north_" * 10, "w" * 60)),
        "clusters": report_html(pprl.link(*packages["target"], agreement=agreed), agreement=agreed),
    }


def by_sex(people):
    """Quality by group, as if all but ten people had been found."""
    ids = people["id"].tolist()
    truth = IdPairs.of(list(zip(ids, ids, strict=True)))
    sex = TextColumn.from_texts(people["sex"].tolist())
    found = IdPairs.of(list(zip(ids[10:], ids[10:], strict=True)))
    return quality_by_group(found, truth, Groups(truth.left, {"sex": sex}))


KINDS = ("audit", "survey", "linkage", "exact", "thresholds", "clusters")


@pytest.fixture
def opened(browser, pages, tmp_path):
    """Open a page without a network, and collect whatever it asks for or complains of."""
    contexts = []

    def open_page(kind, width):
        path = tmp_path / f"{kind}.html"
        path.write_text(pages[kind], encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 800}, offline=True)
        contexts.append(context)
        page = context.new_page()
        asked, complaints = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        return page, asked, complaints

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_keeps_the_rules_of_accessibility(opened, kind):
    """Contrast, landmarks, headings, names: no violation of any rule of axe-core, on any screen or paper."""
    page, _, _ = opened(kind, 1280)
    page.add_script_tag(path=AXE)

    for width, media in product((1280, 400), ("screen", "print")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(media=media)

        assert (width, media, []) == (width, media, page.evaluate(ALL_RULES))


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_needs_nothing_but_itself(opened, kind):
    """It asks for one file, its own, and the browser has nothing to complain of."""
    page, asked, complaints = opened(kind, 1280)

    assert [page.url] == asked
    assert [] == complaints


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_never_wider_than_the_screen(opened, kind):
    """Wide tables scroll by themselves, the page does not."""
    page, _, _ = opened(kind, 1280)

    for width in (1280, 400, 320):
        page.set_viewport_size({"width": width, "height": 800})

        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("kind", KINDS)
def test_no_table_is_cut_off_in_print(opened, kind):
    """On A4 with its margins, which are 680 points of the screen, all columns are there."""
    page, _, _ = opened(kind, 680)
    page.emulate_media(media="print")

    assert 0 == page.evaluate(CUT_OFF)


@pytest.mark.parametrize("kind", ["audit", "linkage", "clusters"])
def test_the_keyboard_reaches_the_report_first(opened, kind):
    """The first stop is a link past everything else, and it is seen when it is reached."""
    page, _, _ = opened(kind, 1280)
    page.keyboard.press("Tab")
    place = page.locator(".skip").bounding_box()

    page.keyboard.press("Enter")

    assert place["x"] >= 0
    assert page.url.endswith("#report")


def test_a_long_name_stays_in_its_tile(opened):
    """Also where it has no space to break at."""
    page, _, _ = opened("long names", 1100)

    assert [] == page.evaluate(
        "[...document.querySelectorAll('.figures li, .flow dl')]"
        ".filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)"
    )
