"""What other users of a machine can see of a process tells no secret: arguments and environment."""

import base64
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pprl.exchange import clock
from pprl.keys import LinkageKey

PROC = Path("/proc")
CUSTODIANS = ("hospital", "trust")
PASSPHRASE = "correct horse battery staple"
pytestmark = pytest.mark.skipif(not (PROC / "self" / "environ").exists(), reason="needs /proc")


class Watched:
    """Runs pprl as a process, and keeps what can be seen of all processes meanwhile."""

    def __init__(self, folder):
        self.folder = folder
        self.seen = set()

    def __call__(self, *arguments):
        """Run a command that must go well, and give what it printed."""
        command = [sys.executable, "-m", "pprl", *map(str, arguments)]
        with (self.folder / "said").open("wb") as said:
            process = subprocess.Popen(command, cwd=self.folder, stdout=said, stderr=subprocess.STDOUT)
            while process.poll() is None:
                self.look()
                time.sleep(0.01)
        printed = (self.folder / "said").read_text()
        assert 0 == process.returncode, printed
        return printed

    def look(self):
        """Take down the arguments and the environment of every process."""
        for place in PROC.glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                try:
                    self.seen.add((place / name).read_bytes())
                except OSError:
                    continue  # it has ended, or is another user's

    def showed(self, word):
        return any(word in one for one in self.seen)


@pytest.fixture
def watched(ready):
    """Two custodians and a linkage unit that have signed an agreement; a passphrase opens one of them."""
    run = Watched(ready.folder)
    (run.folder / "words").write_text(f"{PASSPHRASE}\n")
    (run.folder / "words").chmod(0o600)
    run("party", "new", "--name", "trust", "--role", "custodian", "--out", "trust", *options_of("trust"))
    run("party", "new", "--name", "hospital", "--role", "custodian", "--out", "hospital")
    run("party", "new", "--name", "unit", "--role", "linkage-unit", "--out", "unit")
    agreement = run.folder / "agreement.toml"
    names = (*CUSTODIANS, "unit")
    tables = [(run.folder / name / "party.toml").read_text() for name in names]
    agreement.write_text("\n".join([agreement.read_text(), *tables]))
    for name in names:
        run("agreement", "sign", "agreement.toml", "--party", name, *options_of(name))
    (run.folder / "board").mkdir()
    return run


def options_of(name):
    return ("--passphrase-file", "words") if name == "trust" else ()


def spellings(secret):
    """A secret as it could stand in an argument."""
    return {
        secret,
        secret.hex().encode(),
        secret.hex().upper().encode(),
        base64.b64encode(secret).rstrip(b"=")[:-1],
        base64.urlsafe_b64encode(secret).rstrip(b"=")[:-1],
    }


def test_no_secret_is_an_argument_or_in_the_environment(watched):
    """The ceremony, encoding and sealing, with the process that checks what is sealed."""
    secrets = [PASSPHRASE.encode()]
    for _ in range(3):
        for name in CUSTODIANS:
            party = ("--party", name, *options_of(name))
            watched("key", "ceremony", "agreement.toml", *party, "--board", "board")
            drawn = [
                path.read_text().split()[-1] for path in watched.folder.glob("*/ceremony-*/contribution")
            ]
            secrets += [bytes.fromhex(half) for both in drawn for half in (both[:64], both[64:])]
    agreed = ("--party", "trust", *options_of("trust"), "--agreement", "agreement.toml")
    encoding = ("encode", "a.csv", *agreed, "--key", "trust/project.key", "--id", "rec_id", "--keep-ids")
    watched(*encoding, "--out", "a.pprl")
    today = clock.now().date().isoformat()
    watched("seal", "a.pprl", "--state-opt-outs", today, "--out", "opt-outs.json")
    sealing = ("seal", "a.pprl", *agreed, "--as", "encodings", "--to", "unit")
    watched(*sealing, "--opt-out-statement", "opt-outs.json", "--out", ".")
    secrets.append(LinkageKey.load(watched.folder / "trust" / "project.key")._material)
    opened = (watched.folder / "hospital" / "identity").read_text().splitlines()
    seeds = [line.split()[1] for line in opened if line.startswith(("ed25519", "ml-dsa", "age"))]

    assert all(watched.showed(word) for word in (b"ceremony", b"encode", b"seal"))
    assert 3 == len(seeds)
    assert len(secrets) >= 4
    for one in {word for secret in secrets for word in spellings(secret)} | {seed.encode() for seed in seeds}:
        assert not watched.showed(one)


def test_the_search_finds_what_is_there(ready):
    """The test above cannot pass by looking in the wrong place."""
    run = Watched(ready.folder)

    run("key", "new", "--out", "planted-name.key")

    assert run.showed(b"planted-name.key")
