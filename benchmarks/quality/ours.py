"""
Encode a set with pprl and link it, as three parties would.

    python ours.py SET_FOLDER ANSWER_FOLDER --hardening diffuse-2 --key 1
"""

import argparse
import json
from decimal import Decimal
from itertools import combinations
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


def alone(agreement, name):
    """Give the agreement with one of its fuzzy passes only, beside the exact ones."""
    kept = tuple(one for one in agreement.passes if not isinstance(one, FuzzyPass) or one.name == name)
    used = {name for one in kept for name in one.field_names}
    fields = tuple(rule for rule in agreement.fields if rule.name in used)
    return msgspec.structs.replace(agreement, passes=kept, fields=fields)


def aimed(agreement, target):
    """Give the agreement another target: balance, or a share of links that are to be true."""
    matching = agreement.matching
    if target == "balance":
        matching = msgspec.structs.replace(matching, target="balance", precision=None)
    else:
        matching = msgspec.structs.replace(matching, target="precision", precision=float(target))
    return msgspec.structs.replace(agreement, matching=matching)


def linked(tables, agreement, key):
    """Link two tables, and give what pprl says of the links; all of its interface for linking is here.

    What it says are precision and recall, each also with _low and _high, as far as it can.
    """
    left, right = (pprl.encode(table, agreement, key, id="record_id") for table in tables)
    result = pprl.link(left, right, agreement=agreement, workers=1)
    links = result.links.to_pandas()
    pairs = list(zip(links["left_id"], links["right_id"], links["probability"], strict=True))
    return {"links": Way(pairs, None, "probability")}, said_of(result.judgement)


def said_of(judgement):
    """Give what decoys say of precision, and spike-ins of recall."""
    precision, recall = judgement.estimate, judgement.recall
    said = {
        "precision": precision.precision,
        "precision_low": precision.low,
        "precision_high": precision.high,
    }
    if recall is not None:
        said |= {"recall": recall.recall, "recall_low": recall.low, "recall_high": recall.high}
    return said


def deduplicated(table, agreement, key):
    """Find who is in a table twice; all pairs within a cluster are links."""
    result = pprl.deduplicate(pprl.encode(table, agreement, key, id="record_id"), agreement=agreement)
    found = result.to_pandas().groupby("cluster")["record_id"].apply(sorted)
    pairs = [(*pair, 1.0) for members in found for pair in combinations(members, 2)]
    return {"clusters": Way(pairs, None, "probability")}, {}


def main():
    """Encode, link and write the answer."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("set", type=Path)
    parser.add_argument("answer", type=Path)
    parser.add_argument("--hardening", choices=(PRESET, *HARDENINGS), default=PRESET)
    parser.add_argument("--target", default="balance", help="balance, or a share of links, such as 0.99")
    parser.add_argument(
        "--key", type=int, default=1, help="number of a linkage key, the same for the same number"
    )
    parser.add_argument("--only", metavar="PASS", help="leave out all other fuzzy passes")
    chosen = parser.parse_args()
    about = json.loads((chosen.set / "set.json").read_text(encoding="utf-8"))
    sides = ("left", "right") if about["kind"] == "link" else ("left",)
    tables = [pd.read_csv(chosen.set / f"{side}.csv", dtype=str, keep_default_na=False) for side in sides]
    key = pprl.LinkageKey(bytes(range(chosen.key, chosen.key + 32)))
    agreement = aimed(agreement_of(about, chosen.hardening), chosen.target)
    if chosen.only:
        agreement = alone(agreement, chosen.only)
    if len(tables) == 2:
        ways, said = linked(tables, agreement, key)
    else:
        ways, said = deduplicated(tables[0], agreement, key)
    write_answer(chosen.answer, ways, version=f"pprl {pprl.__version__}", says=said)


if __name__ == "__main__":
    main()
