"""The ceremony survives any fault of the disk: no step is half done, and the next run finishes it."""

import shutil

import pytest

from pprl.agreement import Agreement, preset_text
from pprl.exchange.identities import Identity
from pprl.exchange.parties import party_toml
from pprl.exchange.store import Store
from pprl.keys import LinkageKey
from pprl.model import CheckTags
from pprl.workflow.ceremony import take_part
from pprl.workflow.signed import SignedAgreement

ROLES = {"trust": "custodian", "hospital": "custodian", "unit": "linkage-unit"}
EVERYBODY = {name: Identity.generate(name, role) for name, role in ROLES.items()}
TABLES = "".join(party_toml(one.party) for one in EVERYBODY.values())
AGREEMENT = SignedAgreement(Agreement.from_toml((preset_text("febrl") + TABLES).encode()))


def run(folder, name):
    return take_part(AGREEMENT, Store.open(folder / name), folder / "board")


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """What lies in the folders before each step of trust."""
    folder = tmp_path_factory.mktemp("stages")
    now = folder / "now"
    for name in ("trust", "hospital"):
        Store.create(now / name, EVERYBODY[name], passphrase=None).ledger  # noqa: B018 - it is made
    (now / "board").mkdir()
    for stage in ("commit", "open", "close"):
        shutil.copytree(now, folder / stage)
        run(now, "trust")
        run(now, "hospital")
    return folder


@pytest.fixture
def cheap_tags(monkeypatch):
    """Encode no canaries: they touch no disk."""
    tags = CheckTags(key="a" * 32, encoder="b" * 32)
    monkeypatch.setattr("pprl.workflow.ceremony.check_tags", lambda *_: tags)


@pytest.mark.parametrize("stage", ["commit", "open", "close"])
def test_a_step_is_done_or_can_be_done_again(faults, scenario, stages, stage, cheap_tags):
    """Whatever call failed, and wherever the run was killed."""
    said = {"commit": "2-commit.json", "open": "2-for-1.age", "close": "2-closing.json"}[stage]
    before = {path.name: path.read_bytes() for path in (stages / stage / "board").iterdir()}

    def prepare(folder):
        shutil.copytree(stages / stage, folder, dirs_exist_ok=True)

    def is_sound(folder):
        """What was on the board is as it was, and what is new there is whole and kept."""
        kept = {path.name: path.read_bytes() for path in folder.glob("trust/ceremony-*/*") if path.is_file()}
        there = {
            path.name: path.read_bytes() for path in (folder / "board").iterdir() if path.suffix != ".partial"
        }
        is_same = before.items() <= there.items()
        return is_same and all(kept.get(name) == there[name] for name in there.keys() - before.keys())

    def is_new(folder):
        key = folder / "trust" / "project.key"
        is_whole = not key.exists() or isinstance(LinkageKey.load(key), LinkageKey)
        return is_whole and is_sound(folder) and (folder / "board" / said).exists()

    def again(folder):
        """Run, and forget the torn lines that a ledger moves aside, as it should."""
        run(folder, "trust")
        for path in (folder / "trust").glob("ledger.jsonl.torn-*"):
            path.unlink()

    n_calls = faults.survive(scenario(prepare, lambda folder: run(folder, "trust"), is_sound, is_new, again))

    assert n_calls >= 20
