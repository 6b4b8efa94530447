"""The command as a process: signals, consoles, start-up."""

import os
import signal
import subprocess
import sys
import time

import pytest

posix = pytest.mark.skipif(os.name == "nt", reason="signals are a POSIX matter")
SLOW = """
import sys, time
import pprl.cli.encode as encode
from pprl.cli.main import main
def wait(*_a, **_k):
    print("ready", flush=True)
    time.sleep(60)
encode.encode_with_counts = wait
sys.argv = ["pprl", *sys.argv[1:]]
main()
"""


@posix
@pytest.mark.parametrize(
    ("sent", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)],
    ids=["INT", "TERM", "HUP"],
)
def test_a_signal_ends_the_work_and_leaves_nothing(ready, sent, status):
    """With its status and one line."""
    named = ("--agreement", "agreement.toml", "--key", "project.key", "--id", "rec_id", "--keep-ids")
    command = [sys.executable, "-c", SLOW, "encode", "a.csv", *named, "--out", "a.pprl"]
    before = set(ready.folder.iterdir())
    with subprocess.Popen(
        command, cwd=ready.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        time.sleep(0.1)
        process.send_signal(sent)
        _, err = process.communicate(timeout=30)

    assert status == process.returncode
    assert "no file was left half-written" in err
    assert "Traceback" not in err
    assert before == set(ready.folder.iterdir())


@posix
def test_a_crash_writes_no_secret_to_the_disk():
    """The limit of core dumps is zero before anything is read, and nothing can raise it again."""
    code = """
import atexit, resource, sys
from pprl.cli.main import main
atexit.register(lambda: print(resource.getrlimit(resource.RLIMIT_CORE)))
sys.argv = ["pprl", "--version"]
main()
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "(0, 0)" == done.stdout.splitlines()[-1]


@pytest.mark.parametrize("encoding", ["cp437", "latin-1"])
def test_any_console_can_show_any_project(ready, encoding):
    """On an old Windows console what cannot be shown is escaped."""
    assert 0 == ready("agreement", "new", "--preset", "febrl", "--project", "Größe 数", "--out", "own.toml")
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}

    done = subprocess.run(
        [sys.executable, "-m", "pprl", "agreement", "show", "own.toml"],
        cwd=ready.folder,
        env=environment,
        capture_output=True,
        check=False,
    )

    assert (0, b"") == (done.returncode, done.stderr)
    assert b"\\u6570" in done.stdout


def test_help_does_not_wait_for_heavy_libraries():
    """`pprl --help` imports neither numpy nor pyarrow."""
    code = "import sys; from pprl.cli.main import run; run(['--help']); sys.exit('numpy' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert 0 == done.returncode
    assert "encode" in done.stdout


def test_a_reader_that_goes_away_is_no_error(ready):
    """As with `pprl agreement schema | head`."""
    command = f'"{sys.executable}" -m pprl agreement schema | head -c 1'

    done = subprocess.run(command, shell=True, cwd=ready.folder, capture_output=True, text=True, check=False)  # noqa: S602

    assert "" == done.stderr
