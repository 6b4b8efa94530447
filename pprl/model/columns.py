"""
Columns of text, kept as the distinct values and an index into them.

A name occurs many times in a table.  Work on values (cleaning, hashing) is done once
for each distinct one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pprl.errors import DataError
from pprl.model.arrays import Codes, Mask, frozen

MISSING = -1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TextColumn:
    """One column of text, some of it missing.

    Parameters
    ----------
    codes : ndarray of int32, shape (n,)
        For each record the index of its value, or -1 where it has none.
    values : tuple of str
        The values.  Each is listed once by `from_texts`; a mapped column may repeat one.

    Examples
    --------
    >>> column = TextColumn.from_texts(["ann", None, "ann"])
    >>> column
    TextColumn(3 records, 1 values)
    >>> column.to_texts()
    ['ann', None, 'ann']
    """

    codes: Codes
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        codes = self.codes
        if codes.dtype != np.int32 or codes.ndim != 1:
            raise DataError("text column: wanted int32 codes in one dimension", code="column")
        if codes.size and (int(codes.min()) < MISSING or int(codes.max()) >= len(self.values)):
            raise DataError("text column: a code names no value", code="column")
        frozen(codes)

    @classmethod
    def from_texts(cls, texts: Iterable[str | None]) -> "TextColumn":
        """Make a column from texts; None is missing."""
        index: dict[str, int] = {}
        codes = [MISSING if text is None else index.setdefault(text, len(index)) for text in texts]
        return cls(np.array(codes, dtype=np.int32), tuple(index))

    def map(self, change: Callable[[str], str | None]) -> "TextColumn":
        """Apply a function to each distinct value; None makes it missing."""
        return self.replace([change(value) for value in self.values])

    def replace(self, values: Sequence[str | None]) -> "TextColumn":
        """Put other values in the place of the distinct ones; None is missing."""
        index: dict[str, int] = {}
        renamed = [MISSING if value is None else index.setdefault(value, len(index)) for value in values]
        table = np.array([*renamed, MISSING], dtype=np.int32)  # code -1 reads the last
        return TextColumn(table[self.codes], tuple(index))

    def present(self) -> Mask:
        """Say which records have a value, shape (n,)."""
        present: Mask = self.codes != MISSING
        return present

    def to_texts(self) -> list[str | None]:
        """Give the text of each record; None is missing."""
        values = (*self.values, None)
        return [values[code] for code in self.codes.tolist()]

    def __len__(self) -> int:
        return int(self.codes.size)

    def __repr__(self) -> str:
        return f"TextColumn({len(self)} records, {len(self.values)} values)"
