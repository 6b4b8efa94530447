"""
What an audit found: numbers alone, and never a name, a guess or a filter.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pprl.auditing.frontier import Frontier
from pprl.auditing.measures import PassesLeakage, PassLeakage
from pprl.auditing.noise import NoiseFinding
from pprl.auditing.scenes import Finding
from pprl.auditing.served import Served
from pprl.auditing.sweep import Outcome

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, repr=False)
class AuditResult:
    """What an attacker would learn from a custodian's encodings.

    Parameters
    ----------
    fingerprint : str
        Of the agreement.
    n_table, n_records : int
        Records of the table, and those that were attacked.
    seed : int
        Of the sample, the scenes and the guesses.
    outcomes : tuple of Outcome
        By pass, or all passes together, and attack.
    leakage : tuple of PassLeakage
        Without an attacker, by pass.
    joint : PassesLeakage or None
        Of the passes together; None for a single one, or where fewer than 100 records are in all.
    noise : tuple of (str, NoiseFinding)
        Passes that add noise, and what it is worth.
    dictionary : Finding
        With the key in hand: the reminder.
    frontier : Frontier
        Recall and success under several chains.
    served : Served or None
        Kinds of people; None where every attack was too weak.
    left_out : tuple of str
        What was not looked at, and why.
    cpu_seconds : float
        Processor time of all of it.
    """

    fingerprint: str
    n_table: int
    n_records: int
    seed: int
    outcomes: tuple[Outcome, ...]
    leakage: tuple[PassLeakage, ...]
    joint: PassesLeakage | None
    noise: tuple[tuple[str, NoiseFinding], ...]
    dictionary: Finding
    frontier: Frontier
    served: Served | None
    left_out: tuple[str, ...]
    cpu_seconds: float

    @property
    def worst(self) -> Outcome | None:
        """The attack that found most, of those that passed their control; None if none did."""
        strong = [one for one in self.outcomes if not one.too_weak]
        return max(strong, key=lambda one: (one.worst.finding.share, one.worst.finding.low), default=None)

    def to_pandas(self) -> "pd.DataFrame":
        """Give a row for every trial, with its control."""
        import pandas as pd

        rows = [
            {
                "pass": one.view.name,
                "attack": one.kind.name,
                "records": trial.setting.n_records,
                "overlap": trial.setting.overlap,
                "noisy": trial.setting.noisy,
                "leaked": trial.setting.n_leaked,
                "targets": trial.finding.n_targets,
                "share": trial.finding.share,
                "low": trial.finding.low,
                "high": trial.finding.high,
                "control": one.control.share,
                "too_weak": one.too_weak,
                "cpu_seconds": trial.finding.cpu_seconds,
            }
            for one in self.outcomes
            for trial in one.trials
        ]
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        n_trials = sum(len(one.trials) for one in self.outcomes)
        worst = self.worst
        found = f"at most {worst.worst.finding.share:.1%} found" if worst else "every attack too weak"
        return f"AuditResult({n_trials} trials on {self.n_records} records, {found})"
