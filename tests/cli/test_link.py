"""`pprl link`: by shared tags, and from a checkpoint."""

import json

import pytest

from pprl.cli import link as verb

BLOCKS = 'n_bits = 1024\nblocks = [{ kind = "hamming-lsh", tables = 8, bits = 16 }]\n'
FILES = ("links.csv", "conflicts.csv", "summary.json")


@pytest.fixture
def packages(ready, people):
    """Besides the usual files packages a.pprl and b.pprl of an agreement with block tags in one pass."""
    agreement = ready.folder / "agreement.toml"
    text = agreement.read_text(encoding="utf-8").replace("n_bits = 1024\n", BLOCKS, 1)
    agreement.write_text(text, encoding="utf-8")
    people.assign(rec_id=["s1", "s2", "s3", "s4"]).to_csv(ready.folder / "b.csv", index=False)
    assert 0 == ready.encode("a.csv", "a.pprl")
    assert 0 == ready.encode("b.csv", "b.pprl")
    return ready


def link(packages, out, *options):
    return packages("link", "a.pprl", "b.pprl", "--agreement", "agreement.toml", "--out", out, *options)


def contents(packages, out):
    return [(packages.folder / out / name).read_bytes() for name in FILES]


def test_the_way_that_pairs_were_chosen_is_told(packages):
    """On screen, and in the file for programs."""
    assert 0 == link(packages, "tagged", "--candidates", "shared-tags", "--largest-block", "100")

    summary = json.loads((packages.folder / "tagged" / "summary.json").read_text(encoding="utf-8"))
    assert [one["candidates"] for one in summary["passes"]] == ["shared-tags", *["all-pairs"] * 3]
    assert summary["passes"][0]["recall"]["value"] == 1
    assert summary["passes"][0]["dropped"] == {"n_blocks": 0, "n_pairs": 0}
    assert "shared tags" in packages.out
    assert "share of wanted pairs with a tag in common" in packages.out


def test_a_linkage_with_a_checkpoint_writes_the_same_and_cleans_up(packages):
    """The folder is gone when the links are written."""
    assert 0 == link(packages, "plain")
    assert 0 == link(packages, "kept", "--checkpoint", "work")

    assert contents(packages, "kept") == contents(packages, "plain")
    assert not (packages.folder / "work").exists()


def test_an_interrupted_linkage_goes_on(packages, monkeypatch):
    """Interrupted when it writes its output, it finds its work done."""

    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    assert 0 == link(packages, "plain")
    with monkeypatch.context() as patched:
        patched.setattr(verb, "write_folder", interrupted)
        assert 130 == link(packages, "resumed", "--resume", "work")
    assert (packages.folder / "work").is_dir()
    assert not (packages.folder / "resumed").exists()

    assert 0 == link(packages, "resumed", "--resume", "work")
    assert contents(packages, "resumed") == contents(packages, "plain")


def test_a_checkpoint_of_other_packages_is_refused(packages, people, monkeypatch):
    """Nothing of it is mixed in."""
    monkeypatch.setattr(verb, "forget_checkpoint", lambda *_: None)
    assert 0 == link(packages, "one", "--checkpoint", "work")
    people[:3].to_csv(packages.folder / "c.csv", index=False)
    assert 0 == packages.encode("c.csv", "c.pprl")
    other = ("link", "c.pprl", "b.pprl", "--agreement", "agreement.toml", "--out", "two")

    assert 4 == packages(*other, "--checkpoint", "work")
    assert "belongs to another job" in packages.err


@pytest.mark.parametrize(
    "options", [["--candidates", "tags"], ["--largest-block", "0"], ["--largest-block", "5"]]
)
def test_options_that_make_no_sense_are_a_mistake_in_usage(packages, options):
    """Exit status 2, and no folder."""
    assert 2 == link(packages, "never", *options)

    assert not (packages.folder / "never").exists()


def test_tags_that_are_not_those_declared_are_refused(ready, packages):
    """The agreement was changed after encoding."""
    agreement = ready.folder / "agreement.toml"
    agreement.write_text(
        agreement.read_text(encoding="utf-8").replace(BLOCKS, "n_bits = 1024\n"), encoding="utf-8"
    )

    assert 4 == link(packages, "never")
    assert "fingerprint differs" in packages.err


def test_a_linkage_killed_after_its_output_is_written_goes_on_too(packages, monkeypatch):
    """It finds the links that it would write, and cleans up."""
    with monkeypatch.context() as patched:
        patched.setattr(verb, "forget_checkpoint", lambda *_: None)
        assert 0 == link(packages, "out", "--checkpoint", "work")
    before = contents(packages, "out")

    assert 0 == link(packages, "out", "--checkpoint", "work")
    assert contents(packages, "out") == before
    assert not (packages.folder / "work").exists()


def test_a_resumed_linkage_does_not_write_over_another(packages, monkeypatch):
    """What is in its place is not what it found."""
    with monkeypatch.context() as patched:
        patched.setattr(verb, "forget_checkpoint", lambda *_: None)
        assert 0 == link(packages, "out", "--checkpoint", "work")
    (packages.folder / "out" / "links.csv").write_text("mine", encoding="utf-8")

    assert 2 == link(packages, "out", "--checkpoint", "work")
    assert (packages.folder / "out" / "links.csv").read_text(encoding="utf-8") == "mine"


def test_only_what_a_linkage_kept_is_deleted(packages):
    """A folder may hold other things."""
    mine = [packages.folder / "work" / "job.json", packages.folder / "work" / "project" / "part-000001"]
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine", encoding="utf-8")

    assert 0 == link(packages, "out", "--checkpoint", "work")
    assert sorted(path for path in (packages.folder / "work").rglob("*") if path.is_file()) == sorted(mine)


def test_the_folder_of_a_linkage_with_other_passes_is_refused(packages):
    """And nothing is written into it."""
    (packages.folder / "work" / "00-another").mkdir(parents=True)

    assert 4 == link(packages, "never", "--checkpoint", "work")
    assert [path.name for path in (packages.folder / "work").iterdir()] == ["00-another"]


def test_a_checkpoint_must_have_a_name(packages):
    """As an unset variable of a shell has none."""
    assert 2 == link(packages, "never", "--checkpoint", "")
