"""A share is opened in memory by whom it is for, and says so of everything else."""

from datetime import timedelta

import msgspec
import pytest

from pprl.errors import PprlError
from pprl.exchange import clock
from pprl.exchange.envelope import Terms
from pprl.exchange.identities import Identity
from pprl.exchange.sealing import of_bytes, seal
from pprl.exchange.shares import open_share
from pprl.exchange.store import Store

TERMS = Terms("study", "0a" * 32, epoch=1, version=1, opt_outs=True)
ROLES = {"trust": "custodian", "hospital": "custodian", "school": "custodian", "unit": "linkage-unit"}
EVERYBODY = {name: Identity.generate(name, role) for name, role in ROLES.items()}
PARTIES = {name: one.party for name, one in EVERYBODY.items()}
NOW = clock.now()
SECRET = b"a share that nobody else may read"


@pytest.fixture
def sealed(tmp_path):
    """What trust has sealed to hospital, and the bytes of it."""

    def make(sender="trust", recipient="hospital", purpose="key-share", terms=TERMS):
        store = Store.create(tmp_path / sender, EVERYBODY[sender], passphrase=None)
        content = of_bytes(
            SECRET,
            purpose,
            "binary" if purpose == "key-share" else "json",
        )
        made = seal(content, tmp_path, store=store, terms=terms, recipient=PARTIES[recipient], now=NOW)
        return made.path.read_bytes()

    return make


def code_of(content, recipient="hospital", sender="trust", terms=TERMS, now=NOW, parties=PARTIES):
    with pytest.raises(PprlError) as caught:
        open_share(content, terms, EVERYBODY[recipient], sender, parties.__getitem__, now)
    return caught.value.code.partition("/")[2]


def test_it_is_opened_as_it_was_sealed(sealed):
    """With what it is bound to, and as often as it is wanted."""
    content = sealed()

    for _ in range(2):
        manifest, share = open_share(content, TERMS, EVERYBODY["hospital"], "trust", PARTIES.__getitem__, NOW)
        assert ("trust", "hospital", SECRET) == (manifest.sender, manifest.recipient, share)
    assert SECRET not in content


def test_nobody_else_can_open_it(sealed):
    """Nor the linkage unit that carries it."""
    content = sealed()

    assert {"age-no-identity"} == {code_of(content, recipient=name) for name in ("school", "unit", "trust")}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"project": "other"}, "wrong-project"),
        ({"epoch": 2}, "wrong-epoch"),
        ({"version": 2}, "wrong-version"),
        ({"fingerprint": "0b" * 32}, "wrong-agreement"),
    ],
)
def test_it_is_for_one_agreement(sealed, changes, code):
    """Each difference has a code."""
    terms = {name: getattr(TERMS, name) for name in TERMS.__slots__} | changes

    assert code == code_of(sealed(), terms=Terms(**terms))


def test_it_is_from_one_sender(sealed):
    """Under keys from the agreement."""
    content = sealed()

    assert "wrong-sender" == code_of(content, sender="school")
    swapped = PARTIES | {"trust": PARTIES["school"]}
    assert "signature-ed25519" == code_of(content, parties=swapped)


def test_it_is_of_one_purpose(sealed):
    """A deletion record is no share."""
    assert "wrong-purpose" == code_of(sealed(purpose="deletion-record"))


def test_it_has_its_time(sealed):
    """Thirty days, and not before it was made."""
    content = sealed()

    assert "expired" == code_of(content, now=NOW + timedelta(days=31))
    assert "from-the-future" == code_of(content, now=NOW - timedelta(hours=2))


def test_cut_off_or_altered_anywhere_it_is_refused(sealed):
    """With an error of ours."""
    content = sealed()

    for place in range(0, len(content), 157):
        assert code_of(content[:place])
        assert code_of(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    assert code_of(content + b"x")
    assert msgspec.json.encode(code_of(b""))
