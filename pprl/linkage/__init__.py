"""
Linkage: which pairs are one person.

A *link* says that two records are held to be one person.  *Resolving* turns scored pairs,
in which a record may occur many times, into links, in which it occurs at most once.
Nothing here knows an identifier or a secret.
"""

from pprl.linkage.deciding import decide
from pprl.linkage.multipass import link_datasets
from pprl.linkage.parts import CandidatesName, PassRule, forget_checkpoint
from pprl.linkage.resolving import Resolution, symmetric_best_match
from pprl.linkage.results import LinkageResult
from pprl.linkage.target import Target

__all__ = [
    "CandidatesName",
    "LinkageResult",
    "PassRule",
    "Resolution",
    "Target",
    "decide",
    "forget_checkpoint",
    "link_datasets",
    "symmetric_best_match",
]
