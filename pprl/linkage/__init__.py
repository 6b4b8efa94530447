"""
Linkage: which pairs are one person.

A *link* says that two records are held to be one person.  *Resolving* turns scored pairs,
in which a record may occur many times, into links, in which it occurs at most once.
Nothing here knows an identifier or a secret.
"""

from pprl.linkage.deciding import decide
from pprl.linkage.evidence import Evidence
from pprl.linkage.labelled import Labelled, calibrated, precision_above
from pprl.linkage.linkagekeys import assign_record_keys
from pprl.linkage.mixture import mixture_weights, strangers_within
from pprl.linkage.multipass import link_datasets
from pprl.linkage.parts import CandidatesName, PassRule, forget_checkpoint
from pprl.linkage.resolving import Resolution, symmetric_best_match
from pprl.linkage.results import LinkageResult
from pprl.linkage.several import clusters_of_links
from pprl.linkage.target import Target

__all__ = [
    "CandidatesName",
    "Evidence",
    "Labelled",
    "LinkageResult",
    "PassRule",
    "Resolution",
    "Target",
    "assign_record_keys",
    "calibrated",
    "clusters_of_links",
    "decide",
    "forget_checkpoint",
    "link_datasets",
    "mixture_weights",
    "precision_above",
    "strangers_within",
    "symmetric_best_match",
]
