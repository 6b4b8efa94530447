"""Encodings of fixed people under a fixed key: what custodians have sent must stay comparable for ever."""

import hashlib
import re

import pandas as pd
import pytest

import pprl
from pprl.agreement import preset_text

KEY = pprl.LinkageKey(bytes(range(32)))
PEOPLE = {
    "febrl": {
        "rec_id": ["1", "2", "3", "4", "5"],
        "given_name": ["Siân", "john", "Mary Ann", "Łukasz", None],
        "surname": ["O'Brien", "smith-jones", "null", "nowak", "x"],
        "date_of_birth": ["19500203", "1961-11-30", "", "19830509", "19830230"],
        "address_1": ["1 hay street", "flat 2/22 bent court", "3 long road", None, ""],
        "suburb": ["perth", "sydney", "hobart", "cairns", ""],
        "postcode": ["6000", "2000", "7000", "0800", ""],
        "state": ["wa", "NSW ", "tas", None, "x"],
    },
    "uk-health": {
        "rec_id": ["1", "2", "3", "4", "5"],
        "given_name": ["Siân", "Màiri", "Mary Ann", "Łukasz", None],
        "family_name": ["O'Brien", "NicDhòmhnaill", "null", "Nowak", ""],
        "previous_family_name": ["", "Smith", None, "", ""],
        "date_of_birth": ["03/02/1950", "1961-11-30", "01/01/1900", "09/05/1983", ""],
        "sex": ["F", "2", "f", "M", "9"],
        "postcode": ["AB10 1XG", "eh99 1sp", "ZZ99 3VZ", "BT7 1NN", ""],
        "health_number": ["943 476 5919", "", "", "", "3200000007"],
    },
}
DIGESTS = {
    ("febrl", 2, 1024): {
        "everything": "73835ab88cfe96b8f0673034e4d711fd",
        "without_date_of_birth": "0f4695b9d4c066b762a879c90abb3fed",
        "without_address": "a76173998dabc14e5c2c5e9916794597",
        "without_names": "d893a9c07564f5de86e9ddb6324aefbb",
        "key tag": "1ec9d835acb45e699e5b76f89568a9f3",
        "encoder tag": "7f8fb065035cb56b5c9410c79c88d0b0",
    },
    ("uk-health", 2, 1024): {
        "health_number": "5be44d1f9f3c3f098661552b033b0718",
        "names_in_a_bag": "927b15087b6084fb0c3612105ac50a3d",
        "names_by_part": "df0a18ff63c5bb96e072084edcd32e89",
        "without_address": "b45821becf3781663250e8941c22d4a0",
        "without_family_name": "1a9d4e973c1be228a83b40bfabad705d",
        "key tag": "81d2f5258b5362c68fab8110ec9d5f28",
        "encoder tag": "0ea27eeaaa01e29cc485a76be8865ac6",
    },
    ("uk-health", 3, 1024): {
        "health_number": "964ec5cc4e4af943a21f434030c1c1f8",
        "names_in_a_bag": "ec973b96d41ffa80ade6250b091a39cb",
        "names_by_part": "8614b91ca23f40bdcb10511e7134db6e",
        "without_address": "6cae271013eda123ae6822c4cb5573b2",
        "without_family_name": "945d87bbfe6159b536b8590c964a70b6",
        "key tag": "bec6e2d88d195cfe47765a6e6966626c",
        "encoder tag": "f14a52e2cd318c1129d63b35a30272e2",
    },
    ("uk-health", 4, 2048): {
        "health_number": "06e21103ca8da1fcf9649e2981a0c773",
        "names_in_a_bag": "51a899846ae5549adcbb562d79609cab",
        "names_by_part": "058aa2386583725eea053dfc5a33148b",
        "without_address": "42a0354b2c4fd51d9b644a9e766e4950",
        "without_family_name": "37f27b4a2ce3374a1507271055c798fa",
        "key tag": "34013b2cc86f8b0f99f71e5795a1c7fe",
        "encoder tag": "f1d46b387eaaf143966c3560cde7e2d6",
    },
}


@pytest.mark.parametrize(("preset", "t", "n_bits"), DIGESTS)
def test_encodings_have_not_moved(preset, t, n_bits):
    """Bits of every pass, presence, and both check tags."""
    text = re.sub(
        r"diffuse\", t = \d, n_bits = \d+", f'diffuse", t = {t}, n_bits = {n_bits}', preset_text(preset)
    )
    agreement = pprl.Agreement.from_toml(text.encode("utf-8"))

    package = pprl.encode(pd.DataFrame(PEOPLE[preset]), agreement, KEY, id="rec_id")

    found = {
        name: hashlib.sha256(bits.to_bytes() + package.present[name].tobytes()).hexdigest()[:32]
        for name, bits in package.passes.items()
    }
    found |= {"key tag": package.check_tags.key, "encoder tag": package.check_tags.encoder}

    assert DIGESTS[preset, t, n_bits] == found
