"""
Privacy-preserving record linkage.

Data custodians encode identifiers under a shared secret; a linkage unit compares the
encodings without the secret and without a name.
"""

from typing import TYPE_CHECKING

from pprl.deferred import deferred

if TYPE_CHECKING:
    from pprl.agreement import Agreement as Agreement
    from pprl.comparison import compare as compare
    from pprl.errors import PprlError as PprlError
    from pprl.exchange.idmaps import IdMap as IdMap
    from pprl.exchange.idmaps import pseudonymise as pseudonymise
    from pprl.exchange.package import Package as Package
    from pprl.keys import LinkageKey as LinkageKey
    from pprl.model import BitMatrix as BitMatrix
    from pprl.model import EncodedDataset as EncodedDataset
    from pprl.model import ScoredPairs as ScoredPairs
    from pprl.reporting.linkage import report as report
    from pprl.version import __version__ as __version__
    from pprl.workflow import attach as attach
    from pprl.workflow import audit as audit
    from pprl.workflow import deduplicate as deduplicate
    from pprl.workflow import encode as encode
    from pprl.workflow import evaluate as evaluate
    from pprl.workflow import evaluate_clusters as evaluate_clusters
    from pprl.workflow import join as join
    from pprl.workflow import link as link
    from pprl.workflow import load as load
    from pprl.workflow import plan as plan
    from pprl.workflow import suggest as suggest
    from pprl.workflow import survey as survey

# Each public name, and the module that it is imported from when first used.
_HOMES = {
    "Agreement": "pprl.agreement",
    "BitMatrix": "pprl.model",
    "EncodedDataset": "pprl.model",
    "IdMap": "pprl.exchange.idmaps",
    "LinkageKey": "pprl.keys",
    "Package": "pprl.exchange.package",
    "PprlError": "pprl.errors",
    "ScoredPairs": "pprl.model",
    "__version__": "pprl.version",
    "attach": "pprl.workflow",
    "audit": "pprl.workflow",
    "compare": "pprl.comparison",
    "deduplicate": "pprl.workflow",
    "encode": "pprl.workflow",
    "evaluate": "pprl.workflow",
    "evaluate_clusters": "pprl.workflow",
    "join": "pprl.workflow",
    "link": "pprl.workflow",
    "load": "pprl.workflow",
    "plan": "pprl.workflow",
    "report": "pprl.reporting.linkage",
    "pseudonymise": "pprl.exchange.idmaps",
    "suggest": "pprl.workflow",
    "survey": "pprl.workflow",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one list of names, not two


__getattr__, __dir__ = deferred(__name__, _HOMES)
