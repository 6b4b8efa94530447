"""After encoding nothing of a person or of a key can be reached in memory."""

import hashlib
import subprocess
import sys

from pprl.agreement import Agreement, preset_text
from pprl.keys import LinkageKey

# Runs in a process of its own, which never holds what it looks for in clear: names are written
# backwards, and keys are known by their SHA-256.
SEARCH = """
import gc, hashlib, sys
import pprl

backwards, digests = sys.argv[1].split(","), set(sys.argv[2].split(","))
agreement = pprl.Agreement.load("agreement.toml")
package = pprl.encode("people.csv", agreement, pprl.LinkageKey.load("project.key"), id="rec_id")
gc.collect()

def texts():
    seen = set()
    for one in gc.get_objects():
        for found in (one, *gc.get_referents(one)):
            if isinstance(found, (str, bytes, bytearray)) and id(found) not in seen:
                seen.add(id(found))
                yield found

n = 0
for found in texts():
    n += 1
    if isinstance(found, str):
        turned = found[::-1].lower()
        if found not in sys.argv and any(word in turned for word in backwards) and "," not in found:
            print("name reachable")
    elif len(found) == 32 and hashlib.sha256(found).hexdigest() in digests:
        print("key reachable")
print(len(package), "records,", n > 1000)
"""


BLOCKS = """
blocks = [
    { kind = "hamming-lsh", tables = 2, bits = 32 },
    { kind = "fields", parts = [
        { field = "surname", part = "all" },
        { field = "given_name", part = "soundex" },
    ] },
]
"""


def test_no_name_token_or_key_is_reachable_after_encoding(ready, people):
    """Neither as typed nor cleaned, no long token, no subkey, not the linkage key; also with block tags."""
    text = preset_text("febrl").replace("n_bits = 1024\n", f"n_bits = 1024\n{BLOCKS}", 1)
    (ready.folder / "agreement.toml").write_text(text)
    names = ["Zyxwandra", "Qvorthleigh"]
    marked = people.assign(given_name=names[0], surname=names[1])
    marked.to_csv(ready.folder / "people.csv", index=False)
    key = LinkageKey.load(ready.folder / "project.key")
    agreement = Agreement.load(ready.folder / "agreement.toml")
    project = key.for_project(agreement.project_fingerprint, epoch=agreement.epoch)
    passes = [one.name for one in agreement.passes]
    subkeys = [project.derive("bag", name, "names") for name in passes]
    subkeys += [project.derive("hardening", name, "0", "diffuse") for name in passes]
    subkeys += [
        project.derive("block", passes[0], *label) for label in (("0", "positions"), ("0", "0"), ("1", "0"))
    ]
    digests = [hashlib.sha256(one._material).hexdigest() for one in (key, project, *subkeys)]
    turned = [name.lower()[::-1] for name in names]

    done = subprocess.run(
        [sys.executable, "-c", SEARCH, ",".join(turned), ",".join(digests)],
        cwd=ready.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("4 records, True\n", "") == (done.stdout, done.stderr)


def test_the_search_finds_what_is_reachable(ready, people):
    """It would see a cache that keeps a name, and a key that is kept."""
    people.assign(given_name="Zyxwandra").to_csv(ready.folder / "people.csv", index=False)
    key = LinkageKey.load(ready.folder / "project.key")
    name = "open('people.csv').read().split()[1].split(',')[1]"
    keeping = f"import pprl\nkept = [{name}, pprl.LinkageKey.load('project.key')]"

    done = subprocess.run(
        [sys.executable, "-c", keeping + SEARCH, "ardnawxyz", hashlib.sha256(key._material).hexdigest()],
        cwd=ready.folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert {"name reachable", "key reachable"} <= set(done.stdout.splitlines())
