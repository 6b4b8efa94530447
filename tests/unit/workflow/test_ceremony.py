"""A custodian does its next step, repeats it without harm, and names whoever is at fault."""

import os
import shutil
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pprl.agreement import Agreement, preset_text
from pprl.errors import DataError, PolicyError, PprlError
from pprl.exchange.contributions import CLOSING_TYPE, Closing, Drawn, deal
from pprl.exchange.identities import Identity
from pprl.exchange.notices import read_notice, sign_notice
from pprl.exchange.parties import party_toml
from pprl.exchange.sealing import of_bytes, seal
from pprl.exchange.store import Store
from pprl.keys import LinkageKey
from pprl.workflow import seats
from pprl.workflow.ceremony import take_part
from pprl.workflow.exchanging import terms_of
from pprl.workflow.signed import SignedAgreement, require_latest

ROLES = {
    "trust": "custodian",
    "hospital": "custodian",
    "school": "custodian",
    "unit": "linkage-unit",
    "lab": "research",
}
EVERYBODY = {name: Identity.generate(name, role) for name, role in ROLES.items()}
CUSTODIANS = ("hospital", "school", "trust")  # by number: 1, 2, 3
TABLES = "".join(party_toml(one.party) for one in EVERYBODY.values())
TOGETHER = SignedAgreement(Agreement.from_toml((preset_text("febrl") + TABLES).encode()))
SINGLE = SignedAgreement(
    Agreement.from_toml(('dealer = "single"\n' + preset_text("febrl") + TABLES).encode())
)
NOW = datetime.now(UTC).replace(microsecond=0)


class Table:
    """All parties' stores, and a board that all see."""

    def __init__(self, folder, agreement=TOGETHER, **options):
        self.folder = folder
        self.agreement = agreement
        self.options = options
        self.board = folder / "board"
        self.board.mkdir()
        self.stores = {
            name: Store.create(folder / name, one, passphrase=None) for name, one in EVERYBODY.items()
        }

    def run(self, name, now=NOW, **options):
        """One run of one party."""
        given = {"now": now} | self.options | options
        return take_part(self.agreement, self.stores[name], given.pop("board", self.board), **given)

    def all_run(self, *names):
        return {name: self.run(name) for name in names or CUSTODIANS}

    def all_committed(self):
        self.all_run()

    def all_opened(self):
        self.all_run(*CUSTODIANS[:2])
        self.all_run("trust", *CUSTODIANS[:2])

    def state(self, name):
        (found,) = self.stores[name].folder.glob("ceremony-*")
        return found

    def refused(self, name, now=NOW, **options):
        """The code and the message with which a party stops."""
        with pytest.raises(PprlError) as caught:
            self.run(name, now=now, **options)
        return caught.value.code, caught.value.message

    def secrets(self):
        return [LinkageKey.load(self.stores[name].folder / "project.key") for name in CUSTODIANS]


@pytest.fixture
def table(tmp_path):
    return Table(tmp_path)


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "ledger.jsonl"
    }


def altered(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_three_custodians_come_to_one_secret(table):
    """In as many rounds as there are steps, in any order of runs."""
    table.all_run("school", "trust", "hospital")
    table.all_run("trust", "hospital", "school")
    standings = table.all_run("hospital", "school", "trust")
    standings |= table.all_run("hospital", "school")

    assert all(standing.done for standing in standings.values())
    assert 1 == len({standing.tags for standing in standings.values()})
    one, two, three = table.secrets()
    assert one == two == three


def test_a_run_says_what_it_did_and_who_is_waited_for(table):
    """By the number of the custodian in the order of names."""
    first = table.run("trust")
    again = table.run("trust")

    assert ("wrote 3-commit.json",) == first.did
    assert {"hospital": "1-commit.json", "school": "2-commit.json"} == first.missing == again.missing
    assert () == again.did


def test_a_step_done_twice_changes_nothing(table):
    """Neither on the board nor in the store."""
    for _ in range(4):
        for name in CUSTODIANS:
            table.run(name)
            before = contents(table.folder)
            table.run(name)

            assert before == contents(table.folder)


def test_the_contribution_is_kept_until_there_is_a_secret_and_no_longer(table):
    """Nor does anything that was sealed stay once all have closed."""
    table.all_committed()
    assert all((table.state(name) / "contribution").exists() for name in CUSTODIANS)

    for _ in range(3):
        table.all_run()

    assert not any((table.state(name) / "contribution").exists() for name in CUSTODIANS)
    assert not any([*table.state(name).glob("*.age")] for name in CUSTODIANS)


def test_private_files_are_for_their_owner_also_under_an_open_umask(table):
    """What is on the board is public or sealed, and whoever carries it must be able to read it."""
    before = os.umask(0)
    try:
        for _ in range(3):
            table.all_run()
    finally:
        os.umask(before)

    if os.name != "nt":
        files = {path for path in table.folder.rglob("*") if path.is_file()}
        board = set(table.board.iterdir())
        assert {0o644} == {path.stat().st_mode & 0o777 for path in board}
        assert {0o600} == {path.stat().st_mode & 0o777 for path in files - board}


def test_every_step_is_in_the_ledger_once(table):
    """With what was sealed and opened."""
    for _ in range(4):
        table.all_run()

    events = [entry.event for entry in table.stores["trust"].ledger.entries()]

    steps = ("commit", "reveal", "derive", "close", "done")
    assert [1] * 5 == [events.count(f"ceremony-{step}") for step in steps]
    assert (2, 2) == (events.count("seal"), events.count("open"))


@pytest.mark.parametrize("name", ["unit", "lab"])
def test_only_custodians_take_part(table, name):
    """The refusal is in the ledger of who tried."""
    code, _ = table.refused(name)

    assert "policy/ceremony-role" == code
    assert [] == list(table.board.iterdir())
    assert code == table.stores[name].ledger.entries()[-1].code


def test_an_altered_commit_is_named(table):
    """And nothing is opened."""
    table.all_run("hospital", "school")
    altered(table.board / "1-commit.json")

    code, message = table.refused("trust")

    assert code in {"authentication/ceremony-malformed", "authentication/ceremony-signature"}
    assert "hospital" in message
    assert "school" not in message
    assert not list(table.board.glob("*.age"))
    assert "hospital" == table.stores["trust"].ledger.entries()[-1].peer


def test_every_altered_byte_of_a_commit_is_noticed(table):
    """Or changes nothing, as a line feed at the end."""
    table.run("hospital")
    path = table.board / "1-commit.json"
    whole = path.read_bytes()
    for place in range(0, len(whole) - 1, 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])

        assert table.refused("trust")[1].startswith("ceremony: hospital has a commit")


def test_a_commit_of_another_party_in_ones_place_is_named(table):
    """Whoever put it there, hospital's message is not hospital's."""
    table.run("school")
    shutil.copy(table.board / "2-commit.json", table.board / "1-commit.json")

    code, message = table.refused("trust")

    assert "authentication/ceremony-signature" == code
    assert "ceremony: hospital" in message


def second_commit(table, name):
    """Commit once more with the same keys and another store."""
    other = Store.create(table.folder / "second", EVERYBODY[name], passphrase=None)
    board = table.folder / "second-board"
    board.mkdir()
    take_part(table.agreement, other, board, now=NOW)
    return next(board.iterdir())


def test_two_commits_on_the_board_are_named(table):
    """Under whatever name the second came."""
    table.all_run("hospital", "school")
    shutil.copy(second_commit(table, "school"), table.board / "2-commit (1).json")

    code, message = table.refused("trust")

    assert "policy/ceremony-two-commits" == code
    assert "ceremony: school" in message
    assert "hospital" not in message


def test_a_commit_that_was_exchanged_later_is_named(table):
    """The first one is kept."""
    table.all_run("school", "trust")
    shutil.copy(second_commit(table, "school"), table.board / "2-commit.json")

    assert "policy/ceremony-two-commits" == table.refused("trust")[0]


def test_who_is_shown_other_commits_comes_to_be_known(table):
    """Two boards, and a commit of school that differs between them: nobody has a secret."""
    other = table.folder / "other"
    other.mkdir()
    table.all_run("school", "trust")
    shutil.copy(second_commit(table, "school"), other / "2-commit.json")
    shutil.copy(table.board / "3-commit.json", other)
    table.run("hospital", board=other)
    for name in ("1-commit.json", "1-for-3.age"):
        shutil.copy(other / name, table.board)

    code, message = table.refused("trust")

    assert "authentication/ceremony-transcript" == code
    assert "hospital has opened under another commit of school" in message
    assert not (table.stores["trust"].folder / "project.key").exists()


def exchange_contribution(table, name):
    """Put another contribution in the place of the one that was committed to."""
    place = table.state(name) / "contribution"
    place.write_text(f"pprl-contribution 1\n{Drawn.draw().to_bytes().hex()}\n", encoding="ascii")


def test_an_opening_that_does_not_fit_its_commit_is_named(table, monkeypatch):
    """By all others."""
    table.all_committed()
    exchange_contribution(table, "school")
    with monkeypatch.context() as patch:  # who cheats does not check itself
        patch.setattr("pprl.exchange.ceremony.faults_in_openings", lambda *_: ())
        table.run("school")

    for name in ("hospital", "trust"):
        code, message = table.refused(name)
        assert "authentication/ceremony-opening" == code
        assert "ceremony: school has opened" in message
        assert not (table.stores[name].folder / "project.key").exists()


def test_who_cannot_open_its_own_commit_shows_nothing(table):
    """A folder that was damaged or mixed up is noticed before anything is sealed."""
    table.all_committed()
    exchange_contribution(table, "school")

    code, message = table.refused("school")

    assert "authentication/ceremony-opening" == code
    assert "ceremony: school" in message
    assert not list(table.board.glob("2-for-*.age"))


def test_equal_contributions_are_named(table, monkeypatch):
    """A generator that gives two parties the same is as bad as a copy."""
    same = Drawn.draw()
    table.run("trust")
    monkeypatch.setattr(Drawn, "draw", lambda: same)
    table.all_run("hospital", "school")

    code, message = table.refused("hospital")

    assert "policy/ceremony-equal" == code
    assert "hospital has the same contribution as school" in message


def test_an_altered_share_is_named(table):
    """It is not taken for one that is missing."""
    table.all_committed()
    table.all_run("hospital", "school")
    altered(table.board / "2-for-3.age")

    code, message = table.refused("trust")

    assert "authentication/ceremony-share" == code
    assert "ceremony: school" in message


def test_a_share_for_somebody_else_is_named(table):
    """It cannot be opened, and is not taken."""
    table.all_committed()
    table.all_run("hospital", "school")
    shutil.copy(table.board / "2-for-1.age", table.board / "2-for-3.age")

    assert "authentication/ceremony-share" == table.refused("trust")[0]


def forged(table, sender, recipient, content, target):
    """Seal any content as a share of a custodian."""
    sealed = seal(
        of_bytes(content, "key-share", "binary"),
        table.folder,
        store=table.stores[sender],
        terms=terms_of(table.agreement.agreement),
        recipient=EVERYBODY[recipient].party,
        now=NOW,
    )
    sealed.path.replace(table.board / target)


def test_a_share_that_was_passed_on_under_another_name_is_named(table):
    """What school sealed is not hospital's."""
    table.all_committed()
    table.all_run("school")
    shutil.copy(table.board / "2-for-3.age", table.board / "1-for-3.age")

    code, message = table.refused("trust")

    assert "authentication/ceremony-share" == code
    assert "ceremony: hospital" in message
    assert "wrong-sender" in message


def test_two_different_shares_are_named(table):
    """Whichever of them fits."""
    table.all_committed()
    table.all_run("hospital", "school")
    forged(table, "school", "trust", b"something else", "2-for-3 (1).age")

    code, message = table.refused("trust")

    assert "authentication/ceremony-share" == code
    assert "school has sealed two different shares [ceremony-two-openings]" in message


def test_the_same_share_sealed_twice_is_harmless(table):
    """As after a store was brought back from a copy."""
    table.all_committed()
    table.all_run("hospital", "school")
    (table.state("hospital") / "1-for-3.age").unlink()
    (table.board / "1-for-3.age").rename(table.board / "1-for-3 (1).age")
    board = table.folder / "elsewhere"
    shutil.copytree(table.board, board)
    (board / "1-for-3 (1).age").unlink()
    table.run("hospital", board=board)
    shutil.copy(board / "1-for-3.age", table.board / "1-for-3.age")

    assert "3-closing.json" in " ".join(table.run("trust").did)


def test_who_is_late_is_named_and_waited_for_no_longer(table):
    """Thirty days after this party's last step; all at once."""
    table.all_run("trust")

    standing = table.run("trust", now=datetime.now(UTC) + timedelta(days=29))
    code, message = table.refused("trust", now=datetime.now(UTC) + timedelta(days=31))

    assert {"hospital", "school"} == set(standing.missing)
    assert "policy/ceremony-late" == code
    assert "hospital was waited for longer than 30 days, and has not written 1-commit.json" in message
    assert "school was waited for" in message


def test_a_share_that_expired_is_late(table):
    """A secret is not made of what lay about for months."""
    table.all_committed()
    table.all_run("hospital", "school")

    code, message = table.refused("trust", now=NOW + timedelta(days=40))

    assert "policy/ceremony-late" == code
    assert "hospital has a share that was not taken in time" in message


def test_ones_own_message_is_never_replaced_by_another(table):
    """Something else is in its place on the board: it is said, and left as it is."""
    table.run("trust")
    altered(table.board / "3-commit.json")
    there = (table.board / "3-commit.json").read_bytes()

    assert "ceremony: trust" in table.refused("trust")[1]
    assert there == (table.board / "3-commit.json").read_bytes()


def test_ones_own_share_is_never_replaced_by_another(table):
    """As above."""
    table.all_opened()
    altered(table.board / "3-for-1.age")
    there = (table.board / "3-for-1.age").read_bytes()

    assert "trust has another 3-for-1.age on the board" in table.refused("trust")[1]
    assert there == (table.board / "3-for-1.age").read_bytes()


def test_what_the_board_lost_is_put_there_again_as_it_was(table):
    """Byte for byte."""
    table.all_opened()
    before = contents(table.board)
    for path in list(table.board.iterdir()):
        path.unlink()

    table.all_run()

    assert before == {name: content for name, content in contents(table.board).items() if name in before}


def test_a_secret_that_is_there_already_is_not_replaced(table):
    """It may be that of an earlier epoch."""
    key = LinkageKey.generate()
    table.stores["trust"].ledger.append(event="party", outcome="done")
    key.save(table.stores["trust"].folder / "project.key")

    assert "policy/key-exists" == table.refused("trust")[0]
    assert key == LinkageKey.load(table.stores["trust"].folder / "project.key")
    assert [] == list(table.board.iterdir())


def test_a_contribution_that_was_lost_is_not_drawn_again(table):
    """Another one would not fit the commit."""
    table.all_committed()
    (table.state("trust") / "contribution").unlink()

    with pytest.raises(DataError) as caught:
        table.run("trust")
    assert "data/contribution-lost" == caught.value.code


@pytest.mark.parametrize("place", [".", "trust", "trust/board"])
def test_the_board_is_not_the_store(table, place):
    """Others would read the store with the board."""
    (table.folder / "trust" / "board").mkdir()

    assert "policy/board-is-store" == table.refused("trust", board=table.folder / place)[0]


def test_a_message_with_a_number_that_nobody_has_is_refused(table):
    """The linkage unit is no custodian, and a board serves one ceremony."""
    (table.board / "4-commit.json").write_bytes(b"{}")

    assert "policy/ceremony-stranger" == table.refused("trust")[0]


def test_other_files_on_the_board_are_left_alone(table):
    """A folder that is carried about collects things."""
    (table.board / "Thumbs.db").write_bytes(b"\0")
    (table.board / "1-commit.json.sig").mkdir()

    assert ("wrote 3-commit.json",) == table.run("trust").did


@pytest.mark.parametrize("what", ["folder", "long", "empty"])
def test_something_else_in_the_place_of_a_message_is_named(table, what):
    """Without reading much of it."""
    place = table.board / "1-commit.json"
    {
        "folder": place.mkdir,
        "long": lambda: place.write_bytes(b"x" * 100_000),
        "empty": place.touch,
    }[what]()

    code, message = table.refused("trust")

    assert "authentication/ceremony-malformed" == code
    assert "hospital" in message


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ("key_tag", "policy/ceremony-key-tag"),
        ("encoder_tag", "policy/ceremony-encoder-tag"),
        ("transcript", "authentication/ceremony-transcript"),
    ],
)
def test_a_closing_that_differs_is_named(table, changed, code):
    """Each difference has its own code."""
    table.all_opened()
    path = table.board / "2-closing.json"
    said = read_notice(path.read_bytes(), EVERYBODY["school"].party, CLOSING_TYPE, Closing, what="closing")
    values = {name: getattr(said, name) for name in said.__struct_fields__}
    values[changed] = "0" * len(values[changed])
    path.write_bytes(sign_notice(EVERYBODY["school"], CLOSING_TYPE, Closing(**values)))

    found, message = table.refused("trust")

    assert code == found
    assert "ceremony: school" in message


def test_a_run_that_ends_between_key_and_closing_is_finished_by_the_next(table, monkeypatch):
    """The same secret comes out."""
    table.all_opened()
    with monkeypatch.context() as patch:
        patch.setattr("pprl.workflow.ceremony.say", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            table.run("trust")
    first = LinkageKey(bytes.fromhex((table.state("trust") / "unclosed").read_text().split()[-1]))

    table.all_run()
    table.all_run()

    assert [first] * 3 == table.secrets()


def test_there_is_no_linkage_key_before_all_have_closed(table):
    """What is kept until then is in a file that no verb takes for one."""
    table.all_opened()
    table.run("trust")
    kept = table.state("trust") / "unclosed"

    with pytest.raises(DataError) as caught:
        LinkageKey.load(kept)
    assert "data/key-file" == caught.value.code
    assert not (table.stores["trust"].folder / "project.key").exists()

    table.all_run()
    standing = table.run("trust")

    assert standing.done
    assert not kept.exists()
    assert LinkageKey.load(table.stores["trust"].folder / "project.key")


def test_a_ceremony_that_failed_at_the_end_leaves_no_linkage_key(table):
    """Other tags mean another secret or other software: nothing may be encoded."""
    table.all_opened()
    table.run("school")
    place = table.board / "2-closing.json"
    closing = read_notice(
        place.read_bytes(), EVERYBODY["school"].party, CLOSING_TYPE, Closing, what="closing"
    )
    other = msgspec.structs.replace(closing, key_tag="0" * 32)
    place.write_bytes(sign_notice(EVERYBODY["school"], CLOSING_TYPE, other))

    assert "policy/ceremony-key-tag" == table.refused("trust")[0]
    assert [] == list(table.stores["trust"].folder.glob("*.key"))


def test_a_secret_that_is_gone_before_all_have_closed_is_said(table):
    """It is not said to be done."""
    table.all_opened()
    table.run("trust")
    (table.state("trust") / "unclosed").unlink()
    table.all_run("hospital", "school")

    assert "data/contribution-lost" == table.refused("trust")[0]


def test_under_an_older_agreement_no_secret_is_made(table):
    """It may list a custodian that was removed since."""
    newer = SignedAgreement(msgspec.structs.replace(TOGETHER.agreement, version=2))
    require_latest(newer.agreement, table.stores["trust"])

    assert "policy/older-agreement" == table.refused("trust")[0]


def test_a_dealer_that_deals_no_random_secret_is_named(tmp_path, monkeypatch):
    """As every other key of that kind is refused."""
    monkeypatch.setattr("pprl.workflow.ceremony.deal", lambda _: deal(bytes(32)))
    table = Table(tmp_path, SINGLE, single_dealer=True)
    table.run("trust")

    code, message = table.refused("hospital")

    assert "policy/ceremony-weak" == code
    assert "trust" in message


def test_more_copies_of_a_message_than_mail_makes_are_not_read(table):
    """Each costs a decryption; who is flooded is named."""
    table.all_committed()
    for number in range(9):
        (table.board / f"1-commit ({number}).json").write_bytes(b"{}")

    code, message = table.refused("trust")

    assert "authentication/ceremony-malformed" == code
    assert "hospital" in message


def test_a_dealer_gives_all_the_same_secret(tmp_path):
    """The first custodian of the agreement; every ledger says so."""
    table = Table(tmp_path, SINGLE, single_dealer=True)

    table.all_run()
    standings = table.all_run()
    standings = table.all_run()

    assert all(standing.done for standing in standings.values())
    one, two, three = table.secrets()
    assert one == two == three
    for name in CUSTODIANS:
        events = [entry.event for entry in table.stores[name].ledger.entries()]
        assert 1 == events.count("ceremony-single-dealer")


def test_a_dealer_who_gives_different_secrets_is_found_out(tmp_path):
    """The check tags differ."""
    table = Table(tmp_path, SINGLE, single_dealer=True)
    table.run("trust")
    forged(table, "trust", "school", b"pprl-dealt 1\n" + os.urandom(32), "3-for-2.age")
    table.all_run("hospital")

    code, message = table.refused("school")

    assert "policy/ceremony-key-tag" == code
    assert "hospital" in message


@pytest.mark.parametrize(
    ("agreement", "single", "code"),
    [(TOGETHER, True, "dealer-not-agreed"), (SINGLE, False, "dealer-not-confirmed")],
)
def test_a_dealer_is_agreed_on_and_said(tmp_path, agreement, single, code):
    """Both, or it is refused before anything is drawn."""
    table = Table(tmp_path, agreement)

    assert f"policy/{code}" == table.refused("trust", single_dealer=single)[0]
    assert [] == list(table.board.iterdir())


def test_no_randomness_is_no_contribution(table, monkeypatch):
    """There is no other source."""
    drawn = os.urandom

    def nothing(n_bytes):
        if n_bytes >= 32:
            raise OSError
        return drawn(n_bytes)  # for names

    monkeypatch.setattr(os, "urandom", nothing)

    assert "resource/no-randomness" == table.refused("trust")[0]


def test_keys_that_the_agreement_does_not_list_are_refused(table):
    """Somebody else's folder under the right name."""
    store = Store.create(table.folder / "other", Identity.generate("trust", "custodian"), passphrase=None)

    with pytest.raises(PolicyError) as caught:
        take_part(TOGETHER, store, table.board, now=NOW)
    assert "policy/other-keys" == caught.value.code


def test_a_damaged_contribution_is_said_without_its_content(table):
    """Half of it is a secret too."""
    table.run("trust")
    place = table.state("trust") / seats.CONTRIBUTION
    digits = place.read_text().split("\n")[1]
    place.write_text(f"pprl-contribution 1\n{digits[:-2]}\n")
    table.all_run("hospital", "school")

    code, message = table.refused("trust")

    assert "data/contribution-file" == code
    assert digits[:8] not in message
