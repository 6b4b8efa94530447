"""
The public verbs: one short function for each arrow between the parties.

At a custodian: `survey`, `suggest` and `audit`, then `encode`, and `save` the package.  At the linkage
unit: `load`, `plan`, `link`.  After it: `attach` at a custodian, `join` in the research environment.
With a known truth: `evaluate`.
"""

from typing import TYPE_CHECKING

from pprl.deferred import deferred

if TYPE_CHECKING:
    from pprl.workflow.attaching import Attached as Attached
    from pprl.workflow.attaching import attach as attach
    from pprl.workflow.auditing import audit as audit
    from pprl.workflow.custodian import Encoding as Encoding
    from pprl.workflow.custodian import encode as encode
    from pprl.workflow.custodian import encode_with_counts as encode_with_counts
    from pprl.workflow.judgement import PAIR_COLUMNS as PAIR_COLUMNS
    from pprl.workflow.judgement import evaluate as evaluate
    from pprl.workflow.judgement import evaluate_candidates as evaluate_candidates
    from pprl.workflow.judgement import evaluate_clusters as evaluate_clusters
    from pprl.workflow.judgement import evaluate_groups as evaluate_groups
    from pprl.workflow.judgement import evaluate_sweep as evaluate_sweep
    from pprl.workflow.judgement import read_pairs as read_pairs
    from pprl.workflow.judgement import read_scored as read_scored
    from pprl.workflow.planning import plan as plan
    from pprl.workflow.preparation import suggest as suggest
    from pprl.workflow.preparation import survey as survey
    from pprl.workflow.research import Joined as Joined
    from pprl.workflow.research import join as join
    from pprl.workflow.several import deduplicate as deduplicate
    from pprl.workflow.several import link as link
    from pprl.workflow.unit import load as load
    from pprl.workflow.unit import require_made_under as require_made_under

# Each verb, and the module that it is imported from when first used: whoever signs an agreement
# should not wait for a linkage.
_HOMES = {
    "Attached": "pprl.workflow.attaching",
    "Encoding": "pprl.workflow.custodian",
    "Joined": "pprl.workflow.research",
    "PAIR_COLUMNS": "pprl.workflow.judgement",
    "attach": "pprl.workflow.attaching",
    "audit": "pprl.workflow.auditing",
    "deduplicate": "pprl.workflow.several",
    "encode": "pprl.workflow.custodian",
    "encode_with_counts": "pprl.workflow.custodian",
    "evaluate": "pprl.workflow.judgement",
    "evaluate_candidates": "pprl.workflow.judgement",
    "evaluate_clusters": "pprl.workflow.judgement",
    "evaluate_groups": "pprl.workflow.judgement",
    "evaluate_sweep": "pprl.workflow.judgement",
    "join": "pprl.workflow.research",
    "link": "pprl.workflow.several",
    "load": "pprl.workflow.unit",
    "plan": "pprl.workflow.planning",
    "read_pairs": "pprl.workflow.judgement",
    "read_scored": "pprl.workflow.judgement",
    "require_made_under": "pprl.workflow.unit",
    "suggest": "pprl.workflow.preparation",
    "survey": "pprl.workflow.preparation",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one list of names, not two


__getattr__, __dir__ = deferred(__name__, _HOMES)
