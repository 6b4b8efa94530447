"""A comparison that is killed, and goes on."""

import subprocess
import sys

import numpy as np
import pytest

from pprl.comparison import compare, engine
from pprl.model import BitMatrix

CHILD = """
import sys
import numpy as np
from pprl.comparison import checkpoint, compare
from pprl.model import BitMatrix

checkpoint.EVERY = 0.01

def random_bits(seed):
    one, two = np.random.default_rng(seed).integers(0, 2**64, size=(2, 30_000, 4), dtype=np.uint64)
    return BitMatrix(one & two, 256)

def tell(done, in_all):
    print(done, flush=True)

if __name__ == "__main__":
    pairs = compare(
        random_bits(1), random_bits(2), threshold="0.46", checkpoint=sys.argv[1], workers=2, progress=tell
    )
"""


def random_bits(seed):
    one, two = np.random.default_rng(seed).integers(0, 2**64, size=(2, 30_000, 4), dtype=np.uint64)
    return BitMatrix(one & two, 256)


def octets(pairs):
    return [column.tobytes() for column in (pairs.left, pairs.right, pairs.overlap, pairs.score)]


def killed_after(folder, n_tasks):
    """Compare in a process of its own, kill it when so many tasks are done, and say whether it was killed."""
    with subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE) as child:
        for _ in range(n_tasks):
            child.stdout.readline()
        child.kill()
    return child.returncode != 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_comparison_that_is_killed_five_times_gives_the_same_bytes(tmp_path, monkeypatch):
    """No signal handler, no clean end: what is on the disk is enough."""
    left, right = random_bits(1), random_bits(2)
    moments = np.sort(np.random.default_rng(5).choice(np.arange(3, 57), size=5, replace=False))
    scanned = []
    run_task = engine.run_task

    killed = [killed_after(tmp_path / "checkpoints", moment) for moment in moments.tolist()]
    with monkeypatch.context() as patched:
        patched.setattr(engine, "run_task", lambda task, *rest: scanned.append(task) or run_task(task, *rest))
        pairs = compare(left, right, threshold="0.46", checkpoint=tmp_path / "checkpoints")

    assert killed[0]
    assert len(scanned) < 59 - 3  # of 59, some were kept
    assert octets(pairs) == octets(compare(left, right, threshold="0.46"))
    assert len(pairs) > 1000
