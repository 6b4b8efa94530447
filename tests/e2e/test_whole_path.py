"""The whole path: tables in, links out, nothing of a person on the way."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pprl
from pprl.exchange.package import read_package

ROOT = Path(__file__).parents[2]

# Identifiers that occur nowhere else, in letters that no encoding would make by chance.
CANARIES = {
    "given_name": "Zyxwandra",
    "surname": "Qvorthleigh",
    "date_of_birth": "19470823",
    "address_1": "88 Xylqvane Crescent",
    "suburb": "Wurblegong",
    "postcode": "8765",
    "state": "zq7",
}
LOCAL_ID = "patient-XJ9Q77"


def written(folder: Path) -> dict[str, bytes]:
    """Contents of all files under a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def traces(content: bytes, words: list[str]) -> list[str]:
    """Which words, or long parts of them, occur in any case; digits alone, since random ids have any."""
    parts = {word.lower() for whole in words for word in [whole, *whole.split()] if len(word) >= 3}
    alone = {
        part: rf"(?<![0-9a-f]){part}(?![0-9a-f])" if part.isdigit() else re.escape(part) for part in parts
    }
    return sorted(part for part, one in alone.items() if re.search(one.encode(), content.lower()))


def test_nothing_of_a_person_is_in_anything_that_is_emitted(ready, people):
    """Good runs and failing runs alike: packages, links, summaries, stdout, stderr."""
    marked = pd.concat([people, pd.DataFrame([{"rec_id": LOCAL_ID, **CANARIES}])])
    marked.to_csv(ready.folder / "a.csv", index=False)
    (ready.folder / "bad.csv").write_text(
        marked.to_csv(index=False) + f"x,{CANARIES['surname']},too,many" + ",y" * 9
    )
    (ready.folder / "latin.csv").write_bytes(marked.to_csv(index=False).encode("cp1252", errors="replace"))
    marked.assign(date_of_birth="32874").to_csv(ready.folder / "excel.csv", index=False)
    marked.assign(rec_id=LOCAL_ID).to_csv(ready.folder / "twice.csv", index=False)
    (ready.folder / "headless.csv").write_text(marked.to_csv(index=False, header=False))
    inputs = set(written(ready.folder))
    secret = (ready.folder / "project.key").read_text().split()[-1]
    key = ("--agreement", "agreement.toml", "--key", "project.key", "--id", "rec_id")
    link = ("link", "a.pprl", "b.pprl", "--agreement", "agreement.toml", "--out", "linkage")
    said = []

    def run(expected: int, *arguments: object) -> None:
        assert expected == ready(*arguments), ready.err
        said.append((ready.out + ready.err).encode())

    for name in ("a", "b"):
        run(0, "encode", "a.csv", *key, "--id-map", f"{name}-map.csv", "--out", f"{name}.pprl")
    run(0, "inspect", "a.pprl")
    run(0, *link)
    run(0, "agreement", "show", "agreement.toml")
    for bad in ("bad", "latin", "excel", "twice", "headless"):
        run(3, "encode", f"{bad}.csv", *key, "--keep-ids", "--out", f"{bad}.pprl")
    run(3, "inspect", "a.csv")
    run(3, "link", "a.pprl", "a.csv", "--agreement", "agreement.toml", "--out", "no")
    run(3, "evaluate", "a.csv", "--truth", "a.csv")
    run(3, "agreement", "check", "a.csv")
    run(2, "encode", "a.csv", *key[:2], "--key", secret, *key[4:], "--keep-ids", "--out", "c.pprl")
    run(4, "encode", "a.csv", *key[:2], "--key", "a.csv", *key[4:], "--keep-ids", "--out", "c.pprl")

    out = {name: content for name, content in written(ready.folder).items() if name not in inputs}
    assert {"a.pprl", "b.pprl", "linkage/links.csv", "linkage/summary.json"} <= set(out)
    watched = [*CANARIES.values(), secret]
    for name, content in out.items():
        local = [] if name.endswith("-map.csv") else [LOCAL_ID]
        assert [] == traces(content, watched + local), name
    for text in said:
        assert [] == traces(text, [*watched, LOCAL_ID])


def test_the_search_for_traces_finds_them(ready):
    """The test above cannot pass by looking in the wrong place."""
    assert ["qvorthleigh"] == traces(b"..QVORTHLEIGH..", list(CANARIES.values()))


def test_order_of_columns_and_extra_columns_change_no_byte(ready, people):
    """Every section is the same; so, as it happens, is the whole file."""
    shuffled = people.assign(diagnosis="F20", soc_sec_id="1")[
        ["diagnosis", "state", "surname", "soc_sec_id", *people.columns[:1], *people.columns[-2:-1]]
        + ["given_name", "date_of_birth", "address_1", "suburb"]
    ]
    shuffled.to_csv(ready.folder / "b.csv", index=False)
    assert 0 == ready.encode("a.csv", "a.pprl")
    assert 0 == ready.encode("b.csv", "b.pprl")

    assert (ready.folder / "a.pprl").read_bytes() == (ready.folder / "b.pprl").read_bytes()


def test_every_make_of_table_gives_the_same_package(people, febrl, key, tmp_path):
    """CSV, Parquet, pandas, polars."""
    import polars as pl

    people.to_csv(tmp_path / "a.csv", index=False)
    people.to_parquet(tmp_path / "a.parquet")
    sources = [tmp_path / "a.csv", tmp_path / "a.parquet", people, pl.DataFrame(people.to_dict("list"))]

    packages = [pprl.encode(source, febrl, key, id="rec_id") for source in sources]

    bits = [[one.passes[name].to_bytes() for name in one.passes] for one in packages]
    assert [bits[0]] * 4 == bits


def test_encoding_is_deterministic_and_bound_to_the_key(people, febrl, key):
    """The same key gives the same bits, another key others."""
    one, two, other = (
        pprl.encode(people, febrl, k, id="rec_id") for k in (key, key, pprl.LinkageKey.generate())
    )

    assert one.passes["everything"].to_bytes() == two.passes["everything"].to_bytes()
    assert one.passes["everything"].to_bytes() != other.passes["everything"].to_bytes()


def test_one_secret_in_two_projects_gives_encodings_that_cannot_be_joined(people, key):
    """Equal people, other bits: similarity is that of strangers."""
    from pprl.agreement import Agreement, preset_text

    text = preset_text("febrl")
    agreements = [
        Agreement.from_toml(text.replace('"febrl"', f'"{name}"', 1).encode()) for name in ("one", "two")
    ]

    one, two = (pprl.encode(people, agreement, key, id="rec_id") for agreement in agreements)

    pairs = pprl.compare(one.passes["everything"], two.passes["everything"], threshold="0.6")
    assert 0 == len(pairs)


def test_all_presets_link_people_with_themselves(ready):
    """British people, with a number, without an address, renamed."""
    columns = [
        "id",
        "given_name",
        "family_name",
        "previous_family_name",
        "date_of_birth",
        "sex",
        "postcode",
        "health_number",
    ]
    left = pd.DataFrame(
        [
            ("1", "Siân", "O'Brien", "", "11/02/1990", "F", "AB10 1XG", "943 476 5919"),
            ("2", "Mary", "Jones", "", "01/03/1981", "2", "EC1A 1BB", ""),
            ("3", "Łukasz", "Nowak", "", "1975-12-30", "M", "ZZ99 3VZ", ""),
            ("4", "Aoife", "Ní Bhriain", "", "17/06/1968", "F", "BT7 1NN", ""),
        ],
        columns=columns,
    )
    right = pd.DataFrame(
        [
            ("x", "Sian", "Obrien-Smith", "", "12/02/1990", "F", "", "9434765919"),
            ("y", "MARY", "SMITH", "JONES", "1981-03-01", "F", "EC1A1BB", ""),
            ("z", "Lukasz", "Nowak", "", "30/12/1975", "M", "SW1A 1AA", ""),
            ("w", "Aiofe", "Ni Bhriain", "", "17/06/1968", "F", "M1 1AE", ""),
        ],
        columns=columns,
    )
    left.to_csv(ready.folder / "l.csv", index=False)
    right.to_csv(ready.folder / "r.csv", index=False)
    assert 0 == ready("agreement", "new", "--preset", "uk-health", "--out", "uk.toml")
    for side in ("l", "r"):
        named = ("--agreement", "uk.toml", "--key", "project.key", "--id", "id", "--keep-ids")
        assert 0 == ready("encode", f"{side}.csv", *named, "--out", f"{side}.pprl"), ready.err
    assert 0 == ready("link", "l.pprl", "r.pprl", "--agreement", "uk.toml", "--out", "l")

    links = pd.read_csv(ready.folder / "l" / "links.csv", dtype=str)
    decided_by = {(row.left_id, row.right_id): row.decided_by for row in links.itertuples()}
    assert {("1", "x"), ("2", "y"), ("3", "z"), ("4", "w")} == set(decided_by)
    assert "health_number" == decided_by["1", "x"]
    assert "names_in_a_bag" == decided_by["2", "y"] == decided_by["3", "z"]
    # Under some keys the first pass finds her too.
    assert decided_by["4", "w"] in {"names_in_a_bag", "without_address"}


RELATIVES = {
    "father and son": ({"date_of_birth": "01/02/1960"}, {"date_of_birth": "05/09/1990"}),
    "twin brothers": ({"given_name": "Jack"}, {"given_name": "Oliver"}),
    "twins": ({"given_name": "Jack"}, {"given_name": "Emma", "sex": "F"}),
    "twins by their numbers": (
        {"given_name": "Anna", "health_number": "4010232137"},
        {"given_name": "Anne", "health_number": "9434765919"},
    ),
    "siblings": ({"given_name": "Jack"}, {"given_name": "Emma", "sex": "F", "date_of_birth": "23/08/1963"}),
}


@pytest.mark.parametrize("relatives", RELATIVES.values(), ids=RELATIVES)
def test_relatives_at_one_address_are_not_one_person(relatives):
    """Under any of five keys, though only one of the two is in each table."""
    common = {"id": "1", "given_name": "John", "family_name": "Brown", "previous_family_name": "", "sex": "M"}
    common |= {"date_of_birth": "01/02/1960", "postcode": "AB10 1XG", "health_number": ""}
    agreement = pprl.Agreement.preset("uk-health")
    left, right = (pd.DataFrame([common | change]) for change in relatives)

    n_links = 0
    for seed in range(5):
        key = pprl.LinkageKey(bytes(range(seed, seed + 32)))
        sides = (pprl.encode(side, agreement, key, id="id") for side in (left, right))
        n_links += len(pprl.link(*sides, agreement=agreement).links)

    assert 0 == n_links


OWN = """
project = "own"
epoch = 1
matching = { target = "thresholds", cardinality = "one-to-one" }
fields = [
    { name = "name", kind = "name", weight = 200, more_columns = ["alias"], separator = ";" },
    { name = "born", kind = "date", order = "ymd", weight = 150 },
    { name = "house", kind = "number", weight = 40 },
    { name = "home", kind = "place", weight = 60 },
    { name = "postcode", kind = "postcode", weight = 60 },
]

[[passes]]
name = "salted"
kind = "fuzzy"
n_bits = 1024
threshold = 0.6
salt = { field = "born", part = "year" }
fields = [
    { field = "name", required = true, tokens = { type = "phonetic", algorithm = "metaphone" } },
    { field = "home" },
    { field = "house", tokens = { type = "number-neighbourhood", step = 2, reach = 2 } },
]
hardening = [{ step = "diffuse", t = 2, n_bits = 1024 }, { step = "balance" }]

[[passes]]
name = "plain"
kind = "fuzzy"
n_bits = 1024
threshold = 0.6
fields = [
    { field = "name", required = true, bits_per_token = 15 },
    { field = "born", required = true, tokens = { type = "date-neighbourhood", step = 1, reach = 3 } },
    { field = "postcode", tokens = { type = "postcode-parts" } },
]
hardening = [{ step = "rule-90" }]
"""


def test_an_agreement_may_use_everything(key):
    """Aliases, sounds, neighbourhoods, a salt and chains of steps, together."""
    columns = ["id", "name", "alias", "born", "house", "home", "postcode"]
    left = pd.DataFrame(
        [("1", "Catherine", "", "1990-02-11", "12", "530000,180000", "AB10 1XG")], columns=columns
    )
    right = pd.DataFrame(
        [("x", "Smith; Kathryn", "Cath", "1990-02-12", "13", "530400,180100", "AB10 1XB")], columns=columns
    )
    agreement = pprl.Agreement.from_toml(OWN.encode())

    one, two = (pprl.encode(side, agreement, key, id="id") for side in (left, right))

    assert {"salted": 2048, "plain": 1024} == {name: bits.n_bits for name, bits in one.passes.items()}
    assert 1 == len(pprl.link(one, two, agreement=agreement).links)


def test_planted_import_of_keys_in_comparison_breaks_a_contract(tmp_path):
    """What runs at the linkage unit cannot touch a secret, and the linter proves it."""
    shutil.copytree(
        Path(pprl.__file__).parent, tmp_path / "pprl", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]

    def lint() -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(tmp_path)}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    clean = lint()
    with (tmp_path / "pprl" / "comparison" / "engine.py").open("a") as stream:
        stream.write("import pprl.keys\n")
    planted = lint()

    assert 0 == clean.returncode, clean.stdout
    assert 1 == planted.returncode
    assert "pprl.comparison.engine -> pprl.keys" in planted.stdout


def test_presets_are_part_of_what_is_installed():
    """And the project file knows the version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert "pprlink" == project["project"]["name"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", pprl.__version__)


@pytest.mark.parametrize(
    "call",
    [
        lambda people, agreement, key: pprl.encode(people, "agreement.toml", key, id="rec_id"),
        lambda people, agreement, key: pprl.encode(people, key, agreement, id="rec_id"),
        lambda people, agreement, key: pprl.encode(people, agreement, key, id=None),
        lambda people, agreement, key: pprl.encode(people, agreement, key, id="surname"),
        lambda people, agreement, key: pprl.encode(people, agreement, key, id="rec_id", columns={"x": "y"}),
        lambda people, agreement, key: pprl.link("a.pprl", "b.pprl", agreement=agreement),
        lambda people, agreement, key: pprl.load(None),
    ],
)
def test_a_wrong_call_is_told_so(people, febrl, key, call):
    """By our own error, with what was wanted."""
    with pytest.raises(pprl.PprlError):
        call(people, febrl, key)


def test_a_package_read_back_is_the_one_that_was_saved(people, febrl, key, tmp_path):
    """Ids, bits, presence."""
    saved = pprl.encode(people, febrl, key, id="rec_id")
    saved.save(tmp_path / "a.pprl")

    loaded = read_package(tmp_path / "a.pprl")

    assert saved.ids() == loaded.ids()
    assert all(np.array_equal(saved.passes[name].words, loaded.passes[name].words) for name in saved.passes)


def test_public_names_are_all_there():
    """Each once, imported when first used."""
    assert all(getattr(pprl, name) is not None for name in pprl.__all__)
    assert set(pprl.__all__) <= set(dir(pprl))
    with pytest.raises(AttributeError):
        pprl.no_such_name  # noqa: B018
