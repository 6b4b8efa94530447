"""
clkhash's side of the comparison: runs in clkhash's own environment and knows nothing of pprl.

Reads cases from standard input, one JSON object a line, and answers each with one line: the
CLKs of the good rows, and for each odd row its CLK, or null if clkhash refuses it.
"""

import json
import sys

from clkhash.clk import generate_clks
from clkhash.schema import from_json_dict
from clkhash.serialization import serialize_bitarray


def clks(rows, schema, secret):
    """Encode rows in this process."""
    made = generate_clks(rows, schema, secret, max_workers=1)
    return [serialize_bitarray(clk) for clk in made]


def clk_or_none(row, schema, secret):
    """Encode one row; None if it is refused, in whatever way."""
    try:
        return clks([row], schema, secret)[0]
    except Exception:  # noqa: BLE001 - clkhash lets many kinds of errors out
        return None


def answer(case):
    """Encode the rows of a case."""
    schema, secret = from_json_dict(case["schema"]), case["secret"]
    return {
        "clks": clks(case["rows"], schema, secret),
        "odd": [clk_or_none(row, schema, secret) for row in case["odd_rows"]],
    }


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
