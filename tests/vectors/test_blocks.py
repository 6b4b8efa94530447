"""Block tags of fixed people under a fixed key: what custodians have sent must stay comparable for ever."""

import pandas as pd

import pprl
from pprl.agreement import preset_text

KEY = pprl.LinkageKey(bytes(range(32)))
BLOCKS = """n_bits = 1024
blocks = [
    { kind = "hamming-lsh", tables = 3, bits = 24 },
    { kind = "fields", parts = [
        { field = "family_name", part = "soundex" },
        { field = "date_of_birth", part = "year" },
    ] },
    { kind = "fields", parts = [
        { field = "postcode", part = "district" },
        { field = "given_name", part = "first-letter" },
    ] },
    { kind = "hamming-lsh", tables = 1, bits = 64 },
]
"""
PEOPLE = {
    "rec_id": ["1", "2", "3", "4", "5"],
    "given_name": ["Siân", "Màiri", "Mary Ann", "Łukasz", None],
    "family_name": ["O'Brien", "NicDhòmhnaill", "null", "Nowak", ""],
    "previous_family_name": ["", "Smith", None, "", ""],
    "date_of_birth": ["03/02/1950", "1961-11-30", "01/01/1900", "09/05/1983", ""],
    "sex": ["F", "2", "f", "M", "9"],
    "postcode": ["AB10 1XG", "eh99 1sp", "ZZ99 3VZ", "", ""],
    "health_number": ["943 476 5919", "", "", "", "3200000007"],
}
TAGS = [
    [2358335855, 815496016, 1669221614, 1310823455, 2018390115, 825381764],
    [3114326715, 3141162747, 1483662960, 2408514687, 3448048647, 2057606310],
    [0, 0, 0, 0, 0, 0],
    [704878796, 2228113553, 2178730815, 2251030355, 0, 208285401],
    [0, 0, 0, 0, 0, 0],
]
ENCODER_TAG = "662bb3cf82e896957f68fcb2c5d17e4f"


def test_block_tags_have_not_moved():
    """Of both kinds of rules, 0 for who lacks a part or is absent; and the encoder tag, which covers them."""
    text = (
        preset_text("uk-health")
        .replace("n_bits = 1024\n", BLOCKS, 1)
        .replace("t = 4, n_bits = 2048", "t = 2, n_bits = 1024")
    )

    package = pprl.encode(
        pd.DataFrame(PEOPLE), pprl.Agreement.from_toml(text.encode("utf-8")), KEY, id="rec_id"
    )

    assert ["names_in_a_bag"] == list(package.tags)
    assert TAGS == package.tags["names_in_a_bag"].tolist()
    assert ENCODER_TAG == package.check_tags.encoder
