"""What people and machines will do to the command line: one message, an exit status, nothing left behind."""

import json
import os
import stat
from pathlib import Path

import pandas as pd
import pytest

posix = pytest.mark.skipif(os.name == "nt", reason="modes and special files are a POSIX matter")


def files(folder: Path) -> set[str]:
    """All that is in a folder."""
    return {path.name for path in folder.iterdir()}


def assert_refused(ready, status: int, code: str, returned: int) -> None:
    """One error with its code, on stderr only, without a traceback."""
    assert status == returned, ready.err
    assert "" == ready.out
    assert 1 == ready.err.count("pprl: error:")
    assert f"[{code}]" in ready.err
    assert "Traceback" not in ready.err


HEADER = b"rec_id,given_name,surname,date_of_birth,address_1,suburb,postcode,state\n"
ROW = b"r1,ann,lee,19500203,1 hay st,perth,6000,wa\n"
TABLES = {
    "empty": (b"", 3, "data/no-header"),
    "header only": (HEADER, 3, "data/no-rows"),
    "no column": (b"rec_id,given_name\n", 3, "data/no-column"),
    "duplicate columns": (HEADER.replace(b"suburb", b"surname"), 3, "data/duplicate-column"),
    "cp1252": (HEADER + ROW.replace(b"lee", "Siân O’Brien".encode("cp1252")), 3, "data/bad-value"),
    "NUL bytes": (HEADER + ROW + b"\0\n", 3, "data/nul-bytes"),
    "ragged": (HEADER + ROW + b"r2,bob\n", 3, "data/ragged-row"),
    "swallowed": (
        HEADER + ROW.replace(b"wa", b'"wa') + ROW.replace(b"wa", b'wa"'),
        3,
        "data/line-break-in-value",
    ),
    "JPEG": (b"\xff\xd8\xff\xe0", 3, "data/not-a-table"),
    "xlsx": (b"PK\x03\x04", 3, "data/not-a-table"),
    "many columns": (b",".join(b"%d" % i for i in range(100_000)) + b"\n", 3, "data/too-many-columns"),
}


@pytest.mark.parametrize(("content", "status", "code"), TABLES.values(), ids=TABLES)
def test_a_bad_table_is_refused_and_nothing_is_written(ready, content, status, code):
    """Exit status and code say what is wrong; no package and no temporary file remains."""
    (ready.folder / "bad.csv").write_bytes(content)
    before = files(ready.folder)

    returned = ready.encode("bad.csv", "bad.pprl")

    assert_refused(ready, status, code, returned)
    assert before == files(ready.folder)


def test_header_only_needs_to_be_allowed(ready):
    """And is then an explicit empty package, which links with nothing."""
    header = (ready.folder / "a.csv").read_text().splitlines()[0]
    (ready.folder / "none.csv").write_text(header + "\n")

    assert_refused(ready, 3, "data/no-rows", ready.encode("none.csv", "none.pprl"))
    assert 0 == ready.encode("none.csv", "none.pprl", "--allow-empty")
    assert 0 == ready.encode("a.csv", "a.pprl")
    assert 0 == ready("link", "none.pprl", "a.pprl", "--agreement", "agreement.toml", "--out", "l")
    assert "left_id,right_id,probability,decided_by,score\n" == (ready.folder / "l" / "links.csv").read_text()


def test_a_header_only_table_keeps_its_status_in_parquet(ready, people):
    """The same for both kinds of file."""
    people[:0].to_parquet(ready.folder / "none.parquet")

    assert_refused(ready, 3, "data/no-rows", ready.encode("none.parquet", "none.pprl"))


def test_extra_columns_are_counted_and_not_read(ready, people):
    """Diagnoses and wards stay where they are."""
    people.assign(diagnosis="F20.0", ward="Elm").to_csv(ready.folder / "more.csv", index=False)

    assert 0 == ready.encode("more.csv", "more.pprl")
    assert "2 other columns were not read" in ready.out


@posix
@pytest.mark.parametrize("kind", ["directory", "pipe", "dangling", "device", "missing"])
def test_only_files_are_tables(ready, kind):
    """Exit status 3, and nothing waits for a pipe."""
    place = ready.folder / "odd"
    makers = {
        "directory": place.mkdir,
        "pipe": lambda: os.mkfifo(place),
        "dangling": lambda: place.symlink_to("nowhere"),
        "device": lambda: place.symlink_to("/dev/zero"),
        "missing": lambda: None,
    }
    makers[kind]()

    code = "data/not-found" if kind in {"dangling", "missing"} else "data/not-a-file"
    assert_refused(ready, 3, code, ready.encode("odd", "odd.pprl"))


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_a_table_without_permission_is_a_matter_of_resources(ready):
    """Exit status 6."""
    (ready.folder / "a.csv").chmod(0)

    assert_refused(ready, 6, "resource/no-permission", ready.encode("a.csv", "a.pprl"))


def test_repeated_and_missing_ids_are_counted_with_their_rows(ready, people):
    """Exit status 3 for both."""
    people.assign(rec_id=["r1", "r2", "r1", "r4"]).to_csv(ready.folder / "twice.csv", index=False)
    people.assign(rec_id=["r1", "", " ", "r4"]).to_csv(ready.folder / "blank.csv", index=False)

    assert_refused(ready, 3, "data/duplicate-id", ready.encode("twice.csv", "x.pprl"))
    assert "2 rows" in ready.err
    assert "rows 1, 3" in ready.err
    assert_refused(ready, 3, "data/missing-id", ready.encode("blank.csv", "x.pprl"))
    assert "rows 2, 3" in ready.err


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_a_key_that_others_can_read_is_refused(ready, mode):
    """Exit status 4."""
    (ready.folder / "project.key").chmod(mode)

    assert_refused(ready, 4, "policy/key-readable", ready.encode("a.csv", "a.pprl"))


@posix
def test_a_linked_key_is_refused(ready):
    """Exit status 4."""
    (ready.folder / "project.key").rename(ready.folder / "elsewhere.key")
    (ready.folder / "project.key").symlink_to("elsewhere.key")

    assert_refused(ready, 4, "policy/key-is-link", ready.encode("a.csv", "a.pprl"))


def test_a_key_in_a_git_tree_is_refused(ready):
    """Exit status 4, for reading and for writing."""
    (ready.folder / ".git").mkdir()

    assert_refused(ready, 4, "policy/in-git-tree", ready.encode("a.csv", "a.pprl"))
    assert_refused(ready, 4, "policy/in-git-tree", ready("key", "new", "--out", "other.key"))
    assert "other.key" not in files(ready.folder)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--key", "hunter2hunter2"),
        ("--key=hunter2hunter2",),
        ("--secret", "hunter2hunter2"),
        ("--secret=hunter2hunter2",),
        ("hunter2hunter2",),
    ],
)
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(ready, arguments):
    """Exit status 2."""
    table = (
        "encode",
        "a.csv",
        "--agreement",
        "agreement.toml",
        "--id",
        "rec_id",
        "--keep-ids",
        "--out",
        "a.pprl",
    )

    returned = ready(*table, *arguments)

    assert 2 == returned
    assert "hunter2" not in ready.err


@pytest.mark.parametrize("name", ["PPRL_KEY", "PPRL_LINKAGE_SECRET", "PPRL_PASSPHRASE"])
def test_a_secret_in_the_environment_is_not_used(ready, monkeypatch, name):
    """Exit status 4, and not repeated."""
    monkeypatch.setenv(name, "hunter2")

    assert_refused(ready, 4, "policy/secret-in-environment", ready.encode("a.csv", "a.pprl"))
    assert "hunter2" not in ready.err


def test_a_secret_in_the_agreement_is_not_used(ready):
    """Exit status 4, and not repeated."""
    path = ready.folder / "agreement.toml"
    path.write_text('secret = "hunter2"\n' + path.read_text())

    assert_refused(ready, 4, "policy/secret-in-agreement", ready.encode("a.csv", "a.pprl"))
    assert "hunter2" not in ready.err


def test_no_randomness_stops_everything(ready, monkeypatch):
    """Exit status 6, no key and no package."""

    def broken(_n: int) -> bytes:
        raise NotImplementedError

    before = files(ready.folder)
    monkeypatch.setattr(os, "urandom", broken)

    assert_refused(ready, 6, "resource/no-randomness", ready("key", "new", "--out", "other.key"))
    assert before == files(ready.folder)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('project = "febrl"', 'project = "other"', "policy/different-project"),
        ("epoch = 1 ", "epoch = 2 ", "policy/different-epoch"),
        ("threshold = 0.60", "threshold = 0.75", "policy/different-fingerprint"),
    ],
)
def test_packages_of_another_agreement_are_refused(ready, old, new, code):
    """Exit status 4: right key, wrong project, old epoch, other choices."""
    assert 0 == ready.encode("a.csv", "a.pprl")
    text = (ready.folder / "agreement.toml").read_text()
    assert old in text
    (ready.folder / "agreement.toml").write_text(text.replace(old, new, 1))

    returned = ready("link", "a.pprl", "a.pprl", "--agreement", "agreement.toml", "--out", "l")

    assert_refused(ready, 4, code, returned)
    assert not (ready.folder / "l").exists()


def test_two_secrets_are_told_at_the_linkage_unit(ready):
    """Exit status 4, and the check is named."""
    assert 0 == ready.encode("a.csv", "a.pprl")
    assert 0 == ready("key", "new", "--out", "project.key", "--force")
    assert 0 == ready.encode("a.csv", "b.pprl")

    returned = ready("link", "a.pprl", "b.pprl", "--agreement", "agreement.toml", "--out", "l")

    assert_refused(ready, 4, "policy/different-key-tag", returned)
    assert "key tag" in ready.err


@pytest.mark.parametrize("content", [b"", b"noise", b"pprl-package 9 0000000001 " + b"0" * 64 + b"\n"])
def test_what_is_no_package_is_refused(ready, content):
    """Exit status 3, or 7 for a version of the future."""
    (ready.folder / "bad.pprl").write_bytes(content)

    returned = ready("inspect", "bad.pprl")

    status, code = (
        (7, "version/package-version") if content.startswith(b"pprl") else (3, "data/not-a-package")
    )
    assert_refused(ready, status, code, returned)


def test_an_altered_package_is_refused(ready):
    """Exit status 5."""
    assert 0 == ready.encode("a.csv", "a.pprl")
    content = bytearray((ready.folder / "a.pprl").read_bytes())
    content[-1] ^= 1
    (ready.folder / "a.pprl").write_bytes(content)

    assert_refused(ready, 5, "authentication/altered", ready("inspect", "a.pprl"))


def test_outputs_are_never_overwritten_unasked(ready):
    """Exit status 2 for every verb that writes; --force and --overwrite replace."""
    assert 0 == ready.encode("a.csv", "a.pprl")
    link = ("link", "a.pprl", "a.pprl", "--agreement", "agreement.toml", "--out", "l")
    assert 0 == ready(*link)
    content = {path.name: path.read_bytes() for path in ready.folder.iterdir() if path.is_file()}

    for command in (
        ("agreement", "new", "--preset", "febrl", "--out", "agreement.toml"),
        ("key", "new", "--out", "project.key"),
        link,
        ("demo", "--out", "l"),
    ):
        assert_refused(ready, 2, "usage/output-exists", ready(*command))
    assert_refused(ready, 2, "usage/output-exists", ready.encode("a.csv", "a.pprl"))
    assert content == {path.name: path.read_bytes() for path in ready.folder.iterdir() if path.is_file()}
    assert 0 == ready(*link, "--force")
    assert 0 == ready.encode("a.csv", "a.pprl", "--overwrite")


@posix
def test_outputs_are_for_their_owner_under_any_umask(ready):
    """0600 for every file, umask 000 notwithstanding."""
    before = os.umask(0)
    try:
        named = ("--agreement", "agreement.toml", "--key", "project.key", "--id", "rec_id")
        assert 0 == ready("encode", "a.csv", *named, "--id-map", "map.csv", "--out", "a.pprl")
        assert 0 == ready("link", "a.pprl", "a.pprl", "--agreement", "agreement.toml", "--out", "l")
    finally:
        os.umask(before)

    made = [
        ready.folder / name
        for name in ("map.csv", "a.pprl", "l/links.csv", "l/conflicts.csv", "l/summary.json")
    ]
    assert [0o600] * 5 == [stat.S_IMODE(path.stat().st_mode) for path in made]
    assert 0o700 == stat.S_IMODE((ready.folder / "l").stat().st_mode)


@pytest.mark.parametrize("options", [(), ("--keep-ids", "--id-map", "m.csv")])
def test_a_choice_about_ids_must_be_made(ready, options):
    """Neither and both are exit status 2."""
    named = ("--agreement", "agreement.toml", "--key", "project.key", "--id", "rec_id", "--out", "a.pprl")

    assert_refused(ready, 2, "usage/ids", ready("encode", "a.csv", *named, *options))


def test_a_package_that_cannot_be_written_leaves_no_id_map(ready):
    """The map would be a way back to nothing."""
    named = ("--agreement", "agreement.toml", "--key", "project.key", "--id", "rec_id")

    returned = ready("encode", "a.csv", *named, "--id-map", "map.csv", "--out", "no/a.pprl")

    assert_refused(ready, 2, "usage/no-folder", returned)
    assert "map.csv" not in files(ready.folder)


@pytest.mark.parametrize("name", ["a.csv", "agreement.toml", "project.key"])
def test_an_output_never_replaces_an_input(ready, name):
    """Not even with --force."""
    before = (ready.folder / name).read_bytes()

    assert_refused(ready, 2, "usage/output-is-input", ready.encode("a.csv", name, "--force"))
    assert before == (ready.folder / name).read_bytes()


def test_a_column_that_is_compared_is_no_id(ready):
    """A surname would travel as it is."""
    named = ("--agreement", "agreement.toml", "--key", "project.key", "--id", "surname", "--keep-ids")

    assert_refused(ready, 2, "usage/id-is-field", ready("encode", "a.csv", *named, "--out", "a.pprl"))


def test_links_that_fit_no_truth_are_warned_of(ready):
    """Sides swapped, or an id map forgotten."""
    (ready.folder / "links.csv").write_text("left_id,right_id\na,b\n")
    (ready.folder / "truth.csv").write_text("left_id,right_id\nx,y\n")

    assert 0 == ready("evaluate", "links.csv", "--truth", "truth.csv")
    assert "warning: no left id of the links is in the truth" in ready.err


def test_an_id_map_is_never_replaced(ready):
    """It may be the only way back for a package that was sent; --force and failures leave it."""
    named = ("--agreement", "agreement.toml", "--key", "project.key", "--id", "rec_id", "--id-map", "map.csv")
    assert 0 == ready("encode", "a.csv", *named, "--out", "a.pprl")
    before = (ready.folder / "map.csv").read_bytes()

    for out in ("a.pprl", "no/a.pprl"):
        assert_refused(
            ready, 2, "usage/output-exists", ready("encode", "a.csv", *named, "--out", out, "--force")
        )

    assert before == (ready.folder / "map.csv").read_bytes()


def test_an_id_map_in_a_git_tree_is_refused(ready):
    """Exit status 4: it leads back to people."""
    (ready.folder / "repo" / ".git").mkdir(parents=True)
    (ready.folder / "repo" / "deep").mkdir()
    (ready.folder / "way").symlink_to("repo/deep")
    named = ("--agreement", "agreement.toml", "--key", "project.key", "--id", "rec_id", "--out", "a.pprl")

    for place in ("repo/deep/map.csv", "way/map.csv"):
        assert_refused(ready, 4, "policy/in-git-tree", ready("encode", "a.csv", *named, "--id-map", place))
    assert "a.pprl" not in files(ready.folder)


def test_without_a_verb_the_help_is_shown(ready):
    """Exit status 2, and on stderr, as nothing was done."""
    for command in ((), ("key",), ("agreement",)):
        assert 2 == ready(*command)
        assert "Usage:" in ready.err


def test_a_name_that_no_file_can_have_is_refused(ready):
    """A NUL in it."""
    assert_refused(ready, 3, "data/not-found", ready.encode("a\0.csv", "a.pprl"))


def test_a_package_linked_with_itself_is_warned_of(ready):
    """Somebody typed one name twice."""
    assert 0 == ready.encode("a.csv", "a.pprl")

    assert 0 == ready("link", "a.pprl", "a.pprl", "--agreement", "agreement.toml", "--out", "l")
    assert "warning: the packages have record ids in common" in ready.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("lnik",), "'link'"),
        (("agreement", "new", "--preset", "fbrl", "--out", "x"), "febrl"),
        (("encode", "a.csv", "--keepids"), "--keep-ids"),
        (("encode", "a.csv"), "--help"),
        (("link", "a.pprl"), "--help"),
        (("link", "a", "b", "--agreement", "x", "--workers", "0", "--out", "l"), "--help"),
    ],
)
def test_a_slip_of_the_pen_gets_a_hint(ready, arguments, hint):
    """Exit status 2."""
    assert 2 == ready(*arguments)
    assert hint in ready.err


def test_a_column_may_have_another_name_here(ready, people):
    """And gives the same package."""
    assert 0 == ready.encode("a.csv", "a.pprl")
    people.rename(columns={"surname": "Family Name"}).to_csv(ready.folder / "b.csv", index=False)

    assert_refused(ready, 3, "data/no-column", ready.encode("b.csv", "b.pprl"))
    assert 0 == ready.encode("b.csv", "b.pprl", "--column", "surname=Family Name")
    assert (ready.folder / "a.pprl").read_bytes() == (ready.folder / "b.pprl").read_bytes()
    assert_refused(ready, 2, "usage/no-field", ready.encode("b.csv", "c.pprl", "--column", "surnam=x"))
    assert_refused(ready, 2, "usage/bad-option", ready.encode("b.csv", "c.pprl", "--column", "surname"))


def test_a_damaged_column_stops_with_its_row_and_without_its_value(ready, people):
    """Dates as Excel keeps them: exit status 3."""
    people.assign(date_of_birth=["19500203", "32874", "19720401", "19830509"]).to_csv(
        ready.folder / "excel.csv", index=False
    )

    assert_refused(ready, 3, "data/value-refused", ready.encode("excel.csv", "x.pprl"))
    assert "date_of_birth, row 2" in ready.err
    assert "32874" not in ready.err


def test_an_unexpected_error_shows_no_value(ready, monkeypatch):
    """Its text may hold anything, so only the place in the code is named."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("Siân O'Brien")

    monkeypatch.setattr("pprl.cli.encode.encode_with_counts", fail)

    assert_refused(ready, 6, "resource/unexpected", ready.encode("a.csv", "a.pprl"))
    assert "Brien" not in ready.err


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, 130), (MemoryError, 6)])
def test_interrupts_end_with_their_status(ready, monkeypatch, error, status):
    """And leave nothing half-written."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise error

    before = files(ready.folder)
    monkeypatch.setattr("pprl.cli.encode.encode_with_counts", fail)

    assert status == ready.encode("a.csv", "a.pprl")
    assert before == files(ready.folder)


def test_json_is_for_programs(ready):
    """Inspect and evaluate print nothing else on stdout."""
    assert 0 == ready.encode("a.csv", "a.pprl")
    assert 0 == ready("link", "a.pprl", "a.pprl", "--agreement", "agreement.toml", "--out", "l")
    truth = pd.DataFrame({"left_id": ["r1", "r2", "r3", "r4"], "right_id": ["r1", "r2", "r3", "r4"]})
    truth.to_csv(ready.folder / "truth.csv", index=False)

    assert 0 == ready("inspect", "a.pprl", "--json")
    assert 4 == json.loads(ready.out)["records"]
    assert 0 == ready("evaluate", "l/links.csv", "--truth", "truth.csv", "--json")
    assert 1.0 == json.loads(ready.out)["f1"]


def test_ids_unknown_to_the_map_are_refused(ready):
    """The wrong id map for these links."""
    assert 0 == ready.encode("a.csv", "a.pprl")
    assert 0 == ready("link", "a.pprl", "a.pprl", "--agreement", "agreement.toml", "--out", "l")
    (ready.folder / "map.csv").write_text("record_id,local_id\nx,1\n")

    returned = ready("evaluate", "l/links.csv", "--truth", "l/links.csv", "--left-id-map", "map.csv")

    assert_refused(ready, 3, "data/unknown-id", returned)


def test_the_schema_is_json(ready):
    """For editors."""
    assert 0 == ready("agreement", "schema")
    assert "pprl agreement" == json.loads(ready.out)["title"]


def test_a_project_of_ones_own_is_named_in_the_agreement(ready):
    """Whatever its letters."""
    assert 0 == ready(
        "agreement", "new", "--preset", "uk-health", "--project", 'Größe "1"', "--out", "own.toml"
    )
    assert 0 == ready("agreement", "show", "own.toml")

    assert 'Größe "1"' in ready.out


def test_doctor_finds_this_machine_well(ready):
    """All checks pass here, or the other tests mean nothing."""
    assert 0 == ready("doctor")
    assert "failed" not in ready.out
