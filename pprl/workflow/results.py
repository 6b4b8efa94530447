"""
Results: the tables that `attach` and `join` give, to look at or to save.
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from pprl.exchange.payloads import write_payload

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TableResult:
    """A table for research, and how many people are in it.

    Parameters
    ----------
    table : pyarrow.Table
        Its rows have a key or a person in the place of identifiers.
    n_people : int
        People who have rows in it.
    """

    table: pa.Table
    n_people: int

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write it as CSV or Parquet, as the name ends."""
        write_payload(path, self.table, force=force)

    def to_arrow(self) -> pa.Table:
        """Give an Arrow table."""
        return self.table

    def to_pandas(self) -> "pd.DataFrame":
        """Give a pandas frame."""
        frame: pd.DataFrame = self.table.to_pandas()
        return frame

    def __len__(self) -> int:
        return int(self.table.num_rows)
