"""People and keys that the tests share."""

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from pprl.agreement import Agreement, preset_text
from pprl.cli.main import run
from pprl.exchange import clock
from pprl.exchange.identities import Identity
from pprl.exchange.opening import Opened
from pprl.exchange.optouts import state_opt_outs
from pprl.exchange.package import Package
from pprl.exchange.parties import party_toml
from pprl.exchange.store import Store
from pprl.keys import LinkageKey
from pprl.model import BitMatrix, CheckTags, Provenance
from pprl.workflow.exchanging import Sent, open_package, seal_package, terms_of
from pprl.workflow.signed import SignedAgreement, sign_agreement

# A first example may wait for a compiler, and no test asserts a time.
settings.register_profile("pprl", deadline=None)
settings.load_profile("pprl")

PEOPLE = {
    "rec_id": ["r1", "r2", "r3", "r4"],
    "given_name": ["Siân", "john", "Mary Ann", "Łukasz"],
    "surname": ["O'Brien", "smith", "null", "nowak"],
    "date_of_birth": ["19500203", "19611130", "19720401", "19830509"],
    "address_1": ["1 hay street", "22 bent court", "3 long road", "4 dry creek"],
    "suburb": ["perth", "sydney", "hobart", "cairns"],
    "postcode": ["6000", "2000", "7000", "0800"],
    "state": ["wa", "nsw", "tas", "nt"],
}


@pytest.fixture
def people() -> pd.DataFrame:
    """Four people with the columns of the preset febrl."""
    return pd.DataFrame(PEOPLE)


@pytest.fixture(scope="session")
def febrl() -> Agreement:
    """The preset febrl."""
    return Agreement.preset("febrl")


@pytest.fixture(scope="session")
def key() -> LinkageKey:
    """A key that is the same in every run."""
    return LinkageKey(bytes(range(32)))


class CommandLine:
    """Runs pprl in this process, in a folder, and remembers what it printed."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.out = ""
        self.err = ""

    def encode(self, table: str, out: str, *options: object) -> int:
        """Encode as the README does."""
        named = ("--agreement", "agreement.toml", "--key", "project.key", "--id", "rec_id", "--keep-ids")
        return self("encode", table, *named, "--out", out, *options)

    def __call__(self, *arguments: object) -> int:
        self.capsys.readouterr()
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            status = run([str(argument) for argument in arguments])
        finally:
            os.chdir(before)
        captured = self.capsys.readouterr()
        self.out, self.err = captured.out, captured.err
        return status


@pytest.fixture
def pprl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line, in a folder of its own."""
    return CommandLine(tmp_path, capsys)


@pytest.fixture
def ready(pprl: CommandLine, people: pd.DataFrame) -> CommandLine:
    """The command line in a folder with a.csv, agreement.toml and project.key."""
    people.to_csv(pprl.folder / "a.csv", index=False)
    assert pprl("agreement", "new", "--preset", "febrl", "--out", "agreement.toml") == 0
    assert pprl("key", "new", "--out", "project.key") == 0
    return pprl


ROLES = {"trust": "custodian", "hospital": "custodian", "unit": "linkage-unit", "safe-haven": "research"}


@pytest.fixture(scope="session")
def identities() -> dict[str, Identity]:
    """The private keys of two custodians, a linkage unit and a research environment."""
    return {name: Identity.generate(name, role) for name, role in ROLES.items()}


class Meeting:
    """Parties of one project, each with a folder of its own, and the agreement that all have signed."""

    def __init__(self, folder: Path, identities: dict[str, Identity], signed: SignedAgreement) -> None:
        self.folder = folder
        self.identities = identities
        self.path = folder / "agreement.toml"
        self.signed = signed
        self.agreement = signed.agreement
        self.terms = terms_of(signed.agreement)
        self.stores = {name: Store(folder / name, one) for name, one in identities.items()}

    def encodings(self, name: str, *, n_records: int = 40, seed: int = 1, **changes: object) -> Path:
        """Write a package as encoding would under the agreement, with a custodian's own ids."""
        rng = np.random.default_rng(seed)
        parts = {
            "record_ids": np.array(
                [f"{name}-{row}".encode() for row in range(n_records)] or ["x"], dtype="S24"
            )[:n_records],
            "passes": {
                "exact": BitMatrix.from_bools(rng.random((n_records, 128)) < 0.5),
                "fuzzy": BitMatrix.from_bools(rng.random((n_records, 500)) < 0.4),
            },
            "present": {"exact": np.ones(n_records, dtype=bool), "fuzzy": np.ones(n_records, dtype=bool)},
            "project": self.agreement.project,
            "epoch": self.agreement.epoch,
            "fingerprint": self.agreement.fingerprint,
            "check_tags": CheckTags(key="a" * 32, encoder="b" * 32),
            "provenance": Provenance(software="test 1", unicode_version="14.0.0"),
        }
        path = self.folder / f"{name}.pprl"
        Package(**(parts | changes)).save(path, force=True)
        return path

    def statement(self, package: Path) -> Path:
        """State that opt-outs were applied to a package today."""
        path = package.with_suffix(".opt-outs.json")
        now = clock.now()
        state_opt_outs(package, path, applied=now.date(), now=now, force=True)
        return path

    def seal(self, name: str = "trust", **options: object) -> Sent:
        """Seal a custodian's encodings for the linkage unit."""
        package = self.encodings(name, **options)
        return seal_package(
            package,
            self.folder,
            purpose="encodings",
            to="unit",
            store=self.stores[name],
            agreement=self.signed,
            opt_outs=self.statement(package),
        )

    def open(
        self, path: Path, by: str = "unit", out: str = "opened", purpose: str = "encodings", **options: object
    ) -> Opened:
        """Open a sealed file as one of the parties."""
        return open_package(
            path,
            self.folder / out,
            purpose=purpose,
            store=self.stores[by],
            agreement=self.signed,
            **options,
        )


@pytest.fixture(scope="session")
def gathered(
    tmp_path_factory: pytest.TempPathFactory, identities: dict[str, Identity]
) -> tuple[Path, SignedAgreement]:
    """A folder with an agreement that four parties have signed, and a folder for each of them."""
    folder = tmp_path_factory.mktemp("gathered") / "meeting"
    folder.mkdir()
    path = folder / "agreement.toml"
    tables = "".join(party_toml(one.party) for one in identities.values())
    path.write_text(preset_text("uk-health") + tables, encoding="utf-8")
    for name, one in identities.items():
        sign_agreement(path, one)
        Store.create(folder / name, one, passphrase=None)
    return folder, SignedAgreement.load(path)


@pytest.fixture
def meeting(
    tmp_path: Path, identities: dict[str, Identity], gathered: tuple[Path, SignedAgreement]
) -> Meeting:
    """Four parties that have signed an agreement, each with a folder in which nothing has happened yet."""
    folder, signed = gathered
    shutil.copytree(folder, tmp_path / "meeting")
    return Meeting(tmp_path / "meeting", identities, signed)
