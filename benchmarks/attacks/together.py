"""
What the passes of one record tell together, to somebody who knows some of the people.

A linkage unit holds all passes of a record side by side, each under a key of its own, so what one
blurs another may tell.  The filters of all passes are predicted from known pairs, as the attack
`predicted-filters` does for one, and laid side by side.

    python benchmarks/attacks/together.py
"""

import argparse

import numpy as np
from run import fictitious, passes_of

from pprl import Agreement, LinkageKey
from pprl.auditing.nearest import most_alike
from pprl.auditing.predictedfilters import PredictedFilters
from pprl.auditing.scenes import rows_of, scene_of
from pprl.encoding.encoder import present_in
from pprl.encoding.passes import FuzzyPass


def shares(columns, rules, passes, key, told, seed=7):
    """Give the share that each pass tells, and that all tell together."""
    found, filters, predictions = [], [], []
    for one in passes:
        scene = scene_of(columns, rules, one, key, overlap=1, noise=None, leaked=told, seed=seed)
        seen = PredictedFilters().predicted(scene, np.random.default_rng(seed))
        right = scene.partner[seen.rows]
        found.append(np.mean(seen.candidates[most_alike(seen.filters, seen.predictions)] == right))
        filters.append(seen.filters)
        sizes = np.linalg.norm(seen.predictions, axis=1, keepdims=True)
        predictions.append(seen.predictions / np.maximum(sizes, 1e-9))
    # The seed is the same, so all passes have their records in one order.
    best = most_alike(np.hstack(filters), np.hstack(predictions))
    return found, np.mean(seen.candidates[best] == right)


def main():
    """Print a line for each hardening and number of known pairs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--records", type=int, default=5000)
    parser.add_argument("--told", type=int, nargs="+", default=[100, 500, 2000])
    parser.add_argument("--hardenings", nargs="+", default=["t = 2", "t = 3", "t = 4", "t = 5"])
    parser.add_argument("--keys", type=int, default=1)
    options = parser.parse_args()
    agreement = Agreement.preset("uk-health")
    names = [one.name for one in agreement.passes if isinstance(one, FuzzyPass)]
    everybody = fictitious(options.records + options.records // 4, seed=7)
    bare = [passes_of(name)["none"] for name in names]
    here = np.flatnonzero(np.logical_and.reduce([present_in(everybody, one) for one in bare]))
    columns = rows_of(everybody, here[: options.records])
    print("hardening | known pairs | key | " + " | ".join(names) + " | together")
    for key in range(options.keys):
        secret = LinkageKey(bytes(range(key, key + 32))).for_project("attacks benchmark", epoch=1)
        for hardening in options.hardenings:
            passes = [passes_of(name)[hardening] for name in names]
            for told in options.told:
                alone, together = shares(columns, agreement.fields, passes, secret, told)
                cells = " | ".join(f"{share:.4f}" for share in [*alone, together])
                print(f"{hardening} | {told} | {key} | {cells}", flush=True)


if __name__ == "__main__":
    main()
