"""Linkage schemas are read as clkhash reads them, and what they do without saying so is said."""

import json
import warnings

import pytest

from pprl.errors import DataError, UsageError
from pprl.exchange import clkhash

NGRAM = {"type": "ngram", "n": 2}
SECRET = "a shared secret"


BLAKE, NOT_SINGULAR = {"type": "blakeHash"}, {"type": "doubleHash", "prevent_singularity": True}
NUMERIC = {"type": "numeric", "thresholdDistance": 2, "resolution": 3}
VERSION_1 = {"identifier": "x", "format": {"type": "string"}, "hashing": {"ngram": 2, "weight": 0.01}}
VERSION_2 = {
    "identifier": "x",
    "format": {"type": "string"},
    "hashing": {"ngram": 2, "strategy": {"k": 1, "numBits": 1}},
}


def feature(name: str = "name", form: dict | None = None, comparison: dict | None = None, **hashing) -> dict:
    """A feature of version 3: text, bigrams, 10 bits a token unless said otherwise."""
    how = {"comparison": comparison or NGRAM, "strategy": {"bitsPerToken": 10}} | hashing
    return {"identifier": name, "format": form or {"type": "string"}, "hashing": how}


def document(*features: dict, version: int = 3, **config) -> dict:
    """A schema of 64 bits."""
    settings = {"l": 64, "kdf": {"type": "HKDF"}} | config
    return {"version": version, "clkConfig": settings, "features": list(features or [feature()])}


def quiet(written: dict) -> clkhash.Schema:
    """The schema, whatever is to be said against it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", clkhash.ClkhashWarning)
        return clkhash.Schema.load(written)


def test_version_2_says_what_version_3_says():
    """What was k is bitsPerToken, numBits is bitsPerFeature, n-grams are the only comparison."""
    form = {"type": "string"}
    one = {"ngram": 2, "positional": True, "strategy": {"k": 7}}
    two = {"ngram": 3, "strategy": {"numBits": 90}, "missingValue": {"sentinel": ""}}
    old = [{"identifier": name, "format": form, "hashing": how} for name, how in (("one", one), ("two", two))]
    new = [
        feature("one", comparison=NGRAM | {"positional": True}, strategy={"bitsPerToken": 7}),
        feature(
            "two", comparison=NGRAM | {"n": 3}, strategy={"bitsPerFeature": 90}, missingValue={"sentinel": ""}
        ),
    ]

    features = clkhash.Schema.load(document(*old, version=2)).features

    assert clkhash.Schema.load(document(*new)).features == features


def test_version_1_weighs_k():
    """Rounded to the even number at a half; a weight of nothing makes an ignored feature, which has keys."""
    weights = {"a": {}, "b": {"weight": 0}, "c": {"weight": 0.5}, "d": {"weight": 1.5}}
    old = [
        {"identifier": name, "format": {"type": "string"}, "hashing": {"ngram": 2} | weight}
        for name, weight in weights.items()
    ]
    new = [
        feature("a", strategy={"bitsPerToken": 5}),
        {"identifier": "b", "ignored": True},
        feature("c", strategy={"bitsPerToken": 2}),
        feature("d", strategy={"bitsPerToken": 8}),
    ]

    schema = clkhash.Schema.load(document(*old, version=1, k=5, hash={"type": "blakeHash"}))

    assert clkhash.Schema.load(document(*new)).features == schema.features


def test_documented_folds_are_warned_of_and_can_be_had():
    """The loader reads xor_folds where its documentation says xorFolds."""
    rows = [["Anna"]]
    with pytest.warns(clkhash.ClkhashWarning, match=r"clkConfig\.xorFolds: clkhash reads `xor_folds`"):
        documented = clkhash.Schema.load(document(xorFolds=1))

    as_clkhash = clkhash.encode(rows, documented, SECRET, folding="as-clkhash")
    as_documented = clkhash.encode(rows, documented, SECRET, folding="as-documented")

    assert clkhash.encode(rows, quiet(document()), SECRET) == as_clkhash
    assert clkhash.encode(rows, quiet(document(xor_folds=1)), SECRET) == as_documented
    with pytest.warns(clkhash.ClkhashWarning, match="is 1, but as-documented filters are folded 0 times"):
        clkhash.encode(rows, quiet(document(xor_folds=1)), SECRET, folding="as-documented")
    with pytest.raises(UsageError, match="no such folding") as caught:
        clkhash.encode(rows, documented, SECRET, folding="documented")
    assert "did you mean 'as-documented'?" == caught.value.hint


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (document() | {"comment": "x"}, r"comment: this key means nothing here"),
        (document(xorFold=1), r"clkConfig\.xorFold: .*; did you mean 'xorFolds'\?"),
        (document(kdf={"type": "HKDF", "hashes": "x"}), r"clkConfig\.kdf\.hashes: .*; did you mean 'hash'\?"),
        (document(feature() | {"weight": 2}), r"features\[0\]\.weight: this key means nothing"),
        (document(feature(comparison=NGRAM | {"postional": True})), r"comparison\.postional: .*'positional'"),
        (
            document(feature(missingValue={"sentinel": "", "replacewith": "x"})),
            r"features\[0\]\.hashing\.missingValue\.replacewith: .*; did you mean 'replaceWith'\?",
        ),
        (document(feature(hash={"type": "doubleHash"})), r"features\[0\]\.hashing: double hashing .* 2014"),
        (document(feature(missingValue={"sentinel": "N/A"})), r"features\[0\]\..*two missing values agree"),
        (document(kdf={"type": "HKDF", "salt": "abcd-_"}), r"clkConfig\.kdf\.salt: has letters that are not"),
    ],
)
def test_what_clkhash_passes_over_is_said_once(written, said):
    """With its path and the nearest legal word."""
    with pytest.warns(clkhash.ClkhashWarning, match=said) as caught:
        clkhash.Schema.load(written)

    assert [__file__] == [str(warning.filename) for warning in caught]


def test_a_good_schema_is_not_warned_of():
    """Also where a missing value is replaced by nothing, and folds are as documented."""
    missing = {"sentinel": "N/A", "replaceWith": ""}
    written = document(feature(missingValue=missing), xor_folds=1, xorFolds=1)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clkhash.Schema.load(written)

    assert [] == caught


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({}, "version: is none of 1, 2 and 3"),
        (document(version=4), "version: is none of 1, 2 and 3"),
        ({"version": True}, "version: is none of 1, 2 and 3"),
        (document() | {"features": []}, "features: is empty"),
        (document(l="64"), "clkConfig.l: expected `int`, got `str`"),
        (document(l=1000), "clkConfig.l: must be a power of two for blakeHash, got 1000"),
        (document(l=1 << 20, xor_folds=5), "clkConfig.l: makes filters of 33554432 bits"),
        (document(kdf={"type": "HKDF", "keySize": 65}), "clkConfig.kdf.keySize: must be at most 64"),
        (document(kdf={"type": "HKDF", "salt": "a"}), "clkConfig.kdf.salt: is not base64"),
        (document(*[feature()] * 64), "features: has 64 columns (ignored ones count), but HKDF with SHA256"),
        (document(feature(form={"type": "text"})), "features[0].format.type: invalid value 'text'"),
        (
            document(feature(form={"type": "string", "minLenght": 1})),
            "features[0].format.minLenght: is no key",
        ),
        (
            document(feature(form={"type": "string", "pattern": "("})),
            "features[0].format: `pattern` is not a",
        ),
        (document(feature(form={"type": "string", "pattern": "a", "case": "upper"})), "stands alone"),
        (document(feature(form={"type": "date", "format": "%Q"})), "has a directive that strptime does not"),
        (document(feature(form={"type": "date", "format": "%d %d"})), "names a part of the date twice"),
        (document(feature(strategy={})), "features[0].hashing.strategy: wanted one of `bitsPerToken`"),
        (document(feature(hash=NOT_SINGULAR), l=1), "clkConfig.l: of 1 leaves no place that is not singular"),
        (document(feature(comparison=NUMERIC | {"thresholdDistance": 10**400}), l=1), "is too large"),
        (document(VERSION_2, version=2), "features[0].hashing.strategy: wanted one of `k` and `numBits`"),
        (
            document(VERSION_1, version=1, k=9, hash=BLAKE),
            "features[0].hashing: `weight` times `k` is not from 1",
        ),
        (document({"identifier": "x"}), "features[0]: wanted `format` and `hashing`, or `ignored` true"),
        (
            document(feature(hash={"type": "blakeHash", "prevent_singularity": True})),
            "features[0].hashing.hash: `prevent_singularity` goes with doubleHash only",
        ),
        (
            document(feature(comparison=NUMERIC | {"thresholdDistance": 0.1})),
            "features[0].hashing.comparison: `fractional_precision` is too small",
        ),
        (
            document(feature(comparison=NUMERIC | {"thresholdDistance": float("inf")})),
            "features[0].hashing.comparison: `thresholdDistance` is too large",
        ),
    ],
)
def test_a_mistake_in_a_schema_is_named_by_its_path(written, said):
    """As in the file, whatever its version."""
    with pytest.raises(DataError) as caught:
        quiet(written)

    assert caught.value.message.startswith("linkage schema: ")
    assert said in caught.value.message


def test_63_columns_are_the_most_at_the_defaults():
    """Longer hashes or shorter keys make room for more."""
    many = [feature()] * 126

    schemas = [
        quiet(document(*many, kdf={"type": "HKDF"} | kdf)) for kdf in ({"hash": "SHA512"}, {"keySize": 32})
    ]

    assert [126, 126] == [len(schema.features) for schema in schemas]
    assert 63 == len(quiet(document(*many[:63])).features)


def test_schemas_are_read_from_files(tmp_path):
    """A file that is no JSON object, or says something twice, is refused."""
    (tmp_path / "good.json").write_text(json.dumps(document()), encoding="utf-8")
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    (tmp_path / "twice.json").write_text('{"version": 3, "version": 2}', encoding="utf-8")

    schema = clkhash.Schema.load(tmp_path / "good.json")

    assert clkhash.Schema.load(document()) == schema
    assert "Schema(version 3, 1 of 1 features hashed, 64 bits)" == repr(schema)
    with pytest.raises(DataError, match="is not a JSON object"):
        clkhash.Schema.load(tmp_path / "list.json")
    with pytest.raises(DataError, match="has the key 'version' twice"):
        clkhash.Schema.load(tmp_path / "twice.json")
