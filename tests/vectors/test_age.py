"""Sealed files as others write them, right and wrong: vectors of the age project.

The vectors are those of C2SP's CCTV, npm package cctv-age 0.2.0, which anybody may copy
(CC0-1.0).  Left out are those whose names begin with ``armor_``: there is no armour here.
"""

import base64
import hashlib
import io
import json
import os
import re
import zlib
from pathlib import Path

import pytest

from pprl.errors import PprlError
from pprl.exchange.age import Passphrase, PqIdentity, X25519Identity, decrypt_stream

VECTORS = json.loads((Path(__file__).parent / "cctv_age_vectors.json").read_text("ascii"))
IN_HEADER = {"authentication/age-header", "authentication/age-truncated", "version/age-version"}
# What a vector expects, whether the header must have been good, and the codes that say so.
CODES = {
    "header failure": (False, IN_HEADER),
    "HMAC failure": (False, {"authentication/age-mac"}),
    "no match": (False, {"authentication/age-no-identity"}),
    "payload failure": (
        True,
        {"authentication/age-payload", "authentication/age-truncated", "authentication/age-trailing"},
    ),
    "success": (True, {""}),
}
MAKERS = {
    "passphrase": Passphrase,
    "identity": lambda text: (PqIdentity if "-PQ-" in text else X25519Identity).parse(text),
}
NPM = os.environ.get("PPRL_NPM")


def parse(vector):
    """Give the pairs at the beginning of a vector, and the sealed file behind them."""
    head, sealed = base64.b64decode(vector).split(b"\n\n", 1)
    pairs = [line.split(": ", 1) for line in head.decode().split("\n")]
    return pairs, zlib.decompress(sealed) if ["compressed", "zlib"] in pairs else sealed


def opened(sealed, identities):
    """Give whether the header was good, all that was given out, and the code at the end."""
    out, good = b"", False
    try:
        stream = decrypt_stream(io.BytesIO(sealed), identities)
        good = True
        for piece in stream:
            out += piece
    except PprlError as error:
        return good, out, error.code
    return good, out, ""


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_is_opened_or_refused_as_it_says(name):
    """At the header or in the content, after exactly the chunks that are authentic."""
    pairs, sealed = parse(VECTORS[name])
    wanted = dict(pairs)
    identities = [MAKERS[key](text) for key, text in pairs if key in MAKERS]

    good, out, code = opened(sealed, identities)

    header_good, codes = CODES[wanted["expect"]]
    assert header_good == good
    assert code in codes
    assert wanted.get("payload", hashlib.sha256(b"").hexdigest()) == hashlib.sha256(out).hexdigest()


def test_there_are_vectors_of_every_kind():
    """A list that was cut would pass as well."""
    expected = [dict(parse(vector)[0])["expect"] for vector in VECTORS.values()]

    counts = {kind: expected.count(kind) for kind in CODES}

    assert {
        "header failure": 60,
        "HMAC failure": 1,
        "no match": 12,
        "payload failure": 18,
        "success": 19,
    } == counts


@pytest.mark.skipif(NPM is None, reason="PPRL_NPM names no folder of npm packages")
def test_the_vectors_are_those_of_the_package():
    """All that are not about armour, and unchanged."""
    source = (Path(NPM) / "cctv-age" / "index.js").read_text("ascii")
    theirs = dict(re.findall(r'var (\w+)_default = __toBinary\("([^"]*)"\)', source))

    applicable = {name: text for name, text in theirs.items() if not name.startswith("armor_")}

    assert applicable == VECTORS
