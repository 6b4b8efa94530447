"""What is said beside the result of a linkage: notes and warnings."""

from collections.abc import Mapping

from pprl.agreement import Agreement
from pprl.cli.console import note
from pprl.linkage import LinkageResult


def note_thresholds(agreed: Agreement, pairs: Mapping[tuple[str, str], LinkageResult]) -> None:
    """Note which links were made by thresholds although the agreement has another target.

    Parameters
    ----------
    agreed : Agreement
        The agreement of the linkage.
    pairs : mapping of (str, str) to LinkageResult
        What was found, by the names of the two parties, or of the one with itself.
    """
    if agreed.matching.target == "thresholds":
        return
    small = [" and ".join(dict.fromkeys(names)) for names, one in pairs.items() if one.judgement is None]
    if small:
        which = "" if len(small) == len(pairs) else f"{'; '.join(small)}: "
        note(f"note: {which}files this small have no decoys, so passes link at their own thresholds")
