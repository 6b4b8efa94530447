"""`pprl synthesise`: people who do not exist, in a folder that is whole or not there."""

import pandas as pd
import pytest

from pprl.cli import synthesise as verb
from pprl.datasets.uk import SOURCES
from pprl.errors import ResourceError


def synthesise(pprl, out="made", people=400, seed=7, preset="measured", options=()):
    """Call the verb."""
    named = ("--people", people, "--seed", seed, "--preset", preset, "--out", out)
    return pprl("synthesise", *named, *options)


def contents(folder):
    """All files under a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}


def read(path):
    """A table as text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def test_a_folder_has_people_sources_and_the_truth(pprl):
    """Records and truth have the same ids, and every pair of sources its file."""
    assert 0 == synthesise(pprl), pprl.err
    made = contents(pprl.folder / "made")

    n_pairs = len(SOURCES) * (len(SOURCES) - 1) // 2
    assert {"README.txt", "population.csv", *(f"{name}.csv" for name in SOURCES)} < set(made)
    assert 2 + 2 * len(SOURCES) + n_pairs == len(made)
    assert 400 == len(read(pprl.folder / "made" / "population.csv"))
    for name in SOURCES:
        table, truth = (read(pprl.folder / "made" / place / f"{name}.csv") for place in (".", "truth"))
        assert list(table["record_id"]) == list(truth["record_id"])
        assert "person_id" not in table
        assert name in pprl.out


def test_the_same_seed_gives_the_same_bytes(pprl):
    """And another seed others."""
    for out, seed in (("one", 7), ("two", 7), ("three", 8)):
        assert 0 == synthesise(pprl, out=out, seed=seed)
    one, two, three = (contents(pprl.folder / name) for name in ("one", "two", "three"))

    assert one == two
    assert one["population.csv"] != three["population.csv"]


def test_one_person_is_enough(pprl):
    """Tables may be empty, and have their headers."""
    assert 0 == synthesise(pprl, people=1), pprl.err

    assert (
        "left_id,right_id"
        == ((pprl.folder / "made" / "truth" / "cohort_trial.csv").read_text(encoding="utf-8").splitlines()[0])
    )


def test_a_folder_that_is_there_is_never_written_over(pprl):
    """Without --force."""
    assert 0 == synthesise(pprl)
    before = contents(pprl.folder / "made")

    assert 2 == synthesise(pprl, seed=8)
    assert "[usage/output-exists]" in pprl.err
    assert before == contents(pprl.folder / "made")


def test_force_replaces_what_the_verb_made(pprl):
    """All of it."""
    assert 0 == synthesise(pprl)
    before = contents(pprl.folder / "made")

    assert 0 == synthesise(pprl, seed=8, options=["--force"]), pprl.err
    assert before != contents(pprl.folder / "made")
    assert ["made"] == [path.name for path in pprl.folder.iterdir()]


def test_force_replaces_nothing_else(pprl):
    """A folder with anything of somebody's own in it, or a file."""
    (pprl.folder / "made").mkdir()
    (pprl.folder / "made" / "thesis.txt").write_text("mine", encoding="utf-8")
    (pprl.folder / "file").write_text("mine", encoding="utf-8")

    assert 2 == synthesise(pprl, options=["--force"])
    assert 2 == synthesise(pprl, out="file", options=["--force"])
    assert "mine" == (pprl.folder / "made" / "thesis.txt").read_text(encoding="utf-8")
    assert "mine" == (pprl.folder / "file").read_text(encoding="utf-8")


def test_nothing_is_left_of_a_run_that_fails(pprl, monkeypatch):
    """And what was there before is there still."""
    assert 0 == synthesise(pprl)
    before = contents(pprl.folder / "made")

    def fail(*_):
        raise ResourceError("no space left", code="disk-full")

    monkeypatch.setattr(verb, "true_pairs", fail)

    assert 6 == synthesise(pprl, out="other")
    assert 6 == synthesise(pprl, options=["--force"])
    assert ["made"] == [path.name for path in pprl.folder.iterdir()]
    assert before == contents(pprl.folder / "made")


@pytest.mark.parametrize(
    "wish", [{"people": 0}, {"people": "many"}, {"people": 10**9}, {"seed": -1}, {"preset": "mild"}]
)
def test_what_cannot_be_is_refused(pprl, wish):
    """Before anything is written."""
    assert 2 == synthesise(pprl, **wish)
    assert [] == list(pprl.folder.iterdir())


def test_the_files_go_through_the_other_verbs(pprl):
    """Two sources, the preset uk-health, links, and their quality."""
    assert 0 == synthesise(pprl, people=3000)
    assert 0 == pprl("agreement", "new", "--preset", "uk-health", "--out", "agreement.toml")
    assert 0 == pprl("key", "new", "--out", "project.key")
    for name in ("mental_health_trust", "hospital"):
        named = ("--agreement", "agreement.toml", "--key", "project.key", "--id", "record_id", "--keep-ids")
        assert 0 == pprl("encode", f"made/{name}.csv", *named, "--out", f"{name}.pprl"), pprl.err
    packages = ("mental_health_trust.pprl", "hospital.pprl")
    assert 0 == pprl("link", *packages, "--agreement", "agreement.toml", "--out", "links"), pprl.err

    truth = "made/truth/mental_health_trust_hospital.csv"
    assert 0 == pprl("evaluate", "links/links.csv", "--truth", truth), pprl.err
    assert "precision" in pprl.out
