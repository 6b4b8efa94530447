"""
Fictitious people for the encoding benchmark: given name, family name, date of birth, sex, postcode.

Names are made of syllables, with frequencies that fall as those of real names do (Zipf): some
three thousand given names, thirty thousand family names, ten thousand postcodes.
"""

import csv
from pathlib import Path

import numpy as np

SYLLABLES = (
    "an",
    "bel",
    "car",
    "da",
    "el",
    "fi",
    "gor",
    "ha",
    "is",
    "jo",
    "kar",
    "lo",
    "mi",
    "na",
    "ro",
    "sta",
)
COLUMNS = ("given_name", "family_name", "date_of_birth", "sex", "postcode")


def names(n: int, n_syllables: int, rng: np.random.Generator) -> np.ndarray:
    """Make n distinct names."""
    made: dict[str, None] = {}
    while len(made) < n:
        drawn = rng.integers(len(SYLLABLES), size=(n, n_syllables))
        made |= dict.fromkeys("".join(SYLLABLES[i] for i in row) for row in drawn.tolist())
    return np.array(list(made)[:n])


def people(n: int, seed: int) -> dict[str, np.ndarray]:
    """Draw n people, as columns of text."""
    rng = np.random.default_rng(seed)

    def often(values: np.ndarray) -> np.ndarray:
        weights = 1 / np.arange(10, len(values) + 10)
        return rng.choice(values, size=n, p=weights / weights.sum())

    born = np.datetime64("1930-01-01") + rng.integers(0, 30_000, size=n).astype("timedelta64[D]")
    postcodes = np.array(
        [
            f"{a}{b}{c} {d}{e}"
            for a in ("AB", "EH", "M", "SW")
            for b in range(1, 10)
            for c in ("", "1", "2")
            for d in range(1, 10)
            for e in ("AA", "BD", "EF", "GH", "JK", "LN", "PQ", "RS", "TU", "XY")
        ]
    )
    return {
        "given_name": often(names(3_000, 3, rng)),
        "family_name": often(names(30_000, 4, rng)),
        "date_of_birth": born.astype(str),
        "sex": rng.choice(["f", "m"], size=n),
        "postcode": often(rng.permutation(postcodes)),
    }


def write(path: Path, n: int, seed: int) -> None:
    """Write n people as CSV, without ids."""
    columns = people(n, seed)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(zip(*(columns[name].tolist() for name in COLUMNS), strict=True))
