"""
Read a set and tidy its fields, the same for all peers, as their users would; standard library only.

An empty text stands for what is not known.
"""

import csv
import json
import re
import unicodedata
from pathlib import Path

PLACEHOLDERS = {"1900-01-01", "1901-01-01", "9999-12-31"}
DIGITS_OF_A_DATE = 8


def words(text):
    """Lower case, no accents, no punctuation, single spaces."""
    plain = "".join(
        one for one in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(one)
    )
    return " ".join(re.sub(r"[^a-z0-9]+", " ", plain.replace("'", "")).split())


def date(text):
    """Write YYYYMMDD and YYYY-MM-DD as the latter; a date that stands for "unknown" is not known."""
    digits = re.sub(r"\D", "", text)
    if len(digits) != DIGITS_OF_A_DATE:
        return ""
    iso = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    return "" if iso in PLACEHOLDERS else iso


def postcode(text):
    """Upper case and single spaces; ZZ99 codes say that there is no address."""
    upper = " ".join(text.upper().split())
    return "" if upper.startswith("ZZ99") else upper


def digits(text):
    """Keep digits alone."""
    return re.sub(r"\D", "", text)


RULES = {"date_of_birth": date, "postcode": postcode, "health_number": digits}


def read_table(path, fields):
    """Give the records of a table as dictionaries, tidied."""
    with path.open(newline="", encoding="utf-8") as stream:
        return [
            {"record_id": row["record_id"]} | {name: RULES.get(name, words)(row[name]) for name in fields}
            for row in csv.DictReader(stream)
        ]


def read_set(folder):
    """Give what set.json says, and one table for each source."""
    folder = Path(folder)
    about = json.loads((folder / "set.json").read_text(encoding="utf-8"))
    sides = ("left", "right") if about["kind"] == "link" else ("left",)
    return about, [read_table(folder / f"{side}.csv", about["fields"]) for side in sides]
