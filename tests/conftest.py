"""People and keys that the tests share."""

import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

from pprl.agreement import Agreement
from pprl.cli.main import run
from pprl.keys import LinkageKey

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
