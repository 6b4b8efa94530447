"""
Comparison: which pairs of records are alike, and how alike.

A *pair* is one row of the left side and one of the right.  Its *overlap* is the number
of bits set in both, its *score* the similarity made of the overlap and the two
popcounts, and it *qualifies* when the score reaches the *threshold*.  A row without a
bit is an absent record.
"""

from pprl.comparison.engine import compare
from pprl.comparison.equality import crowded_rows, equal_pairs

__all__ = ["compare", "crowded_rows", "equal_pairs"]
