"""
The public verbs: one short function for each arrow between the parties.

At a custodian: `survey`, `suggest` and `audit`, then `encode`, and `save` the package.  At the linkage
unit: `load`, `plan`, `link`.  After it: `attach` at a custodian, `join` in the research environment.
With a known truth: `evaluate`.
"""

from pprl.workflow.attaching import Attached, attach
from pprl.workflow.auditing import audit
from pprl.workflow.custodian import Encoding, encode, encode_with_counts
from pprl.workflow.judgement import (
    PAIR_COLUMNS,
    evaluate,
    evaluate_candidates,
    evaluate_clusters,
    evaluate_groups,
    evaluate_sweep,
    read_pairs,
    read_scored,
)
from pprl.workflow.planning import plan
from pprl.workflow.preparation import suggest, survey
from pprl.workflow.research import Joined, join
from pprl.workflow.several import deduplicate, link
from pprl.workflow.unit import load, require_made_under

__all__ = [
    "PAIR_COLUMNS",
    "Attached",
    "Encoding",
    "Joined",
    "attach",
    "audit",
    "deduplicate",
    "encode",
    "encode_with_counts",
    "evaluate",
    "evaluate_candidates",
    "evaluate_clusters",
    "evaluate_groups",
    "evaluate_sweep",
    "join",
    "link",
    "load",
    "plan",
    "read_pairs",
    "read_scored",
    "require_made_under",
    "suggest",
    "survey",
]
