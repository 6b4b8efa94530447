import dataclasses
import json
import re
from itertools import combinations, pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pprl.agreement import Agreement
from pprl.errors import PolicyError, UsageError
from pprl.evaluation import IdPairs, quality_by_group
from pprl.evaluation.groups import Groups
from pprl.exchange.pages import is_page
from pprl.linkage import LinkageResult
from pprl.linkage.precision import Population, PrecisionCurve, PrecisionEstimate
from pprl.linkage.results import Judgement, PassCount, WeightCounts
from pprl.linkage.several import ClusterResult
from pprl.model import Clusters, Conflicts, Links, Provenance, TextColumn
from pprl.reporting.linkage import page_of, report, report_html, report_record
from pprl.reporting.linkage_numbers import Disclosure, recall_record
from pprl.reporting.linkage_pictures import curve_picture, hidden_bar, share_bar, weights_picture
from pprl.reporting.linkage_words import percent

NASTY = "<script>alert('x')</script>&\"\u202e"
CANARY = b"featherstonehaugh"
UK = Agreement.preset("uk-health")


def pairings(kind, n, passes, **once):
    """So many pairs of row k with row k, their ids canaries."""
    rows = np.arange(n)
    ids = [np.array([CANARY + side + b"%d" % k for k in range(n)], dtype="S32") for side in (b"L", b"R")]
    decided = tuple(passes[k % len(passes)] for k in range(n))
    probability = np.linspace(0.9, 1.0, n)
    return kind(rows, rows.copy(), *ids, np.full(n, 0.87654321), decided, probability, **once)


def judged(n_links, n_decoys, *, asked=0.9, supported=True):
    """What decoys tell of so many links: links are heavier than links to decoys."""
    weight = np.concatenate([np.linspace(20.125, -4.0, n_links), np.linspace(1.0, -6.0, n_decoys)])
    real = np.arange(weight.size) < n_links
    curve = PrecisionCurve.of(weight, real, np.zeros(weight.size), Population(5000, 5000, 2000, 2000))
    edges = np.histogram_bin_edges(weight, 60)
    counts = [tuple(np.histogram(weight[some], edges)[0].tolist()) for some in (real, ~real)]
    return Judgement(
        asked,
        supported=supported,
        estimate=curve.estimate(len(curve) - 1),
        curve=curve.thinned(),
        weights=WeightCounts(tuple(edges.tolist()), *counts, by_equality=0),
    )


def linked(n_links=612, n_conflicts=3, judgement=None, *, n_left=5003, passes=("one_pass", "another")):
    """A result with so many links."""
    links = pairings(Links, n_links, passes)
    counts = tuple(
        PassCount(name, n_left, 4998, 2, 1234, links.decided_by.count(name), "all-pairs") for name in passes
    )
    conflicts = pairings(Conflicts, n_conflicts, passes)
    provenance = Provenance.current()
    return LinkageResult(links, conflicts, counts, n_left, 4998, UK.fingerprint, provenance, judgement)


def by_model(n_links, *, asked=0.9, supported=True):
    """What a model tells of so many links: there is nobody who does not exist."""
    points = tuple(PrecisionEstimate(5.0, n, 0, n / 50, 0.98, 0.97, 0.99) for n in range(10, n_links + 1, 10))
    estimate = points[-1] if points else None
    return Judgement(asked, supported=supported, estimate=estimate, curve=points, measured=False)


def clustered(n_linked=40, judgements=None):
    """Three parties of 100 people, so many of them in all three."""
    names = ("gp", "school", "ward")
    party = np.repeat(np.arange(3, dtype=np.int32), 100)
    row = np.tile(np.arange(100), 3)
    alone = np.arange(300)
    _, label = np.unique(np.where(row < n_linked, row, alone + 1000), return_inverse=True)
    clusters = Clusters(names, party, row, label, (True,) * 3)
    found = [judged(n_linked, 5)] * 3 if judgements is None else judgements
    pairs = {
        (one, two): linked(n_linked, 0, judgement, n_left=100)
        for (one, two), judgement in zip(combinations(names, 2), found, strict=True)
    }
    ids = tuple(np.array([b"%d" % k for k in range(100)]) for _ in names)
    parted = dict.fromkeys(pairs, ())
    provenance = Provenance.current()
    return ClusterResult(clusters, ids, pairs, parted, np.full(300, 0.9), UK.fingerprint, provenance)


def by_sex(n_true=600):
    """Quality of the links by sex, three of them without one."""
    pairs = [(f"a{k}", f"b{k}") for k in range(n_true)]
    truth = IdPairs.of(pairs)
    sex = TextColumn.from_texts([None if k < 3 else "fm"[k % 2] for k in range(n_true)])
    return quality_by_group(IdPairs.of(pairs[50:]), truth, Groups(truth.left, {NASTY: sex}))


@pytest.fixture(scope="module")
def result():
    return linked(judgement=judged(612, 40))


@pytest.fixture(scope="module")
def page(result):
    return report_html(result, names=(NASTY, "the ward"), agreement=UK, groups=by_sex())


@pytest.mark.parametrize("made", ["two", "thresholds", "clusters"])
def test_pages_are_well_formed_and_need_nothing_else(made, page, outline_of):
    """No script, no address, nothing fetched; one first heading, no level left out, tables with heads."""
    pages = {
        "two": lambda: page,
        "thresholds": lambda: report_html(linked()),
        "clusters": lambda: report_html(clustered(), agreement=UK),
    }
    outline = outline_of(text := pages[made]())
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch(r"h[1-6]", tag)]
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]

    assert outline.open == []
    assert is_page(text.encode())
    assert "http" not in text
    assert "url(" not in text
    assert not outline.all("script", "link", "img", "iframe", "object", "embed", "base")
    assert all(attributes.get("href", "#").startswith("#") for _, attributes in outline.elements)
    assert {one["href"][1:] for one in outline.all("a")} <= set(ids)
    assert len(ids) == len(set(ids))
    assert levels.count(1) == len(outline.all("main")) == len(outline.all("title")[:1]) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert all(one.get("scope") in {"row", "col"} for one in outline.all("th"))
    assert all("aria-labelledby" in one or one.get("aria-hidden") for one in outline.all("svg"))


def test_names_are_escaped(page):
    """Of parties and of groups: they may be called anything."""
    assert "<script" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in page


def test_no_id_is_in_a_report(result):
    """And no similarity of a pair: not on the page and not in JSON, exact ones included."""
    texts = [
        make(result, exact=exact) if make is report_html else json.dumps(make(result, exact=exact))
        for make in (report_html, report_record)
        for exact in (False, True)
    ]

    assert not [text for text in texts if CANARY.decode() in text or "0.8765" in text]


def counts_in(node):
    """Give all whole numbers of a record that count something of the data."""
    if isinstance(node, dict):
        chosen = {"agreement", "counts", "provenance"}
        kept = [value for key, value in node.items() if key not in chosen]
        # The number of links of a record, and of records of a cluster, begin a row.
        if set(node) in ({"links", "records"}, {"records", "clusters"}):
            kept = kept[1:]
        return [n for value in kept for n in counts_in(value)]
    if isinstance(node, list):
        return [n for value in node for n in counts_in(value)]
    return [node] if isinstance(node, int) and not isinstance(node, bool) else []


@settings(max_examples=40)
@given(n_links=st.integers(0, 400), n_conflicts=st.integers(0, 12), n_decoys=st.integers(0, 30))
def test_no_count_of_a_report_points_at_a_person(n_links, n_conflicts, n_decoys):
    """Each count that is shown is 0, or 10 or more and a multiple of 5."""
    made = linked(n_links, n_conflicts, judged(n_links, n_decoys) if n_links else None)

    shown = counts_in(report_record(made))

    assert len(shown) > 10
    assert all(n % 5 == 0 and (n == 0 or n >= 10) for n in shown)


def test_clusters_are_counted_under_the_same_rule():
    """Also where three people are in a cluster of three records."""
    few, more = (report_record(clustered(n)) for n in (3, 40))

    assert all(n % 5 == 0 and (n == 0 or n >= 10) for n in counts_in(few) + counts_in(more))
    assert "<10" == few["clusters"]["of_several_records"]
    assert {"records": 3, "clusters": 40} == more["clusters"]["sizes"][1]
    assert [(100, 40, 60)] * 3 == [
        (one["records"], one["linked"], one["not_linked"]) for one in more["parties"]
    ]
    assert 3 == len(more["pairs"])


def test_linkages_that_differ_by_a_link_look_alike():
    """621 and 622 links give one page by thresholds, so two pages cannot be subtracted from each other."""
    one, two = (report_html(linked(n, passes=("only",))) for n in (621, 622))

    assert one == two


def test_the_page_is_drawn_from_the_record_alone(result):
    """So nothing is on it, or in the coordinates of a picture, that the JSON does not hold."""
    record = report_record(result)["judgement"]
    again = json.loads(json.dumps(record))

    page = report_html(result)

    assert weights_picture(again, name="weights") in page
    assert curve_picture(again, name="curve") in page


def test_exact_counts_carry_a_warning(result):
    """They are for one's own eyes."""
    exact, shown = report_record(result, exact=True), report_record(result)

    assert (612, 3, 5003) == (exact["links"], exact["conflicting_pairs"], exact["parties"][0]["records"])
    assert (610, "<10", 5005) == (shown["links"], shown["conflicting_pairs"], shown["parties"][0]["records"])
    assert "for your own eyes" in report_html(result, exact=True)
    assert "for your own eyes" not in report_html(result)


def test_without_a_judgement_nothing_is_claimed():
    """Links by thresholds have no precision: the page says so and draws nothing."""
    page = report_html(linked(judgement=None))

    assert "no precision" in page
    assert 'role="img"' not in page
    assert "of links true" not in page
    assert report_record(linked(judgement=None))["judgement"] is None


def test_what_the_data_cannot_show_is_said():
    """In the summary, with a warning."""
    weak = linked(612, 3, judged(612, 40, asked=0.999, supported=False))

    assert "The data do not support the precision that was asked for." in report_html(weak)
    assert "do not support" not in report_html(linked(612, 3, judged(612, 40)))


def test_no_pairs_at_all_have_a_page():
    """Nothing to draw, and no division by nothing."""
    empty = linked(0, 0, Judgement(0.9, supported=False))

    assert "No pair was alike enough" in report_html(empty)


@given(st.floats(0, 1), st.floats(0, 0.5), st.integers(10, 10_000))
def test_shares_are_never_better_than_they_are(value, apart, n_links):
    """Where the number of links is shown as it is: the share and its lower end down, the upper end up."""
    n_links -= n_links % 5
    low, high = max(0.0, value - apart), min(1.0, value + apart)

    shown = Disclosure(exact=False).rate(value, low, high, n_links)

    assert shown["low"] <= low + 1e-9
    assert value - 0.001 - 1e-9 <= shown["value"] <= value + 1e-9
    assert high - 1e-9 <= shown["high"]


@given(st.floats(0, 0.99999))
def test_only_all_is_a_hundred_percent(share):
    """A share is written rounded down."""
    assert percent(share) != "100 %"
    assert percent(1.0) == "100 %"


def test_groups_are_shown_as_evaluate_shows_them(page):
    """Three people without a sex are hidden, and others with them."""
    record = report_record(linked(), groups=by_sex())

    assert ["hidden"] == [one["true_pairs"] for one in record["truth"]["groups"] if one["value"] is None]
    assert "Who is found and who is missed" in page


def test_records_with_several_links_are_counted():
    """Where a record may have several."""
    rows = np.array([0] * 12 + list(range(1, 31)))
    n = rows.size
    ids = [np.array([b"%d" % k for k in range(n)])] * 2
    links = Links(
        rows, np.arange(n), *ids, np.ones(n), ("p",) * n, np.full(n, np.nan), left_once=False, right_once=True
    )
    conflicts = pairings(Conflicts, 0, ("p",))
    counts = (PassCount("p", 50, 50, 0, n, n, "all-pairs"),)
    several = LinkageResult(links, conflicts, counts, 50, 50, UK.fingerprint, Provenance.current())

    record = report_record(several, exact=True)

    assert [30, 0, 0, 0, 1] == [one["records"] for one in record["parties"][0]["by_links"]]
    assert [42, 0, 0, 0, 0] == [one["records"] for one in record["parties"][1]["by_links"]]
    assert "Links of a record" in report_html(several)


def test_a_report_is_written_as_its_name_says(tmp_path, result):
    """A page or JSON; never over a file that is there, and never by another name."""
    report(result, tmp_path / "linkage.html")
    report(result, tmp_path / "linkage.json")

    assert (tmp_path / "linkage.html").read_text(encoding="utf-8") == report_html(result)
    assert json.loads((tmp_path / "linkage.json").read_bytes()) == report_record(result)
    with pytest.raises(UsageError, match="exists"):
        report(result, tmp_path / "linkage.html")
    report(result, tmp_path / "linkage.html", force=True)
    with pytest.raises(UsageError, match="html"):
        report(result, tmp_path / "linkage.pdf")


def test_another_agreement_is_refused(result):
    """The page would say what was not encoded."""
    with pytest.raises(PolicyError, match="not the one"):
        report_record(result, agreement=Agreement.preset("febrl"))


def test_groups_of_clusters_are_refused():
    """Quality by group is of two parties."""
    with pytest.raises(UsageError, match="two parties"):
        report_record(clustered(), groups=by_sex())


def test_recall_is_shown_by_kind_of_person(result):
    """Of fictitious people counts are exact: they are nobody."""
    kinds = [SimpleNamespace(name="moved", n=201, n_found=187, rate=0.93, low=0.88, high=0.96)]
    found = SimpleNamespace(recall=0.97123, low=0.9401, high=0.9888, strata=kinds)

    page = page_of({**report_record(result), "recall": recall_record(found, Disclosure(exact=False))})

    assert "97.1 % of the people who are in both tables were found (95 % interval 94 % to 98.9 %)" in page
    assert '<th scope="row">moved</th><td class="n">201</td><td class="n">187</td>' in page
    assert "Recall is not known" not in page
    assert "Recall is not known" in report_html(result)


def test_hidden_counts_are_drawn_as_empty_frames():
    """As high as ten, whatever they are."""
    few, more = (
        {"ends": [0.0, 1.0, 2.0], "links": ["hidden", 200], "links_to_decoys": [n, 0], "by_equality": 0}
        for n in ("hidden", 0)
    )
    frames = [
        weights_picture({"weights": one, "estimate": None}, name="w").count("stroke-dasharray")
        for one in (few, more)
    ]

    assert [2, 1] == frames


def test_one_source_with_itself_is_one_party():
    """A record may be on either side of a link, and is counted once."""
    ids = [np.array([b"1", b"2"])] * 2
    left, right = np.array([0, 1]), np.array([1, 2])
    links = Links(
        left, right, *ids, np.ones(2), ("p",) * 2, np.full(2, np.nan), left_once=False, right_once=False
    )
    counts = (PassCount("p", 50, 50, 0, 2, 2, "all-pairs"),)
    conflicts = pairings(Conflicts, 0, ("p",))
    within = LinkageResult(links, conflicts, counts, 50, 50, UK.fingerprint, Provenance.current())

    record = report_record(within, names=("ward", "ward"), exact=True)

    assert [("ward", 3, 47)] == [(one["name"], one["linked"], one["not_linked"]) for one in record["parties"]]
    assert "ward with itself" in report_html(within, names=("ward", "ward"))


def test_links_by_a_model_are_explained_by_a_model():
    """Nobody is in the tables who does not exist, so nothing is said to be counted by them."""
    plain, asked = (report_html(linked(600, 0, by_model(600)), agreement=some) for some in (None, UK))

    for page in (plain, asked):
        assert "a model of all pairs expects" in page
        assert "Asked for were 90 %, and the model expects it." in page
        assert "target-decoy" not in page
        assert "as good as the decoys" not in page
        assert "Links to decoys" not in page
        assert ">equal value<" not in page
        assert "Which encodings are of people who do not exist" not in page
    assert "each custodian would have to add people who do not exist" in plain
    assert "none could be made of these tables" in asked


def test_where_no_link_is_made_the_page_says_so():
    """By a model or by decoys; that there were pairs to look at is not denied."""
    none = dataclasses.replace(judged(40, 5, asked=0.99, supported=False), estimate=None)

    pages = [report_html(linked(0, 0, one)) for one in (none, by_model(0, supported=False))]

    assert "There are no links, so there is nothing to judge." in pages[0]
    assert "by these data no link reaches it" in pages[0]
    assert "No pair was alike enough" in pages[1]


def test_a_hidden_share_does_not_look_like_none():
    """One is an empty frame, the other an empty track."""
    few = pairings(Links, 40, ["one"] * 20 + ["another"] * 2)
    counts = tuple(PassCount(one, 90, 90, 0, 9, n, "all-pairs") for one, n in (("p", 35), ("q", 5), ("r", 0)))
    result = dataclasses.replace(linked(40, 0), links=few, counts=counts)

    page = report_html(result)

    assert 2 == page.count(hidden_bar())
    assert 1 == page.count(share_bar(0.0))
    assert hidden_bar() != share_bar(0.0)


def test_what_holds_for_all_links_by_thresholds_is_said_once():
    """And not again for every two parties; where some are judged, it is said of the others."""
    page = report_html(clustered(judgements=[None] * 3))
    mixed = report_html(clustered(judgements=[None, judged(40, 5), judged(40, 5)]))

    assert 1 == page.count("Nothing in this linkage tells")
    assert 1 == page.count("How many people were missed was not measured")
    assert "no measure of its own errors" not in page
    assert "those between gp and school." in mixed
    assert "no measure of its own errors" not in mixed


def test_tables_too_small_for_a_target_are_not_told_to_choose_one():
    """Their agreement has one."""
    small = report_html(linked(), agreement=UK)

    assert "too small for decoys" in small
    assert "With decoys and a target in the agreement" not in small
    assert "With decoys and a target in the agreement" in report_html(linked())


def test_an_earlier_linkage_is_told_apart():
    """Its links are counted under the same rule, and nothing claims that they were compared here."""
    earlier = {("gp", "school"): 3, ("gp", "clinic"): None}
    pairs = {names: one for names, one in clustered().pairs.items() if "ward" in names}
    found = dataclasses.replace(clustered(), pairs=pairs, parted=dict.fromkeys(pairs, ()))

    record = report_record(found, earlier=earlier)
    page = page_of(record)

    assert ["<10", None] == [one["links"] for one in record["earlier_pairs"]]
    assert "ward was compared with all other parties" in page
    assert "In it gp, school and clinic were linked with one another" in page
    assert "gp and school</th>" in page
    assert "every two parties were compared" not in page
    assert "added to an earlier one" not in report_html(clustered())


@pytest.mark.parametrize(
    "options",
    [
        {"names": ("one",)},
        {"names": ("one", None)},
        {"names": ("one", "")},
        {"names": ("one", "two", "three")},
        {"names": "ab"},
        {"names": 3},
        {"groups": [1, 2]},
        {"agreement": "agreement.toml"},
    ],
)
def test_a_report_of_nonsense_is_refused(result, options, tmp_path):
    """Before anything is written."""
    with pytest.raises(UsageError):
        report(result, tmp_path / "page.html", **options)
    assert [] == list(tmp_path.iterdir())


def test_what_is_no_result_has_no_report(result, tmp_path):
    """And what is no path holds none."""
    with pytest.raises(UsageError, match="result: wanted LinkageResult or ClusterResult"):
        report(None, tmp_path / "page.html")
    with pytest.raises(UsageError, match="path"):
        report(result, None)


def test_clusters_know_their_names():
    """Others would be left out without a word."""
    with pytest.raises(UsageError, match="clusters know theirs"):
        report_html(clustered(), names=("gp", "ward"))
