"""
Encode a set with clkhash and link it with anonlink: CLKs of 1,024 bits, Dice, the greedy solver.

The pairs of two sources are those of one greedy solution at the lowest threshold: the solver
takes pairs in the order of their similarity, so a higher threshold keeps the first of them.

    python theirs_anonlink.py SET_FOLDER ANSWER_FOLDER
"""

import sys

from anonlink import __version__ as version
from anonlink.candidate_generation import find_candidate_pairs
from anonlink.similarities import dice_coefficient
from anonlink.solving import greedy_solve, pairs_from_groups
from answers import Way, ways, write_answer
from clkhash import bloomfilter, key_derivation, schema
from tidying import read_set

N_BITS, LEAST, SECRET = 1024, 0.6, b"secret"
# Of each field: bits that it sets, and whether its bigrams carry their position.
FEATURES = {
    "uk-health": {
        "given_name": (140, False),
        "family_name": (140, False),
        "previous_family_name": (70, False),
        "date_of_birth": (150, True),
        "sex": (20, False),
        "postcode": (90, True),
        "health_number": (150, True),
    },
    "febrl": {
        "given_name": (100, False),
        "surname": (100, False),
        "date_of_birth": (140, True),
        "address_1": (110, False),
        "suburb": (80, False),
        "postcode": (60, True),
        "state": (20, False),
    },
}


def feature(name, bits, *, positional):
    """Describe a field to clkhash."""
    return {
        "identifier": name,
        "format": {"type": "string", "encoding": "utf-8"},
        "hashing": {
            "comparison": {"type": "ngram", "n": 2, "positional": positional},
            "strategy": {"bitsPerFeature": bits},
            "hash": {"type": "blakeHash"},
        },
    }


def schema_of(about):
    """Make the linkage schema of a set."""
    features = FEATURES[about["preset"]]
    kdf = {"type": "HKDF", "hash": "SHA256", "salt": "c2FsdA==", "info": "aW5mbw==", "keySize": 64}
    return schema.from_json_dict(
        {
            "version": 3,
            "clkConfig": {"l": N_BITS, "kdf": kdf},
            "features": [
                feature(name, bits, positional=positional)
                for name, (bits, positional) in features.items()
                if name in about["fields"]
            ],
        }
    )


def clks(table, wanted, secret):
    """Encode a table: dates and postcodes without the marks between their parts."""
    names = [field.identifier for field in wanted.fields]
    keys = key_derivation.generate_key_lists(
        secret,
        len(names),
        key_size=wanted.kdf_key_size,
        salt=wanted.kdf_salt,
        info=wanted.kdf_info,
        hash_algo=wanted.kdf_hash,
    )
    marks = {"date_of_birth": "-", "postcode": " "}
    rows = [
        [row[name].replace(marks[name], "") if name in marks else row[name] for name in names]
        for row in table
    ]
    return [found[0] for found in bloomfilter.stream_bloom_filters(rows, keys, wanted)]


def greedy(encoded):
    """Link two sources: pairs of rows and their similarities."""
    candidates = find_candidate_pairs(encoded, dice_coefficient, LEAST)
    similarity = dict(zip(zip(*candidates[2], strict=True), candidates[0], strict=True))
    return [(*pair, similarity[pair]) for pair in pairs_from_groups(greedy_solve(candidates))]


def alike(encoded):
    """Find all pairs within one source."""
    scores, (left, right) = dice_coefficient((encoded, encoded), LEAST)
    return [(one, two, score) for score, one, two in zip(scores, left, right, strict=True) if one < two]


def main(set_folder, answer_folder):
    """Encode, link and write the answer."""
    about, tables = read_set(set_folder)
    wanted = schema_of(about)
    encoded = [clks(table, wanted, SECRET) for table in tables]
    ids = [[row["record_id"] for row in table] for table in tables]
    found = greedy(encoded) if about["kind"] == "link" else alike(*encoded)
    pairs = [(ids[0][one], ids[-1][two], score) for one, two, score in found]
    answer = (
        {"greedy": Way(pairs, None)} if about["kind"] == "link" else ways(about, pairs, None, "similarity")
    )
    fill = sum(one.count() for side in encoded for one in side) / N_BITS / sum(map(len, encoded))
    write_answer(answer_folder, answer, version=f"clkhash 0.18.3, anonlink {version}", fill=round(fill, 3))


if __name__ == "__main__":
    main(*sys.argv[1:3])
