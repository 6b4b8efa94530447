"""
Every number of an audit, as it may be shown.

The page, the text and the JSON are made of this record.  Counts of people are protected; shares
are of a sample that was attacked for the purpose, and of groups of 50 people or more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from pprl.agreement import Agreement
from pprl.auditing.frontier import LIMIT, RULE, Frontier, Point
from pprl.auditing.measures import JointLeakage, Leakage
from pprl.auditing.results import AuditResult
from pprl.auditing.scenes import Finding
from pprl.auditing.served import FEWEST_OF_GROUP, Group, Rate, Served
from pprl.auditing.sweep import CONTROL, Outcome, Trial
from pprl.auditing.views import Hardening
from pprl.encoding.hardening import Diffuse, Step
from pprl.model import Provenance
from pprl.reporting.disclosure import protected
from pprl.reporting.linkage_numbers import agreement_record

Record = dict[str, Any]
DIGITS = 4


def audit_record(found: AuditResult, agreement: Agreement) -> Record:
    """Give an audit for programs, and for the page.

    Parameters
    ----------
    found : AuditResult
        What `pprl.audit` gave.
    agreement : Agreement
        The agreement of the audit.
    """
    return {
        "records": protected(found.n_table),
        "attacked": protected(found.n_records),
        "seed": found.seed,
        "control_asked": CONTROL,
        "attacks": [_outcome(one) for one in found.outcomes],
        "worst": None
        if found.worst is None
        else _outcome(found.worst) | {"trials": [_trial(found.worst.worst)]},
        "leakage": [
            {
                "pass": one.name,
                "fill_before_hardening": round(one.fill, DIGITS),
                "agreed": _leakage(one.agreed),
                "plain": _leakage(one.plain),
            }
            for one in found.leakage
        ],
        "joint": None
        if found.joint is None
        else {"agreed": _joint(found.joint.agreed), "plain": _joint(found.joint.plain)},
        "noise": [
            {"pass": name, "verdict": one.verdict, "protects": one.protects} for name, one in found.noise
        ],
        "with_the_key": _finding(found.dictionary),
        "frontier": _frontier(found.frontier),
        "served": None if found.served is None else _served(found.served),
        "left_out": list(found.left_out),
        "cpu_seconds": round(found.cpu_seconds, 1),
        "agreement": agreement_record(agreement),
        "fingerprint": found.fingerprint,
        "provenance": Provenance.current().to_dict(),
    }


def _frontier(found: Frontier) -> Record:
    names, recommended = _names_of(found.points), found.recommended
    return {
        "passes": [one.name for one in found.views],
        "false_share": found.false_share,
        "leaked": found.n_told,
        "limit": LIMIT,
        "rule": RULE,
        "chains": [
            _point(one, name) | {"recommended": one is recommended}
            for one, name in zip(found.points, names, strict=True)
        ],
        "recommended": next(
            (name for one, name in zip(found.points, names, strict=True) if one is recommended), None
        ),
    }


def _names_of(points: Sequence[Point]) -> list[str]:
    """Name the chains; where two differ in their length alone, with it."""
    names = [_several(chain_of(steps) for steps in one.hardenings) for one in points]
    lengths = [_several(map(_diffused_to, one.hardenings)) for one in points]
    return [
        f"{name}, {n_bits} bits" if names.count(name) > 1 and n_bits else name
        for name, n_bits in zip(names, lengths, strict=True)
    ]


def _several(said: Iterable[str]) -> str:
    """Name what the passes have, once where it is the same for all."""
    each = list(said)
    return each[0] if len(set(each)) == 1 else " / ".join(one or "-" for one in each)


def _diffused_to(steps: Hardening) -> str:
    return next((str(step.n_bits) for step in steps if isinstance(step, Diffuse)), "")


def chain_of(steps: Hardening) -> str:
    """Name a chain of hardening, whatever its steps are.

    Examples
    --------
    >>> from pprl.encoding.hardening import Balance, Diffuse
    >>> chain_of(()), chain_of((Diffuse(t=2, n_bits=1024), Balance()))
    ('none', 'diffuse t = 2 + balance')
    """
    return " + ".join(_step(one) for one in steps) or "none"


def _step(one: Step) -> str:
    tag = str(one.__struct_config__.tag)
    t = getattr(one, "t", None)
    return tag if t is None else f"{tag} t = {t}"


def _outcome(one: Outcome) -> Record:
    return {
        "attack": one.kind.name,
        "title": one.control.attack,
        "scenario": one.kind.scenario,
        "source": one.kind.source,
        "pass": one.view.name,
        "too_weak": one.too_weak,
        "control": _finding(one.control),
        "trials": [_trial(trial) for trial in one.trials],
        "assumptions": list(one.control.assumptions),
        "cpu_seconds": round(
            one.control.cpu_seconds + sum(trial.finding.cpu_seconds for trial in one.trials), 2
        ),
    }


def _trial(one: Trial) -> Record:
    setting = one.setting
    return {
        "records": protected(setting.n_records),
        "overlap": setting.overlap,
        "noisy": setting.noisy,
        "leaked": setting.n_leaked,
        "keys": one.n_keys,
        **_finding(one.finding),
    }


def _finding(one: Finding) -> Record:
    return {
        "targets": protected(one.n_targets),
        "value": round(one.share, DIGITS),
        "low": round(max(one.low, 0.0), DIGITS),
        "high": round(min(one.high, 1.0), DIGITS),
        "blind": round(one.blind, DIGITS),
        "cpu_seconds": round(one.cpu_seconds, 2),
    }


def _leakage(one: Leakage) -> Record:
    return {
        "bits": one.n_bits,
        "unique_filters": round(one.unique_filters, DIGITS),
        "unique_weights": round(one.unique_weights, DIGITS),
        "unique_profiles": round(one.unique_profiles, DIGITS),
        "bit_frequency": _rounded(asdict(one.bits)),
        "weight_mean": round(one.weight_mean, 1),
        "weight_deviation": round(one.weight_deviation, 2),
        "weight_by_length": round(one.weight_by_length, DIGITS),
        "co_occurrence": _rounded(asdict(one.columns)),
        "rho": round(one.rho, DIGITS),
        "rho_top": round(one.rho_top, DIGITS),
        "vulnerable": _rounded(dict(one.vulnerable)),
    }


def _joint(one: JointLeakage) -> Record:
    return {"passes": list(one.names)} | _rounded(
        {
            name: getattr(one, name)
            for name in ("unique_weights", "unique_profiles", "rho", "rho_top", "rho_best", "rho_top_best")
        }
    )


def _point(one: Point, name: str) -> Record:
    return {
        "chain": name,
        "agreed": one.agreed,
        "pass": None if one.best_pass is None else one.best_pass.pass_name,
        "threshold": None if one.best_pass is None else one.best_pass.threshold,
        "recall": None if one.recall is None else round(min(one.recall, 1.0), DIGITS),
        "found": [{"attack": each.attack, **_finding(each)} for each in one.findings],
        "worst": None if one.worst is None else {"attack": one.worst.attack, **_finding(one.worst)},
    }


def _served(one: Served) -> Record:
    return {
        "pass": one.view_name,
        "attack": one.attack,
        "leaked": one.n_leaked,
        "thresholds": dict(one.thresholds),
        "groups": [_group(each) for each in one.groups],
        "small_groups": one.n_small,
        "fewest": FEWEST_OF_GROUP,
    }


def _group(one: Group) -> Record:
    return {
        "name": one.name,
        "found_by_attack": _rate(one.found_by_attack),
        "found_by_linkage": None if one.found_by_linkage is None else _rate(one.found_by_linkage),
    }


def _rate(one: Rate) -> Record:
    return {
        "people": protected(one.n),
        "value": round(one.share, 3),
        "low": round(max(one.low, 0.0), 3),
        "high": round(min(one.high, 1.0), 3),
    }


def _rounded(record: Record) -> Record:
    return {name: round(float(value), DIGITS) for name, value in record.items()}
