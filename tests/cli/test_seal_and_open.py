"""Sealing, opening and explaining on the command line."""

import pytest

from pprl.exchange import clock


@pytest.fixture
def parties(meeting, pprl):
    """The command line in the folder of four parties."""
    pprl.folder = meeting.folder
    return pprl


def seal(parties, meeting, *options):
    package = meeting.encodings("trust")
    assert parties("seal", package.name, "--state-opt-outs", today(), "--out", "opt-outs.json") == 0
    return parties(
        *("seal", package.name, "--as", "encodings", "--to", "unit", "--party", "trust"),
        *("--agreement", "agreement.toml", "--out", ".", *options),
    )


def today():

    return clock.now().date().isoformat()


def test_encodings_travel_to_the_linkage_unit(parties, meeting):
    """Sealed by one, opened by the other, with a word for people at each step."""
    assert seal(parties, meeting, "--opt-out-statement", "opt-outs.json") == 0
    name = parties.out.strip()

    assert "the way back to your own ids is in your folder: id-maps/" in parties.err
    opening = ("--party", "unit", "--agreement", "agreement.toml", "--as", "encodings")
    assert parties("open", name, *opening, "--out", "a.pprl") == 0
    assert parties.out == "encodings from trust, number 1, 40 rows\n"
    assert parties("inspect", "a.pprl") == 0


def test_without_a_statement_nothing_is_sealed(parties, meeting):
    """Exit status 4, and what to do."""
    assert seal(parties, meeting) == 4
    assert "opt-out-missing" in parties.err
    assert "--state-opt-outs" in parties.err


def test_a_replay_ends_with_its_code(parties, meeting):
    """The second time it is refused, and the first output stays."""
    seal(parties, meeting, "--opt-out-statement", "opt-outs.json")
    name = parties.out.strip()
    options = ("--party", "unit", "--agreement", "agreement.toml", "--as", "encodings", "--out")
    parties("open", name, *options, "a.pprl")

    assert parties("open", name, *options, "b.pprl") == 4
    assert "[policy/replayed]" in parties.err
    assert (meeting.folder / "a.pprl").exists()
    assert not (meeting.folder / "b.pprl").exists()


def test_what_is_missing_is_said(parties):
    """Who, for whom, under what and as what."""
    assert parties("seal", "a.pprl", "--out", ".") == 2
    assert "--party, --agreement, --as and --to" in parties.err
    assert parties("explain", "a.pprl", "--agreement", "agreement.toml") == 2
    assert parties("open", "a.age", "--party", "unit", "--agreement", "agreement.toml", "--out", "a") == 2
    assert "--as" in parties.err
    assert parties("open", "a.age", "--party", "unit", "--as", "report", "--out", "a") == 2
    assert "--agreement is missing" in parties.err
    for verb in ("seal", "open"):
        assert parties(verb, "a.age", "--party", "unit", "--as", "key-share", "--out", "a") == 2


def test_a_package_is_explained_in_plain_words(parties, meeting):
    """Before sealing: what it holds, what it does not, and what is wrong with it."""
    package = meeting.encodings("trust")

    assert parties("explain", package.name) == 0
    assert "NOT sealed" in parties.out
    assert "40 records" in parties.out
    assert "WARNING: its record ids are not random" in parties.out


def test_a_sealed_file_is_explained_in_plain_words(parties, meeting):
    """From outside almost nothing, and to its recipient what was signed."""
    seal(parties, meeting, "--opt-out-statement", "opt-outs.json")
    name = parties.out.strip()

    assert parties("explain", name) == 0
    outside = " ".join(parties.out.split())
    assert parties("explain", name, "--party", "unit", "--agreement", "agreement.toml") == 0
    inside = " ".join(parties.out.split())

    assert "From outside nothing can be seen but its length" in outside
    assert "trust" not in outside
    assert "Both signatures are of trust" in inside
    assert "It goes from trust to unit, as number 1" in inside
    assert "opt-outs were applied on" in inside


def test_any_other_file_is_not_explained(parties, meeting):
    """A table with names is nothing that should go to anybody."""
    (meeting.folder / "people.csv").write_text("given_name,surname\nann,lee\n")

    assert parties("explain", "people.csv") == 3
    assert "should not go to another party" in parties.err
    assert "ann" not in parties.err


def test_the_own_id_map_needs_no_agreement_and_no_signatures(parties, meeting):
    """Neither an agreement that has expired nor one that others changed keeps its owner from it."""
    seal(parties, meeting, "--opt-out-statement", "opt-outs.json")
    id_map = f"trust/id-maps/{parties.out.strip()}"
    options = ("--party", "trust", "--as", "id-map", "--out")
    (meeting.folder / "expired.toml").write_text("expires = 2020-01-01\n" + meeting.path.read_text())

    assert parties("open", id_map, *options, "one.csv") == 0
    assert parties("open", id_map, "--agreement", "agreement.toml", *options, "two.csv") == 0
    assert parties("open", id_map, "--agreement", "expired.toml", *options, "three.csv") == 0


def test_an_agreement_that_is_not_signed_is_noted(parties, meeting):
    """The refusal is in the ledger of whoever tried, once."""
    (meeting.folder / "agreement.toml.trust.sig").unlink()
    ledger = meeting.stores["unit"].ledger

    agreed = ("--party", "unit", "--agreement", "agreement.toml")
    assert parties("open", "a.age", *agreed, "--as", "report", "--out", "a") == 5
    assert parties("seal", "a.html", *agreed, "--as", "report", "--to", "trust", "--out", ".") == 5

    assert [(one.event, one.code) for one in ledger.entries()] == [
        ("open", "authentication/signature-missing"),
        ("seal", "authentication/signature-missing"),
    ]
