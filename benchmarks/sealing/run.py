"""
How fast packages are sealed and opened, and in how much memory.

Each step runs in a process of its own, and is measured against copying the same bytes with
their SHA-256, which is the least that anything can do that checks what it writes.  The fastest
of three rounds counts: a virtual machine is slow in memory that it has not used before.
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from pprl.agreement import preset_text
from pprl.exchange import clock
from pprl.exchange.identities import Identity
from pprl.exchange.optouts import state_opt_outs
from pprl.exchange.package import Package
from pprl.exchange.parties import party_toml
from pprl.exchange.store import Store
from pprl.model import BitMatrix, CheckTags, Provenance
from pprl.workflow.exchanging import open_package, seal_package
from pprl.workflow.signed import SignedAgreement, sign_agreement

ROLES = {"trust": "custodian", "hospital": "custodian", "unit": "linkage-unit", "safe-haven": "research"}
AGREEMENT = "agreement.toml"
PIECE = 1 << 20


def prepare(folder, n_records):
    everybody = {name: Identity.generate(name, role) for name, role in ROLES.items()}
    tables = "".join(party_toml(one.party) for one in everybody.values())
    (folder / AGREEMENT).write_text(preset_text("uk-health") + tables, encoding="utf-8")
    for name, one in everybody.items():
        sign_agreement(folder / AGREEMENT, one)
        Store.create(folder / name, one, passphrase=None)
    agreed = SignedAgreement.load(folder / AGREEMENT).agreement
    rng = np.random.default_rng(1)
    present = np.ones(n_records, dtype=bool)
    Package(
        record_ids=np.char.add(b"p", np.arange(n_records).astype("S9")),
        passes={
            name: BitMatrix(rng.integers(0, 2**64, (n_records, n_bits // 64), dtype=np.uint64), n_bits)
            for name, n_bits in (("exact", 128), ("names", 1024), ("address", 1024))
        },
        present={name: present.copy() for name in ("exact", "names", "address")},
        project=agreed.project,
        epoch=agreed.epoch,
        fingerprint=agreed.fingerprint,
        check_tags=CheckTags(key="a" * 32, encoder="b" * 32),
        provenance=Provenance.current(),
    ).save(folder / "a.pprl")
    with (folder / "payload.csv").open("wb") as stream:
        stream.write(b"linkage_key,value\n")
        for begin in range(0, 2 * n_records, 100_000):
            many = rng.bytes(100_000 * 64).hex().encode("ascii")
            rows = (b"%s,%s\n" % (many[i : i + 32], many[i + 32 : i + 128]) for i in range(0, len(many), 128))
            stream.write(b"".join(rows))
            del begin
    now = clock.now()
    state_opt_outs(folder / "a.pprl", folder / "opt-outs.json", applied=now.date(), now=now)


def seal(folder, source, purpose, to):
    return seal_package(
        folder / source,
        folder,
        purpose=purpose,
        to=to,
        store=Store.open(folder / "trust"),
        agreement=SignedAgreement.load(folder / AGREEMENT),
        opt_outs=folder / "opt-outs.json",
    ).path.rename(folder / f"{purpose}.age")


def opened(folder, purpose, by):
    open_package(
        folder / f"{purpose}.age",
        folder / f"{purpose}.out",
        purpose=purpose,
        store=Store.open(folder / by),
        agreement=SignedAgreement.load(folder / AGREEMENT),
    )


def copied(folder):
    digest = hashlib.sha256()
    with (folder / "a.pprl").open("rb") as source, (folder / "copy").open("wb") as target:
        while piece := source.read(PIECE):
            digest.update(piece)
            target.write(piece)
        os.fsync(target.fileno())


STEPS = {
    "copy with SHA-256": (copied, "a.pprl", "copy"),
    "seal encodings": (lambda folder: seal(folder, "a.pprl", "encodings", "unit"), "a.pprl", "encodings.age"),
    "open encodings": (lambda folder: opened(folder, "encodings", "unit"), "a.pprl", "encodings.out"),
    "seal payload": (
        lambda folder: seal(folder, "payload.csv", "payload", "safe-haven"),
        "payload.csv",
        "payload.age",
    ),
    "open payload": (lambda folder: opened(folder, "payload", "safe-haven"), "payload.csv", "payload.out"),
}


class Memory(threading.Thread):
    """Looks every 20 ms at the memory that is not a page of a mapped file."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak = 0

    def run(self):
        """Look until the process ends."""
        while True:
            status = Path("/proc/self/status").read_text(encoding="ascii")
            self.peak = max(self.peak, int(status.split("RssAnon:")[1].split()[0]))
            time.sleep(0.02)


def step(folder, name):
    act, source, output = STEPS[name]
    (folder / output).unlink(missing_ok=True)  # of the round before
    memory = Memory()
    memory.start()
    wall, cpu = time.perf_counter(), time.process_time()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    act(folder)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    n_bytes = (folder / source).stat().st_size
    cpu = (
        time.process_time() - cpu + children.ru_utime + children.ru_stime - before.ru_utime - before.ru_stime
    )
    wall = time.perf_counter() - wall
    record = {
        "megabytes": round(n_bytes / 1e6),
        "seconds": round(wall, 2),
        "processor_seconds": round(cpu, 2),
        "megabytes_a_second": round(n_bytes / 1e6 / wall),
        "megabytes_a_processor_second": round(n_bytes / 1e6 / cpu),
        "own_peak_mib": memory.peak >> 10,
        "checking_peak_mib": children.ru_maxrss >> 10,
    }
    print(json.dumps(record))


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--records", type=int, nargs="+", default=[1_000_000])
    arguments.add_argument("--rounds", type=int, default=3, help="of which the fastest counts")
    arguments.add_argument("--folder", type=Path)
    arguments.add_argument("--step")
    given = arguments.parse_args()
    if given.step:
        step(given.folder, given.step)
        return
    for n_records in given.records:
        folder = Path(tempfile.mkdtemp(dir=given.folder))
        try:
            prepare(folder, n_records)
            rounds = [measured(folder) for _ in range(given.rounds)]
        finally:
            shutil.rmtree(folder)
        for name in STEPS:
            best = min((one[name] for one in rounds), key=lambda record: record["seconds"])
            print(f"{n_records} records, {name}: {json.dumps(best)}", flush=True)


def measured(folder):
    """Take each step once."""
    found = {}
    for name in STEPS:
        command = [sys.executable, __file__, "--folder", str(folder), "--step", name]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        found[name] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
