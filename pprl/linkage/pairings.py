"""
Pairings: chosen pairs as the columns of links and of conflicts.
"""

from collections.abc import Sequence

import numpy as np

from pprl.linkage.evidence import Evidence
from pprl.linkage.parts import PassRule
from pprl.model import EncodedDataset
from pprl.model.arrays import Ids, Rows, Scores


def columns_of(
    left: EncodedDataset,
    right: EncodedDataset,
    evidence: Evidence,
    rules: Sequence[PassRule],
    chosen: Rows,
    probability: Scores,
) -> tuple[Rows, Rows, Ids, Ids, Scores, tuple[str, ...], Scores]:
    """Give rows, ids, similarity and pass of chosen pairs, and their probability, as `Links` takes them."""
    rows, partners = evidence.left[chosen], evidence.right[chosen]
    score, decided_by = _strongest(evidence, chosen, rules)
    return rows, partners, left.record_ids[rows], right.record_ids[partners], score, decided_by, probability


def _strongest(evidence: Evidence, chosen: Rows, rules: Sequence[PassRule]) -> tuple[Scores, tuple[str, ...]]:
    """Name for each pair the pass in which it is most alike, and its similarity there."""
    held = {name: np.nan_to_num(values[chosen], nan=-1.0) for name, values in evidence.likeness.items()}
    held |= {name: values[chosen].astype(np.float64) for name, values in evidence.equality.items()}
    names = [rule.name for rule in rules]
    scores = np.column_stack([held[name] for name in names])
    best = scores.argmax(axis=1) if chosen.size else np.zeros(0, dtype=np.int64)
    return scores[np.arange(chosen.size), best], tuple(names[place] for place in best.tolist())
