"""
Time pprl on a CSV of people, on the processors that this process may use: prints JSON.

"encode" is what the peers do: from rows of text in memory to CLKs.  "whole" is all that a
custodian's run does besides: reading the file, cleaning every field, record ids, check tags.
"""

import json
import resource
import sys
import time
from decimal import Decimal

import pyarrow.csv

import pprl
from pprl.agreement import Agreement
from pprl.cleaning.fields import CodeField, DateField, NameField, PostcodeField
from pprl.encoding.encoder import encode_passes
from pprl.encoding.hardening import (
    Balance,
    Diffuse,
    Flip,
    Permute,
    Rehash,
    Resample,
    Rule90,
    WindowXor,
    XorFold,
)
from pprl.encoding.passes import FuzzyPass, PassField
from pprl.encoding.tokens import QGrams
from pprl.exchange.tables import text_column
from pprl.keys import LinkageKey

FIELDS = (
    NameField(name="given_name", weight=140),
    NameField(name="family_name", weight=140),
    DateField(name="date_of_birth", weight=150, order="ymd"),
    CodeField(name="sex", weight=20),
    PostcodeField(name="postcode", weight=90, country="any"),
)
TOKENS = {"date_of_birth": QGrams(positional=True)}
PASS = FuzzyPass(
    name="all",
    fields=tuple(PassField(field=rule.name, required=True, tokens=TOKENS.get(rule.name)) for rule in FIELDS),
    n_bits=1024,
    threshold=Decimal("0.8"),
    hardening=(),
)
STEPS = (
    Diffuse(t=2, n_bits=1024),
    Diffuse(t=5, n_bits=1024),
    XorFold(),
    Rule90(),
    WindowXor(width=8),
    Resample(n_bits=1024),
    Permute(),
    Balance(),
    Rehash(width=8, stride=4, k=2, n_bits=1024),
    Flip(probability=Decimal("0.1")),
)
KEY = LinkageKey(bytes(range(32)))


def timed(work):
    """Give the better of two times that a piece of work takes, in seconds, and what it gives."""
    times = []
    found = None
    for _ in range(2):
        found = None  # the second round uses the memory of the first again
        start = time.perf_counter()
        found = work()
        times.append(time.perf_counter() - start)
    return min(times), found


def encode(table):
    """Encode rows of text in memory."""
    columns = {rule.name: text_column(table.column(rule.name), name=rule.name) for rule in FIELDS}
    return encode_passes(columns, FIELDS, (PASS,), KEY.for_project("benchmark", epoch=1))["all"].bits


def main(path, with_steps):
    """Encode, then everything, then each hardening step."""
    table = pyarrow.csv.read_csv(
        path,
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys((rule.name for rule in FIELDS), "string")
        ),
    )
    encode(table.slice(0, 30_000))  # loads the compiled loops
    seconds, bits = timed(lambda: encode(table))
    found = {"seconds": seconds, "records": len(bits), "set": int(bits.popcounts().sum())}
    if with_steps:
        key = KEY.for_project("benchmark", epoch=1).derive("step")
        for step in STEPS:
            label = str(step.__struct_config__.tag) + (f" t={step.t}" if isinstance(step, Diffuse) else "")
            found[label] = timed(lambda step=step: step(bits, key))[0]
    agreement = Agreement(
        project="benchmark",
        epoch=1,
        fields=FIELDS,
        passes=(PASS,),
        matching={"target": "thresholds", "cardinality": "one-to-one"},
    )
    ids = pyarrow.array([str(i) for i in range(table.num_rows)])
    found["whole"] = timed(lambda: pprl.encode(table.append_column("id", ids), agreement, KEY, id="id"))[0]
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], with_steps="--steps" in sys.argv)
