"""`pprl link` of two and more packages: names, linkage keys, a party that comes later."""

import json

import pandas as pd
import pytest

from pprl.cli import link as verb

FOUND = ("links.csv", "conflicts.csv", "clusters.csv", "summary.json")
SOURCED = ["left_source", "left_id", "right_source", "right_id", "probability", "decided_by", "score"]


@pytest.fixture
def parties(ready, people):
    """Packages a to d: all four people, and all without the first, the second, the third."""
    for place, name in enumerate("abcd"):
        rows = [row for row in range(4) if row != place - 1]
        ids = [f"{name}{row + 1}" for row in range(4)]
        people.assign(rec_id=ids).iloc[rows].to_csv(ready.folder / f"{name}.csv", index=False)
        assert 0 == ready.encode(f"{name}.csv", f"{name}.pprl")
    return ready


def link(parties, names, out, *options):
    packages = [f"{name}.pprl" for name in names]
    return parties("link", *packages, "--agreement", "agreement.toml", "--out", out, *options)


def table(parties, *path):
    return pd.read_csv(parties.folder.joinpath(*path), dtype=str, keep_default_na=False)


def people_of(parties, out):
    """The sets of record ids that the crosswalk holds to be one person."""
    crosswalk = table(parties, out, "crosswalk.csv")
    keys = pd.concat([table(parties, out, path.name) for path in (parties.folder / out).glob("keys-*.csv")])
    joined = crosswalk.merge(keys, on="linkage_key", validate="one_to_one")
    assert len(crosswalk) == len(joined) == len(keys)
    return sorted(sorted(ids) for ids in joined.groupby("person")["record_id"].agg(list))


def test_two_packages_get_keys_and_a_crosswalk(parties):
    """One file of keys for each custodian, with every record, matched or not."""
    assert 0 == link(parties, "ab", "out")

    assert ["a1", "a2", "a3", "a4"] == table(parties, "out", "keys-a.csv")["record_id"].tolist()
    assert ["b2", "b3", "b4"] == table(parties, "out", "keys-b.csv")["record_id"].tolist()
    assert [["a1"], ["a2", "b2"], ["a3", "b3"], ["a4", "b4"]] == people_of(parties, "out")
    assert not (parties.folder / "out" / "clusters.csv").exists()
    assert "keys-a.csv, keys-b.csv: each for its one custodian" in parties.out


def test_links_say_how_sure_they_are(parties):
    """With thresholds it is not known, and the cell is empty."""
    assert 0 == link(parties, "ab", "out")

    links = table(parties, "out", "links.csv")
    assert ["left_id", "right_id", "probability", "decided_by", "score"] == list(links)
    assert {""} == set(links["probability"])


def test_three_packages_become_clusters(parties):
    """Each record that is linked is in clusters.csv; each link names its sources."""
    assert 0 == link(parties, "abc", "out", "--name", "trust", "--name", "ward", "--name", "school")

    clusters = table(parties, "out", "clusters.csv")
    assert ["cluster", "source", "record_id"] == list(clusters)
    found = clusters.groupby("cluster")["record_id"].agg(sorted).tolist()
    assert [["a1", "c1"], ["a2", "b2"], ["a3", "b3", "c3"], ["a4", "b4", "c4"]] == sorted(found)
    assert {"trust", "ward", "school"} == set(clusters["source"])
    links = table(parties, "out", "links.csv")
    assert SOURCED == list(links)
    assert 8 == len(links)
    assert sorted(found) == people_of(parties, "out")
    assert (parties.folder / "out" / "keys-school.csv").exists()


def test_clusters_can_be_evaluated_as_they_are(parties):
    """`pprl evaluate --clusters` reads clusters.csv."""
    assert 0 == link(parties, "abc", "out")
    rows = [
        (name, f"{name}{row}", f"p{row}") for name in "abc" for row in range(1, 5) if row != "abc".index(name)
    ]
    truth = pd.DataFrame(rows, columns=["source", "record_id", "person"])
    truth.to_csv(parties.folder / "who.csv", index=False)

    assert 0 == parties("evaluate", "out/clusters.csv", "--truth", "who.csv", "--clusters", "--json"), (
        parties.err
    )
    assert 1 == json.loads(parties.out)["f1"]


def test_names_are_those_of_the_files_made_safe(parties):
    """And different."""
    (parties.folder / "Trust A=1.pprl").write_bytes((parties.folder / "a.pprl").read_bytes())
    (parties.folder / "sub").mkdir()
    (parties.folder / "sub" / "b.pprl").write_bytes((parties.folder / "b.pprl").read_bytes())

    assert 0 == link(parties, ["Trust A=1", "b", "sub/b"], "out")
    assert {"keys-trust-a-1.csv", "keys-b.csv", "keys-b-2.csv"} == {
        path.name for path in (parties.folder / "out").glob("keys-*")
    }


@pytest.mark.parametrize("names", [["x"], ["x", "x"], ["x", "Y"], ["x", "a=b"], ["x", "../y"], ["x", ""]])
def test_names_that_cannot_be_are_refused(parties, names):
    """One for each package, different, and fit for a file."""
    options = [word for name in names for word in ("--name", name)]

    assert 2 == link(parties, "ab", "out", *options)
    assert not (parties.folder / "out").exists()


def test_one_package_is_not_linked(parties):
    """There is another verb for it."""
    assert 2 == link(parties, "a", "out")

    assert "deduplicate" in parties.err


def test_keys_stay_when_a_linkage_is_resumed(parties, monkeypatch):
    """They may have been sent already."""
    with monkeypatch.context() as patched:
        patched.setattr(verb, "_forget", lambda *_: None)
        assert 0 == link(parties, "abc", "out", "--checkpoint", "work")
    before = table(parties, "out", "crosswalk.csv")

    assert 0 == link(parties, "abc", "out", "--checkpoint", "work")
    assert before.equals(table(parties, "out", "crosswalk.csv"))
    assert not (parties.folder / "work").exists()


def test_an_interrupted_linkage_of_three_goes_on(parties, monkeypatch):
    """Every two have a folder of their own in the checkpoint."""

    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    assert 0 == link(parties, "abc", "plain")
    with monkeypatch.context() as patched:
        patched.setattr(verb, "write_folder", interrupted)
        assert 130 == link(parties, "abc", "out", "--resume", "work")
    kept = {path.name for path in (parties.folder / "work").iterdir()}

    assert {"parties-1-2", "parties-1-3", "parties-2-3"} == kept
    assert 0 == link(parties, "abc", "out", "--resume", "work")
    assert not (parties.folder / "work").exists()
    for name in FOUND:
        plain, resumed = (parties.folder / out / name for out in ("plain", "out"))
        assert plain.read_bytes() == resumed.read_bytes()


def test_force_draws_new_keys_and_says_so(parties):
    """What was attached with the old ones no longer joins."""
    assert 0 == link(parties, "ab", "out")
    before = set(table(parties, "out", "crosswalk.csv")["linkage_key"])

    assert 2 == link(parties, "ab", "out")
    assert 0 == link(parties, "ab", "out", "--force")
    assert not before & set(table(parties, "out", "crosswalk.csv")["linkage_key"])
    assert "no longer join" in parties.err


def test_keys_of_another_linkage_are_not_left_beside(parties):
    """Somebody would send them."""
    assert 0 == link(parties, "ab", "out")

    assert 2 == link(parties, "ac", "out", "--force")
    assert "linkage keys of another linkage" in parties.err


def test_clusters_of_another_linkage_are_not_left_beside(parties):
    """They would be taken for those of these packages."""
    assert 0 == link(parties, "ab", "out")
    (parties.folder / "out" / "clusters.csv").write_text("cluster,source,record_id\n", encoding="utf-8")

    assert 2 == link(parties, "ab", "out", "--force")
    assert "holds clusters" in parties.err


def test_files_too_small_for_decoys_say_how_they_were_linked(parties):
    """The agreement asks for balance, which cannot be had."""
    assert 0 == link(parties, "ab", "out")

    assert "passes link at their own thresholds" in parties.err


@pytest.mark.parametrize("before", ["ab", "abc"])
def test_a_party_that_comes_later_joins_and_all_else_stays(parties, before):
    """Keys, persons and links of the others are as they were."""
    assert 0 == link(parties, before, "one")

    assert 0 == link(parties, f"{before}d", "two", "--from", "one"), parties.err

    for name in before:
        one, two = (table(parties, out, f"keys-{name}.csv") for out in ("one", "two"))
        assert one.equals(two)
    persons = [
        table(parties, out, "crosswalk.csv").set_index("linkage_key")["person"] for out in ("one", "two")
    ]
    assert persons[0].equals(persons[1].reindex(persons[0].index))
    assert 0 == link(parties, f"{before}d", "anew")
    assert people_of(parties, "anew") == people_of(parties, "two")
    columns = ["left_source", "left_id", "right_source", "right_id", "score"]
    links = [
        set(table(parties, out, "links.csv")[columns].itertuples(index=False)) for out in ("two", "anew")
    ]
    assert links[0] == links[1]


def test_only_pairs_with_the_new_package_are_compared(parties, monkeypatch):
    """Three of six, if one joins three."""
    from pprl.workflow import additions

    compared = []
    assert 0 == link(parties, "abc", "one")
    link_two = additions.link_two
    monkeypatch.setattr(additions, "link_two", lambda *args: compared.append(1) or link_two(*args))

    assert 0 == link(parties, "abcd", "two", "--from", "one")
    assert 3 == len(compared)
    summary = json.loads((parties.folder / "two" / "summary.json").read_text())
    assert 6 == len(summary["pairs"])
    assert ["a", "b", "c", "d"] == [one["name"] for one in summary["packages"]]


def test_a_linkage_that_was_added_to_can_be_added_to(parties):
    """As often as parties come; new ones may be given in any place."""
    assert 0 == link(parties, "ab", "one")
    assert 0 == link(parties, "cab", "two", "--from", "one")

    assert 0 == link(parties, "dcba", "three", "--from", "two")
    assert 0 == link(parties, "abcd", "anew")
    assert people_of(parties, "anew") == people_of(parties, "three")


def test_a_new_delivery_under_an_old_name_is_refused(parties, people):
    """It needs a name of its own, or its keys would be taken for the old ones."""
    assert 0 == link(parties, "ab", "one")
    people.iloc[:2].assign(rec_id=["b2", "b9"]).to_csv(parties.folder / "b.csv", index=False)
    (parties.folder / "b.pprl").rename(parties.folder / "old.pprl")
    assert 0 == parties.encode("b.csv", "b.pprl")

    assert 2 == link(parties, "ab", "two", "--from", "one")
    assert "has changed" in parties.err
    assert 2 == link(parties, ["a", "old", "b"], "two", "--from", "one")
    assert "needs a name of its own" in parties.err
    named = ("--name", "a", "--name", "b", "--name", "b-2")
    assert 0 == link(parties, ["a", "old", "b"], "two", "--from", "one", *named)


def test_a_folder_without_keys_cannot_be_added_to(parties):
    """They were removed after they had been sent."""
    assert 0 == link(parties, "ab", "one")
    (parties.folder / "one" / "crosswalk.csv").unlink()

    assert 3 == link(parties, "abc", "two", "--from", "one")
    assert "crosswalk.csv: is not there" in parties.err


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"packages": 1}', "\xff"])
def test_a_damaged_summary_is_refused(parties, content):
    """And nothing of it is shown."""
    assert 0 == link(parties, "ab", "one")
    (parties.folder / "one" / "summary.json").write_text(content, encoding="latin-1")

    assert 3 == link(parties, "abc", "two", "--from", "one")
    assert not (parties.folder / "two").exists()


def test_keys_that_are_not_of_the_package_are_refused(parties):
    """Two files were swapped."""
    assert 0 == link(parties, "ab", "one")
    keys = parties.folder / "one" / "keys-a.csv"
    keys.write_bytes((parties.folder / "one" / "keys-b.csv").read_bytes())

    assert 3 == link(parties, "abc", "two", "--from", "one")
    assert "keys-a.csv: is not of this package" in parties.err
