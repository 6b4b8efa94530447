"""
Comparison: which pairs of records are alike, and how alike.

A *pair* is one row of the left side and one of the right.  Its *overlap* is the number
of bits set in both, its *score* the similarity made of the overlap and the two
popcounts, and it *qualifies* when the score reaches the *threshold*.  A row without a
bit is an absent record.
"""

from pprl.comparison.candidates import AllPairs, Candidates, SharedTags
from pprl.comparison.engine import compare
from pprl.comparison.equality import crowded_rows, equal_pairs
from pprl.comparison.tags import drop_large_blocks

__all__ = [
    "AllPairs",
    "Candidates",
    "SharedTags",
    "compare",
    "crowded_rows",
    "drop_large_blocks",
    "equal_pairs",
]
