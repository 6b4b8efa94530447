"""Custodians make one secret; whoever cheats is named, and nobody else is."""

import copy
import hashlib
import hmac
import pickle  # noqa: S403, TID251 - to see it refused

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import PolicyError, PprlError
from pprl.exchange.ceremony import (
    Fault,
    closing,
    commit,
    derive,
    faults_in_closings,
    faults_in_commits,
    faults_in_openings,
    opening,
    refusal,
    transcript,
)
from pprl.exchange.contributions import Circle, Drawn, Opening, deal, dealt
from pprl.keys import LinkageKey
from pprl.model import CheckTags

NAMES = ("gp", "hospital", "school", "trust")
WHEN = "2027-01-31T09:30:00Z"
FINGERPRINT, EPOCH = "0a" * 32, 3
TAGS = CheckTags(key="1b" * 16, encoder="2c" * 16)


def circle_of(n_custodians=4):
    return Circle(FINGERPRINT, EPOCH, NAMES[:n_custodians])


def honest(circle):
    """What everybody draws, and commits to."""
    hidden = {name: Drawn.draw() for name in circle.custodians}
    return hidden, {name: commit(circle, name, one, created=WHEN) for name, one in hidden.items()}


def named(faults):
    return {(one.party, one.code) for one in faults}


def slow_secret(commits, hidden):
    """The secret by the formulas of RFC 5869, written out."""

    def prefixed(*parts):
        return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)

    said = prefixed("pprl ceremony transcript", FINGERPRINT, str(EPOCH))
    for name in sorted(commits):
        said += prefixed(name) + hashlib.sha256(msgspec.json.encode(commits[name], order="sorted")).digest()
    material = b"".join(hidden[name].contribution for name in sorted(hidden))
    extracted = hmac.digest(hashlib.sha256(said).digest(), material, "sha256")
    return hmac.digest(
        extracted, prefixed("pprl linkage secret", FINGERPRINT, str(EPOCH)) + b"\x01", "sha256"
    )


@given(st.integers(2, 4))
def test_honest_custodians_are_not_named_and_have_one_secret(n_custodians):
    """Whatever they draw; and it is the secret that the formulas give."""
    circle = circle_of(n_custodians)
    hidden, commits = honest(circle)
    openings = {name: opening(circle, commits, one) for name, one in hidden.items()}

    secret = derive(circle, commits, hidden)

    assert LinkageKey(slow_secret(commits, hidden)) == secret
    assert secret == derive(circle, dict(reversed(commits.items())), dict(reversed(hidden.items())))
    assert () == faults_in_commits(circle, {name: [one] for name, one in commits.items()})
    assert () == faults_in_openings(circle, commits, openings)


def test_each_contribution_counts():
    """Another one of anybody makes another secret."""
    circle = circle_of()
    hidden, commits = honest(circle)
    secrets = [derive(circle, commits, hidden)]

    for name in circle.custodians:
        others = hidden | {name: Drawn.draw()}
        again = {one: commit(circle, one, drawn, created=WHEN) for one, drawn in others.items()}
        secrets.append(derive(circle, again, others))

    assert all(one != other for place, one in enumerate(secrets) for other in secrets[:place])


def test_a_commit_is_bound_to_all_that_it_is_for():
    """To the party, the agreement, the epoch, the nonce and the contribution."""
    drawn = Drawn(b"c" * 32, b"n" * 32)
    other_circles = [Circle("0b" * 32, EPOCH, NAMES), Circle(FINGERPRINT, EPOCH + 1, NAMES)]

    commitments = [
        commit(circle_of(), "gp", drawn, created=WHEN).commitment,
        commit(circle_of(), "trust", drawn, created=WHEN).commitment,
        *(commit(circle, "gp", drawn, created=WHEN).commitment for circle in other_circles),
        commit(circle_of(), "gp", Drawn(b"c" * 32, b"m" * 32), created=WHEN).commitment,
        commit(circle_of(), "gp", Drawn(b"d" * 32, b"n" * 32), created=WHEN).commitment,
    ]

    assert 6 == len(set(commitments))


def test_a_commit_is_the_hash_that_the_documentation_says():
    """Of label, fingerprint, epoch and party, each after its length, then nonce and contribution."""
    drawn = Drawn(b"c" * 32, b"n" * 32)
    parts = ["pprl ceremony commit", FINGERPRINT, str(EPOCH), "gp"]
    content = b"".join(len(part).to_bytes(4, "big") + part.encode() for part in parts)

    expected = hashlib.sha256(content + b"n" * 32 + b"c" * 32).hexdigest()

    assert expected == commit(circle_of(), "gp", drawn, created=WHEN).commitment


COMMIT_CHEATS = ("none", "absent", "ceremony-two-commits", "ceremony-other-agreement", "ceremony-sender")


@given(
    st.lists(st.sampled_from(COMMIT_CHEATS), min_size=4, max_size=4), st.none() | st.integers(0, 3), st.data()
)
def test_any_subset_of_cheats_in_commits_is_named(cheats, copier, data):
    """With the code of what each did, and nobody else."""
    circle = circle_of()
    _, commits = honest(circle)
    sent = {name: [one] for name, one in commits.items()}
    expected = set()
    for name, cheat in zip(circle.custodians, cheats, strict=True):
        expected |= {(name, cheat)} if cheat.startswith("ceremony") else set()
        if cheat == "absent":
            del sent[name]
        elif cheat == "ceremony-two-commits":
            sent[name].append(commit(circle, name, Drawn.draw(), created=WHEN))
        elif cheat == "ceremony-other-agreement":
            sent[name] = [msgspec.structs.replace(commits[name], epoch=EPOCH + 1)]
        elif cheat == "ceremony-sender":
            sent[name] = [msgspec.structs.replace(commits[name], party="unit")]
    if copier is not None and NAMES[copier] in sent:
        victim = data.draw(st.sampled_from([name for name in NAMES if name != NAMES[copier]]))
        if victim in sent:
            copied = sent[victim][0].commitment
            sent[NAMES[copier]] = [
                msgspec.structs.replace(one, commitment=copied) for one in sent[NAMES[copier]][:1]
            ]
            expected -= {(NAMES[copier], "ceremony-two-commits")}
            expected |= {(NAMES[copier], "ceremony-copied-commit"), (victim, "ceremony-copied-commit")}

    assert expected == named(faults_in_commits(circle, sent))


OPENING_CHEATS = ("none", "absent", "ceremony-opening", "ceremony-weak", "ceremony-transcript")


@given(st.lists(st.sampled_from(OPENING_CHEATS), min_size=4, max_size=4), st.booleans())
def test_any_subset_of_cheats_in_openings_is_named(cheats, equal):
    """Two with equal contributions are both named: either may have copied."""
    circle = circle_of()
    hidden, _ = honest(circle)
    hidden |= {
        name: Drawn(bytes([place]) * 32, b"n" * 32)
        for place, (name, cheat) in enumerate(zip(NAMES, cheats, strict=True))
        if cheat == "ceremony-weak"
    }
    if equal:
        hidden["trust"] = Drawn(hidden["gp"].contribution, b"m" * 32)
    commits = {name: commit(circle, name, one, created=WHEN) for name, one in hidden.items()}
    openings = {name: opening(circle, commits, one) for name, one in hidden.items()}
    for name, cheat in zip(NAMES, cheats, strict=True):
        if cheat == "absent":
            del openings[name]
        elif cheat == "ceremony-opening":
            openings[name] = opening(circle, commits, Drawn.draw())
        elif cheat == "ceremony-transcript":
            openings[name] = Opening(hidden[name], (b"x" * 32, *openings[name].seen[1:]))
    expected = {pair for pair in zip(NAMES, cheats, strict=True) if pair[1].startswith("ceremony")}
    if equal and not {"absent", "ceremony-opening"} & {cheats[0], cheats[3]}:
        expected |= {("gp", "ceremony-equal"), ("trust", "ceremony-equal")}
        expected -= {("trust", "ceremony-weak")}
        if cheats[0] == "ceremony-weak":
            expected |= {("trust", "ceremony-weak")}
    elif equal:
        expected = {one for one in expected if one != ("trust", "ceremony-weak")}
        if cheats[0] == "ceremony-weak" and cheats[3] not in {"absent", "ceremony-opening"}:
            expected |= {("trust", "ceremony-weak")}

    assert expected == named(faults_in_openings(circle, commits, openings))


CLOSING_CHEATS = {
    "ceremony-key-tag": {"key_tag": "3d" * 16},
    "ceremony-encoder-tag": {"encoder_tag": "3d" * 16},
    "ceremony-transcript": {"transcript": "3d" * 32},
    "ceremony-other-agreement": {"fingerprint": "3d" * 32},
    "ceremony-sender": {"party": "unit"},
}


@given(st.lists(st.sampled_from(["none", "absent", "twice", *CLOSING_CHEATS]), min_size=3, max_size=3))
def test_any_subset_of_cheats_in_closings_is_named(cheats):
    """Held against what we have come to ourselves."""
    circle = circle_of()
    _, commits = honest(circle)
    own, *others = (closing(circle, name, commits, TAGS) for name in NAMES)
    sent, expected = {own.party: [own]}, set()
    for one, cheat in zip(others, cheats, strict=True):
        changed = msgspec.structs.replace(one, **CLOSING_CHEATS.get(cheat, {}))
        sent |= {} if cheat == "absent" else {one.party: [changed]}
        expected |= {(one.party, cheat)} if cheat in CLOSING_CHEATS else set()
        if cheat == "twice":
            sent[one.party] = [one, msgspec.structs.replace(one, key_tag="4e" * 16)]
            expected |= {(one.party, "ceremony-two-closings"), (one.party, "ceremony-key-tag")}

    assert expected == named(faults_in_closings(circle, own, sent))


def test_a_secret_is_not_derived_from_what_was_not_committed_to():
    """Whoever calls it."""
    circle = circle_of()
    hidden, commits = honest(circle)

    with pytest.raises(PprlError, match="school has opened something else") as caught:
        derive(circle, commits, hidden | {"school": Drawn.draw()})
    assert "authentication/ceremony-opening" == caught.value.code


def test_all_who_have_faults_are_named_in_one_error():
    """Its code is that of the gravest."""
    faults = [Fault("trust", "ceremony-late", "is late"), Fault("gp", "ceremony-two-commits", "has two")]

    error = refusal(faults * 2)

    assert "policy/ceremony-two-commits" == error.code
    assert "ceremony: gp has two [ceremony-two-commits]; trust is late [ceremony-late]" == error.message


def test_an_opening_is_read_as_it_was_written_and_in_no_other_form():
    """Nothing is left out or added."""
    circle = circle_of()
    hidden, commits = honest(circle)
    written = opening(circle, commits, hidden["gp"]).to_bytes()

    read = Opening.from_bytes(circle, written)

    assert written == read.to_bytes()
    assert all(Opening.from_bytes(circle, written[:n]) is None for n in range(len(written)))
    assert Opening.from_bytes(circle, written + b"x") is None
    assert Opening.from_bytes(circle, b"x" + written[1:]) is None


def test_what_is_dealt_is_read_as_it_was_written_and_in_no_other_form():
    """An opening is not taken for it, nor it for an opening."""
    written = deal(b"k" * 32)

    assert b"k" * 32 == dealt(written)
    assert all(dealt(written[:n]) is None for n in range(len(written)))
    assert dealt(written + b"x") is None
    assert Opening.from_bytes(circle_of(), written) is None


def test_what_is_drawn_is_not_printed_pickled_or_copied():
    """It would get into logs and core dumps of other programs."""
    drawn = Drawn(b"c" * 32, b"n" * 32)
    shown = Opening(drawn, ())

    assert "ccc" not in repr(drawn) + repr(shown) + str(shown)
    for away in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(PolicyError):
            away(drawn)


def test_a_ceremony_of_one_is_none():
    """A single custodian has nobody to commit to."""
    with pytest.raises(PolicyError) as caught:
        Circle(FINGERPRINT, EPOCH, ("gp", "gp"))
    assert "policy/ceremony-alone" == caught.value.code


def test_the_transcript_changes_with_every_commit():
    """And is that of no commits where one custodian deals."""
    circle = circle_of(2)
    _, commits = honest(circle)
    other = commits | {"gp": commit(circle, "gp", Drawn.draw(), created=WHEN)}

    assert 3 == len({transcript(circle, one) for one in (commits, other, {})})
