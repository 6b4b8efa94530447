"""
Encode a set with pprl and link it, as three parties would.

    python ours.py SET_FOLDER ANSWER_FOLDER --hardening diffuse-2 --key 1
"""

import argparse
import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pandas as pd
from answers import Way, write_answer

import pprl
from pprl.encoding.hardening import Diffuse, Flip, XorFold
from pprl.encoding.passes import FuzzyPass

# What each hardening does to a filter; "preset" leaves the steps as the preset has them.
HARDENINGS = {
    "none": (),
    "diffuse-2": (Diffuse(t=2, n_bits=1024),),
    "diffuse-3": (Diffuse(t=3, n_bits=1024),),
    "xor-fold": (XorFold(),),
    "flip-0.05": (Flip(probability=Decimal("0.05")),),
}
PRESET = "preset"


def agreement_of(about, hardening):
    """Give the preset of a set, without the fields that the set has not, under a hardening."""
    agreement = pprl.Agreement.preset(about["preset"])
    known = {rule.name for rule in agreement.fields} - {"health_number"} | set(about["fields"])
    passes = [one for one in agreement.passes if known.issuperset(one.field_names)]
    return msgspec.structs.replace(
        agreement,
        fields=tuple(rule for rule in agreement.fields if rule.name in known),
        passes=tuple(hardened(one, hardening) for one in passes),
    )


def hardened(one, hardening):
    """Give a pass under a hardening; exact passes have none."""
    if hardening == PRESET or not isinstance(one, FuzzyPass):
        return one
    return msgspec.structs.replace(one, hardening=HARDENINGS[hardening])


def linked(tables, agreement, key):
    """Link two tables, and give what pprl expects of the links; all of its interface for linking is here.

    What it expects are precision and recall, each also with _low and _high, as far as it says so.
    """
    left, right = (pprl.encode(table, agreement, key, id="record_id") for table in tables)
    result = pprl.link(left, right, agreement=agreement, workers=1)
    links = result.links.to_pandas()
    is_probability = "probability" in links and bool(links["probability"].notna().all())
    scores = links["probability" if is_probability else "score"]
    pairs = list(zip(links["left_id"], links["right_id"], scores, strict=True))
    return Way(pairs, None, "probability" if is_probability else "similarity"), {}


def main():
    """Encode, link and write the answer."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("set", type=Path)
    parser.add_argument("answer", type=Path)
    parser.add_argument("--hardening", choices=(PRESET, *HARDENINGS), default=PRESET)
    parser.add_argument(
        "--key", type=int, default=1, help="number of a linkage key, the same for the same number"
    )
    chosen = parser.parse_args()
    about = json.loads((chosen.set / "set.json").read_text(encoding="utf-8"))
    tables = [
        pd.read_csv(chosen.set / f"{side}.csv", dtype=str, keep_default_na=False)
        for side in ("left", "right")
    ]
    key = pprl.LinkageKey(bytes(range(chosen.key, chosen.key + 32)))
    way, said = linked(tables, agreement_of(about, chosen.hardening), key)
    write_answer(chosen.answer, {"links": way}, version=f"pprl {pprl.__version__}", says=said)


if __name__ == "__main__":
    main()
