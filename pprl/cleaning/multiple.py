"""
Fields with several values: aliases, former surnames, former postcodes.

Each value is cleaned by itself.  A record's values are kept as one text, with a separator
that no cleaned text holds, and are alike to another's as far as any of them is.
"""

from collections.abc import Sequence

from pprl.model.columns import MISSING, TextColumn

BETWEEN = "\x1f"  # the information separator of ASCII; cleaning removes control characters


def alternatives(value: str) -> list[str]:
    """Give the values that a text stands for.

    Examples
    --------
    >>> alternatives(joined(["smith", "jones", "smith"]))
    ['jones', 'smith']
    """
    return value.split(BETWEEN)


def joined(values: Sequence[str]) -> str:
    """Make one text of several values, each once, in order."""
    return BETWEEN.join(sorted(set(values)))


def beside(columns: Sequence[TextColumn]) -> TextColumn:
    """Make one column of several: each record's values in all of them.

    Examples
    --------
    >>> column = beside([TextColumn.from_texts(["a", None]), TextColumn.from_texts(["b", None])])
    >>> [text and alternatives(text) for text in column.to_texts()]
    [['a', 'b'], None]
    """
    if len(columns) == 1:
        return columns[0]
    rows = zip(*(column.codes.tolist() for column in columns), strict=True)
    made: dict[tuple[int, ...], str | None] = {}
    return TextColumn.from_texts(_text_of(row, columns, made) for row in rows)


def _text_of(
    row: tuple[int, ...], columns: Sequence[TextColumn], made: dict[tuple[int, ...], str | None]
) -> str | None:
    if row not in made:
        held = [column.values[code] for column, code in zip(columns, row, strict=True) if code != MISSING]
        made[row] = joined([value for value in held if value.strip()]) or None
    return made[row]
