"""
Evaluation: how good the links are.

*Precision* is the share of links that are true, *recall* the share of true pairs that
were linked.  Accuracy is never given: nearly all pairs are non-matches, so it is always
near one.
"""

from pprl.evaluation.blocking import BlockingQuality, blocking_quality
from pprl.evaluation.clusters import cluster_quality, cluster_quality_by_pairs
from pprl.evaluation.groups import GroupQuality, Groups, QualityByGroup, quality_by_group
from pprl.evaluation.intervals import Rate
from pprl.evaluation.pairs import IdPairs
from pprl.evaluation.quality import LinkageQuality, linkage_quality
from pprl.evaluation.sweep import Sweep, threshold_sweep

__all__ = [
    "BlockingQuality",
    "GroupQuality",
    "Groups",
    "IdPairs",
    "LinkageQuality",
    "QualityByGroup",
    "Rate",
    "Sweep",
    "blocking_quality",
    "cluster_quality",
    "cluster_quality_by_pairs",
    "linkage_quality",
    "quality_by_group",
    "threshold_sweep",
]
