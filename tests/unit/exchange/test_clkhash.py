"""CLKs are those of clkhash, and a value that is refused is not shown."""

import base64
import gc
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes as algorithms
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from pprl.errors import DataError, ResourceError, UsageError
from pprl.exchange import clkhash
from pprl.exchange.clkhash.hashes import derive_keys

NGRAM = {"type": "ngram", "n": 2}
SECRET = "a shared secret"
DOCUMENT = Path(__file__).parents[3] / "docs" / "clkhash.md"


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


def clk(value: str, one: dict) -> str:
    """The CLK of one value of one feature."""
    return clkhash.encode([[value]], quiet(document(one)), SECRET)[0]


def twin(rows: list, written: dict, secret: str) -> list[str]:
    """Encode record by record and bit by bit: slow, and as INTEROP puts it."""
    size, n_bits = written["clkConfig"]["kdf"]["keySize"], written["clkConfig"]["l"]
    folds, features = written["clkConfig"]["xor_folds"], written["features"]
    length = 2 * len(features) * size
    keys = HKDF(algorithms.SHA256(), length, salt=None, info=None).derive(secret.encode())
    clks = []
    for row in rows:
        bits = 0
        for i, (one, value) in enumerate(zip(features, row, strict=True)):
            pair = keys[2 * i * size :][:size], keys[(2 * i + 1) * size :][:size]
            for place in (
                () if one.get("ignored") else twin_places(one["hashing"], value, pair, n_bits << folds)
            ):
                bits |= 1 << ((n_bits << folds) - 1 - place)
        for fold in reversed(range(folds)):
            half = n_bits << fold
            bits = (bits >> half) ^ (bits & ((1 << half) - 1))
        clks.append(base64.b64encode(bits.to_bytes(n_bits // 8, "big")).decode())
    return clks


def twin_places(hashing: dict, value: str, pair: tuple[bytes, bytes], n_bits: int):
    """The places of one value, for n-grams."""
    n, positional = hashing["comparison"]["n"], hashing["comparison"]["positional"]
    padded = " " * (n - 1) + value + " " * (n - 1)
    grams = [padded[i : i + n] for i in range(len(padded) - n + 1)] if value else []
    for t, gram in enumerate(grams):
        token = (f"{t + 1} {gram}" if positional else gram).encode()
        total = hashing["strategy"].get("bitsPerFeature", 0)
        k = hashing["strategy"].get("bitsPerToken", total // len(grams) + (t < total % len(grams)))
        for j in range(k):
            if hashing["hash"]["type"] == "blakeHash":
                digest = hashlib.blake2b(token, key=pair[0], salt=str(j // 32).encode()).digest()
                yield int.from_bytes(digest[2 * (j % 32) :][:2], "little") % n_bits
            else:
                sha, md = (
                    int.from_bytes(hmac.digest(key, token, name))
                    for key, name in zip(pair, ("sha1", "md5"), strict=True)
                )
                yield (sha + j * md) % n_bits


HASHINGS = st.fixed_dictionaries(
    {
        "comparison": st.fixed_dictionaries(
            {"type": st.just("ngram"), "n": st.integers(1, 3), "positional": st.booleans()}
        ),
        "strategy": st.fixed_dictionaries({"bitsPerToken": st.integers(1, 70)})
        | st.fixed_dictionaries({"bitsPerFeature": st.integers(1, 300)}),
        "hash": st.sampled_from([{"type": "blakeHash"}, {"type": "doubleHash"}]),
    }
)
FEATURES = st.lists(
    HASHINGS.map(lambda hashing: feature(**hashing)) | st.just({"identifier": "x", "ignored": True}),
    min_size=1,
    max_size=4,
)


@given(FEATURES, st.integers(0, 2), st.sampled_from([8, 64, 512]), st.integers(1, 64), st.data())
def test_the_fast_way_is_the_slow_way(features, folds, n_bits, key_size, data):
    """Chunks, distinct values and masks change nothing; ignored features count for keys."""
    written = document(*features, l=n_bits, kdf={"type": "HKDF", "keySize": key_size}, xor_folds=folds)
    values = st.text(st.sampled_from("ab é"), max_size=5)
    rows = data.draw(st.lists(st.tuples(*[values] * len(features)), max_size=5))

    clks = clkhash.encode(rows, quiet(written), SECRET)

    assert twin(rows, written, SECRET) == clks


def test_chunks_do_not_show(monkeypatch):
    """Rows of several chunks come out as they do alone."""
    monkeypatch.setattr("pprl.exchange.clkhash.encoding._CELLS", 64 * 3)
    schema = quiet(document())
    rows = [[f"name {row % 4}"] for row in range(11)]

    clks = clkhash.encode(rows, schema, SECRET)

    assert [clkhash.encode([row], schema, SECRET)[0] for row in rows] == clks
    with pytest.raises(DataError, match=r"^feature name, row 10: is not text$"):
        clkhash.encode([*rows[:9], [None], [None]], schema, SECRET)


@pytest.mark.parametrize("name", ["SHA256", "SHA512"])
@pytest.mark.parametrize("n_bytes", [1, 64, 128, 255 * 32])
def test_keys_are_those_of_hkdf(name, n_bytes):
    """Ours agrees with that of the cryptography package, to the longest it gives."""
    theirs = HKDF(getattr(algorithms, name)(), n_bytes, salt=b"salt", info=b"info").derive(b"secret")

    ours = derive_keys(b"secret", hash_name=name, salt=b"salt", info=b"info", n_bytes=n_bytes)

    assert theirs == ours


NUMERIC = {"type": "numeric", "thresholdDistance": 2, "resolution": 3}
REFUSED = [
    (feature(form={"type": "string", "encoding": "ascii"}), "Zoë-77", "has letters that ascii cannot write"),
    (feature(), "Zoë-\ud800", "has letters that utf-8 cannot write"),
    (feature(form={"type": "string", "minLength": 9}), "Zoë-77", "is shorter than 9 characters"),
    (feature(form={"type": "string", "maxLength": 2}), "Zoë-77", "is longer than 2 characters"),
    (feature(form={"type": "string", "case": "upper"}), "Zoë-77", "is not in upper case"),
    (feature(form={"type": "string", "case": "lower"}), "Zoë-77", "is not in lower case"),
    (feature(form={"type": "string", "pattern": "[a-z]+"}), "Zoë-77", "does not match the pattern"),
    (feature(form={"type": "integer"}), "Zoë-77", "is not a whole number"),
    (feature(form={"type": "integer", "minimum": 5}), "-778899", "is below 5"),
    (feature(form={"type": "integer", "maximum": 5}), "778899", "is above 5"),
    (
        feature(form={"type": "date", "format": "%d/%m/%Y"}),
        "30/02/1977",
        "is not a date of the form %d/%m/%Y",
    ),
    (feature(form={"type": "enum", "values": ["M", "F"]}), "Zoë-77", "is not one of the 2 values allowed"),
    (feature(comparison=NUMERIC), "Zoë-77", "is not a number that can be compared"),
    (feature(comparison=NUMERIC), "1e999", "is not a number that can be compared"),
    (feature(comparison=NUMERIC, missingValue={"sentinel": "Zoë-77"}), "Zoë-77", "is not a number"),
]


@pytest.mark.parametrize(("one", "value", "problem"), REFUSED)
def test_a_refused_value_is_named_by_feature_and_row_and_never_shown(one, value, problem):
    """Nor does the error hold it, or another error that does."""
    schema = quiet(document({"identifier": "id", "ignored": True}, one | {"identifier": "surname"}))

    with pytest.raises(DataError) as caught:
        clkhash.encode([["1", ""], ["2", value]] if one == REFUSED[1][0] else [["1", value]], schema, SECRET)

    assert caught.value.message.startswith("feature surname, row ")
    assert problem in caught.value.message
    assert value not in f"{caught.value.message}{caught.value.hint}{caught.value.args}"
    assert (None, None) == (caught.value.__context__, caught.value.__cause__)


def test_the_first_row_that_is_refused_is_named():
    """Rows count from 1; of two features, the one in the earlier row."""
    number = {"type": "integer"}
    schema = quiet(document(feature("a", number), feature("b", number)))
    rows = [["1", "1"], ["1", "x"], ["x", "1"]]

    with pytest.raises(DataError, match=r"^feature b, row 2: is not a whole number$"):
        clkhash.encode(rows, schema, SECRET)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([["a"], ["a", "b"]], "row 2: has 2 values, the schema has 1 features"),
        ([["a"], []], "row 2: has 0 values"),
        (["a"], "row 1: is a text, wanted a sequence of texts"),
        ([["a"], [7]], "feature name, row 2: is not text"),
    ],
)
def test_rows_of_another_shape_are_refused(rows, said):
    """With their number."""
    with pytest.raises(DataError, match=said):
        clkhash.encode(rows, quiet(document()), SECRET)


@pytest.mark.parametrize("secret", ["", b"", None, 7, "\ud800"])
def test_a_secret_is_text_or_bytes(secret):
    """And not empty."""
    with pytest.raises(UsageError, match="the secret"):
        clkhash.encode([["a"]], quiet(document()), secret)


def test_text_and_its_bytes_are_one_secret():
    """Text is UTF-8."""
    schema = quiet(document())

    clks = [clkhash.encode([["Anna"]], schema, secret) for secret in ("schlüssel", "schlüssel".encode())]

    assert clks[0] == clks[1]


@pytest.mark.parametrize(
    ("one", "values"),
    [
        (feature(form={"type": "integer"}), ["7", " 7 ", "+7", "007", "0_7"]),
        (feature(comparison=NUMERIC), ["7", "7.9", " 7.0", "+7"]),
        (feature(comparison=NUMERIC | {"fractional_precision": 1}), ["7.04", "7.0", "7", "70e-1"]),
        (feature(missingValue={"sentinel": "N/A", "replaceWith": "Anna"}), ["N/A", "Anna"]),
        (feature(form={"type": "date", "format": "%j %Y"}), ["032 1977", "32 1977"]),
        (feature(form={"type": "date", "format": "%d/%m"}), ["03/02", "3/2"]),
    ],
)
def test_spellings_that_clkhash_holds_to_be_one(one, values):
    """A number without decimals is cut and not rounded: clkhash does so."""
    clks = {clk(value, one) for value in values}

    assert 1 == len(clks)


def test_years_before_1000_have_no_leading_zeros():
    """As strftime of Linux wrote them under the Pythons that clkhash runs on."""
    exact = {"type": "exact"}

    dated = clk("0999-01-05", feature(form={"type": "date", "format": "%Y-%m-%d"}, comparison=exact))

    assert clk("9990105", feature(comparison=exact)) == dated


def test_a_date_without_a_year_is_of_1900():
    """On any Python, without a warning of it."""
    dated = clk("05/01", feature(form={"type": "date", "format": "%d/%m"}))

    assert clk("19000105", feature()) == dated


def test_a_step_of_zero_is_avoided_where_asked():
    """Among 64 tokens and 4 bits some have one; then all insertions fall into one place."""
    rows = [[chr(97 + i // 8) + chr(97 + i % 8)] for i in range(64)]
    hashes = [{"type": "doubleHash", "prevent_singularity": wanted} for wanted in (False, True)]
    written = [document(feature(comparison={"type": "exact"}, hash=one), l=4) for one in hashes]

    single, spread = (
        clkhash.bits_from_clks(clkhash.encode(rows, quiet(one), SECRET)).popcounts() for one in written
    )

    assert 1 == single.min()
    assert 2 == spread.min()


def test_where_md5_is_forbidden_double_hashing_says_so(monkeypatch):
    """As on a machine in FIPS mode."""

    def refuse(*_):
        raise ValueError("unsupported hash type md5")

    schema = quiet(document(feature(hash={"type": "doubleHash"})))
    monkeypatch.setattr(hmac, "digest", lambda key, message, name: refuse() if name == "md5" else b"0" * 32)

    with pytest.raises(ResourceError, match="needs MD5 and SHA-1"):
        clkhash.encode([["a"]], schema, SECRET)


def test_nothing_of_a_person_is_kept():
    """No cache outlives the call: nothing holds the value, and the hashers that knew tokens are gone."""
    name = f"Wilhelmina {os.getpid()}"
    rows, schema = [[name]], quiet(document(feature(), feature("again", hash={"type": "doubleHash"})))
    before = sys.getrefcount(name)

    clkhash.encode([row * 2 for row in rows], schema, SECRET)
    gc.collect()

    assert before == sys.getrefcount(name)
    assert [] == [one for one in gc.get_objects() if type(one).__name__ in {"_BlakeHasher", "_DoubleHasher"}]


def test_the_example_of_the_document_runs(tmp_path):
    """docs/clkhash.md, in a folder with a schema of two features."""
    example = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)[1]
    dated = feature("born", {"type": "date", "format": "%Y-%m-%d"})
    (tmp_path / "schema.json").write_text(json.dumps(document(feature(), dated)), encoding="utf-8")
    script = [sys.executable, "-W", "error", "-c", f"{example}\nprint(bits)"]

    done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ("BitMatrix(2 records x 64 bits)\n", "") == (done.stdout, done.stderr)
