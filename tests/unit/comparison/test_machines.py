"""Other machines: without wide vectors, and without a population count, the answer is the same."""

import os
import platform
import subprocess
import sys

import pytest

PROGRAM = """
import hashlib
import numpy as np
from pprl.comparison import SharedTags, candidates, compare
from pprl.model import BitMatrix

candidates.PRUNED_FROM = 0
rng = np.random.default_rng(1)
rows = rng.random((700, 300)) < rng.random((700, 1))
bits = BitMatrix.from_bools(np.concatenate([rows, rows ^ (rng.random(rows.shape) < 0.03)]))
tags = rng.integers(0, 50, size=(1400, 3), dtype=np.uint32)
digest = hashlib.sha256()
for options in ({}, {"top_k": 2}, {"candidates": SharedTags(tags, tags)}):
    pairs = compare(bits, bits, threshold="0.7", kernel="numba", **options)
    for column in (pairs.left, pairs.right, pairs.overlap, pairs.score):
        digest.update(column.tobytes())
print(digest.hexdigest())
"""
CPUS = ["generic", *(["haswell", "skylake-avx512"] if platform.machine() in {"x86_64", "AMD64"} else [])]


def found_on(cpu, folder):
    """Compile for a processor and run there what runs here, if this one can."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    if cpu:
        environment |= {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": ""}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("cpu", CPUS)
def test_kernels_compiled_for_another_processor_find_the_same(tmp_path, cpu):
    """Where this processor lacks an instruction of the other, there is nothing to run."""
    status, here = found_on(None, tmp_path / "here")
    assert status == 0

    status, there = found_on(cpu, tmp_path / cpu)

    if status < 0:
        pytest.skip(f"this processor cannot run what is compiled for {cpu}")
    assert (status, there) == (0, here)
