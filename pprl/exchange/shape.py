"""The shape of a table: which columns it has, and where something is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pprl.errors import DataError

MAX_COLUMNS = 4096
_ROWS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a table.

    Parameters
    ----------
    columns : sequence of str
        Names of the columns.
    what : str
        What the table is called in messages: where there are several, they must say which.
    options : mapping of str to str
        For a column that its reader may name otherwise, the option that does it.
    """

    columns: Sequence[str]
    what: str = "table"
    options: Mapping[str, str] = field(default_factory=dict)

    def of(self, path: Path) -> "Wanted":
        """Call the table by its file too."""
        return replace(self, what=f"{self.what} {path.name}")


def require_one_each(names: Sequence[str], wanted: Wanted) -> Mapping[str, int]:
    """Say in which place each column is, the first being 0.

    Names from the table are never repeated in a message: a table without a header has a
    person where the header should be.

    Raises
    ------
    DataError
        If a name occurs twice, a wanted column is not there, or there are too many.
    """
    if len(names) > MAX_COLUMNS:
        raise DataError(
            f"{wanted.what}: has {len(names)} columns, at most {MAX_COLUMNS} are read",
            code="too-many-columns",
        )
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        if not name.strip():
            continue  # Excel leaves empty columns at the end
        if name in places:
            raise DataError(
                f"{wanted.what}: columns {places[name] + 1} and {place + 1} have the same name",
                code="duplicate-column",
            )
        places[name] = place
    for name in wanted.columns:
        if name not in places:
            raise DataError(
                f"{wanted.what}: has no column {name!r}",
                code="no-column",
                hint=_near(name, names, wanted.options.get(name, "")),
            )
    return places


def place_of(rows: npt.NDArray[np.int64]) -> str:
    """Name the first few rows, counting from 1.

    Examples
    --------
    >>> place_of(np.array([2, 8]))
    'rows 3, 9'
    """
    shown = ", ".join(str(row + 1) for row in rows[:_ROWS_SHOWN].tolist())
    more = f" and {rows.size - _ROWS_SHOWN} more" if rows.size > _ROWS_SHOWN else ""
    return f"row{'s' if rows.size > 1 else ''} {shown}{more}"


def _near(name: str, names: Sequence[str], option: str) -> str:
    alike = [place + 1 for place, other in enumerate(names) if _plain(other) == _plain(name)]
    if alike:
        told = f"; name it with {option}" if option else ""
        return f"column {alike[0]} has that name in other letters or spacing{told}"
    if len(names) == 1:
        return "the header has one column: is the separator a comma?"
    told = f" Name yours with {option}" if option else ""
    return f"the header has {len(names)} columns; is the first row a header?{told}"


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
