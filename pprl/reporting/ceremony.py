"""
Where a ceremony stands, for people and for programs.
"""

from typing import Any

from pprl.exchange.words import words_of
from pprl.reporting.text import columns
from pprl.workflow.ceremony import Standing

_STEPS = ("committed", "opened", "closed")


def describe_standing(standing: Standing) -> str:
    """Write as a table who has come how far, and below it what is waited for.

    Examples
    --------
    >>> both = frozenset({"hospital", "trust"})
    >>> print(describe_standing(Standing("trust", ("hospital", "trust"), (), both, frozenset({"trust"}),
    ...     frozenset(), {"hospital": "1-for-2.age"})))
    number  party        committed  opened  closed
    1       hospital     yes        -       -
    2       trust (you)  yes        yes     -
    <BLANKLINE>
    waiting for hospital: 1-for-2.age
    """
    rows = [
        (
            str(number),
            f"{name} (you)" if name == standing.party else name,
            *("yes" if name in getattr(standing, step) else "-" for step in _STEPS),
        )
        for number, name in enumerate(standing.custodians, start=1)
    ]
    lines = [columns([("number", "party", *_STEPS), *rows]), ""]
    lines += [f"waiting for {name}: {file}" for name, file in standing.missing.items()]
    if standing.done and standing.tags is not None:
        lines.append("done: all custodians have the same secret, and software that encodes alike")
        lines.append(f"key-check tag in words: {' '.join(words_of(standing.tags.key))}")
    return "\n".join(lines)


def standing_record(standing: Standing) -> dict[str, Any]:
    """Give where it stands as JSON values; there is no secret in it."""
    return {
        "done": standing.done,
        "party": standing.party,
        "custodians": list(standing.custodians),
        **{step: sorted(getattr(standing, step)) for step in _STEPS},
        "missing": dict(standing.missing),
        "did": list(standing.did),
        "key_tag": standing.tags.key if standing.tags else None,
        "encoder_tag": standing.tags.encoder if standing.tags else None,
    }
