"""Ledgers: what was written stays as it was, and nothing about a person gets in."""

import hashlib
import io
import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl import files
from pprl.errors import AuthenticationError, PolicyError, PprlError, ResourceError, UsageError
from pprl.exchange import clock, entries
from pprl.exchange import ledger as ledgers
from pprl.exchange.entries import FIRST
from pprl.exchange.ledger import Ledger

posix = pytest.mark.skipif(os.name == "nt", reason="modes and links are a POSIX matter")
PACKAGES = ["0a" * 16, "1b" * 16, "2c" * 16]


@pytest.fixture
def ledger(tmp_path) -> Ledger:
    """A ledger of three packages that were opened."""
    made = Ledger.open(tmp_path / "ledger.jsonl")
    for number, package in enumerate(PACKAGES, 1):
        opened(made, package, number)
    return made


def opened(ledger: Ledger, package: str, sequence: int, **fields):
    """Note that a package was opened."""
    given = {"outcome": "done", "peer": "trust", "purpose": "encodings"} | fields
    return ledger.append(event="open", package=package, sequence=sequence, **given)


def is_whole(content: bytes) -> bool:
    """The slow twin of the check: the chain as the document describes it."""
    lines = content.split(b"\n")[:-1]
    digests = [FIRST, *(hashlib.sha256(line).hexdigest() for line in lines)]
    fields = [json.loads(line) for line in lines]
    return all(
        entry["previous"] == digest and entry["number"] == number
        for number, (entry, digest) in enumerate(zip(fields, digests, strict=False), 1)
    )


def test_entries_read_back(ledger):
    """In their order, numbered from 1, each with the digest of the line before."""
    lines = ledger.path.read_bytes().splitlines()

    entries = ledger.entries()

    assert PACKAGES == [entry.package for entry in entries]
    assert [1, 2, 3] == [entry.number for entry in entries]
    assert [FIRST, *(hashlib.sha256(line).hexdigest() for line in lines[:2])] == [
        entry.previous for entry in entries
    ]
    assert is_whole(ledger.path.read_bytes())
    assert hashlib.sha256(lines[2]).hexdigest() == ledger.head()
    assert 3 == Ledger.open(ledger.path, create=False).verify()


@posix
def test_a_ledger_is_for_its_owner(tmp_path):
    """Under any umask."""
    before = os.umask(0)
    try:
        Ledger.open(tmp_path / "ledger.jsonl")
    finally:
        os.umask(before)

    assert 0o600 == (tmp_path / "ledger.jsonl").stat().st_mode & 0o777


@given(st.data())
def test_any_change_but_at_the_end_is_seen(tmp_path_factory, data):
    """A byte changed, taken out or put in, a line moved, doubled or taken out."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.jsonl"
    made = Ledger.open(path)
    for number in range(1, 5):
        opened(made, PACKAGES[0], number)
    content, noted = path.read_bytes(), made.head()
    place = data.draw(st.integers(0, len(content) - 2))
    other = bytes([data.draw(st.integers(0, 255))])
    lines = content.splitlines(keepends=True)
    first, second = data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    moved = list(lines)
    moved[first], moved[second] = moved[second], moved[first]
    changed = data.draw(
        st.sampled_from(
            [
                content[:place] + other + content[place + 1 :],
                content[:place] + content[place + 1 :],
                content[:place] + other + content[place:],
                b"".join(moved),
                b"".join([*lines[: first + 1], *lines[first:]]),
                b"".join(lines[:first] + lines[first + 1 :]),
                content[: place + 1],
            ]
        )
    )
    path.write_bytes(changed)

    if changed == content:
        assert 4 == Ledger.open(path).verify(noted=noted)
    else:
        with pytest.raises(AuthenticationError):
            Ledger.open(path).verify(noted=noted)


@pytest.mark.parametrize("line", [1, 2])
def test_the_check_names_the_line(ledger, line):
    """The first that does not fit."""
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b'"done"', b'"refused"')
    ledger.path.write_bytes(b"".join(lines))

    with pytest.raises(AuthenticationError, match=f"line {line + 1} does not follow") as caught:
        ledger.verify()
    assert "authentication/ledger-broken" == caught.value.code


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[" * 3000, b"\xff" * 10, b"x" * 10_000, b'{"number":1}', b'{"number":NaN}']
)
def test_what_is_no_entry_is_refused(tmp_path, line):
    """Whatever it is."""
    (tmp_path / "ledger.jsonl").write_bytes(line + b"\n")
    (tmp_path / "ledger.jsonl").chmod(0o600)

    with pytest.raises(AuthenticationError, match="line 1"):
        Ledger.open(tmp_path / "ledger.jsonl").entries()


def test_nothing_is_added_to_a_broken_ledger(ledger):
    """It stays as it is, for whoever looks into it."""
    broken = ledger.path.read_bytes().replace(PACKAGES[0].encode(), PACKAGES[1].encode())
    ledger.path.write_bytes(broken)

    with pytest.raises(AuthenticationError):
        opened(ledger, PACKAGES[0], 9)

    assert broken == ledger.path.read_bytes()


def test_a_cut_at_a_line_is_seen_with_a_head_that_was_noted(ledger):
    """And only so: what is left is whole."""
    noted = ledger.head()
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join(lines[:2]))

    assert 2 == ledger.verify()
    with pytest.raises(AuthenticationError, match="cut off") as caught:
        ledger.verify(noted=noted)
    assert "authentication/ledger-shortened" == caught.value.code
    opened(ledger, PACKAGES[0], 9)
    with pytest.raises(AuthenticationError):
        ledger.verify(noted=noted)


def test_a_head_holds_after_more_was_added(ledger):
    """Of any entry, and of none."""
    noted = ledger.head()
    opened(ledger, PACKAGES[0], 9)

    assert 4 == ledger.verify(noted=noted) == ledger.verify(noted=FIRST)


def test_a_torn_last_line_is_moved_aside_and_noted(tmp_path):
    """Cut at any byte: what was whole stays, and the rest is kept in a file of its own."""
    made = Ledger.open(tmp_path / "first.jsonl")
    for number in (1, 2):
        opened(made, PACKAGES[0], number)
    content = made.path.read_bytes()
    start = content.index(b"\n") + 1

    for end in range(start + 1, len(content)):
        path = tmp_path / f"{end}" / "ledger.jsonl"
        path.parent.mkdir()
        path.write_bytes(content[:end])
        path.chmod(0o600)
        torn = Ledger.open(path)
        assert torn.torn()
        assert 1 == torn.verify()
        added = opened(torn, PACKAGES[1], 3)

        assert 3 == added.number
        assert ["open", "recovery", "open"] == [entry.event for entry in torn.entries()]
        assert not torn.torn()
        (aside,) = path.parent.glob("*.torn-*")
        assert content[start:end] == aside.read_bytes()


def test_two_runs_add_in_turn(tmp_path):
    """Threads and processes; no entry is lost."""
    path = tmp_path / "ledger.jsonl"
    Ledger.open(path)
    code = (
        "import sys; from pathlib import Path; from pprl.exchange.ledger import Ledger\n"
        "ledger = Ledger.open(Path(sys.argv[1]))\n"
        "for number in range(1, 21): ledger.append(event='seal', outcome='done', sequence=number)"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(2)]
    shared = Ledger.open(path)

    def add() -> None:
        for number in range(1, 21):
            shared.append(event="open", outcome="done", sequence=number)

    threads = [threading.Thread(target=add) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    statuses = [process.wait() for process in processes]

    assert [0, 0] == statuses
    assert 80 == shared.verify()
    assert is_whole(path.read_bytes())


def test_a_run_that_holds_it_keeps_others_out(ledger, monkeypatch):
    """For a while they wait, and then say so; whoever holds it can go on adding."""
    monkeypatch.setattr(ledgers, "PATIENCE", 0.05)
    other = Ledger.open(ledger.path)

    with ledger.held():
        with pytest.raises(ResourceError, match="another run") as caught:
            opened(other, PACKAGES[0], 9)
        with ledger.held():
            opened(ledger, PACKAGES[1], 9)
        seen = ledger.last_sequence("trust", "encodings", "received", "")
    opened(other, PACKAGES[0], 10)

    assert "resource/ledger-busy" == caught.value.code
    assert 9 == seen
    assert 5 == ledger.verify()


def test_a_file_system_without_locks_will_not_do(ledger, monkeypatch):
    """Two runs could write at once there."""
    monkeypatch.setattr(ledgers, "lock", lambda _stream: False)

    with pytest.raises(ResourceError, match="no locks"):
        opened(ledger, PACKAGES[0], 9)
    assert 3 == ledger.verify()


def test_a_ledger_that_was_replaced_meanwhile_is_not_written_to(ledger, monkeypatch):
    """The entry would be lost."""

    def replace(stream: object) -> bool:
        copy = ledger.path.with_name("copy")
        copy.write_bytes(ledger.path.read_bytes())
        copy.replace(ledger.path)
        return files.lock(stream)

    monkeypatch.setattr(ledgers, "lock", replace)

    with pytest.raises(ResourceError, match="replaced"):
        opened(ledger, PACKAGES[0], 9)


def test_a_missing_ledger_is_begun_only_where_that_was_asked_for(tmp_path):
    """A ledger that was deleted knows of no replay."""
    with pytest.raises(PolicyError, match="there is none") as caught:
        Ledger.open(tmp_path / "ledger.jsonl", create=False)
    made = Ledger.open(tmp_path / "ledger.jsonl")
    made.path.unlink()
    with pytest.raises(PolicyError, match="there is none"):
        made.append(event="seal", outcome="done")

    assert "policy/ledger-missing" == caught.value.code
    assert [] == list(tmp_path.iterdir())


@posix
def test_only_a_file_of_ones_own_is_a_ledger(tmp_path):
    """No link, folder or pipe, and nothing that others can write to."""
    Ledger.open(tmp_path / "real")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "open").write_bytes(b"")
    (tmp_path / "open").chmod(0o666)

    for name in ("link", "folder", "pipe", "open"):
        for create in (False, True):
            with pytest.raises(PolicyError) as caught:
                Ledger.open(tmp_path / name, create=create)
            assert "policy/ledger-place" == caught.value.code


def test_a_missing_folder_is_told(tmp_path):
    """Ledgers do not make folders."""
    with pytest.raises(UsageError, match="folder"):
        Ledger.open(tmp_path / "no" / "ledger.jsonl")


def test_a_ledger_that_cannot_be_written_can_be_read(ledger, monkeypatch):
    """On a disk that is read-only."""
    real = os.open

    def refuse(path, flags, *rest):
        if flags & os.O_RDWR:
            raise PermissionError(13, "no")
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", refuse)

    assert 3 == ledger.verify()
    with pytest.raises(ResourceError, match="permission"):
        opened(ledger, PACKAGES[0], 9)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event", "Seal"),
        ("event", "siân"),
        ("event", "a" * 17),
        ("outcome", "maybe"),
        ("code", "9434765919"),
        ("code", "policy/Ann Lee"),
        ("package", "0a" * 15),
        ("package", "0A" * 16),
        ("package", "0a" * 16 + "\n"),
        ("peer", "Ann Lee"),
        ("peer", "trust\n"),
        ("purpose", "encodings of Ann"),
        ("sequence", 0),
        ("sequence", -1),
        ("sequence", 2**54),
        ("sequence", "1"),
        ("fingerprint", "0" * 63),
        ("note", "x" * 201),
        ("note", 7),
    ],
)
def test_fields_have_strict_forms(ledger, field, value):
    """So nothing about a person gets in by mistake; the error does not repeat it."""
    fields = {"event": "seal", "outcome": "done"} | {field: value}

    with pytest.raises(PolicyError, match=f"ledger: {field}: ") as caught:
        ledger.append(**fields)

    assert "policy/ledger-field" == caught.value.code
    assert str(value).strip() not in caught.value.message or value in {0, -1, 7, "1"}
    assert 3 == ledger.verify()


@pytest.mark.parametrize(
    "note",
    [
        "",
        "   ",
        "two\nlines",
        "tab\there",
        "right\u202eto left",
        "asked by ann.lee@example.org",
        "for 943 476 5919",
        "for 943-476-5919",
        "born 3/2/1950",
        "born 1950-02-03",
        "born 3.2.50",
        "lives at SW1A 1AA",
        "her number AB123456C",
        "\ud800",
    ],
)
def test_a_reason_tells_why_and_not_of_whom(ledger, note):
    """A net, and no proof; the error does not repeat it."""
    with pytest.raises(PolicyError) as caught:
        ledger.append(event="clock", outcome="override", note=note)

    assert caught.value.code in {"policy/ledger-note", "policy/ledger-field"}
    assert note.strip() == "" or note not in f"{caught.value.message}{caught.value.hint}"
    assert 3 == ledger.verify()


@pytest.mark.parametrize(
    "note",
    ["the battery was flat", "as agreed in INC0012345", "l'horloge était fausse", "x" * 200, 'a "b" \\'],
)
def test_a_reason_is_kept(ledger, note):
    """As it was given."""
    ledger.append(event="clock", outcome="override", note=note)

    assert note == ledger.entries()[-1].note


def test_what_was_refused_was_not_received(ledger):
    """A package that was refused may be opened once it is right; one that was opened may not again."""
    opened(ledger, "3d" * 16, 9, outcome="refused", code="authentication/age-mac")
    ledger.append(
        event="seal", outcome="done", package="4e" * 16, peer="trust", purpose="encodings", sequence=7
    )

    assert [True, False, False] == [
        ledger.has_received(package) for package in (PACKAGES[0], "3d" * 16, "4e" * 16)
    ]


@pytest.mark.parametrize(
    ("peer", "purpose", "direction", "expected"),
    [
        ("trust", "encodings", "received", 3),
        ("trust", "encodings", "sent", 7),
        ("trust", "report", "received", 0),
        ("other", "encodings", "received", 0),
    ],
)
def test_numbers_rise_for_each_party_purpose_and_direction(ledger, peer, purpose, direction, expected):
    """The highest, in whatever order; what was refused does not count."""
    sent = {"event": "seal", "outcome": "done", "peer": "trust", "purpose": "encodings"}
    for number in (7, 5):
        ledger.append(sequence=number, **sent)
    opened(ledger, PACKAGES[0], 99, outcome="refused")

    assert expected == ledger.last_sequence(peer, purpose, direction, "")


def test_numbers_begin_anew_under_another_agreement(ledger):
    """A store may serve two projects, and a party's numbers in one say nothing of the other."""
    of_two = [f"{place}{'a' * 63}" for place in range(2)]
    for number, fingerprint in zip((9, 4), of_two, strict=True):
        ledger.append(
            event="seal",
            outcome="done",
            peer="trust",
            purpose="encodings",
            sequence=number,
            fingerprint=fingerprint,
        )

    assert [9, 4] == [ledger.last_sequence("trust", "encodings", "sent", one) for one in of_two]


def test_what_was_checked_is_not_parsed_again_and_still_read_whole(ledger, monkeypatch):
    """An entry more costs one line more, and a change far above is seen all the same."""
    n_checked = []
    checked = entries.checked
    monkeypatch.setattr(entries, "checked", lambda *given: n_checked.append(1) or checked(*given))
    for number in range(5):
        opened(ledger, PACKAGES[0], 20 + number)
    content = ledger.path.read_bytes()
    n_after_five = len(n_checked)
    ledger.path.write_bytes(content.replace(b'"sequence":20', b'"sequence":21', 1))

    with pytest.raises(AuthenticationError) as caught:
        opened(ledger, PACKAGES[0], 30)

    assert n_after_five <= len(content.splitlines())
    assert "authentication/ledger-broken" == caught.value.code


@given(st.lists(st.tuples(st.sampled_from(["add", "change", "cut"]), st.integers(0, 10**6)), max_size=12))
def test_reading_on_gives_what_reading_anew_gives(steps):
    """Whatever was added, changed or cut off since."""

    def read(read_one, *known):
        try:
            return read_one(io.BytesIO(bytes(content)), *known)
        except AuthenticationError as error:
            return error.message

    content, known = bytearray(), entries.EMPTY
    for step, number in steps:
        if step == "add":
            anew = read(entries.read_chain)
            if isinstance(anew, str) or anew.torn:
                continue
            entry = entries.Entry(
                number=len(anew.entries) + 1,
                time="2026-01-31T09:30:00Z",
                event="seal",
                outcome="done",
                previous=anew.head,
            )
            content += entry.to_line() + b"\n"
        elif content and step == "change":
            content[number % len(content)] ^= 1
        else:
            del content[len(content) - number % 300 :]
        found = read(entries.read_on, known)

        assert read(entries.read_chain) == found
        known = known if isinstance(found, str) else found


@pytest.mark.parametrize(("days", "is_refused"), [(-2, True), (-1, False), (0, False), (4000, False)])
def test_a_clock_that_was_set_back_is_noticed(ledger, days, is_refused):
    """More than a day before the last entry."""
    moment = clock.from_text(ledger.entries()[-1].time) + timedelta(days=days)

    try:
        clock.refuse_implausible(moment, ledger)
        refused = False
    except PolicyError as error:
        refused = error.code == "policy/clock-implausible"

    assert is_refused == refused


@pytest.mark.parametrize("year", [1970, 2000, 2025])
def test_a_clock_before_the_release_is_noticed(tmp_path, year):
    """Also with an empty ledger."""
    with pytest.raises(PolicyError, match="implausible"):
        clock.refuse_implausible(datetime(year, 1, 1, tzinfo=UTC), Ledger.open(tmp_path / "ledger.jsonl"))


def test_a_clock_that_was_ahead_can_be_put_right(ledger, monkeypatch):
    """By an override that is in the ledger; before it, the later time holds."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=400))
    opened(ledger, "3d" * 16, 9)
    monkeypatch.setattr(clock, "now", lambda: now)
    with pytest.raises(PolicyError):
        clock.refuse_implausible(now, ledger)
    opened(ledger, "3d" * 16, 10, outcome="refused")
    with pytest.raises(PolicyError):
        clock.refuse_implausible(now, ledger)

    ledger.append(event="clock", outcome="override", note="the clock was a year ahead")

    clock.refuse_implausible(now, ledger)
    with pytest.raises(PolicyError):
        clock.refuse_implausible(now - timedelta(days=2), ledger)


def test_refusals_do_not_tell_the_time(ledger, monkeypatch):
    """A clock that is years ahead makes refusals, and must not lock the party out."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=4000))
    opened(ledger, "3d" * 16, 9, outcome="refused", code="policy/expired")

    clock.refuse_implausible(now, ledger)

    assert ledger.latest() <= now


@pytest.mark.parametrize("text", ["", "2026-01-31", "2026-1-31T09:30:00Z", "2026-02-30T09:30:00Z", "x"])
def test_times_are_written_in_one_way(text):
    """Or not read at all."""
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        clock.from_text(text)


def test_a_ledger_shows_nothing_of_itself(ledger):
    """Its path may tell whose it is."""
    assert "Ledger(...)" == repr(ledger)


def test_errors_are_ours_alone(ledger):
    """Every one has a code."""
    ledger.path.write_bytes(b"\0" * 5000)

    with pytest.raises(PprlError) as caught:
        ledger.head()
    assert caught.value.code
