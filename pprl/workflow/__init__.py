"""
The public verbs: one short function for each arrow between the parties.

At a custodian: `survey` and `suggest`, then `encode`, and `save` the package.  At the linkage
unit: `load`, `plan`, `link`.  With a known truth: `evaluate`.
"""

from pprl.workflow.custodian import Encoding, encode, encode_with_counts
from pprl.workflow.judgement import PAIR_COLUMNS, evaluate, read_pairs
from pprl.workflow.planning import plan
from pprl.workflow.preparation import suggest, survey
from pprl.workflow.unit import link, load, require_made_under

__all__ = [
    "PAIR_COLUMNS",
    "Encoding",
    "encode",
    "encode_with_counts",
    "evaluate",
    "link",
    "load",
    "plan",
    "read_pairs",
    "require_made_under",
    "suggest",
    "survey",
]
