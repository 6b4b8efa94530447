"""
Nouns: immutable, columnar, validated once when made.

A *record* is a row of one party's table; a *field* is something known of a person;
a *pass* is one set of fields encoded together.  There is no I/O here, no algorithm
and no key.
"""

from pprl.model.bits import BitMatrix
from pprl.model.clusters import Clusters
from pprl.model.columns import TextColumn
from pprl.model.encoded import CheckTags, EncodedDataset
from pprl.model.links import Conflicts, Links
from pprl.model.pairs import ScoredPairs
from pprl.model.provenance import Provenance

__all__ = [
    "BitMatrix",
    "CheckTags",
    "Clusters",
    "Conflicts",
    "EncodedDataset",
    "Links",
    "Provenance",
    "ScoredPairs",
    "TextColumn",
]
