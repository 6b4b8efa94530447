"""
Evaluation: how good the links are.

*Precision* is the share of links that are true, *recall* the share of true pairs that
were linked.  Accuracy is never given: nearly all pairs are non-matches, so it is always
near one.
"""

from pprl.evaluation.quality import LinkageQuality, linkage_quality

__all__ = ["LinkageQuality", "linkage_quality"]
