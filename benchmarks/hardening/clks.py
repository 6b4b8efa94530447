"""
CLKs as the pilot made them: `k` positions for each distinct padded bigram of each field.

Every token sets as many positions as any other, each field under a key of its own.  Made from
the library's hashing alone, because the salt is not the library's (a record without a date of
birth keeps its tokens here).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pprl import BitMatrix
from pprl.encoding.hashing import position_table
from pprl.encoding.tokens import QGrams
from pprl.keys import ProjectKey

FIELDS = ("given_name", "surname", "date_of_birth", "suburb", "postcode")
BIGRAMS = QGrams(q=2)

Token = tuple[str, str]  # field and bigram


@dataclass(frozen=True, slots=True, repr=False)
class Tokenised:
    """Two tables as tokens: entry by entry a record and one of its tokens, which are numbered for both."""

    vocabulary: tuple[Token, ...]
    entries: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]  # each of shape (2, n)
    n_records: tuple[int, int]

    @classmethod
    def of(cls, tables: Sequence[pd.DataFrame], *, salted: bool) -> "Tokenised":
        """Cut two tables; salted, the year of birth is part of every token."""
        records = [[_tokens(row, salted=salted) for row in _texts(table)] for table in tables]
        vocabulary = tuple(sorted(set().union(*(tokens for side in records for tokens in side))))
        number = {token: place for place, token in enumerate(vocabulary)}
        left, right = (_entries(side, number) for side in records)
        return cls(vocabulary, (left, right), (len(records[0]), len(records[1])))

    def presence(self) -> list[BitMatrix]:
        """Give the token sets themselves, a bit for each token of the vocabulary."""
        return self._scattered(np.arange(len(self.vocabulary))[:, None], n_bits=len(self.vocabulary))

    def clks(self, key: ProjectKey, *, k: int, n_bits: int) -> list[BitMatrix]:
        """Give one CLK for each record of the two tables."""
        positions = np.empty((len(self.vocabulary), k), dtype=np.int64)
        for field in FIELDS:
            own = [place for place, (name, _) in enumerate(self.vocabulary) if name == field]
            bigrams = [self.vocabulary[place][1] for place in own]
            positions[own] = position_table(
                key.derive("field", field), bigrams, [k] * len(own), n_bits=n_bits
            )
        return self._scattered(positions, n_bits=n_bits)

    def _scattered(self, positions: npt.NDArray[np.int64], *, n_bits: int) -> list[BitMatrix]:
        made = []
        for (records, tokens), n_records in zip(self.entries, self.n_records, strict=True):
            bits = np.zeros((n_records, n_bits), dtype=np.bool_)
            bits[records[:, None], positions[tokens]] = True
            made.append(BitMatrix.from_bools(bits))
        return made


def _texts(table: pd.DataFrame) -> Iterable[tuple[str, ...]]:
    return table[list(FIELDS)].fillna("").astype(str).itertuples(index=False, name=None)


def _tokens(row: Sequence[str], *, salted: bool) -> set[Token]:
    by_field = dict(zip(FIELDS, row, strict=True))
    salt = f"{by_field['date_of_birth'][:4]}:" if salted else ""
    return {(field, salt + gram) for field, text in by_field.items() for gram in BIGRAMS(text)}


def _entries(side: Sequence[set[Token]], number: dict[Token, int]) -> npt.NDArray[np.int64]:
    pairs = [(record, number[token]) for record, tokens in enumerate(side) for token in sorted(tokens)]
    return np.array(pairs, dtype=np.int64).T
