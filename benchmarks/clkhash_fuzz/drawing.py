"""
Random linkage schemas of versions 1, 2 and 3, and rows for them.

Good rows satisfy the formats.  Odd rows hold what people find in real columns, and may be
refused; then both sides must refuse them.
"""

import base64
import datetime as dt
from typing import Any

import numpy as np

Json = dict[str, Any]

LETTERS = list("abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ'-.0123456789éŁßøñçİ日本𝄞")
ODD = [
    *["", " ", "7", " 7", "+7", "-0", "007", "1_000", "٣", "1.5", "-2.5e3", "nan", "inf", "1e400", "0x10"],
    *["a", "A", "É", "ß", "İ", "\u017f", "N/A", "NULL", "\u00a0", "\ud800", "日本", "x" * 70, "9" * 30],
    *["2023-02-30", "2023-02-28", "0999-01-05", "01/02/99", "31/12/1999", "20230228", "2023-2-8"],
]
SENTINELS = ["", "N/A", "missing", "0", "-1", "É"]
DATE_FORMATS = [
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%Y%m%d",
    "%d/%m/%y",
    "%d %B %Y",
    "%j %Y",
    "%d/%m",
    "%H:%M %b",
    "%Y-%m-%d %H:%M:%S",
]


class Draw:
    """Draws one case from a generator."""

    def __init__(self, seed: tuple[int, int]) -> None:
        self.rng = np.random.default_rng(seed)

    def one(self, choices):
        """Draw one of several."""
        return choices[int(self.rng.integers(len(choices)))]

    def some(self, low, high):
        """Draw a whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, probability=0.5):
        """Say yes as often as told."""
        return bool(self.rng.random() < probability)

    def text(self, low, high, letters=LETTERS):
        """Draw letters, some of them alike so that tokens repeat."""
        few = [self.one(letters) for _ in range(max(1, self.some(1, 6)))]
        return "".join(self.one(few if self.chance() else letters) for _ in range(self.some(low, high)))

    def base64(self):
        """Draw bytes, in base64."""
        return base64.b64encode(self.rng.bytes(self.some(0, 80))).decode()

    def case(self, n_rows=12, n_odd=6):
        """Draw a schema, a secret, good rows and odd rows."""
        schema = VERSIONS[self.some(1, 3)](self)
        features = schema["features"]
        return {
            "schema": schema,
            "secret": self.text(1, 40),
            "rows": [[self.value(feature) for feature in features] for _ in range(n_rows)],
            "odd_rows": [[self.odd_value(feature) for feature in features] for _ in range(n_odd)],
        }

    def kdf(self, n_features, *, blake):
        """Draw options of the key derivation, within what HKDF can give."""
        name = self.one(["SHA256", "SHA512"])
        most = 255 * (32 if name == "SHA256" else 64) // (2 * n_features)
        options = {"hash": name, "keySize": self.some(1, min(most, 64 if blake else 150))}
        options |= {key: self.base64() for key in ("salt", "info") if self.chance(0.7)}
        if most >= 64 and self.chance(0.3):
            del options["keySize"]
        if name == "SHA256" and self.chance(0.3):
            del options["hash"]
        return {"type": "HKDF"} | options

    def length(self, *, blake):
        """Draw the bits of a CLK: a power of two where BLAKE is used."""
        return 2 ** self.some(3, 13) if blake else self.some(2, 3000)

    def hash(self, *, blake):
        """Draw a hash of the wanted kind."""
        if blake:
            return {"type": "blakeHash"}
        return {"type": "doubleHash"} | ({"prevent_singularity": self.chance()} if self.chance(0.7) else {})

    def format(self):
        """Draw the format of a feature."""
        return self.one(
            [self.text_format, self.text_format, self.integer_format, self.date_format, self.enum_format]
        )()

    def text_format(self):
        """Draw a format of text, sometimes with a pattern, a case or a length."""
        encoding = {"encoding": self.one(["ascii", "utf-8", "utf-16", "utf-32"])} if self.chance(0.6) else {}
        if self.chance(0.2):
            return {"type": "string", "pattern": r"[A-Z]{1,2}\d{1,3}", **encoding}
        rules = {"case": self.one(["upper", "lower", "mixed"]), "minLength": self.some(0, 2), "maxLength": 40}
        return {"type": "string", **encoding} | {k: v for k, v in rules.items() if self.chance(0.4)}

    def integer_format(self):
        """Draw a format of whole numbers, sometimes within bounds."""
        bounds = {"minimum": self.some(-200, 0), "maximum": self.some(1, 200000)}
        return {"type": "integer"} | {key: value for key, value in bounds.items() if self.chance()}

    def date_format(self):
        """Draw a format of dates."""
        return {"type": "date", "format": self.one(DATE_FORMATS)}

    def enum_format(self):
        """Draw a format of a few values."""
        return {"type": "enum", "values": [self.text(0, 5) for _ in range(self.some(1, 4))]}

    def ngram(self):
        """Draw an n-gram comparison."""
        return {"type": "ngram", "n": self.some(1, 4)} | (
            {"positional": self.chance()} if self.chance(0.8) else {}
        )

    def comparison(self, form):
        """Draw a comparison that the format can feed."""
        if form.get("numbers") or (form["type"] in {"integer", "date"} and self.chance()):
            precision = self.some(0, 4)
            distance = self.one([self.some(1, 50), round(float(self.rng.random()) * 20 + 1, 3)])
            numeric = {"type": "numeric", "thresholdDistance": distance, "resolution": self.some(1, 12)}
            return numeric | ({"fractional_precision": precision} if precision else {})
        return self.ngram() if self.chance(0.7) else {"type": "exact"}

    def missing(self, encoding="utf-8", *, numbers=False):
        """Draw what stands for a missing value."""
        texts = (
            ["", "0", "-1"] if numbers else [one for one in SENTINELS if encoding != "ascii" or one.isascii()]
        )
        missing = {"sentinel": self.one(texts)}
        return missing | ({"replaceWith": self.one(texts)} if self.chance() else {})

    def value(self, feature):
        """Draw a text that satisfies a feature."""
        hashing, form = feature.get("hashing", {}), feature.get("format")
        if form is None:
            return self.one(ODD)
        if "missingValue" in hashing and self.chance(0.2):
            return hashing["missingValue"]["sentinel"]
        if form["type"] == "string" and hashing.get("comparison", {}).get("type") == "numeric":
            return self.one(
                ["", "0", "12", "-7", "3.14159", "1e3", " 2.5 ", "-0.05", "100000.4", "2.5", "3.5"]
            )
        return getattr(self, f"{form['type']}_value")(form)

    def odd_value(self, feature):
        """Draw mostly a good text, now and then what may be refused."""
        return self.one(ODD) if self.chance(0.4) else self.value(feature)

    def string_value(self, form):
        """Draw text within the rules of its format."""
        if "pattern" in form:
            return f"{self.text(1, 2, list('ABCXYZ'))}{self.some(0, 999)}"
        letters = [one for one in LETTERS if form.get("encoding") != "ascii" or one.isascii()]
        if form.get("case", "mixed") != "mixed":
            letters = [one for one in letters if getattr(one, form["case"])() == one]
        return self.text(form.get("minLength", 0), 24, letters)

    def integer_value(self, form):
        """Draw a whole number in one of its spellings."""
        number = self.some(form.get("minimum", -(10**12)), form.get("maximum", 10**12))
        return self.one(["{}", " {} ", "{:+}", "{:_}", "{:07}"]).format(number)

    def date_value(self, form):
        """Draw a date, some of them long ago."""
        day = dt.datetime.fromordinal(
            self.some(dt.date(1000, 1, 1).toordinal(), dt.date(2100, 1, 1).toordinal())
        )
        if "y" not in form["format"].lower():  # the year is 1900, which has no 29 February
            day = day.replace(day=min(day.day, 28))
        return day.strftime(form["format"])

    def enum_value(self, form):
        """Draw one of the values."""
        return self.one(form["values"])


def version_1(draw: Draw) -> Json:
    """Draw one hash and one k for all features, which are weighted."""
    blake, n = draw.chance(), draw.some(1, 6)
    features = []
    for place in range(n):
        if draw.chance(0.15):
            features.append({"identifier": f"f{place}", "ignored": True})
            continue
        form = draw.format()
        hashing: Json = {"ngram": draw.some(1, 4)} | ({"positional": draw.chance()} if draw.chance() else {})
        if draw.chance(0.7):
            hashing["weight"] = draw.one([0, 1, 0.5, 1.5, 2, round(float(draw.rng.random()) * 3 + 0.2, 2)])
        if draw.chance(0.4):
            hashing["missingValue"] = draw.missing(form.get("encoding", "utf-8"))
        features.append({"identifier": f"f{place}", "format": form, "hashing": hashing})
    config = {"l": draw.length(blake=blake), "k": draw.some(5, 50), "hash": draw.hash(blake=blake)}
    config["kdf"] = draw.kdf(n, blake=blake)
    return {"version": 1, "clkConfig": config | folds(draw), "features": features}


def version_2(draw: Draw) -> Json:
    """Draw a hash and a strategy for each feature, n-grams only."""
    blake, n = draw.chance(), draw.some(1, 6)
    features = []
    for place in range(n):
        if draw.chance(0.15):
            features.append({"identifier": f"f{place}", "ignored": True})
            continue
        form = draw.format()
        strategy = {"k": draw.some(1, 70)} if draw.chance() else {"numBits": draw.some(1, 400)}
        hashing: Json = {"ngram": draw.some(1, 4), "strategy": strategy}
        features.append(
            {"identifier": f"f{place}", "format": form, "hashing": common(draw, hashing, form, blake=blake)}
        )
    config = {"l": draw.length(blake=blake), "kdf": draw.kdf(n, blake=blake)}
    return {"version": 2, "clkConfig": config | folds(draw), "features": features}


def version_3(draw: Draw) -> Json:
    """Draw any comparison."""
    blake, n = draw.chance(), draw.some(1, 8)
    features = []
    for place in range(n):
        if draw.chance(0.15):
            features.append({"identifier": f"f{place}", "ignored": True})
            continue
        form = draw.format()
        if form["type"] == "string" and draw.chance(0.3):
            form = {"type": "string", "numbers": True}
        strategy = (
            {"bitsPerToken": draw.some(1, 70)} if draw.chance() else {"bitsPerFeature": draw.some(1, 400)}
        )
        hashing: Json = {"comparison": draw.comparison(form), "strategy": strategy}
        form.pop("numbers", None)
        features.append(
            {"identifier": f"f{place}", "format": form, "hashing": common(draw, hashing, form, blake=blake)}
        )
    config = {"l": draw.length(blake=blake), "kdf": draw.kdf(n, blake=blake)}
    return {"version": 3, "clkConfig": config | folds(draw), "features": features}


def common(draw: Draw, hashing: Json, form: Json, *, blake: bool) -> Json:
    """Draw what versions 2 and 3 say alike."""
    if not blake or draw.chance():
        hashing["hash"] = draw.hash(blake=blake and draw.chance(0.6))
    if draw.chance(0.4):
        numbers = hashing.get("comparison", {}).get("type") == "numeric"
        hashing["missingValue"] = draw.missing(form.get("encoding", "utf-8"), numbers=numbers)
    return hashing


def folds(draw: Draw) -> Json:
    """Draw folds under the name that clkhash reads, under the documented one, both or none."""
    read, documented = {"xor_folds": draw.some(0, 3)}, {"xorFolds": draw.some(0, 3)}
    return draw.one([{}, read, documented, read | documented])


VERSIONS = {1: version_1, 2: version_2, 3: version_3}
